//! Slots to coefficients and back: a discrete cosine transform.
//!
//! slot_m = a₀ + 2 Σ aᵢ cos(πi(2m+1)/2N), and back aᵢ = (1/N) Σ slot_m cos(πi(2m+1)/2N), a DCT-II.
//!
//! One complex transform of length N serves two rows x and y (Makhoul, 1980, "A fast cosine transform
//! in one and two dimensions"). Let zₙ = x₂ₙ + i·y₂ₙ from the front and z_{N−1−n} = x_{2n+1} +
//! i·y_{2n+1} from the back, Z its transform, and A_k = exp(−iπk/2N)·Z_k. Then for the DCTs X and Y
//! A_k = (X_k + Y_{N−k}) + i(Y_k − X_{N−k}), so that A_k and A_{N−k} hold all four numbers.

use crate::math::simd::{Simd, per_simd};
use rustfft::{Fft, FftPlanner, num_complex::Complex64};
use std::{f64::consts::PI, fmt, sync::Arc};
use zeroize::Zeroize;

/// Planned transforms for one ring degree, reused by all threads.
#[derive(Clone)]
pub struct Encoder {
    degree: usize,
    forward: Arc<dyn Fft<f64>>,
    backward: Arc<dyn Fft<f64>>,
    /// exp(−iπk/2N).
    roots: Arc<[Complex64]>,
}

/// Memory of a thread that transforms, for [`Encoder`]s of one degree. It is wiped when dropped.
pub struct Workspace {
    z: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Drop for Workspace {
    fn drop(&mut self) {
        for value in self.z.iter_mut().chain(&mut self.scratch) {
            value.re.zeroize();
            value.im.zeroize();
        }
    }
}

impl Encoder {
    /// Plans transforms of `degree` slots, a power of two.
    pub fn new(degree: usize) -> Self {
        let mut planner = FftPlanner::new();
        let root = |k: usize| Complex64::cis(-PI * k as f64 / (2 * degree) as f64);
        Self {
            degree,
            forward: planner.plan_fft_forward(degree),
            backward: planner.plan_fft_inverse(degree),
            roots: (0..degree).map(root).collect(),
        }
    }

    /// Memory for a thread.
    pub fn workspace(&self) -> Workspace {
        let scratch = self.forward.get_inplace_scratch_len();
        let scratch = scratch.max(self.backward.get_inplace_scratch_len());
        let zero = Complex64::default();
        Workspace { z: vec![zero; self.degree], scratch: vec![zero; scratch] }
    }

    /// Replaces the slots of two rows, `[2][N]`, by `factor` times the real coefficients of their
    /// ring elements. `work` is of this degree.
    pub fn to_coefficients(&self, simd: Simd, rows: &mut [f64], factor: f64, work: &mut Workspace) {
        let (x, y) = rows.split_at_mut(self.degree);
        fold(simd, x, y, &mut work.z);
        self.forward.process_with_scratch(&mut work.z, &mut work.scratch);
        separate(simd, &self.roots, &work.z, factor / (2 * self.degree) as f64, x, y);
    }

