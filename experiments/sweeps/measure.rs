//! One point: planned, encrypted, evaluated some times, decrypted and compared.

use crate::sweep::{Images, Point};
use crate::table::Row;
use crate::{Failure, stamp};
use cipherbatch::model::NormalForm;
use cipherbatch::{Client, Device, EncryptedBatch, Plan, PlanOptions, Server};
use ndarray::{ArrayD, Axis, IxDyn, Slice};
use std::time::Instant;

/// Images whose results are compared with the clear network's, at most.
const COMPARED: usize = 256;

/// Measures a point `runs` times.
pub fn point(point: &Point, runs: usize, cpu: bool) -> Result<Row, Failure> {
    let threads = point.threads.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    // The error's trait object does not cross threads.
    pool.install(|| in_pool(point, runs, cpu).map_err(|e| e.to_string())).map_err(Into::into)
}

fn in_pool(point: &Point, runs: usize, cpu: bool) -> Result<Row, Failure> {
    let subject = &point.subject;
    let options = PlanOptions {
        calibration: Some(subject.typical.clone()),
        precision_bits: point.precision_bits,
        ..PlanOptions::default()
    };
    let plan = Plan::new(&subject.network, &options)?;
    let count = match point.images {
        Images::Batches(batches) => batches * plan.slots(),
        Images::Some(images) => images.min(plan.slots()),
    };
    let images = images(&subject.typical, count)?;

    forget_peak_memory();
    let client = Client::new(&plan)?;
    let device = if cpu { Device::cpu() } else { Device::auto() };
    let server = Server::with_memory(&plan, client.evaluation_keys(), device, point.memory)?;
    // A run before those that count: memory is fresh in it.
    let (mut seconds, mut encrypt, mut decrypt, mut found) = (vec![], vec![], vec![], vec![]);
    for run in 0..=runs {
        let mut times = [0.0; 3];
        found.clear();
        for images in images.axis_chunks_iter(Axis(0), plan.slots()) {
            let clock = Instant::now();
            let batch: EncryptedBatch = client.encrypt(images)?;
            times[0] += clock.elapsed().as_secs_f64();
            let (answer, spent) = server.evaluate_with(&batch, |_| ())?;
            times[1] += (spent.upload + spent.evaluate + spent.download).as_secs_f64();
            let clock = Instant::now();
            found.push(client.decrypt(&answer)?);
            times[2] += clock.elapsed().as_secs_f64();
        }
        if run > 0 {
            encrypt.push(times[0]);
            seconds.push(times[1]);
            decrypt.push(times[2]);
        }
    }

    let report = plan.report();
    let multiply_adds = plan.program().multiply_adds();
    let batches = count.div_ceil(plan.slots());
    let products = (multiply_adds * plan.slots() * batches) as f64;
    let evaluated = median(&mut seconds);
    Ok(Row {
        x: point.x,
        images: count,
        batches,
        activations: NormalForm::new(&subject.network)?.depth(),
        ring_degree: report.ring_degree,
        primes: report.primes.len(),
        log2_q: (report.log2_q * 10.0).round() / 10.0,
        multiply_adds,
        key_switches: report.steps.iter().map(|s| s.key_switches).sum(),
        seconds: evaluated,
        fastest: seconds.first().copied().unwrap_or(f64::NAN),
        slowest: seconds.last().copied().unwrap_or(f64::NAN),
        images_per_second: count as f64 / evaluated,
        picoseconds_per_multiply_add: 1e12 * evaluated / products,
        encrypt_seconds: median(&mut encrypt),
        decrypt_seconds: median(&mut decrypt),
        precision_bits: precision(point, &images, &found)?,
        peak_memory_mb: stamp::peak_memory().map(|bytes| bytes / 1_000_000),
        device: server.device(),
        commit: stamp::commit(),
        date: stamp::date(),
    })
}

/// Typical inputs again and again.
fn images(typical: &ArrayD<f32>, count: usize) -> Result<ArrayD<f32>, Failure> {
    let shape: Vec<usize> = [count].iter().chain(&typical.shape()[1..]).copied().collect();
    let values = typical.iter().cycle().take(shape.iter().product()).copied().collect();
    Ok(ArrayD::from_shape_vec(IxDyn(&shape), values)?)
}

/// −log₂ of the root mean square of the errors over that of the clear results' spread.
fn precision(point: &Point, images: &ArrayD<f32>, found: &[ArrayD<f32>]) -> Result<f64, Failure> {
    let Some(found) = found.first() else { return Ok(f64::NAN) };
    let count = found.len_of(Axis(0)).min(COMPARED);
    let first = Slice::from(..count);
    let found = found.slice_axis(Axis(0), first);
    let clear = point.subject.network.evaluate(&images.slice_axis(Axis(0), first))?;
    let mean = clear.mean().unwrap_or(0.0);
    let spread: f64 = clear.iter().map(|y| f64::from(y - mean).powi(2)).sum();
    let error: f64 = clear.iter().zip(&found).map(|(y, z)| f64::from(y - z).powi(2)).sum();
    Ok((spread / error).log2() / 2.0)
}

/// Sorts, and takes the one in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Lets Linux count the peak from here on; elsewhere, and where it is not allowed, from the start.
fn forget_peak_memory() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
