//! Factors and shifts folded into the weights beside them.
//!
//! A layer is only changed for a neighbour if that neighbour is all that reads it.

use ndarray::{Axis, Zip};

use super::{Uses, moved};
use crate::model::graph::{Network, Node, NodeId};
use crate::model::ops::{Conv2d, Dense, Op, Padding};
use crate::model::{NetworkBuilder, Result};

/// A factor and a shift for every index of the first axis.
struct Line {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

/// Folds scales into the convolution or dense layer before them, or else after them.
pub(super) fn fold_scales(network: &Network) -> Result<Network> {
    let uses = Uses::of(network);
    let nodes = network.nodes();
    let mut builder = NetworkBuilder::named(nodes[0].name(), network.input_shape())?;
    let mut new: Vec<NodeId> = vec![builder.input()];
    // A scale that the layer before it has taken in is that layer's result.
    let mut taken = vec![false; nodes.len()];
    for (index, node) in nodes.iter().enumerate().skip(1) {
        if taken[index] {
            new.push(new[node.inputs()[0].0]);
            continue;
        }
        let mut op = node.op().clone();
        let mut inputs = moved(node, &new);
        if let Some(&[before]) = node.inputs().get(..1).filter(|_| is_layer(&op))
            && uses.sole(before.0) == Some(index)
            && !taken[before.0]
            && let Some(line) = line(&nodes[before.0])
            && let Some(folded) = after(&op, &line)
        {
            op = folded;
            inputs = moved(&nodes[before.0], &new);
        }
        if is_layer(&op)
            && let Some(user) = uses.sole(index)
            && let Some(line) = line(&nodes[user])
        {
            op = before(op, &line);
            taken[user] = true;
        }
        new.push(builder.add_layer(node.name(), node.layer(), op, &inputs)?);
    }
    builder.finish(new[network.output().0])
}

fn is_layer(op: &Op) -> bool {
    matches!(op, Op::Conv2d(_) | Op::Dense(_))
}

/// A node's factor and shift per channel, if that is all it does.
fn line(node: &Node) -> Option<Line> {
    match node.op() {
        Op::Scale(layer) => Some(Line { scale: layer.scale.clone(), shift: layer.shift.clone() }),
        Op::Polynomial(of) if of.degree() == 1 => {
            let channels = *node.shape().first()?;
            let rank = node.shape().len();
            let per_channel = |power: usize| {
                let array = &of.coefficients[power];
                let constant = array.shape().iter().rev().take(rank - 1).all(|&dim| dim == 1);
                let values: Vec<f64> = array.iter().copied().collect();
                match values[..] {
                    [value] => Some(vec![value; channels]),
                    _ => (constant && values.len() == channels).then_some(values),
                }
            };
            Some(Line { shift: per_channel(0)?, scale: per_channel(1)? })
        }
        _ => None,
    }
}

/// The layer followed by the scale: every output channel's weights and bias times its factor.
fn before(op: Op, line: &Line) -> Op {
    let bias = |bias: &[f64]| {
        let terms = bias.iter().zip(&line.scale).zip(&line.shift);
        terms.map(|((bias, scale), shift)| bias * scale + shift).collect()
    };
    match op {
        Op::Conv2d(mut conv) => {
            let rows = conv.weight.axis_iter_mut(Axis(0)).zip(&line.scale);
            rows.for_each(|(mut row, scale)| row *= *scale);
            Op::Conv2d(Conv2d { bias: bias(&conv.bias), ..conv })
        }
        Op::Dense(mut layer) => {
            let rows = layer.weight.axis_iter_mut(Axis(0)).zip(&line.scale);
            rows.for_each(|(mut row, scale)| row *= *scale);
            Op::Dense(Dense { bias: bias(&layer.bias), ..layer })
        }
        other => other,
    }
}

/// The layer preceded by the scale: every input channel's weights times its factor, its shift
/// in the bias. Not for a shift before padding, which would not reach the padding's zeros.
fn after(op: &Op, line: &Line) -> Option<Op> {
    match op {
        Op::Conv2d(conv) => {
            let shifts = line.shift.iter().any(|&shift| shift != 0.0);
            if shifts && conv.padding != Padding::default() {
                return None;
            }
            let mut conv = conv.clone();
            let (outputs, per_group, _, _) = conv.weight.dim();
            for ((o, i, _, _), weight) in conv.weight.indexed_iter_mut() {
                let channel = o / (outputs / conv.groups) * per_group + i;
                conv.bias[o] += *weight * line.shift[channel];
                *weight *= line.scale[channel];
            }
            Some(Op::Conv2d(conv))
        }
        Op::Dense(layer) => {
            let mut layer = layer.clone();
            for (mut row, bias) in layer.weight.axis_iter_mut(Axis(0)).zip(&mut layer.bias) {
                *bias += row.iter().zip(&line.shift).map(|(w, shift)| w * shift).sum::<f64>();
                Zip::from(&mut row).and(&line.scale).for_each(|w, scale| *w *= scale);
            }
            Some(Op::Dense(layer))
        }
        _ => None,
    }
}
