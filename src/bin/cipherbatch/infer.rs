//! `infer`: any network, any batch, results out.

use crate::activation::warn_of_escapes;
use crate::failure::{Failure, Result};
use crate::options::{Common, low_high};
use crate::{files, npy, pipeline};
use cipherbatch::{Plan, PlanOptions};
use clap::Args;
use ndarray::ArrayD;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Infer {
    /// A shipped network (deep, cryptonets, fashion-deep), or an ONNX file.
    #[arg(long, value_name = "NAME|FILE.onnx")]
    model: String,
    /// Inputs [count, …] as NPY of floats.
    #[arg(long, value_name = "X.npy")]
    input: PathBuf,
    /// Where results [count, …] are written, as NPY of 32-bit floats.
    #[arg(long, value_name = "Y.npy")]
    output: PathBuf,
    /// The declared range of inputs, to which they are clamped [default: that of the inputs].
    #[arg(long, value_name = "LOW,HIGH", value_parser = low_high, allow_hyphen_values = true)]
    input_range: Option<(f32, f32)>,
    #[command(flatten)]
    common: Common,
}

impl Infer {
    pub fn run(self) -> Result<()> {
        files::check_writable(&self.output)?;
        let loaded = self.common.load(&self.model)?;
        let inputs = files::read_npy(&self.input)?;
        let (found, expected) = (inputs.shape(), loaded.network.input_shape());
        if found.first().is_none_or(|&n| n == 0) || found[1..] != *expected {
            return Err(Failure::file(
                self.input.display(),
                format_args!(
                    "has shape {found:?}; [count, …] with {expected:?} after the count is needed"
                ),
            ));
        }
        let input_range = match self.input_range {
            Some(range) => range,
            None => range(&inputs).map_err(|reason| Failure::file(self.input.display(), reason))?,
        };
        let replaced = self.common.replace(&loaded, input_range)?;
        // As they are encrypted: clamped. The client refuses NaN, which here becomes `low`.
        let (low, high) = input_range;
        if low <= high {
            warn_of_escapes(&replaced, &inputs.mapv(|x| x.max(low).min(high)))?;
        }
        let machine = self.common.machine()?;
        let plan = Plan::new(
            &replaced.network,
            &PlanOptions {
                input_range,
                calibration: loaded.calibration,
                precision_bits: self.common.precision,
                ..PlanOptions::default()
            },
        )?;
        let outcome = pipeline::run(&plan, &machine, inputs.view())?;
        files::write(&self.output, &npy::bytes(&outcome.results)?)?;
        let (params, s) = (plan.parameters(), outcome.seconds);
        println!(
            "{} inputs on {}: N = {}, {} primes, log2 Q = {:.1}; encrypt {:.2} s, evaluate {:.2} s, decrypt {:.2} s; results {:?} in {}",
            inputs.shape()[0],
            outcome.device,
            params.degree(),
            params.levels(),
            params.log2_q(),
            s.encrypt,
            s.upload + s.evaluate + s.download,
            s.decrypt,
            outcome.results.shape(),
            self.output.display(),
        );
        Ok(())
    }
}

/// The smallest and the largest value, apart by something.
fn range(inputs: &ArrayD<f32>) -> std::result::Result<(f32, f32), String> {
    if let Some((position, value)) = inputs.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        return Err(format!(
            "value number {position} is {value}; only finite numbers can be encrypted"
        ));
    }
    let (low, high) = inputs.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    Ok(if low < high { (low, high) } else { (low - 0.5, high + 0.5) })
}
