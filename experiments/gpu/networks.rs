//! Shipped networks on full batches: the layers alone, everything from seeded ciphertexts on, and with the client.

use crate::{Arguments, Result};
use cipherbatch::device::gpu::{Adapter, Form, GpuOptions, Tuning};
use cipherbatch::{Client, Device, Network, Plan, PlanOptions, Server, pipeline};
use ndarray::{ArrayD, Axis, IxDyn};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The folder `models`, beside the program or in the repository.
fn models() -> PathBuf {
    let beside = Path::new("models");
    match beside.exists() {
        true => beside.to_owned(),
        false => Path::new(env!("CARGO_MANIFEST_DIR")).join("models"),
    }
}

pub fn measure(arguments: &Arguments, adapter: &Adapter, name: &str) -> Result<Value> {
    let network = Network::from_onnx(models().join(format!("{name}.onnx")))?;
    let typical: ArrayD<f32> =
        ndarray_npy::read_npy(models().join(format!("{name}.calibration.npy")))?;
    let options = PlanOptions { calibration: Some(typical.clone()), ..PlanOptions::default() };
    let plan = Plan::new(&network, &options)?;
    let client = Client::new(&plan)?;
    let batches = arguments.pick(if name == "deep" { 3 } else { 12 }, 1);
    let shape: Vec<usize> =
        [batches * plan.slots()].iter().chain(plan.input_shape()).copied().collect();
    let images: Vec<f32> = typical.iter().cycle().take(shape.iter().product()).copied().collect();
    let images = ArrayD::from_shape_vec(IxDyn(&shape), images)?;
    let clear = network.evaluate(&typical)?;

    let wide = adapter.has_u64().then_some(Form::Wide);
    let mut variants = vec![("as it is", Tuning::default())];
    if !arguments.quick {
        let form = |form| Tuning { form: Some(form), ..Tuning::default() };
        variants.extend(wide.map(|w| ("wide", form(w))));
        variants.push(("halves", form(Form::Halves)));
        variants.push(("dot", form(Form::Dot)));
        let threads = |threads| Tuning { transform_threads: Some(threads), ..Tuning::default() };
        variants.push(("transforms of 256 threads", threads(256)));
        variants.push(("chunks of 1 GiB", Tuning { grain: Some(1 << 30), ..Tuning::default() }));
        variants.push(("chunks of 64 MiB", Tuning { grain: Some(64 << 20), ..Tuning::default() }));
    }
    let mut out = Vec::new();
    for (variant, tuning) in variants {
        if arguments.late() {
            break;
        }
        let options = GpuOptions { tuning, ..GpuOptions::default() };
        let clock = Instant::now();
        let device = Device::GpuWith(adapter.clone(), options);
        let server = Server::new(&plan, client.evaluation_keys(), device)?;
        let opened = clock.elapsed().as_secs_f64();
        let first = images.slice_axis(Axis(0), (0..plan.slots()).into());
        let batch = client.encrypt(first)?;
        // Warm: kernels are compiled, memory is there.
        let answer = server.evaluate(&batch)?;
        let results = client.decrypt(&answer)?;
        let errors = results.iter().zip(clear.iter().cycle()).map(|(a, b)| (a - b).abs());
        let error = errors.fold(0.0, f32::max);

        let before = server.traffic();
        let (mut resident, mut alone) = (f64::INFINITY, f64::INFINITY);
        let runs = arguments.pick(5, 1);
        for _ in 0..runs {
            let clock = Instant::now();
            let (_, timing) = server.evaluate_with(&batch, |_| ())?;
            alone = alone.min(clock.elapsed().as_secs_f64());
            resident = resident.min(timing.evaluate.as_secs_f64());
        }
        let after = server.traffic();
        // Two at a time, as the pipeline does it: from ciphertexts in memory to answers in memory.
        let clock = Instant::now();
        std::thread::scope(|scope| {
            let work = || (0..runs).try_for_each(|_| server.evaluate(&batch).map(drop));
            let other = scope.spawn(work);
            work()?;
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        let ciphertexts = clock.elapsed().as_secs_f64() / f64::from(2 * runs);
        let (_, stages) = pipeline::run(&plan, &client, &server, images.view(), |_, _| ())?;
        let slots = plan.slots() as f64;
        let figures = json!({
            "variant": variant,
            "largest_error": error,
            "memory": server.memory(),
            "open_seconds": opened,
            "resident_images_per_second": slots / resident,
            "one_batch_images_per_second": slots / alone,
            "ciphertexts_to_answers_images_per_second": slots / ciphertexts,
            "with_the_client_images_per_second": images.len_of(Axis(0)) as f64 / stages.total.as_secs_f64(),
            "bytes_up_a_batch": (after.up - before.up) / runs as u64,
            "bytes_down_a_batch": (after.down - before.down) / runs as u64,
            "ciphertext_bytes": batch.bytes(),
        });
        arguments.tell(&mut out, figures);
    }
    Ok(out.into())
}
