//! A whole evaluation: the shipped network on both devices, every tile from the encrypted input to
//! the answer equal, and the answer right.
#![cfg(feature = "onnx")]

use crate::harness::{adapter, compare, configurations};
use cipherbatch::device::Engine;
use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::device::gpu::GpuEngine;
use cipherbatch::ring::Tile;
use cipherbatch::schedule::Runner;
use cipherbatch::scheme::{Encoding, SecretKey, SeededTile};
use cipherbatch::{Network, Plan, PlanOptions};
use ndarray::ArrayD;
use std::path::Path;
use std::sync::Arc;

fn trace<E: Engine>(engine: E, plan: &Plan, input: &SeededTile) -> Vec<Tile> {
    let program = Arc::new(plan.program().clone());
    let runner = Runner::whole(engine, plan.parameters(), program).expect("fits");
    runner.trace(input).expect("runs")
}

#[test]
fn both_devices_give_the_same_ciphertexts() {
    let Some(adapter) = adapter() else { return };
    let models = Path::new("models");
    let network = Network::from_onnx(models.join("cryptonets.onnx")).expect("shipped");
    let images: ArrayD<f32> =
        ndarray_npy::read_npy(models.join("cryptonets.calibration.npy")).expect("shipped");
    let options = PlanOptions { calibration: Some(images.clone()), ..PlanOptions::default() };
    let plan = Plan::new(&network, &options).expect("planned");

    let params = plan.parameters();
    let secret = SecretKey::generate(params).expect("randomness");
    let key = secret.relin_key().expect("randomness");
    let value = plan.program().input;
    let pixels: Vec<f32> = images.iter().copied().collect();
    let count = images.shape()[0];
    let fill = |row: usize, slots: &mut [f64]| {
        for (slot, v) in slots.iter_mut().enumerate() {
            *v = pixels[slot % count * value.rows + row].into();
        }
    };
    let encoding = Encoding { level: value.level, scale: value.scale, range: 1.0 };
    let input = secret.encrypt(value.rows, encoding, fill).expect("randomness");

    let want = trace(CpuEngine::open(params, Some(&key)).expect("opens"), &plan, &input);
    // The first of each prelude: the other configurations have their tests kernel by kernel.
    for prelude in ["u32", "u64"] {
        let configurations = configurations(adapter);
        let Some((_, options)) = configurations.iter().find(|(name, _)| *name == prelude) else {
            continue;
        };
        let engine = GpuEngine::open_with(adapter, params, Some(&key), options).expect("opens");
        let got = trace(engine, &plan, &input);
        assert_eq!(got.len(), want.len());
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            assert_eq!(got.shape(), want.shape());
            assert_eq!(
                compare(&format!("source {i}"), got.data(), want.data()),
                Ok(()),
                "{prelude}"
            );
        }
    }

    // Equal to each other, and to the network in the clear.
    let clear = network.evaluate(&images).expect("finite");
    let (answer, output) = (want.last().expect("an answer"), plan.program().output());
    let answer = secret.decrypt(answer, output.scale);
    for (class, slots) in answer.chunks_exact(plan.slots()).enumerate() {
        for image in 0..count {
            let (got, want) = (slots[image], f64::from(clear[[image, class]]));
            assert!((got - want).abs() < 0.5, "image {image}, class {class}: {got}, not {want}");
        }
    }
}
