//! A plan as bytes: for the party that did not make it, and for tomorrow.
//!
//! `CBPLAN`, a version in two bytes, the digest in 32, then the content (postcard: integers by seven
//! bits a byte, floats as they are, sequences with their length first). A reader trusts none of it:
//! the parameters are checked as anybody's, security included; matrices and program likewise; and
//! the digest must be that of what was read.

use super::digest::Digest;
use super::{Plan, PlanError, Program, Step, Term, Value, entries};
use crate::ring::{Block, BlockMatrix, MatrixError};
use crate::scheme::{ParameterError, Parameters, ParametersLiteral, Switch};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use thiserror::Error;

const MAGIC: &[u8; 6] = b"CBPLAN";
const VERSION: u16 = 5;
const HEAD: usize = MAGIC.len() + 2 + 32;

/// Why bytes are no plan.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum PlanFileError {
    /// Something else.
    #[error("not a plan of cipherbatch: it does not begin with \"CBPLAN\"")]
    Foreign,
    /// Of another version of this program.
    #[error("a plan of format {found}; this program reads format {VERSION}: make the plan again")]
    Version { found: u16 },
    /// Cut off, or changed.
    #[error("the plan is damaged: {0}; copy the file again")]
    Damaged(String),
    /// Not what its name says.
    #[error(
        "the plan is damaged: its digest is {found}, {stored} is written in it; copy the file again"
    )]
    Digest { found: Digest, stored: Digest },
    /// Weaker than 128 bits, or no parameters at all.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// A program that cannot run.
    #[error(transparent)]
    Program(#[from] PlanError),
}

#[derive(Serialize, Deserialize)]
struct StoredMatrix {
    inputs: usize,
    columns: Vec<u32>,
    rows: Vec<u32>,
    weights: Vec<i32>,
    blocks: Vec<Block>,
}

#[derive(Serialize, Deserialize)]
struct StoredTerm {
    source: usize,
    squared: bool,
    matrix: StoredMatrix,
    weight_scale: f64,
}

#[derive(Serialize, Deserialize)]
struct StoredStep {
    name: String,
    shape: Vec<usize>,
    terms: Vec<StoredTerm>,
    bias: Vec<i128>,
    switch: Option<Switch>,
    value: Value,
    precision: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct StoredPlan {
    literal: ParametersLiteral,
    input: Value,
    steps: Vec<StoredStep>,
    input_shape: Vec<usize>,
    output_shape: Vec<usize>,
    input_range: (f32, f32),
    predicted_error: f64,
}

impl From<&BlockMatrix> for StoredMatrix {
    fn from(m: &BlockMatrix) -> Self {
        Self {
            inputs: m.inputs(),
            columns: m.columns().to_vec(),
            rows: m.rows().to_vec(),
            weights: m.weights().to_vec(),
            blocks: m.blocks().to_vec(),
        }
    }
}

impl TryFrom<StoredMatrix> for BlockMatrix {
    type Error = MatrixError;

    fn try_from(m: StoredMatrix) -> Result<Self, MatrixError> {
        BlockMatrix::from_parts(m.inputs, m.columns, m.rows, m.weights, m.blocks)
    }
}

impl StoredStep {
    fn new(step: &Step, precision: Option<f64>) -> Self {
        let terms = step.terms.iter().map(|t| StoredTerm {
            source: t.source,
            squared: t.squared,
            matrix: (&t.matrix).into(),
            weight_scale: t.weight_scale,
        });
        Self {
            name: step.name.clone(),
            shape: step.shape.clone(),
            terms: terms.collect(),
            bias: step.bias.clone(),
            switch: step.switch,
            value: step.value,
            precision,
        }
    }

    fn step(self) -> Result<Step, PlanFileError> {
        let Self { name, shape, terms, bias, switch, value, precision: _ } = self;
        let term = |t: StoredTerm| {
            let matrix = BlockMatrix::try_from(t.matrix)
                .map_err(|error| PlanFileError::Damaged(format!("layer {name}: {error}")))?;
            let StoredTerm { source, squared, weight_scale, .. } = t;
            Ok(Term { source, squared, matrix, weight_scale })
        };
        let terms = terms.into_iter().map(term).collect::<Result<_, PlanFileError>>()?;
        Ok(Step { name, shape, terms, bias, switch, value })
    }
}

impl Plan {
    /// The plan as bytes, which are the same for the same plan.
    pub fn to_bytes(&self) -> Vec<u8> {
        let steps = self.program.steps.iter().zip(&self.precision);
        let stored = StoredPlan {
            literal: self.params.literal().clone(),
            input: self.program.input,
            steps: steps.map(|(step, &precision)| StoredStep::new(step, precision)).collect(),
            input_shape: self.input_shape.clone(),
            output_shape: self.output_shape.clone(),
            input_range: self.input_range,
            predicted_error: self.predicted_error,
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.digest.bytes());
        postcard::to_extend(&stored, bytes).expect("a vector takes any number of bytes")
    }

    /// The plan that [`to_bytes`](Self::to_bytes) wrote. Only plans of 128-bit security are read.
    ///
    /// # Errors
    /// [`PlanFileError`], whatever the bytes are.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PlanFileError> {
        let (head, content) = bytes.split_at_checked(HEAD).ok_or(PlanFileError::Foreign)?;
        let (magic, rest) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(PlanFileError::Foreign);
        }
        let (version, digest) = rest.split_at(2);
        let found = u16::from_le_bytes([version[0], version[1]]);
        if found != VERSION {
            return Err(PlanFileError::Version { found });
        }
        let damaged = |what: &str| PlanFileError::Damaged(what.to_owned());
        let stored = digest.try_into().map_err(|_| damaged("no digest"))?;
        let stored = Digest::new(stored);
        let (plan, left): (StoredPlan, _) = postcard::take_from_bytes(content)
            .map_err(|e| PlanFileError::Damaged(e.to_string()))?;
        if !left.is_empty() {
            return Err(damaged("bytes are left over"));
        }
        let params = Parameters::new(plan.literal)?;
        let precision = plan.steps.iter().map(|step| step.precision).collect();
        let steps = plan.steps.into_iter().map(StoredStep::step).collect::<Result<_, _>>()?;
        let program = Program { input: plan.input, steps };
        program.check(&params)?;
        // A bound on what the input's rows, for which there are no bytes, may make others allocate.
        let fits = entries(&plan.input_shape) == Some(program.input.rows)
            && entries(&plan.output_shape) == Some(program.output().rows);
        let (low, high) = plan.input_range;
        if !(fits && low.is_finite() && high.is_finite() && low < high) {
            return Err(damaged("shapes or range do not fit the program"));
        }
        let shapes = [&plan.input_shape[..], &plan.output_shape];
        let digest = Digest::of(params.literal(), &program, shapes, plan.input_range);
        if digest != stored {
            return Err(PlanFileError::Digest { found: digest, stored });
        }
        Ok(Self {
            params,
            program: Arc::new(program),
            input_shape: plan.input_shape,
            output_shape: plan.output_shape,
            input_range: plan.input_range,
            predicted_error: plan.predicted_error,
            precision,
            digest,
        })
    }
}
