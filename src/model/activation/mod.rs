//! Polynomials in the place of ReLU, the subject of ePrint 2017/035.
//!
//! Under encryption there are sums and products only, so a network that was trained with ReLU has
//! its activations replaced by polynomials of degree 2, 4 or 6, found by least squares. Under
//! which distribution decides: a polynomial leaves ReLU quickly outside the values that it was
//! fitted to. So it is fitted per channel to what the layer really sees on a calibration batch
//! and thinly to the range around it
//! ([`Network::with_polynomials`](super::Network::with_polynomials)); the paper's own choice, the
//! normal distribution, is there for comparison ([`relu_fit`],
//! [`Network::with_normal_polynomials`](super::Network::with_normal_polynomials)).

mod hermite;
mod layer;
mod normal;
mod replace;
mod replaced;
mod samples;

pub use normal::{relu_fit, relu_fit_rmse};
pub use replaced::{Escapes, LayerFit, Replaced};

/// The degree of the polynomials that take ReLU's place.
///
/// Each step costs one level of multiplication more: one for degree 2, two for 4, three for 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Degree {
    /// `a x² + b x + c`.
    Two,
    /// Degree 4.
    Four,
    /// Degree 6.
    Six,
}

impl Degree {
    /// All degrees, the lowest first.
    pub const ALL: [Degree; 3] = [Degree::Two, Degree::Four, Degree::Six];

    /// The highest power.
    pub fn power(self) -> usize {
        match self {
            Degree::Two => 2,
            Degree::Four => 4,
            Degree::Six => 6,
        }
    }
}
