//! Classification of batches of encrypted inputs.

pub mod device;
pub mod math;
pub mod model;
pub mod ring;
pub mod scheme;
