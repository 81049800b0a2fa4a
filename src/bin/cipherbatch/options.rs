//! What both commands can be told.

use crate::activation::{Activation, replace};
use crate::failure::{Failure, Result};
use crate::{files, shipped};
use bytesize::ByteSize;
use cipherbatch::model::Replaced;
use cipherbatch::{Device, Network};
use clap::{Args, ValueEnum};
use ndarray::ArrayD;
use std::path::{Path, PathBuf};

/// Where ciphertexts are computed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// A real GPU if there is one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The best GPU adapter, a software one if there is no other.
    Gpu,
}

/// Options of every evaluating command.
#[derive(Args, Debug)]
pub struct Common {
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    pub backend: Backend,
    /// The most memory for the ciphertexts of one batch on the device, such as 2GiB: with less,
    /// layers are computed in smaller pieces [default: what the device has].
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// Typical inputs [count, …] as NPY, from which the ranges of all layers are measured
    /// [default: FILE.calibration.npy beside FILE.onnx, where it is there].
    #[arg(long, value_name = "X.npy")]
    pub calibration: Option<PathBuf>,
    /// Replace every ReLU of the network by polynomials, fitted per channel to what it sees on the
    /// calibration batch.
    #[arg(long, value_enum)]
    pub activation: Option<Activation>,
}

impl Common {
    /// The device asked for.
    pub fn device(&self) -> Result<Device> {
        match self.backend {
            Backend::Auto => Ok(Device::auto()),
            Backend::Cpu => Ok(Device::cpu()),
            #[cfg(feature = "gpu")]
            Backend::Gpu => Ok(Device::gpu()?),
            #[cfg(not(feature = "gpu"))]
            Backend::Gpu => Err(Failure::input(
                "this program was built without the feature `gpu`; use --backend cpu, or build it with --features gpu",
            )),
        }
    }

    /// Bytes that the ciphertexts of one batch may take.
    pub fn memory(&self) -> Option<u64> {
        self.memory.map(|size| size.as_u64())
    }

    /// The network to evaluate, with typical inputs where there are any.
    pub fn network(&self, model: &str) -> Result<(Replaced, Option<ArrayD<f32>>)> {
        let (network, calibration) = self.original(model)?;
        let view = calibration.as_ref().map(|batch| batch.view());
        Ok((replace(network, self.activation, view)?, calibration))
    }

    /// A shipped network's or an ONNX file's network as it is.
    fn original(&self, model: &str) -> Result<(Network, Option<ArrayD<f32>>)> {
        let given = self.calibration.as_deref().map(files::read_npy).transpose()?;
        if let Some(shipped) = shipped::network(model) {
            let (network, calibration) = shipped?;
            return Ok((network, given.or(Some(calibration))));
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
        match given {
            None if beside.exists() => Ok((network, Some(files::read_npy(&beside)?))),
            given => Ok((network, given)),
        }
    }
}

/// The word for a device in reports.
pub fn backend_name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        #[cfg(feature = "gpu")]
        Device::Gpu(_) => "gpu",
    }
}
