//! ReLU by least squares under a normal distribution, in closed form (ePrint 2017/035).

use super::{Degree, hermite};

/// The polynomial closest to ReLU under N(0, `sigma`²), low power first.
///
/// It is ReLU's projection on the Hermite polynomials up to the degree; ReLU scales with its
/// argument, so the fit under N(0, σ²) is `σ p(x/σ)` with `p` that under N(0, 1).
///
/// ```
/// use cipherbatch::model::{Degree, relu_fit};
/// let [c, b, a] = relu_fit(Degree::Two, 1.0)[..] else { unreachable!() };
/// assert!((a - 0.19947).abs() < 1e-5 && b == 0.5 && (c - 0.19947).abs() < 1e-5);
/// ```
pub fn relu_fit(degree: Degree, sigma: f64) -> Vec<f64> {
    hermite::coefficients(&hermite::relu(), sigma, degree)
}

/// The root mean square of what [`relu_fit`] misses of ReLU under N(0, `sigma`²): by Parseval
/// ReLU has the mean square 1/2 under N(0, 1), of which every term takes its share.
pub fn relu_fit_rmse(degree: Degree, sigma: f64) -> f64 {
    let terms = hermite::relu().into_iter().take(degree.power() + 1);
    let left = 0.5 - terms.map(|weight| weight * weight).sum::<f64>();
    left.max(0.0).sqrt() * sigma.abs()
}

/// The share of N(0, 1) where a condition holds, to about four digits.
pub(super) fn share(holds: impl Fn(f64) -> bool) -> f64 {
    let step = 1.0 / 512.0;
    let points = (-4096..=4096).map(|i| f64::from(i) * step).filter(|&u| holds(u));
    points.map(|u| (-u * u / 2.0).exp()).sum::<f64>() * step / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fits_are_those_of_the_literature() {
        let expected: [(Degree, &[f64], f64); 3] = [
            (Degree::Two, &[0.19947, 0.5, 0.19947], 0.1061),
            (Degree::Four, &[0.14960, 0.5, 0.29921, 0.0, -0.016623], 0.0681),
            (Degree::Six, &[0.12467, 0.5, 0.37401, 0.0, -0.041557, 0.0, 0.0016623], 0.0514),
        ];
        for (degree, polynomial, rmse) in expected {
            let found = relu_fit(degree, 1.0);
            assert_eq!(found.len(), polynomial.len());
            assert_eq!(degree.power() + 1, polynomial.len());
            for (x, y) in found.iter().zip(polynomial) {
                assert!((x - y).abs() <= 6e-6, "{found:?} is not {polynomial:?}");
            }
            assert!((relu_fit_rmse(degree, 1.0) - rmse).abs() < 6e-5, "{degree:?}");
        }
    }

    #[test]
    fn a_wider_normal_stretches_both_axes() {
        let at = |polynomial: Vec<f64>, x: f64| polynomial.iter().rev().fold(0.0, |y, c| y * x + c);
        for degree in Degree::ALL {
            let (unit, wide) = (at(relu_fit(degree, 1.0), 0.8), at(relu_fit(degree, 1.5), 1.2));
            assert!((wide - 1.5 * unit).abs() < 1e-12);
            assert_eq!(relu_fit_rmse(degree, 1.5), 1.5 * relu_fit_rmse(degree, 1.0));
        }
    }
}
