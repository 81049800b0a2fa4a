//! How large the values of a network are: statistics over a calibration batch.
//!
//! What overflows is a coefficient, and a coefficient is a mean over the slots times a cosine: its
//! size is that of the values' root mean square over a batch, not of the largest one.

use super::PlanError;
use crate::model::{Affine, NormalForm};
use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

/// Samples that are looked at; more add nothing.
const SAMPLES: usize = 256;

/// What a source (the input, or the squares of a layer) looks like.
#[derive(Clone, Debug)]
pub struct SourceRange {
    /// The mean of each entry over the samples.
    pub means: Vec<f64>,
    /// The root of the mean, over entries, of the entries' variances.
    pub deviation: f64,
    /// The root mean square of what was squared; of the input itself for source 0.
    pub rms: f64,
    /// The largest absolute value of what was squared, or of the input.
    pub largest: f64,
}

/// Ranges of all sources, and of the result.
#[derive(Clone, Debug)]
pub struct Ranges {
    /// As in the normal form: the input, then the squares.
    pub sources: Vec<SourceRange>,
    /// The largest absolute value of the result.
    pub output: f64,
    /// The standard deviation of the result, around each entry's mean.
    pub spread: f64,
}

impl Ranges {
    /// Runs a normal form in the clear over samples `[count, …]`.
    ///
    /// # Errors
    /// [`PlanError::Calibration`] where the batch is empty, of another shape, or not finite.
    pub fn measure(network: &NormalForm, samples: ArrayViewD<'_, f32>) -> Result<Self, PlanError> {
        let shape = samples.shape();
        if shape.first().is_none_or(|&n| n == 0) || shape[1..] != network.input_shape[..] {
            return Err(PlanError::Calibration {
                found: shape.to_vec(),
                expected: network.input_shape.clone(),
            });
        }
        let mut sums: Vec<Moments> =
            (0..=network.squares.len()).map(|k| Moments::new(network.source_len(k))).collect();
        let mut result = Moments::new(network.output.rows());
        for sample in samples.axis_iter(Axis(0)).take(SAMPLES) {
            let mut sources = vec![sample.iter().map(|&x| f64::from(x)).collect::<Vec<_>>()];
            sums[0].add(&sources[0], &sources[0]);
            for (k, square) in network.squares.iter().enumerate() {
                let u = square.apply(&sources);
                let squares = u.iter().map(|u| u * u).collect::<Vec<_>>();
                sums[k + 1].add(&u, &squares);
                sources.push(squares);
            }
            let y = network.output.apply(&sources);
            result.add(&y, &y);
        }
        let names = network.squares.iter().chain([&network.output]);
        for (moments, layer) in sums[1..].iter().chain([&result]).zip(names) {
            moments.finite(layer)?;
        }
        let output = result.range();
        Ok(Self {
            sources: sums.iter().map(Moments::range).collect(),
            output: output.largest,
            spread: output.deviation,
        })
    }
}

/// Sums over samples.
struct Moments {
    count: f64,
    first: Vec<f64>,
    second: Vec<f64>,
    square: f64,
    largest: f64,
}

impl Moments {
    fn new(len: usize) -> Self {
        Self {
            count: 0.0,
            first: vec![0.0; len],
            second: vec![0.0; len],
            square: 0.0,
            largest: 0.0,
        }
    }

    /// `u` before squaring, `v` the source's values.
    fn add(&mut self, u: &[f64], v: &[f64]) {
        self.count += 1.0;
        for (i, v) in v.iter().enumerate() {
            self.first[i] += v;
            self.second[i] += v * v;
        }
        self.square += u.iter().map(|u| u * u).sum::<f64>();
        self.largest = u.iter().fold(self.largest, |l, u| l.max(u.abs()));
    }

    fn finite(&self, layer: &Affine) -> Result<(), PlanError> {
        let sum = self.square + self.second.iter().sum::<f64>();
        if sum.is_finite() {
            Ok(())
        } else {
            Err(PlanError::Diverges { layer: layer.name.clone() })
        }
    }

    fn range(&self) -> SourceRange {
        let len = self.first.len().max(1) as f64;
        let means: Vec<f64> = self.first.iter().map(|s| s / self.count).collect();
        let variance: f64 =
            self.second.iter().zip(&means).map(|(s, m)| (s / self.count - m * m).max(0.0)).sum();
        SourceRange {
            deviation: (variance / len).sqrt(),
            rms: (self.square / (self.count * len)).sqrt(),
            largest: self.largest,
            means,
        }
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
