//! Networks to be measured: those shipped, and a family whose sizes can be chosen.

use crate::{Failure, here};
use cipherbatch::Network;
use cipherbatch::model::{Dense, Polynomial};
use ndarray::{Array2, ArrayD};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, Normal};

/// Values of an image of [`family`].
const INPUTS: usize = 128;

/// Classes of [`family`].
const CLASSES: usize = 10;

/// A network and typical inputs of it.
pub struct Subject {
    pub network: Network,
    pub typical: ArrayD<f32>,
}

/// A network of `models/`.
pub fn shipped(name: &str) -> Result<Subject, Failure> {
    let network = Network::from_onnx(here(&format!("models/{name}.onnx")))?;
    let path = here(&format!("models/{name}.calibration.npy"));
    let typical: ArrayD<f32> =
        ndarray_npy::read_npy(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(Subject { network, typical: typical.mapv(|x| x.clamp(0.0, 1.0)) })
}

/// A network of dense layers of the given widths, each followed by (t² + t)/2, over random weights of
/// variance 1/inputs, which keep values at the size that they have: nothing that has learnt anything.
pub fn family(widths: &[usize]) -> Result<Subject, Failure> {
    let mut rng = ChaCha8Rng::seed_from_u64(widths.len() as u64);
    let mut b = Network::builder(&[INPUTS])?;
    let (mut x, mut inputs) = (b.input(), INPUTS);
    for (i, &width) in widths.iter().enumerate() {
        x = b.dense(&format!("dense {i}"), x, dense(&mut rng, width, inputs)?)?;
        x = b.polynomial(&format!("square {i}"), x, Polynomial::uniform(&[0.0, 0.5, 0.5]))?;
        inputs = width;
    }
    let output = b.dense("classes", x, dense(&mut rng, CLASSES, inputs)?)?;
    let network = b.finish(output)?;
    let uniform = rand_distr::Uniform::new(0.0f32, 1.0)?;
    let typical = Array2::from_shape_fn((64, INPUTS), |_| uniform.sample(&mut rng)).into_dyn();
    Ok(Subject { network, typical })
}

fn dense(rng: &mut ChaCha8Rng, outputs: usize, inputs: usize) -> Result<Dense, Failure> {
    let normal = Normal::new(0.0, (inputs as f64).sqrt().recip())?;
    let weight = Array2::from_shape_fn((outputs, inputs), |_| normal.sample(rng));
    Ok(Dense::new(weight, vec![0.0; outputs]))
}
