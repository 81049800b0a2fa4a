//! Shape inference and the checks of every layer's parameters, per sample.

use super::limits;
use super::ops::{AveragePool, Conv2d, Dense, Op, Padding, Polynomial, Scale};
use super::{ModelError, Result};

/// A node under scrutiny, for messages.
#[derive(Clone, Copy)]
struct Site<'a> {
    node: &'a str,
    op: &'a str,
}

impl Site<'_> {
    fn misfit<T>(self, expected: impl Into<String>, found: impl Into<String>) -> Result<T> {
        Err(ModelError::Shape {
            node: self.node.into(),
            op: self.op.into(),
            expected: expected.into(),
            found: found.into(),
        })
    }

    fn finite<'v>(self, part: &str, values: impl IntoIterator<Item = &'v f64>) -> Result<()> {
        match values.into_iter().enumerate().find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((index, &value)) => {
                Err(ModelError::NonFinite { tensor: format!("{}.{part}", self.node), index, value })
            }
        }
    }

    fn bias(self, bias: &[f64], outputs: usize) -> Result<()> {
        if bias.len() != outputs {
            return self.misfit(format!("a bias of {outputs}"), bias.len().to_string());
        }
        self.finite("bias", bias)
    }

    fn image(self, shape: &[usize]) -> Result<[usize; 3]> {
        match *shape {
            [channels, height, width] => Ok([channels, height, width]),
            _ => self.misfit("an input [channels, height, width]", format!("{shape:?}")),
        }
    }
}

/// The shape of a node's result, after a check of its parameters.
pub(super) fn infer(node: &str, op: &Op, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let site = Site { node, op: op.name() };
    let arity = match op {
        Op::Input => 0,
        Op::Add | Op::Multiply => 2,
        _ => 1,
    };
    if inputs.len() != arity {
        return site.misfit(format!("{arity} inputs"), inputs.len().to_string());
    }
    let shape = match op {
        Op::Input => return site.misfit("one input, the network's own", "another"),
        Op::Conv2d(conv) => conv2d(site, conv, inputs[0])?,
        Op::Dense(layer) => dense(site, layer, inputs[0])?,
        Op::AveragePool(pool) => average_pool(site, pool, inputs[0])?,
        Op::Scale(layer) => scale(site, layer, inputs[0])?,
        Op::Polynomial(polynomial) => elementwise(site, polynomial, inputs[0])?,
        Op::Add | Op::Multiply if inputs[0] != inputs[1] => {
            return site
                .misfit("two values of one shape", format!("{:?} and {:?}", inputs[0], inputs[1]));
        }
        Op::Relu | Op::Add | Op::Multiply => inputs[0].to_vec(),
        Op::Reshape(shape) => {
            let wanted = limits::entries(node, "Reshape", shape)?;
            let present: usize = inputs[0].iter().product();
            if wanted != present {
                return site.misfit(
                    format!("a shape of {present} entries, as {:?} has", inputs[0]),
                    format!("{shape:?}"),
                );
            }
            shape.clone()
        }
    };
    limits::entries(node, op.name(), &shape)?;
    Ok(shape)
}

fn conv2d(site: Site, conv: &Conv2d, input: &[usize]) -> Result<Vec<usize>> {
    let [channels, height, width] = site.image(input)?;
    let (outputs, per_group, kernel_h, kernel_w) = conv.weight.dim();
    let groups = conv.groups;
    if groups == 0 || !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
        return site.misfit(
            format!("groups that divide {channels} input and {outputs} output channels"),
            groups.to_string(),
        );
    }
    if per_group != channels / groups {
        return site.misfit(
            format!("a weight of {} input channels per group", channels / groups),
            format!("{:?}", conv.weight.shape()),
        );
    }
    site.bias(&conv.bias, outputs)?;
    site.finite("weight", &conv.weight)?;
    let kernel = [kernel_h, kernel_w];
    let [rows, columns] =
        window(site, [height, width], kernel, conv.stride, conv.padding, conv.dilation)?;
    Ok(vec![outputs, rows, columns])
}

