//! The door, as a library's user opens it: network, plan, client, server.

use cipherbatch::model::{Conv2d, Dense, NetworkBuilder, Padding, Polynomial};
use cipherbatch::{Client, ClientError, Device, Network, Plan, PlanOptions, Server};
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
            let options =
                PlanOptions { calibration, precision_bits: Some(5.5), ..PlanOptions::default() };
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

fn relative(network: &Network, images: &ArrayD<f32>) -> f64 {
    let want = network.evaluate(images).unwrap();
    error(&run(network, &PlanOptions::default(), images).0, &want)
}

/// A branch around an activation meets its squares: two sources at different scales.
#[test]
fn residual_branches_are_reconciled() {
    let mut next = noise(7);
    let mut dense = |o: usize, i: usize| {
        Dense::new(Array2::from_shape_simple_fn((o, i), &mut next), vec![0.1; o])
    };
    let mut b = Network::builder(&[8]).unwrap();
    let input = b.input();
    let x = b.dense("first", input, dense(6, 8)).unwrap();
    let y = b.polynomial("act", x, Polynomial::uniform(&[0.2, 0.5, 0.2])).unwrap();
    let z = b.sum("skip", x, y).unwrap();
    let z = b.polynomial("act2", z, Polynomial::uniform(&[0.0, 1.0, 0.3])).unwrap();
    let z = b.dense("last", z, dense(3, 6)).unwrap();
    let z = {
        let skip = b.dense("around", input, dense(3, 8)).unwrap();
        b.sum("skip2", z, skip).unwrap()
    };
    let network = b.finish(z).unwrap();
    let mut next = noise(8);
    let inputs = ArrayD::from_shape_simple_fn(IxDyn(&[40, 8]), || next().abs() as f32);
    assert!(relative(&network, &inputs) < 1.0 / 32.0);
}

/// More inputs than slots make several ciphertext batches; answers stay in order.
#[test]
fn batches_of_any_size() {
    let network = network(0);
    let plan = Plan::new(&network, &PlanOptions::default()).unwrap();
    for count in [1, plan.slots(), plan.slots() + 1] {
        let images = images(count);
        let (got, _) = run(&network, &PlanOptions::default(), &images);
        assert!(error(&got, &network.evaluate(&images).unwrap()) < 1.0 / 32.0, "{count} images");
    }
}

/// One wild slot would destroy all: it is clamped, and its neighbours keep their answers.
#[test]
fn wild_inputs_are_clamped_and_wrong_ones_refused() {
    let network = network(2);
    let plan = Plan::new(&network, &PlanOptions::default()).unwrap();
    let client = Client::new(&plan).unwrap();
    let mut wild = images(20);
    let calm = network.evaluate(&wild).unwrap();
    wild[[3, 0, 2, 2]] = 1e30;
    let server = Server::new(&plan, client.evaluation_keys(), Device::cpu()).unwrap();
    let batch = client.encrypt(wild.view()).unwrap();
    let got = client.decrypt(&server.evaluate(&batch).unwrap()).unwrap();
    wild[[3, 0, 2, 2]] = 1.0;
    assert!(error(&got, &network.evaluate(&wild).unwrap()) < 1.0 / 32.0);
    assert!(error(&got, &calm) > 1e-3, "clamped, not dropped");

    wild[[5, 0, 0, 1]] = f32::NAN;
    let line = client.encrypt(wild.view()).unwrap_err().to_string();
    assert!(line.contains("input 5") && line.contains("position 1"), "{line}");
    let line = client.encrypt(Array2::<f32>::zeros((3, 36)).view()).unwrap_err().to_string();
    assert!(line.contains("[3, 36]") && line.contains("[1, 6, 6]"), "{line}");
    assert!(client.encrypt(images(0).view()).is_err());
}

/// What belongs to another plan is an error, not a panic and not a wrong answer.
#[test]
fn plans_do_not_mix() {
    let [two, one] = [2, 1].map(|n| Plan::new(&network(n), &PlanOptions::default()).unwrap());
    let [client, other] = [&two, &one].map(|p| Client::new(p).unwrap());
    let says = |line: String, what: &str| {
        assert!(line.starts_with(what) && line.contains(&one.digest().to_string()), "{line}")
    };
    let line = Server::new(&two, other.evaluation_keys(), Device::cpu()).unwrap_err().to_string();
    says(line, "evaluation keys");
    let server = Server::new(&two, client.evaluation_keys(), Device::cpu()).unwrap();
    let foreign = other.encrypt(images(2).view()).unwrap();
    says(server.evaluate(&foreign).unwrap_err().to_string(), "ciphertexts");
    let answer = server.evaluate(&client.encrypt(images(2).view()).unwrap()).unwrap();
    says(other.decrypt(&answer).unwrap_err().to_string(), "an answer");
}

/// Inputs that are nothing like those that a plan was made with: their values outgrow the modulus, and
/// instead of noise the client gets told.
#[test]
fn a_batch_that_overflows_is_refused() {
    let mut b = Network::builder(&[1]).unwrap();
    let input = b.input();
    let grow = |factor| Dense::new(Array2::from_elem((1, 1), factor), vec![0.0]);
    let mut x = b.dense("first", input, grow(1.0)).unwrap();
    for i in 0..4 {
        x = b.polynomial(&format!("square{i}"), x, Polynomial::uniform(&[0.0, 0.0, 1.0])).unwrap();
        x = b.dense(&format!("grow{i}"), x, grow(16.0)).unwrap();
    }
    let network = b.finish(x).unwrap();
    // 1/16 stays 1/16; 1 becomes 16^15.
    let typical = ArrayD::from_shape_fn(IxDyn(&[16, 1]), |at| (0.9 + 0.01 * at[0] as f32) / 16.0);
    let options = PlanOptions { calibration: Some(typical.clone()), ..PlanOptions::default() };
    let (tame, _) = run(&network, &options, &typical);
    assert!(error(&tame, &network.evaluate(&typical).unwrap()) < 0.1);

    let plan = Plan::new(&network, &options).unwrap();
    let client = Client::new(&plan).unwrap();
    let server = Server::new(&plan, client.evaluation_keys(), Device::cpu()).unwrap();
    for count in [1, plan.slots() / 2] {
        let mut inputs = ArrayD::from_elem(IxDyn(&[plan.slots(), 1]), 1.0 / 16.0);
        inputs.iter_mut().take(count).for_each(|x| *x = 1.0);
        let answer = server.evaluate(&client.encrypt(inputs.view()).unwrap()).unwrap();
        let refused = client.decrypt(&answer).unwrap_err();
        assert!(matches!(refused, ClientError::Overflow { .. }), "{count}: {refused}");
    }
}
