//! Random networks: import, clear evaluation and normal form against the runtime.

use cipherbatch::Network;
use cipherbatch::model::NormalForm;
use conformance::assemble::assemble;
use conformance::encrypted::Distance;
use conformance::property::{over_networks, quantile};
use conformance::{Blueprint, runtime};

/// The runtime computes in `f32`, and up to eight squarings double what that rounds, for outliers
/// more: the root mean square error of any network, relative to its results' size.
const TOLERANCE: f64 = 5e-3;

/// The largest error of the typical network, so that a small systematic one is found as well.
const TYPICAL: f64 = 2e-5;

/// The largest difference between the network and its normal form, which are both in `f64`.
const REWRITTEN: f64 = 1e-5;

/// The largest error, relative to the size of the results.
fn distance(blueprint: &Blueprint) -> Result<f64, String> {
    let network = assemble(blueprint)?;
    let want = runtime::run(&network.onnx, &network.inputs)?;
    let ours = Network::from_onnx_bytes(&network.onnx).map_err(|e| e.to_string())?;
    let form = NormalForm::new(&ours).map_err(|e| e.to_string())?;
    if form.depth() > network.squarings {
        return Err(format!("{} squarings for {}", form.depth(), network.squarings));
    }
    let clear = ours.evaluate(&network.inputs).map_err(|e| e.to_string())?;
    let normal = form.evaluate(&network.inputs).map_err(|e| e.to_string())?;
    let (from_runtime, from_clear) = (Distance::new(&clear, &want), Distance::new(&normal, &clear));
    // Results that hardly vary are still rounded in proportion to their size.
    let mean_square = want.mapv(|x| f64::from(x).powi(2)).mean().unwrap_or(0.0);
    let size = from_runtime.spread + 0.05 * mean_square.sqrt();
    if from_runtime.rms.is_nan() || from_runtime.rms > TOLERANCE * size {
        return Err(format!("evaluated, size {size:.1e}: {from_runtime:?}"));
    }
    if from_clear.largest.is_nan() || from_clear.largest > REWRITTEN * size {
        return Err(format!("in normal form, size {size:.1e}: {from_clear:?}"));
    }
    Ok(from_runtime.largest / size)
}

#[test]
fn random_networks_agree_in_the_clear() {
    let distances = over_networks(400, distance);
    let [typical, large, largest] = [0.5, 0.99, 1.0].map(|q| quantile(&distances, q));
    eprintln!(
        "{} networks: relative errors {typical:.1e} typical, {large:.1e} in one of a hundred, \
         {largest:.1e} at most",
        distances.len()
    );
    assert!(typical < TYPICAL, "{typical:e}");
}
