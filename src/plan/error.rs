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
    #[error(
        "layer {layer}: {error}. Its weights, scaled for the precision wanted, differ too much in size: \
         ask for less precision, or bring the layer's channels to similar sizes (a batch normalization \
         before its activation does)"
    )]
    Weights { layer: String, error: MatrixError },
    /// No secure parameters compute the network precisely enough. `reached` and `wanted` are log₂ of
    /// the results' spread over their error; `works` is the most, in tenths, that a plan was made
    /// and simulated for.
    #[error(
        "{depth} squarings in a row: the best secure parameters (N = {degree}, {primes} primes) reach \
         {reached:.1} bits of precision under the margins there have to be, {wanted:.1} are wanted; \
         layer \"{layer}\" loses most. {}{}, or use fewer activations or ones of a lower degree",
        lower_precision(*works),
        typical_inputs(*calibrated)
    )]
    Precision {
        depth: usize,
        reached: f64,
        wanted: f64,
        layer: String,
        degree: usize,
        primes: usize,
        calibrated: bool,
        works: Option<f64>,
    },
    /// More squarings than any modulus has primes.
    #[error(
        "{depth} squarings in a row need a prime each, and the largest modulus has {most}: layer \
         \"{layer}\" comes after them. Use fewer activations or ones of a lower degree, so that at most \
         {most} squarings follow one another"
    )]
    Depth { depth: usize, most: usize, layer: String },
    /// Values that the modulus does not hold, by the check after the lowering.
    #[error(
        "layer {layer}: values up to {range:.3} at scale 2^{scale_bits:.1} need {needed:.1} bits of \
         modulus, {there:.1} are left. Ask for less precision, or keep its values closer together: a \
         batch normalization before its activation does, or calibration inputs without outliers"
    )]
    Overflow { layer: String, range: f64, scale_bits: f64, needed: f64, there: f64 },
    /// A program that cannot run, by the check after the lowering.
    #[error(
        "layer {layer}: {reason}. No plan of this program's is like that: make the plan again from the \
         network, and report it if that does not help"
    )]
    Check { layer: String, reason: String },
}

/// What to do about a precision that is out of reach.
fn lower_precision(works: Option<f64>) -> String {
    match works {
        Some(bits) => format!("`--precision {bits:.1}` works, as simulated: ask for that, "),
        None => "No lower precision that is of use was confirmed either: ".to_owned(),
    }
}

/// What inputs would help.
fn typical_inputs(calibrated: bool) -> &'static str {
    match calibrated {
        true => "give more or more typical calibration inputs",
        false => {
            "give a calibration batch (`--calibration X.npy`), without which 3 bits are kept to spare"
        }
    }
}
