//! The reference executor: the network as written, in `f64`, sample by sample.

use ndarray::{ArrayBase, ArrayD, Data, Dimension, IxDyn};
use rayon::prelude::*;

use super::graph::Network;
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
        let executor = Executor::new(self);
        Ok(collect(samples, self.output_shape(), |sample| executor.run(sample, |_, _| ())))
    }
}

/// A network made ready to be run on many samples.
pub(super) struct Executor<'a> {
    network: &'a Network,
    steps: Vec<Step>,
    last_use: Vec<usize>,
}

/// What a node needs besides its inputs, laid out once for all samples.
pub(super) struct Step {
    coefficients: Option<Vec<Vec<f64>>>,
}

impl<'a> Executor<'a> {
    pub fn new(network: &'a Network) -> Self {
        let steps = network.nodes.iter().map(|node| Step::new(&node.op, &node.shape)).collect();
        Executor { network, steps, last_use: last_uses(network) }
    }

    /// The result for one sample; `look` sees every node's inputs before the node is computed.
    pub fn run(&self, sample: Vec<f64>, mut look: impl FnMut(usize, &[&[f64]])) -> Vec<f64> {
        let nodes = &self.network.nodes;
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); nodes.len()];
        values[0] = sample;
        for (index, node) in nodes.iter().enumerate().skip(1) {
            let inputs: Vec<&[f64]> = node.inputs.iter().map(|id| &values[id.0][..]).collect();
            look(index, &inputs);
            let shape = &nodes[node.inputs[0].0].shape;
            let value = self.steps[index].apply(&node.op, shape, &node.shape, &inputs);
            values[index] = value;
            for input in &node.inputs {
                if self.last_use[input.0] == index {
                    values[input.0] = Vec::new();
                }
            }
        }
        std::mem::take(&mut values[self.network.output.0])
    }
}

impl Step {
    /// What an operation needs whose result has this shape.
    pub fn new(op: &Op, shape: &[usize]) -> Self {
        let coefficients = match op {
            Op::Polynomial(polynomial) => polynomial.expanded(shape),
            _ => None,
        };
        Step { coefficients }
    }

    /// The operation on one sample; `from` is the shape of its first input, `to` its result's.
    pub fn apply(&self, op: &Op, from: &[usize], to: &[usize], inputs: &[&[f64]]) -> Vec<f64> {
        let pairs = || inputs[0].iter().zip(inputs[1]);
        match op {
            Op::Input => Vec::new(),
            Op::Conv2d(conv) => conv.apply(inputs[0], from, to),
            Op::Dense(layer) => layer.apply(inputs[0]),
            Op::AveragePool(pool) => pool.apply(inputs[0], from, to),
            Op::Scale(layer) => layer.apply(inputs[0]),
            Op::Polynomial(_) => horner(inputs[0], self.coefficients.as_deref().unwrap_or(&[])),
            Op::Relu => inputs[0].iter().map(|x| x.max(0.0)).collect(),
            Op::Add => pairs().map(|(x, y)| x + y).collect(),
            Op::Multiply => pairs().map(|(x, y)| x * y).collect(),
            Op::Reshape(_) => inputs[0].to_vec(),
        }
    }
}

/// For each node the last node that reads it; nobody's turn ever comes for the output.
pub(super) fn last_uses(network: &Network) -> Vec<usize> {
    let mut last = vec![usize::MAX; network.nodes.len()];
    for (index, node) in network.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|input| last[input.0] = index);
    }
    last[network.output.0] = usize::MAX;
    last
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
