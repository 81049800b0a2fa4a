//! Networks to be measured: those shipped, and a family whose sizes can be chosen.

use crate::labelled::{self, Labelled};
use crate::sweep::Subject;
use crate::{Failure, here};
use cipherbatch::Network;
use cipherbatch::model::{Dense, Polynomial};
use ndarray::{Array1, Array2, ArrayD, ArrayView2, Axis, Slice, s};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, Normal};

/// Classes of MNIST.
const CLASSES: usize = 10;

/// Of the test images, those that the family's weights may know; the others are classified.
const KNOWN: usize = 5000;

/// Inputs that plans are made with.
const TYPICAL: usize = 128;

/// Twice as much, and after eight layers one unusual image of 5,000 is a thousand times as large as the others,
/// which no trained network would let happen.
const CURVATURE: f64 = 0.125;

/// A network, and what is classified with it.
pub struct Prepared {
    pub network: Network,
    /// Typical inputs, for the plan.
    pub typical: ArrayD<f32>,
    /// Others, and what they show.
    pub images: ArrayD<f32>,
    pub labels: Vec<usize>,
}

impl Prepared {
    /// Loads or makes it.
    ///
    /// # Errors
    /// Where files are not what they should be.
    pub fn new(subject: &Subject) -> Result<Self, Failure> {
        let Labelled { images, labels } = labelled::read(&here("data/mnist"))?;
        match subject {
            Subject::Shipped(name) => {
                let network = Network::from_onnx(here(&format!("models/{name}.onnx")))?;
                let path = here(&format!("models/{name}.calibration.npy"));
                let typical: ArrayD<f32> =
                    ndarray_npy::read_npy(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                let typical = typical.mapv(|x| x.clamp(0.0, 1.0));
                Ok(Self { network, typical, images: images.into_dyn(), labels })
            }
            Subject::Family(widths) => {
                // A quarter of the pixels, each the mean of four.
                let part =
                    |row, column| images.slice(s![.., 0, row..;2, column..;2]).mapv(|x| x / 4.0);
                let small = part(0, 0) + part(0, 1) + part(1, 0) + part(1, 1);
                let pixels = small.len() / labels.len();
                let small = small.into_shape_with_order((labels.len(), pixels))?;
                let known = small.slice(s![..KNOWN, ..]);
                let network = family(widths, known, &labels[..KNOWN])?;
                let typical = known.slice_axis(Axis(0), Slice::from(..TYPICAL)).to_owned();
                let images = small.slice_axis(Axis(0), Slice::from(KNOWN..)).to_owned();
                let (typical, images) = (typical.into_dyn(), images.into_dyn());
                Ok(Self { network, typical, images, labels: labels[KNOWN..].to_vec() })
            }
        }
    }
}

/// Dense layers of the given widths over random weights, each followed by t + [`CURVATURE`]·t², values
/// brought to mean 0 and variance 1 before it, as batch normalization would. The last layer asks which
/// class's mean is nearest. So nothing is trained, and most answers are right all the same.
fn family(
    widths: &[usize],
    known: ArrayView2<'_, f32>,
    labels: &[usize],
) -> Result<Network, Failure> {
    let mut rng = ChaCha8Rng::seed_from_u64(widths.len() as u64);
    let mut values = known.mapv(f64::from);
    let mut b = Network::builder(&[values.ncols()])?;
    let mut x = b.input();
    for (i, &width) in widths.iter().enumerate() {
        let normal = Normal::new(0.0, 1.0)?;
        let mut weight =
            Array2::from_shape_simple_fn((width, values.ncols()), || normal.sample(&mut rng));
        let mut sums = values.dot(&weight.t());
        let mean = sums.sum_axis(Axis(0)) / sums.nrows() as f64;
        let deviation = sums.std_axis(Axis(0), 0.0);
        sums = (sums - &mean) / &deviation;
        weight /= &deviation.view().insert_axis(Axis(1));
        let dense = Dense::new(weight, (-mean / deviation).to_vec());
        x = b.dense(&format!("dense {i}"), x, dense)?;
        x = b.polynomial(&format!("square {i}"), x, Polynomial::uniform(&[0.0, 1.0, CURVATURE]))?;
        values = sums.mapv(|t| t + CURVATURE * t * t);
    }
    let output = b.dense("classes", x, nearest_mean(&values, labels)?)?;
    Ok(b.finish(output)?)
}

/// For the mean m of each class, m·x − m²/2: largest where |x − m| is smallest.
fn nearest_mean(values: &Array2<f64>, labels: &[usize]) -> Result<Dense, Failure> {
    let mut weight = Array2::zeros((CLASSES, values.ncols()));
    for class in 0..CLASSES {
        let of_class = values.outer_iter().zip(labels).filter(|(_, label)| **label == class);
        let (sum, count) = of_class
            .fold((Array1::<f64>::zeros(values.ncols()), 0.0), |(sum, count), (value, _)| {
                (sum + value, count + 1.0)
            });
        weight.row_mut(class).assign(&(sum / count));
    }
    let bias = weight.outer_iter().map(|m| -m.dot(&m) / 2.0).collect();
    Ok(Dense::new(weight, bias))
}
