//! What both commands can be told.

use crate::activation::{self, Activation};
use crate::failure::Result;
use crate::loaded::Loaded;
use crate::pipeline::Machine;
use bytesize::ByteSize;
use cipherbatch::model::Replaced;
use cipherbatch::{Device, Plan, PlanOptions};
use clap::{Args, ValueEnum};
use ndarray::ArrayD;
use std::path::PathBuf;

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
    /// The results' error is to be at most 2^-BITS of their spread [default: the fewest bits that
    /// keep 99.9 % of the answers to the calibration batch].
    #[arg(long, value_name = "BITS")]
    pub precision: Option<f64>,
    /// Replace every ReLU of the network by polynomials, fitted per channel to what it sees on the
    /// calibration batch.
    #[arg(long, value_enum)]
    pub activation: Option<Activation>,
}

impl Common {
    /// The device asked for.
    fn device(&self) -> Result<Device> {
        match self.backend {
            Backend::Auto => Ok(Device::auto()),
            Backend::Cpu => Ok(Device::cpu()),
            #[cfg(feature = "gpu")]
            Backend::Gpu => Ok(Device::gpu()?),
            #[cfg(not(feature = "gpu"))]
            Backend::Gpu => Err(crate::failure::Failure::input(
                "this program was built without the feature `gpu`; use --backend cpu, or build it with --features gpu",
            )),
        }
    }

    /// The device asked for, and what it may do. Where none was asked for by name, the CPU takes over if it fails.
    pub fn machine(&self) -> Result<Machine> {
        let may_fall = self.backend == Backend::Auto;
        let (device, trace) = (self.device()?, None);
        Ok(Machine { device, memory: self.memory(), may_fall, trace })
    }

    /// Bytes that the ciphertexts of one batch may take.
    pub fn memory(&self) -> Option<u64> {
        self.memory.map(|size| size.as_u64())
    }

    /// A shipped network's or an ONNX file's network as it is, with typical inputs where there are
    /// any; one with ReLU is refused unless `--activation` is given.
    pub fn load(&self, model: &str) -> Result<Loaded> {
        let loaded = Loaded::new(model, self.calibration.as_deref())?;
        activation::check(&loaded.network, self.activation)?;
        Ok(loaded)
    }

    /// The plan of a network, for inputs of the range given.
    pub fn plan(&self, model: &str, input_range: Option<(f32, f32)>) -> Result<Plan> {
        let loaded = self.load(model)?;
        let mut options = PlanOptions { precision_bits: self.precision, ..PlanOptions::default() };
        options.input_range = input_range.unwrap_or(options.input_range);
        let replaced = self.replace(&loaded, options.input_range)?;
        options.calibration = loaded.calibration;
        Ok(Plan::new(&replaced.network, &options)?)
    }

    /// The network to evaluate, free of ReLU, for inputs that will be clamped to this range: what is
    /// fitted sees the calibration batch as it would be encrypted.
    pub fn replace(&self, loaded: &Loaded, (low, high): (f32, f32)) -> Result<Replaced> {
        // A range that is none is left to the planner to refuse. NaN stays what it is.
        let clamped = |batch: &ArrayD<f32>| match low <= high {
            true => batch.mapv(|x| x.clamp(low, high)),
            false => batch.clone(),
        };
        let calibration = loaded.calibration.as_ref().map(clamped);
        activation::replace(
            &loaded.network,
            self.activation,
            calibration.as_ref().map(|batch| batch.view()),
        )
    }
}

/// The word for a device in reports.
pub fn backend_name(device: &Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        #[cfg(feature = "gpu")]
        Device::Gpu(_) | Device::GpuWith(..) => "gpu",
    }
}

/// Two numbers, with a comma between them.
pub fn low_high(text: &str) -> std::result::Result<(f32, f32), String> {
    let (low, high) = text.split_once(',').ok_or("two numbers are needed, as in -1,1")?;
    let number = |text: &str| text.trim().parse::<f32>().map_err(|e| format!("\"{text}\": {e}"));
    Ok((number(low)?, number(high)?))
}
