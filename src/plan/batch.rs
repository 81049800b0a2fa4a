//! Many samples at once, in the clear: each entry of a value has its samples side by side, so that
//! one weight serves a run of them.

use super::PlanError;
use crate::model::{Affine, NormalForm, SparseMatrix};
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
            for (&c, &w) in columns.iter().zip(values) {
                axpy(w, x.row(c as usize), y);
            }
        });
    }
}

/// y += a·x.
pub fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += a * x);
}

/// A normal form's values on a batch: the input, what each layer squares, and the result.
#[derive(Clone, Debug)]
pub struct Trace {
    /// As the sources of the normal form, before they are squared.
    pub values: Vec<Batch>,
    /// The result.
    pub output: Batch,
}

impl Trace {
    /// Evaluates a normal form.
    ///
    /// # Errors
    /// [`PlanError::Diverges`] naming the layer whose values, squared, are not finite.
    pub fn run(network: &NormalForm, input: Batch) -> Result<Self, PlanError> {
        let mut values = vec![input];
        for layer in &network.squares {
            let value = apply(layer, &values)?;
            values.push(value);
        }
        let output = apply(&network.output, &values)?;
        Ok(Self { values, output })
    }

    /// Samples.
    pub fn samples(&self) -> usize {
        self.output.samples
    }

    /// What a term reads: a value or its squares.
    pub fn read(&self, source: usize, squared: bool) -> Batch {
        read(&self.values[source], squared)
    }
}

fn read(value: &Batch, squared: bool) -> Batch {
    if squared { value.map(|x| x * x) } else { value.clone() }
}

fn apply(layer: &Affine, values: &[Batch]) -> Result<Batch, PlanError> {
    let mut out = Batch::zeros(layer.rows(), values[0].samples);
    out.for_each_row(|r, y| y.fill(layer.bias[r]));
    for t in &layer.terms {
        out.add_product(&t.map, &read(&values[t.source], t.squared));
    }
    let largest = out.largest();
    match (largest * largest * largest * largest).is_finite() {
        true => Ok(out),
        false => Err(PlanError::Diverges { layer: layer.name.clone() }),
    }
}
