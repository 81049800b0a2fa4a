//! The door, as a library's user opens it: network, plan, client, server.

use cipherbatch::model::{Conv2d, Dense, NetworkBuilder, Padding, Polynomial};
use cipherbatch::{Client, Device, Network, Plan, PlanOptions, Server};
use ndarray::{Array2, Array4, ArrayD, IxDyn};

/// Deterministic numbers in [−1, 1], far from regular.
fn noise(seed: usize) -> impl FnMut() -> f64 {
    let mut x = seed as f64 + 0.5;
    move || {
        x = (x * 12.9898).sin() * 43_758.547;
        x -= x.floor();
        2.0 * x - 1.0
    }
}

fn network(activations: usize) -> Network {
    let mut next = noise(activations);
    let mut b: NetworkBuilder = Network::builder(&[1, 6, 6]).unwrap();
    let conv = Array4::from_shape_simple_fn((3, 1, 3, 3), || next() * 0.6);
    let conv =
        Conv2d::new(conv, vec![0.1, -0.2, 0.0]).with_stride([2, 2]).with_padding(Padding::all(1));
    let input = b.input();
    let x = b.conv2d("conv", input, conv).unwrap();
    let mut x = b.flatten("flat", x).unwrap();
    let mut width = 27;
    for i in 0..activations {
        x = b.polynomial(&format!("act{i}"), x, Polynomial::uniform(&[0.2, 0.5, 0.2])).unwrap();
        let scale = 1.0 / (width as f64).sqrt();
        let dense = Array2::from_shape_simple_fn((9, width), || next() * 2.0 * scale);
        x = b.dense(&format!("fc{i}"), x, Dense::new(dense, vec![0.05; 9])).unwrap();
        width = 9;
    }
    b.finish(x).unwrap()
}

fn images(count: usize) -> ArrayD<f32> {
    let mut next = noise(99);
    ArrayD::from_shape_simple_fn(IxDyn(&[count, 1, 6, 6]), || (next() * 0.5 + 0.5) as f32)
}

/// The root mean square of a difference, relative to the spread of what is wanted.
fn error(got: &ArrayD<f32>, want: &ArrayD<f32>) -> f64 {
    assert_eq!(got.shape(), want.shape());
    let rms = |a: &ArrayD<f32>| a.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    rms(&(got - want)) / rms(want)
}

fn run(network: &Network, options: &PlanOptions, images: &ArrayD<f32>) -> (ArrayD<f32>, Plan) {
    let plan = Plan::new(network, options).unwrap();
    let client = Client::new(&plan).unwrap();
    let batch = client.encrypt(images.view()).unwrap();
    let server = Server::new(&plan, client.evaluation_keys(), Device::cpu()).unwrap();
    let answer = server.evaluate(&batch).unwrap();
    (client.decrypt(&answer).unwrap(), plan)
}

#[test]
fn networks_of_any_depth_give_the_clear_answers() {
    for activations in 0..5 {
        let network = network(activations);
        let images = images(50);
        let want = network.evaluate(&images).unwrap();
        for calibration in [None, Some(images.clone())] {
            let options = PlanOptions { calibration, ..PlanOptions::default() };
            let (got, plan) = run(&network, &options, &images);
            let e = error(&got, &want);
            eprintln!(
                "{activations} activations: N = {}, {} primes, {:.1} bits, error {e:.5}, predicted {:.5}",
                plan.slots(),
                plan.parameters().levels(),
                plan.parameters().log2_q(),
                plan.predicted_error(),
            );
            assert!(e < 1.0 / 32.0, "{activations} activations: error {e}");
            assert_eq!(plan.parameters().security_bits(), 128);
        }
    }
}
