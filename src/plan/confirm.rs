//! The simulator's word on a choice: lowered, checked, run, and held to the wanted precision.

use super::batch::Batch;
use super::lower::{Lowered, lower};
use super::precision::keeps_answers;
use super::ranges::Ranges;
use super::search::Scales;
use super::simulate::Simulator;
use super::trace::Trace;
use super::{PlanError, Program};
use crate::model::NormalForm;
use crate::scheme::Parameters;

/// Runs of the simulator that confirm a choice: few for large networks, as many for small ones as
/// take so many multiply-adds, since a few values with large errors can decide.
const RUNS: (u64, u64) = (2, 16);
const RUNS_WORK: u64 = 200_000_000;

/// Runs of the simulator under more noise, and where their seeds begin.
const STRESS_RUNS: std::ops::Range<u64> = 1000..1002;

/// Noise of this many times its size must not drive results out of their range. A slot keeps the noise
/// of its keys through all layers: that of a rescaling goes with the secret's value there, a normal
/// number, and among 2¹³ to 2¹⁵ slots some is four times as large as usual. Polynomials of higher degrees
/// run away beyond the values that they were fitted to, and one that does destroys its batch: with degree
/// 6 for ReLU, 12 of 4,000 images ran away at 3.2 bits, none at 4.2; and a plan of 3.0 bits that was calm
/// under twice its noise lost the first batch of 1,000 images.
const STRESS: f64 = 4.0;

/// By how much a simulated error may exceed the wanted one: it is drawn.
pub const DRAWN: f64 = 1.1;

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

/// What choices are held to.
pub struct Confirmer<'a> {
    pub network: &'a NormalForm,
    pub trace: &'a Trace,
    pub ranges: &'a Ranges,
    /// What the result's modulus holds beyond the scale, in bits: sign, range and margin.
    pub headroom: f64,
    /// Whether answers decide, and not the results' error.
    pub answers: bool,
    /// Whether every ring has a bound; only [`Plan::new_insecure`](super::Plan::new_insecure) offers
    /// one that has none.
    pub secure: bool,
}

/// What simulations gave.
struct Simulated {
    params: Parameters,
    lowered: Lowered,
    /// Every source's values in one of them.
    values: Vec<Batch>,
    /// The mean square of each sample's errors.
    squares: Vec<f64>,
    /// The standard deviation of the results' error.
    error: f64,
}

impl Confirmer<'_> {
    /// The standard deviation of the results' error at a precision.
    pub fn error_at(&self, bits: f64) -> f64 {
        self.ranges.spread * (-bits).exp2()
    }

    /// The program for these scales, if the simulator finds it precise enough.
    ///
    /// # Errors
    /// [`PlanError`] where there is no program for them.
    pub fn confirm(&self, scales: &Scales, bits: f64) -> Result<Option<Choice>, PlanError> {
        let Some(simulated) = self.simulate(scales)? else { return Ok(None) };
        let Simulated { params, lowered, values, squares, error } = simulated;
        let precise = error <= DRAWN * self.error_at(bits);
        let kept = || keeps_answers(&self.trace.output, |s| squares[s].sqrt());
        if !(precise || (self.answers && kept())) {
            return Ok(None);
        }
        let precision = self.precision(&values, &lowered, scales);
        Ok(Some(Choice { params, program: lowered.program, error, precision }))
    }

    /// The standard deviation of the results' error as simulated; `None` where results run away under
    /// more noise than there will be.
    ///
    /// # Errors
    /// As [`confirm`](Self::confirm).
    pub fn error_of(&self, scales: &Scales) -> Result<Option<f64>, PlanError> {
        Ok(self.simulate(scales)?.map(|simulated| simulated.error))
    }

    fn simulate(&self, scales: &Scales) -> Result<Option<Simulated>, PlanError> {
        let literal = scales.literal.clone();
        let params = match self.secure {
            true => Parameters::new(literal)?,
            false => Parameters::new_insecure(literal)?,
        };
        let lowered = lower(self.network, self.ranges, scales)?;
        lowered.program.check(&params)?;
        let simulator = Simulator::new(&lowered.program, &params);
        if !self.is_calm(&simulator) {
            return Ok(None);
        }
        let samples = self.trace.samples();
        let mut squares = vec![0.0; samples];
        let runs = self.runs();
        let values = simulator.run(&self.trace.values[0], 0, 1.0);
        for seed in 0..runs {
            let drawn = (seed > 0).then(|| simulator.run(&self.trace.values[0], seed, 1.0));
            let Some(results) = drawn.as_ref().unwrap_or(&values).last() else { continue };
            for row in results.minus(&self.trace.output).rows() {
                squares.iter_mut().zip(row).for_each(|(sum, e)| *sum += e * e);
            }
        }
        let entries = runs as f64 * self.trace.output.entries() as f64;
        let error = (squares.iter().sum::<f64>() / entries / samples as f64).sqrt();
        squares.iter_mut().for_each(|sum| *sum /= entries);
        Ok(Some(Simulated { params, lowered, values, squares, error }))
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
