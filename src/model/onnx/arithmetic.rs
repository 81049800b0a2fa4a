//! Sums, products and powers, entry by entry.

use std::rc::Rc;

use ndarray::{ArrayD, Axis, IxDyn};

use super::import::Import;
use super::operator::Operator;
use super::tensor::{self, Constant};
use super::value::Value;
use crate::model::limits::{self, VALUE_ENTRIES};
use crate::model::ops::{Op, Polynomial};
use crate::model::{NodeId, Result};

/// The highest power that is read; the normal form refuses high degrees by itself.
const MAX_EXPONENT: f64 = 16.0;

/// Add, Sub, Mul, Div of two inputs and Sum of any number.
pub(super) fn combine<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let count = operator.proto.input.len();
    if operator.kind() != "Sum" {
        let (left, right) = (import.value(operator, 0)?, import.value(operator, 1)?);
        return pair(import, operator, left, right);
    }
    let mut sum = import.value(operator, 0)?;
    for position in 1..count {
        let next = import.value(operator, position)?;
        sum = match (sum, next) {
            (Value::Node(x), Value::Node(y)) if position + 1 < count => {
                let name = format!("{} (first {})", operator.name, position + 1);
                Value::Node(import.builder.add(&name, Op::Add, &[x, y])?)
            }
            (Value::Node(x), Value::Node(y)) => import.add(operator, Op::Add, &[x, y])?,
            _ => {
                let advice = "use Add for a value and a constant";
                return Err(operator.unsupported("a constant in a sum of several", advice));
            }
        };
    }
    Ok(sum)
}

fn pair<'a>(
    import: &mut Import<'a>,
    operator: Operator<'a>,
    left: Value,
    right: Value,
) -> Result<Value> {
    let kind = operator.kind();
    match (left, right) {
        (Value::Node(x), Value::Node(y)) => match kind {
            "Add" => import.add(operator, Op::Add, &[x, y]),
            "Mul" => import.add(operator, Op::Multiply, &[x, y]),
            "Sub" => {
                let negated = Op::Polynomial(Polynomial::uniform(&[0.0, -1.0]));
                let y = import.add_helper(operator, "negated", negated, y)?;
                import.add(operator, Op::Add, &[x, y])
            }
            _ => Err(no_quotient(operator)),
        },
        (Value::Node(x), Value::Constant(c)) => {
            let c = for_sample(import, operator, x, &c)?;
            let one = || ArrayD::from_elem(IxDyn(&[]), 1.0);
            let zero = || ArrayD::zeros(IxDyn(&[]));
            let coefficients = match kind {
                "Add" => vec![c, one()],
                "Sub" => vec![-c, one()],
                "Mul" => vec![zero(), c],
                _ => vec![zero(), c.mapv(f64::recip)],
            };
            import.add(operator, Op::Polynomial(Polynomial { coefficients }), &[x])
        }
        (Value::Constant(c), Value::Node(x)) => {
            let c = for_sample(import, operator, x, &c)?;
            let coefficients = match kind {
                "Add" => vec![c, ArrayD::from_elem(IxDyn(&[]), 1.0)],
                "Sub" => vec![c, ArrayD::from_elem(IxDyn(&[]), -1.0)],
                "Mul" => vec![ArrayD::zeros(IxDyn(&[])), c],
                _ => return Err(no_quotient(operator)),
            };
            import.add(operator, Op::Polynomial(Polynomial { coefficients }), &[x])
        }
        (Value::Constant(x), Value::Constant(y)) => {
            let whole = x.integer && y.integer;
            constants(operator, &x, &y, |x, y| match kind {
                "Add" => x + y,
                "Sub" => x - y,
                "Mul" => x * y,
                _ if whole => (x / y).trunc(),
                _ => x / y,
            })
        }
        _ => Err(operator.unsupported(
            "arithmetic on the size of the batch",
            "reshape with -1 for the batch instead",
        )),
    }
}

fn no_quotient(operator: Operator) -> crate::model::ModelError {
    let advice = "under encryption there are only sums and products; divide by constants only";
    operator.unsupported("dividing by a computed value", advice)
}

