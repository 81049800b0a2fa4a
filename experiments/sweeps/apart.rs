//! A point measured by a process of its own.

use crate::sweep::{Point, Sweep};
use crate::table::Row;
use crate::{Failure, Options};
use std::process::{Command, Stdio};

/// Measures point `number` of a sweep.
pub fn measure(
    sweep: &Sweep,
    number: usize,
    point: &Point,
    options: &Options,
) -> Result<Row, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([sweep.name, "--point", &number.to_string()]);
    command.args(["--runs", &options.runs().to_string()]);
    command.args(options.cpu.then_some("--cpu"));
    if let Some(simd) = point.simd {
        command.env("CIPHERBATCH_SIMD", simd);
    }
    if let Some(threads) = point.threads {
        command.env("RAYON_NUM_THREADS", threads.to_string());
    }
    let done = command.stderr(Stdio::inherit()).output()?;
    match done.status.success() {
        true => Ok(serde_json::from_slice(&done.stdout)?),
        false => Err(format!("{} {}: {}", sweep.name, point.x, done.status).into()),
    }
}
