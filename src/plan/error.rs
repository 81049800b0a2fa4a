//! Why there is no plan.

use crate::model::ModelError;
use crate::ring::MatrixError;
use crate::scheme::ParameterError;
use thiserror::Error;

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
        "{depth} squarings in a row: the best secure parameters (N = {degree}, {primes} primes) reach \
         {reached:.1} bits of precision under the margins there have to be, {wanted:.1} are wanted; \
         layer \"{layer}\" loses most. Ask for less precision, give more or more typical calibration \
         inputs, or use fewer activations or ones of a lower degree"
    )]
    Precision {
        depth: usize,
        reached: f64,
        wanted: f64,
        layer: String,
        degree: usize,
        primes: usize,
    },
    /// More squarings than any modulus has primes.
    #[error(
        "{depth} squarings in a row need a prime each, and the largest modulus has {most}; use fewer \
         activations or ones of a lower degree, so that at most {most} squarings follow one another"
    )]
    Depth { depth: usize, most: usize },
    /// The check after the lowering.
    #[error("layer {layer}: {reason}")]
    Check { layer: String, reason: String },
}
