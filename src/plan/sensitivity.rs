//! How much an error anywhere changes the result, to first order, on the calibration batch.
//!
//! With y the result's entries and e an error of variance 1, independent over samples, in every
//! entry of a group of rows, the variance that the result's entries get is
//! Σ_rows mean over samples of |∂y/∂row|², divided by the number of y. The sum over y is estimated
//! by one backward pass of random signs ε: E (Σ ε ∂y/∂row)² = Σ (∂y/∂row)².
//!
//! The rounding of a weight is one error for all samples, and for all rows that share the weight:
//! a convolution's positions. It changes the result by Σ_rows ∂y/∂row · (x − mean x) times itself,
//! since what it does to the mean goes to the bias.

use super::batch::{Batch, add_multiples};
use super::trace::Trace;
use crate::model::{Affine, NormalForm, SparseMatrix};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// What one term's weights from one group of columns to one group of rows do.
#[derive(Clone, Debug)]
pub struct Rounding {
    /// Which of [`Affine::groups`].
    pub row: u32,
    /// The same of the source; 0 for the input.
    pub column: u32,
    /// The result's variance for weights that are wrong by 1.
    pub energy: f64,
    /// The largest absolute weight.
    pub largest: f64,
    /// The largest Σ|w| of a row.
    pub norm: f64,
}

/// What one layer's errors do to the result.
#[derive(Clone, Debug)]
pub struct LayerSensitivity {
    /// By group: the result's variance for an error of variance 1 in each row.
    pub groups: Vec<f64>,
    /// Term by term.
    pub rounding: Vec<Vec<Rounding>>,
}

/// What errors do to the result, in the network's own units.
#[derive(Clone, Debug)]
pub struct Sensitivity {
    /// Of the input, all entries together.
    pub input: f64,
    /// Layer by layer; the last one is the result itself.
    pub layers: Vec<LayerSensitivity>,
}

impl Sensitivity {
    /// Measures a network where it was run.
    pub fn measure(network: &NormalForm, trace: &Trace) -> Self {
        let layers: Vec<&Affine> = network.squares.iter().chain([&network.output]).collect();
        let samples = trace.samples();
        let outputs = network.output.rows();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut gradients: Vec<Batch> =
            trace.values.iter().map(|v| Batch::zeros(v.entries(), samples)).collect();
        let mut result = Batch::zeros(outputs, samples);
        let signs: Vec<f64> = (0..outputs * samples)
            .map(|_| if rng.next_u32() & 1 == 0 { 1.0 } else { -1.0 })
            .collect();
        result.for_each_row(|r, row| row.copy_from_slice(&signs[r * samples..][..samples]));
        gradients.push(result);

        let count = (samples * outputs) as f64;
        let mut measured = Vec::with_capacity(layers.len());
        for (index, layer) in layers.iter().enumerate().rev() {
            let at = std::mem::replace(&mut gradients[index + 1], Batch::zeros(0, samples));
            let mut groups = vec![0.0; groups(layer)];
            for (row, &group) in at.rows().zip(&layer.groups) {
                groups[group as usize] += row.iter().map(|g| g * g).sum::<f64>() / count;
            }
            let mut rounding = Vec::with_capacity(layer.terms.len());
            for term in &layer.terms {
                let transposed = transpose(&term.map);
                let value = &trace.values[term.source];
                gradients[term.source].for_each_row(|c, gradient| {
                    let mut sum = vec![0.0; samples];
                    let (rows, weights) = transposed.row(c);
                    at.add_rows(rows, weights, &mut sum);
                    let x = value.row(c);
                    for s in 0..samples {
                        gradient[s] += if term.squared { 2.0 * x[s] * sum[s] } else { sum[s] };
                    }
                });
                let mut x = trace.read(term.source, term.squared);
                x.for_each_row(|_, row| {
                    let mean = row.iter().sum::<f64>() / samples as f64;
                    row.iter_mut().for_each(|x| *x -= mean);
                });
                let columns = match term.source.checked_sub(1) {
                    Some(source) => layers[source].groups.clone(),
                    None => vec![0; x.entries()],
                };
                rounding.push(roundings(layer, &term.map, &columns, &at, &x, count));
            }
            measured.push(LayerSensitivity { groups, rounding });
        }
        measured.reverse();
        let input = gradients[0].rows().flatten().map(|g| g * g).sum::<f64>() / count;
        Self { input, layers: measured }
    }
}

