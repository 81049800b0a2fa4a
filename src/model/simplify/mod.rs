//! Passes over the graph: the same function with fewer nodes. Each is checked when it is done.

mod check;
mod elementwise;
mod fold;

use super::graph::{Network, Node, NodeId};
use super::{ModelError, Result};

type Pass = fn(&Network) -> Result<Network>;

/// Scales are folded first, so that an activation is found in the units that normalization gave
/// it, and again for what the second pass brings to light.
const PASSES: [(&str, Pass); 3] = [
    ("fold scales", fold::fold_scales),
    ("gather polynomials", elementwise::gather_polynomials),
    ("fold scales again", fold::fold_scales),
];

impl Network {
    /// The same function with elementwise arithmetic gathered into polynomials, however it was
    /// written, and scales (batch normalization) folded into the convolution or dense layer
    /// beside them, where that layer has no other consumer.
    ///
    /// # Errors
    /// [`ModelError::Pass`] if a folded weight overflows.
    pub fn simplified(&self) -> Result<Network> {
        let mut network = self.clone();
        for (name, pass) in PASSES {
            let result = pass(&network).and_then(|next| {
                check::same_interface(&network, &next)?;
                Ok(next)
            });
            network = result
                .map_err(|source| ModelError::Pass { pass: name, source: Box::new(source) })?;
        }
        Ok(network)
    }
}

/// The consumers of every node; the output has one more, which is no node.
struct Uses {
    by: Vec<Vec<usize>>,
    output: usize,
}

impl Uses {
    fn of(network: &Network) -> Self {
        let mut by = vec![Vec::new(); network.nodes().len()];
        for (index, node) in network.nodes().iter().enumerate() {
            node.inputs().iter().for_each(|input| by[input.0].push(index));
        }
        Uses { by, output: network.output().0 }
    }

    /// The one node that consumes another, if there is but one and it is not the output.
    fn sole(&self, index: usize) -> Option<usize> {
        match self.by[index][..] {
            [user] if index != self.output => Some(user),
            _ => None,
        }
    }
}

/// A node's inputs in the network that is being built.
fn moved(node: &Node, new: &[NodeId]) -> Vec<NodeId> {
    node.inputs().iter().map(|input| new[input.0]).collect()
}
