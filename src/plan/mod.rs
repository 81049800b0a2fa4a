//! What is computed: a network becomes a program of layers with a level and a scale for every
//! value, under parameters that are secure and hold it.

mod batch;
mod choose;
mod confirm;
mod digest;
mod error;
mod file;
mod lower;
mod options;
mod precision;
mod program;
mod public;
mod ranges;
mod report;
mod search;
mod sensitivity;
mod simulate;
#[cfg(test)]
mod tests;
mod trace;

pub use digest::Digest;
pub use error::PlanError;
pub use file::PlanFileError;
pub use options::PlanOptions;
pub use program::{Program, Step, Term, Value};
pub(crate) use public::entries;
pub use public::{PublicPlan, PublicPlanError};
pub use report::{PlanReport, StepReport};
pub use search::{CostModel, Peaks};

use crate::model::{Network, NormalForm};
use crate::scheme::{ParameterError, Parameters, log2_q_bound, secure_degrees};
use batch::Batch;
use choose::{check_shape, choose, samples};
use confirm::Choice;
use ndarray::{ArrayD, ArrayView, Axis, Dimension, IxDyn};
use simulate::Simulator;
use std::sync::Arc;

/// Samples that are looked at together; a calibration batch's others add nothing.
const SAMPLES: usize = 128;

/// Parameters and program of one network: all that client and server have to agree on.
#[derive(Clone, Debug)]
pub struct Plan {
    params: Parameters,
    program: Arc<Program>,
    input_shape: Vec<usize>,
    output_shape: Vec<usize>,
    input_range: (f32, f32),
    predicted_error: f64,
    precision: Vec<Option<f64>>,
    digest: Digest,
}

impl Plan {
    /// Plans a network: normal form, ranges, parameters, program, check.
    ///
    /// # Errors
    /// [`PlanError`], which names the layer that stands in the way.
    pub fn new(network: &Network, options: &PlanOptions) -> Result<Self, PlanError> {
        let least = options.least_degree.unwrap_or(0);
        if least > 0 && log2_q_bound(least).is_none() {
            return Err(ParameterError::InsecureDegree(least).into());
        }
        let secure = |degree| Some((degree, log2_q_bound(degree)?));
        let rings = secure_degrees().filter(|&degree| degree >= least).filter_map(secure);
        Self::over(rings.collect(), network, options)
    }

    /// [`Plan::new`] over the ring of one degree, a power of two from 8 to 65,536, with as large a
    /// modulus as it takes: **no security at all**, for tests and experiments on small rings.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn new_insecure(
        network: &Network,
        options: &PlanOptions,
        degree: usize,
    ) -> Result<Self, PlanError> {
        if !degree.is_power_of_two() || !(8..=1 << 16).contains(&degree) {
            return Err(ParameterError::Degree(degree).into());
        }
        Self::over(vec![(degree, f64::INFINITY)], network, options)
    }

    fn over(
        rings: Vec<(usize, f64)>,
        network: &Network,
        options: &PlanOptions,
    ) -> Result<Self, PlanError> {
        let (low, high) = options.input_range;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(PlanError::InputRange { low, high });
        }
        let samples = samples(network.input_shape(), options)?;
        let network = NormalForm::new(network)?;
        let Choice { params, program, error, precision } =
            choose(&rings, &network, samples.view(), options)?;
        let shapes = [&network.input_shape[..], &network.output_shape];
        let digest = Digest::of(params.literal(), &program, shapes, options.input_range);
        Ok(Self {
            params,
            program: Arc::new(program),
            input_shape: network.input_shape,
            output_shape: network.output_shape,
            input_range: options.input_range,
            predicted_error: error,
            precision,
            digest,
        })
    }

    /// What decryption of the results would show, computed in the clear: the very integers of the
    /// program, and normal noise of the predicted size, drawn from `seed`. Inputs are `[count, …]`
    /// and are clamped to the input range.
    ///
    /// # Errors
    /// [`PlanError::Calibration`] where the shape is wrong.
    pub fn simulate<D: Dimension>(
        &self,
        inputs: ArrayView<'_, f32, D>,
        seed: u64,
    ) -> Result<ArrayD<f32>, PlanError> {
        let inputs = inputs.into_dyn();
        check_shape(inputs.shape(), &self.input_shape)?;
        let simulator = Simulator::new(&self.program, &self.params);
        let mut results = Vec::new();
        for (number, chunk) in inputs.axis_chunks_iter(Axis(0), SAMPLES).enumerate() {
            let input = Batch::inputs(&chunk, SAMPLES, self.input_range);
            let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number as u64);
            let values = simulator.run(&input, seed, 1.0);
            let Some(output) = values.last() else { continue };
            for s in 0..output.samples() {
                results.extend(output.rows().map(|row| row[s] as f32));
            }
        }
        let shape: Vec<usize> =
            [inputs.len_of(Axis(0))].iter().chain(&self.output_shape).copied().collect();
        Ok(ArrayD::from_shape_vec(IxDyn(&shape), results).expect("a result of every input"))
    }

    /// The scheme's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.params
    }

    /// What is computed.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The plan's name, which its keys, ciphertexts and answers carry.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The program, to be kept beside the plan.
    pub(crate) fn shared_program(&self) -> Arc<Program> {
        Arc::clone(&self.program)
    }

    /// Images that one ciphertext batch holds.
    pub fn slots(&self) -> usize {
        self.params.slots()
    }

    /// One input's shape: `[1, 28, 28]`.
    pub fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }

    /// One result's shape: `[10]`.
    pub fn output_shape(&self) -> &[usize] {
        &self.output_shape
    }

    /// The range to which inputs are clamped.
    pub fn input_range(&self) -> (f32, f32) {
        self.input_range
    }

    /// The standard deviation of the results' error, as predicted.
    pub fn predicted_error(&self) -> f64 {
        self.predicted_error
    }
}
