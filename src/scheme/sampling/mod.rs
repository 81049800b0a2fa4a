//! Randomness: every draw is the keystream of ChaCha20 under a seed of the operating system.
//!
//! All maps from words to values are by integers, and the same on every instruction set; that of
//! [`uniform`] is part of the format in which ciphertexts travel.

mod error;
#[allow(unsafe_code, reason = "vectors are loaded and stored by address")]
mod keystream;
mod ternary;
#[allow(unsafe_code, reason = "vectors are loaded and stored by address")]
mod uniform;

pub use error::ERROR_STD;
pub(super) use error::{LARGEST as LARGEST_ERROR, errors};
pub(super) use keystream::Keystream;
pub(super) use ternary::ternary;
pub(super) use uniform::uniform;

use zeroize::Zeroizing;

/// The seed of a ChaCha20 stream.
pub type Seed = [u8; 32];

/// The operating system refused to give random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct EntropyError(#[from] getrandom::Error);

/// A fresh seed from the operating system.
pub(crate) fn fresh_seed() -> Result<Zeroizing<Seed>, EntropyError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed)?;
    Ok(seed)
}

/// Fresh bytes that nobody needs to hide.
pub(crate) fn fresh_public<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ() {
        assert_ne!(*fresh_seed().unwrap(), *fresh_seed().unwrap());
    }
}
