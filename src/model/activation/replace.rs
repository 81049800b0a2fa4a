//! The replacement of ReLUs, layer by layer.

use ndarray::ArrayViewD;
use rayon::prelude::*;

use super::layer::{LARGEST, channels, fit_layer, misses};
use super::replaced::{LayerFit, Replaced};
use super::{Degree, normal};
use crate::model::evaluate::{self, Step, last_uses};
use crate::model::graph::Node;
use crate::model::ops::{Op, Polynomial};
use crate::model::{ModelError, Network, NetworkBuilder, Result};

impl Network {
    /// The network with a polynomial per channel in the place of every ReLU.
    ///
    /// ReLUs are replaced one after the other, each by the least-squares fit to the inputs that
    /// it gets on the calibration batch, `[count, …]`, from the layers before it with their
    /// polynomials in place. The batch should be clamped to the range that inputs are clamped to at
    /// encryption, `PlanOptions::input_range`: a value beyond it would widen every fit for nothing.
    /// A network without ReLU comes back as it is.
    ///
    /// # Errors
    /// [`ModelError::NoCalibration`] without a calibration batch or with an empty one,
    /// [`ModelError::Unfit`] where values overflow on it, [`ModelError::BatchShape`] and
    /// [`ModelError::InputValue`] where it does not fit the network.
    pub fn with_polynomials(
        &self,
        degree: Degree,
        calibration: Option<ArrayViewD<'_, f32>>,
    ) -> Result<Replaced> {
        let Some(first) = self.nodes.iter().find(|node| node.op == Op::Relu) else {
            return Ok(Replaced { network: self.clone(), fits: Vec::new() });
        };
        let missing = || ModelError::NoCalibration {
            node: first.name.clone(),
            expected: self.input_shape().to_vec(),
        };
        let samples = evaluate::samples(&calibration.ok_or_else(missing)?, self.input_shape())?;
        if samples.is_empty() {
            return Err(missing());
        }
        let last_use = last_uses(self);
        // All samples go through the network together, node by node.
        let mut batch: Vec<Vec<Vec<f64>>> = samples
            .into_iter()
            .map(|sample| {
                let mut values = vec![Vec::new(); self.nodes.len()];
                values[0] = sample;
                values
            })
            .collect();
        self.replaced(|index, node| {
            let input = node.inputs[0].0;
            let seen = || batch.iter().map(|values| values[input].as_slice());
            let (op, fit) = match node.op {
                Op::Relu => {
                    let (polynomial, fit) = fit_layer(node, &seen().collect::<Vec<_>>(), degree)?;
                    (Op::Polynomial(polynomial), Some(fit))
                }
                ref op => (op.clone(), None),
            };
            let step = Step::new(&op, &node.shape);
            let from = &self.nodes[input].shape;
            batch.par_iter_mut().for_each(|values| {
                let inputs: Vec<&[f64]> = node.inputs.iter().map(|id| &values[id.0][..]).collect();
                values[index] = step.apply(&op, from, &node.shape, &inputs);
                for input in &node.inputs {
                    if last_use[input.0] == index {
                        values[input.0] = Vec::new();
                    }
                }
            });
            Ok((op, fit))
        })
    }

    /// The network with one and the same polynomial in the place of every ReLU, the closest to
    /// ReLU under N(0, `sigma`²): what the paper does after batch normalization. For experiments:
    /// without training on, a deep network does not survive it.
    ///
    /// Ranges reach to 4 `sigma`; `rmse` and `beyond` are those of the normal distribution.
    ///
    /// # Errors
    /// [`ModelError::Inconsistent`] for a `sigma` that is not between 1e-30 and 1e30.
    pub fn with_normal_polynomials(&self, degree: Degree, sigma: f64) -> Result<Replaced> {
        if !(1.0 / LARGEST..=LARGEST).contains(&sigma) {
            return Err(ModelError::Inconsistent {
                what: "the standard deviation of a ReLU's inputs".into(),
                expected: format!("a number from {:e} to {LARGEST:e}", 1.0 / LARGEST),
                found: sigma.to_string(),
            });
        }
        let coefficients = normal::relu_fit(degree, sigma);
        self.replaced(|_, node| {
            if node.op != Op::Relu {
                return Ok((node.op.clone(), None));
            }
            let fit = LayerFit {
                node: node.name.clone(),
                rmse: normal::relu_fit_rmse(degree, sigma),
                beyond: normal::share(|u| misses(&coefficients, u * sigma, sigma)),
                ranges: vec![(-4.0 * sigma, 4.0 * sigma); channels(node)],
            };
            Ok((Op::Polynomial(Polynomial::uniform(&coefficients)), Some(fit)))
        })
    }

    /// The network with every operation but the input replaced, and the fits that there were.
    fn replaced(
        &self,
        mut by: impl FnMut(usize, &Node) -> Result<(Op, Option<LayerFit>)>,
    ) -> Result<Replaced> {
        let mut builder = NetworkBuilder::named(self.nodes[0].name(), self.input_shape())?;
        let mut fits = Vec::new();
        for (index, node) in self.nodes.iter().enumerate().skip(1) {
            let (op, fit) = by(index, node)?;
            fits.extend(fit);
            // Every node is part of the output and stays, so the inputs keep their places.
            builder.add_layer(&node.name, &node.layer, op, &node.inputs)?;
        }
        Ok(Replaced { network: builder.finish(self.output)?, fits })
    }
}
