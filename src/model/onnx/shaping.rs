//! Other shapes for the same entries. The batch stays the first axis: samples never mix.

use std::rc::Rc;

use ndarray::{ArrayD, IxDyn};

use super::import::Import;
use super::operator::Operator;
use super::tensor::Constant;
use super::value::{Size, Sizes, Value};
use crate::model::ops::Op;
use crate::model::{ModelError, NodeId, Result};

pub(super) fn flatten<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let input = import.node(operator, 0)?;
    let shape = import.shape(input);
    let axis = operator.int("axis", 1);
    if axis != 1 && axis.checked_add(shape.len() as i64) != Some(0) {
        let what = format!("axis = {axis} for a sample {shape:?}");
        return Err(operator.unsupported(what, "flatten from axis 1: the batch stays apart"));
    }
    import.add(operator, Op::Reshape(vec![shape.iter().product()]), &[input])
}

pub(super) fn reshape<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let value = import.value(operator, 0)?;
    let target = import.value(operator, 1)?.sizes().ok_or_else(|| {
        operator.unsupported("a shape that depends on the input", "use a fixed shape")
    })?;
    match value {
        Value::Node(node) => reshape_node(import, operator, node, &target.list),
        Value::Constant(constant) => reshape_constant(operator, &constant, &target.list),
        Value::Sizes(sizes) => {
            let list = sizes.list;
            match target.list[..] {
                [] if list.len() == 1 => Ok(Value::Sizes(Sizes { list, scalar: true })),
                [Size::Known(n)] if n == -1 || n == list.len() as i64 => {
                    Ok(Value::Sizes(Sizes { list, scalar: false }))
                }
                _ => Err(mixes(operator, &target.list)),
            }
        }
    }
}

fn mixes(operator: Operator, target: &[Size]) -> ModelError {
    let text: Vec<String> = target
        .iter()
        .map(|size| match size {
            Size::Known(size) => size.to_string(),
            Size::Batch => "batch".into(),
        })
        .collect();
    operator.unsupported(
        format!("the shape [{}], in which samples mix or sizes stay open,", text.join(", ")),
        "keep the batch as the first axis: x.flatten(1), or x.view(x.size(0), -1)",
    )
}

fn reshape_node<'a>(
    import: &mut Import<'a>,
    operator: Operator<'a>,
    node: NodeId,
    target: &[Size],
) -> Result<Value> {
    let shape = import.shape(node);
    let entries: usize = shape.iter().product();
    let copies = operator.int("allowzero", 0) == 0;
    let Some((first, rest)) = target.split_first() else {
        return Err(mixes(operator, target));
    };
    // Sizes of the sample; at most one is open (−1).
    let mut sizes = Vec::with_capacity(rest.len());
    let mut open = None;
    for (axis, size) in rest.iter().enumerate() {
        match *size {
            Size::Known(-1) if open.is_none() => {
                open = Some(axis);
                sizes.push(1);
            }
            Size::Known(0) if copies && axis < shape.len() => sizes.push(shape[axis]),
            Size::Known(size) if size > 0 => sizes.push(usize::try_from(size).unwrap_or(0)),
            _ => return Err(mixes(operator, target)),
        }
    }
    let known = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let Some(known) = known.filter(|&known| known > 0) else {
        return Err(mixes(operator, target));
    };
    let batch_first = match *first {
        Size::Batch => true,
        Size::Known(0) => copies,
        // Open, so it is the batch exactly if the rest is one sample.
        Size::Known(-1) => open.is_none() && known == entries,
        Size::Known(size) => import.batch == Some(size),
    };
    if !batch_first {
        return Err(mixes(operator, target));
    }
    if let Some(axis) = open {
        if !entries.is_multiple_of(known) {
            return Err(mixes(operator, target));
        }
        sizes[axis] = entries / known;
    }
    import.add(operator, Op::Reshape(sizes), &[node])
}

fn reshape_constant(operator: Operator, constant: &Constant, target: &[Size]) -> Result<Value> {
    let shape = constant.data.shape();
    let copies = operator.int("allowzero", 0) == 0;
    let mut sizes = Vec::with_capacity(target.len());
    let mut open = None;
    for (axis, size) in target.iter().enumerate() {
        match *size {
            Size::Known(-1) if open.is_none() => {
                open = Some(axis);
                sizes.push(1);
            }
            Size::Known(0) if copies && axis < shape.len() => sizes.push(shape[axis]),
            Size::Known(size) if size >= 0 => sizes.push(usize::try_from(size).unwrap_or(0)),
            _ => return Err(mixes(operator, target)),
        }
    }
    let known = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    if let (Some(axis), Some(known @ 1..)) = (open, known) {
        sizes[axis] = constant.data.len() / known;
    }
    renamed(operator, constant, &sizes)
}

/// A constant's entries under another shape.
fn renamed(operator: Operator, constant: &Constant, shape: &[usize]) -> Result<Value> {
    let data = constant.data.to_shape(IxDyn(shape)).map(|array| array.into_owned());
    let data = data.map_err(|_| {
        let found = format!("{shape:?}");
        operator.misfit(format!("a shape of {} entries", constant.data.len()), found)
    })?;
    let (name, integer) = (constant.name.clone(), constant.integer);
    Ok(Value::Constant(Rc::new(Constant { name, data, integer })))
}

