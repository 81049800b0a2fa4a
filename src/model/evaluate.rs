//! The reference executor: the network as written, in `f64`, sample by sample.

use ndarray::{ArrayBase, ArrayD, Data, Dimension, IxDyn};
use rayon::prelude::*;

use super::graph::Network;
use super::ops::{Entry, Op, Several};
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
        let inputs = inputs.as_standard_layout();
        let values = checked(&inputs, self.input_shape())?;
        let executor = Executor::new(self);
        let size = |shape: &[usize]| shape.iter().product::<usize>();
        let (size, result) = (size(self.input_shape()), size(self.output_shape()));
        let shape: Vec<usize> =
            inputs.shape()[..1].iter().chain(self.output_shape()).copied().collect();
        let mut results = ArrayD::zeros(IxDyn(&shape));
        let flat = results.as_slice_mut().unwrap_or_default();
        let samples = values.par_chunks((Several::COUNT * size).max(1));
        flat.par_chunks_mut((Several::COUNT * result).max(1)).zip(samples).for_each(
            |(results, samples)| {
                let value = executor.run(together(samples, size), |_, _| ());
                for (k, result) in results.chunks_exact_mut(result).enumerate() {
                    result.iter_mut().zip(&value).for_each(|(r, v)| *r = v.0[k] as f32);
                }
            },
        );
        Ok(results)
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

    /// The result for one sample, or several; `look` sees every node's inputs before the node is computed.
    pub fn run<T: Entry>(&self, sample: Vec<T>, mut look: impl FnMut(usize, &[&[T]])) -> Vec<T> {
        let nodes = &self.network.nodes;
        let mut values: Vec<Vec<T>> = vec![Vec::new(); nodes.len()];
        values[0] = sample;
        for (index, node) in nodes.iter().enumerate().skip(1) {
            let inputs: Vec<&[T]> = node.inputs.iter().map(|id| &values[id.0][..]).collect();
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

    /// The operation on one sample or several; `from` is the shape of its first input, `to` its
    /// result's.
    pub fn apply<T: Entry>(
        &self,
        op: &Op,
        from: &[usize],
        to: &[usize],
        inputs: &[&[T]],
    ) -> Vec<T> {
        let pairs = || inputs[0].iter().zip(inputs[1]);
        match op {
            Op::Input => Vec::new(),
            Op::Conv2d(conv) => conv.apply(inputs[0], from, to),
            Op::Dense(layer) => layer.apply(inputs[0]),
            Op::AveragePool(pool) => pool.apply(inputs[0], from, to),
            Op::Scale(layer) => layer.apply(inputs[0]),
            Op::Polynomial(_) => horner(inputs[0], self.coefficients.as_deref().unwrap_or(&[])),
            Op::Relu => inputs[0].iter().map(|x| x.relu()).collect(),
            Op::Add => pairs().map(|(&x, &y)| x + y).collect(),
            Op::Multiply => pairs().map(|(&x, &y)| x * y).collect(),
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
fn horner<T: Entry>(value: &[T], coefficients: &[Vec<f64>]) -> Vec<T> {
    let mut result = vec![T::from(0.0); value.len()];
    for coefficient in coefficients.iter().rev() {
        for ((y, &x), &c) in result.iter_mut().zip(value).zip(coefficient) {
            *y = *y * x + T::from(c);
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
    let inputs = inputs.as_standard_layout();
    let values = checked(&inputs, expected)?;
    let size: usize = expected.iter().product();
    let samples = values.chunks_exact(size.max(1));
    Ok(samples.map(|sample| sample.iter().copied().map(f64::from).collect()).collect())
}

/// All values of a batch in row-major order, as which it is laid out, after a check.
fn checked<'a, S, D>(inputs: &'a ArrayBase<S, D>, expected: &[usize]) -> Result<&'a [f32]>
where
    S: Data<Elem = f32>,
    D: Dimension,
{
    let found = inputs.shape();
    if found.is_empty() || found[1..] != *expected {
        return Err(ModelError::BatchShape { expected: expected.to_vec(), found: found.to_vec() });
    }
    let size: usize = expected.iter().product();
    let values = inputs.as_slice().unwrap_or_default();
    if let Some(position) = values.iter().position(|value| !value.is_finite()) {
        let (sample, index) = (position / size, position % size);
        return Err(ModelError::InputValue { sample, index, value: values[position] });
    }
    Ok(values)
}

/// Samples of `size` values each, entry by entry; zeros for those that are missing.
fn together(samples: &[f32], size: usize) -> Vec<Several> {
    let mut entries = vec![Several::from(0.0); size];
    for (k, sample) in samples.chunks_exact(size.max(1)).enumerate() {
        entries.iter_mut().zip(sample).for_each(|(entry, &x)| entry.0[k] = x.into());
    }
    entries
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
