//! A network under import: what the operators read from and add to.

use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use super::graph::Graph;
use super::operator::Operator;
use super::proto::GraphProto;
use super::tensor::{self, Constant};
use super::value::Value;
use crate::model::ops::Op;
use crate::model::{ModelError, Network, NetworkBuilder, NodeId, Result};

/// A network under import.
pub(super) struct Import<'a> {
    graph: Graph<'a>,
    folder: Option<&'a Path>,
    pub builder: NetworkBuilder,
    /// The size of the batch, if the file fixes it.
    pub batch: Option<i64>,
    values: HashMap<&'a str, Value>,
}

impl<'a> Import<'a> {
    pub fn new(proto: &'a GraphProto, folder: Option<&'a Path>) -> Result<Self> {
        let graph = Graph::new(proto)?;
        let (batch, shape) = input_shape(&graph)?;
        let builder = NetworkBuilder::named(&graph.input.name, &shape)?;
        let input = Value::Node(builder.input());
        let values = HashMap::from([(graph.input.name.as_str(), input)]);
        Ok(Import { graph, folder, builder, batch, values })
    }

    /// The operators that the output needs, in an order in which they can be read.
    pub fn order(&mut self) -> Vec<Operator<'a>> {
        std::mem::take(&mut self.graph.order)
    }

    /// Keeps an operator's result for those that read it.
    pub fn define(&mut self, operator: Operator<'a>, value: Value) {
        if let Some(output) = operator.proto.output.first() {
            self.values.insert(output, value);
        }
    }

    /// The network, once all operators are read.
    pub fn finish(self) -> Result<Network> {
        match self.values.get(self.graph.output) {
            Some(&Value::Node(output)) => self.builder.finish(output),
            _ => Err(ModelError::UnknownTensor {
                node: "output".into(),
                tensor: self.graph.output.into(),
            }),
        }
    }

    /// An input that may be left out.
    pub fn optional(&mut self, operator: Operator<'a>, position: usize) -> Result<Option<Value>> {
        let Some(name) = operator.input(position) else {
            return Ok(None);
        };
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let Some(proto) = self.graph.weights.get(name) else {
            // Not the first output of its node: a mask, running statistics.
            let what = format!("reading \"{name}\", a second output of its node,");
            return Err(operator.unsupported(what, "export the model for inference (model.eval())"));
        };
        let value = Value::Constant(Rc::new(tensor::read(proto, name, self.folder)?));
        self.values.insert(name, value.clone());
        Ok(Some(value))
    }

    /// An input.
    pub fn value(&mut self, operator: Operator<'a>, position: usize) -> Result<Value> {
        let found = operator.proto.input.len();
        self.optional(operator, position)?.ok_or_else(|| {
            operator.misfit(format!("an input {}", position + 1), format!("{found} inputs"))
        })
    }

    /// An input that is computed from the network's.
    pub fn node(&mut self, operator: Operator<'a>, position: usize) -> Result<NodeId> {
        match self.value(operator, position)? {
            Value::Node(node) => Ok(node),
            _ => Err(operator.unsupported(
                format!("a constant as input {}", position + 1),
                "the value computed from the model's input goes there",
            )),
        }
    }

    /// An input that is known, if it is there.
    pub fn known(
        &mut self,
        operator: Operator<'a>,
        position: usize,
    ) -> Result<Option<Rc<Constant>>> {
        match self.optional(operator, position)? {
            None => Ok(None),
            Some(Value::Constant(constant)) => Ok(Some(constant)),
            Some(_) => Err(operator.unsupported(
                format!("a computed value as input {}", position + 1),
                "only constants can stand there: weights, shapes, exponents",
            )),
        }
    }

    /// An input that is known.
    pub fn constant(&mut self, operator: Operator<'a>, position: usize) -> Result<Rc<Constant>> {
        let found = operator.proto.input.len();
        self.known(operator, position)?.ok_or_else(|| {
            operator.misfit(format!("an input {}", position + 1), format!("{found} inputs"))
        })
    }

    /// A node's shape for one sample.
    pub fn shape(&self, node: NodeId) -> Vec<usize> {
        self.builder.shape(node).unwrap_or_default().to_vec()
    }

    /// Adds the operator's node.
    pub fn add(&mut self, operator: Operator<'a>, op: Op, inputs: &[NodeId]) -> Result<Value> {
        self.add_layer(operator, None, op, inputs)
    }

    /// Adds the operator's node, with the name of its weight to tell the layer's name.
    pub fn add_layer(
        &mut self,
        operator: Operator<'a>,
        weight: Option<&str>,
        op: Op,
        inputs: &[NodeId],
    ) -> Result<Value> {
        let layer = weight.and_then(|name| name.strip_suffix(".weight"));
        let layer = layer.map_or_else(|| module(operator.name), str::to_owned);
        self.builder.add_layer(operator.name, &layer, op, inputs).map(Value::Node)
    }

    /// Adds a node that prepares an input of the operator's.
    pub fn add_helper(
        &mut self,
        operator: Operator<'a>,
        role: &str,
        op: Op,
        input: NodeId,
    ) -> Result<NodeId> {
        let name = format!("{} ({role})", operator.name);
        self.builder.add_layer(&name, &module(operator.name), op, &[input])
    }
}

/// The module in a node's path: `/features/conv1/Conv` is of `features.conv1`.
fn module(name: &str) -> String {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        ["", ref modules @ .., _] if !modules.is_empty() => modules.join("."),
        _ => name.to_owned(),
    }
}

/// The batch's size, if it is fixed, and one sample's shape.
fn input_shape(graph: &Graph) -> Result<(Option<i64>, Vec<usize>)> {
    let name = &graph.input.name;
    let wrong = |reason: &str| {
        Err(ModelError::Tensor {
            tensor: name.clone(),
            reason: format!("the model's input {reason}"),
        })
    };
    let tensor = graph.input.r#type.as_ref().and_then(|info| info.tensor_type.as_ref());
    let Some(tensor) = tensor else {
        return wrong("is no tensor");
    };
    if !tensor::is_float(tensor.elem_type) {
        return wrong("is not of a floating-point type; convert it outside the model");
    }
    let Some(shape) = &tensor.shape else {
        return wrong("has no shape; export the model with one");
    };
    let sizes: Vec<Option<i64>> =
        shape.dim.iter().map(|dim| dim.dim_value.filter(|&value| value > 0)).collect();
    let Some((&batch, sample)) = sizes.split_first() else {
        return wrong("is a single number; its first axis must be the batch");
    };
    let sample: Option<Vec<usize>> =
        sample.iter().map(|&size| size.and_then(|size| usize::try_from(size).ok())).collect();
    match sample {
        Some(sample) => Ok((batch, sample)),
        None => wrong(
            "has axes of no fixed size besides the batch, its first; \
             only the batch may be dynamic (dynamic_axes, dynamic_shapes)",
        ),
    }
}
