//! The rule that chooses ring degree, primes and scales.
//!
//! Layers are normalised so that what is squared has root mean square 1. One prime (or two, where
//! one is too coarse) goes with each activation but the last, and all squares are taken at one
//! steady scale S: with r the primes' product, weights at r/S bring S² back to S. A larger S drowns
//! the noise of the switch, a larger r/S the rounding of weights. So S and the fresh scale are
//! searched on a grid, for the least predicted error of the result; and the smallest ring degree,
//! then the fewest primes, that reach the wanted precision are taken.

use super::ranges::Ranges;
use crate::math::primes_below;
use crate::model::{Affine, NormalForm};
use crate::ring::{ROW_NORM_BOUND, WEIGHT_BOUND};
use crate::scheme::{ParametersLiteral, noise};

/// Smaller primes waste lanes of 32 bits.
const SMALLEST_PRIME_BITS: f64 = 22.0;

/// Primes that go with one activation, at most.
const MOST_DROPPED: usize = 2;

/// Weights of a term that reads the input after a squaring: the input is first lifted, by exact
/// integer factors, to a scale at which this is enough.
pub const LIFTED_WEIGHTS: f64 = 1024.0;

/// Steps of the search, in bits.
const GRID: f64 = 0.5;

/// All that a lowering needs to know.
#[derive(Clone, Debug)]
pub struct Scales {
    /// Ring degree and primes.
    pub literal: ParametersLiteral,
    /// Squarings on the longest path.
    pub depth: usize,
    /// Primes that go with each activation but the last.
    pub dropped: usize,
    /// The scale of a fresh encryption.
    pub fresh: f64,
    /// The scale at which everything is squared.
    pub steady: f64,
    /// The scale of the result.
    pub output: f64,
    /// The predicted standard deviation of the result's error.
    pub error: f64,
}

impl Scales {
    /// The level of the sum of a layer with `depth` squarings before it: the first activation costs
    /// no prime, since the input's scale is free.
    pub fn level(&self, depth: usize) -> usize {
        self.literal.primes.len() - depth.saturating_sub(1) * self.dropped
    }

    /// By how many primes a layer that is squared afterwards is rescaled; `None` for the first,
    /// which has nothing to relinearise either.
    pub fn switch(&self, depth: usize) -> Option<usize> {
        (depth > 0).then_some(self.dropped)
    }

    /// The product of the primes that go after a layer that is squared afterwards.
    fn divisor(&self, depth: usize) -> f64 {
        let level = self.level(depth);
        let dropped = self.switch(depth).unwrap_or(0);
        self.literal.primes[level - dropped..level].iter().map(|&p| f64::from(p)).product()
    }

    /// The scale of the sum of a layer that is squared afterwards.
    pub fn sum(&self, depth: usize) -> f64 {
        self.steady * self.divisor(depth)
    }

    /// The scale of a source as a linear layer reads it.
    pub fn source(&self, source: usize) -> f64 {
        if source == 0 { self.fresh } else { self.steady * self.steady }
    }
}

/// Factors that bring each layer to root mean square 1 before it is squared; 1 for dead layers.
pub fn normalisers(ranges: &Ranges) -> Vec<f64> {
    ranges.sources[1..].iter().map(|r| if r.rms > 0.0 { 1.0 / r.rms } else { 1.0 }).collect()
}

/// What the search needs to know of one term of one layer, in normalised units.
struct TermSize {
    source: usize,
    /// The largest weight, and the largest Σ|w| of a row.
    largest: f64,
    norm: f64,
    /// The mean over rows of Σw² and of the number of weights.
    energy: f64,
    weights: f64,
    /// The deviation of the source's entries.
    deviation: f64,
}

struct LayerSize {
    depth: usize,
    terms: Vec<TermSize>,
}

