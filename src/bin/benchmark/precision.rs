//! How precise decrypted results are.

use ndarray::ArrayViewD;

/// −log₂ of the root mean square of the errors over that of the clear results' spread.
pub fn bits(found: ArrayViewD<'_, f32>, clear: ArrayViewD<'_, f32>) -> f64 {
    let mean = clear.mean().unwrap_or(0.0);
    let spread: f64 = clear.iter().map(|y| f64::from(y - mean).powi(2)).sum();
    let error: f64 = clear.iter().zip(&found).map(|(y, z)| f64::from(y - z).powi(2)).sum();
    (spread / error).log2() / 2.0
}
