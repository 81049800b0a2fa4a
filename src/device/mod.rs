//! Where tiles of ciphertexts are worked on: one trait, two sides.
//!
//! An [`Engine`] is a device opened for one basis and one relinearisation key. It knows residues
//! and integer matrices, no network and no secret.

pub(crate) mod check;
mod choice;
#[allow(unsafe_code, reason = "vectors are loaded and stored by address")]
pub mod cpu;
mod engine;
#[cfg(feature = "gpu")]
#[allow(unsafe_code, reason = "shaders without checks at run time")]
pub mod gpu;
pub mod naive;

pub use choice::Device;
pub use engine::{Affine, DeviceError, Engine, Fill, Layer, Operator, Term, Took, Traffic};
