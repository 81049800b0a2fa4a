//! The very program that a device runs, in the clear: the same integers as weights and constants,
//! and normal noise of the predicted size wherever encryption and switches add some.
//!
//! One run over a batch says how precise the results will be, in the time that the network takes in
//! the clear.

use super::batch::Batch;
use super::program::{Program, Step};
use crate::scheme::{Parameters, noise};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, Normal};

/// A program with the parameters that it runs under.
#[derive(Clone, Copy, Debug)]
pub struct Simulator<'a> {
    program: &'a Program,
    params: &'a Parameters,
}

impl<'a> Simulator<'a> {
    /// Nothing is computed yet.
    pub fn new(program: &'a Program, params: &'a Parameters) -> Self {
        Self { program, params }
    }

    /// The value of every source, from the input to the result, as decryption would show it. Noise
    /// is drawn from `seed`, `times` as large as predicted.
    pub fn run(&self, input: &Batch, seed: u64, times: f64) -> Vec<Batch> {
        let degree = self.params.degree();
        let mut first = input.clone();
        let fresh = times * noise::fresh(degree) / self.program.input.scale;
        first.for_each_row(|r, row| disturb(row, seed, 0, r, fresh));
        let mut values = vec![first];
        for (index, step) in self.program.steps.iter().enumerate() {
            let mut sum = Batch::zeros(step.value.rows, input.samples());
            // Constants stand at the scale of the sum, before primes go.
            let scale = step.value.scale * step.dropped(self.params).exp2();
            sum.for_each_row(|r, row| row.fill(step.bias[r] as f64 / scale));
            for t in &step.terms {
                let source = &values[t.source];
                let squares = t.squared.then(|| source.map(|x| x * x));
                add_product(t, squares.as_ref().unwrap_or(source), &mut sum);
            }
            let deviation = times * self.noise(step) / step.value.scale;
            sum.for_each_row(|r, row| disturb(row, seed, index + 1, r, deviation));
            values.push(sum);
        }
        values
    }

    /// The standard deviation of the noise that a step's switch adds, at the scale after it.
    fn noise(&self, step: &Step) -> f64 {
        let Some(switch) = step.switch else { return 0.0 };
        let relinearised = step.terms.iter().any(|t| t.squared);
        noise::switch(self.params.literal(), step.level(), switch, relinearised)
    }
}

/// Adds independent normal noise; every (step, row) has a stream of its own.
fn disturb(row: &mut [f64], seed: u64, step: usize, entry: usize, deviation: f64) {
    let Ok(normal) = Normal::new(0.0, deviation) else { return };
    if deviation > 0.0 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream((step as u64) << 32 | entry as u64);
        row.iter_mut().for_each(|x| *x += normal.sample(&mut rng));
    }
}

/// `out += matrix · x / scale`.
fn add_product(t: &super::Term, x: &Batch, out: &mut Batch) {
    let m = &t.matrix;
    // Where each output's weights and columns are.
    let mut places = vec![(0, 0, 0); m.outputs()];
    for b in m.blocks() {
        let width = b.columns.len();
        for (i, &r) in m.rows()[b.rows.clone()].iter().enumerate() {
            places[r as usize] = (b.weights + i * width, b.columns.start, width);
        }
    }
    out.for_each_row(|r, y| {
        let (weights, columns, width) = places[r];
        let weights = m.weights()[weights..weights + width].iter();
        let weights: Vec<f64> = weights.map(|&w| f64::from(w) / t.weight_scale).collect();
        x.add_rows(&m.columns()[columns..columns + width], &weights, y);
    });
}
