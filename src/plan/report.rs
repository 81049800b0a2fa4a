//! A plan in words and figures: what every layer is, costs and loses.

use super::search::{CostModel, Peaks};
use super::{Plan, Step};
use crate::ring::{Basis, Shape};
use crate::scheme::Digits;
use serde::Serialize;

/// One step of a program.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// The layer that it comes from.
    pub layer: String,
    /// `sum`, `sum of squares`, `lift` (exact factors), or `result`.
    pub kind: &'static str,
    /// The tensor that its values are: `[8, 28, 28]`; `[values]` where they are none of the network's.
    pub shape: Vec<usize>,
    /// Ciphertexts that it makes.
    pub ciphertexts: usize,
    /// Weights that it has, zeros of kernels included.
    pub weights: usize,
    /// Primes at its sum.
    pub level: usize,
    /// Primes that go after it.
    pub rescale: usize,
    /// The digits of its key switches.
    pub digits: Digits,
    /// log₂ of the scale of its result.
    pub scale_bits: f64,
    /// The largest absolute value expected, in the units in which the scale is one.
    pub range: f64,
    /// log₂ of how much larger values are than their errors, by simulation.
    pub precision_bits: Option<f64>,
    /// Ciphertexts that are brought back from three components to two.
    pub key_switches: usize,
    /// Bytes of its result.
    pub bytes: u64,
    /// Predicted seconds for a full batch on two cores of a server.
    pub cpu_seconds: f64,
    /// Seconds that a full batch takes at least on the device of [`PlanReport::gpu`]: an estimate
    /// from its peaks, not measured.
    pub gpu_seconds_at_peak: f64,
}

/// All that there is to say before anything runs.
#[derive(Clone, Debug, Serialize)]
pub struct PlanReport {
    /// The plan's name, in hexadecimal.
    pub digest: String,
    /// N, and as many inputs in one batch.
    pub ring_degree: usize,
    /// The modulus's primes.
    pub primes: Vec<u32>,
    /// The primes that results have of their own, if any.
    pub result_primes: Vec<u32>,
    /// log₂ of the modulus.
    pub log2_q: f64,
    /// The largest log₂ Q at 128-bit security for this ring; `None` for insecure rings.
    pub log2_q_bound: Option<f64>,
    /// 128, or 0 for insecure rings.
    pub security_bits: u32,
    /// Squarings on the longest path.
    pub squarings: usize,
    /// log₂ of the scale of an encryption.
    pub input_scale_bits: f64,
    /// Ciphertexts of the input.
    pub input_ciphertexts: usize,
    /// Bytes of an encrypted batch as it travels, in a file of 124 bytes more.
    pub upload_bytes: u64,
    /// Bytes of the answer to it, in a file of 124 bytes more.
    pub answer_bytes: u64,
    /// Bytes of the relinearisation key as it travels, in a file of 100 bytes more.
    pub key_bytes: u64,
    /// The predicted standard deviation of the results' error.
    pub predicted_error: f64,
    /// Predicted seconds for a full batch on two cores of a server.
    pub cpu_seconds: f64,
    /// The GPU whose published peaks the estimate divides by.
    pub gpu: &'static str,
    /// Seconds that a full batch takes at least on that GPU, transfers and launches apart: an
    /// estimate from its peaks, not measured.
    pub gpu_seconds_at_peak: f64,
    /// Step by step.
    pub steps: Vec<StepReport>,
}

