//! What can be wrong with a network: each error names the node, the values and the way out.

use std::path::PathBuf;

/// What can be wrong with a network, its file or its input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The bytes are no ONNX model, or an incomplete one.
    #[error("not a complete ONNX model: {reason}; export the model again, or copy the file again")]
    NotOnnx {
        /// What was found.
        reason: String,
    },
    /// The model has more than one input, or none.
    #[error(
        "the model must have exactly one input, found {}: [{}]; export the part of it that has one",
        names.len(), names.join(", ")
    )]
    Inputs {
        /// The inputs that are no weights.
        names: Vec<String>,
    },
    /// The model has more than one output, or none.
    #[error(
        "the model must have exactly one output, found {}: [{}]; export the part of it that has one",
        names.len(), names.join(", ")
    )]
    Outputs {
        /// The outputs.
        names: Vec<String>,
    },
    /// The operator has no counterpart here.
    #[error("node \"{node}\": operator {op} is not supported; {advice}")]
    UnsupportedOperator {
        /// The node's name.
        node: String,
        /// Its operator, with its domain where that is not ONNX's own.
        op: String,
        /// What to use instead.
        advice: String,
    },
    /// The operator is supported, but not set like this.
    #[error("node \"{node}\" ({op}): {what} is not supported; {advice}")]
    UnsupportedSetting {
        /// The node's name.
        node: String,
        /// Its operator.
        op: String,
        /// The setting and its value.
        what: String,
        /// What to use instead.
        advice: String,
    },
    /// A shape or a parameter does not fit.
    #[error("node \"{node}\" ({op}): expected {expected}, found {found}")]
    Shape {
        /// The node's name.
        node: String,
        /// Its operator.
        op: String,
        /// What would fit.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A weight is infinite or not a number.
    #[error(
        "tensor \"{tensor}\": the value at position {index} is {value}; \
         the training diverged, or a scale overflowed: every weight must be finite"
    )]
    NonFinite {
        /// The tensor's name, or the node's and its parameter's.
        tensor: String,
        /// The position in row-major order.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A stored tensor cannot be used.
    #[error("tensor \"{tensor}\": {reason}")]
    Tensor {
        /// The tensor's name.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A node reads something that nothing produces.
    #[error("node \"{node}\" reads \"{tensor}\", which no input, weight or node produces")]
    UnknownTensor {
        /// The node's name.
        node: String,
        /// What it reads.
        tensor: String,
    },
    /// Two nodes have one name, or two tensors.
    #[error("the name \"{name}\" is used twice; rename one of the two")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A node depends on its own result.
    #[error("node \"{node}\" depends on its own result; a network must be free of cycles")]
    Cycle {
        /// A node on the cycle.
        node: String,
    },
    /// A value or a matrix is beyond what this room will hold in memory.
    #[error("node \"{node}\": {what} has {size} entries, more than the limit of {limit}")]
    TooLarge {
        /// The node's name.
        node: String,
        /// What is too large, with its shape.
        what: String,
        /// Its entries; saturated where they overflow.
        size: u128,
        /// The most there may be.
        limit: usize,
    },
    /// A ReLU, where there must be none.
    #[error(
        "node \"{node}\" (Relu): ReLU cannot be evaluated under encryption; replace it by a \
         polynomial: --activation poly2|poly4|poly6 --calibration X.npy on the command line, \
         Network::with_polynomials in a program"
    )]
    Relu {
        /// The node's name.
        node: String,
    },
    /// ReLUs are to be replaced, and there is nothing to fit the polynomials to.
    #[error(
        "node \"{node}\" (Relu): a polynomial in its place is fitted to what the layer sees, and \
         there is no calibration batch: give typical inputs [count, {}] (--calibration X.npy); the \
         tails decide: fitted to N(0, 1) instead, a network for MNIST fell from 99.6 % to 31 %, \
         and fitted to its own values it kept 98.5 %",
        list(expected)
    )]
    NoCalibration {
        /// The first ReLU.
        node: String,
        /// One sample's shape.
        expected: Vec<usize>,
    },
    /// No polynomial can be fitted to what a ReLU sees.
    #[error(
        "node \"{node}\" (Relu): channel {channel} sees {value} on the calibration batch; no \
         polynomial fits that: check the weights, and that the batch is scaled as in training"
    )]
    Unfit {
        /// The ReLU.
        node: String,
        /// The channel, counted from 0.
        channel: usize,
        /// The value that is not finite, or whose powers are not.
        value: f64,
    },
    /// An activation of a degree that the normal form cannot express.
    #[error(
        "node \"{node}\": a polynomial of degree {degree}; \
         encrypted evaluation takes degree 1 to {limit}"
    )]
    Degree {
        /// The node's name.
        node: String,
        /// Its degree.
        degree: usize,
        /// The highest degree there may be.
        limit: usize,
    },
    /// Inputs of the wrong shape.
    #[error("the network takes inputs of shape [batch, {}], found {found:?}", list(expected))]
    BatchShape {
        /// One sample's shape.
        expected: Vec<usize>,
        /// The array's shape, batch first.
        found: Vec<usize>,
    },
    /// An input that is infinite or not a number.
    #[error("sample {sample}: the value at position {index} is {value}; inputs must be finite")]
    InputValue {
        /// The sample in the batch.
        sample: usize,
        /// The position in the sample, in row-major order.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A sparse matrix or a normal form built by hand that contradicts itself.
    #[error("{what}: expected {expected}, found {found}")]
    Inconsistent {
        /// Which part.
        what: String,
        /// What would fit.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The check after a pass found the network broken: an error of this library or an overflow.
    #[error("after the pass \"{pass}\": {source}")]
    Pass {
        /// The pass.
        pass: &'static str,
        /// What the check found.
        source: Box<ModelError>,
    },
}

/// `1, 28, 28`
fn list(shape: &[usize]) -> String {
    let parts: Vec<String> = shape.iter().map(usize::to_string).collect();
    parts.join(", ")
}
