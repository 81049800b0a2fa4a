//! From a normal form and scales to a program of integers.

use super::PlanError;
use super::program::{Program, Step, Term, Value};
use super::ranges::Ranges;
use super::scales::{LIFTED_WEIGHTS, Scales, normalisers};
use crate::model::{self, NormalForm};
use crate::ring::{BlockMatrix, MatrixError};

/// One lifting multiplies by at most this.
const LIFT: f64 = 16384.0;

/// Lowers every layer.
///
/// # Errors
/// [`PlanError::Weights`] naming the layer whose weights the kernels cannot hold.
pub fn lower(network: &NormalForm, ranges: &Ranges, scales: &Scales) -> Result<Program, PlanError> {
    let levels = scales.literal.primes.len();
    let input = Value {
        rows: network.source_len(0),
        level: levels,
        components: 2,
        scale: scales.fresh,
        range: ranges.sources[0].largest,
    };
    let mut lowering = Lowering {
        ranges,
        scales,
        factors: normalisers(ranges),
        program: Program { input, steps: vec![] },
        results: vec![0],
    };
    let depths = network.depths();
    for (k, layer) in network.squares.iter().enumerate() {
        lowering.square(layer, k, depths[k + 1] - 1)?;
    }
    lowering.output(&network.output)?;
    Ok(lowering.program)
}

struct Lowering<'a> {
    ranges: &'a Ranges,
    scales: &'a Scales,
    factors: Vec<f64>,
    program: Program,
    /// Which source of the program holds each source of the normal form (before it is squared).
    results: Vec<usize>,
}

impl Lowering<'_> {
    /// A layer that is squared afterwards.
    fn square(&mut self, layer: &model::Affine, k: usize, depth: usize) -> Result<(), PlanError> {
        let switch = self.scales.switch(depth);
        let range = self.ranges.sources[k + 1].largest * self.factors[k];
        self.step(layer, self.factors[k], depth, self.scales.sum(depth), switch, range)?;
        self.results.push(self.program.steps.len());
        if let Some(step) = self.program.steps.last_mut() {
            step.value.scale = self.scales.steady;
        }
        Ok(())
    }

    /// The last layer: its squares stay three components, and the client decrypts them.
    fn output(&mut self, layer: &model::Affine) -> Result<(), PlanError> {
        let depth = self.scales.depth;
        self.step(layer, 1.0, depth, self.scales.output, None, self.ranges.output)
    }

    fn step(
        &mut self,
        layer: &model::Affine,
        factor: f64,
        depth: usize,
        sum: f64,
        switch: Option<usize>,
        range: f64,
    ) -> Result<(), PlanError> {
        let level = self.scales.level(depth);
        let mut bias: Vec<f64> = layer.bias.iter().map(|b| b * factor).collect();
        let mut terms = Vec::new();
        for t in &layer.terms {
            let (source, scale) = self.source(t.source, sum, depth)?;
            let unit =
                factor * if t.source == 0 { 1.0 } else { self.factors[t.source - 1].powi(-2) };
            let means = &self.ranges.sources[t.source].means;
            let matrix = quantise(&t.map, unit, sum / scale, factor, means, &mut bias)
                .map_err(|error| PlanError::Weights { layer: layer.name.clone(), error })?;
            terms.push(Term { source, squared: t.source > 0, matrix, weight_scale: sum / scale });
        }
        let rows = layer.rows();
        if terms.is_empty() {
            // A constant layer still needs a ciphertext to be added to: zero times the input.
            let matrix = BlockMatrix::from_rows(self.program.input.rows, &vec![vec![]; rows])
                .map_err(|error| PlanError::Weights { layer: layer.name.clone(), error })?;
            let weight_scale = sum / self.program.input.scale;
            terms.push(Term { source: 0, squared: false, matrix, weight_scale });
        }
        let squared = terms.iter().any(|t| t.squared);
        let value = Value {
            rows,
            level: level - switch.unwrap_or(0),
            components: if squared && switch.is_none() { 3 } else { 2 },
            scale: sum,
            range,
        };
        let bias = bias.iter().map(|b| (b * sum).round() as i128).collect();
        self.program.steps.push(Step { name: layer.name.clone(), terms, bias, switch, value });
        Ok(())
    }

    /// The program's source for a source of the normal form, and its scale as it is read.
    fn source(&mut self, source: usize, sum: f64, depth: usize) -> Result<(usize, f64), PlanError> {
        if source > 0 || depth == 0 {
            return Ok((self.results[source], self.scales.source(source)));
        }
        let (mut at, mut value) = (0, self.program.input);
        while sum / value.scale > LIFTED_WEIGHTS {
            let factor = (sum / value.scale / LIFTED_WEIGHTS).ceil().min(LIFT);
            let rows: Vec<_> = (0..value.rows as u32).map(|r| vec![(r, factor as i32)]).collect();
            let name = format!("input lifted for depth {depth}");
            let matrix = BlockMatrix::from_rows(value.rows, &rows)
                .map_err(|error| PlanError::Weights { layer: name.clone(), error })?;
            let term = Term { source: at, squared: false, matrix, weight_scale: factor };
            value = Value { scale: value.scale * factor, level: self.scales.level(depth), ..value };
            let bias = vec![0; value.rows];
            self.program.steps.push(Step { name, terms: vec![term], bias, switch: None, value });
            at = self.program.steps.len();
        }
        Ok((at, value.scale))
    }
}

/// Rounds weights, and moves what the rounding shifts at the source's mean into the bias.
fn quantise(
    map: &model::SparseMatrix,
    unit: f64,
    scale: f64,
    factor: f64,
    means: &[f64],
    bias: &mut [f64],
) -> Result<BlockMatrix, MatrixError> {
    let rows: Vec<Vec<(u32, i32)>> = (0..map.rows())
        .map(|r| {
            let (columns, values) = map.row(r);
            let weights = columns.iter().zip(values).map(|(&c, &v)| {
                let exact = v * unit * scale;
                // Saturates far above what the matrix accepts.
                let weight = exact.round() as i32;
                // The mean is in the network's own units, the weight in normalised ones.
                bias[r] += (exact - f64::from(weight)) / scale * means[c as usize] * factor / unit;
                (c, weight)
            });
            weights.collect()
        })
        .collect();
    BlockMatrix::from_rows(map.cols(), &rows)
}
