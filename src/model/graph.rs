//! The checked graph of a network. Immutable: what was checked stays true.

use super::Op;

/// A node of one network; valid for that network only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) usize);

/// One layer of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub(super) name: String,
    pub(super) layer: String,
    pub(super) op: Op,
    pub(super) inputs: Vec<NodeId>,
    pub(super) shape: Vec<usize>,
}

impl Node {
    /// The node's name, unique in its network; from ONNX it is the one in the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layer as its author called it (`fc1`), where the file tells; else the node's name.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// What the node computes.
    pub fn op(&self) -> &Op {
        &self.op
    }

    /// The nodes whose results it takes, all of them earlier in the network.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The shape of its result for one sample.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
}

/// A network: nodes in topological order, the input first, every node a part of the output.
///
/// Everything was checked when it was built: shapes fit, weights are finite, sizes are bounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub(super) nodes: Vec<Node>,
    pub(super) output: NodeId,
}

impl Network {
    /// The nodes in topological order; the first is the input.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node whose result is the network's.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// One sample's shape, without the batch: `[1, 28, 28]`.
    pub fn input_shape(&self) -> &[usize] {
        &self.nodes[0].shape
    }

    /// One result's shape, without the batch: `[10]`.
    pub fn output_shape(&self) -> &[usize] {
        &self.nodes[self.output.0].shape
    }
}
