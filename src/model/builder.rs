//! Building a network node by node; each one is checked as it is added.

use std::collections::HashSet;

use super::graph::{Network, Node, NodeId};
use super::ops::{Conv2d, Dense, Op, Polynomial, Scale};
use super::{ModelError, Result, limits, shape};

/// A network under construction.
///
/// ```
/// use cipherbatch::model::{Dense, Network, Polynomial};
/// use ndarray::{Array2, array};
///
/// let mut builder = Network::builder(&[2])?;
/// let input = builder.input();
/// let dense = Dense::new(array![[0.5, -1.0]], vec![0.25]);
/// let dense = builder.dense("fc1", input, dense)?;
/// let output = builder.polynomial("act1", dense, Polynomial::uniform(&[0.2, 0.5, 0.2]))?;
/// let network = builder.finish(output)?;
/// assert_eq!(network.output_shape(), [1]);
/// let result = network.evaluate(&Array2::<f32>::zeros((3, 2)))?;
/// assert_eq!(result.shape(), [3, 1]);
/// # Ok::<(), cipherbatch::model::ModelError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NetworkBuilder {
    nodes: Vec<Node>,
    names: HashSet<String>,
}

impl Network {
    /// Starts a network whose samples have this shape; the batch is left out: `[1, 28, 28]`.
    ///
    /// # Errors
    /// [`ModelError::Shape`] for an axis of 0, [`ModelError::TooLarge`] beyond 2^24 entries.
    pub fn builder(input_shape: &[usize]) -> Result<NetworkBuilder> {
        NetworkBuilder::named("input", input_shape)
    }
}

impl NetworkBuilder {
    /// Starts a network whose input has a name of its own.
    pub(super) fn named(name: &str, input_shape: &[usize]) -> Result<Self> {
        limits::entries(name, "Input", input_shape)?;
        let input = Node {
            name: name.into(),
            layer: name.into(),
            op: Op::Input,
            inputs: Vec::new(),
            shape: input_shape.to_vec(),
        };
        Ok(NetworkBuilder { nodes: vec![input], names: HashSet::from([name.to_owned()]) })
    }

    /// The network's input.
    pub fn input(&self) -> NodeId {
        NodeId(0)
    }

    /// The shape of a node's result for one sample, if the node is of this network.
    pub fn shape(&self, node: NodeId) -> Option<&[usize]> {
        self.nodes.get(node.0).map(|node| node.shape.as_slice())
    }

    /// Adds any operation.
    ///
    /// # Errors
    /// [`ModelError::DuplicateName`], [`ModelError::UnknownTensor`] for an input of another
    /// network, [`ModelError::Shape`] where shapes or parameters do not fit,
    /// [`ModelError::NonFinite`] and [`ModelError::TooLarge`].
    pub fn add(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> Result<NodeId> {
        self.add_layer(name, name, op, inputs)
    }

    /// Adds any operation, with the name of the layer that it belongs to.
    pub(super) fn add_layer(
        &mut self,
        name: &str,
        layer: &str,
        op: Op,
        inputs: &[NodeId],
    ) -> Result<NodeId> {
        if self.names.contains(name) {
            return Err(ModelError::DuplicateName { name: name.into() });
        }
        let mut shapes = Vec::with_capacity(inputs.len());
        for &input in inputs {
            shapes.push(self.shape(input).ok_or_else(|| unknown(name, input))?);
        }
        let shape = shape::infer(name, &op, &shapes)?;
        self.names.insert(name.into());
        let inputs = inputs.to_vec();
        self.nodes.push(Node { name: name.into(), layer: layer.into(), op, inputs, shape });
        Ok(NodeId(self.nodes.len() - 1))
    }

    /// Adds a convolution of a value `[C, H, W]`.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn conv2d(&mut self, name: &str, input: NodeId, conv: Conv2d) -> Result<NodeId> {
        self.add(name, Op::Conv2d(conv), &[input])
    }

    /// Adds a fully connected layer over a value `[I]`.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn dense(&mut self, name: &str, input: NodeId, layer: Dense) -> Result<NodeId> {
        self.add(name, Op::Dense(layer), &[input])
    }

    /// Adds a factor and a shift per channel: batch normalization.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn scale(&mut self, name: &str, input: NodeId, layer: Scale) -> Result<NodeId> {
        self.add(name, Op::Scale(layer), &[input])
    }

    /// Adds a polynomial of every entry.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn polynomial(&mut self, name: &str, input: NodeId, of: Polynomial) -> Result<NodeId> {
        self.add(name, Op::Polynomial(of), &[input])
    }

    /// Adds a ReLU, to be replaced later on.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn relu(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        self.add(name, Op::Relu, &[input])
    }

    /// Adds the sum of two values of one shape.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn sum(&mut self, name: &str, left: NodeId, right: NodeId) -> Result<NodeId> {
        self.add(name, Op::Add, &[left, right])
    }

    /// Lays a value out as `[I]`, row-major.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn flatten(&mut self, name: &str, input: NodeId) -> Result<NodeId> {
        let shape = self.shape(input).ok_or_else(|| unknown(name, input))?;
        let size = shape.iter().product();
        self.add(name, Op::Reshape(vec![size]), &[input])
    }

    /// The network with this node's result; nodes that it does not need are dropped.
    ///
    /// # Errors
    /// [`ModelError::UnknownTensor`] if the node is of another network.
    pub fn finish(self, output: NodeId) -> Result<Network> {
        if output.0 >= self.nodes.len() {
            return Err(unknown("output", output));
        }
        let mut needed = vec![false; self.nodes.len()];
        needed[0] = true;
        needed[output.0] = true;
        for index in (0..self.nodes.len()).rev() {
            if needed[index] {
                self.nodes[index].inputs.iter().for_each(|input| needed[input.0] = true);
            }
        }
        let mut moved = Vec::with_capacity(needed.len());
        let mut kept = 0;
        for &is_needed in &needed {
            moved.push(NodeId(kept));
            kept += usize::from(is_needed);
        }
        let nodes = self
            .nodes
            .into_iter()
            .zip(needed)
            .filter(|(_, is_needed)| *is_needed)
            .map(|(mut node, _)| {
                node.inputs.iter_mut().for_each(|input| *input = moved[input.0]);
                node
            })
            .collect();
        Ok(Network { nodes, output: moved[output.0] })
    }
}

fn unknown(node: &str, input: NodeId) -> ModelError {
    ModelError::UnknownTensor { node: node.into(), tensor: format!("node {}", input.0) }
}
