//! Why inputs are not encrypted, or answers not decrypted.

use crate::messages::Foreign;
use crate::scheme::EntropyError;
use crate::wire::WireError;
use thiserror::Error;

/// Why inputs are not encrypted, or answers not decrypted.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum ClientError {
    /// The array is not `[images, …]` with the network's input shape after the count.
    #[error("inputs have shape {found:?}; [count, …] with {expected:?} after the count is needed")]
    InputShape { found: Vec<usize>, expected: Vec<usize> },
    /// A value that is no number, which no range can hold.
    #[error(
        "input {image} holds {value} at position {position}; only finite numbers can be encrypted"
    )]
    NotFinite { image: usize, position: usize, value: f32 },
    /// An answer of another plan, or under another key.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// An answer that no server of this plan gives.
    #[error("the answer is damaged: {what}")]
    Damaged { what: String },
    /// Results that no batch within the plan's ranges has.
    #[error(
        "the batch has overflowed: its results have size {size:.3e}, and the plan holds {limit:.3e} at \
         most; an input unlike all of the calibration batch made values grow in some layer, which \
         spoils all results of its batch. Plan with more typical inputs (--calibration) or \
         polynomials of a lower degree"
    )]
    Overflow { size: f64, limit: f64 },
    /// Results that a flood would drown.
    #[error(
        "results up to {range:.3} with an error of {error:.2e} cannot be shared at {bits} bits: the flood \
         for {values} values has a standard deviation of {flood:.2e}, and at most an eighth of the range \
         leaves something of them. Make the plan {missing:.1} bits more precise (`plan --precision`), \
         share fewer values, or ask for fewer bits (`--share BITS`)"
    )]
    Drowned { range: f64, error: f64, bits: u32, values: u64, flood: f64, missing: f64 },
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A secret key that is not read or written.
    #[error(transparent)]
    Wire(#[from] WireError),
}
