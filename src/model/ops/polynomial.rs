//! A polynomial of every entry, with coefficients per network, channel or entry.

use ndarray::{ArrayD, IxDyn};

/// `y = Σ_k coefficients[k] · x^k`, entry by entry.
///
/// Every coefficient is an array that broadcasts (NumPy's rule: aligned at the last axis) to the
/// value's shape: `[]` for one number, `[C, 1, 1]` per channel of `[C, H, W]`, `[I]` per entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Polynomial {
    /// From degree 0 upwards; never empty in a network.
    pub coefficients: Vec<ArrayD<f64>>,
}

impl Polynomial {
    /// One polynomial for all entries, low degree first.
    pub fn uniform(coefficients: &[f64]) -> Self {
        let coefficients = coefficients.iter().map(|&c| ArrayD::from_elem(IxDyn(&[]), c)).collect();
        Polynomial { coefficients }
    }

    /// One polynomial per channel, for values of `rank` axes with the channel first:
    /// `coefficients[k][channel]` multiplies the k-th power.
    pub fn per_channel(coefficients: &[Vec<f64>], rank: usize) -> Self {
        let coefficients = coefficients
            .iter()
            .map(|row| {
                let mut shape = vec![1; rank.max(1)];
                shape[0] = row.len();
                let flat = ndarray::Array1::from(row.clone()).into_dyn();
                // A vector of n entries always fits [n, 1, …, 1].
                flat.into_shape_with_order(IxDyn(&shape)).unwrap_or_default()
            })
            .collect();
        Polynomial { coefficients }
    }

    /// The highest power that is written down, whether or not its coefficients are zero.
    pub fn degree(&self) -> usize {
        self.coefficients.len().saturating_sub(1)
    }

    /// Every power's coefficients for all entries of a shape, in row-major order; `None` if one
    /// of them does not broadcast to it.
    pub(in crate::model) fn expanded(&self, shape: &[usize]) -> Option<Vec<Vec<f64>>> {
        self.coefficients
            .iter()
            .map(|array| Some(array.broadcast(shape)?.iter().copied().collect()))
            .collect()
    }
}
