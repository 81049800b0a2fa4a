//! Networks from ONNX files, as PyTorch's exporters write them.
//!
//! The file format is protobuf and is decoded by `prost` (docs/notes/onnx-import.md says why).
//! Nodes are read in topological order from the output back; shapes lose their batch axis, and
//! the little arithmetic on shapes that exporters emit is carried out on the way.

mod advice;
mod arithmetic;
mod constants;
mod graph;
mod import;
mod layers;
mod operator;
mod proto;
mod shaping;
mod tensor;
mod value;
mod walk;

use std::path::Path;

use prost::Message;

use super::{ModelError, Network, Result};

/// The first version of the operators with today's broadcasting.
const OLDEST_OPSET: i64 = 7;

impl Network {
    /// Reads an ONNX file, and the weights beside it where the file refers to them.
    ///
    /// The model has one input, `[batch, …]`, and one output. The batch may be of any size or
    /// none in particular; all other sizes are fixed.
    ///
    /// # Errors
    /// [`ModelError::Io`], [`ModelError::NotOnnx`], and whatever else makes a model unusable,
    /// named after the node or tensor in question.
    pub fn from_onnx(path: impl AsRef<Path>) -> Result<Network> {
        let path = path.as_ref();
        let io = |source| ModelError::Io { path: path.to_owned(), source };
        let bytes = std::fs::read(path).map_err(io)?;
        read(&bytes, Some(path.parent().unwrap_or(Path::new(""))))
    }

    /// Reads an ONNX model that holds all its weights itself.
    ///
    /// # Errors
    /// Those of [`from_onnx`](Self::from_onnx).
    pub fn from_onnx_bytes(bytes: &[u8]) -> Result<Network> {
        read(bytes, None)
    }
}

fn read(bytes: &[u8], folder: Option<&Path>) -> Result<Network> {
    let not_onnx = |reason: String| ModelError::NotOnnx { reason };
    let model = proto::ModelProto::decode(bytes).map_err(|error| not_onnx(error.to_string()))?;
    let Some(graph) = &model.graph else {
        return Err(not_onnx(format!("{} bytes without a graph", bytes.len())));
    };
    let own = model.opset_import.iter().find(|set| advice::is_own_domain(&set.domain));
    match own.map(|set| set.version) {
        None => Err(not_onnx("it does not say which version of the operators it uses".into())),
        Some(version) if version < OLDEST_OPSET => {
            Err(not_onnx(format!("operators of version {version}, older than {OLDEST_OPSET}")))
        }
        Some(_) => walk::walk(graph, folder),
    }
}
