//! Results as answers: the class with the largest value.

use cipherbatch::{ModelError, Network};
use ndarray::{ArrayD, ArrayViewD, Axis};
use rayon::prelude::*;

/// The clear network's results, computed by all threads.
pub fn in_the_clear(
    network: &Network,
    inputs: ArrayViewD<'_, f32>,
) -> Result<ArrayD<f32>, Box<dyn std::error::Error>> {
    let chunks: Vec<_> = inputs.axis_chunks_iter(Axis(0), 64).collect();
    let results: Result<Vec<_>, ModelError> =
        chunks.into_par_iter().map(|chunk| network.evaluate(&chunk)).collect();
    let results = results?;
    let views: Vec<_> = results.iter().map(|r| r.view()).collect();
    Ok(ndarray::concatenate(Axis(0), &views)?)
}

/// The class with the largest value, the first of equals; the first of all where there is none, as
/// when values overflow.
pub fn of(results: ArrayViewD<'_, f32>) -> Vec<usize> {
    let best = |row: ArrayViewD<'_, f32>| {
        let largest = |best: (usize, f32), (i, &v): (usize, &f32)| match v > best.1 {
            true => (i, v),
            false => best,
        };
        row.iter().enumerate().fold((0, f32::NEG_INFINITY), largest).0
    };
    results.outer_iter().map(best).collect()
}

/// How many of the first `count` are equal.
pub fn percent(found: &[usize], wanted: &[usize], count: usize) -> f64 {
    let same = found.iter().zip(wanted).take(count).filter(|(a, b)| a == b).count();
    100.0 * same as f64 / count.max(1) as f64
}
