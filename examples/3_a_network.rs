//! 3. A network: nobody chooses parameters, levels or scales; the plan does.
//!
//! `cargo run --release --example 3_a_network`

use cipherbatch::model::{Conv2d, Dense, Polynomial};
use cipherbatch::{Client, Device, Network, Plan, PlanOptions, Server};
use ndarray::{Array2, Array4};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Images [1, 8, 8] → convolution → 0.2 t² + 0.5 t + 0.2 → dense → t² → dense → two numbers.
    let wave = |i: usize, size: f64| size * (i as f64 * 1.7 + 0.3).sin();
    let kernel = Array4::from_shape_fn((4, 1, 3, 3), |(o, _, r, c)| wave(9 * o + 3 * r + c, 0.5));
    let hidden = Array2::from_shape_fn((8, 36), |(o, i)| wave(36 * o + i, 0.2));
    let last = Array2::from_shape_fn((2, 8), |(o, i)| wave(8 * o + i, 0.5));

    let mut b = Network::builder(&[1, 8, 8])?;
    let conv = Conv2d::new(kernel, vec![0.1; 4]).with_stride([2, 2]);
    let x = b.conv2d("conv", b.input(), conv)?;
    let x = b.polynomial("act1", x, Polynomial::uniform(&[0.2, 0.5, 0.2]))?;
    let x = b.flatten("flat", x)?;
    let x = b.dense("hidden", x, Dense::new(hidden, vec![0.0; 8]))?;
    let x = b.polynomial("act2", x, Polynomial::uniform(&[0.0, 0.0, 1.0]))?;
    let x = b.dense("last", x, Dense::new(last, vec![0.5, -0.5]))?;
    let network = b.finish(x)?;

    // [images, channels, height, width], values in [0, 1].
    let images = Array4::from_shape_fn((1000, 1, 8, 8), |(n, _, r, c)| {
        (0.5 + 0.5 * (0.01 * (n + 1) as f64 * (r * 8 + c) as f64).sin()) as f32
    });

    // Typical inputs tell the plan how large the values of every layer become.
    let calibration = Some(images.clone().into_dyn());
    let options = PlanOptions { calibration, precision_bits: Some(6.0), ..PlanOptions::default() };
    let plan = Plan::new(&network, &options)?;
    let report = plan.report();
    println!("N = {}, {} primes, log2 Q = {:.1}", plan.slots(), report.primes.len(), report.log2_q);
    for step in &report.steps {
        println!(
            "  {:8} {:15} {:3} ciphertexts, {:4} weights, {} primes, scale 2^{:.1}",
            step.layer, step.kind, step.ciphertexts, step.weights, step.level, step.scale_bits
        );
    }
    assert_eq!(plan.parameters().security_bits(), 128);
    assert_eq!(report.squarings, 2);

    let client = Client::new(&plan)?; // holds the secret key
    let batch = client.encrypt(images.view())?;
    let server = Server::new(&plan, client.evaluation_keys(), Device::cpu())?;
    let answer = server.evaluate(&batch)?; // never sees a secret
    let results = client.decrypt(&answer)?; // [images, 2]

    // The reference executor computes the same function in the clear.
    let clear = network.evaluate(&images)?;
    let spread = clear.std(0.0);
    let error = f64::from((&results - &clear).mapv(|e| e * e).mean().unwrap_or(0.0)).sqrt();
    println!(
        "error {error:.4}, predicted {:.4}; results have a spread of {spread:.2}",
        plan.predicted_error()
    );
    assert_eq!(results.shape(), [1000, 2]);
    assert!(error < f64::from(spread) / 32.0);
    Ok(())
}
