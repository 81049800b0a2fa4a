//! `evaluate`: encrypted batches to encrypted answers. This side holds no secret.

use crate::failure::{Failure, Result};
use crate::files::is_stream;
use crate::options::{Common, low_high};
use crate::pipeline::Machine;
use crate::transfer::{existing, load, save};
use crate::{files, folder, pipeline};
use cipherbatch::wire::check_writable;
use cipherbatch::{EncryptedAnswer, EncryptedBatch, EvaluationKeys, Plan, Server};
use clap::Args;
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub struct Evaluate {
    /// The whole plan, from `plan --save`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "input_range", "calibration", "precision", "activation"])]
    plan: Option<PathBuf>,
    /// In place of a plan: the network that it was made from, with the options that it was made with.
    #[arg(long, value_name = "NAME|FILE.onnx", required_unless_present = "plan")]
    model: Option<String>,
    /// The declared range of inputs that the plan was made with [default: 0,1].
    #[arg(long, value_name = "LOW,HIGH", value_parser = low_high, allow_hyphen_values = true)]
    input_range: Option<(f32, f32)>,
    /// The evaluation keys, from `keygen`.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// An encrypted batch, `-` for standard input, or a folder of them.
    #[arg(long, value_name = "FILE|FOLDER")]
    input: PathBuf,
    /// Where answers go: a file, `-` for standard output, or for a folder of batches a folder, in which
    /// whole answers to the same batches are not computed again.
    #[arg(long, value_name = "FILE|FOLDER")]
    output: PathBuf,
    /// Replace files that are there.
    #[arg(long)]
    force: bool,
    /// Write where the evaluation's time goes, layer by layer and kernel by kernel, for Chrome's trace viewer.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Evaluate {
    pub fn run(self) -> Result<()> {
        let from_folder = self.input.is_dir();
        if !from_folder && !is_stream(&self.output) {
            check_writable(&self.output, existing(self.force))?;
        }
        self.trace.as_deref().map_or(Ok(()), files::check_writable)?;
        let plan = self.plan()?;
        let public = plan.public();
        let keys: EvaluationKeys = load(&public, &self.keys)?;
        let machine = Machine { trace: self.trace.clone(), ..self.common.machine()? };
        let server = machine.open(&plan, &keys)?;
        let outcome = match from_folder {
            true => self.folder(&plan, &server),
            false => self.file(&plan, &server),
        };
        Machine::tell(&server);
        outcome?;
        machine.write_trace(&server)
    }

    fn file(&self, plan: &Plan, server: &Server) -> Result<()> {
        let public = plan.public();
        let batch: EncryptedBatch = load(&public, &self.input)?;
        let bar = pipeline::progress(server.layers() * batch.images().div_ceil(plan.slots()));
        let answer = evaluate(server, &batch, &bar)?;
        bar.finish_and_clear();
        save(&answer, &public, &self.output, existing(self.force))
    }

    fn plan(&self) -> Result<Plan> {
        match (&self.plan, &self.model) {
            (Some(path), _) => Plan::from_bytes(&files::read(path)?)
                .map_err(|error| Failure::file(path.display(), error)),
            (None, Some(model)) => self.common.plan(model, self.input_range),
            (None, None) => Err(Failure::input("--plan or --model is needed")),
        }
    }

    fn folder(&self, plan: &Plan, server: &Server) -> Result<()> {
        let batches = folder::files(&self.input, folder::BATCH)?;
        folder::make(&self.output)?;
        let public = plan.public();
        let bar = pipeline::progress(server.layers() * batches.len());
        let mut done = 0;
        for (number, path) in batches.iter().enumerate() {
            bar.set_message(format!("batch {} of {}", number + 1, batches.len()));
            let batch: EncryptedBatch = load(&public, path)?;
            let output = answer_file(&self.output, path);
            let same = |answer: &EncryptedAnswer| answer.answers(&batch);
            if folder::is_done(&public, &output, self.force, same)? {
                done += 1;
            } else {
                let answer = evaluate(server, &batch, &bar).map_err(|e| e.at(path.display()))?;
                save(&answer, &public, &output, existing(self.force))?;
            }
            bar.set_position((server.layers() * (number + 1)) as u64);
        }
        bar.finish_and_clear();
        println!(
            "{} batches on {}: {} evaluated, {done} were there already",
            batches.len(),
            server.device(),
            batches.len() - done
        );
        Ok(())
    }
}

fn evaluate(server: &Server, batch: &EncryptedBatch, bar: &ProgressBar) -> Result<EncryptedAnswer> {
    Ok(server.evaluate_with(batch, |_| bar.inc(1))?.0)
}

/// The answer to the batch in a file.
fn answer_file(folder: &Path, batch: &Path) -> PathBuf {
    folder.join(Path::new(batch.file_name().unwrap_or_default()).with_extension(folder::ANSWER))
}
