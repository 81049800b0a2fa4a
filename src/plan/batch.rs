//! Many samples at once, in the clear: each entry of a value has its samples side by side, so that
//! one weight serves a run of them.

use crate::math::simd::{Simd, per_simd};
use crate::model::SparseMatrix;
use ndarray::{ArrayViewD, Axis};
use rayon::prelude::*;

/// Values `[entry][sample]`.
#[derive(Clone, Debug)]
pub struct Batch {
    samples: usize,
    data: Vec<f64>,
}

impl Batch {
    /// All zero.
    pub fn zeros(entries: usize, samples: usize) -> Self {
        Self { samples, data: vec![0.0; entries * samples] }
    }

    /// At most `limit` inputs of an array `[count, …]`, clamped to a range.
    pub fn inputs(inputs: &ArrayViewD<'_, f32>, limit: usize, (low, high): (f32, f32)) -> Self {
        let samples = inputs.len_of(Axis(0)).min(limit);
        let mut batch = Self::zeros(inputs.shape()[1..].iter().product(), samples);
        for (s, input) in inputs.outer_iter().take(samples).enumerate() {
            input.iter().enumerate().for_each(|(entry, &x)| {
                batch.data[entry * samples + s] = x.clamp(low, high).into();
            });
        }
        batch
    }

    /// Samples of each entry.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// How many entries there are.
    pub fn entries(&self) -> usize {
        self.data.len() / self.samples.max(1)
    }

    /// The samples of one entry.
    pub fn row(&self, entry: usize) -> &[f64] {
        &self.data[entry * self.samples..(entry + 1) * self.samples]
    }

    /// Entry by entry.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.data.chunks_exact(self.samples.max(1))
    }

    /// Calls `of(entry, samples)` for each entry, in parallel.
    pub fn for_each_row(&mut self, of: impl Fn(usize, &mut [f64]) + Sync) {
        let rows = self.data.par_chunks_mut(self.samples.max(1)).enumerate();
        rows.for_each(|(entry, row)| of(entry, row));
    }

    /// Every value replaced.
    pub fn map(&self, of: impl Fn(f64) -> f64) -> Self {
        Self { samples: self.samples, data: self.data.iter().map(|&x| of(x)).collect() }
    }

    /// The root mean square of all values.
    pub fn rms(&self) -> f64 {
        let square: f64 = self.data.iter().map(|x| x * x).sum();
        (square / self.data.len().max(1) as f64).sqrt()
    }

    /// The largest absolute value; NaN where there is one.
    pub fn largest(&self) -> f64 {
        self.data.iter().fold(0.0, |l: f64, x| if x.abs() > l || x.is_nan() { x.abs() } else { l })
    }

    /// What is left after taking another batch of the same extents away.
    pub fn minus(&self, other: &Self) -> Self {
        let data = self.data.iter().zip(&other.data).map(|(x, y)| x - y).collect();
        Self { samples: self.samples, data }
    }

    /// `self += map · x`, sample by sample.
    pub fn add_product(&mut self, map: &SparseMatrix, x: &Batch) {
        self.for_each_row(|r, y| {
            let (columns, values) = map.row(r);
            x.add_rows(columns, values, y);
        });
    }

    /// `y += Σ weight · row`, the rows in the order given, so that sums repeat to the last bit.
    pub fn add_rows(&self, rows: &[u32], weights: &[f64], y: &mut [f64]) {
        add_rows(Simd::detect(), self, rows, weights, y);
    }
}

/// `y += a · x`, entry by entry.
pub fn add_multiples(a: &[f64], x: &[f64], y: &mut [f64]) {
    multiply_add(Simd::detect(), a, x, y);
}

per_simd! {
    fn multiply_add(a: &[f64], x: &[f64], y: &mut [f64]) {
        y.iter_mut().zip(a.iter().zip(x)).for_each(|(y, (a, x))| *y += a * x);
    }
}

per_simd! {
    fn add_rows(of: &Batch, rows: &[u32], weights: &[f64], y: &mut [f64]) {
        // As many samples as 8 registers hold, at most: enough that additions need not wait.
        match LANES {
            8 => in_pieces::<32>(of, rows, weights, y),
            _ => in_pieces::<16>(of, rows, weights, y),
        }
    }
}

/// [`Batch::add_rows`], so many samples at a time in registers. Products are rounded before they are
/// added whatever the instruction set, so that a plan is the same on every machine.
#[inline(always)]
fn in_pieces<const WIDTH: usize>(of: &Batch, rows: &[u32], weights: &[f64], y: &mut [f64]) {
    let terms = || rows.iter().map(|&row| of.row(row as usize)).zip(weights);
    let mut first = 0;
    let mut pieces = y.chunks_exact_mut(WIDTH);
    for y in &mut pieces {
        let mut sum = [0.0; WIDTH];
        sum.copy_from_slice(y);
        for (x, &w) in terms() {
            let x = &x[first..first + WIDTH];
            sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += w * x);
        }
        y.copy_from_slice(&sum);
        first += WIDTH;
    }
    let rest = pieces.into_remainder();
    for (x, &w) in terms() {
        rest.iter_mut().zip(&x[first..]).for_each(|(y, x)| *y += w * x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole chunks, and what is left of one, as one addition after another gives them.
    #[test]
    fn rows_are_added_in_order() {
        for samples in [1, 15, 16, 17, 40, 77] {
            let mut x = Batch::zeros(3, samples);
            x.for_each_row(|r, row| {
                row.iter_mut().enumerate().for_each(|(s, x)| *x = ((r * 50 + s) as f64).sin());
            });
            let (rows, weights) = ([2, 0, 1], [0.1, -1e16, 1e16]);
            let mut sum = vec![0.3; samples];
            x.add_rows(&rows, &weights, &mut sum);
            for simd in Simd::all() {
                let mut same = vec![0.3; samples];
                add_rows(simd, &x, &rows, &weights, &mut same);
                assert_eq!(same, sum, "{simd}");
            }
            for (s, sum) in sum.iter().enumerate() {
                let term = |(&row, &w): (&u32, &f64)| w * x.row(row as usize)[s];
                let want = rows.iter().zip(&weights).map(term).fold(0.3, |sum, term| sum + term);
                assert_eq!(*sum, want, "sample {s} of {samples}");
            }
        }
    }
}
