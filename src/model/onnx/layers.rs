//! Convolutions, dense layers, batch normalization, pooling.

use ndarray::{Array2, Ix1, Ix2, Ix4};

use super::import::Import;
use super::operator::Operator;
use super::tensor::Constant;
use super::value::Value;
use crate::model::Result;
use crate::model::ops::{AveragePool, Conv2d, Dense, Op, Padding, Scale};

pub(super) fn conv<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let input = import.node(operator, 0)?;
    let weight = import.constant(operator, 1)?;
    let array = weight.data.clone().into_dimensionality::<Ix4>().map_err(|_| {
        operator.misfit(
            "a weight [outputs, inputs, height, width] (two-dimensional)",
            format!("\"{}\" of shape {:?}", weight.name, weight.data.shape()),
        )
    })?;
    let (outputs, _, kernel_h, kernel_w) = array.dim();
    let bias = match import.known(operator, 2)? {
        Some(bias) => vector(operator, &bias)?,
        None => vec![0.0; outputs],
    };
    let kernel = [kernel_h, kernel_w];
    let given: [usize; 2] = operator.sizes("kernel_shape", 0)?;
    if operator.has("kernel_shape") && given != kernel {
        return Err(operator.misfit(format!("kernel_shape {kernel:?}"), format!("{given:?}")));
    }
    let stride = operator.sizes("strides", 1)?;
    let dilation = operator.sizes("dilations", 1)?;
    let groups = operator.int("group", 1);
    let groups = usize::try_from(groups)
        .map_err(|_| operator.misfit("a positive number of groups", groups.to_string()))?;
    let padding = padding(operator, &import.shape(input), kernel, stride, dilation)?;
    let conv = Conv2d { weight: array, bias, stride, padding, dilation, groups };
    import.add_layer(operator, Some(&weight.name), Op::Conv2d(conv), &[input])
}

pub(super) fn gemm<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let input = import.node(operator, 0)?;
    if operator.int("transA", 0) != 0 {
        let advice = "transpose the weight instead: the batch is the first axis";
        return Err(operator.unsupported("transA = 1", advice));
    }
    let weight = import.constant(operator, 1)?;
    let array = matrix(operator, &weight)?;
    let array = if operator.int("transB", 0) == 0 { array.reversed_axes() } else { array };
    let array = array.as_standard_layout().into_owned() * operator.float("alpha", 1.0);
    let outputs = array.nrows();
    let beta = operator.float("beta", 1.0);
    let bias = match import.known(operator, 2)? {
        None => vec![0.0; outputs],
        Some(bias) => {
            // [O], [1, O], [1] or a number.
            let sample = match bias.data.shape() {
                [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
                shape => shape.to_vec(),
            };
            let array = bias.data.to_shape(sample);
            let spread = array.as_ref().ok().and_then(|array| array.broadcast(outputs));
            let spread = spread.ok_or_else(|| {
                let found = format!("\"{}\" of shape {:?}", bias.name, bias.data.shape());
                operator.misfit(format!("a bias of {outputs}"), found)
            })?;
            spread.iter().map(|bias| beta * bias).collect()
        }
    };
    import.add_layer(operator, Some(&weight.name), Op::Dense(Dense::new(array, bias)), &[input])
}

pub(super) fn mat_mul<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let input = import.node(operator, 0)?;
    let weight = import.constant(operator, 1)?;
    let array = matrix(operator, &weight)?.reversed_axes().as_standard_layout().into_owned();
    let bias = vec![0.0; array.nrows()];
    import.add_layer(operator, Some(&weight.name), Op::Dense(Dense::new(array, bias)), &[input])
}

pub(super) fn batch_normalization<'a>(
    import: &mut Import<'a>,
    operator: Operator<'a>,
) -> Result<Value> {
    let input = import.node(operator, 0)?;
    if operator.int("training_mode", 0) != 0 || operator.int("spatial", 1) != 1 {
        let advice = "export the model for inference (model.eval())";
        return Err(operator.unsupported("normalization by the batch's own statistics", advice));
    }
    let mut parts = Vec::with_capacity(4);
    for position in 1..5 {
        let part = import.constant(operator, position)?;
        parts.push(vector(operator, &part)?);
    }
    if parts.iter().any(|part| part.len() != parts[0].len()) {
        let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
        return Err(
            operator.misfit("scale, shift, mean and variance of one size", format!("{sizes:?}"))
        );
    }
    let epsilon = operator.float("epsilon", 1e-5);
    let scale = Scale::batch_norm(&parts[0], &parts[1], &parts[2], &parts[3], epsilon);
    import.add(operator, Op::Scale(scale), &[input])
}

pub(super) fn average_pool<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let input = import.node(operator, 0)?;
    let shape = import.shape(input);
    let kernel: [usize; 2] = operator.sizes("kernel_shape", 0)?;
    let stride: [usize; 2] = operator.sizes("strides", 1)?;
    let dilation: [usize; 2] = operator.sizes("dilations", 1)?;
    if dilation != [1, 1] {
        let what = format!("dilations = {dilation:?}");
        return Err(operator.unsupported(what, "use a grouped convolution"));
    }
    let padding = padding(operator, &shape, kernel, stride, dilation)?;
    if operator.int("ceil_mode", 0) != 0 && !divides(&shape, kernel, stride, padding) {
        let advice = "choose sizes that the windows cover exactly, or ceil_mode=False";
        return Err(operator.unsupported("ceil_mode = 1 with a part of a window left over", advice));
    }
    let count_padding = operator.int("count_include_pad", 0) != 0;
    let pool = AveragePool { kernel, stride, padding, count_padding };
    import.add(operator, Op::AveragePool(pool), &[input])
}

