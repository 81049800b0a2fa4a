//! The layers a network is made of. Shapes are those of one sample: the batch is left out.

mod conv2d;
mod dense;
mod entry;
mod polynomial;
mod pool;
mod scale;

pub use conv2d::{Conv2d, Padding};
pub use dense::Dense;
pub use polynomial::Polynomial;
pub use pool::AveragePool;
pub use scale::Scale;

pub(super) use conv2d::inside;
pub(super) use entry::{Entry, Several};

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// The network's input; no inputs of its own.
    Input,
    /// A convolution over `[C, H, W]`.
    Conv2d(Conv2d),
    /// A matrix times a vector `[I]`.
    Dense(Dense),
    /// Means over windows of `[C, H, W]`.
    AveragePool(AveragePool),
    /// A factor and a shift per channel: batch normalization.
    Scale(Scale),
    /// A polynomial of each entry.
    Polynomial(Polynomial),
    /// `max(x, 0)` of each entry. The reference executor computes it; under encryption there is none,
    /// so the normal form refuses it: see [`Network::with_polynomials`](super::Network::with_polynomials).
    Relu,
    /// The sum of two values of one shape.
    Add,
    /// The product, entry by entry, of two values of one shape.
    Multiply,
    /// The same entries in row-major order under another shape.
    Reshape(Vec<usize>),
}

impl Op {
    /// The operator's name, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input => "Input",
            Op::Conv2d(_) => "Conv2d",
            Op::Dense(_) => "Dense",
            Op::AveragePool(_) => "AveragePool",
            Op::Scale(_) => "Scale",
            Op::Polynomial(_) => "Polynomial",
            Op::Relu => "Relu",
            Op::Add => "Add",
            Op::Multiply => "Multiply",
            Op::Reshape(_) => "Reshape",
        }
    }
}
