//! The choice of parameters and scales for a network: the cheapest that the simulator confirms.

use super::batch::Batch;
use super::confirm::{Choice, Confirmer};
use super::precision::{FEWEST_BITS, USUAL_BITS, fewest_bits};
use super::ranges::{Ranges, probes};
use super::search::{self, CostModel, Levels, Scales, Search, Work};
use super::sensitivity::Sensitivity;
use super::trace::Trace;
use super::{PlanError, PlanOptions, SAMPLES};
use crate::model::NormalForm;
use crate::scheme::noise;
use ndarray::{ArrayD, ArrayViewD, Axis, Slice};

/// Made-up inputs say less about the real ones than a calibration batch does: so many bits more are
/// kept above the results that they give, and where there is room for them below, too.
const UNSURE_BITS: f64 = 3.0;

/// Choices that are put to the simulator, ring by ring, each with an error of at most this share of
/// that of the one before.
const TRIES: usize = 8;
const BETTER: f64 = 0.85;

/// Where nothing is precise enough, what would be is looked for in tenths of a bit, so many below and
/// above what was reached: [`WORTH`] and [`DRAWN`](super::confirm::DRAWN) hide half a bit. Less than
/// a bit is of no use.
const TENTHS: (i32, i32) = (9, 7);
const LEAST_TENTHS: i32 = 10;

/// Where the wanted precision is out of reach, a dearer choice must lower the error to this share.
const WORTH: f64 = 0.75;

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
    let answers = options.precision_bits.is_none() && options.calibration.is_some();
    let chooser = Chooser {
        rings,
        network,
        sensitivity: &sensitivity,
        work: Work::of(network),
        unsure,
        confirmer: Confirmer {
            network,
            trace: &trace,
            ranges: &ranges,
            headroom: 1.0
                + options.margin_bits
                + unsure
                + ranges.output.max(f64::MIN_POSITIVE).log2(),
            answers,
            secure: rings.iter().all(|ring| ring.1.is_finite()),
        },
    };
    // Where nothing is as precise as it might be, the best there is may be precise enough.
    let least = if answers { bits.min(FEWEST_BITS) } else { bits };
    match chooser.run(bits, least)? {
        Outcome::Confirmed(choice) => Ok(*choice),
        Outcome::Short(Some(best)) => Err(chooser.refusal(&best, least, options)),
        Outcome::Short(None) => Err(chooser.too_deep()),
    }
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

/// What a search over all rings came to.
enum Outcome {
    Confirmed(Box<Choice>),
    /// The most precise scales there are, where any fit a modulus at all.
    Short(Option<Box<Scales>>),
}

struct Chooser<'a> {
    rings: &'a [(usize, f64)],
    network: &'a NormalForm,
    sensitivity: &'a Sensitivity,
    work: Work,
    /// Bits that made-up inputs cost.
    unsure: f64,
    confirmer: Confirmer<'a>,
}

impl Chooser<'_> {
    /// The cheapest choice of the smallest ring that reaches `bits`, or else the most precise one, if
    /// it reaches `least`.
    fn run(&self, bits: f64, least: f64) -> Result<Outcome, PlanError> {
        let confirmer = &self.confirmer;
        let mut best: Option<Scales> = None;
        for &ring in self.rings {
            let typical = typical(ring.0, self.network.depth());
            let ranges = confirmer.ranges;
            let built = search::Network::new(self.network, ranges, self.sensitivity, &typical);
            let search = Search::new(&built, &self.work, CostModel::CPU, confirmer.headroom, ring);
            let wanted = confirmer.error_at(bits + self.unsure);
            let mut aim = wanted;
            let mut found = match search.cheapest(aim) {
                Err(none) => none,
                // Mostly it is confirmed, and nothing else need be found.
                Ok(scales) => {
                    if let Some(choice) = confirmer.confirm(&scales, bits + self.unsure)? {
                        return Ok(Outcome::Confirmed(Box::new(choice)));
                    }
                    aim = scales.error() * BETTER;
                    search.run(wanted)
                }
            };
            for _ in 1..TRIES {
                let precise = |s: &&Scales| s.error() <= aim;
                if aim < wanted && !found.iter().any(|s| precise(&s)) {
                    found = search.run(aim);
                }
                let Some(scales) = found.iter().find(precise) else { break };
                if let Some(choice) = confirmer.confirm(scales, bits + self.unsure)? {
                    return Ok(Outcome::Confirmed(Box::new(choice)));
                }
                aim = scales.error() * BETTER;
            }
            for scales in found {
                if best.as_ref().is_none_or(|b| scales.error() < b.error() * WORTH) {
                    best = Some(scales);
                }
            }
        }
        let confirmed = best.as_ref().map(|best| confirmer.confirm(best, least)).transpose()?;
        Ok(match confirmed.flatten() {
            Some(choice) => Outcome::Confirmed(Box::new(choice)),
            None => Outcome::Short(best.map(Box::new)),
        })
    }

    /// That the most precise scales there are do not suffice, and what would.
    fn refusal(self, best: &Scales, wanted: f64, options: &PlanOptions) -> PlanError {
        let shares = best.solution.weights.iter().zip(&best.solution.switches);
        let worst = shares.map(|(w, s)| w + s).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        let depths = self.network.depths();
        let of_depth = |depth| depths.iter().skip(1).position(|&d| d == depth);
        let layer = worst.and_then(|(depth, _)| of_depth(depth));
        let layer = layer.map_or(&self.network.output, |k| &self.network.squares[k]);
        let (network, predicted) =
            (self.network, (self.confirmer.ranges.spread / best.error()).log2());
        let works = self.nearest(best, wanted);
        PlanError::Precision {
            depth: network.depth(),
            reached: works.map_or(predicted, |works| works.max(predicted)),
            wanted,
            layer: layer.name.clone(),
            degree: best.literal.degree,
            primes: best.literal.primes.len(),
            calibrated: options.calibration.is_some(),
            works,
        }
    }

    /// The most bits, in tenths and below those wanted, that the simulator confirms where they are
    /// asked for, found by bisection.
    fn nearest(mut self, best: &Scales, wanted: f64) -> Option<f64> {
        self.confirmer.answers = false;
        let error = match self.confirmer.error_of(best) {
            Ok(Some(error)) => error,
            _ => best.error(),
        };
        let reached = (10.0 * (self.confirmer.ranges.spread / error).log2()).clamp(0.0, 1e6) as i32;
        let bits = |tenths: i32| f64::from(tenths) / 10.0;
        let mut works = None;
        let mut low = (reached - TENTHS.0).max(LEAST_TENTHS - 1);
        let mut refused = (reached + TENTHS.1).min((10.0 * wanted).ceil() as i32);
        while low + 1 < refused {
            let between = (low + refused) / 2;
            match self.run(bits(between), bits(between)) {
                Ok(Outcome::Confirmed(_)) => (works, low) = (Some(bits(between)), between),
                _ => refused = between,
            }
        }
        works
    }

    /// That no modulus has a prime for each squaring.
    fn too_deep(&self) -> PlanError {
        let most = self.rings.iter().map(|&ring| search::most_primes(ring)).max().unwrap_or(0);
        let depths = self.network.depths();
        let beyond =
            self.network.squares.iter().zip(&depths[1..]).find(|(_, depth)| **depth >= most);
        PlanError::Depth {
            depth: self.network.depth(),
            most,
            layer: beyond.map_or(&self.network.output, |(layer, _)| layer).name.clone(),
        }
    }
}
