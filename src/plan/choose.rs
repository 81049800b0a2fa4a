//! The choice of parameters and scales for a network: the cheapest that the simulator confirms.

use super::batch::{Batch, Trace};
use super::lower::{Lowered, lower};
use super::precision::{FEWEST_BITS, USUAL_BITS, fewest_bits, keeps_answers};
use super::ranges::{Ranges, probes};
use super::search::{self, CostModel, Levels, Scales, Search, Work};
use super::sensitivity::Sensitivity;
use super::simulate::Simulator;
use super::{PlanError, PlanOptions, Program, SAMPLES};
use crate::model::NormalForm;
use crate::scheme::{Parameters, noise};
use ndarray::{ArrayD, ArrayViewD, Axis, Slice};

/// Made-up inputs say less about the real ones than a calibration batch does: so many bits more are
/// kept above the results that they give, and where there is room for them below, too.
const UNSURE_BITS: f64 = 3.0;

/// Runs of the simulator that confirm a choice: few for large networks, as many for small ones as
/// take so many multiply-adds, since a few values with large errors can decide.
const RUNS: (u64, u64) = (2, 16);
const RUNS_WORK: u64 = 200_000_000;

/// Runs of the simulator under more noise, and where their seeds begin.
const STRESS_RUNS: std::ops::Range<u64> = 1000..1002;

/// Choices that are put to the simulator, ring by ring, each with an error of at most this share of
/// that of the one before.
const TRIES: usize = 8;
const BETTER: f64 = 0.85;

/// Noise of this many times its size must not drive results out of their range. Polynomials of
/// higher degrees run away beyond the values that they were fitted to, and in a batch of thousands
/// some value is always near the end: with degree 6 for ReLU, 12 of 4,000 images ran away at 3.2
/// bits, none at 4.2. One of them destroys its batch.
const STRESS: f64 = 2.0;

/// By how much a simulated error may exceed the wanted one: it is drawn.
const DRAWN: f64 = 1.1;

/// Where the wanted precision is out of reach, a dearer choice must lower the error to this share.
const WORTH: f64 = 0.75;

/// What was chosen.
pub struct Choice {
    /// Ring and primes.
    pub params: Parameters,
    /// The integers.
    pub program: Program,
    /// The standard deviation of the results' error, as simulated.
    pub error: f64,
    /// Step by step, log₂ of how much larger values are than their errors, as simulated; `None`
    /// for steps that no layer of the network stands behind.
    pub precision: Vec<Option<f64>>,
}

/// That a batch `[count, …]` is of a network's inputs.
pub fn check_shape(found: &[usize], expected: &[usize]) -> Result<(), PlanError> {
    match found.split_first() {
        Some((1.., shape)) if shape == expected => Ok(()),
        _ => Err(PlanError::Calibration { found: found.to_vec(), expected: expected.to_vec() }),
    }
}

/// The inputs that a plan is made with, clamped as at encryption: the calibration batch, or made-up
/// ones.
pub fn samples(shape: &[usize], options: &PlanOptions) -> Result<ArrayD<f32>, PlanError> {
    let (low, high) = options.input_range;
    let Some(given) = &options.calibration else { return Ok(probes(shape, options.input_range)) };
    check_shape(given.shape(), shape)?;
    let count = given.len_of(Axis(0)).min(SAMPLES);
    Ok(given.slice_axis(Axis(0), Slice::from(..count)).mapv(|x| x.clamp(low, high)))
}

