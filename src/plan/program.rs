//! The program: what is computed, layer by layer, in integers.

use super::PlanError;
use crate::ring::BlockMatrix;
use crate::scheme::{Parameters, Switch};
use serde::{Deserialize, Serialize};

/// What is known of a value before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Ciphertexts: entries of the layer's result.
    pub rows: usize,
    /// Primes left.
    pub level: usize,
    /// Whether these are the primes that results have of their own.
    pub of_results: bool,
    /// 2, or 3 where squares were not relinearised.
    pub components: usize,
    /// An entry v of the network is held as v·scale.
    pub scale: f64,
    /// The largest |v| expected.
    pub range: f64,
}

impl Value {
    /// Whether its scale and range are such numbers at all.
    fn is_sound(&self) -> bool {
        self.scale.is_finite() && self.scale > 0.0 && self.range.is_finite() && self.range >= 0.0
    }
}

/// One summand of a step.
#[derive(Clone, Debug)]
pub struct Term {
    /// 0 is the encrypted input, k the result of step k − 1.
    pub source: usize,
    /// Whether the source is squared slot by slot first.
    pub squared: bool,
    /// Integer weights: the real ones times `weight_scale`, rounded.
    pub matrix: BlockMatrix,
    /// The factor, not necessarily a power of two.
    pub weight_scale: f64,
}

/// A linear layer of squares and inputs, and the way down after it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The layer it comes from.
    pub name: String,
    /// The tensor that its rows are in the network: `[8, 28, 28]`; `[rows]` where they are none.
    pub shape: Vec<usize>,
    /// What is summed.
    pub terms: Vec<Term>,
    /// Integers added to each row, at the scale before rescaling.
    pub bias: Vec<i128>,
    /// Whether and how the result is brought down.
    pub switch: Option<Switch>,
    /// The result, after the switch.
    pub value: Value,
}

impl Step {
    /// The level at which the sum is computed.
    pub fn level(&self) -> usize {
        match self.switch {
            // All that the sum has go.
            Some(Switch { to_results: true, rescale, .. }) => rescale,
            switch => self.value.level.saturating_add(switch.map_or(0, |s| s.rescale)),
        }
    }

    /// Whether the sum is computed modulo the primes of results.
    pub fn is_of_results(&self) -> bool {
        self.value.of_results && !self.switch.is_some_and(|s| s.to_results)
    }

    /// log₂ of what the switch divides by.
    pub(super) fn dropped(&self, params: &Parameters) -> f64 {
        let [sum, value] = [self.is_of_results(), self.value.of_results]
            .map(|of_results| if of_results { params.results() } else { params.basis() });
        sum.log2_q(self.level()) - value.log2_q(self.value.level)
    }
}

/// Steps in order; the last one's result is the answer.
#[derive(Clone, Debug)]
pub struct Program {
    /// The encrypted input.
    pub input: Value,
    /// One step a layer.
    pub steps: Vec<Step>,
}

impl Program {
    /// The value of a source: 0 is the input, k the result of step k − 1.
    pub fn source(&self, source: usize) -> Option<&Value> {
        match source {
            0 => Some(&self.input),
            k => self.steps.get(k - 1).map(|s| &s.value),
        }
    }

    /// The answer's value.
    pub fn output(&self) -> &Value {
        self.steps.last().map_or(&self.input, |s| &s.value)
    }

    /// Whether ciphertexts are ever relinearised.
    pub fn needs_relin_key(&self) -> bool {
        self.steps.iter().any(|s| s.switch.is_some() && s.terms.iter().any(|t| t.squared))
    }

    /// Modular multiply-adds for one slot: a matrix entry counts once a prime and component.
    pub fn multiply_adds(&self) -> usize {
        let of_step = |s: &Step| {
            let of_term = |t: &Term| t.matrix.multiply_adds() * if t.squared { 3 } else { 2 };
            s.level() * s.terms.iter().map(of_term).sum::<usize>()
        };
        self.steps.iter().map(of_step).sum()
    }