/// Pow with a small whole exponent.
pub(super) fn pow<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let exponent = import.constant(operator, 1)?;
    let base = match import.value(operator, 0)? {
        Value::Constant(base) => return constants(operator, &base, &exponent, f64::powf),
        Value::Node(node) => node,
        Value::Sizes(_) => return Err(operator.unsupported("a power of the batch", "reshape")),
    };
    let mut values = exponent.data.iter().copied();
    let power = values.next().unwrap_or(f64::NAN);
    let small = power.fract() == 0.0 && (1.0..=MAX_EXPONENT).contains(&power);
    if !small || values.any(|other| other != power) {
        let what = format!("the exponent {}", exponent.data);
        let advice = format!("use one whole exponent from 1 to {MAX_EXPONENT}");
        return Err(operator.unsupported(what, advice));
    }
    let mut coefficients = vec![0.0; power as usize];
    coefficients.push(1.0);
    import.add(operator, Op::Polynomial(Polynomial::uniform(&coefficients)), &[base])
}

pub(super) fn neg<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    match import.value(operator, 0)? {
        Value::Node(x) => {
            let negated = Polynomial::uniform(&[0.0, -1.0]);
            import.add(operator, Op::Polynomial(negated), &[x])
        }
        Value::Constant(c) => {
            let (name, data) = (operator.name.into(), c.data.mapv(|x| -x));
            Ok(Value::Constant(Rc::new(Constant { name, data, integer: c.integer })))
        }
        Value::Sizes(_) => Err(operator.unsupported("minus the batch", "reshape")),
    }
}

/// A constant beside a value `[N, …]`, without the batch's axis.
fn for_sample(
    import: &Import,
    operator: Operator,
    node: NodeId,
    constant: &Constant,
) -> Result<ArrayD<f64>> {
    let sample = import.shape(node);
    let shape = constant.data.shape();
    let fits = |array: &ArrayD<f64>| array.broadcast(&sample[..]).is_some();
    let array = match shape {
        [1, ..] if shape.len() == sample.len() + 1 => {
            constant.data.clone().index_axis_move(Axis(0), 0)
        }
        _ => constant.data.clone(),
    };
    if array.ndim() > sample.len() || !fits(&array) {
        return Err(operator.misfit(
            format!("a constant that broadcasts to [batch, {}]", join(&sample)),
            format!("\"{}\" of shape {shape:?}", constant.name),
        ));
    }
    Ok(array)
}

fn join(shape: &[usize]) -> String {
    let parts: Vec<String> = shape.iter().map(usize::to_string).collect();
    parts.join(", ")
}

/// Arithmetic of two constants, with broadcasting.
fn constants(
    operator: Operator,
    x: &Constant,
    y: &Constant,
    f: impl Fn(f64, f64) -> f64,
) -> Result<Value> {
    let (left, right) = (x.data.shape(), y.data.shape());
    let rank = left.len().max(right.len());
    // Aligned at the last axis; the sizes are equal, or one of them is 1.
    let mut shape = vec![0; rank];
    for back in 1..=rank {
        let size = |of: &[usize]| of.len().checked_sub(back).map_or(1, |axis| of[axis]);
        shape[rank - back] = match (size(left), size(right)) {
            (1, size) | (size, 1) => size,
            (a, b) if a == b => a,
            _ => {
                let found = format!("{left:?} and {right:?}");
                return Err(operator.misfit("shapes that broadcast", found));
            }
        };
    }
    let size = shape.iter().fold(1u128, |size, &dim| size.saturating_mul(dim as u128));
    limits::check(operator.name, &format!("a constant of shape {shape:?}"), size, VALUE_ENTRIES)?;
    let (Some(left), Some(right)) = (x.data.broadcast(&shape[..]), y.data.broadcast(&shape[..]))
    else {
        let found = format!("{left:?} and {right:?}");
        return Err(operator.misfit("shapes that broadcast", found));
    };
    let data = ndarray::Zip::from(left).and(right).map_collect(|&x, &y| f(x, y));
    let integer = x.integer && y.integer;
    let constant = tensor::finite(Constant { name: operator.name.into(), data, integer })?;
    Ok(Value::Constant(Rc::new(constant)))
}
