//! ReLU's place taken by polynomials, and a warning where inputs leave what these were fitted to.

use crate::failure::{Failure, Result};
use cipherbatch::Network;
use cipherbatch::model::{Degree, Node, Op, Replaced};
use clap::ValueEnum;
use ndarray::{ArrayD, ArrayViewD};

/// What takes the place of ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Activation {
    /// A polynomial of degree 2 per channel; one level of multiplication.
    Poly2,
    /// Of degree 4; two levels.
    Poly4,
    /// Of degree 6; three levels.
    Poly6,
}

impl Activation {
    fn degree(self) -> Degree {
        match self {
            Activation::Poly2 => Degree::Two,
            Activation::Poly4 => Degree::Four,
            Activation::Poly6 => Degree::Six,
        }
    }
}

/// The first ReLU of a network, if it has any.
pub fn first_relu(network: &Network) -> Option<&Node> {
    network.nodes().iter().find(|node| *node.op() == Op::Relu)
}

/// Refuses a network with ReLU where none is to be replaced, and one without where some are.
pub fn check(network: &Network, activation: Option<Activation>) -> Result<()> {
    match (first_relu(network), activation) {
        (None, Some(_)) => Err(Failure::input(
            "the network has no ReLU that --activation could replace; leave the option away",
        )),
        (Some(node), None) => {
            Err(cipherbatch::ModelError::Relu { node: node.name().to_owned() }.into())
        }
        _ => Ok(()),
    }
}

/// The network that is evaluated.
pub fn replace(
    network: &Network,
    activation: Option<Activation>,
    calibration: Option<ArrayViewD<'_, f32>>,
) -> Result<Replaced> {
    match activation {
        Some(activation) => Ok(network.with_polynomials(activation.degree(), calibration)?),
        None => Ok(Replaced { network: network.clone(), fits: Vec::new() }),
    }
}

/// Warns on standard error, activation by activation, of inputs that leave the fitted range: who
/// encrypts may look at them, and the answers to them are not to be relied on.
pub fn warn_of_escapes(replaced: &Replaced, inputs: &ArrayD<f32>) -> Result<()> {
    if replaced.fits.is_empty() {
        return Ok(());
    }
    for layer in replaced.escaping_activations(inputs)? {
        if layer.escaping > 0 {
            eprintln!(
                "warning: activation \"{}\": {} of {} values ({:.4} %) lie outside the range that its polynomial was fitted to",
                layer.node,
                layer.escaping,
                layer.values,
                100.0 * layer.escaping as f64 / layer.values as f64,
            );
        }
    }
    Ok(())
}
