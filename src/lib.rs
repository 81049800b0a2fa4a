//! Classification of batches of encrypted inputs.

mod client;
pub mod device;
pub mod math;
mod messages;
pub mod model;
pub mod plan;
pub mod ring;
pub mod schedule;
pub mod scheme;
mod server;

pub use client::{Client, ClientError};
pub use device::{Device, DeviceError};
pub use messages::{EncryptedAnswer, EncryptedBatch, EvaluationKeys, ForeignPlan};
pub use model::{ModelError, Network};
pub use plan::{Plan, PlanError, PlanOptions};
pub use schedule::Timing;
pub use server::{Server, ServerError};
