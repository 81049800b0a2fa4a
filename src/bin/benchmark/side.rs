//! One device at work on the ciphertexts that all are given.

use crate::ceilings::{self, Ceilings};
use crate::counts::Counts;
use crate::failure::Result;
#[cfg(feature = "gpu")]
use crate::gpu::{self, Card};
use crate::options::Options;
use crate::spread::Spread;
use crate::subject::Subject;
use cipherbatch::schedule::trace::{Span, Track};
use cipherbatch::{Device, EncryptedAnswer, Server, pipeline};
use ndarray::{Axis, Slice};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What a device took, and what it gives at most. A batch is a full one.
#[derive(Debug, Serialize)]
pub struct Side {
    /// "cpu" or "gpu".
    pub backend: &'static str,
    pub device: String,
    #[cfg(feature = "gpu")]
    pub card: Option<Card>,
    pub ceilings: Ceilings,
    /// Keys expanded, weights made resident, kernels compiled as far as that is done then.
    pub open_seconds: f64,
    pub seconds: Seconds,
    pub images_per_second: Rates,
    /// Of all layers together.
    pub multiply_adds_per_second: Spread,
    pub layers: Vec<Layer>,
    /// Of the ciphertexts of a batch, at the most.
    pub memory_bytes: u64,
    /// What crosses to the device and back a batch; nothing where it works in the host's memory.
    pub bytes_up: u64,
    pub bytes_down: u64,
}

/// Of one batch.
#[derive(Debug, Serialize)]
pub struct Seconds {
    /// Seeds expanded, ciphertexts brought in.
    pub upload: Spread,
    /// The layers.
    pub evaluate: Spread,
    /// The answer taken out.
    pub download: Spread,
    pub decrypt: Spread,
}

#[derive(Debug, Serialize)]
pub struct Rates {
    /// The layers alone.
    pub resident: Spread,
    /// From ciphertexts to answers, a batch at a time.
    pub ciphertexts: Spread,
    /// From images to results, batches side by side.
    pub end_to_end: Spread,
}

/// A layer in runs that are recorded, where each waits for the one before; zeros where it is made in its
/// reader.
#[derive(Debug, Serialize)]
pub struct Layer {
    pub seconds: Spread,
    pub multiply_adds_per_second: f64,
    pub bytes_per_second: f64,
}

/// The processor.
///
/// # Errors
/// Where it fails.
pub fn cpu(subject: &Subject, options: &Options) -> Result<(Side, EncryptedAnswer)> {
    let params = subject.plan.parameters();
    let ceilings = ceilings::cpu(params, options.least(), options.copied())?;
    measure(subject, options, Device::cpu(), ceilings, None)
}

/// The GPU.
///
/// # Errors
/// Where there is none, or it fails.
#[cfg(feature = "gpu")]
pub fn gpu(subject: &Subject, options: &Options) -> Result<(Side, EncryptedAnswer)> {
    let adapter = gpu::adapter(options)?;
    let (card, ceilings) = gpu::card(&adapter, subject.plan.parameters(), options)?;
    measure(subject, options, Device::Gpu(adapter), ceilings, Some(card))
}

#[cfg(not(feature = "gpu"))]
type Card = std::convert::Infallible;

fn measure(
    subject: &Subject,
    options: &Options,
    device: Device,
    ceilings: Ceilings,
    card: Option<Card>,
) -> Result<(Side, EncryptedAnswer)> {
    let Subject { plan, client, batch, .. } = subject;
    let clock = Instant::now();
    let server = Server::new(plan, client.evaluation_keys(), device)?;
    let open_seconds = clock.elapsed().as_secs_f64();

    // Kernels are compiled and memory is fresh in the first run.
    let mut answer = server.evaluate(batch)?;
    let before = server.traffic();
    let mut stages: [Vec<f64>; 4] = Default::default();
    let runs = options.runs();
    for _ in 0..runs {
        let (found, spent) = server.evaluate_with(batch, |_| ())?;
        answer = found;
        let clock = Instant::now();
        client.decrypt(&answer)?;
        let times = [spent.upload, spent.evaluate, spent.download, clock.elapsed()];
        stages.iter_mut().zip(times).for_each(|(all, time)| all.push(time.as_secs_f64()));
    }
    let after = server.traffic();
    let together: Vec<f64> =
        (0..runs).map(|run| stages[..3].iter().map(|stage| stage[run]).sum()).collect();
    let [upload, evaluate, download, decrypt] = stages.map(|stage| Spread::of(&stage));

    let ends = options.pick(runs, 1);
    let images = subject.images.slice_axis(Axis(0), Slice::from(..subject.count));
    let from_end_to_end = |_| {
        let (_, stages) = pipeline::run(plan, client, &server, images.view(), |_, _| ())?;
        Ok(stages.total.as_secs_f64())
    };
    let total: Vec<f64> = (0..ends).map(from_end_to_end).collect::<Result<_>>()?;

    let slots = plan.slots() as f64;
    let counts = Counts::of(plan);
    let side = Side {
        backend: if card.is_some() { "gpu" } else { "cpu" },
        device: server.device(),
        #[cfg(feature = "gpu")]
        card,
        ceilings,
        open_seconds,
        images_per_second: Rates {
            resident: evaluate.rate(slots),
            ciphertexts: Spread::of(&together).rate(slots),
            end_to_end: Spread::of(&total).rate(subject.count as f64),
        },
        multiply_adds_per_second: evaluate.rate(counts.iter().map(|c| c.multiply_adds).sum()),
        seconds: Seconds { upload, evaluate, download, decrypt },
        layers: layers(&server, subject, &counts, ends)?,
        memory_bytes: server.memory(),
        bytes_up: (after.up - before.up) / runs as u64,
        bytes_down: (after.down - before.down) / runs as u64,
    };
    Ok((side, answer))
}

/// Recorded runs, layer by layer.
fn layers(
    server: &Server,
    subject: &Subject,
    counts: &[Counts],
    runs: usize,
) -> Result<Vec<Layer>> {
    let mut seconds = vec![Vec::new(); counts.len()];
    for _ in 0..runs {
        server.record(true);
        let done = server.evaluate(&subject.batch);
        let spans = server.spans();
        server.record(false);
        done?;
        for (layer, seconds) in seconds.iter_mut().enumerate() {
            let of_layer = |span: &&Span| span.track == Track::Layers && span.layer == Some(layer);
            let spent: Duration = spans.iter().filter(of_layer).map(|span| span.length).sum();
            seconds.push(spent.as_secs_f64());
        }
    }
    let layer = |(counts, seconds): (&Counts, &Vec<f64>)| {
        let seconds = Spread::of(seconds);
        let rate = |count: f64| if seconds.median > 0.0 { count / seconds.median } else { 0.0 };
        Layer {
            seconds,
            multiply_adds_per_second: rate(counts.multiply_adds),
            bytes_per_second: rate(counts.bytes),
        }
    };
    Ok(counts.iter().zip(&seconds).map(layer).collect())
}
