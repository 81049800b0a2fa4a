//! Messages from and to files, `-` being standard input and output.

use crate::failure::{Failure, Result};
use crate::files::is_stream;
use cipherbatch::PublicPlan;
use cipherbatch::wire::{Existing, Message};
use std::io::{BufWriter, stdin, stdout};
use std::path::Path;

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
