//! From a normal form and scales to a program of integers.

use super::PlanError;
use super::program::{Program, Step, Term, Value};
use super::ranges::Ranges;
use super::search::{Scales, load};
use crate::model::{self, NormalForm, SparseMatrix};
use crate::ring::{BlockMatrix, MatrixError, WEIGHT_BOUND};
use crate::scheme::Switch;
use rayon::prelude::*;

/// One lifting multiplies by at most this.
const LIFT: f64 = (WEIGHT_BOUND / 2) as f64;

/// A program, and where the normal form's values are in it.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The integers.
    pub program: Program,
    /// The program's source for each source of the normal form: 0 for the input, then layers.
    pub sources: Vec<usize>,
}

/// Lowers every layer.
///
/// # Errors
/// [`PlanError::Weights`] naming the layer whose weights the kernels cannot hold.
pub fn lower(network: &NormalForm, ranges: &Ranges, scales: &Scales) -> Result<Lowered, PlanError> {
    let largest = |values: &[f64]| values.iter().fold(0.0, |l: f64, &x| l.max(x));
    let input = Value {
        rows: network.source_len(0),
        level: scales.levels[0],
        of_results: false,
        components: 2,
        scale: scales.fresh(),
        range: largest(&ranges.largest[0]),
    };
    let program = Program { input, steps: vec![] };
    let mut lowering = Lowering { ranges, scales, program, sources: vec![0] };
    let depths = network.depths();
    for (k, layer) in network.squares.iter().enumerate() {
        let (depth, factors) = (depths[k + 1], &scales.factors[k]);
        let scaled: Vec<f64> =
            ranges.largest[k + 1].iter().zip(factors).map(|(x, f)| x * f).collect();
        let switch = (depth > 0).then(|| scales.switch(depth));
        let scale = scales.scales[k + 1];
        let at = At { depth, sum: scale * scales.ratio(depth), switch, scale };
        lowering.step(layer, factors, at, largest(&scaled))?;
        lowering.sources.push(lowering.program.steps.len());
    }
    // The last layer's squares stay three components, and the client decrypts them.
    let scale = scales.output();
    let at = At { depth: network.depth(), sum: scale, switch: None, scale };
    let ones = vec![1.0; network.output.rows()];
    lowering.step(&network.output, &ones, at, ranges.output)?;
    Ok(Lowered { program: lowering.program, sources: lowering.sources })
}

/// Where and how a layer is computed.
#[derive(Clone, Copy)]
struct At {
    depth: usize,
    /// The scale of the sum.
    sum: f64,
    switch: Option<Switch>,
    /// The scale after the switch.
    scale: f64,
}

struct Lowering<'a> {
    ranges: &'a Ranges,
    scales: &'a Scales,
    program: Program,
    /// The program's source for each source of the normal form.
    sources: Vec<usize>,
}

/// A term whose integers are known.
struct Integers {
    source: usize,
    squared: bool,
    matrix: BlockMatrix,
    scale: f64,
}

impl Lowering<'_> {
    fn step(
        &mut self,
        layer: &model::Affine,
        factors: &[f64],
        at: At,
        range: f64,
    ) -> Result<(), PlanError> {
        let failed = |error| PlanError::Weights { layer: layer.name.clone(), error };
        let level = self.scales.levels[at.depth];
        let of_results = self.scales.is_of_results(at.depth);
        let rows = layer.rows();
        let mut bias: Vec<f64> = layer.bias.iter().zip(factors).map(|(b, f)| b * f).collect();
        let mut terms = Vec::new();
        for t in &layer.terms {
            let source = self.sources[t.source];
            let read = match t.squared {
                true => self.scales.scales[t.source].powi(2),
                false => self.scales.scales[t.source],
            };
            let unit = Unit {
                rows: factors,
                columns: t.source.checked_sub(1).map(|k| &self.scales.factors[k][..]),
                squared: t.squared,
            };
            let means = self.ranges.means_of(t.source, t.squared);
            let (wanted, lifts) = lift(at.sum / read, unit.extent(&t.map));
            let matrix = unit.quantise(&t.map, wanted, means, &mut bias).map_err(failed)?;
            let mut found = Integers { source, squared: t.squared, matrix, scale: wanted };
            if let Some((&last, first)) = lifts.split_last() {
                // The sum is lifted and not what it is of: it usually has fewer rows, and what it
                // reads need not be kept.
                let mut value = Value {
                    rows,
                    level,
                    of_results,
                    components: if t.squared { 3 } else { 2 },
                    scale: read * wanted,
                    range,
                };
                let mut name = format!("{} (of \"{}\")", layer.name, self.name(source));
                for &factor in first.iter().chain([&last]) {
                    self.push(&name, &layer.shape, found, value);
                    value.scale *= factor;
                    name = format!("{} (lifted)", layer.name);
                    let matrix = diagonal(rows, factor as i32).map_err(failed)?;
                    let source = self.program.steps.len();
                    found = Integers { source, squared: false, matrix, scale: factor };
                }
            }
            terms.push(found);
        }
        if terms.is_empty() {
            // A constant layer still needs a ciphertext to be added to: zero times the input.
            let matrix = BlockMatrix::from_rows(self.program.input.rows, &vec![vec![]; rows])
                .map_err(failed)?;
            let scale = at.sum / self.program.input.scale;
            terms.push(Integers { source: 0, squared: false, matrix, scale });
        }
        let components = |t: &Integers| match t.squared {
            true => 3,
            false => self.program.source(t.source).map_or(2, |value| value.components),
        };
        let lands = at.switch.is_some_and(|s| s.to_results);
        let value = Value {
            rows,
            level: match lands {
                true => self.scales.literal.result_primes.len(),
                false => level - at.switch.map_or(0, |s| s.rescale),
            },
            of_results: of_results || lands,
            components: match at.switch {
                Some(_) => 2,
                None => terms.iter().map(components).max().unwrap_or(2),
            },
            scale: at.scale,
            range,
        };
        let step = Step {
            name: layer.name.clone(),
            shape: layer.shape.clone(),
            terms: terms.into_iter().map(term).collect(),
            bias: bias.iter().map(|b| (b * at.sum).round() as i128).collect(),
            switch: at.switch,
            value,
        };
        self.program.steps.push(step);
        Ok(())
    }

    fn name(&self, source: usize) -> &str {
        source.checked_sub(1).map_or("input", |k| &self.program.steps[k].name)
    }

    /// A step of one term, without constants.
    fn push(&mut self, name: &str, shape: &[usize], of: Integers, value: Value) {
        self.program.steps.push(Step {
            name: name.to_owned(),
            shape: shape.to_vec(),
            terms: vec![term(of)],
            bias: vec![0; value.rows],
            switch: None,
            value,
        });
    }
}

