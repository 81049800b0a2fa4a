//! Writing ONNX files, with the messages of tract: all of `onnx.proto3`, where cipherbatch has only
//! what it reads.

use prost::Message;
use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};

/// A file under construction. Tensors go by name; every node has one result.
pub struct OnnxFile {
    opset: i64,
    input: Vec<usize>,
    nodes: Vec<pb::NodeProto>,
    weights: Vec<pb::TensorProto>,
}

/// The name of the input.
pub const INPUT: &str = "image";

impl OnnxFile {
    /// Starts a file whose samples have this shape; the batch, before it, is free.
    pub fn new(opset: i64, input: &[usize]) -> Self {
        Self { opset, input: input.to_vec(), nodes: vec![], weights: vec![] }
    }

    /// Stores a tensor of floats, every other one as raw bytes; returns its name.
    pub fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "a tensor of shape {shape:?}");
        let mut tensor = self.tensor(shape, DataType::Float);
        if self.weights.len().is_multiple_of(2) {
            tensor.raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        } else {
            tensor.float_data = values.to_vec();
        }
        self.keep(tensor)
    }

    /// Stores a list of integers; returns its name.
    pub fn integers(&mut self, values: &[i64]) -> String {
        let mut tensor = self.tensor(&[values.len()], DataType::Int64);
        tensor.int64_data = values.to_vec();
        self.keep(tensor)
    }

    fn tensor(&self, shape: &[usize], kind: DataType) -> pb::TensorProto {
        pb::TensorProto {
            name: format!("tensor{}", self.weights.len()),
            dims: shape.iter().map(|&d| d as i64).collect(),
            data_type: kind as i32,
            ..Default::default()
        }
    }

    fn keep(&mut self, tensor: pb::TensorProto) -> String {
        let name = tensor.name.clone();
        self.weights.push(tensor);
        name
    }

    /// Adds a node; returns the name of its result.
    pub fn node(
        &mut self,
        kind: &str,
        inputs: &[&str],
        settings: Vec<pb::AttributeProto>,
    ) -> String {
        let name = format!("{kind}{}", self.nodes.len());
        let output = format!("{name}_result");
        self.nodes.push(pb::NodeProto {
            input: inputs.iter().map(|&i| i.to_owned()).collect(),
            output: vec![output.clone()],
            name,
            op_type: kind.to_owned(),
            attribute: settings,
            ..Default::default()
        });
        output
    }

    /// The file, with this tensor as its result.
    pub fn bytes(&self, output: &str) -> Vec<u8> {
        let free = dimension::Value::DimParam("batch".to_owned());
        let fixed = self.input.iter().map(|&d| dimension::Value::DimValue(d as i64));
        let dims = std::iter::once(free)
            .chain(fixed)
            .map(|value| Dimension { value: Some(value), ..Default::default() });
        let shape = pb::TensorShapeProto { dim: dims.collect() };
        let graph = pb::GraphProto {
            name: "random".to_owned(),
            node: self.nodes.clone(),
            initializer: self.weights.clone(),
            input: vec![floats(INPUT, Some(shape))],
            output: vec![floats(output, None)],
            ..Default::default()
        };
        let model = pb::ModelProto {
            ir_version: 8,
            opset_import: vec![pb::OperatorSetIdProto {
                domain: String::new(),
                version: self.opset,
            }],
            graph: Some(graph),
            ..Default::default()
        };
        model.encode_to_vec()
    }
}

fn floats(name: &str, shape: Option<pb::TensorShapeProto>) -> pb::ValueInfoProto {
    let tensor = pb::type_proto::Tensor { elem_type: DataType::Float as i32, shape };
    let value = Some(pb::type_proto::Value::TensorType(tensor));
    let kind = pb::TypeProto { value, ..Default::default() };
    pb::ValueInfoProto { name: name.to_owned(), r#type: Some(kind), ..Default::default() }
}

fn setting(name: &str, kind: AttributeType) -> pb::AttributeProto {
    pb::AttributeProto { name: name.to_owned(), r#type: kind as i32, ..Default::default() }
}

/// A setting that is one integer.
pub fn int(name: &str, value: usize) -> pb::AttributeProto {
    pb::AttributeProto { i: value as i64, ..setting(name, AttributeType::Int) }
}

/// A setting that is a list of integers.
pub fn ints(name: &str, values: &[usize]) -> pb::AttributeProto {
    let ints = values.iter().map(|&v| v as i64).collect();
    pb::AttributeProto { ints, ..setting(name, AttributeType::Ints) }
}

/// A setting that is one number.
pub fn float(name: &str, value: f32) -> pb::AttributeProto {
    pb::AttributeProto { f: value, ..setting(name, AttributeType::Float) }
}

/// A setting that is a text.
pub fn text(name: &str, value: &str) -> pb::AttributeProto {
    pb::AttributeProto { s: value.as_bytes().to_vec(), ..setting(name, AttributeType::String) }
}
