//! Where tiles of ciphertexts are worked on: one trait, two sides.
//!
//! An [`Engine`] is a device opened for one basis and one relinearisation key. It knows residues
//! and integer matrices, no network and no secret.

pub(crate) mod check;
mod choice;
pub mod cpu;
mod engine;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod naive;

pub use choice::Device;
pub use engine::{DeviceError, Engine, Fill, Layer, Operator, Term, Took, Traffic};
