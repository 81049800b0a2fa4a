//! How large the noise is: standard deviations in the slots, at the scale of the ciphertext.
//!
//! A polynomial with independent coefficients of standard deviation σ has slots of standard
//! deviation σ√(2N), since slot = a₀ + 2Σ aᵢ cos(·) and cos² is 1/2 on average; and slots multiply
//! under the ring's product.

use super::{Digits, ERROR_STD, ParametersLiteral, Switch};

/// The variance of a uniform ternary coefficient.
const SECRET_VARIANCE: f64 = 2.0 / 3.0;

/// The variance of what rounding leaves away.
const ROUNDING_VARIANCE: f64 = 1.0 / 12.0;

/// A fresh encryption: the error, and the rounding of the message.
pub fn fresh(degree: usize) -> f64 {
    ((ERROR_STD.powi(2) + ROUNDING_VARIANCE) * 2.0 * degree as f64).sqrt()
}

/// A sum of values times integer weights whose squares add up to `squares`, from the values' own
/// noise, which is independent.
pub fn sum(noise: f64, squares: f64) -> f64 {
    noise * squares.sqrt()
}

/// A square, from the noise of what is squared and its root mean square at the same scale: that of
/// 2xε + ε².
pub fn square(noise: f64, rms: f64) -> f64 {
    (4.0 * rms * rms + 3.0 * noise * noise).sqrt() * noise
}

/// A rescaling: the rounding of c₀, and that of c₁ times the secret.
pub fn rescale(degree: usize) -> f64 {
    let n = 2.0 * degree as f64;
    (ROUNDING_VARIANCE * n + ROUNDING_VARIANCE * n * SECRET_VARIANCE * n).sqrt()
}

/// A relinearisation with one digit for each of these moduli p, uniform in (−p/2, p/2), each times its
/// key's error.
pub fn relinearise(degree: usize, moduli: impl Iterator<Item: Into<f64>>) -> f64 {
    let digits: f64 = moduli.map(|p| p.into().powi(2) * ROUNDING_VARIANCE).sum();
    digits.sqrt() * ERROR_STD * 2.0 * degree as f64
}

/// A whole switch at `level` primes, at the scale after it, and for a sum that is relinearised or has
/// two components already.
pub fn switch(
    literal: &ParametersLiteral,
    level: usize,
    switch: Switch,
    relinearised: bool,
) -> f64 {
    let ParametersLiteral { degree, ref primes, ref result_primes } = *literal;
    let product = |primes: &[u32]| primes.iter().map(|&p| f64::from(p)).product::<f64>();
    let digits = &primes[..level];
    let key = match switch.digits {
        _ if !relinearised => 0.0,
        Digits::Plain => relinearise(degree, digits.iter().copied()),
        Digits::Guarded => {
            let key = relinearise(degree, digits.iter().copied());
            (key / product(&primes[level..level + 1])).hypot(rescale(degree))
        }
        Digits::Paired => {
            // An odd last prime's partner is the guard.
            let pairs = primes[..level + level % 2].chunks(2).map(product);
            // Two keys' errors in each.
            let key = relinearise(degree, pairs) * 2f64.sqrt();
            (key / product(&primes[level..level + 1])).hypot(rescale(degree))
        }
    };
    let rounding = if switch.rescale > 0 { rescale(degree) } else { 0.0 };
    let back = if switch.to_results { product(result_primes) } else { 1.0 };
    (key / product(&primes[level - switch.rescale..level]) * back).hypot(rounding)
}