/// How many groups a layer has.
pub fn groups(layer: &Affine) -> usize {
    layer.groups.iter().max().map_or(0, |&g| g as usize + 1)
}

/// The rounding of one term's weights. Within a group of rows and one of columns, equal weights are
/// one weight.
fn roundings(
    layer: &Affine,
    map: &SparseMatrix,
    columns: &[u32],
    gradient: &Batch,
    x: &Batch,
    count: f64,
) -> Vec<Rounding> {
    let samples = x.samples();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); groups(layer)];
    layer.groups.iter().enumerate().for_each(|(r, &group)| rows[group as usize].push(r));
    let of_group = |(group, rows): (usize, &Vec<usize>)| {
        let mut weights: HashMap<(u32, u64), usize> = HashMap::new();
        let mut sums: Vec<(u32, Vec<f64>)> = Vec::new();
        let mut found: BTreeMap<u32, Rounding> = BTreeMap::new();
        for &r in rows {
            let (support, values) = map.row(r);
            let g = gradient.row(r);
            let mut norms: BTreeMap<u32, f64> = BTreeMap::new();
            // Zeros are integers already.
            for (&c, &w) in support.iter().zip(values).filter(|(_, w)| **w != 0.0) {
                let column = columns[c as usize];
                let at = *weights.entry((column, w.to_bits())).or_insert_with(|| {
                    sums.push((column, vec![0.0; samples]));
                    sums.len() - 1
                });
                add_multiples(g, x.row(c as usize), &mut sums[at].1);
                *norms.entry(column).or_default() += w.abs();
                let row = group as u32;
                let new = Rounding { row, column, energy: 0.0, largest: 0.0, norm: 0.0 };
                let of = found.entry(column).or_insert(new);
                of.largest = of.largest.max(w.abs());
            }
            for (column, norm) in norms {
                found.entry(column).and_modify(|of| of.norm = of.norm.max(norm));
            }
        }
        // In the order in which they were met, so that sums repeat to the last bit.
        for sums in sums.chunks(TOGETHER) {
            for (energy, (column, _)) in energies(sums, samples).iter().zip(sums) {
                found.entry(*column).and_modify(|of| of.energy += energy / count);
            }
        }
        found.into_values().collect::<Vec<_>>()
    };
    rows.par_iter().enumerate().flat_map_iter(of_group).collect()
}

/// Sums of squares that are added up side by side: each is a chain of additions, so that one alone
/// waits for its own.
const TOGETHER: usize = 8;

/// The sum of squares of each of at most [`TOGETHER`] rows.
fn energies(rows: &[(u32, Vec<f64>)], samples: usize) -> [f64; TOGETHER] {
    let mut sums = [0.0; TOGETHER];
    for s in 0..samples {
        for (sum, (_, row)) in sums.iter_mut().zip(rows) {
            *sum += row[s] * row[s];
        }
    }
    sums
}

