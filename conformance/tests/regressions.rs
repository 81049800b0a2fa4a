//! Networks that once failed, as files: what draws random ones may change.

use cipherbatch::model::NormalForm;
use cipherbatch::{Device, Network, Plan, PlanOptions};
use conformance::encrypted::{Distance, evaluate};
use conformance::{inputs, runtime};
use ndarray::ArrayD;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::path::Path;

struct Regression {
    network: Network,
    range: (f32, f32),
    inputs: ArrayD<f32>,
    /// By the runtime.
    want: ArrayD<f32>,
}

fn regression(name: &str, range: (f32, f32)) -> Regression {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("networks/regressions");
    let onnx = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
    let network = Network::from_onnx_bytes(&onnx).unwrap();
    let &[channels, height, width] = network.input_shape() else { panic!("{name}: no image") };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let inputs = inputs::draw(&mut rng, 96, [channels, height, width], range);
    let want = runtime::run(&onnx, &inputs).unwrap();
    Regression { network, range, inputs, want }
}

fn encrypted(of: &Regression) -> (Distance, f64) {
    let options = PlanOptions {
        input_range: of.range,
        calibration: Some(of.inputs.clone()),
        precision_bits: Some(4.5),
        ..PlanOptions::default()
    };
    let plan = Plan::new_insecure(&of.network, &options, 128).unwrap();
    let got = evaluate(&plan, &of.inputs, &[Device::cpu()]).unwrap();
    (Distance::new(&got, &of.want), plan.predicted_error())
}

/// A sum, scaled by 1/2000, then a polynomial of degree 4: composed with the scale, the polynomial
/// was made of squares of (t ± 1) for t of some thousands, and all digits were lost.
#[test]
fn activations_keep_their_units() {
    let of = regression("scaled_quartic", (-0.5, 3.0));
    let form = NormalForm::new(&of.network).unwrap();
    let distance = Distance::new(&form.evaluate(&of.inputs).unwrap(), &of.want);
    assert!(distance.largest <= 1e-4 * distance.spread, "{distance:?}");
}

/// 1×1 kernels, squares, a mean over 60 places: the rounding of a weight is the same at all places
/// and does not average out. A plan that took errors as independent was 7 times too hopeful.
#[test]
fn shared_weights_share_their_rounding() {
    let (distance, predicted) = encrypted(&regression("pooled_shared_weights", (0.0, 1.0)));
    assert!(distance.typical <= 1.5 * predicted, "{distance:?}, {predicted} predicted");
}

/// Over a ring whose modulus has no bound, any precision is in reach.
#[test]

fn few_squarings_are_not_refused() {
    let of = [("refused_one_squaring", (-1.0, 1.0)), ("refused_three_squarings", (0.0, 1.0))];
    for (name, range) in of {
        let (distance, predicted) = encrypted(&regression(name, range));
        assert!(distance.rms <= 3.0 * predicted, "{name}: {distance:?}, {predicted} predicted");
    }
}

/// A plan made without a calibration batch whose weights the kernels then refuse.
#[test]

fn weights_stay_within_the_kernels_bound() {
    let of = regression("heavy_row", (0.0, 1.0));
    let options =
        PlanOptions { input_range: of.range, precision_bits: Some(4.5), ..PlanOptions::default() };
    Plan::new_insecure(&of.network, &options, 128).unwrap();
}
