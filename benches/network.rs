//! The shipped networks, stage by stage, one full batch on the processor, in memory that is warm.
//!
//! `cargo bench --bench network`; throughput is in images.

use cipherbatch::{Client, Device, Network, Plan, PlanOptions, Server};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{ArrayD, IxDyn};
use std::path::Path;

fn networks(c: &mut Criterion) {
    for name in ["cryptonets", "deep"] {
        network(c, name);
    }
}

fn network(c: &mut Criterion, name: &str) {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let network = Network::from_onnx(models.join(format!("{name}.onnx"))).expect("shipped");
    let typical = ndarray_npy::read_npy(models.join(format!("{name}.calibration.npy")));
    let typical: ArrayD<f32> = typical.expect("shipped");
    let options = PlanOptions { calibration: Some(typical.clone()), ..PlanOptions::default() };
    let plan = Plan::new(&network, &options).expect("planned in tests, too");
    let client = Client::new(&plan).expect("randomness");
    let server = Server::new(&plan, client.evaluation_keys(), Device::cpu()).expect("its own keys");

    let shape: Vec<usize> = [plan.slots()].iter().chain(plan.input_shape()).copied().collect();
    let images: Vec<f32> = typical.iter().cycle().take(shape.iter().product()).copied().collect();
    let images = ArrayD::from_shape_vec(IxDyn(&shape), images).expect("as many as the shape has");
    let batch = client.encrypt(images.view()).expect("in range");
    let answer = server.evaluate(&batch).expect("its own batch");

    let mut group = c.benchmark_group(name);
    group.sample_size(10);
    group.throughput(Throughput::Elements(plan.slots() as u64));
    group
        .bench_function("encrypt", |b| b.iter(|| client.encrypt(images.view()).expect("in range")));
    group
        .bench_function("evaluate", |b| b.iter(|| server.evaluate(&batch).expect("its own batch")));
    group
        .bench_function("decrypt", |b| b.iter(|| client.decrypt(&answer).expect("its own answer")));
    group.bench_function("plan", |b| {
        b.iter(|| Plan::new(&network, &options).expect("planned above"))
    });
    group.finish();
}

criterion_group!(benches, networks);
criterion_main!(benches);
