//! All that a measurement has to tell.

use crate::counts::Counts;
use crate::failure::Result;
use crate::machine::Machine;
use crate::options::Options;
use crate::side::Side;
use crate::spread::Spread;
use crate::subject::Subject;
use crate::{peak, precision};
use cipherbatch::EncryptedAnswer;
use ndarray::{Axis, Slice};
use serde::Serialize;

/// Results that are compared with the clear network's, at most.
const COMPARED: usize = 256;

/// One measurement. Seconds, bytes and counts are of one full batch, unless they say otherwise.
#[derive(Debug, Serialize)]
pub struct Report {
    pub version: &'static str,
    pub machine: Machine,
    pub model: String,
    pub ring_degree: usize,
    pub slots: usize,
    pub primes: Vec<u32>,
    pub log2_q: f64,
    pub security_bits: u32,
    /// Of residues.
    pub multiply_adds: f64,
    pub key_switches: usize,
    pub layers: Vec<Counts>,
    /// Measurements behind a median.
    pub runs: usize,
    /// Images from end to end.
    pub images: usize,
    /// Seconds of the client, which is the same for all sides.
    pub keygen: f64,
    pub encrypt: Spread,
    pub ciphertext_bytes: usize,
    pub answer_bytes: usize,
    pub sides: Vec<Side>,
    /// Whether all sides gave the same integers; `None` where there is one side alone.
    pub equal: Option<bool>,
    /// −log₂ of the results' error against the clear network, relative to their spread.
    pub precision_bits: f64,
    /// Why there is no GPU side, where one was looked for.
    pub no_gpu: Option<String>,
    /// Of this process with all its sides; `None` where the operating system does not tell.
    pub peak_memory_bytes: Option<u64>,
}

impl Report {
    /// Puts together what was measured.
    ///
    /// # Errors
    /// Where an answer is none.
    pub fn new(
        subject: &Subject,
        options: &Options,
        sides: Vec<Side>,
        answer: Option<&EncryptedAnswer>,
        equal: Option<bool>,
        no_gpu: Option<String>,
    ) -> Result<Self> {
        let (plan, layers) = (&subject.plan, Counts::of(&subject.plan));
        let params = plan.parameters();
        let mut precision_bits = f64::NAN;
        if let Some(answer) = answer {
            let first = Slice::from(..COMPARED.min(plan.slots()));
            let clear = subject.network.evaluate(&subject.images.slice_axis(Axis(0), first))?;
            let found = subject.client.decrypt(answer)?;
            precision_bits = precision::bits(found.slice_axis(Axis(0), first), clear.view());
        }
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            machine: Machine::here(),
            model: options.model.clone(),
            ring_degree: params.degree(),
            slots: plan.slots(),
            primes: params.literal().primes.clone(),
            log2_q: params.log2_q(),
            security_bits: params.security_bits(),
            multiply_adds: layers.iter().map(|layer| layer.multiply_adds).sum(),
            key_switches: layers.iter().map(|layer| layer.key_switches).sum(),
            layers,
            runs: options.runs(),
            images: subject.count,
            keygen: subject.keygen,
            encrypt: subject.encrypt,
            ciphertext_bytes: subject.batch.bytes(),
            answer_bytes: answer.map_or(0, EncryptedAnswer::bytes),
            sides,
            equal,
            precision_bits,
            no_gpu,
            peak_memory_bytes: peak::memory(),
        })
    }
}
