//! Folders of batches: one file each, named after its first image, worked off one after another.
//!
//! Files are complete or not there, so an interruption loses the one that was being made at most, and
//! the next run goes on with it.

use crate::failure::{Failure, Result};
use cipherbatch::PublicPlan;
use cipherbatch::wire::Message;
use std::fs;
use std::path::{Path, PathBuf};

/// The ending of encrypted batches.
pub const BATCH: &str = "batch";

/// The ending of encrypted answers.
pub const ANSWER: &str = "answer";

/// Whether a path names a folder: one that is there, or one to be made.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// Makes a folder that is not there.
pub fn make(path: &Path) -> Result<()> {
    fs::create_dir_all(path)
        .map_err(|e| Failure::file(path.display(), format_args!("cannot be made: {e}")))
}

/// The file of the batch that begins with image number `first`.
pub fn file(folder: &Path, first: usize) -> PathBuf {
    folder.join(format!("{first:012}.{BATCH}"))
}

/// All files of this ending, by name; at least one.
pub fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let fail = |e: std::io::Error| Failure::file(folder.display(), e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        // What an interruption left behind begins with a dot and ends otherwise.
        if path.extension().is_some_and(|e| e == ending) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    match found.is_empty() {
        false => Ok(found),
        true => Err(Failure::file(folder.display(), format_args!("holds no file *.{ending}"))),
    }
}

/// Whether `path` holds the whole of what would be written there, of which `is_it` decides. What is
/// there and something else is refused unless it may be replaced.
pub fn is_done<T: Message>(
    plan: &PublicPlan,
    path: &Path,
    force: bool,
    is_it: impl FnOnce(&T) -> bool,
) -> Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let reason = match T::load(plan, path) {
        Ok(there) if is_it(&there) => return Ok(true),
        Ok(_) => Failure::file(path.display(), "is there already, and of something else"),
        Err(error) => error.into(),
    };
    match force {
        true => Ok(false),
        false => Err(reason.and("name another folder, or replace such files by --force")),
    }
}
