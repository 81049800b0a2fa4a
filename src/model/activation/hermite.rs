//! Even polynomials in a basis that least squares is at ease with.
//!
//! The probabilists' Hermite polynomials `He₀, He₂, He₄, He₆`, divided by `√(n!)`, are orthonormal
//! under N(0, 1) (DLMF §18.3); powers of x would be nearly parallel. Since
//! `ReLU(x) = x/2 + |x|/2`, the odd part of every fit here is `x/2`, and the basis is even.

use super::Degree;

/// The most basis polynomials that are used: degrees 0, 2, 4, 6.
pub(super) const TERMS: usize = 4;

/// `He₂ⱼ`, from the power 0 upwards in steps of two, and `(2j)!`.
const HERMITE: [([f64; TERMS], f64); TERMS] = [
    ([1.0, 0.0, 0.0, 0.0], 1.0),
    ([-1.0, 1.0, 0.0, 0.0], 2.0),
    ([3.0, -6.0, 1.0, 0.0], 24.0),
    ([-15.0, 45.0, -15.0, 1.0], 720.0),
];

/// The basis at a point.
pub(super) fn basis(u: f64) -> [f64; TERMS] {
    let square = u * u;
    HERMITE.map(|(powers, factorial)| {
        powers.iter().rev().fold(0.0, |sum, c| sum * square + c) / factorial.sqrt()
    })
}

/// `|u|/2` in the basis, projected under N(0, 1):
/// `E[|u|/2 · He₂ⱼ(u)] / √(2j)!`, which is `(−1)^(j−1) (2j−3)!! / √(2π (2j)!)`, with 1 for j = 0.
pub(super) fn half_modulus() -> [f64; TERMS] {
    let numerators = [1.0, 1.0, -1.0, 3.0];
    std::array::from_fn(|j| numerators[j] / (std::f64::consts::TAU * HERMITE[j].1).sqrt())
}

/// The coefficients, low power first, of `x/2 + scale · Σⱼ weights[j] · basisⱼ(x / scale)`.
pub(super) fn coefficients(weights: &[f64; TERMS], scale: f64, degree: Degree) -> Vec<f64> {
    let mut result = vec![0.0; degree.power() + 1];
    result[1] = 0.5;
    for (weight, (powers, factorial)) in weights.iter().zip(HERMITE).take(degree.even_terms()) {
        for (half, power) in powers.iter().enumerate().take(degree.even_terms()) {
            let unit = scale.powi(1 - 2 * half as i32);
            result[2 * half] += weight * power / factorial.sqrt() * unit;
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
            let projection = mean(|u| u.abs() / 2.0 * basis(u)[i]);
            assert!((projection - half_modulus()[i]).abs() < 1e-6, "{i}");
        }
    }

    #[test]
    fn coefficients_are_those_of_the_scaled_basis() {
        let (weights, scale, x) = ([0.3, -1.0, 0.5, 0.25], 1.7, 2.1);
        for degree in Degree::ALL {
            let terms = weights.iter().zip(basis(x / scale)).take(degree.even_terms());
            let expected = x / 2.0 + scale * terms.map(|(w, b)| w * b).sum::<f64>();
            let polynomial = coefficients(&weights, scale, degree);
            let found = polynomial.iter().rev().fold(0.0, |sum, c| sum * x + c);
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }
}
