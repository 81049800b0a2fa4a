//! Elementwise arithmetic gathered into polynomials.
//!
//! Frameworks have no polynomial operator: `a x² + b x + c` arrives as products, sums and powers,
//! written in any order. So every node is described as a polynomial in one *base* value; sums add,
//! products multiply and polynomials compose such descriptions, and one polynomial node takes the
//! place of them all.
//!
//! A factor and shift through which alone a value is read is not composed into the polynomials of
//! it: an activation is squared in the units that its author gave it, and in units of 1000 the small
//! differences that it is made of drown in rounding.

use std::collections::HashMap;

use ndarray::{ArrayD, IxDyn};

use super::{Uses, moved};
use crate::model::graph::{Network, NodeId};
use crate::model::ops::{Op, Polynomial};
use crate::model::{NetworkBuilder, Result};

/// What is gathered: the highest degree that the normal form can express. Beyond it, an operand
/// becomes the base of what follows.
const MAX_DEGREE: usize = 6;

/// A node as a polynomial in a base node, low degree first.
#[derive(Clone)]
struct Description {
    base: usize,
    coefficients: Vec<ArrayD<f64>>,
}

impl Description {
    fn itself(node: usize) -> Self {
        Description { base: node, coefficients: vec![number(0.0), number(1.0)] }
    }

    fn degree(&self) -> usize {
        self.coefficients.len().saturating_sub(1)
    }

    fn trimmed(mut self) -> Self {
        while self.coefficients.len() > 1
            && self.coefficients.last().is_some_and(|c| c.iter().all(|&c| c == 0.0))
        {
            self.coefficients.pop();
        }
        self
    }

    /// Whether it describes its own base.
    fn is_base(&self) -> bool {
        self.coefficients == Description::itself(self.base).coefficients
    }
}

/// Replaces elementwise arithmetic on one value by one polynomial of it.
pub(super) fn gather_polynomials(network: &Network) -> Result<Network> {
    let uses = Uses::of(network);
    let nodes = network.nodes();
    let elementwise =
        |index: usize| matches!(nodes[index].op(), Op::Add | Op::Multiply | Op::Polynomial(_));
    let mut found: Vec<Description> = Vec::with_capacity(nodes.len());
    let mut builder = NetworkBuilder::named(nodes[0].name(), network.input_shape())?;
    let mut new: Vec<NodeId> = vec![builder.input()];
    found.push(Description::itself(0));
    // Factors and shifts that are the base of what follows, in terms of the base before them.
    let mut scales: HashMap<usize, Description> = HashMap::new();
    for (index, node) in nodes.iter().enumerate().skip(1) {
        let inputs: Vec<usize> = node.inputs().iter().map(|input| input.0).collect();
        // An activation that a layer reads as well is computed anyway: sums and scales of it
        // read it, too, and cost no second square.
        let kept = |&input: &usize| {
            let read_elsewhere =
                uses.output == input || uses.by[input].iter().any(|&user| !elementwise(user));
            found[input].degree() > 1 && read_elsewhere
        };
        let linear = !matches!(node.op(), Op::Multiply);
        let gathers = elementwise(index) && !(linear && inputs.iter().any(kept));
        // Whatever else is a polynomial of the value is one of this scale of it.
        let alone = |input: usize| uses.by[input].iter().all(|&u| u == index || !elementwise(u));
        let scale = match node.op() {
            Op::Polynomial(of) if of.degree() == 1 => {
                let only = |&&input: &&usize| found[input].is_base() && alone(input);
                inputs.first().filter(only).map(|&input| {
                    let inner = scales.get(&input).unwrap_or(&found[input]);
                    Description { base: inner.base, coefficients: compose(of, inner) }.trimmed()
                })
            }
            _ => None,
        };
        let description =
            scale.clone().unwrap_or_else(|| describe(index, node.op(), &inputs, &found));
        let here = if gathers && description.base != index {
            let base = new[description.base];
            if description.is_base() {
                base
            } else {
                let of = Polynomial { coefficients: description.coefficients.clone() };
                builder.add_layer(node.name(), node.layer(), Op::Polynomial(of), &[base])?
            }
        } else {
            builder.add_layer(node.name(), node.layer(), node.op().clone(), &moved(node, &new))?
        };
        new.push(here);
        found.push(if scale.is_some() { Description::itself(index) } else { description });
        scales.extend(scale.map(|scale| (index, scale)));
    }
    builder.finish(new[network.output().0])
}

/// A node in terms of the descriptions of its inputs.
fn describe(index: usize, op: &Op, inputs: &[usize], found: &[Description]) -> Description {
    let same_base = |x: usize, y: usize| found[x].base == found[y].base;
    let description = match (op, inputs) {
        (Op::Polynomial(outer), &[x]) if outer.degree() * found[x].degree() <= MAX_DEGREE => {
            Description { base: found[x].base, coefficients: compose(outer, &found[x]) }
        }
        (Op::Polynomial(outer), &[x]) => {
            Description { base: x, coefficients: outer.coefficients.clone() }
        }
        (Op::Add, &[x, y]) if same_base(x, y) => {
            let coefficients = sum(&found[x].coefficients, &found[y].coefficients);
            Description { base: found[x].base, coefficients }
        }
        (Op::Multiply, &[x, y])
            if same_base(x, y) && found[x].degree() + found[y].degree() <= MAX_DEGREE =>
        {
            let coefficients = product(&found[x].coefficients, &found[y].coefficients);
            Description { base: found[x].base, coefficients }
        }
        (Op::Multiply, &[x, y]) if x == y => {
            Description { base: x, coefficients: vec![number(0.0), number(0.0), number(1.0)] }
        }
        _ => Description::itself(index),
    };
    description.trimmed()
}

fn number(value: f64) -> ArrayD<f64> {
    ArrayD::from_elem(IxDyn(&[]), value)
}

fn sum(x: &[ArrayD<f64>], y: &[ArrayD<f64>]) -> Vec<ArrayD<f64>> {
    let length = x.len().max(y.len());
    let both = |power: usize| match (x.get(power), y.get(power)) {
        (Some(x), Some(y)) => x + y,
        (Some(one), None) | (None, Some(one)) => ArrayD::clone(one),
        (None, None) => number(0.0),
    };
    (0..length).map(both).collect()
}

/// The product, power by power. All arrays broadcast to one shape, and so to one another.
fn product(x: &[ArrayD<f64>], y: &[ArrayD<f64>]) -> Vec<ArrayD<f64>> {
    let mut result = vec![number(0.0); (x.len() + y.len()).saturating_sub(1)];
    for (i, x) in x.iter().enumerate() {
        for (j, y) in y.iter().enumerate() {
            result[i + j] = &result[i + j] + &(x * y);
        }
    }
    result
}

/// `outer(inner)` by Horner's rule.
fn compose(outer: &Polynomial, inner: &Description) -> Vec<ArrayD<f64>> {
    let mut result = vec![number(0.0)];
    for coefficient in outer.coefficients.iter().rev() {
        result = sum(&product(&result, &inner.coefficients), std::slice::from_ref(coefficient));
    }
    result
}
