//! Plans of the shipped networks, and the simulator against what encryption really gives.
#![cfg(feature = "onnx")]

use cipherbatch::model::{Degree, Dense, Polynomial};
use cipherbatch::scheme::Digits;
use cipherbatch::{Client, Device, Network, Plan, PlanOptions, Server};
use ndarray::{Array2, ArrayD, IxDyn, s};
use ndarray_npy::ReadNpyExt;
use std::fs::File;

fn shipped(name: &str) -> (Network, ArrayD<f32>) {
    let calibration = File::open(format!("models/{name}.calibration.npy")).unwrap();
    let network = Network::from_onnx(format!("models/{name}.onnx")).unwrap();
    (network, ArrayD::read_npy(calibration).unwrap())
}

fn options(calibration: &ArrayD<f32>) -> PlanOptions {
    PlanOptions { calibration: Some(calibration.clone()), ..PlanOptions::default() }
}

/// The root mean square of a difference.
fn error(got: &ArrayD<f32>, want: &ArrayD<f32>) -> f64 {
    assert_eq!(got.shape(), want.shape());
    let sum: f64 = got.iter().zip(want).map(|(x, y)| f64::from(x - y).powi(2)).sum();
    (sum / want.len() as f64).sqrt()
}

/// N, the primes of a fresh ciphertext, and those behind it.
fn size(plan: &Plan) -> (usize, usize, usize) {
    let fresh = plan.report().steps[0].level;
    (plan.slots(), fresh, plan.parameters().levels() - fresh)
}

/// Ring degree and primes: what an evaluation costs.
#[test]
fn shipped_networks_cost_what_they_did() {
    for (name, expected) in [("cryptonets", (4096, 3, 0)), ("deep", (8192, 6, 1))] {
        let (network, calibration) = shipped(name);
        let plan = Plan::new(&network, &options(&calibration)).unwrap();
        assert_eq!(size(&plan), expected, "{name}");
        assert!(plan.parameters().log2_q() <= 214.0);
        assert_eq!(plan.parameters().security_bits(), 128);
    }
}

/// ReLU's polynomials of degree 4: a prime for each of 12 squarings, and one more.
#[test]
fn degree_four_fits_a_ring_of_16384() {
    let (network, calibration) = shipped("deep-relu");
    let network = network.with_polynomials(Degree::Four, Some(calibration.view())).unwrap().network;
    let plan = Plan::new(&network, &options(&calibration)).unwrap();
    assert_eq!(size(&plan), (16384, 13, 1));
}

/// Of degree 6: 18 squarings, whose key switches are guarded, the first by a prime in reserve. With pairs, and
/// so with more noise, it would run away.
#[test]
fn degree_six_takes_twenty_primes() {
    let (network, calibration) = shipped("deep-relu");
    let network = network.with_polynomials(Degree::Six, Some(calibration.view())).unwrap().network;
    let plan = Plan::new(&network, &options(&calibration)).unwrap();
    assert_eq!(size(&plan), (32768, 19, 1));
    assert_eq!(switched(&plan, Digits::Guarded), 17);
}

/// Layers whose key switches take such digits.
fn switched(plan: &Plan, digits: Digits) -> usize {
    plan.report().steps.iter().filter(|s| s.digits == digits).count()
}