/// Whether the windows end exactly at the edge, so that rounding up or down is the same.
fn divides(shape: &[usize], kernel: [usize; 2], stride: [usize; 2], padding: Padding) -> bool {
    let &[_, height, width] = shape else {
        return false;
    };
    let exact = |size: usize, before: usize, after: usize, axis: usize| {
        let padded = size.checked_add(before).and_then(|x| x.checked_add(after));
        let room = padded.and_then(|padded| padded.checked_sub(kernel[axis]));
        room.is_some_and(|room| stride[axis] != 0 && room % stride[axis] == 0)
    };
    exact(height, padding.top, padding.bottom, 0) && exact(width, padding.left, padding.right, 1)
}

pub(super) fn global_average_pool<'a>(
    import: &mut Import<'a>,
    operator: Operator<'a>,
) -> Result<Value> {
    let input = import.node(operator, 0)?;
    let &[_, height, width] = &import.shape(input)[..] else {
        let found = format!("{:?}", import.shape(input));
        return Err(operator.misfit("an input [channels, height, width]", found));
    };
    import.add(operator, Op::AveragePool(AveragePool::new([height, width])), &[input])
}

pub(super) fn reduce_mean<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let input = import.node(operator, 0)?;
    let axes = match import.known(operator, 1)? {
        Some(axes) => axes.data.iter().map(|&axis| axis as i64).collect(),
        None => operator.ints("axes").to_vec(),
    };
    let shape = import.shape(input);
    let means = |axis: i64| axes.iter().any(|&given| given == axis || given == axis - 4);
    let (&[channels, height, width], true) =
        (&shape[..], !axes.is_empty() && axes.iter().all(|axis| [2, 3, -1, -2].contains(axis)))
    else {
        let what = format!("a mean over the axes {axes:?} of a sample {shape:?}");
        return Err(operator.unsupported(what, "only height and width (2, 3) can be averaged"));
    };
    let kernel = [if means(2) { height } else { 1 }, if means(3) { width } else { 1 }];
    let pool = Op::AveragePool(AveragePool::new(kernel));
    if operator.int("keepdims", 1) != 0 {
        return import.add(operator, pool, &[input]);
    }
    let mean = import.add_helper(operator, "with all axes", pool, input)?;
    let mut shape = vec![channels];
    shape.extend((!means(2)).then_some(height));
    shape.extend((!means(3)).then_some(width));
    import.add(operator, Op::Reshape(shape), &[mean])
}

pub(super) fn relu<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let input = import.node(operator, 0)?;
    import.add(operator, Op::Relu, &[input])
}

pub(super) fn dropout<'a>(import: &mut Import<'a>, operator: Operator<'a>) -> Result<Value> {
    let training = import.known(operator, 2)?;
    if training.is_some_and(|flag| flag.data.iter().any(|&flag| flag != 0.0)) {
        let advice = "export the model for inference (model.eval())";
        return Err(operator.unsupported("training_mode = true", advice));
    }
    import.value(operator, 0)
}

fn vector(operator: Operator, constant: &Constant) -> Result<Vec<f64>> {
    let array = constant.data.clone().into_dimensionality::<Ix1>();
    array.map(|array| array.to_vec()).map_err(|_| {
        let found = format!("\"{}\" of shape {:?}", constant.name, constant.data.shape());
        operator.misfit("a vector", found)
    })
}

fn matrix(operator: Operator, constant: &Constant) -> Result<Array2<f64>> {
    constant.data.clone().into_dimensionality::<Ix2>().map_err(|_| {
        let found = format!("\"{}\" of shape {:?}", constant.name, constant.data.shape());
        operator.misfit("a matrix as weight", found)
    })
}

/// The padding, given as `[top, left, bottom, right]` or by the rule `auto_pad`.
fn padding(
    operator: Operator,
    shape: &[usize],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
) -> Result<Padding> {
    let rule = operator.text("auto_pad");
    let upper = match rule.as_str() {
        "" | "NOTSET" => {
            let [top, left, bottom, right] = operator.sizes("pads", 0)?;
            return Ok(Padding { top, left, bottom, right });
        }
        "VALID" => return Ok(Padding::default()),
        "SAME_UPPER" => true,
        "SAME_LOWER" => false,
        _ => return Err(operator.unsupported(format!("auto_pad = {rule}"), "give the pads")),
    };
    let &[_, height, width] = shape else {
        return Ok(Padding::default());
    };
    // As many windows as strides fit in, and half of what they lack on either side.
    let sides = |axis: usize, size: usize| {
        let windows = size.div_ceil(stride[axis].max(1)).saturating_sub(1);
        let reach = dilation[axis].saturating_mul(kernel[axis].saturating_sub(1));
        let end = windows.saturating_mul(stride[axis]).saturating_add(reach).saturating_add(1);
        let total = end.saturating_sub(size);
        let (small, large) = (total / 2, total - total / 2);
        if upper { (small, large) } else { (large, small) }
    };
    let ((top, bottom), (left, right)) = (sides(0, height), sides(1, width));
    Ok(Padding { top, left, bottom, right })
}