/// Chooses among rings, ascending, each with its largest log₂ Q, by what [`samples`] show.
///
/// # Errors
/// [`PlanError`] where none computes the network as precisely as wanted.
pub fn choose(
    rings: &[(usize, f64)],
    network: &NormalForm,
    samples: ArrayViewD<'_, f32>,
    options: &PlanOptions,
) -> Result<Choice, PlanError> {
    let unsure = if options.calibration.is_some() { 0.0 } else { UNSURE_BITS };
    let trace = Trace::run(network, Batch::inputs(&samples, SAMPLES, options.input_range))?;
    let ranges = Ranges::of(&trace);
    let bits = match (options.precision_bits, &options.calibration) {
        (Some(bits), _) => bits,
        (None, None) => USUAL_BITS,
        (None, Some(_)) => fewest_bits(&trace.output, ranges.spread),
    };
    let sensitivity = Sensitivity::measure(network, &trace);
    let chooser = Chooser {
        network,
        trace: &trace,
        ranges: &ranges,
        work: Work::of(network),
        headroom: 1.0 + options.margin_bits + unsure + ranges.output.max(f64::MIN_POSITIVE).log2(),
        answers: options.precision_bits.is_none() && options.calibration.is_some(),
        secure: rings.iter().all(|ring| ring.1.is_finite()),
    };
    let mut best: Option<Scales> = None;
    for &ring in rings {
        let typical = typical(ring.0, network.depth());
        let built = search::Network::new(network, &ranges, &sensitivity, &typical);
        let search = Search::new(&built, &chooser.work, CostModel::CPU, chooser.headroom, ring);
        let wanted = chooser.error_at(bits + unsure);
        let mut aim = wanted;
        let mut found = search.run(aim);
        for _ in 0..TRIES {
            let precise = |s: &&Scales| s.error() <= aim;
            if aim < wanted && !found.iter().any(|s| precise(&s)) {
                found = search.run(aim);
            }
            let Some(scales) = found.iter().find(precise) else { break };
            if let Some(choice) = chooser.confirm(scales, bits + unsure)? {
                return Ok(choice);
            }
            aim = scales.error() * BETTER;
        }
        for scales in found {
            if best.as_ref().is_none_or(|b| scales.error() < b.error() * WORTH) {
                best = Some(scales);
            }
        }
    }
    // Where nothing is as precise as it might be, the best there is may be precise enough.
    let least = if chooser.answers { bits.min(FEWEST_BITS) } else { bits };
    let confirmed = best.as_ref().map(|best| chooser.confirm(best, least)).transpose()?.flatten();
    confirmed.ok_or_else(|| match best {
        Some(best) => chooser.refusal(&best, least),
        None => PlanError::Depth {
            depth: network.depth(),
            most: rings.iter().map(|&ring| search::most_primes(ring)).max().unwrap_or(0),
        },
    })
}

/// Levels at which groups of rows find their ratios: a prime of 30.5 bits a squaring.
fn typical(degree: usize, depth: usize) -> Levels {
    let prime = 30.5f64.exp2();
    let ratio = (0..=depth).map(|d| if d > 0 && d < depth { prime } else { 1.0 });
    let relin = noise::relinearise(degree, std::iter::repeat_n(prime, depth + 2)) / prime;
    Levels {
        fresh: noise::fresh(degree),
        noise: vec![relin.hypot(noise::rescale(degree)); depth + 1],
        output: 55f64.exp2(),
        ratio: ratio.collect(),
    }
}

struct Chooser<'a> {
    network: &'a NormalForm,
    trace: &'a Trace,
    ranges: &'a Ranges,
    work: Work,
    headroom: f64,
    /// Whether answers decide, and not the results' error.
    answers: bool,
    /// Whether every ring has a bound; only [`Plan::new_insecure`](super::Plan::new_insecure) offers
    /// one that has none.
    secure: bool,
}