/// Four activations of degree 6, as precise as they can be.
#[test]
fn the_simulator_is_right_about_pairs() {
    let mut b = Network::builder(&[6]).unwrap();
    let mut x = b.input();
    for (k, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let weight =
            |(o, i)| (((o * 8 + i) * (k + 3)) as f64).sin() * if k == 0 { 1.2 } else { 0.6 };
        let weight = Array2::from_shape_fn((8, if k == 0 { 6 } else { 8 }), weight);
        x = b.dense(name, x, Dense::new(weight, vec![0.1; 8])).unwrap();
        let relu = Polynomial::uniform(&[0.1247, 0.5, 0.374, 0.01, -0.0416, 0.0, 0.0017]);
        x = b.polynomial(&format!("{name} act"), x, relu).unwrap();
    }
    let network = b.finish(x).unwrap();
    let inputs = |count: usize, salt: usize| {
        let value = |i: usize| (((i + salt) * 7919 % 1009) as f32) / 1009.0;
        ArrayD::from_shape_vec(IxDyn(&[count, 6]), (0..count * 6).map(value).collect()).unwrap()
    };
    let options = PlanOptions { precision_bits: Some(9.0), ..options(&inputs(64, 3)) };
    let plan = Plan::new_insecure(&network, &options, 256).unwrap();
    let pairs = switched(&plan, Digits::Paired);
    assert!(pairs > 8, "{pairs} pairs, error {}", plan.predicted_error());
    compare("pairs", &network, &plan, &inputs(256, 17));
}

fn encrypted(plan: &Plan, inputs: &ArrayD<f32>) -> ArrayD<f32> {
    let client = Client::new(plan).unwrap();
    let server = Server::new(plan, client.evaluation_keys(), Device::cpu()).unwrap();
    let batch = client.encrypt(inputs.view()).unwrap();
    client.decrypt(&server.evaluate(&batch).unwrap()).unwrap()
}

/// Simulated and encrypted errors within half a bit of one another.
fn compare(what: &str, network: &Network, plan: &Plan, inputs: &ArrayD<f32>) {
    let clear = network.evaluate(inputs).unwrap();
    let measured = error(&encrypted(plan, inputs), &clear);
    let simulated = error(&plan.simulate(inputs.view(), 1).unwrap(), &clear);
    let bits = (measured / simulated).log2();
    eprintln!("{what}: measured {measured:.3e}, simulated {simulated:.3e}: {bits:.2} bits apart");
    assert!(bits.abs() < 0.5, "{what}: measured {measured:e}, simulated {simulated:e}");
}

#[test]
fn the_simulator_is_right_about_cryptonets() {
    let (network, calibration) = shipped("cryptonets");
    let plan = Plan::new(&network, &options(&calibration)).unwrap();
    compare("cryptonets", &network, &plan, &calibration);
}

/// Activations of every degree, and a branch around them, on small rings.
#[test]
fn the_simulator_is_right_on_small_rings() {
    let polynomials: [&[f64]; 5] = [
        &[0.2, 0.5, 0.2],
        &[0.1, 0.5, 0.01],
        &[0.1, 0.4, 0.2, 0.05],
        &[0.1496, 0.5, 0.2992, 0.01, -0.0166],
        &[0.1247, 0.5, 0.374, 0.01, -0.0416, 0.0, 0.0017],
    ];
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / f64::from(1 << 24) - 0.5
    };
    for (i, polynomial) in polynomials.into_iter().enumerate() {
        let mut b = Network::builder(&[6]).unwrap();
        let mut dense = |o: usize, i: usize| {
            let weight = Array2::from_shape_simple_fn((o, i), || 2.5 * next());
            Dense::new(weight, (0..o).map(|_| next()).collect())
        };
        let x = b.dense("first", b.input(), dense(8, 6)).unwrap();
        let y = b.polynomial("act", x, Polynomial::uniform(polynomial)).unwrap();
        let z = b.dense("second", y, dense(8, 8)).unwrap();
        let z = b.sum("around", z, x).unwrap();
        let z = b.polynomial("act2", z, Polynomial::uniform(&[0.0, 0.5, 0.2])).unwrap();
        let z = b.dense("last", z, dense(5, 8)).unwrap();
        let network = b.finish(z).unwrap();
        let inputs = ArrayD::from_shape_simple_fn(IxDyn(&[256, 6]), || (next() + 0.5) as f32);
        let calibration = inputs.slice(s![..64, ..]).to_owned().into_dyn();
        let plan = Plan::new_insecure(&network, &options(&calibration), 256).unwrap();
        compare(&format!("polynomial {i}"), &network, &plan, &inputs);
    }
}
