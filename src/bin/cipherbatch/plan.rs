//! `plan`: what an evaluation would be, before anything is encrypted.

use crate::failure::{Failure, Result};
use crate::files;
use crate::options::{Common, low_high};
use cipherbatch::plan::{PlanReport, StepReport};
use cipherbatch::schedule;
use cipherbatch::scheme::Digits;
use cipherbatch::wire::Existing;
use clap::Args;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct PlanCommand {
    /// A shipped network (cryptonets, deep), or an ONNX file.
    #[arg(long, value_name = "NAME|FILE.onnx")]
    model: String,
    /// Print the plan as JSON.
    #[arg(long)]
    json: bool,
    /// Write the plan to a file, for the server to load. It holds the network.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Write what a client needs of the plan to a file: ring, scales, shapes, and nothing of the network
    /// besides.
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
    /// The declared range of inputs, to which they are clamped [default: 0,1].
    #[arg(long, value_name = "LOW,HIGH", value_parser = low_high, allow_hyphen_values = true)]
    input_range: Option<(f32, f32)>,
    #[command(flatten)]
    common: Common,
}

impl PlanCommand {
    pub fn run(self) -> Result<()> {
        for file in [&self.save, &self.public].into_iter().flatten() {
            files::check_writable(file)?;
        }
        let plan = self.common.plan(&self.model, self.input_range)?;
        if let Some(path) = &self.save {
            files::write(path, &plan.to_bytes())?;
        }
        if let Some(path) = &self.public {
            plan.public().save(path, Existing::Replace)?;
        }
        let memory_bytes = schedule::memory(&plan, self.common.memory())?;
        let report = Report { plan: plan.report(), memory_bytes };
        match self.json {
            true => {
                println!("{}", serde_json::to_string_pretty(&report).map_err(Failure::machine)?)
            }
            false => print!("{}", table(&self.model, &report)),
        }
        Ok(())
    }
}

/// The plan, and what a schedule of it takes.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    plan: PlanReport,
    /// Bytes of ciphertexts on the processor, at the most, within the budget given.
    memory_bytes: u64,
}

const HEADS: [&str; 15] = [
    "layer", "kind", "shape", "values", "weights", "primes", "drop", "digits", "scale", "range",
    "bits", "switches", "MB", "CPU s", "GPU s*",
];

/// Columns of words.
const WORDS: usize = 3;

fn row(s: &StepReport) -> [String; 15] {
    let shape: Vec<String> = s.shape.iter().map(usize::to_string).collect();
    [
        s.layer.clone(),
        s.kind.to_owned(),
        shape.join("×"),
        s.ciphertexts.to_string(),
        s.weights.to_string(),
        s.level.to_string(),
        s.rescale.to_string(),
        digits(s),
        format!("2^{:.1}", s.scale_bits),
        format!("{:.1}", s.range),
        s.precision_bits.map_or(String::new(), |bits| format!("{bits:.1}")),
        s.key_switches.to_string(),
        format!("{:.1}", mega(s.bytes)),
        format!("{:.2}", s.cpu_seconds),
        format!("{:.4}", s.gpu_seconds_at_peak),
    ]
}

/// What a switched sum is taken apart into.
fn digits(s: &StepReport) -> String {
    let kind = match s.digits {
        Digits::Plain => "",
        Digits::Guarded => " guarded",
        Digits::Paired => " pairs",
    };
    match s.key_switches {
        0 => String::new(),
        _ => format!("{}{kind}", s.digits.count(s.level)),
    }
}

fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Columns as wide as what is in them, words to the left and numbers to the right.
fn table(model: &str, Report { plan: report, memory_bytes }: &Report) -> String {
    let mut rows = vec![HEADS.map(str::to_owned)];
    rows.extend(report.steps.iter().map(row));
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        for (c, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let _ = match c {
                ..WORDS => write!(out, "{cell:<width$}  "),
                _ => write!(out, "{cell:>width$}  "),
            };
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    let r = report;
    let bound = r.log2_q_bound.map_or("no bound".to_owned(), |b| format!("at most {b:.0}"));
    let kinds = kinds(r);
    let _ = write!(
        out,
        "\n{model}: plan {}\n  \
         parameters   N = {}, {} primes{kinds}, log2 Q = {:.1} ({bound}), {}-bit security\n  \
         a batch      {} inputs; {} values encrypted at scale 2^{:.1}: {:.1} MB up ({:.1} kB an input), {:.1} MB down\n  \
         keys         {:.2} MB\n  \
         memory       {:.1} MB of ciphertexts at the most, on the processor\n  \
         squarings    {} in a row\n  \
         error        {:.3e} (standard deviation of a result, predicted)\n  \
         evaluation   {:.1} s a batch on two cores, {:.0} inputs/s (predicted)\n  \
         * on a GPU   {:.3} s a batch at least on an {} (estimated from its published peaks, not measured)\n",
        r.digest,
        r.ring_degree,
        r.primes.len(),
        r.log2_q,
        r.security_bits,
        r.ring_degree,
        r.input_ciphertexts,
        r.input_scale_bits,
        mega(r.upload_bytes),
        r.upload_bytes as f64 / 1e3 / r.ring_degree as f64,
        mega(r.answer_bytes),
        mega(r.key_bytes),
        mega(*memory_bytes),
        r.squarings,
        r.predicted_error,
        r.cpu_seconds,
        r.ring_degree as f64 / r.cpu_seconds.max(1e-9),
        r.gpu_seconds_at_peak,
        r.gpu,
    );
    out
}

/// Primes that are not among those of an encryption.
fn kinds(r: &PlanReport) -> String {
    let reserve = r.primes.len() - r.steps.first().map_or(0, |step| step.level);
    let reserve = (reserve > 0).then(|| format!("{reserve} in reserve"));
    let own = r.result_primes.len();
    let own = (own > 0).then(|| format!("results modulo {own} of their own"));
    let kinds: Vec<String> = reserve.into_iter().chain(own).collect();
    if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join("; ")) }
}
