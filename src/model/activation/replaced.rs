//! A network whose ReLUs are polynomials, and how well these fit.

use ndarray::{ArrayBase, Data, Dimension};
use rayon::prelude::*;

use crate::model::evaluate::{Executor, samples};
use crate::model::{Network, Node, Result};

/// A network with polynomials in the place of its ReLUs.
#[derive(Clone, Debug, PartialEq)]
pub struct Replaced {
    /// The network, free of ReLU.
    pub network: Network,
    /// One fit for each ReLU, in topological order; none if there was no ReLU.
    pub fits: Vec<LayerFit>,
}

/// How one ReLU was replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFit {
    /// The name of the node that was ReLU and is a polynomial.
    pub node: String,
    /// The root mean square of polynomial less ReLU over the values it was fitted to.
    pub rmse: f64,
    /// The share of these values where the fit does not hold: where polynomial and ReLU are
    /// further apart than a quarter of the channel's root mean square.
    pub beyond: f64,
    /// For every channel the values that the polynomial is trusted with: the lowest to the highest
    /// of those it was fitted to, and an eighth of their distance more on either side.
    pub ranges: Vec<(f64, f64)>,
}

/// How many of one activation's inputs lie outside of the [ranges](LayerFit::ranges).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escapes {
    /// The activation's node.
    pub node: String,
    /// The inputs outside.
    pub escaping: usize,
    /// All inputs, over the whole batch.
    pub values: usize,
}

impl Replaced {
    /// Counts, by activation, the values of another batch that leave the range which the
    /// polynomial was fitted to. Outside of it polynomials run away from ReLU, so the answers to
    /// the inputs concerned are not to be relied on.
    ///
    /// It takes inputs in the clear: who encrypts can ask it, who computes on ciphertexts cannot.
    ///
    /// # Errors
    /// Those of [`Network::evaluate`].
    pub fn escaping_activations<S, D>(&self, inputs: &ArrayBase<S, D>) -> Result<Vec<Escapes>>
    where
        S: Data<Elem = f32>,
        D: Dimension,
    {
        let samples = samples(inputs, self.network.input_shape())?;
        let fit_of = |node: &Node| self.fits.iter().position(|fit| fit.node == node.name());
        let watched: Vec<Option<usize>> = self.network.nodes().iter().map(fit_of).collect();
        let executor = Executor::new(&self.network);
        let count = |sample: Vec<f64>| {
            let mut counts = vec![(0, 0); self.fits.len()];
            executor.run(sample, |index, inputs| {
                if let (Some(fit), Some(input)) = (watched[index], inputs.first()) {
                    counts[fit] = (self.fits[fit].escaping(input), input.len());
                }
            });
            counts
        };
        let none = || vec![(0, 0); self.fits.len()];
        let add = |x: Vec<(usize, usize)>, y: Vec<(usize, usize)>| {
            x.iter().zip(y).map(|(x, y)| (x.0 + y.0, x.1 + y.1)).collect()
        };
        let counts = samples.into_par_iter().map(count).reduce(none, add);
        let fits = self.fits.iter().zip(counts);
        let report = fits.map(|(fit, (escaping, values))| Escapes {
            node: fit.node.clone(),
            escaping,
            values,
        });
        Ok(report.collect())
    }
}

impl LayerFit {
    /// How many of one sample's values, channel by channel, lie outside of the ranges.
    fn escaping(&self, values: &[f64]) -> usize {
        let per_channel = (values.len() / self.ranges.len().max(1)).max(1);
        let channels = values.chunks(per_channel).zip(&self.ranges);
        channels
            .map(|(values, &(low, high))| {
                values.iter().filter(|value| !(low..=high).contains(*value)).count()
            })
            .sum()
    }
}
