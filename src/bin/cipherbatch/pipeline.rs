//! Keys, then all batches through the library's pipeline, with a bar on the terminal.

use crate::failure::Result;
use crate::files;
use crate::report::Seconds;
use cipherbatch::pipeline;
use cipherbatch::schedule::trace::chrome;
use cipherbatch::{Client, Device, EvaluationKeys, Plan, Server};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{ArrayD, ArrayViewD, Axis};
use std::path::PathBuf;
use std::time::Instant;

/// What came out, and where the time went.
pub struct Outcome {
    /// `[images, …]`.
    pub results: ArrayD<f32>,
    pub device: String,
    pub seconds: Seconds,
}

/// Where a plan is evaluated.
pub struct Machine {
    pub device: Device,
    /// Bytes of ciphertexts on the device at most.
    pub memory: Option<u64>,
    /// Whether the processor takes over where the device fails.
    pub may_fall: bool,
    /// Where a trace of the evaluation is to go.
    pub trace: Option<PathBuf>,
}

impl Machine {
    /// Opens it for a plan, and begins to record where a trace is wanted.
    pub fn open(&self, plan: &Plan, keys: &EvaluationKeys) -> Result<Server> {
        let device = self.device.clone();
        let server = match self.may_fall {
            true => Server::resilient(plan, keys, device, self.memory)?,
            false => Server::with_memory(plan, keys, device, self.memory)?,
        };
        server.record(self.trace.is_some());
        Ok(server)
    }

    /// Tells whether the CPU had to take over.
    pub fn tell(server: &Server) {
        if let Some(reason) = server.fallen() {
            eprintln!("warning: the CPU took over: {reason}");
        }
    }

    /// Writes the trace, where one was wanted.
    pub fn write_trace(&self, server: &Server) -> Result<()> {
        self.trace
            .as_deref()
            .map_or(Ok(()), |path| files::write(path, chrome(&server.spans()).as_bytes()))
    }
}

/// Runs a plan on all inputs `[images, …]`.
pub fn run(plan: &Plan, machine: &Machine, inputs: ArrayViewD<'_, f32>) -> Result<Outcome> {
    let clock = Instant::now();
    let client = Client::new(plan)?;
    let keygen = clock.elapsed().as_secs_f64();
    let server = machine.open(plan, client.evaluation_keys())?;
    let batches = inputs.len_of(Axis(0)).div_ceil(plan.slots());
    let bar = progress(batches * (server.layers() + 2));
    let outcome = pipeline::run(plan, &client, &server, inputs, |_, _| bar.inc(1));
    bar.finish_and_clear();
    Machine::tell(&server);
    let (results, stages) = outcome?;
    machine.write_trace(&server)?;
    let seconds = Seconds {
        keygen,
        encrypt: stages.encrypt.as_secs_f64(),
        upload: stages.server.upload.as_secs_f64(),
        evaluate: stages.server.evaluate.as_secs_f64(),
        download: stages.server.download.as_secs_f64(),
        decrypt: stages.decrypt.as_secs_f64(),
        total: stages.total.as_secs_f64(),
    };
    Ok(Outcome { results, device: server.device(), seconds })
}

/// A bar on the terminal; nothing where standard error is none.
pub fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {elapsed} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps as u64).with_style(style)
}
