//! What is computed: a network becomes a program of layers with a level and a scale for every
//! value, under parameters that are secure and hold it.

mod digest;
mod lower;
mod program;
mod ranges;
mod scales;
#[cfg(test)]
mod tests;

pub use digest::Digest;
pub use program::{Program, Step, Term, Value};

use crate::model::{ModelError, Network, NormalForm};
use crate::ring::MatrixError;
use crate::scheme::{ParameterError, Parameters, log2_q_bound, secure_degrees};
use ndarray::ArrayD;
use ranges::{Ranges, probes};
use scales::Search;
use std::sync::Arc;
use thiserror::Error;

/// What a plan may be told; the default serves images in \[0, 1\].
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// The lowest and the highest value of an input; others are clamped to it at encryption.
    pub input_range: (f32, f32),
    /// Typical inputs `[count, …]` that nobody minds to show to the server, which sees the program
    /// that was made with them. Without it, made-up inputs over the range serve.
    pub calibration: Option<ArrayD<f32>>,
    /// Bits by which results may exceed those of the calibration batch.
    pub margin_bits: f64,
    /// The result's error, predicted, relative to the spread of the calibration batch's results:
    /// at most 2^−`precision_bits`.
    pub precision_bits: f64,
}

/// Made-up inputs say less about the real ones than a calibration batch does: so many bits more are
/// kept above the results that they give, and where there is room for them below, too.
const UNSURE_BITS: f64 = 3.0;

impl Default for PlanOptions {
    fn default() -> Self {
        Self { input_range: (0.0, 1.0), calibration: None, margin_bits: 1.0, precision_bits: 4.5 }
    }
}

/// Parameters and program of one network: all that client and server have to agree on.
#[derive(Clone, Debug)]
pub struct Plan {
    params: Parameters,
    program: Arc<Program>,
    input_shape: Vec<usize>,
    output_shape: Vec<usize>,
    input_range: (f32, f32),
    predicted_error: f64,
    digest: Digest,
}

/// Why there is no plan for a network.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum PlanError {
    /// The network cannot be brought to affine maps and squarings.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The parameters found are refused.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// The declared range is none.
    #[error(
        "the input range {low} to {high} is refused; it must be finite, the low end below the high one"
    )]
    InputRange { low: f32, high: f32 },
    /// The calibration batch is not of the network's inputs.
    #[error(
        "the calibration batch has shape {found:?}; [count, …] with {expected:?} after the count is needed"
    )]
    Calibration { found: Vec<usize>, expected: Vec<usize> },
    /// Values grow without bound on the calibration batch.
    #[error(
        "layer {layer}: values overflow in the clear on the calibration batch; check the weights, or give inputs of the right range"
    )]
    Diverges { layer: String },
    /// A layer's weights do not fit the kernels.
    #[error("layer {layer}: {error}")]
    Weights { layer: String, error: MatrixError },
    /// No secure parameters compute the network precisely enough.
    #[error(
        "{depth} activations in a row: the best secure parameters reach {reached:.1} bits of precision, \
         {wanted:.1} are wanted; use fewer activations or ask for less"
    )]
    Precision { depth: usize, reached: f64, wanted: f64 },
    /// The check after the lowering.
    #[error("layer {layer}: {reason}")]
    Check { layer: String, reason: String },
}

impl Plan {
    /// Plans a network: normal form, ranges, parameters, program, check.
    ///
    /// # Errors
    /// [`PlanError`], which names the layer that stands in the way.
    pub fn new(network: &Network, options: &PlanOptions) -> Result<Self, PlanError> {
        let secure = |degree| Some((degree, log2_q_bound(degree)?));
        Self::over(secure_degrees().filter_map(secure).collect(), network, options)
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
        let bounded = rings.iter().all(|ring| ring.1.is_finite());
        let (low, high) = options.input_range;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(PlanError::InputRange { low, high });
        }
        let network = NormalForm::new(&network.simplified()?)?;
        let (samples, unsure) = match &options.calibration {
            Some(given) => (given.mapv(|x| x.clamp(low, high)), 0.0),
            None => (probes(&network.input_shape, options.input_range), UNSURE_BITS),
        };
        let ranges = Ranges::measure(&network, samples.view())?;
        let search = Search::new(&network, &ranges, options.margin_bits + unsure, rings);
        let error_at = |bits: f64| search.spread() * (-bits).exp2();
        let best = search.run(error_at(options.precision_bits + unsure));
        let scales = match best {
            Some(best) if best.error <= error_at(options.precision_bits) => best,
            best => {
                let reached = best.map_or(0.0, |b| (search.spread() / b.error).log2());
                let (depth, wanted) = (network.depth(), options.precision_bits);
                return Err(PlanError::Precision { depth, reached, wanted });
            }
        };
        // Only `new_insecure` offers a ring without a bound.
        let params = match bounded {
            true => Parameters::new(scales.literal.clone())?,
            false => Parameters::new_insecure(scales.literal.clone())?,
        };
        let program = lower::lower(&network, &ranges, &scales)?;
        program.check(|level| params.basis().log2_q(level))?;
        let shapes = [&network.input_shape[..], &network.output_shape];
        let digest = Digest::of(params.literal(), &program, shapes, options.input_range);
        Ok(Self {
            params,
            program: Arc::new(program),
            input_shape: network.input_shape,
            output_shape: network.output_shape,
            input_range: options.input_range,
            predicted_error: scales.error,
            digest,
        })
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