pub(super) fn transpose<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let value = import.value(operator, 0)?;
    let rank = match &value {
        Value::Node(node) => import.shape(*node).len() + 1,
        Value::Constant(constant) => constant.data.ndim(),
        Value::Sizes(_) => return Ok(value),
    };
    let order: Vec<usize> = if operator.has("perm") {
        operator.ints("perm").iter().map(|&axis| usize::try_from(axis).unwrap_or(rank)).collect()
    } else {
        (0..rank).rev().collect()
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..rank) {
        let found = format!("perm = {order:?}");
        return Err(operator.misfit(format!("a permutation of {rank} axes"), found));
    }
    match value {
        Value::Node(node) => {
            let shape = import.shape(node);
            let moved: Vec<usize> = order.iter().copied().filter(|&axis| axis > 0).collect();
            // Axes of size 1 may go anywhere; the others must keep their order.
            let long = moved.iter().filter(|&&axis| shape[axis - 1] > 1);
            if order.first() != Some(&0) || !long.is_sorted() {
                let what = format!("perm = {order:?}, which moves entries,");
                return Err(
                    operator.unsupported(what, "keep images as [batch, channels, height, width]")
                );
            }
            let shape = moved.iter().map(|&axis| shape[axis - 1]).collect();
            import.add(operator, Op::Reshape(shape), &[node])
        }
        Value::Constant(constant) => {
            let data: ArrayD<f64> = constant.data.clone().permuted_axes(order);
            let data = data.as_standard_layout().into_owned();
            let (name, integer) = (constant.name.clone(), constant.integer);
            Ok(Value::Constant(Rc::new(Constant { name, data, integer })))
        }
        Value::Sizes(_) => Ok(value),
    }
}

/// Squeeze and Unsqueeze.
pub(super) fn squeeze<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let value = import.value(operator, 0)?;
    let axes: Vec<i64> = match import.known(operator, 1)? {
        Some(axes) => axes.data.iter().map(|&axis| axis as i64).collect(),
        None => operator.ints("axes").to_vec(),
    };
    // Of a value, the batch's axis counts and is taken as 2, so that it is never dropped.
    let shape = match &value {
        Value::Node(node) => [vec![2], import.shape(*node)].concat(),
        Value::Constant(constant) => constant.data.shape().to_vec(),
        Value::Sizes(Sizes { scalar: true, .. }) => Vec::new(),
        Value::Sizes(Sizes { list, .. }) => vec![list.len()],
    };
    let adds = operator.kind() == "Unsqueeze";
    let changed = if adds { unsqueezed(&shape, &axes) } else { squeezed(&shape, &axes) };
    let changed = changed.ok_or_else(|| {
        operator.misfit("axes that are there and of size 1", format!("{axes:?} of {shape:?}"))
    })?;
    match value {
        Value::Node(node) => {
            if changed.first() != Some(&2) {
                return Err(
                    operator.unsupported("an axis before the batch", "keep the batch first")
                );
            }
            import.add(operator, Op::Reshape(changed[1..].to_vec()), &[node])
        }
        Value::Constant(constant) => renamed(operator, &constant, &changed),
        Value::Sizes(sizes) if changed.len() <= 1 => {
            Ok(Value::Sizes(Sizes { scalar: changed.is_empty(), ..sizes }))
        }
        Value::Sizes(_) => Err(operator.unsupported("a table of sizes", "use a fixed shape")),
    }
}

/// The axes as places in a shape of a rank, ascending; `None` if they are no such places.
fn places(axes: &[i64], rank: usize) -> Option<Vec<usize>> {
    let place = |&axis: &i64| {
        let axis = if axis < 0 { axis.checked_add(rank as i64)? } else { axis };
        usize::try_from(axis).ok().filter(|&axis| axis < rank)
    };
    let mut places = axes.iter().map(place).collect::<Option<Vec<usize>>>()?;
    places.sort_unstable();
    places.windows(2).all(|pair| pair[0] < pair[1]).then_some(places)
}

fn unsqueezed(shape: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let mut changed = shape.to_vec();
    places(axes, shape.len() + axes.len())?.into_iter().for_each(|axis| changed.insert(axis, 1));
    Some(changed)
}

fn squeezed(shape: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let mut places = places(axes, shape.len())?;
    if places.is_empty() {
        places = (0..shape.len()).filter(|&axis| shape[axis] == 1).collect();
    }
    let mut changed = shape.to_vec();
    for &axis in places.iter().rev() {
        if changed.remove(axis) != 1 {
            return None;
        }
    }
    Some(changed)
}

/// A value's shape, with the batch as the size that is not known.
pub(super) fn shape<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let known = |sizes: &[usize]| sizes.iter().map(|&size| Size::Known(size as i64)).collect();
    let list: Vec<Size> = match import.value(operator, 0)? {
        Value::Node(node) => {
            let mut list = vec![import.batch.map_or(Size::Batch, Size::Known)];
            list.extend::<Vec<Size>>(known(&import.shape(node)));
            list
        }
        Value::Constant(constant) => known(constant.data.shape()),
        Value::Sizes(sizes) if sizes.scalar => Vec::new(),
        Value::Sizes(sizes) => known(&[sizes.list.len()]),
    };
    let end = operator.setting("end").map_or(i64::MAX, |end| end.i);
    let range = super::constants::range(operator.int("start", 0), end, list.len());
    Ok(Sizes { list: list[range].to_vec(), scalar: false }.into_value(operator.name))
}
