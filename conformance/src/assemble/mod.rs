//! From a blueprint to an ONNX file, layer by layer, each looked at with the runtime before the next
//! one is added: statistics of normalizations are real ones, and what enters an activation has the
//! size that it has in a trained network (after "All you need is a good init", arXiv 1511.06422).

mod mix;
mod polynomial;
mod simple;

use crate::blueprint::{Activation, Blueprint, Layer, Mix, Neck, Norm, Shape};
use crate::onnx_file::{INPUT, OnnxFile, int, ints};
use crate::{inputs, runtime};
use ndarray::{ArrayD, Axis};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, StandardNormal, Uniform};

/// Entries of a value that is squared, at most: the encrypted evaluation's time grows with it.
const MOST_ENTRIES: usize = 200;

/// An activation is left out where the largest value is so many times the root mean square: no
/// trained network squares those, and after a few squarings nothing but them would be left.
const OUTLIER: f32 = 5.0;

/// A value that varies by less than this part of its root mean square is normalized before it is
/// squared: what a trained network computes is not lost in constants.
const OFFSET: f32 = 0.2;

/// Inputs drawn; all of them are looked at.
const INPUTS: usize = 96;

/// A network and its inputs.
pub struct Assembled {
    /// The file's bytes.
    pub onnx: Vec<u8>,
    /// `[count, channels, height, width]`.
    pub inputs: ArrayD<f32>,
    /// The declared range of the inputs.
    pub range: (f32, f32),
    /// Squarings in a row.
    pub squarings: usize,
}

/// Assembles a blueprint.
///
/// # Errors
/// What the runtime says where it cannot run a part of the network.
pub fn assemble(blueprint: &Blueprint) -> Result<Assembled, String> {
    let mut rng = ChaCha20Rng::seed_from_u64(blueprint.seed);
    let inputs = inputs::draw(&mut rng, INPUTS, blueprint.input, blueprint.range);
    let mut assembly = Assembly {
        file: OnnxFile::new(blueprint.opset, &blueprint.input),
        opset: blueprint.opset,
        inputs,
        rng,
        at: INPUT.to_owned(),
        shape: blueprint.input.to_vec(),
        squarings: blueprint.squarings,
    };
    for (index, layer) in blueprint.layers.iter().enumerate() {
        if index == blueprint.flat {
            assembly.flatten(blueprint.neck);
        }
        assembly.layer(layer)?;
    }
    if assembly.shape.len() == 3 {
        assembly.flatten(blueprint.neck);
    }
    assembly.last(blueprint.classes)?;
    let Assembly { file, at, inputs, squarings, .. } = assembly;
    let squarings = blueprint.squarings - squarings;
    Ok(Assembled { onnx: file.bytes(&at), inputs, range: blueprint.range, squarings })
}

struct Assembly {
    file: OnnxFile,
    opset: i64,
    inputs: ArrayD<f32>,
    rng: ChaCha20Rng,
    /// The value that the next layer reads, and the shape of one sample of it.
    at: String,
    shape: Vec<usize>,
    /// Squarings that may still come.
    squarings: usize,
}

/// Of what a value looks like on the inputs.
struct Look {
    /// By channel.
    means: Vec<f32>,
    deviations: Vec<f32>,
    rms: f32,
    largest: f32,
}

impl Look {
    /// Around each channel's mean.
    fn deviation(&self) -> f32 {
        let squares = self.deviations.iter().map(|d| d * d).sum::<f32>();
        (squares / self.deviations.len().max(1) as f32).sqrt()
    }
}

impl Assembly {
    fn normal(&mut self) -> f32 {
        StandardNormal.sample(&mut self.rng)
    }

    fn uniform(&mut self, low: f32, high: f32) -> f32 {
        Uniform::new(low, high).expect("a range").sample(&mut self.rng)
    }

    fn entries(&self) -> usize {
        self.shape.iter().product()
    }

    /// Runs what there is so far.
    fn look(&self) -> Result<Look, String> {
        let values = runtime::run(&self.file.bytes(&self.at), &self.inputs)?;
        let (mut means, mut deviations) = (vec![], vec![]);
        for channel in values.axis_iter(Axis(1)) {
            let mean = channel.mean().unwrap_or(0.0);
            means.push(mean);
            deviations.push(channel.mapv(|x| (x - mean).powi(2)).mean().unwrap_or(0.0).sqrt());
        }
        let rms = values.mapv(|x| x * x).mean().unwrap_or(0.0).sqrt();
        let largest = values.iter().fold(0.0f32, |l, x| l.max(x.abs()));
        if rms.is_finite() {
            Ok(Look { means, deviations, rms, largest })
        } else {
            Err(format!("{}: values of {rms}", self.at))
        }
    }

