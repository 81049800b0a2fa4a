//! Squares relinearised at once, or their sums afterwards: the same program either way, on one engine.
//!
//! Plans are lazy. The eager program is made of the lazy one: each square whose sums would be switched gets a
//! step of its own, an identity with a switch that drops no prime, and the layer reads its two components. It
//! keeps the lazy program's primes and scales, which is too kind to it: a square stands at a far smaller
//! scale than a sum, and the noise of its switch eats into what it holds (`docs/notes/key-switch.md`).

use crate::Failure;
use crate::measure::Runs;
use crate::sweep::Relinearised;
use cipherbatch::Plan;
use cipherbatch::device::cpu::CpuEngine;
use cipherbatch::plan::{Program, Step, Term, Value};
use cipherbatch::ring::BlockMatrix;
use cipherbatch::schedule::{Evaluate, Runner};
use cipherbatch::scheme::{Encoding, SecretKey, Switch};
use ndarray::{Array2, ArrayD, Axis};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

/// Ciphertexts that are brought from three components to two, for one batch.
pub fn key_switches(program: &Program) -> usize {
    let steps = program.steps.iter();
    let switched = steps.filter(|s| s.switch.is_some() && s.terms.iter().any(|t| t.squared));
    switched.map(|s| s.value.rows).sum()
}

/// The same layers with their squares relinearised before they are summed.
fn eager(program: &Program) -> Program {
    let mut out = Program { input: program.input, steps: Vec::new() };
    // Where each source of the lazy program is, and where its squares are.
    let mut sources = vec![0];
    let mut squares: HashMap<usize, usize> = HashMap::new();
    for step in &program.steps {
        let mut terms = Vec::new();
        for term in &step.terms {
            let mut term = Term { source: sources[term.source], ..term.clone() };
            if let (true, Some(_)) = (term.squared, step.switch) {
                let from = term.source;
                term.source = *squares.entry(from).or_insert_with(|| {
                    let read = out.source(from).copied().unwrap_or(program.input);
                    out.steps.push(squaring(from, read, &step.name));
                    out.steps.len()
                });
                term.squared = false;
            }
            terms.push(term);
        }
        let switch = step.switch.map(|switch| Switch::by(switch.rescale));
        out.steps.push(Step { terms, switch, ..step.clone() });
        sources.push(out.steps.len());
    }
    out
}

/// The squares of a value, relinearised.
fn squaring(source: usize, read: Value, before: &str) -> Step {
    let rows = read.rows;
    let term =
        Term { source, squared: true, matrix: BlockMatrix::identity(rows), weight_scale: 1.0 };
    Step {
        name: format!("squares for \"{before}\""),
        shape: vec![rows],
        terms: vec![term],
        bias: vec![0; rows],
        switch: Some(Switch::by(0)),
        value: Value { scale: read.scale.powi(2), range: read.range.powi(2), ..read },
    }
}

/// Runs either program on the processor; the door knows lazy plans alone.
///
/// # Errors
/// Where it does not fit.
pub fn run(
    plan: &Plan,
    when: Relinearised,
    images: &ArrayD<f32>,
    runs: usize,
) -> Result<(Program, Runs), Failure> {
    let program = match when {
        Relinearised::Lazily => plan.program().clone(),
        Relinearised::Eagerly => eager(plan.program()),
    };
    let params = plan.parameters();
    program.check(params)?;
    let secret = SecretKey::generate(params)?;
    let engine = CpuEngine::open(params, Some(&secret.relin_key()?))?;
    let runner = Runner::new(engine, params, Arc::new(program.clone()), None)?;
    let (device, memory) = (runner.device(), runner.memory());
    let mut out = Runs { device, memory, ..Runs::default() };

    let input = program.input;
    let (low, high) = plan.input_range();
    let range = f64::from(low.abs().max(high.abs()));
    let encoding = Encoding { level: input.level, scale: input.scale, range };
    let count = images.len_of(Axis(0)).min(plan.slots());
    let flat: Vec<f32> = images.iter().copied().collect();
    let fill = |row: usize, slots: &mut [f64]| {
        let of_slot = |slot: usize| f64::from(flat[slot % count * input.rows + row]);
        slots.iter_mut().enumerate().for_each(|(slot, value)| *value = of_slot(slot));
    };
    for run in 0..=runs {
        let clock = Instant::now();
        let batch = secret.encrypt(input.rows, encoding, fill)?;
        let encrypt = clock.elapsed().as_secs_f64();
        let (answer, spent) = runner.evaluate(&batch, &mut |_| ())?;
        let evaluate = (spent.upload + spent.evaluate + spent.download).as_secs_f64();
        let clock = Instant::now();
        let columns = secret.decrypt(&answer, program.output().scale);
        let decrypt = clock.elapsed().as_secs_f64();
        if run > 0 {
            out.note([encrypt, evaluate, decrypt]);
        }
        let columns = Array2::from_shape_vec((program.output().rows, plan.slots()), columns)?;
        out.found = columns.t().mapv(|value| value as f32).into_dyn();
    }
    Ok((program, out))
}
