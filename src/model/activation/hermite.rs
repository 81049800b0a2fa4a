//! Polynomials in a basis that least squares is at ease with.
//!
//! The probabilists' Hermite polynomials `He₀` to `He₆`, divided by `√(n!)`, are orthonormal under
//! N(0, 1) (DLMF §18.3); powers of x would be nearly parallel.

use super::Degree;

/// The most basis polynomials that are used: degrees 0 to 6.
pub(super) const TERMS: usize = 7;

/// `Heₙ`, from the power 0 upwards, and `n!`.
const HERMITE: [([f64; TERMS], f64); TERMS] = [
    ([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 1.0),
    ([0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], 1.0),
    ([-1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], 2.0),
    ([0.0, -3.0, 0.0, 1.0, 0.0, 0.0, 0.0], 6.0),
    ([3.0, 0.0, -6.0, 0.0, 1.0, 0.0, 0.0], 24.0),
    ([0.0, 15.0, 0.0, -10.0, 0.0, 1.0, 0.0], 120.0),
    ([-15.0, 0.0, 45.0, 0.0, -15.0, 0.0, 1.0], 720.0),
];

/// The basis at a point.
pub(super) fn basis(u: f64) -> [f64; TERMS] {
    HERMITE.map(|(powers, factorial)| {
        powers.iter().rev().fold(0.0, |sum, c| sum * u + c) / factorial.sqrt()
    })
}

/// ReLU in the basis, projected under N(0, 1): `E[ReLU(u) · Heₙ(u)] / √n!`.
///
/// `ReLU(x) = x/2 + |x|/2`, so 1/2 is all of the odd part; the even one is
/// `(−1)^(n/2−1) (n−3)!! / √(2π n!)`, with 1 for n = 0.
pub(super) fn relu() -> [f64; TERMS] {
    let even = |numerator: f64, n: usize| numerator / (std::f64::consts::TAU * HERMITE[n].1).sqrt();
    [even(1.0, 0), 0.5, even(1.0, 2), 0.0, even(-1.0, 4), 0.0, even(3.0, 6)]
}

/// The coefficients, low power first, of `scale · Σₙ weights[n] · basisₙ(x / scale)`.
pub(super) fn coefficients(weights: &[f64; TERMS], scale: f64, degree: Degree) -> Vec<f64> {
    let terms = degree.power() + 1;
    let mut result = vec![0.0; terms];
    for (weight, (powers, factorial)) in weights.iter().zip(HERMITE).take(terms) {
        for (power, (c, term)) in powers.iter().zip(&mut result).enumerate() {
            *term += weight * c / factorial.sqrt() * scale.powi(1 - power as i32);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An integral under N(0, 1).
    fn mean(f: impl Fn(f64) -> f64) -> f64 {
        let step = 1e-3;
        let density = |u: f64| (-u * u / 2.0).exp() / std::f64::consts::TAU.sqrt();
        (-12_000..=12_000).map(|i| f64::from(i) * step).map(|u| f(u) * density(u) * step).sum()
    }

    #[test]
    fn the_basis_is_orthonormal_and_the_projection_right() {
        for i in 0..TERMS {
            for j in 0..TERMS {
                let product = mean(|u| basis(u)[i] * basis(u)[j]);
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-9, "{i} {j} {product}");
            }
            let projection = mean(|u| u.max(0.0) * basis(u)[i]);
            assert!((projection - relu()[i]).abs() < 1e-6, "{i}");
        }
    }

    #[test]
    fn coefficients_are_those_of_the_scaled_basis() {
        let (weights, scale, x) = ([0.3, -1.0, 0.5, 0.25, 0.1, -0.3, 0.2], 1.7, 2.1);
        for degree in Degree::ALL {
            let terms = weights.iter().zip(basis(x / scale)).take(degree.power() + 1);
            let expected = scale * terms.map(|(w, b)| w * b).sum::<f64>();
            let polynomial = coefficients(&weights, scale, degree);
            let found = polynomial.iter().rev().fold(0.0, |sum, c| sum * x + c);
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }
}