    fn layer(&mut self, layer: &Layer) -> Result<(), String> {
        match layer {
            Layer::Mix(mix) => self.mix(mix),
            Layer::Norm(norm) => self.norm(norm),
            Layer::Activation(activation) => self.activation(activation),
            Layer::Pool(pool) => {
                self.pool(pool);
                Ok(())
            }
            Layer::Residual(mix, activation) => self.residual(mix, activation),
            Layer::Constant(constant) => {
                self.constant(constant);
                Ok(())
            }
            Layer::Nothing(nothing) => {
                self.nothing(*nothing);
                Ok(())
            }
        }
    }

    /// An activation, if it may still come, of what is brought to the size of trained networks.
    fn activation(&mut self, activation: &Activation) -> Result<(), String> {
        let mut activation = activation.clone();
        let cost = |shape| match shape {
            Shape::Fit { degree: 3.., .. } => 2 + usize::from(shape.degree() > 4),
            _ => 1,
        };
        if cost(activation.shape) > self.squarings {
            activation.shape = Shape::Fit { degree: 2, odd: true };
        }
        if self.squarings == 0 || self.entries() > MOST_ENTRIES {
            return Ok(());
        }
        let mut look = self.look()?;
        if look.deviation() < OFFSET * look.rms {
            self.norm(&Norm { variance: 1.0, mean: 0.0, epsilon: 1e-5, negative: false })?;
            look = self.look()?;
        }
        if look.largest > OUTLIER * look.rms {
            return Ok(());
        }
        self.squarings -= cost(activation.shape);
        self.sized(&look);
        self.polynomial(&activation);
        Ok(())
    }

    /// Scales a value that is far from root mean square 1, or beyond the range of a fit.
    fn sized(&mut self, look: &Look) {
        let size = look.rms.max(look.largest / OUTLIER);
        if size > 0.0 && !(0.5..=1.5).contains(&size) {
            let factor = self.file.floats(&[], &[1.0 / size]);
            self.at = self.file.node("Mul", &[&self.at, &factor], vec![]);
        }
    }

    fn residual(&mut self, mix: &Mix, activation: &Activation) -> Result<(), String> {
        let (x, before) = (self.at.clone(), self.shape.clone());
        self.same_mix(mix)?;
        self.activation(activation)?;
        let channels = self.shape[0];
        self.same_mix(&Mix { channels, stride: [1, 1], ..mix.clone() })?;
        let (y, after) = (self.at.clone(), self.shape.clone());
        (self.at, self.shape) = (x, before.clone());
        if before != after {
            self.projection(after[0], mix)?;
        }
        assert_eq!(self.shape, after, "the two branches of a residual block");
        self.at = self.file.node("Add", &[&self.at, &y], vec![]);
        Ok(())
    }

    fn flatten(&mut self, neck: Neck) {
        let entries = self.entries();
        if self.shape.len() == 1 {
            return;
        }
        let global = matches!(neck, Neck::GlobalPool | Neck::Mean);
        let size = if global { self.shape[0] } else { entries };
        self.at = match neck {
            Neck::Mean if self.opset < 18 => {
                let settings = vec![ints("axes", &[2, 3]), int("keepdims", 0)];
                self.file.node("ReduceMean", &[&self.at], settings)
            }
            Neck::GlobalPool | Neck::Mean => {
                let pooled = self.file.node("GlobalAveragePool", &[&self.at], vec![]);
                self.file.node("Flatten", &[&pooled], vec![int("axis", 1)])
            }
            Neck::Flatten => self.file.node("Flatten", &[&self.at], vec![]),
            Neck::ReshapeOpen | Neck::ReshapeKept => {
                let kept = matches!(neck, Neck::ReshapeKept);
                let list = if kept { [0, -1] } else { [-1, size as i64] };
                let list = self.file.integers(&list);
                self.file.node("Reshape", &[&self.at, &list], vec![])
            }
        };
        self.shape = vec![size];
    }
}
