//! What a client needs of a plan, and no more: the network stays with the server.
//!
//! It reveals the ring and its primes, so roughly how deep the network is; the shapes of an input and
//! of a result; the scales, ranges and the predicted error of both; whether squares are relinearised;
//! whether the last layer squares (three components); and the plan's digest, by which somebody who
//! guesses all of the network may confirm the guess. It holds no weight and no layer.

use super::{Digest, Plan, Value};
use crate::scheme::{ParameterError, Parameters};
use thiserror::Error;

/// The most values that an input or a result may have.
pub const MOST_VALUES: usize = 1 << 24;

/// The most dimensions that an input or a result may have.
pub const MOST_DIMENSIONS: usize = 8;

/// The part of a [`Plan`] that client and server share.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicPlan {
    pub(crate) params: Parameters,
    pub(crate) digest: Digest,
    pub(crate) input: Value,
    pub(crate) output: Value,
    pub(crate) input_shape: Vec<usize>,
    pub(crate) output_shape: Vec<usize>,
    pub(crate) input_range: (f32, f32),
    pub(crate) predicted_error: f64,
    pub(crate) relinearises: bool,
}

/// Why facts are no public plan.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum PublicPlanError {
    /// Weaker than 128 bits, or no parameters at all.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// Extents that no network has.
    #[error(
        "{what} of shape {shape:?}: up to {MOST_DIMENSIONS} dimensions and from 1 to {MOST_VALUES} values are possible"
    )]
    Shape { what: &'static str, shape: Vec<usize> },
    /// A level that the parameters have not.
    #[error("{what} at level {level}: from 1 to {most} primes are possible")]
    Level { what: &'static str, level: usize, most: usize },
    /// What is no ciphertext.
    #[error("{what} of {found} components: from 2 to {most} are possible")]
    Components { what: &'static str, found: usize, most: usize },
    /// A scale, a range or an error that is no such number.
    #[error("{what} is {value}: it must be finite, and {least:e} or more")]
    Number { what: &'static str, value: f64, least: f64 },
    /// The declared range is none.
    #[error(
        "inputs from {low} to {high}: the range must be finite, the low end below the high one"
    )]
    Range { low: f32, high: f32 },
}

impl PublicPlan {
    /// That the facts fit together, wherever they come from.
    ///
    /// # Errors
    /// [`PublicPlanError`], the first that does not.
    pub(crate) fn check(self) -> Result<Self, PublicPlanError> {
        let Self { params, input, output, .. } = &self;
        for (what, shape, rows) in [
            ("inputs", &self.input_shape, input.rows),
            ("results", &self.output_shape, output.rows),
        ] {
            if shape.len() > MOST_DIMENSIONS || entries(shape) != Some(rows) {
                return Err(PublicPlanError::Shape { what, shape: shape.clone() });
            }
        }
        let of_results = match params.first_of_results() {
            0 => params.levels(),
            _ => params.results().len(),
        };
        for (what, level, most) in
            [("inputs", input.level, params.levels()), ("results", output.level, of_results)]
        {
            if !(1..=most).contains(&level) {
                return Err(PublicPlanError::Level { what, level, most });
            }
        }
        for (what, found, most) in
            [("inputs", input.components, 2), ("results", output.components, 3)]
        {
            if !(2..=most).contains(&found) {
                return Err(PublicPlanError::Components { what, found, most });
            }
        }
        // A network of constants has a range and an error of zero; a scale is above it.
        for (what, value, least) in [
            ("the scale of inputs", input.scale, f64::MIN_POSITIVE),
            ("the scale of results", output.scale, f64::MIN_POSITIVE),
            ("the range of inputs", input.range, 0.0),
            ("the range of results", output.range, 0.0),
            ("the predicted error", self.predicted_error, 0.0),
        ] {
            if !(value.is_finite() && value >= least) {
                return Err(PublicPlanError::Number { what, value, least });
            }
        }
        let (low, high) = self.input_range;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(PublicPlanError::Range { low, high });
        }
        Ok(self)
    }

    /// The scheme's parameters.
    pub fn parameters(&self) -> &Parameters {
        &self.params
    }

    /// The plan's name.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Inputs that one ciphertext batch holds: N.
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

    /// The standard deviation of a result's error, as predicted.
    pub fn predicted_error(&self) -> f64 {
        self.predicted_error
    }

    /// The largest absolute value of a result that is expected.
    pub fn output_range(&self) -> f64 {
        self.output.range
    }

    /// Whether the server needs a relinearisation key.
    pub fn needs_relin_key(&self) -> bool {
        self.relinearises
    }
}

/// The number of entries of a tensor, where it is a possible one.
pub(crate) fn entries(shape: &[usize]) -> Option<usize> {
    let count = shape.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim))?;
    (1..=MOST_VALUES).contains(&count).then_some(count)
}

impl From<&Plan> for PublicPlan {
    fn from(plan: &Plan) -> Self {
        Self {
            params: plan.params.clone(),
            digest: plan.digest,
            input: plan.program.input,
            output: *plan.program.output(),
            input_shape: plan.input_shape.clone(),
            output_shape: plan.output_shape.clone(),
            input_range: plan.input_range,
            predicted_error: plan.predicted_error,
            relinearises: plan.program.needs_relin_key(),
        }
    }
}

impl From<&PublicPlan> for PublicPlan {
    fn from(plan: &PublicPlan) -> Self {
        plan.clone()
    }
}