fn term(of: Integers) -> Term {
    Term { source: of.source, squared: of.squared, matrix: of.matrix, weight_scale: of.scale }
}

fn diagonal(rows: usize, factor: i32) -> Result<BlockMatrix, MatrixError> {
    BlockMatrix::from_rows(rows, &(0..rows as u32).map(|r| vec![(r, factor)]).collect::<Vec<_>>())
}

/// The scale of weights of which the largest and the largest Σ|w| of a row are given, and the exact
/// integers by which their sums are lifted, so that all of them multiply to `scale`.
fn lift(scale: f64, (largest, norm): (f64, f64)) -> (f64, Vec<f64>) {
    let mut left = (scale * load(largest, norm)).ceil();
    let mut factors = Vec::new();
    while left > 1.0 {
        let steps = (left.log2() / LIFT.log2()).ceil().max(1.0);
        let factor = left.powf(1.0 / steps).ceil().min(LIFT);
        factors.push(factor);
        left = (left / factor).ceil();
    }
    (scale / factors.iter().product::<f64>(), factors)
}

/// What weights are multiplied by before they are scaled.
struct Unit<'a> {
    rows: &'a [f64],
    /// `None` for the input, which has no factors.
    columns: Option<&'a [f64]>,
    squared: bool,
}

impl Unit<'_> {
    fn of(&self, row: usize, column: u32) -> f64 {
        let column = self.columns.map_or(1.0, |f| f[column as usize]);
        self.rows[row] / if self.squared { column * column } else { column }
    }

    /// The largest weight, and the largest Σ|w| of a row.
    fn extent(&self, map: &SparseMatrix) -> (f64, f64) {
        let of_row = |r: usize| {
            let (columns, values) = map.row(r);
            let weights = columns.iter().zip(values).map(|(&c, v)| (v * self.of(r, c)).abs());
            weights.fold((0.0, 0.0), |(largest, norm): (f64, f64), w| (largest.max(w), norm + w))
        };
        let rows = (0..map.rows()).into_par_iter().map(of_row);
        rows.reduce(|| (0.0, 0.0), |all, row| (row.0.max(all.0), row.1.max(all.1)))
    }

    /// Rounds weights, and moves what the rounding shifts at the source's means into the bias.
    fn quantise(
        &self,
        map: &SparseMatrix,
        scale: f64,
        means: &[f64],
        bias: &mut [f64],
    ) -> Result<BlockMatrix, MatrixError> {
        let rows: Vec<Vec<(u32, i32)>> = bias
            .par_iter_mut()
            .enumerate()
            .map(|(r, bias)| {
                let (columns, values) = map.row(r);
                let weights = columns.iter().zip(values).map(|(&c, &v)| {
                    let unit = self.of(r, c);
                    let exact = v * unit * scale;
                    // Saturates far above what the matrix accepts.
                    let weight = exact.round() as i32;
                    // The mean is in the network's own units, the weight in scaled ones.
                    let mean = means[c as usize] / unit * self.rows[r];
                    *bias += (exact - f64::from(weight)) / scale * mean;
                    (c, weight)
                });
                weights.collect()
            })
            .collect();
        BlockMatrix::from_rows(map.cols(), &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Weights stay within both bounds of the kernels, and a lifting wastes at most half of
        /// them.
        #[test]
        fn lifted_weights_fill_the_kernels_bounds(
            bits in -20.0..90.0,
            largest in 1e-6..1e6,
            columns in 1.0..4000.0,
        ) {
            let extent = (largest, largest * columns);
            let (scale, factors) = lift(f64::exp2(bits), extent);
            let found = scale * load(extent.0, extent.1);
            prop_assert!(found <= 1.0 + 1e-9, "{found} {factors:?}");
            prop_assert!(factors.is_empty() || found >= 0.49, "{found} {factors:?}");
            prop_assert!(factors.iter().all(|&f| f.fract() == 0.0 && (2.0..=LIFT).contains(&f)));
            let product = scale * factors.iter().product::<f64>();
            prop_assert!((product / f64::exp2(bits) - 1.0).abs() < 1e-9);
        }
    }
}
