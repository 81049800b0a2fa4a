//! How large things may get before they are refused.
//!
//! A file of a few bytes can claim a value of 2^60 entries; a limit turns that into an error.
//! Encrypted, each entry is a ciphertext of at least 64 KiB, so real networks stay far below.

use super::{ModelError, Result};

/// Entries of one value, of one sample: 2^24, 128 MiB in `f64`.
pub(super) const VALUE_ENTRIES: usize = 1 << 24;

/// Stored entries of one sparse matrix: 2^27, 1.5 GiB.
pub(super) const MATRIX_ENTRIES: usize = 1 << 27;

/// The entries of a shape, if there is at least one and at most [`VALUE_ENTRIES`].
pub(super) fn entries(node: &str, what: &str, shape: &[usize]) -> Result<usize> {
    let size = shape.iter().fold(1u128, |product, &dim| product.saturating_mul(dim as u128));
    if size == 0 {
        return Err(ModelError::Shape {
            node: node.into(),
            op: what.into(),
            expected: "at least one entry along every axis".into(),
            found: format!("shape {shape:?}"),
        });
    }
    check(node, &format!("{what} of shape {shape:?}"), size, VALUE_ENTRIES)?;
    Ok(size as usize)
}

/// Refuses a size beyond a limit.
pub(super) fn check(node: &str, what: &str, size: u128, limit: usize) -> Result<()> {
    if size > limit as u128 {
        return Err(ModelError::TooLarge { node: node.into(), what: what.into(), size, limit });
    }
    Ok(())
}
