//! Slots to coefficients and back: a discrete cosine transform.
//!
//! slot_m = a₀ + 2 Σ aᵢ cos(πi(2m+1)/2N) is twice a DCT-III; its inverse aᵢ = (1/N) Σ slot_m
//! cos(πi(2m+1)/2N) is a DCT-II over N.

use rustdct::{DctPlanner, TransformType2And3};
use std::{fmt, sync::Arc};

/// A planned transform for one ring degree, reused by all threads.
#[derive(Clone)]
pub struct Encoder {
    plan: Arc<dyn TransformType2And3<f64>>,
}

impl Encoder {
    /// Plans transforms of `degree` slots.
    pub fn new(degree: usize) -> Self {
        Self { plan: DctPlanner::new().plan_dct2(degree) }
    }

    /// Replaces N slots by the N real coefficients of their ring element.
    pub fn to_coefficients(&self, values: &mut [f64]) {
        self.plan.process_dct2(values);
        let n = values.len() as f64;
        values.iter_mut().for_each(|v| *v /= n);
    }

    /// Replaces N real coefficients by the N slots of their ring element.
    pub fn to_slots(&self, values: &mut [f64]) {
        self.plan.process_dct3(values);
        values.iter_mut().for_each(|v| *v *= 2.0);
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("degree", &self.plan.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn slots_are_the_values_at_the_roots() {
        let n = 16;
        let a: Vec<f64> = (0..n).map(|i| f64::from((i * 7 % 11) - 5)).collect();
        let mut slots = a.clone();
        let encoder = Encoder::new(n as usize);
        encoder.to_slots(&mut slots);
        for (m, slot) in slots.iter().enumerate() {
            let angle = |i: usize| PI * i as f64 * (2 * m + 1) as f64 / f64::from(2 * n);
            let want = a[0] + 2.0 * (1..n as usize).map(|i| a[i] * angle(i).cos()).sum::<f64>();
            assert!((slot - want).abs() < 1e-12);
        }
        encoder.to_coefficients(&mut slots);
        assert!(slots.iter().zip(&a).all(|(x, y)| (x - y).abs() < 1e-13));
    }
}
