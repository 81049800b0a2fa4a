//! Files in and out: arrays as NPY, and writing that is all or nothing.

use crate::failure::{Failure, Result};
use crate::npy;
use cipherbatch::wire::{self, Access, Existing};
use ndarray::ArrayD;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Failure::file(path.display(), e))
}

/// An array of 32-bit or 64-bit floats.
pub fn read_npy(path: &Path) -> Result<ArrayD<f32>> {
    npy::parse(&path.display().to_string(), &read(path)?)
}

/// That a file can be written here later on; asked before long work starts.
pub fn check_writable(path: &Path) -> Result<()> {
    Ok(wire::check_writable(path, Existing::Replace)?)
}

/// Whether a path stands for standard input or output.
pub fn is_stream(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes a file at once, in place of one that is there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    save(path, Existing::Replace, bytes)
}

/// Writes a file at once.
pub fn save(path: &Path, existing: Existing, bytes: &[u8]) -> Result<()> {
    let write = |mut file: &File| Ok(file.write_all(bytes)?);
    Ok(wire::save(path, existing, Access::Public, write)?)
}
