//! `decrypt`: encrypted answers to results.

use crate::classify::answers;
use crate::failure::{Failure, Result};
use crate::files::is_stream;
use crate::transfer::{existing, load};
use crate::{files, folder, npy, pipeline};
use cipherbatch::wire::check_writable;
use cipherbatch::{Client, EncryptedAnswer, PublicPlan, Span};
use clap::Args;
use ndarray::{ArrayD, Axis, concatenate};
use std::io::{Write, stdout};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Decrypt {
    /// The public plan, from `plan --public`.
    #[arg(long, value_name = "FILE")]
    plan: PathBuf,
    /// The secret key, from `keygen`.
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// Encrypted answers, `-` for standard input, or a folder of them.
    #[arg(long, value_name = "FILE|FOLDER")]
    input: PathBuf,
    /// Where results go, as NPY of 32-bit floats; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Write labels in place of results: the place of the largest one of every input, as text, one a
    /// line.
    #[arg(long)]
    labels: bool,
    /// Results that others may see: flooded with noise and rounded, so that they tell of the secret key
    /// an advantage of 2^-BITS at most. Refused where nothing would be left of them.
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u32).range(1..=128),
          num_args = 0..=1, default_missing_value = "20")]
    share: Option<u32>,
    /// How many values will be shared in all under this key; these count among them
    /// [default: as many as there are here].
    #[arg(long, value_name = "N", requires = "share")]
    share_values: Option<u64>,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
}

impl Decrypt {
    pub fn run(self) -> Result<()> {
        if !is_stream(&self.output) {
            check_writable(&self.output, existing(self.force))?;
        }
        let plan = PublicPlan::load(&self.plan)?;
        let client = Client::load_secret(&plan, &self.secret)?;
        let results = match self.input.is_dir() {
            true => self.folder(&plan, &client)?,
            false => {
                let answer: EncryptedAnswer = load(&plan, &self.input)?;
                let values = answer.images() * plan.output_shape().iter().product::<usize>();
                self.open(&client, &answer, values as u64)?
            }
        };
        let bytes = match self.labels {
            true => {
                let lines = answers(results.view()).into_iter().map(|label| format!("{label}\n"));
                lines.collect::<String>().into_bytes()
            }
            false => npy::bytes(&results)?,
        };
        match is_stream(&self.output) {
            true => stdout().write_all(&bytes).map_err(Failure::machine),
            false => files::save(&self.output, existing(self.force), &bytes),
        }
    }

    /// Results of one answer; `values` are shared in all.
    fn open(&self, client: &Client, answer: &EncryptedAnswer, values: u64) -> Result<ArrayD<f32>> {
        Ok(match self.share {
            Some(bits) => {
                let values = self.share_values.unwrap_or_default().max(values);
                client.decrypt_to_share(answer, bits, values)?
            }
            None => client.decrypt(answer)?,
        })
    }

    /// Results of all answers of a folder, which must be all of one set.
    fn folder(&self, plan: &PublicPlan, client: &Client) -> Result<ArrayD<f32>> {
        let paths = folder::files(&self.input, folder::ANSWER)?;
        let bar = pipeline::progress(paths.len());
        let mut parts: Vec<(Span, ArrayD<f32>)> = Vec::new();
        for path in &paths {
            let answer: EncryptedAnswer = load(plan, path)?;
            let rows = plan.output_shape().iter().product::<usize>() as u64;
            let values = answer.span().total.saturating_mul(rows);
            let results = self.open(client, &answer, values).map_err(|e| e.at(path.display()))?;
            parts.push((answer.span(), results));
            bar.inc(1);
        }
        bar.finish_and_clear();
        parts.sort_by_key(|part| part.0.first);
        complete(parts.iter().map(|part| part.0))
            .map_err(|reason| Failure::file(self.input.display(), reason))?;
        let views: Vec<_> = parts.iter().map(|part| part.1.view()).collect();
        concatenate(Axis(0), &views).map_err(Failure::machine)
    }
}

/// That spans, in order, are all of one set.
fn complete(spans: impl Iterator<Item = Span>) -> std::result::Result<(), String> {
    let (mut next, mut set) = (0, None);
    for span in spans {
        if *set.get_or_insert(span.total) != span.total {
            return Err(format!(
                "holds answers of sets of {} and {} inputs",
                set.unwrap_or_default(),
                span.total
            ));
        }
        if span.first > next {
            return Err(format!("answers to inputs {next} to {} are missing", span.first - 1));
        }
        if span.first < next {
            return Err(format!("there are two answers to input {}", span.first));
        }
        next = span.end().unwrap_or(u64::MAX);
    }
    match set {
        Some(total) if next < total => {
            Err(format!("answers to inputs {next} to {} are missing", total - 1))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(spans: &[(u64, u64, u64)]) -> std::result::Result<(), String> {
        complete(spans.iter().map(|&(first, images, total)| Span { first, images, total }))
    }

    #[test]
    fn all_of_one_set_and_nothing_twice() {
        assert_eq!(judge(&[(0, 8, 20), (8, 8, 20), (16, 4, 20)]), Ok(()));
        assert!(judge(&[(0, 8, 20), (16, 4, 20)]).unwrap_err().contains("8 to 15 are missing"));
        assert!(judge(&[(8, 8, 16)]).unwrap_err().contains("0 to 7 are missing"));
        assert!(judge(&[(0, 8, 20), (8, 8, 20)]).unwrap_err().contains("16 to 19 are missing"));
        assert!(judge(&[(0, 8, 16), (4, 8, 16)]).unwrap_err().contains("two answers to input 4"));
        assert!(judge(&[(0, 8, 16), (8, 8, 17)]).unwrap_err().contains("sets of 16 and 17"));
    }
}