impl LayerSize {
    fn new(layer: &Affine, depth: usize, factor: f64, ranges: &Ranges, factors: &[f64]) -> Self {
        let terms = layer.terms.iter().map(|t| {
            let unit = if t.source == 0 { 1.0 } else { factors[t.source - 1].powi(-2) };
            let (rows, unit) = (t.map.rows().max(1) as f64, unit * factor);
            let values = || t.map.values().iter().map(|v| (v * unit).abs());
            let norm = (0..t.map.rows())
                .map(|r| t.map.row(r).1.iter().map(|v| (v * unit).abs()).sum())
                .fold(0.0, f64::max);
            TermSize {
                source: t.source,
                largest: values().fold(0.0, f64::max),
                norm,
                energy: values().map(|v| v * v).sum::<f64>() / rows,
                weights: t.map.entries() as f64 / rows,
                deviation: ranges.sources[t.source].deviation
                    * if t.source == 0 { 1.0 } else { factors[t.source - 1].powi(2) },
            }
        });
        Self { depth, terms: terms.collect() }
    }

    /// The variance of the layer's error at weights' scales `sum / source`, given the variances of
    /// its sources' errors; `None` where a weight would be too large for the kernels.
    fn variance(&self, scales: &Scales, sum: f64, sources: &[f64]) -> Option<f64> {
        let mut total = 0.0;
        for t in &self.terms {
            let mut scale = sum / scales.source(t.source);
            if t.source == 0 && self.depth > 0 {
                scale = scale.min(LIFTED_WEIGHTS);
            }
            if scale * t.largest + 1.0 >= f64::from(WEIGHT_BOUND)
                || scale * t.norm + t.weights >= ROW_NORM_BOUND as f64
            {
                return None;
            }
            // (u + ε)² = u² + 2uε, and u has mean square 1.
            let source = sources[t.source] * if t.source == 0 { 1.0 } else { 4.0 };
            let rounding = t.weights * t.deviation.powi(2) / 12.0 / scale.powi(2);
            total += t.energy * source + rounding;
        }
        Some(total)
    }
}

/// The rule, for one network.
pub struct Search<'a> {
    network: &'a NormalForm,
    ranges: &'a Ranges,
    depth: usize,
    layers: Vec<LayerSize>,
    /// What the result's modulus must hold beyond the scale, in bits: sign, range and margin.
    headroom: f64,
    /// The ring degrees that may be taken, ascending, each with the largest log₂ Q.
    rings: Vec<(usize, f64)>,
}

impl<'a> Search<'a> {
    /// Measures the network's layers; `rings` are degrees, ascending, with the largest log₂ Q each.
    pub fn new(
        network: &'a NormalForm,
        ranges: &'a Ranges,
        margin_bits: f64,
        rings: Vec<(usize, f64)>,
    ) -> Self {
        let factors = normalisers(ranges);
        let depths = network.depths();
        let squares = network.squares.iter().enumerate().map(|(k, layer)| {
            LayerSize::new(layer, depths[k + 1] - 1, factors[k], ranges, &factors)
        });
        let depth = network.depth();
        let output = LayerSize::new(&network.output, depth, 1.0, ranges, &factors);
        let headroom = 1.0 + margin_bits + ranges.output.max(f64::MIN_POSITIVE).log2();
        let layers = squares.chain([output]).collect();
        Self { network, ranges, depth, layers, headroom, rings }
    }

    /// The first parameters, by ring degree and then by number of primes, whose predicted error is
    /// at most `wanted`; or, where none is, the best there are.
    pub fn run(&self, wanted: f64) -> Option<Scales> {
        let mut best: Option<Scales> = None;
        for (literal, dropped) in self.rings.iter().flat_map(|&ring| self.candidates(ring)) {
            let Some(found) = self.best(literal, dropped) else { continue };
            if found.error <= wanted {
                return Some(found);
            }
            if best.as_ref().is_none_or(|b| found.error < b.error) {
                best = Some(found);
            }
        }
        best
    }

