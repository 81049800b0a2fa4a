//! What a tensor of the file is during import.

use std::rc::Rc;

use ndarray::{Array1, ArrayD, IxDyn};

use super::tensor::Constant;
use crate::model::NodeId;

/// A tensor of the file.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Computed from the input, sample by sample.
    Node(NodeId),
    /// Known.
    Constant(Rc<Constant>),
    /// A shape, or a part of one, that contains the size of the batch.
    Sizes(Sizes),
}

/// One entry of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// A number.
    Known(i64),
    /// The number of samples, whatever it is.
    Batch,
}

/// A list of sizes, or one size.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    pub list: Vec<Size>,
    /// Whether it is one number rather than a list with one entry.
    pub scalar: bool,
}

impl Sizes {
    /// As a constant, if the batch is not in it.
    pub fn into_value(self, name: &str) -> Value {
        let known = |size: &Size| match size {
            Size::Known(size) => Some(*size as f64),
            Size::Batch => None,
        };
        let Some(values) = self.list.iter().map(known).collect::<Option<Vec<f64>>>() else {
            return Value::Sizes(self);
        };
        let data = match values[..] {
            [value] if self.scalar => ArrayD::from_elem(IxDyn(&[]), value),
            _ => Array1::from(values).into_dyn(),
        };
        Value::Constant(Rc::new(Constant { name: name.into(), data, integer: true }))
    }
}

impl Value {
    /// As sizes, if it is a constant or a shape of at most one axis.
    pub fn sizes(&self) -> Option<Sizes> {
        match self {
            Value::Node(_) => None,
            Value::Sizes(sizes) => Some(sizes.clone()),
            Value::Constant(constant) => {
                let list = constant.data.iter().map(|&x| Size::Known(x as i64)).collect();
                let rank = constant.data.ndim();
                (rank <= 1).then_some(Sizes { list, scalar: rank == 0 })
            }
        }
    }
}
