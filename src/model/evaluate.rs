//! The reference executor: the network as written, in `f64`, sample by sample.

use ndarray::{ArrayBase, ArrayD, Data, Dimension, IxDyn};
use rayon::prelude::*;

use super::graph::{Network, Node};
use super::ops::Op;
use super::{ModelError, Result};

impl Network {
    /// The network's results for a batch of inputs, computed in `f64`.
    ///
    /// `inputs` is `[batch, …]` with the axes of [`input_shape`](Self::input_shape) after the
    /// batch; the result is `[batch, …]` with those of [`output_shape`](Self::output_shape).
    ///
    /// # Errors
    /// [`ModelError::BatchShape`] and, for an input that is not finite, [`ModelError::InputValue`].
    pub fn evaluate<S, D>(&self, inputs: &ArrayBase<S, D>) -> Result<ArrayD<f32>>
    where
        S: Data<Elem = f32>,
        D: Dimension,
    {
        let samples = samples(inputs, self.input_shape())?;
        let prepared: Vec<Option<Vec<Vec<f64>>>> = self.nodes.iter().map(coefficients).collect();
        let last_use = self.last_uses();
        let run = |sample: Vec<f64>| {
            let mut values: Vec<Vec<f64>> = vec![Vec::new(); self.nodes.len()];
            values[0] = sample;
            for (index, node) in self.nodes.iter().enumerate().skip(1) {
                values[index] = self.apply(node, prepared[index].as_deref(), &values);
                for input in &node.inputs {
                    if last_use[input.0] == index {
                        values[input.0] = Vec::new();
                    }
                }
            }
            std::mem::take(&mut values[self.output.0])
        };
        Ok(collect(samples, self.output_shape(), run))
    }

    /// For each node the last node that reads it; nobody's turn ever comes for the output.
    fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![usize::MAX; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|input| last[input.0] = index);
        }
        last[self.output.0] = usize::MAX;
        last
    }

    fn apply(
        &self,
        node: &Node,
        coefficients: Option<&[Vec<f64>]>,
        values: &[Vec<f64>],
    ) -> Vec<f64> {
        let value = |position: usize| &values[node.inputs[position].0];
        let shape = |position: usize| &self.nodes[node.inputs[position].0].shape;
        match &node.op {
            Op::Input => Vec::new(),
            Op::Conv2d(conv) => conv.apply(value(0), shape(0), &node.shape),
            Op::Dense(layer) => layer.apply(value(0)),
            Op::AveragePool(pool) => pool.apply(value(0), shape(0), &node.shape),
            Op::Scale(layer) => layer.apply(value(0)),
            Op::Polynomial(_) => horner(value(0), coefficients.unwrap_or_default()),
            Op::Add => value(0).iter().zip(value(1)).map(|(x, y)| x + y).collect(),
            Op::Multiply => value(0).iter().zip(value(1)).map(|(x, y)| x * y).collect(),
            Op::Reshape(_) => value(0).clone(),
        }
    }
}

/// A polynomial's coefficients for every entry, laid out once for all samples.
fn coefficients(node: &Node) -> Option<Vec<Vec<f64>>> {
    match &node.op {
        Op::Polynomial(polynomial) => polynomial.expanded(&node.shape),
        _ => None,
    }
}

/// `Σ_k coefficients[k] · x^k`, entry by entry, from the highest power down.
fn horner(value: &[f64], coefficients: &[Vec<f64>]) -> Vec<f64> {
    let mut result = vec![0.0; value.len()];
    for coefficient in coefficients.iter().rev() {
        for ((y, &x), &c) in result.iter_mut().zip(value).zip(coefficient) {
            *y = *y * x + c;
        }
    }
    result
}

/// The samples of a batch in row-major order, after a check of shape and values.
pub(super) fn samples<S, D>(inputs: &ArrayBase<S, D>, expected: &[usize]) -> Result<Vec<Vec<f64>>>
where
    S: Data<Elem = f32>,
    D: Dimension,
{
    let found = inputs.shape();
    if found.is_empty() || found[1..] != *expected {
        return Err(ModelError::BatchShape { expected: expected.to_vec(), found: found.to_vec() });
    }
    let size: usize = expected.iter().product();
    let mut samples: Vec<Vec<f64>> = Vec::new();
    for (position, &value) in inputs.iter().enumerate() {
        let (sample, index) = (position / size, position % size);
        if !value.is_finite() {
            return Err(ModelError::InputValue { sample, index, value });
        }
        if index == 0 {
            samples.push(Vec::with_capacity(size));
        }
        samples[sample].push(f64::from(value));
    }
    Ok(samples)
}

/// Runs every sample, in parallel, and gathers the results as `[batch, …]`.
pub(super) fn collect(
    samples: Vec<Vec<f64>>,
    shape: &[usize],
    run: impl Fn(Vec<f64>) -> Vec<f64> + Send + Sync,
) -> ArrayD<f32> {
    let mut whole = vec![samples.len()];
    whole.extend_from_slice(shape);
    let results: Vec<Vec<f64>> = samples.into_par_iter().map(run).collect();
    let mut flat = results.iter().flatten();
    ArrayD::from_shape_simple_fn(IxDyn(&whole), || flat.next().map_or(f32::NAN, |&y| y as f32))
}
