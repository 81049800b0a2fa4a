//! 4. Your own model: PyTorch with ReLU, exported as ONNX, classified encrypted.
//!
//! `cargo run --release --example 4_your_own_model`; `train.py` beside this file made what it reads.

use cipherbatch::model::Degree;
use cipherbatch::{Client, Device, Network, Plan, PlanOptions, Server};
use ndarray::{Array1, ArrayD, Axis};
use ndarray_npy::read_npy;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/4_your_own_model");
    let network = Network::from_onnx(here.join("bars.onnx"))?;
    let images: ArrayD<f32> = read_npy(here.join("images.npy"))?;
    let labels: Array1<i64> = read_npy(here.join("labels.npy"))?;
    let typical: ArrayD<f32> = read_npy(here.join("bars.calibration.npy"))?;

    // There is no ReLU under encryption. Each becomes a polynomial per channel, the closest to it on
    // what the channel sees of typical images; outside of that it must not be trusted.
    let replaced = network.with_polynomials(Degree::Two, Some(typical.view()))?;
    for fit in &replaced.fits {
        println!("{}: off ReLU by {:.3}, root mean square", fit.node, fit.rmse);
    }
    let escapes = replaced.escaping_activations(&images)?;
    let (escaping, values) =
        escapes.iter().fold((0, 0), |(e, v), a| (e + a.escaping, v + a.values));
    println!("{escaping} of {values} values of the new images leave the range fitted to");

    let options = PlanOptions { calibration: Some(typical), ..PlanOptions::default() };
    let plan = Plan::new(&replaced.network, &options)?;
    let client = Client::new(&plan)?;
    let batch = client.encrypt(images.view())?;
    let server = Server::new(&plan, client.evaluation_keys(), Device::cpu())?;
    let encrypted = answers(&client.decrypt(&server.evaluate(&batch)?)?);

    let clear = answers(&replaced.network.evaluate(&images)?);
    let relu = answers(&network.evaluate(&images)?);
    let share = |a: &[i64], b: &[i64]| {
        a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64
    };
    let truth = labels.to_vec();
    println!("right, with ReLU in the clear:  {:.1} %", 100.0 * share(&relu, &truth));
    println!("with polynomials in the clear:  {:.1} %", 100.0 * share(&clear, &truth));
    println!("with polynomials, encrypted:    {:.1} %", 100.0 * share(&encrypted, &truth));
    println!("the same answers as in clear:   {:.1} %", 100.0 * share(&encrypted, &clear));
    assert!(share(&encrypted, &truth) > 0.9);
    assert!(share(&encrypted, &clear) > 0.98);
    Ok(())
}

/// The place of the largest result of each image.
fn answers(logits: &ArrayD<f32>) -> Vec<i64> {
    let largest = |row: ndarray::ArrayViewD<'_, f32>| {
        let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(-1, |(class, _)| class as i64)
    };
    logits.axis_iter(Axis(0)).map(largest).collect()
}
