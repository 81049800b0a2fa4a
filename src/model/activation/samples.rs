//! ReLU by least squares on samples: the fit of one channel.
//!
//! The channel's values are divided by their root mean square, and ReLU is fitted by the Hermite
//! basis. Under a normal distribution around 0 the odd part would be `x/2`; channels are neither
//! normal nor around 0, and with all odd powers a deep network stays 15 % closer to its original
//! at degrees 4 and 6, and stays tame on inputs beyond the calibration's. No power costs more
//! than an even one does: they are squares of the same depth.
//!
//! The rows are rotated one by one into a triangle (Givens; Golub and Van Loan,
//! *Matrix Computations*, §5.2), which unlike the normal equations does not square the condition.
//!
//! The triangle begins with [`PRIOR`] rows' worth of the fit under the normal distribution of the
//! same width: in an orthonormal basis that is `PRIOR · ‖weights − weights of N(0, s²)‖²`. It leaves
//! many samples alone, steadies few, and is the answer where a channel is constant.

use super::{Degree, hermite};
use hermite::TERMS;

/// How many samples the normal distribution counts for.
const PRIOR: f64 = 4.0;

/// The polynomial closest to ReLU on a channel's values and their weights, low power first, for
/// values of about the size of `scale`, which is positive.
pub(super) fn fit(
    values: impl Iterator<Item = (f64, f64)>,
    scale: f64,
    degree: Degree,
) -> Vec<f64> {
    let terms = degree.power() + 1;
    let normal = hermite::relu();
    let mut triangle = [[0.0; TERMS + 1]; TERMS];
    for (j, row) in triangle.iter_mut().enumerate() {
        row[j] = PRIOR.sqrt();
    }
    for (x, weight) in values {
        let u = x / scale;
        let basis = hermite::basis(u);
        let mut row = [0.0; TERMS + 1];
        row[..terms].copy_from_slice(&basis[..terms]);
        let predicted: f64 = basis.iter().zip(normal).take(terms).map(|(b, w)| b * w).sum();
        row[TERMS] = u.max(0.0) - predicted;
        row.iter_mut().for_each(|entry| *entry *= weight.sqrt());
        rotate(&mut triangle, row, terms);
    }
    let mut weights = normal;
    let mut change = [0.0; TERMS];
    for j in (0..terms).rev() {
        let known: f64 = (j + 1..terms).map(|k| triangle[j][k] * change[k]).sum();
        change[j] = (triangle[j][TERMS] - known) / triangle[j][j];
        weights[j] += change[j];
    }
    hermite::coefficients(&weights, scale, degree)
}

/// Adds a row to the triangle: rotations in the plane of it and each row take its entries away.
fn rotate(triangle: &mut [[f64; TERMS + 1]; TERMS], mut row: [f64; TERMS + 1], terms: usize) {
    for (j, pivot) in triangle.iter_mut().enumerate().take(terms) {
        // Never zero: the diagonal begins above zero and only grows.
        let length = pivot[j].hypot(row[j]);
        let (cosine, sine) = (pivot[j] / length, row[j] / length);
        for k in j..=TERMS {
            let (upper, lower) = (pivot[k], row[k]);
            pivot[k] = cosine * upper + sine * lower;
            row[k] = cosine * lower - sine * upper;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::relu_fit;
    use proptest::prelude::*;
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
    use rand_distr::{Distribution, StandardNormal};

    fn normal(seed: u64, count: usize, sigma: f64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let draw = |_| sigma * Distribution::<f64>::sample(&StandardNormal, &mut random);
        (0..count).map(draw).collect()
    }

    fn at(polynomial: &[f64], x: f64) -> f64 {
        polynomial.iter().rev().fold(0.0, |y, c| y * x + c)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn many_normal_samples_give_the_closed_form(seed in any::<u64>(), sigma in 0.1f64..10.0) {
            let values = normal(seed, 20_000, sigma);
            for (degree, tolerance) in [(Degree::Two, 0.03), (Degree::Four, 0.04)] {
                let found = fit(values.iter().map(|&x| (x, 1.0)), sigma, degree);
                let expected = relu_fit(degree, sigma);
                for x in [-2.0, -1.0, 0.0, 0.5, 2.0].map(|u| u * sigma) {
                    let error = (at(&found, x) - at(&expected, x)).abs() / sigma;
                    prop_assert!(error < tolerance, "{error} at {x}");
                }
            }
        }

        /// No other polynomial is closer, up to the few rows of the prior.
        #[test]
        fn the_fit_is_the_least_of_squares(
            seed in any::<u64>(), shift in -2.0f64..2.0,
            nudge in prop::collection::vec(-0.05f64..0.05, 7),
        ) {
            let values: Vec<f64> = normal(seed, 2000, 1.0).iter().map(|x| x + shift).collect();
            for degree in Degree::ALL {
                let found = fit(values.iter().map(|&x| (x, 1.0)), 1.0, degree);
                let mut other = found.clone();
                for (c, nudge) in other.iter_mut().zip(&nudge) {
                    *c += nudge;
                }
                let missed = |p: &[f64]| -> f64 {
                    values.iter().map(|&x| (at(p, x) - x.max(0.0)).powi(2)).sum::<f64>()
                };
                prop_assert!(missed(&found) <= missed(&other) + 0.2);
            }
        }
    }

    #[test]
    fn constant_and_wild_channels_have_tame_fits() {
        for values in [vec![0.0; 50], vec![1.0; 50], vec![-1.0; 1], vec![]] {
            for degree in Degree::ALL {
                let found = fit(values.iter().map(|&x| (x, 1.0)), 1.0, degree);
                let normal = relu_fit(degree, 1.0);
                for x in [-2.0, 0.0, 2.0] {
                    assert!((at(&found, x) - at(&normal, x)).abs() < 1.0, "{found:?}");
                }
            }
        }
        // One value apart from ten thousand: 100 times the root mean square.
        let mut values = vec![0.0; 10_000];
        values[77] = 100.0;
        for degree in Degree::ALL {
            let found = fit(values.iter().map(|&x| (x, 1.0)), 1.0, degree);
            assert!(found.iter().all(|c| c.is_finite() && c.abs() < 2.0), "{found:?}");
            assert!(at(&found, 0.0).abs() < 0.05, "{found:?}");
            assert!((at(&found, 100.0) - 100.0).abs() < 1.0, "{found:?}");
        }
    }
}