impl Plan {
    /// The plan in figures.
    pub fn report(&self) -> PlanReport {
        let (params, program) = (&self.params, &self.program);
        let (degree, primes) = (params.degree(), params.levels());
        let bytes = |polynomials: usize| 4 * (polynomials * degree) as u64;
        let steps = program.steps.iter().zip(&self.precision).enumerate();
        let last = program.steps.len().saturating_sub(1);
        let steps: Vec<StepReport> = steps
            .map(|(index, (step, &precision_bits))| {
                let value = &step.value;
                let switched =
                    if step.switch.is_some() && reads_squares(step) { value.rows } else { 0 };
                StepReport {
                    layer: step.name.clone(),
                    kind: kind(step, index == last),
                    shape: step.shape.clone(),
                    ciphertexts: value.rows,
                    weights: step.terms.iter().map(|t| t.matrix.multiply_adds()).sum(),
                    level: step.level(),
                    rescale: step.switch.map_or(0, |s| s.rescale),
                    digits: step.switch.unwrap_or_default().digits,
                    scale_bits: value.scale.log2(),
                    range: value.range,
                    precision_bits,
                    key_switches: switched,
                    bytes: bytes(value.rows * value.components * value.level),
                    cpu_seconds: seconds(degree, step, &CostModel::CPU),
                    gpu_seconds_at_peak: seconds(degree, step, &CostModel::GPU),
                }
            })
            .collect();
        let output = program.output();
        // As files hold them: packed, the uniform halves of fresh ciphertexts as a seed.
        let packed = |basis: &Basis, primes: usize, components: usize, rows: usize| {
            let shape = Shape { primes, components, rows, degree };
            basis.packed_bytes(shape).unwrap_or(u64::MAX).saturating_add(32)
        };
        PlanReport {
            digest: self.digest.to_string(),
            ring_degree: degree,
            primes: params.literal().primes.clone(),
            result_primes: params.literal().result_primes.clone(),
            log2_q: params.log2_q(),
            log2_q_bound: crate::scheme::log2_q_bound(degree)
                .filter(|_| params.security_bits() > 0),
            security_bits: params.security_bits(),
            squarings: squarings(&program.steps),
            input_scale_bits: program.input.scale.log2(),
            input_ciphertexts: program.input.rows,
            upload_bytes: packed(params.basis(), program.input.level, 1, program.input.rows),
            answer_bytes: packed(params.results(), output.level, output.components, output.rows),
            key_bytes: if program.needs_relin_key() {
                packed(params.basis(), primes, 1, primes)
            } else {
                0
            },
            predicted_error: self.predicted_error,
            cpu_seconds: steps.iter().map(|s| s.cpu_seconds).sum(),
            gpu: Peaks::H100_SXM.name,
            gpu_seconds_at_peak: steps.iter().map(|s| s.gpu_seconds_at_peak).sum(),
            steps,
        }
    }
}

fn reads_squares(step: &Step) -> bool {
    step.terms.iter().any(|t| t.squared)
}

fn kind(step: &Step, last: bool) -> &'static str {
    // A lift multiplies each of its inputs by one number and adds nothing.
    let one = |step: &Step| {
        step.terms.len() == 1 && step.terms[0].matrix.multiply_adds() == step.value.rows
    };
    match (last, reads_squares(step)) {
        (true, _) => "result",
        (false, true) => "sum of squares",
        (false, false) if one(step) && step.switch.is_none() && step.level() > 1 => "lift",
        (false, false) => "sum",
    }
}

fn seconds(degree: usize, step: &Step, cost: &CostModel) -> f64 {
    let of_term =
        |t: &super::Term| t.matrix.multiply_adds() as f64 * if t.squared { 3.0 } else { 2.0 };
    let weights = step.terms.iter().map(of_term).sum();
    let rows = step.value.rows as f64;
    let linear = cost.linear(degree, step.level(), weights, rows);
    match step.switch {
        Some(switch) if reads_squares(step) => {
            linear + cost.switch(degree, step.level(), switch, rows)
        }
        _ => linear,
    }
}

/// Squarings on the longest path.
fn squarings(steps: &[Step]) -> usize {
    let mut depths = vec![0];
    for step in steps {
        let of_term = |t: &super::Term| depths[t.source] + usize::from(t.squared);
        depths.push(step.terms.iter().map(of_term).max().unwrap_or(0));
    }
    depths.into_iter().max().unwrap_or(0)
}
