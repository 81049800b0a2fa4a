//! Networks by their names or files.

use crate::failure::{Failure, Result};
use crate::{files, shipped};
use cipherbatch::Network;
use ndarray::ArrayD;
use std::path::Path;

/// A network as it was trained.
#[derive(Debug)]
pub struct Loaded {
    pub network: Network,
    /// Typical inputs, `[count, …]`.
    pub calibration: Option<ArrayD<f32>>,
}

impl Loaded {
    /// A shipped network or an ONNX file, with the typical inputs given, or else those that came along.
    pub fn new(model: &str, calibration: Option<&Path>) -> Result<Self> {
        let given = calibration.map(files::read_npy).transpose()?;
        if let Some(shipped) = shipped::network(model) {
            let (network, calibration) = shipped?;
            return Ok(Self { network, calibration: given.or(Some(calibration)) });
        }
        let path = Path::new(model);
        if !path.exists() {
            let known: Vec<_> = shipped::names().collect();
            return Err(Failure::file(
                model,
                format_args!(
                    "no such file, and no shipped network of that name (there is: {})",
                    known.join(", ")
                ),
            ));
        }
        let network = Network::from_onnx(path)?;
        let beside = path.with_extension("calibration.npy");
        let calibration = match given {
            None if beside.exists() => Some(files::read_npy(&beside)?),
            given => given,
        };
        Ok(Self { network, calibration })
    }
}
