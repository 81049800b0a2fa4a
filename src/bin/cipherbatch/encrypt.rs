//! `encrypt`: inputs to encrypted batches.

use crate::failure::Result;
use crate::files::is_stream;
use crate::transfer::{existing, save};
use crate::{folder, inputs, pipeline};
use cipherbatch::wire::check_writable;
use cipherbatch::{Client, EncryptedBatch, PublicPlan, Span};
use clap::Args;
use ndarray::{ArrayD, Axis};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Encrypt {
    /// The public plan, from `plan --public`.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The secret key, from `keygen`.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Inputs [count, …] as NPY of floats, or images as IDX, gzipped or not, whose bytes become
    /// value/255; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Where they go: a file, `-` for standard output, or a folder (one that is there, or a name that
    /// ends in `/`), into which they go one batch a file.
    #[arg(long, value_name = "FILE|FOLDER/")]
    output: PathBuf,
    /// Only the first N inputs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Go on in a folder after an interruption: batches of this key that are there stay as they are.
    /// The inputs must be the same.
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace files that are there.
    #[arg(long)]
    force: bool,
}

impl Encrypt {
    pub fn run(self) -> Result<()> {
        let plan = PublicPlan::load(&self.plan)?;
        let client = Client::load_secret(&plan, &self.secret)?;
        let existing = existing(self.force);
        let to_folder = folder::is_folder(&self.output);
        if !to_folder && !is_stream(&self.output) {
            check_writable(&self.output, existing)?;
        }
        let inputs = inputs::load(&self.input, plan.input_shape(), self.limit)?;
        match to_folder {
            true => self.to_folder(&plan, &client, &inputs),
            false => save(&client.encrypt(inputs.view())?, &plan, &self.output, existing),
        }
    }

    fn to_folder(&self, plan: &PublicPlan, client: &Client, inputs: &ArrayD<f32>) -> Result<()> {
        folder::make(&self.output)?;
        let (total, slots) = (inputs.len_of(Axis(0)), plan.slots());
        let bar = pipeline::progress(total.div_ceil(slots));
        let mut earlier = None;
        for (number, some) in inputs.axis_chunks_iter(Axis(0), slots).enumerate() {
            let first = number * slots;
            let path = folder::file(&self.output, first);
            let span = Span {
                first: first as u64,
                images: some.len_of(Axis(0)) as u64,
                total: total as u64,
            };
            let same = |batch: &EncryptedBatch| {
                self.resume && (batch.owner(), batch.span()) == (client.owner(), span)
            };
            if !folder::is_done(plan, &path, self.force, same)? {
                let batch = client.encrypt_over(earlier.take(), some)?;
                let batch = batch.within(span.first, span.total);
                save(&batch, plan, &path, existing(self.force))?;
                earlier = Some(batch);
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(())
    }
}
