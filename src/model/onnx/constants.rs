//! Constants, and the parts of shapes that exporters compute with.

use std::ops::Range;
use std::rc::Rc;

use ndarray::{Array1, ArrayD, IxDyn};

use super::advice;
use super::import::Import;
use super::operator::Operator;
use super::tensor::{self, Constant};
use super::value::{Size, Sizes, Value};
use crate::model::{ModelError, Result};

/// The operator Constant, whichever of its settings holds the value.
pub(super) fn constant(operator: Operator) -> Result<Value> {
    let number = |value: f64| ArrayD::from_elem(IxDyn(&[]), value);
    let set = |name: &str| operator.setting(name);
    let (data, integer) = if let Some(tensor) = set("value").and_then(|value| value.t.as_ref()) {
        let constant = tensor::read(tensor, operator.name, None)?;
        return Ok(Value::Constant(Rc::new(constant)));
    } else if let Some(value) = set("value_float") {
        (number(f64::from(value.f)), false)
    } else if let Some(value) = set("value_int") {
        (number(value.i as f64), true)
    } else if let Some(value) = set("value_floats") {
        (Array1::from_iter(value.floats.iter().map(|&x| f64::from(x))).into_dyn(), false)
    } else if let Some(value) = set("value_ints") {
        (Array1::from_iter(value.ints.iter().map(|&x| x as f64)).into_dyn(), true)
    } else {
        return Err(operator.unsupported("a constant that is no dense tensor", "use numbers"));
    };
    let constant = Constant { name: operator.name.into(), data, integer };
    Ok(Value::Constant(Rc::new(tensor::finite(constant)?)))
}

/// Sqrt and Reciprocal of constants.
pub(super) fn unary<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let Value::Constant(constant) = import.value(operator, 0)? else {
        return Err(advice::refusal(operator));
    };
    let f = if operator.kind() == "Sqrt" { f64::sqrt } else { f64::recip };
    let data = constant.data.mapv(f);
    let constant = Constant { name: operator.name.into(), data, integer: false };
    Ok(Value::Constant(Rc::new(tensor::finite(constant)?)))
}

/// Cast: between floating-point types it does nothing here, where all are `f64`.
pub(super) fn cast<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let kind = i32::try_from(operator.int("to", 0)).unwrap_or(0);
    match import.value(operator, 0)? {
        Value::Constant(constant) if tensor::is_integer(kind) => {
            let (name, data) = (constant.name.clone(), constant.data.mapv(f64::trunc));
            Ok(Value::Constant(Rc::new(Constant { name, data, integer: true })))
        }
        Value::Constant(constant) if tensor::is_float(kind) => {
            let (name, data) = (constant.name.clone(), constant.data.clone());
            Ok(Value::Constant(Rc::new(Constant { name, data, integer: false })))
        }
        Value::Sizes(sizes) if tensor::is_integer(kind) => Ok(Value::Sizes(sizes)),
        Value::Node(node) if tensor::is_float(kind) => Ok(Value::Node(node)),
        _ => Err(operator.unsupported(
            format!("element type {kind}"),
            "cast to floating-point types only: encrypted values cannot be rounded",
        )),
    }
}

/// Gather, Concat and Slice of shapes: everything that picks sizes from lists of them.
pub(super) fn pick<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let list = |import: &mut Import<'a>, position: usize| -> Result<Sizes> {
        let value = import.value(operator, position)?;
        value.sizes().ok_or_else(|| match value {
            Value::Node(_) => advice::refusal(operator),
            _ => operator.unsupported("a constant of several axes", "compute it before exporting"),
        })
    };
    let wrong = |found: String| -> ModelError { operator.misfit("a place in the list", found) };
    let sizes = match operator.kind() {
        "Gather" => {
            let data = list(import, 0)?.list;
            let indices = list(import, 1)?;
            let mut picked = Vec::with_capacity(indices.list.len());
            for index in indices.list {
                let Size::Known(index) = index else {
                    return Err(wrong("the batch".into()));
                };
                let place = if index < 0 { index.saturating_add(data.len() as i64) } else { index };
                let place = usize::try_from(place).ok().and_then(|place| data.get(place));
                picked.push(*place.ok_or_else(|| wrong(format!("{index} of {}", data.len())))?);
            }
            Sizes { list: picked, scalar: indices.scalar }
        }
        "Concat" => {
            let mut joined = Vec::new();
            for position in 0..operator.proto.input.len() {
                joined.extend(list(import, position)?.list);
            }
            Sizes { list: joined, scalar: false }
        }
        _ => {
            let data = list(import, 0)?.list;
            let mut bound = |position: usize, name: &str, default: i64| -> Result<i64> {
                let given = import.known(operator, position)?;
                let given = given.and_then(|bound| bound.data.first().map(|&x| x as i64));
                Ok(given.or(operator.ints(name).first().copied()).unwrap_or(default))
            };
            let (start, end) = (bound(1, "starts", 0)?, bound(2, "ends", i64::MAX)?);
            if bound(4, "steps", 1)? != 1 {
                return Err(operator.unsupported("a step other than 1", "use a step of 1"));
            }
            Sizes { list: data[range(start, end, data.len())].to_vec(), scalar: false }
        }
    };
    Ok(sizes.into_value(operator.name))
}

/// The part `start .. end` of a list, in ONNX's way: negative counts from the end, and what lies
/// outside is cut off.
pub(super) fn range(start: i64, end: i64, len: usize) -> Range<usize> {
    let place = |at: i64| {
        let at = if at < 0 { at.saturating_add(len as i64) } else { at };
        usize::try_from(at).unwrap_or(0).min(len)
    };
    let start = place(start);
    start..place(end).max(start)
}