    /// Replaces the real coefficients of two ring elements, `[2][N]`, by `factor` times their slots.
    /// `work` is of this degree.
    pub fn to_slots(&self, simd: Simd, rows: &mut [f64], factor: f64, work: &mut Workspace) {
        let (x, y) = rows.split_at_mut(self.degree);
        combine(simd, &self.roots, x, y, factor, &mut work.z);
        self.backward.process_with_scratch(&mut work.z, &mut work.scratch);
        unfold(simd, &work.z, x, y);
    }
}

per_simd! {
    /// x and y to z.
    fn fold(x: &[f64], y: &[f64], z: &mut [Complex64]) {
        let (front, back) = z.split_at_mut(x.len() / 2);
        let places = front.iter_mut().zip(back.iter_mut().rev());
        let pairs = x.as_chunks::<2>().0.iter().zip(y.as_chunks::<2>().0);
        for ((front, back), (x, y)) in places.zip(pairs) {
            *front = Complex64::new(x[0], y[0]);
            *back = Complex64::new(x[1], y[1]);
        }
    }
}

per_simd! {
    /// z to x and y.
    fn unfold(z: &[Complex64], x: &mut [f64], y: &mut [f64]) {
        let (front, back) = z.split_at(x.len() / 2);
        let places = front.iter().zip(back.iter().rev());
        let pairs = x.as_chunks_mut::<2>().0.iter_mut().zip(y.as_chunks_mut::<2>().0);
        for ((front, back), (x, y)) in places.zip(pairs) {
            (*x, *y) = ([front.re, back.re], [front.im, back.im]);
        }
    }
}

per_simd! {
    /// 2·factor times X and Y, from Z.
    fn separate(
        roots: &[Complex64],
        z: &[Complex64],
        factor: f64,
        x: &mut [f64],
        y: &mut [f64],
    ) {
        let n = z.len();
        let half = n / 2;
        (x[0], y[0]) = (2.0 * factor * z[0].re, 2.0 * factor * z[0].im);
        // k from 1 to N/2, and N − k backward from N − 1 to N/2: at N/2 both are the same.
        let middle = roots[half] * z[half];
        let (low, high) = (&z[1..half], &z[half + 1..]);
        let (low_roots, high_roots) = (&roots[1..half], &roots[half + 1..]);
        let (x, x_high) = x[1..].split_at_mut(half - 1);
        let (y, y_high) = y[1..].split_at_mut(half - 1);
        x_high[0] = factor * (middle.re - middle.im);
        y_high[0] = factor * (middle.re + middle.im);
        let (x_high, y_high) = (&mut x_high[1..], &mut y_high[1..]);
        let last = half - 2;
        for k in 0..half - 1 {
            let a = low_roots[k] * low[k];
            let b = high_roots[last - k] * high[last - k];
            x[k] = factor * (a.re - b.im);
            y[k] = factor * (b.re + a.im);
            x_high[last - k] = factor * (b.re - a.im);
            y_high[last - k] = factor * (a.re + b.im);
        }
    }
}

per_simd! {
    /// factor times Z, from X and Y.
    fn combine(
        roots: &[Complex64],
        x: &[f64],
        y: &[f64],
        factor: f64,
        z: &mut [Complex64],
    ) {
        let half = z.len() / 2;
        let a = |x: f64, y: f64, x_back: f64, y_back: f64| {
            Complex64::new(factor * (x + y_back), factor * (y - x_back))
        };
        z[0] = a(x[0], y[0], 0.0, 0.0);
        z[half] = roots[half].conj() * a(x[half], y[half], x[half], y[half]);
        let (low, high) = z.split_at_mut(half);
        let (low, high) = (&mut low[1..], &mut high[1..]);
        let (low_roots, high_roots) = (&roots[1..half], &roots[half + 1..]);
        let (x, x_high) = (&x[1..half], &x[half + 1..]);
        let (y, y_high) = (&y[1..half], &y[half + 1..]);
        let last = half - 2;
        for k in 0..half - 1 {
            let (x_k, y_k, x_back, y_back) = (x[k], y[k], x_high[last - k], y_high[last - k]);
            low[k] = low_roots[k].conj() * a(x_k, y_k, x_back, y_back);
            high[last - k] = high_roots[last - k].conj() * a(x_back, y_back, x_k, y_k);
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("degree", &self.degree).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both rows against the definition, and back, at twice the scale.
    #[test]
    fn slots_are_the_values_at_the_roots() {
        for n in [8usize, 16, 64, 256] {
            let a: Vec<f64> = (0..2 * n).map(|i| ((i * 7 % 11) as f64) - 5.0).collect();
            let encoder = Encoder::new(n);
            let mut work = encoder.workspace();
            for simd in Simd::all() {
                let mut slots = a.clone();
                encoder.to_slots(simd, &mut slots, 0.5, &mut work);
                for (slots, a) in slots.chunks(n).zip(a.chunks(n)) {
                    for (m, slot) in slots.iter().enumerate() {
                        let turn = |i: usize| i * (2 * m + 1) % (4 * n);
                        let angle = |i: usize| PI * turn(i) as f64 / (2 * n) as f64;
                        let want = a[0] + 2.0 * (1..n).map(|i| a[i] * angle(i).cos()).sum::<f64>();
                        assert!((2.0 * slot - want).abs() < 1e-11, "{simd}, {n}");
                    }
                }
                encoder.to_coefficients(simd, &mut slots, 2.0, &mut work);
                assert!(slots.iter().zip(&a).all(|(x, y)| (x - y).abs() < 1e-12), "{simd}, {n}");
            }
        }
    }
}
