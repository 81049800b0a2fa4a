//! The network in the clear.
//!
//! Three stages, each a type:
//!
//! 1. [`Network`]: a checked graph of layers, read from an ONNX file
//!    (`Network::from_onnx`, feature `onnx`) or built by hand ([`NetworkBuilder`]);
//!    [`Network::evaluate`] is the reference executor.
//!    [`Network::with_polynomials`] puts polynomials in the place of its ReLUs.
//! 2. [`Network::simplified`]: the same function with its elementwise arithmetic gathered
//!    into polynomials and its scales folded into the layers beside them.
//! 3. [`NormalForm`]: the same function again as affine maps with squarings between them,
//!    which is all that encrypted evaluation offers and all that a planner needs to see.
//!
//! This room knows no cryptography.

#![forbid(unsafe_code)]

mod activation;
mod builder;
mod error;
mod evaluate;
mod graph;
mod limits;
mod lower;
mod normal;
#[cfg(feature = "onnx")]
mod onnx;
mod ops;
mod shape;
mod simplify;
mod sparse;

pub use activation::{Degree, Escapes, LayerFit, Replaced, relu_fit, relu_fit_rmse};
pub use builder::NetworkBuilder;
pub use error::ModelError;
pub use graph::{Network, Node, NodeId};
pub use normal::{Affine, NormalForm, Term};
pub use ops::{AveragePool, Conv2d, Dense, Op, Padding, Polynomial, Scale};
pub use sparse::SparseMatrix;

/// The result of everything in this room that can fail.
pub type Result<T> = std::result::Result<T, ModelError>;
