//! Random networks, encrypted over a small ring without security, against the runtime.

use cipherbatch::{Device, Network, Plan, PlanOptions};
use conformance::assemble::{Assembled, assemble};
use conformance::encrypted::{Distance, evaluate};
use conformance::property::{over_networks, quantile};
use conformance::{Blueprint, runtime};

/// Slots; there are 96 inputs.
const DEGREE: usize = 128;

/// The precision asked for.
const WANTED_BITS: f64 = 4.5;

/// What was measured on one network.
struct Measured {
    distance: Distance,
    predicted: f64,
}

/// Nothing is out of reach: the modulus has no bound.
fn plan(network: &Assembled, calibrated: bool) -> Result<Plan, String> {
    let ours = Network::from_onnx_bytes(&network.onnx).map_err(|e| e.to_string())?;
    let options = PlanOptions {
        input_range: network.range,
        calibration: calibrated.then(|| network.inputs.clone()),
        precision_bits: Some(WANTED_BITS),
        ..PlanOptions::default()
    };
    Plan::new_insecure(&ours, &options, DEGREE).map_err(|e| e.to_string())
}

fn measure(blueprint: &Blueprint, calibrated: bool) -> Result<Measured, String> {
    let network = assemble(blueprint)?;
    let want = runtime::run(&network.onnx, &network.inputs)?;
    let plan = plan(&network, calibrated)?;
    let got = evaluate(&plan, &network.inputs, &[Device::cpu()])?;
    let (distance, predicted) = (Distance::new(&got, &want), plan.predicted_error());
    // Wrong integers anywhere, or an overflow, are off by orders of magnitude.
    if distance.typical.is_nan() || distance.typical > 16.0 * predicted {
        return Err(format!("calibrated: {calibrated}; predicted {predicted}, {distance:?}"));
    }
    Ok(Measured { distance, predicted })
}

/// Measures `usual` networks, of which none may be refused a plan.
fn survey(usual: u32, calibrated: bool) -> Vec<Measured> {
    let planned = over_networks(usual, |blueprint| measure(blueprint, calibrated));
    let of = |what: fn(&Measured) -> f64| {
        let values: Vec<f64> = planned.iter().map(what).collect();
        [0.5, 0.9, 0.98, 1.0].map(|q| format!("{:.2}", quantile(&values, q))).join(", ")
    };
    eprintln!(
        "{} networks; errors, relative to those predicted, of the network at 50, \
         90, 98 and 100 %: of a typical input {}; root mean square {}; largest {}",
        planned.len(),
        of(|m| m.distance.typical / m.predicted),
        of(|m| m.distance.rms / m.predicted),
        of(|m| m.distance.largest / m.predicted),
    );
    // One figure cannot predict the errors of outliers.
    let near = |factor: f64| {
        let near = planned.iter().filter(|m| m.distance.rms <= factor * m.predicted);
        near.count() as f64 / planned.len() as f64
    };
    assert!(near(1.5) >= 0.85 && near(4.0) >= 0.97, "{:.3}, {:.3}", near(1.5), near(4.0));
    planned
}

#[test]
fn random_networks_agree_as_predicted() {
    let planned = survey(120, true);
    let precise = planned
        .iter()
        .filter(|m| m.distance.rms <= m.distance.spread * (-WANTED_BITS).exp2())
        .count();
    eprintln!("{precise} of {} have the precision asked for", planned.len());
    assert!(100 * precise >= 95 * planned.len(), "{precise} of {}", planned.len());
}

/// Ranges then are those of made-up inputs, which may be larger ones: so the error, but not the
/// precision relative to the real inputs' results.
#[test]
fn without_calibration_too() {
    survey(100, false);
}

/// The GPU's integers are the processor's.
#[test]
fn devices_give_the_same_integers() {
    let gpu = match Device::gpu() {
        Ok(gpu) => gpu,
        Err(error) if std::env::var_os("CIPHERBATCH_REQUIRE_GPU").is_some() => panic!("{error}"),
        Err(error) => return eprintln!("skipped: {error}"),
    };
    let devices = [Device::cpu(), gpu];
    over_networks(8, |blueprint| {
        let network = assemble(blueprint)?;
        evaluate(&plan(&network, true)?, &network.inputs, &devices).map(|_| ())
    });
}
