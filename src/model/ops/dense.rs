//! The fully connected layer's parameters.

use super::Entry;
use ndarray::{Array2, ArrayView1};

/// `y = weight · x + bias` over a value `[I]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// `[O, I]`.
    pub weight: Array2<f64>,
    /// `[O]`.
    pub bias: Vec<f64>,
}

impl Dense {
    /// `weight` is `[O, I]`, `bias` `[O]`.
    pub fn new(weight: Array2<f64>, bias: Vec<f64>) -> Self {
        Dense { weight, bias }
    }
}

impl Dense {
    /// The layer for one sample; the shapes were checked when the network was built.
    pub(in crate::model) fn apply<T: Entry>(&self, x: &[T]) -> Vec<T> {
        let rows = self.weight.rows().into_iter().zip(&self.bias);
        let sum = |row: ArrayView1<'_, f64>| {
            row.iter().zip(x).fold(T::from(0.0), |sum, (&w, &x)| sum + T::from(w) * x)
        };
        rows.map(|(row, &bias)| sum(row) + T::from(bias)).collect()
    }
}
