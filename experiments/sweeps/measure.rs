//! One point: planned, encrypted, evaluated some times, decrypted and compared.

use crate::answers::{self, percent};
use crate::machine::Machine;
use crate::networks::Prepared;
use crate::spread::Spread;
use crate::sweep::{Images, Point};
use crate::table::Row;
use crate::{Failure, precision, relinearise, stamp};
use cipherbatch::model::NormalForm;
use cipherbatch::plan::Program;
use cipherbatch::{Client, Device, Plan, PlanOptions, Server};
use ndarray::{ArrayD, Axis, IxDyn, Slice};
use std::time::Instant;

/// Images whose results are compared with the clear network's, at most.
const COMPARED: usize = 4096;

/// What runs of a point gave.
#[derive(Default)]
pub struct Runs {
    /// Seconds of each run that counts.
    pub encrypt: Vec<f64>,
    pub evaluate: Vec<f64>,
    pub decrypt: Vec<f64>,
    /// The results of the first batch.
    pub found: ArrayD<f32>,
    pub device: String,
    /// Bytes of ciphertexts on it.
    pub memory: u64,
}

/// Whether there is a GPU, be it software.
pub fn has_gpu() -> bool {
    #[cfg(feature = "gpu")]
    return Device::gpu().is_ok();
    #[cfg(not(feature = "gpu"))]
    false
}

fn device(point: &Point, cpu: bool) -> Result<Device, Failure> {
    if point.gpu {
        #[cfg(feature = "gpu")]
        return Ok(Device::gpu()?);
    }
    let of_the_cpu = point.simd.is_some() || point.threads.is_some();
    Ok(if cpu || of_the_cpu { Device::cpu() } else { Device::auto() })
}

/// Measures a point `runs` times.
///
/// # Errors
/// Where it cannot be planned or run.
pub fn point(point: &Point, runs: usize, cpu: bool) -> Result<Row, Failure> {
    let prepared = Prepared::new(&point.of)?;
    let options = PlanOptions {
        calibration: Some(prepared.typical.clone()),
        precision_bits: point.precision_bits,
        least_degree: point.least_degree,
        ..PlanOptions::default()
    };
    let plan = Plan::new(&prepared.network, &options)?;
    let count = match point.images {
        Images::Batches(batches) => batches * plan.slots(),
        Images::Some(images) => images.min(plan.slots()),
    };
    let images = again_and_again(&prepared.images, count)?;
    let (program, measured) = match point.relinearised {
        Some(when) => relinearise::run(&plan, when, &images, runs)?,
        None => (plan.program().clone(), run(&plan, point, &images, runs, cpu)?),
    };
    row(point, &prepared, &plan, &program, &images, measured)
}

/// Through the door. A run before those that count is not counted: memory is fresh in it.
fn run(
    plan: &Plan,
    point: &Point,
    images: &ArrayD<f32>,
    runs: usize,
    cpu: bool,
) -> Result<Runs, Failure> {
    let client = Client::new(plan)?;
    let device = device(point, cpu)?;
    let server = Server::with_memory(plan, client.evaluation_keys(), device, point.memory)?;
    let mut out = Runs { device: server.device(), memory: server.memory(), ..Runs::default() };
    for run in 0..=runs {
        let mut times = [0.0; 3];
        for (number, images) in images.axis_chunks_iter(Axis(0), plan.slots()).enumerate() {
            let clock = Instant::now();
            let batch = client.encrypt(images)?;
            times[0] += clock.elapsed().as_secs_f64();
            let (answer, spent) = server.evaluate_with(&batch, |_| ())?;
            times[1] += (spent.upload + spent.evaluate + spent.download).as_secs_f64();
            let clock = Instant::now();
            let found = client.decrypt(&answer)?;
            times[2] += clock.elapsed().as_secs_f64();
            if number == 0 {
                out.found = found;
            }
        }
        if run > 0 {
            out.note(times);
        }
    }
    Ok(out)
}

impl Runs {
    /// A run's seconds: encryption, evaluation, decryption.
    pub fn note(&mut self, [encrypt, evaluate, decrypt]: [f64; 3]) {
        self.encrypt.push(encrypt);
        self.evaluate.push(evaluate);
        self.decrypt.push(decrypt);
    }
}

fn row(
    point: &Point,
    prepared: &Prepared,
    plan: &Plan,
    program: &Program,
    images: &ArrayD<f32>,
    runs: Runs,
) -> Result<Row, Failure> {
    let count = images.len_of(Axis(0));
    let batches = count.div_ceil(plan.slots());
    let compared = runs.found.len_of(Axis(0)).min(COMPARED).min(prepared.labels.len());
    let first = Slice::from(..compared);
    let clear = answers::in_the_clear(&prepared.network, images.slice_axis(Axis(0), first))?;
    let found = runs.found.slice_axis(Axis(0), first);
    let [said, wanted] = [answers::of(found.view()), answers::of(clear.view())];

    let multiply_adds = program.multiply_adds();
    let products = (multiply_adds * plan.slots() * batches) as f64;
    let evaluate = Spread::of(&runs.evaluate);
    let params = plan.parameters();
    let processor = Machine::here();
    Ok(Row {
        curve: point.curve.into(),
        x: point.x,
        images: count,
        batches,
        activations: NormalForm::new(&prepared.network)?.depth(),
        ring_degree: params.degree(),
        primes: params.levels(),
        log2_q: rounded(params.log2_q(), 1),
        multiply_adds,
        key_switches: relinearise::key_switches(program),
        ciphertext_bytes: runs.memory,
        clear_accuracy: rounded(percent(&wanted, &prepared.labels, compared), 2),
        precision_bits: rounded(precision::bits(found, clear.view()), 1),
        accuracy: rounded(percent(&said, &prepared.labels, compared), 2),
        agreement: rounded(percent(&said, &wanted, compared), 2),
        seconds: rounded(evaluate.median, 6),
        fastest: rounded(evaluate.min, 6),
        slowest: rounded(evaluate.max, 6),
        images_per_second: rounded(count as f64 / evaluate.median, 1),
        picoseconds_per_multiply_add: rounded(1e12 * evaluate.median / products, 2),
        encrypt_seconds: rounded(Spread::of(&runs.encrypt).median, 6),
        decrypt_seconds: rounded(Spread::of(&runs.decrypt).median, 6),
        peak_memory_mb: stamp::peak_memory().map(|bytes| bytes / 1_000_000),
        device: match runs.device.strip_prefix("CPU, ") {
            Some(how) => format!("{}, {how}", processor.processor),
            None => format!("{} on {processor}", runs.device),
        },
        commit: stamp::commit(),
        date: stamp::date(),
    })
}

/// With so many digits behind the point.
fn rounded(value: f64, digits: i32) -> f64 {
    let unit = 10f64.powi(digits);
    (value * unit).round() / unit
}

/// The first `count` of images that come again and again.
fn again_and_again(images: &ArrayD<f32>, count: usize) -> Result<ArrayD<f32>, Failure> {
    let shape: Vec<usize> = [count].iter().chain(&images.shape()[1..]).copied().collect();
    let values = images.iter().cycle().take(shape.iter().product()).copied().collect();
    Ok(ArrayD::from_shape_vec(IxDyn(&shape), values)?)
}
