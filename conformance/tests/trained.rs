//! Trained networks of other shapes, encrypted at full parameters, against the runtime.

use cipherbatch::{Device, Network, Plan, PlanOptions};
use conformance::encrypted::{Distance, evaluate};
use conformance::{mnist, runtime};
use ndarray::{ArrayD, Axis};
use std::path::Path;
use std::time::Instant;

/// Images compared; the calibration batch is of others.
const IMAGES: usize = 1000;

/// The precision asked for.
const WANTED_BITS: f64 = 4.5;

fn answers(logits: &ArrayD<f32>) -> Vec<usize> {
    let largest = |row: ndarray::ArrayViewD<f32>| {
        let entries = row.iter().enumerate();
        entries.max_by(|x, y| x.1.total_cmp(y.1)).map_or(0, |(index, _)| index)
    };
    logits.axis_iter(Axis(0)).map(largest).collect()
}

fn agrees_encrypted(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("networks/{name}.onnx"));
    let images = mnist::images(0, IMAGES);
    let onnx = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let want = runtime::run(&onnx, &images).unwrap();

    let network = Network::from_onnx(&path).unwrap();
    let clear = Distance::new(&network.evaluate(&images).unwrap(), &want);
    assert!(clear.largest <= 1e-4 * clear.spread, "{name} in the clear: {clear:?}");

    let calibration = Some(mnist::images(9000, 256));
    let precision_bits = Some(WANTED_BITS);
    let options = PlanOptions { calibration, precision_bits, ..PlanOptions::default() };
    let plan = Plan::new(&network, &options).unwrap();
    assert_eq!(plan.parameters().security_bits(), 128, "{name}");
    let began = Instant::now();
    let got = evaluate(&plan, &images, &[Device::cpu()]).unwrap();
    let distance = Distance::new(&got, &want);
    let same = answers(&got).iter().zip(answers(&want)).filter(|(x, y)| **x == *y).count();
    eprintln!(
        "{name}: N = {}, {} primes, {:.1} bits, {:.1} s; {same} of {IMAGES} answers; error {:.4}, \
         predicted {:.4}, spread {:.2}, largest error {:.3}",
        plan.slots(),
        plan.parameters().levels(),
        plan.parameters().log2_q(),
        began.elapsed().as_secs_f64(),
        distance.rms,
        plan.predicted_error(),
        distance.spread,
        distance.largest,
    );
    assert!(distance.rms <= 1.25 * plan.predicted_error(), "{name}: {distance:?}");
    assert!(distance.largest <= 8.0 * plan.predicted_error(), "{name}: {distance:?}");
    let wanted = distance.spread * (-WANTED_BITS).exp2();
    assert!(distance.rms <= wanted, "{name}: {distance:?}");
    assert!(100 * same >= 99 * IMAGES, "{name}: {same} of {IMAGES} answers");
}

/// 7×7 kernels with a stride, average pooling, 5×5 kernels without padding.
#[test]
fn strided() {
    agrees_encrypted("strided");
}

/// Depthwise and pointwise convolutions, global average pooling.
#[test]
fn separable() {
    agrees_encrypted("separable");
}

/// Residual blocks, one with a projection; six activations.
#[test]
fn residual() {
    agrees_encrypted("residual");
}

/// Normalized inputs, a dilated kernel, an activation of degree 4.
#[test]
fn quartic() {
    agrees_encrypted("quartic");
}
