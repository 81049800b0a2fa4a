//! Random networks: import, clear evaluation and normal form against the runtime.

use cipherbatch::Network;
use cipherbatch::model::NormalForm;
use conformance::assemble::assemble;
use conformance::encrypted::Distance;
use conformance::property::{over_networks, quantile};
use conformance::{Blueprint, runtime};

/// The runtime computes in `f32`, and up to eight squarings double what that rounds: the largest
/// error of any network, relative to its results' size. One network in a thousand comes near it.
const TOLERANCE: f64 = 5e-3;

/// The same for the typical network, so that a small systematic error is found as well.
const TYPICAL: f64 = 2e-5;

fn distance(blueprint: &Blueprint) -> Result<f64, String> {
    let network = assemble(blueprint)?;
    let want = runtime::run(&network.onnx, &network.inputs)?;
    let ours = Network::from_onnx_bytes(&network.onnx).map_err(|e| e.to_string())?;
    let form = NormalForm::new(&ours).map_err(|e| e.to_string())?;
    let clear = ours.evaluate(&network.inputs).map_err(|e| e.to_string())?;
    let normal = form.evaluate(&network.inputs).map_err(|e| e.to_string())?;
    if form.depth() > network.squarings {
        return Err(format!("{} squarings for {}", form.depth(), network.squarings));
    }
    let mean_square = want.mapv(|x| f64::from(x).powi(2)).mean().unwrap_or(0.0);
    let mut worst = 0.0f64;
    for (what, got) in [("evaluated", clear), ("in normal form", normal)] {
        let distance = Distance::new(&got, &want);
        // Results that hardly vary are still rounded in proportion to their size.
        let relative = distance.largest / (distance.spread + 0.05 * mean_square.sqrt());
        if relative.is_nan() || relative > TOLERANCE {
            return Err(format!("{what}: {relative:.1e}, {distance:?}"));
        }
        worst = worst.max(relative);
    }
    Ok(worst)
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
