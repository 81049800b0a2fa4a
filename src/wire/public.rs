//! The public plan: the numbers of the ring, of inputs and of results, one after another.

use super::WireError;
use super::file::{self, Access, Existing};
use super::frame::{Head, Kind, Reader, Writer};
use crate::plan::{Plan, PublicPlan, PublicPlanError, Value, entries};
use crate::scheme::{Parameters, ParametersLiteral};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

/// More than the longest there is: 64 primes, and eight dimensions of both shapes, take 440 bytes.
const LONGEST: u64 = 1024;

impl Plan {
    /// The part of the plan that the client gets.
    pub fn public(&self) -> PublicPlan {
        self.into()
    }
}

impl PublicPlan {
    /// Writes the public plan as bytes.
    ///
    /// # Errors
    /// [`WireError`] where they cannot be written.
    pub fn write(&self, mut to: impl Write) -> Result<(), WireError> {
        let content = content(self);
        let head = Head::keyless(Kind::PublicPlan, self.digest, content.len() as u64);
        let mut frame = Writer::new(&mut to, head)?;
        frame.put(&content)?;
        frame.finish()
    }

    /// Reads what [`write`](PublicPlan::write) wrote. Only plans of 128-bit security are read.
    ///
    /// # Errors
    /// [`WireError`], whatever the bytes are.
    pub fn read(mut from: impl Read) -> Result<Self, WireError> {
        let (mut frame, head) = Reader::new(&mut from, Kind::PublicPlan)?;
        if head.length > LONGEST {
            head.check_length(Some(LONGEST))?;
        }
        let mut content = vec![0; head.length as usize];
        frame.take(&mut content)?;
        frame.finish()?;
        let facts = facts(&mut &content[..]).ok_or(WireError::PublicPlanParts)?;
        Ok(facts.plan(&head)?)
    }

    /// Writes it to a file, at once.
    ///
    /// # Errors
    /// As [`write`](PublicPlan::write), with the file's name, and [`WireError::Exists`].
    pub fn save(&self, path: &Path, existing: Existing) -> Result<(), WireError> {
        file::save(path, existing, Access::Public, |file| self.write(BufWriter::new(file)))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`read`](PublicPlan::read), with the file's name.
    pub fn load(path: &Path) -> Result<Self, WireError> {
        let read = || Self::read(BufReader::new(File::open(path)?));
        read().map_err(|error: WireError| error.of_file(path))
    }
}

/// What stands in the content, not checked yet.
struct Facts {
    literal: ParametersLiteral,
    relinearises: bool,
    input_range: (f32, f32),
    predicted_error: f64,
    input: Tensor,
    output: Tensor,
}

struct Tensor {
    level: usize,
    components: usize,
    scale: f64,
    range: f64,
    shape: Vec<usize>,
}

fn content(plan: &PublicPlan) -> Vec<u8> {
    let literal = plan.params.literal();
    let mut out = Vec::new();
    let word = |out: &mut Vec<u8>, number: usize| out.extend((number as u32).to_le_bytes());
    word(&mut out, literal.degree);
    word(&mut out, literal.primes.len());
    literal.primes.iter().for_each(|&prime| word(&mut out, prime as usize));
    word(&mut out, literal.result_primes.len());
    literal.result_primes.iter().for_each(|&prime| word(&mut out, prime as usize));
    word(&mut out, plan.relinearises.into());
    out.extend(plan.input_range.0.to_le_bytes());
    out.extend(plan.input_range.1.to_le_bytes());
    out.extend(plan.predicted_error.to_le_bytes());
    for (value, shape) in [(plan.input, &plan.input_shape), (plan.output, &plan.output_shape)] {
        word(&mut out, value.level);
        word(&mut out, value.components);
        out.extend(value.scale.to_le_bytes());
        out.extend(value.range.to_le_bytes());
        word(&mut out, shape.len());
        shape.iter().for_each(|&dim| word(&mut out, dim));
    }
    out
}

/// The facts of a content, if they end where it does.
fn facts(from: &mut &[u8]) -> Option<Facts> {
    let degree = word(from)?;
    let mut primes = || Some(words(from)?.into_iter().map(|p| p as u32).collect());
    let (primes, result_primes) = (primes()?, primes()?);
    let relinearises = match word(from)? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let facts = Facts {
        literal: ParametersLiteral { degree, primes, result_primes },
        relinearises,
        input_range: (f32::from_le_bytes(array(from)?), f32::from_le_bytes(array(from)?)),
        predicted_error: f64::from_le_bytes(array(from)?),
        input: tensor(from)?,
        output: tensor(from)?,
    };
    from.is_empty().then_some(facts)
}

fn tensor(from: &mut &[u8]) -> Option<Tensor> {
    Some(Tensor {
        level: word(from)?,
        components: word(from)?,
        scale: f64::from_le_bytes(array(from)?),
        range: f64::from_le_bytes(array(from)?),
        shape: words(from)?,
    })
}

/// A count, and as many words.
fn words(from: &mut &[u8]) -> Option<Vec<usize>> {
    // What is not there ends it, at the length of the content.
    (0..word(from)?).map(|_| word(from)).collect()
}

fn word(from: &mut &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(array(from)?) as usize)
}

fn array<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (array, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*array)
}

impl Facts {
    fn plan(self, head: &Head) -> Result<PublicPlan, PublicPlanError> {
        let params = Parameters::new(self.literal)?;
        let own = params.first_of_results() > 0;
        let value = |what, tensor: &Tensor, of_results| {
            let Tensor { level, components, scale, range, ref shape } = *tensor;
            let rows = entries(shape);
            let rows = rows.ok_or(PublicPlanError::Shape { what, shape: shape.clone() })?;
            Ok::<_, PublicPlanError>(Value { rows, level, of_results, components, scale, range })
        };
        PublicPlan {
            params,
            digest: head.owner.plan,
            input: value("inputs", &self.input, false)?,
            output: value("results", &self.output, own)?,
            input_shape: self.input.shape,
            output_shape: self.output.shape,
            input_range: self.input_range,
            predicted_error: self.predicted_error,
            relinearises: self.relinearises,
        }
        .check()
    }
}
