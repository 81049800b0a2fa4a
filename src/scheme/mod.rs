//! The leveled RLWE scheme over the real ring. The only room that sees secrets: [`SecretKey`] is
//! used by the client alone; devices, schedule and server see [`RelinKey`] and ciphertexts.

mod ciphertext;
mod decrypt;
mod encoding;
mod encrypt;
mod message;
pub mod noise;
mod params;
mod relin;
mod sampling;
mod secret;
mod switch;
#[cfg(test)]
mod tests;

pub use ciphertext::SeededTile;
pub use encoding::Encoder;
pub use encrypt::Encoding;
pub use params::{ParameterError, Parameters, ParametersLiteral, log2_q_bound, secure_degrees};
pub use relin::RelinKey;
pub use sampling::{ERROR_STD, EntropyError, Seed};
pub(crate) use sampling::{fresh_public, fresh_seed};
pub use secret::SecretKey;
pub use switch::{Digits, Switch};