impl Chooser<'_> {
    fn error_at(&self, bits: f64) -> f64 {
        self.ranges.spread * (-bits).exp2()
    }

    /// That the most precise scales there are do not suffice.
    fn refusal(&self, best: &Scales, wanted: f64) -> PlanError {
        let shares = best.solution.weights.iter().zip(&best.solution.switches);
        let worst = shares.map(|(w, s)| w + s).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let depths = self.network.depths();
        let of_depth = |depth| depths.iter().skip(1).position(|&d| d == depth);
        let layer = worst.and_then(|(depth, _)| of_depth(depth));
        let layer = layer.map_or(&self.network.output, |k| &self.network.squares[k]);
        PlanError::Precision {
            depth: self.network.depth(),
            reached: (self.ranges.spread / best.error()).log2(),
            wanted,
            layer: layer.name.clone(),
            degree: best.literal.degree,
            primes: best.literal.primes.len(),
        }
    }

    /// The program for these scales, if the simulator finds it precise enough.
    fn confirm(&self, scales: &Scales, bits: f64) -> Result<Option<Choice>, PlanError> {
        let literal = scales.literal.clone();
        let params = match self.secure {
            true => Parameters::new(literal)?,
            false => Parameters::new_insecure(literal)?,
        };
        let lowered = lower(self.network, self.ranges, scales)?;
        lowered.program.check(|level| params.basis().log2_q(level))?;
        let simulator = Simulator::new(&lowered.program, &scales.literal);
        if !self.is_calm(&simulator) {
            return Ok(None);
        }
        let samples = self.trace.samples();
        let mut squares = vec![0.0; samples];
        let runs = self.runs();
        let first = simulator.run(&self.trace.values[0], 0, 1.0);
        for seed in 0..runs {
            let drawn = (seed > 0).then(|| simulator.run(&self.trace.values[0], seed, 1.0));
            let Some(results) = drawn.as_ref().unwrap_or(&first).last() else { continue };
            for row in results.minus(&self.trace.output).rows() {
                squares.iter_mut().zip(row).for_each(|(sum, e)| *sum += e * e);
            }
        }
        let entries = runs as f64 * self.trace.output.entries() as f64;
        let error = (squares.iter().sum::<f64>() / entries / samples as f64).sqrt();
        let precise = error <= DRAWN * self.error_at(bits);
        let kept = || keeps_answers(&self.trace.output, |s| (squares[s] / entries).sqrt());
        if !(precise || (self.answers && kept())) {
            return Ok(None);
        }
        let precision = self.precision(&first, &lowered, scales);
        Ok(Some(Choice { params, program: lowered.program, error, precision }))
    }

    /// The precision of every step, from the values of one simulation.
    fn precision(&self, values: &[Batch], lowered: &Lowered, scales: &Scales) -> Vec<Option<f64>> {
        let mut precision = vec![None; lowered.program.steps.len()];
        let bits = |of: f64, error: f64| (of > 0.0 && error > 0.0).then(|| (of / error).log2());
        for (k, &source) in lowered.sources.iter().enumerate().skip(1) {
            let mut exact = self.trace.values[k].clone();
            let factors = &scales.factors[k - 1];
            exact.for_each_row(|r, row| row.iter_mut().for_each(|x| *x *= factors[r]));
            precision[source - 1] = bits(exact.rms(), values[source].minus(&exact).rms());
        }
        if let (Some(last), Some(results)) = (precision.last_mut(), values.last()) {
            *last = bits(self.ranges.spread, results.minus(&self.trace.output).rms());
        }
        precision
    }

    fn runs(&self) -> u64 {
        let layers = self.network.squares.iter().chain([&self.network.output]);
        let entries: usize = layers.map(|layer| layer.entries()).sum();
        let work = (entries.max(1) * self.trace.samples().max(1)) as u64;
        (RUNS_WORK / work).clamp(RUNS.0, RUNS.1)
    }

    /// Whether results stay in the range that the modulus has room for under more noise than there
    /// will be.
    fn is_calm(&self, simulator: &Simulator<'_>) -> bool {
        let room = self.headroom.exp2() / 2.0;
        STRESS_RUNS.into_iter().all(|seed| {
            let values = simulator.run(&self.trace.values[0], seed, STRESS);
            values.last().is_none_or(|results| results.largest() <= room)
        })
    }
}
