//! The file's graph: who produces what, and in which order to read it.

use std::collections::{HashMap, HashSet};

use super::operator::Operator;
use super::proto::{GraphProto, TensorProto, ValueInfoProto};
use crate::model::{ModelError, Result};

/// The graph with everything found by name.
pub(super) struct Graph<'a> {
    /// The model's one input.
    pub input: &'a ValueInfoProto,
    /// The name of the model's one output.
    pub output: &'a str,
    /// The stored tensors.
    pub weights: HashMap<&'a str, &'a TensorProto>,
    /// The nodes that the output needs, each after those that it needs.
    pub order: Vec<Operator<'a>>,
}

impl<'a> Graph<'a> {
    pub fn new(proto: &'a GraphProto) -> Result<Self> {
        let duplicate = |name: &str| ModelError::DuplicateName { name: name.into() };
        let mut weights = HashMap::new();
        for tensor in &proto.initializer {
            if weights.insert(tensor.name.as_str(), tensor).is_some() {
                return Err(duplicate(&tensor.name));
            }
        }
        // Old files list their weights among the inputs.
        let is_input = |info: &&ValueInfoProto| !weights.contains_key(info.name.as_str());
        let inputs: Vec<&ValueInfoProto> = proto.input.iter().filter(is_input).collect();
        let names = |list: &[&ValueInfoProto]| list.iter().map(|info| info.name.clone()).collect();
        let [input] = inputs[..] else {
            return Err(ModelError::Inputs { names: names(&inputs) });
        };
        let outputs: Vec<&ValueInfoProto> = proto.output.iter().collect();
        let [output] = outputs[..] else {
            return Err(ModelError::Outputs { names: names(&outputs) });
        };
        let mut producers = HashMap::new();
        for (index, node) in proto.node.iter().enumerate() {
            for name in node.output.iter().filter(|name| !name.is_empty()) {
                let taken = weights.contains_key(name.as_str()) || *name == input.name;
                if taken || producers.insert(name.as_str(), index).is_some() {
                    return Err(duplicate(name));
                }
            }
        }
        let operators = operators(proto, &input.name);
        let order = order(&operators, &producers, &output.name)?;
        for &operator in &order {
            for tensor in operator.proto.input.iter().map(String::as_str) {
                let known = tensor.is_empty()
                    || tensor == input.name
                    || weights.contains_key(tensor)
                    || producers.contains_key(tensor);
                if !known {
                    let node = operator.name.into();
                    return Err(ModelError::UnknownTensor { node, tensor: tensor.into() });
                }
            }
        }
        Ok(Graph { input, output: &output.name, weights, order })
    }
}

/// All nodes with unique names: their own, or else that of their first output.
fn operators<'a>(proto: &'a GraphProto, input: &str) -> Vec<Operator<'a>> {
    let mut taken = HashSet::from([input]);
    let mut operators = Vec::with_capacity(proto.node.len());
    for node in &proto.node {
        let output = node.output.iter().find(|name| !name.is_empty());
        let output = output.map_or(node.op_type.as_str(), String::as_str);
        let own = Some(node.name.as_str()).filter(|name| !name.is_empty());
        let name = own.filter(|&name| taken.insert(name)).unwrap_or(output);
        operators.push(Operator { proto: node, name });
    }
    operators
}

/// The nodes that a tensor needs, in topological order: depth first, without recursion.
fn order<'a>(
    operators: &[Operator<'a>],
    producers: &HashMap<&str, usize>,
    output: &str,
) -> Result<Vec<Operator<'a>>> {
    let mut order = Vec::new();
    let (mut open, mut done) = (vec![false; operators.len()], vec![false; operators.len()]);
    let mut stack: Vec<(usize, usize)> = Vec::new();
    if let Some(&last) = producers.get(output) {
        open[last] = true;
        stack.push((last, 0));
    }
    while let Some((index, position)) = stack.pop() {
        let operator = operators[index];
        let Some(tensor) = operator.proto.input.get(position) else {
            done[index] = true;
            order.push(operator);
            continue;
        };
        stack.push((index, position + 1));
        let Some(&producer) = producers.get(tensor.as_str()) else {
            continue;
        };
        if open[producer] && !done[producer] {
            return Err(ModelError::Cycle { node: operators[producer].name.into() });
        }
        if !open[producer] {
            open[producer] = true;
            stack.push((producer, 0));
        }
    }
    Ok(order)
}
