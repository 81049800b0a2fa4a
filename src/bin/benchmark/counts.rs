//! What a program must do, layer by layer: the same on every device.

use cipherbatch::Plan;
use serde::Serialize;

/// One layer, for one full batch.
#[derive(Clone, Debug, Serialize)]
pub struct Counts {
    pub layer: String,
    /// `sum`, `sum of squares`, `lift` or `result`.
    pub kind: &'static str,
    /// Of its result: `[5, 13, 13]`.
    pub shape: Vec<usize>,
    /// Of residues.
    pub multiply_adds: f64,
    /// Ciphertexts.
    pub key_switches: usize,
    /// Every input read once, every result written once: no schedule moves less.
    pub bytes: f64,
}

impl Counts {
    /// Layer by layer.
    pub fn of(plan: &Plan) -> Vec<Self> {
        let (program, report) = (plan.program(), plan.report());
        let degree = plan.parameters().degree();
        let polynomial = (4 * degree) as f64;
        let layers = program.steps.iter().zip(report.steps);
        let counts = layers.map(|(step, told)| {
            let (mut entries, mut read) = (0, 0);
            for term in &step.terms {
                let components = program.source(term.source).map_or(2, |value| value.components);
                entries += term.matrix.multiply_adds() * if term.squared { 3 } else { components };
                read += step.level() * components * term.matrix.inputs();
            }
            let written = step.value.level * step.value.components * step.value.rows;
            Self {
                layer: told.layer,
                kind: told.kind,
                shape: told.shape,
                multiply_adds: (step.level() * entries * degree) as f64,
                key_switches: told.key_switches,
                bytes: (read + written) as f64 * polynomial,
            }
        });
        counts.collect()
    }
}
