//! Files in and out: arrays as NPY, and writing that is all or nothing.

use crate::failure::{Failure, Result};
use ndarray::ArrayD;
use ndarray_npy::{ReadNpyExt, WriteNpyExt};
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Failure::file(path.display(), e))
}

/// An array of 32-bit or 64-bit floats.
pub fn read_npy(path: &Path) -> Result<ArrayD<f32>> {
    parse_npy(&path.display().to_string(), &read(path)?)
}

/// An array from the bytes of an NPY file; `name` is for messages.
pub fn parse_npy(name: &str, bytes: &[u8]) -> Result<ArrayD<f32>> {
    match ArrayD::<f32>::read_npy(Cursor::new(bytes)) {
        Ok(array) => Ok(array),
        Err(single) => match ArrayD::<f64>::read_npy(Cursor::new(bytes)) {
            Ok(array) => Ok(array.mapv(|x| x as f32)),
            Err(_) => Err(Failure::file(name, format_args!("not an NPY file of floats: {single}"))),
        },
    }
}

/// The bytes of an NPY file.
pub fn npy(array: &ArrayD<f32>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).map_err(Failure::machine)?;
    Ok(bytes)
}

/// That a file can be written here later on; asked before long work starts.
pub fn check_writable(path: &Path) -> Result<()> {
    temporary(path).map(drop)
}

/// Writes a file at once: beside its place first, then renamed.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e: std::io::Error| Failure::machine(format_args!("{}: {e}", path.display()));
    let mut file = temporary(path)?;
    file.write_all(bytes).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist(path).map(drop).map_err(|e| fail(e.error))
}

fn temporary(path: &Path) -> Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    if path.is_dir() {
        return Err(Failure::file(path.display(), "is a directory; name a file"));
    }
    NamedTempFile::new_in(folder)
        .map_err(|e| Failure::file(path.display(), format_args!("cannot be written: {e}")))
}