/// Columns become rows.
fn transpose(map: &SparseMatrix) -> SparseMatrix {
    let mut starts = vec![0; map.cols() + 1];
    map.columns().iter().for_each(|&c| starts[c as usize + 1] += 1);
    for c in 0..map.cols() {
        starts[c + 1] += starts[c];
    }
    let mut next = starts.clone();
    let (mut rows, mut values) = (vec![0; map.entries()], vec![0.0; map.entries()]);
    for r in 0..map.rows() {
        let (columns, weights) = map.row(r);
        for (&c, &w) in columns.iter().zip(weights) {
            let at = &mut next[c as usize];
            (rows[*at], values[*at]) = (r as u32, w);
            *at += 1;
        }
    }
    SparseMatrix::new(map.cols(), map.rows(), starts, rows, values)
        .expect("the transpose of a matrix is one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dense, Network, Polynomial};
    use ndarray::{Array2, ArrayD, IxDyn};
    use rand_distr::{Distribution, Normal};

    /// Two layers that are squared, the second also read as it is around the squaring.
    fn form() -> NormalForm {
        let mut b = Network::builder(&[5]).unwrap();
        let mut next = 0.3f64;
        let mut dense = |o: usize, i: usize| {
            let weight = Array2::from_shape_simple_fn((o, i), || {
                next = (next * 9301.7 + 0.4913).fract();
                1.5 * (next - 0.5)
            });
            Dense::new(weight, vec![0.2; o])
        };
        let x = b.dense("fc1", b.input(), dense(6, 5)).unwrap();
        let x = b.polynomial("act1", x, Polynomial::uniform(&[0.1, 0.5, 0.3])).unwrap();
        let x = b.dense("fc2", x, dense(4, 6)).unwrap();
        // A weak square: read squared and as it is.
        let x = b.polynomial("act2", x, Polynomial::uniform(&[0.1, 0.9, 0.05])).unwrap();
        let x = b.dense("fc3", x, dense(3, 4)).unwrap();
        NormalForm::new(&b.finish(x).unwrap()).unwrap()
    }

    /// The result's variance, by result, for errors drawn in `entry` of source `source`.
    fn drawn(form: &NormalForm, trace: &Trace, source: usize, entry: usize) -> f64 {
        const SIGMA: f64 = 1e-4;
        let normal = Normal::new(0.0, SIGMA).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let (mut sum, mut count) = (0.0, 0.0);
        for s in 0..trace.samples() {
            for _ in 0..40 {
                let known = &trace.values[..=source];
                let mut values: Vec<Vec<f64>> =
                    known.iter().map(|v| v.rows().map(|row| row[s]).collect()).collect();
                values[source][entry] += normal.sample(&mut rng);
                for layer in &form.squares[source..] {
                    let value = layer.apply(&values);
                    values.push(value);
                }
                for (r, y) in form.output.apply(&values).into_iter().enumerate() {
                    sum += (y - trace.output.row(r)[s]).powi(2);
                    count += 1.0;
                }
            }
        }
        sum / count / SIGMA.powi(2)
    }

    #[test]
    fn errors_do_what_is_measured() {
        let form = form();
        let inputs = ArrayD::from_shape_fn(IxDyn(&[128, 5]), |i| {
            (0.5 + 0.5 * ((i[0] * 7 + i[1] * 13) as f64).sin()) as f32
        });
        let trace = Trace::run(&form, Batch::inputs(&inputs.view(), 128, (0.0, 1.0))).unwrap();
        let sensitivity = Sensitivity::measure(&form, &trace);
        for (k, layer) in form.squares.iter().enumerate() {
            for (row, &group) in layer.groups.iter().enumerate() {
                let want = drawn(&form, &trace, k + 1, row);
                let got = sensitivity.layers[k].groups[group as usize];
                // Signs at three results are drawn once a sample.
                assert!(
                    (0.6..1.6).contains(&(got / want)),
                    "{}, row {row}: {got} {want}",
                    layer.name
                );
            }
        }
        let inputs: f64 = (0..5).map(|entry| drawn(&form, &trace, 0, entry)).sum();
        assert!((0.7..1.4).contains(&(sensitivity.input / inputs)));
    }

    /// Wrong weights of the last layer change results by what they multiply, means apart.
    #[test]
    fn the_last_weights_do_what_their_inputs_say() {
        let form = form();
        let inputs = ArrayD::from_shape_fn(IxDyn(&[64, 5]), |i| {
            (0.5 + 0.5 * ((i[0] * 5 + i[1] * 11) as f64).sin()) as f32
        });
        let trace = Trace::run(&form, Batch::inputs(&inputs.view(), 64, (0.0, 1.0))).unwrap();
        let sensitivity = Sensitivity::measure(&form, &trace);
        let last = sensitivity.layers.last().unwrap();
        for (term, found) in form.output.terms.iter().zip(&last.rounding) {
            let x = trace.read(term.source, term.squared);
            for r in found {
                let row = x.row(r.column as usize);
                let mean = row.iter().sum::<f64>() / 64.0;
                let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 64.0;
                // One of three results.
                assert!((r.energy * 3.0 / variance - 1.0).abs() < 1e-9, "{r:?}");
            }
        }
    }
}
