//! Inputs in the clear, of a network's shape: NPY of floats, or IDX of bytes.

use crate::failure::{Failure, Result};
use crate::files;
use crate::files::is_stream;
use crate::idx::Idx;
use crate::npy;
use ndarray::{ArrayD, Axis, IxDyn, Slice};
use std::io::{Read, stdin};
use std::path::Path;

/// The first inputs, at most `limit`, for a network that takes inputs of shape `expected`.
pub fn load(path: &Path, expected: &[usize], limit: Option<u64>) -> Result<ArrayD<f32>> {
    let (name, bytes) = match is_stream(path) {
        true => {
            let mut bytes = Vec::new();
            stdin().lock().read_to_end(&mut bytes).map_err(Failure::machine)?;
            ("standard input".to_owned(), bytes)
        }
        false => (path.display().to_string(), files::read(path)?),
    };
    let mut inputs = match bytes.starts_with(npy::MAGIC) {
        true => npy::parse(&name, &bytes)?,
        false => {
            let idx = Idx::parse(&name, &bytes, 3)?;
            images(idx, expected).map_err(|reason| Failure::file(&name, reason))?
        }
    };
    let found = inputs.shape();
    if found.first().is_none_or(|&count| count == 0) || found[1..] != *expected {
        return Err(Failure::file(
            name,
            format_args!(
                "has shape {found:?}; [count, …] with {expected:?} after the count is needed"
            ),
        ));
    }
    if let Some(limit) = limit.filter(|&limit| limit < found[0] as u64) {
        inputs.slice_axis_inplace(Axis(0), Slice::from(..limit as usize));
    }
    Ok(inputs)
}

/// Images of bytes, `[count, height, width]`, as inputs in [0, 1] of the shape `expected`, which may
/// say one channel or none, or list the pixels.
pub fn images(idx: Idx, expected: &[usize]) -> std::result::Result<ArrayD<f32>, String> {
    let (count, one) = idx.shape.split_first().ok_or("an IDX file of no dimensions")?;
    let pixels = one.iter().product::<usize>();
    let fits = expected == one
        || matches!(expected, [1, rest @ ..] if rest == one)
        || expected == [pixels];
    if !fits || *count == 0 {
        return Err(format!(
            "images of shape {:?} do not fit the network's input {expected:?}",
            idx.shape
        ));
    }
    let shape: Vec<usize> = [*count].iter().chain(expected).copied().collect();
    let values = idx.values.iter().map(|&v| f32::from(v) / 255.0).collect();
    ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|e| e.to_string())
}
