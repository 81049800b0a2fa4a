//! What crosses to the device, what a budget changes, and what becomes of a batch whose device fails: the shipped
//! network through the door.
#![cfg(feature = "onnx")]

use crate::harness::{adapter, configurations};
use cipherbatch::device::gpu::{Form, GpuOptions, Prelude};
use cipherbatch::{
    Client, Device, DeviceError, EncryptedAnswer, EncryptedBatch, Network, Plan, PlanOptions,
    Server, ServerError, pipeline,
};
use ndarray::ArrayD;
use std::path::Path;
use std::sync::OnceLock;

/// A plan, a client, a batch, and the answer of the CPU.
struct Setting {
    plan: Plan,
    client: Client,
    images: ArrayD<f32>,
    batch: EncryptedBatch,
    answer: EncryptedAnswer,
}

fn setting() -> &'static Setting {
    static SETTING: OnceLock<Setting> = OnceLock::new();
    SETTING.get_or_init(|| {
        let models = Path::new("models");
        let network = Network::from_onnx(models.join("cryptonets.onnx")).expect("shipped");
        let images: ArrayD<f32> =
            ndarray_npy::read_npy(models.join("cryptonets.calibration.npy")).expect("shipped");
        let options = PlanOptions { calibration: Some(images.clone()), ..PlanOptions::default() };
        let plan = Plan::new(&network, &options).expect("planned");
        let client = Client::new(&plan).expect("randomness");
        let batch = client.encrypt(images.view()).expect("in range");
        let server = Server::new(&plan, client.evaluation_keys(), Device::cpu()).expect("opens");
        let answer = server.evaluate(&batch).expect("its own batch");
        Setting { plan, client, images, batch, answer }
    })
}

fn server(options: GpuOptions, memory: Option<u64>) -> Option<Result<Server, ServerError>> {
    let device = Device::GpuWith(adapter()?.clone(), options);
    let Setting { plan, client, .. } = setting();
    Some(Server::with_memory(plan, client.evaluation_keys(), device, memory))
}

/// In both preludes and every form of the product, all of the device's memory being 256 MiB, and without a
/// budget.
#[test]
fn a_budget_changes_no_residue() {
    let Some(adapter) = adapter() else { return };
    let mut sizes = Vec::new();
    // Of which ciphertexts are to take what they want, or less.
    for (memory, ciphertexts, form) in [
        (Some(256 << 20), None, Form::Halves),
        (Some(256 << 20), None, Form::Wide),
        (Some(256 << 20), Some(100 << 20), Form::Dot),
        (None, None, Form::Dot),
    ] {
        for (name, mut options) in configurations(adapter) {
            if options.checked || form == Form::Wide && options.prelude == Some(Prelude::U32) {
                continue;
            }
            options.memory = memory;
            options.tuning.form = Some(form);
            let Some(server) = server(options, ciphertexts) else { return };
            let server = server.expect("opens");
            let answer = server.evaluate(&setting().batch).expect("runs");
            assert!(answer == setting().answer, "{name}, {form:?}, {memory:?} bytes");
            sizes.push(server.memory());
        }
    }
    assert!(sizes.iter().all(|&bytes| bytes <= 256 << 20), "{sizes:?}");
    assert!(sizes.iter().min() < sizes.last(), "the budget does something: {sizes:?}");
}

/// Ciphertexts go up once, as they travel, and the answer comes down once; parameters of kernels are a hundredth
/// of that.
#[test]
fn nothing_else_crosses() {
    let Some(server) = server(GpuOptions::default(), None) else { return };
    let (server, Setting { batch, answer, .. }) = (server.expect("opens"), setting());
    for _ in 0..2 {
        let before = server.traffic();
        assert!(server.evaluate(batch).expect("runs") == *answer);
        let after = server.traffic();
        let (up, down) = (after.up - before.up, after.down - before.down);
        let bytes = batch.bytes() as u64;
        assert!((bytes - 32..bytes + bytes / 100).contains(&up), "{up} bytes for {bytes}");
        assert_eq!(down, answer.bytes() as u64);
    }
}

/// The device goes while the batch is under way, or before it is begun.
#[test]
fn the_processor_takes_over() {
    let Some(adapter) = adapter() else { return };
    let Setting { plan, client, images, batch, answer } = setting();
    for fault in [0, 3] {
        let options = GpuOptions { fault: Some(fault), ..GpuOptions::default() };
        let lost =
            server(options.clone(), None).expect("an adapter").and_then(|s| s.evaluate(batch));
        assert!(matches!(lost, Err(ServerError::Device(DeviceError::Lost { .. }))), "{lost:?}");

        let device = Device::GpuWith(adapter.clone(), options);
        let server =
            Server::resilient(plan, client.evaluation_keys(), device, None).expect("opens");
        assert!(server.evaluate(batch).expect("evaluated by the CPU") == *answer);
        let reason = server.fallen().expect("says why");
        assert!(reason.contains(adapter.name()), "{reason}");
        // And goes on so.
        assert!(server.evaluate(batch).expect("evaluated by the CPU") == *answer);
    }
    // A device that is too small from the start.
    let options = GpuOptions { memory: Some(20 << 20), ..GpuOptions::default() };
    let device = Device::GpuWith(adapter.clone(), options);
    let server = Server::resilient(plan, client.evaluation_keys(), device, None).expect("opens");
    assert!(server.evaluate(batch).expect("evaluated by the CPU") == *answer);
    assert!(server.fallen().is_some_and(|reason| reason.contains("allowed")));
    // A whole pipeline, the device failing in the middle of the first of three batches.
    let options = GpuOptions { fault: Some(2), ..GpuOptions::default() };
    let device = Device::GpuWith(adapter.clone(), options);
    let server = Server::resilient(plan, client.evaluation_keys(), device, None).expect("opens");
    let many = images.select(
        ndarray::Axis(0),
        &(0..2 * plan.slots() + 5).map(|i| i % images.shape()[0]).collect::<Vec<_>>(),
    );
    let (results, _) =
        pipeline::run(plan, client, &server, many.view(), |_, _| ()).expect("evaluated");
    assert_eq!(results.shape(), [many.shape()[0], 10]);
    assert!(server.fallen().is_some());
    let want = client.decrypt(answer).expect("its own answer");
    for (i, row) in results.outer_iter().enumerate() {
        let want = want.index_axis(ndarray::Axis(0), i % images.shape()[0]);
        assert!(row.iter().zip(want).all(|(a, b)| (a - b).abs() < 0.5), "image {i}");
    }
}

/// Too little memory for the finest chunks is an error with figures, and no reason to panic.
#[test]
fn what_does_not_fit_says_what_it_needs() {
    let Some(refused) = server(GpuOptions::default(), Some(1 << 20)) else { return };
    let refusal = refused.expect_err("refused").to_string();
    assert!(refusal.contains("1048576 allowed"), "{refusal}");
}
