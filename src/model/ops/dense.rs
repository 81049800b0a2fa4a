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
