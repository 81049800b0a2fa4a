//! The fully connected layer's parameters.

use ndarray::Array2;

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
    pub(in crate::model) fn apply(&self, x: &[f64]) -> Vec<f64> {
        let rows = self.weight.rows().into_iter().zip(&self.bias);
        rows.map(|(row, bias)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + bias).collect()
    }
}