fn dense(site: Site, layer: &Dense, input: &[usize]) -> Result<Vec<usize>> {
    let (outputs, inputs) = layer.weight.dim();
    if *input != [inputs] {
        return site.misfit(
            format!(
                "an input [{inputs}], as the weight {:?} has (flatten first?)",
                (outputs, inputs)
            ),
            format!("{input:?}"),
        );
    }
    site.bias(&layer.bias, outputs)?;
    site.finite("weight", &layer.weight)?;
    Ok(vec![outputs])
}

fn average_pool(site: Site, pool: &AveragePool, input: &[usize]) -> Result<Vec<usize>> {
    let [channels, height, width] = site.image(input)?;
    let Padding { top, left, bottom, right } = pool.padding;
    let [kernel_h, kernel_w] = pool.kernel;
    if top.max(bottom) >= kernel_h.max(1) || left.max(right) >= kernel_w.max(1) {
        // Otherwise a window could lie in the padding alone, and be a mean of nothing.
        return site.misfit(
            format!("a padding below the kernel {:?}", pool.kernel),
            format!("{:?}", pool.padding),
        );
    }
    let [rows, columns] =
        window(site, [height, width], pool.kernel, pool.stride, pool.padding, [1, 1])?;
    Ok(vec![channels, rows, columns])
}

fn scale(site: Site, layer: &Scale, input: &[usize]) -> Result<Vec<usize>> {
    let (factors, shifts) = (layer.scale.len(), layer.shift.len());
    if input.first() != Some(&factors) || shifts != factors {
        return site.misfit(
            format!("a factor and a shift for every channel of {input:?}"),
            format!("{factors} factors and {shifts} shifts"),
        );
    }
    site.finite("scale", &layer.scale)?;
    site.finite("shift", &layer.shift)?;
    Ok(input.to_vec())
}

fn elementwise(site: Site, polynomial: &Polynomial, input: &[usize]) -> Result<Vec<usize>> {
    if polynomial.coefficients.is_empty() {
        return site.misfit("at least one coefficient", "none");
    }
    for (power, coefficient) in polynomial.coefficients.iter().enumerate() {
        if coefficient.broadcast(input).is_none() {
            return site.misfit(
                format!("coefficients that broadcast to {input:?}"),
                format!("{:?} for power {power}", coefficient.shape()),
            );
        }
        site.finite(&format!("coefficients[{power}]"), coefficient)?;
    }
    Ok(input.to_vec())
}

/// `⌊(size + padding − dilation · (kernel − 1) − 1) / stride⌋ + 1` for both axes.
fn window(
    site: Site,
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
    dilation: [usize; 2],
) -> Result<[usize; 2]> {
    if [kernel, stride, dilation].iter().flatten().any(|&value| value == 0) {
        return site.misfit(
            "a kernel, strides and dilations of at least 1",
            format!("kernel {kernel:?}, stride {stride:?}, dilation {dilation:?}"),
        );
    }
    let sides = [(padding.top, padding.bottom), (padding.left, padding.right)];
    let mut result = [0; 2];
    for axis in 0..2 {
        let padded =
            size[axis].checked_add(sides[axis].0).and_then(|x| x.checked_add(sides[axis].1));
        let reach = dilation[axis].checked_mul(kernel[axis] - 1).and_then(|x| x.checked_add(1));
        let (Some(padded), Some(reach)) = (padded, reach) else {
            return site.misfit(
                "sizes within the machine's integers",
                format!("padding {padding:?}, dilation {dilation:?}"),
            );
        };
        let Some(room) = padded.checked_sub(reach) else {
            return site.misfit(
                format!("an input that the kernel's reach of {reach} fits into"),
                format!("{} padded to {padded}", size[axis]),
            );
        };
        result[axis] = room / stride[axis] + 1;
    }
    Ok(result)
}
