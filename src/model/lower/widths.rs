//! How wide the inputs of activations are: the unit in which their squares are laid out.

use rayon::prelude::*;

use crate::model::Network;
use crate::model::evaluate::Executor;
use crate::model::ops::Op;

/// A channel is taken to be at least this wide, relative to its layer: what is constant in typical
/// inputs need not stay so.
const NARROWEST: f64 = 1.0 / 1024.0;

/// For every node that is a polynomial the widths of its channels, for all others nothing.
///
/// A width is the root mean square of the channel's inputs, to the next power of two: so weights
/// keep their digits, and what a batch normalization precedes keeps the unit 1.
pub(super) fn widths(network: &Network, samples: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let nodes = network.nodes();
    let channels: Vec<usize> = nodes
        .iter()
        .map(|node| match node.op() {
            Op::Polynomial(_) => node.shape().first().copied().unwrap_or(1),
            _ => 0,
        })
        .collect();
    let none = || channels.iter().map(|&count| vec![0.0; count]).collect::<Vec<_>>();
    let add = |mut sums: Vec<Vec<f64>>, more: Vec<Vec<f64>>| {
        sums.iter_mut().flatten().zip(more.iter().flatten()).for_each(|(sum, x)| *sum += x);
        sums
    };
    let executor = Executor::new(network);
    let count = samples.len().max(1) as f64;
    let of_sample = |sample: Vec<f64>| {
        let mut sums = none();
        executor.run(sample, |index, inputs| {
            let size = inputs[0].len() / channels[index].max(1);
            let parts = inputs[0].chunks(size.max(1));
            for (sum, values) in sums[index].iter_mut().zip(parts) {
                *sum += values.iter().map(|x| x * x).sum::<f64>() / size as f64;
            }
        });
        sums
    };
    // Summed in the samples' order: sums of doubles depend on it, and a plan is to be the same on
    // every machine.
    let sums: Vec<_> = samples.into_par_iter().map(of_sample).collect();
    let sums = sums.into_iter().fold(none(), add);
    sums.into_iter().map(|squares| in_layer(squares, count)).collect()
}

/// The widths of a layer from the sums of its channels' squares.
fn in_layer(squares: Vec<f64>, count: f64) -> Vec<f64> {
    let rms = (squares.iter().sum::<f64>() / (count * squares.len().max(1) as f64)).sqrt();
    let width = |square: f64| {
        let width = (square / count).sqrt().max(rms * NARROWEST).log2().round().exp2();
        // Nothing but zeros, or values that overflow: any unit is as good.
        if width.is_normal() { width } else { 1.0 }
    };
    squares.into_iter().map(width).collect()
}