    /// A dry run over levels, scales and ranges.
    ///
    /// # Errors
    /// [`PlanError::Check`] or [`PlanError::Overflow`], naming the first layer that does not fit.
    pub fn check(&self, params: &Parameters) -> Result<(), PlanError> {
        if self.steps.is_empty() || self.input.components != 2 || !self.input.is_sound() {
            let reason =
                "a fresh ciphertext of a sound scale, and a step that reads it, are needed";
            return Err(PlanError::Check { layer: "input".into(), reason: reason.into() });
        }
        let most = params.levels();
        if !(1..=most).contains(&self.input.level) || self.input.of_results {
            let reason = format!("{} primes of {most}", self.input.level);
            return Err(PlanError::Check { layer: "input".into(), reason });
        }
        for (index, step) in self.steps.iter().enumerate() {
            let fail = |reason: String| PlanError::Check { layer: step.name.clone(), reason };
            let (level, value) = (step.level(), &step.value);
            if level == 0 || value.level == 0 || step.terms.is_empty() {
                return Err(fail("no prime or no input is left".into()));
            }
            if !value.is_sound() {
                return Err(fail(format!("scale {} and range {}", value.scale, value.range)));
            }
            let entries = step.shape.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim));
            if entries != Some(value.rows) {
                return Err(fail(format!("shape {:?} for {} values", step.shape, value.rows)));
            }
            let (of_results, own) = (step.is_of_results(), params.first_of_results() > 0);
            let primes = if of_results { params.results() } else { params.basis() };
            let most = if of_results { primes.len() } else { most };
            let behind = step.switch.map_or(0, |s| s.digits.behind());
            if level.saturating_add(behind) > most {
                return Err(fail(format!("no prime is behind a sum at level {level} of {most}")));
            }
            let lands = step.switch.is_some_and(|s| s.to_results);
            if (value.of_results && !own)
                || (lands && (!value.of_results || value.level != params.results().len()))
                || (of_results && step.switch.is_some())
            {
                let reason =
                    format!("{:?} leads to {} primes of results", step.switch, value.level);
                return Err(fail(reason));
            }
            let scale = value.scale.log2() + step.dropped(params);
            let mut components = 2;
            for t in &step.terms {
                let source = (t.source <= index).then(|| self.source(t.source)).flatten();
                let source =
                    source.ok_or_else(|| fail(format!("source {} is not there yet", t.source)))?;
                if source.of_results != of_results {
                    let reason = format!("source {} is modulo other primes", t.source);
                    return Err(fail(reason));
                }
                if source.level < level {
                    return Err(fail(format!(
                        "source {} is at level {}, {level} needed",
                        t.source, source.level
                    )));
                }
                if t.squared && source.components != 2 {
                    return Err(fail(format!(
                        "source {} has three components and cannot be squared",
                        t.source
                    )));
                }
                let power = if t.squared { 2.0 } else { 1.0 };
                let found = power * source.scale.log2() + t.weight_scale.log2();
                // Written so that NaN fails.
                let arrives = (found - scale).abs() <= 1e-6;
                if !arrives {
                    return Err(fail(format!(
                        "source {} arrives at scale 2^{found:.4}, 2^{scale:.4} needed",
                        t.source
                    )));
                }
                if (t.matrix.inputs(), t.matrix.outputs()) != (source.rows, value.rows) {
                    return Err(fail(format!(
                        "a {}x{} matrix stands between {} and {} values",
                        t.matrix.outputs(),
                        t.matrix.inputs(),
                        source.rows,
                        value.rows
                    )));
                }
                components = components.max(if t.squared { 3 } else { source.components });
            }
            if step.bias.len() != value.rows {
                return Err(fail(format!(
                    "{} constants for {} values",
                    step.bias.len(),
                    value.rows
                )));
            }
            let left = if step.switch.is_some() { 2 } else { components };
            if left != value.components {
                return Err(fail(format!("{left} components, {} declared", value.components)));
            }
            let (needed, there) = (scale + value.range.log2() + 1.0, primes.log2_q(level));
            let holds = needed <= there;
            if !holds {
                return Err(PlanError::Overflow {
                    layer: step.name.clone(),
                    range: value.range,
                    scale_bits: scale,
                    needed,
                    there,
                });
            }
        }
        Ok(())
    }
}
