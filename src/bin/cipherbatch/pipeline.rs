//! Keys, then batch after batch: encrypt, evaluate, decrypt. Memory stays at one batch's.

use crate::failure::Result;
use crate::report::Seconds;
use cipherbatch::{Client, Device, Plan, Server};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{ArrayD, ArrayViewD, Axis, concatenate};
use std::time::Instant;

/// What came out, and where the time went.
pub struct Outcome {
    /// `[images, …]`.
    pub results: ArrayD<f32>,
    pub device: String,
    pub seconds: Seconds,
}

/// Runs a plan on all inputs `[images, …]`, with at most `memory` bytes of ciphertexts on the device.
pub fn run(
    plan: &Plan,
    device: Device,
    memory: Option<u64>,
    inputs: ArrayViewD<'_, f32>,
) -> Result<Outcome> {
    let mut seconds = Seconds::default();
    let clock = Instant::now();
    let client = Client::new(plan)?;
    seconds.keygen = clock.elapsed().as_secs_f64();
    let server = Server::with_memory(plan, client.evaluation_keys(), device, memory)?;

    let images = inputs.len_of(Axis(0));
    let batches = images.div_ceil(plan.slots());
    let bar = progress(batches * (server.layers() + 2));
    let mut results = Vec::with_capacity(batches);
    let mut earlier = None;
    for (index, chunk) in inputs.axis_chunks_iter(Axis(0), plan.slots()).enumerate() {
        let batch_of = format!("batch {} of {batches}", index + 1);
        bar.set_message(format!("{batch_of}: encrypting"));
        let clock = Instant::now();
        let batch = client.encrypt_over(earlier.take(), chunk)?;
        seconds.encrypt += clock.elapsed().as_secs_f64();
        bar.inc(1);

        bar.set_message(format!("{batch_of}: evaluating"));
        let (answer, timing) = server.evaluate_with(&batch, |_| bar.inc(1))?;
        seconds.upload += timing.upload.as_secs_f64();
        seconds.evaluate += timing.evaluate.as_secs_f64();
        seconds.download += timing.download.as_secs_f64();

        bar.set_message(format!("{batch_of}: decrypting"));
        let clock = Instant::now();
        results.push(client.decrypt(&answer)?);
        seconds.decrypt += clock.elapsed().as_secs_f64();
        bar.inc(1);
        earlier = Some(batch);
    }
    bar.finish_and_clear();
    let views: Vec<_> = results.iter().map(|r| r.view()).collect();
    let results = concatenate(Axis(0), &views).map_err(crate::failure::Failure::machine)?;
    Ok(Outcome { results, device: server.device(), seconds })
}

/// A bar on the terminal; nothing where standard error is none.
pub fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {elapsed} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps as u64).with_style(style)
}
