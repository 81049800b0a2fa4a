//! Messages from and to files, `-` being standard input and output.

use crate::failure::{Failure, Result};
use cipherbatch::PublicPlan;
use cipherbatch::wire::{Existing, Message};
use std::io::{BufWriter, stdin, stdout};
use std::path::Path;

/// Whether a path stands for standard input or output.
pub fn is_stream(path: &Path) -> bool {
    path == Path::new("-")
}

/// What becomes of files that are there.
pub fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

/// Reads a message.
pub fn load<T: Message>(plan: &PublicPlan, path: &Path) -> Result<T> {
    match is_stream(path) {
        true => {
            T::read(plan, stdin().lock()).map_err(|error| Failure::from(error).at("standard input"))
        }
        false => Ok(T::load(plan, path)?),
    }
}

/// Writes a message.
pub fn save(
    message: &impl Message,
    plan: &PublicPlan,
    path: &Path,
    existing: Existing,
) -> Result<()> {
    match is_stream(path) {
        true => message
            .write(plan, BufWriter::new(stdout().lock()))
            .map_err(|error| Failure::from(error).at("standard output")),
        false => Ok(message.save(plan, path, existing)?),
    }
}
