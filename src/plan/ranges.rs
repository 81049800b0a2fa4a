//! How large the values of a network are: statistics over a calibration batch.
//!
//! What overflows is a coefficient, and a coefficient is a mean over the slots times a cosine: its
//! size is that of the values' root mean square over a batch, not of the largest one.

use super::trace::Trace;
use ndarray::{ArrayD, IxDyn};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

/// Ranges of all sources, and of the result.
#[derive(Clone, Debug)]
pub struct Ranges {
    /// The mean of each entry, source by source, before it is squared.
    pub means: Vec<Vec<f64>>,
    /// The mean of each entry's square.
    pub mean_squares: Vec<Vec<f64>>,
    /// The largest absolute value of each entry.
    pub largest: Vec<Vec<f64>>,
    /// The largest absolute value of the result.
    pub output: f64,
    /// The standard deviation of the result, around each entry's mean.
    pub spread: f64,
}

impl Ranges {
    /// The ranges of a batch.
    pub fn of(trace: &Trace) -> Self {
        let of = |measure: fn(&[f64]) -> f64| -> Vec<Vec<f64>> {
            trace.values.iter().map(|value| value.rows().map(measure).collect()).collect()
        };
        let mean = |row: &[f64], power| row.iter().map(|x| x.powi(power)).sum::<f64>();
        let samples = trace.samples() as f64;
        let centred = trace.output.rows().map(|row| {
            let first = mean(row, 1) / samples;
            mean(row, 2) / samples - first * first
        });
        let outputs = trace.output.entries().max(1) as f64;
        let spread = (centred.sum::<f64>().max(0.0) / outputs).sqrt();
        let output = trace.output.largest();
        Self {
            means: of(|row| row.iter().sum::<f64>() / row.len() as f64),
            mean_squares: of(|row| row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64),
            largest: of(|row| row.iter().fold(0.0, |l: f64, x| l.max(x.abs()))),
            output,
            spread: if spread > 1e-12 * output { spread } else { output.max(1e-30) },
        }
    }

    /// The means of what a term reads: of the entries, or of their squares.
    pub fn means_of(&self, source: usize, squared: bool) -> &[f64] {
        if squared { &self.mean_squares[source] } else { &self.means[source] }
    }
}

/// Samples made up where no calibration batch is given: smooth waves, noise, and constants over
/// the input's range, always the same ones. `[64, …]`.
pub fn probes(shape: &[usize], (low, high): (f32, f32)) -> ArrayD<f32> {
    const COUNT: usize = 64;
    let len: usize = shape.iter().product();
    let width = shape.last().copied().unwrap_or(1).max(1);
    let mut rng = ChaCha20Rng::seed_from_u64(0);
    let mut unit = || rng.next_u32() as f32 / u32::MAX as f32;
    let mut values = Vec::with_capacity(COUNT * len);
    for sample in 0..COUNT {
        let (level, fx, fy, phase) = (unit(), unit(), unit(), 7.0 * unit());
        for i in 0..len {
            let (x, y) = ((i % width) as f32, (i / width) as f32);
            values.push(match sample % 4 {
                0 => unit(),
                1 if sample < COUNT / 4 => level,
                // Mostly low with a few peaks, as strokes on paper are.
                1 | 2 => ((fx * x + fy * y + phase).sin() * 2.0 - 1.0).max(0.0),
                _ => 0.5 + 0.5 * (fx * x - fy * y + phase).sin(),
            });
        }
    }
    let extents: Vec<usize> = [COUNT].iter().chain(shape).copied().collect();
    ArrayD::from_shape_vec(IxDyn(&extents), values)
        .expect("as many values as the shape has")
        .mapv(|t| low + t * (high - low))
}
