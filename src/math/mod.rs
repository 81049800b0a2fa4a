//! One residue: primes below 2³¹, arithmetic modulo one of them, and the naive oracles
//! that every faster implementation is tested against.

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "an instruction that reads nothing")]
pub(crate) mod ahead;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "the operating system is asked")]
mod amx;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "vectors are loaded and stored by address")]
pub(crate) mod lazy;
mod lines;
mod modulus;
pub mod naive;
mod prime;
pub mod simd;
#[allow(unsafe_code, reason = "vectors are loaded and stored by address")]
pub(crate) mod words;

pub(crate) use lines::Lines;
pub use modulus::{Modulus, Shoup};
pub use prime::{is_prime, primes_below, primitive_root_of_unity};

/// Residues are below every prime, and primes are below this bound, so that the sum of two
/// residues fits 32 bits.
pub const PRIME_BOUND: u32 = 1 << 31;