    /// Primes, and how many go with an activation: few before many, one before two, large before
    /// small (weights stay below 2¹⁵, so two large primes can be more than they bring back).
    fn candidates(
        &self,
        (degree, bound): (usize, f64),
    ) -> impl Iterator<Item = (ParametersLiteral, usize)> {
        let squares = self.depth.saturating_sub(1);
        (1..=64).flat_map(move |count| {
            (1..=MOST_DROPPED).flat_map(move |dropped| {
                let spent = squares * dropped;
                // A result that needs more primes than this has more precision than any input.
                let fits = count > spent && count <= spent + 4 * dropped;
                let largest = (bound / count as f64).min(31.0);
                let bits = (0..10).map(move |less| largest - f64::from(less));
                bits.take_while(move |&b| fits && b >= SMALLEST_PRIME_BITS)
                    .filter_map(move |b| Some((literal(degree, count, b)?, dropped)))
            })
        })
    }

    /// The best scales for given primes.
    fn best(&self, literal: ParametersLiteral, dropped: usize) -> Option<Scales> {
        let bits = |count: usize| {
            literal.primes[..count].iter().map(|&p| f64::from(p).log2()).sum::<f64>()
        };
        let base = literal.primes.len() - self.depth.saturating_sub(1) * dropped;
        let room = bits(base) - self.headroom;
        let grid = |low: f64, high: f64| {
            (0..).map(move |i| low + f64::from(i) * GRID).take_while(move |&x| x <= high)
        };
        let mut best: Option<Scales> = None;
        for steady in grid(8.0, 44.0) {
            for fresh in grid(8.0, if self.depth == 0 { 32.0 } else { steady }) {
                let mut scales = Scales {
                    literal: literal.clone(),
                    depth: self.depth,
                    dropped,
                    fresh: fresh.exp2(),
                    steady: steady.exp2(),
                    output: room.exp2(),
                    error: f64::INFINITY,
                };
                self.cap_output(&mut scales);
                if let Some(error) = self.error(&scales)
                    && best.as_ref().is_none_or(|b| error < b.error)
                {
                    scales.error = error;
                    best = Some(scales);
                }
            }
            if self.depth == 0 {
                break;
            }
        }
        best
    }

    /// Lowers the result's scale to what the largest weights allow.
    fn cap_output(&self, scales: &mut Scales) {
        let Some(output) = self.layers.last() else { return };
        for t in &output.terms {
            let largest = (f64::from(WEIGHT_BOUND) - 2.0) / t.largest.max(f64::MIN_POSITIVE);
            let norm = (ROW_NORM_BOUND as f64 - t.weights - 1.0) / t.norm.max(f64::MIN_POSITIVE);
            if t.source > 0 || self.depth == 0 {
                scales.output = scales.output.min(scales.source(t.source) * largest.min(norm));
            }
        }
    }

    /// The predicted standard deviation of the result's error.
    fn error(&self, scales: &Scales) -> Option<f64> {
        let (degree, primes) = (scales.literal.degree, &scales.literal.primes);
        let mut variances = vec![(noise::fresh(degree) / scales.fresh).powi(2)];
        for layer in &self.layers[..self.network.squares.len()] {
            let mut variance = layer.variance(scales, scales.sum(layer.depth), &variances)?;
            if scales.switch(layer.depth).is_some() {
                let level = scales.level(layer.depth);
                let relin = noise::relinearise(degree, primes[..level].iter().copied());
                let switch = relin / scales.divisor(layer.depth);
                variance +=
                    (switch.powi(2) + noise::rescale(degree).powi(2)) / scales.steady.powi(2);
            }
            variances.push(variance);
        }
        let variance = self.layers.last()?.variance(scales, scales.output, &variances)?;
        Some(variance.sqrt())
    }

    /// The spread of the result, which an error is measured against.
    pub fn spread(&self) -> f64 {
        if self.ranges.spread > 0.0 { self.ranges.spread } else { self.ranges.output.max(1e-30) }
    }
}

/// The largest `count` primes below 2^`bits`.
fn literal(degree: usize, count: usize, bits: f64) -> Option<ParametersLiteral> {
    let primes: Vec<u32> =
        primes_below(bits.exp2() as u32, 4 * degree as u32).take(count).collect();
    (primes.len() == count).then_some(ParametersLiteral { degree, primes })
}
