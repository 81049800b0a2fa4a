//! Stored tensors, of any element type, as arrays of `f64`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use ndarray::{ArrayD, IxDyn};

use super::proto::TensorProto;
use crate::model::limits::{self, MATRIX_ENTRIES};
use crate::model::{ModelError, Result};

/// A constant of the graph.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    /// The tensor's name in the file.
    pub name: String,
    /// Its entries; integers are exact up to 2^53, beyond which they only mean "to the end".
    pub data: ArrayD<f64>,
    /// Whether its elements are integers.
    pub integer: bool,
}

const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT8: i32 = 3;
const UINT16: i32 = 4;
const INT16: i32 = 5;
const INT32: i32 = 6;
const INT64: i32 = 7;
const BOOL: i32 = 9;
const FLOAT16: i32 = 10;
const DOUBLE: i32 = 11;
const BFLOAT16: i32 = 16;

/// `data_location` of a tensor whose entries are in another file.
const EXTERNAL: i32 = 1;

/// Whether an element type is one of the floating-point types that are read.
pub(super) fn is_float(data_type: i32) -> bool {
    matches!(data_type, FLOAT | DOUBLE | FLOAT16 | BFLOAT16)
}

/// Whether an element type is one of the integer types that are read.
pub(super) fn is_integer(data_type: i32) -> bool {
    matches!(data_type, UINT8 | INT8 | UINT16 | INT16 | INT32 | INT64 | BOOL)
}

/// Reads a tensor; `folder` is where its external data may lie.
pub(super) fn read(tensor: &TensorProto, name: &str, folder: Option<&Path>) -> Result<Constant> {
    let wrong = |reason: String| ModelError::Tensor { tensor: name.into(), reason };
    let mut shape = Vec::with_capacity(tensor.dims.len());
    for &dim in &tensor.dims {
        let dim = usize::try_from(dim);
        shape.push(dim.map_err(|_| wrong(format!("a negative size in {:?}", tensor.dims)))?);
    }
    let size = shape.iter().fold(1u128, |size, &dim| size.saturating_mul(dim as u128));
    limits::check(name, &format!("a tensor of shape {shape:?}"), size, MATRIX_ENTRIES)?;
    let size = size as usize;
    let kind = tensor.data_type;
    let width = width(kind).ok_or_else(|| {
        wrong(format!("element type {kind} is not supported; export weights as float32"))
    })?;
    let values = if tensor.data_location == EXTERNAL {
        let bytes = external(tensor, name, folder, size * width)?;
        decode(kind, &bytes)
    } else if !tensor.raw_data.is_empty() {
        if tensor.raw_data.len() != size * width {
            let found = tensor.raw_data.len();
            return Err(wrong(format!(
                "shape {shape:?} needs {} bytes, found {found}; the file is damaged",
                size * width
            )));
        }
        decode(kind, &tensor.raw_data)
    } else {
        listed(tensor)
    };
    let found = values.len();
    let data = ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|_| {
        wrong(format!("shape {shape:?} needs {size} entries, found {found}; the file is damaged"))
    })?;
    finite(Constant { name: name.into(), data, integer: is_integer(kind) })
}

/// Refuses a constant with an entry that is not finite.
pub(super) fn finite(constant: Constant) -> Result<Constant> {
    match constant.data.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        None => Ok(constant),
        Some((index, &value)) => Err(ModelError::NonFinite { tensor: constant.name, index, value }),
    }
}

/// Bytes per element.
fn width(kind: i32) -> Option<usize> {
    match kind {
        UINT8 | INT8 | BOOL => Some(1),
        UINT16 | INT16 | FLOAT16 | BFLOAT16 => Some(2),
        FLOAT | INT32 => Some(4),
        DOUBLE | INT64 => Some(8),
        _ => None,
    }
}

/// Little-endian elements.
fn decode(kind: i32, bytes: &[u8]) -> Vec<f64> {
    fn each<const N: usize>(bytes: &[u8], f: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.as_chunks::<N>().0.iter().map(|&chunk| f(chunk)).collect()
    }
    match kind {
        UINT8 | BOOL => each(bytes, |[x]| f64::from(x)),
        INT8 => each(bytes, |x| f64::from(i8::from_le_bytes(x))),
        UINT16 => each(bytes, |x| f64::from(u16::from_le_bytes(x))),
        INT16 => each(bytes, |x| f64::from(i16::from_le_bytes(x))),
        FLOAT16 => each(bytes, |x| half(u16::from_le_bytes(x))),
        BFLOAT16 => each(bytes, |x| brain(u16::from_le_bytes(x))),
        FLOAT => each(bytes, |x| f64::from(f32::from_le_bytes(x))),
        INT32 => each(bytes, |x| f64::from(i32::from_le_bytes(x))),
        DOUBLE => each(bytes, f64::from_le_bytes),
        _ => each(bytes, |x| i64::from_le_bytes(x) as f64),
    }
}

/// Elements in the list of their type. The small types share the list of 32-bit integers.
fn listed(tensor: &TensorProto) -> Vec<f64> {
    let small = |f: fn(u16) -> f64| tensor.int32_data.iter().map(|&x| f(x as u16)).collect();
    match tensor.data_type {
        FLOAT => tensor.float_data.iter().map(|&x| f64::from(x)).collect(),
        DOUBLE => tensor.double_data.clone(),
        INT64 => tensor.int64_data.iter().map(|&x| x as f64).collect(),
        FLOAT16 => small(half),
        BFLOAT16 => small(brain),
        _ => tensor.int32_data.iter().map(|&x| f64::from(x)).collect(),
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// The upper half of an IEEE 754 binary32.
fn brain(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// The bytes of a tensor that is stored in another file of the same folder.
fn external(
    tensor: &TensorProto,
    name: &str,
    folder: Option<&Path>,
    size: usize,
) -> Result<Vec<u8>> {
    let wrong = |reason: String| ModelError::Tensor { tensor: name.into(), reason };
    let entry = |key: &str| {
        let found = tensor.external_data.iter().find(|entry| entry.key == key);
        found.map(|entry| entry.value.as_str())
    };
    let location = entry("location").unwrap_or_default();
    let relative = Path::new(location);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if location.is_empty() || !inside {
        return Err(wrong(format!("its data is in \"{location}\", outside the model's folder")));
    }
    let Some(folder) = folder else {
        return Err(wrong(format!(
            "its data is in another file, \"{location}\"; load the model by its path, \
             or export it with external_data=False"
        )));
    };
    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(wrong(format!("external data with {key} \"{text}\""))),
        },
    };
    let offset = number("offset")?.unwrap_or(0);
    if let Some(length) = number("length")?.filter(|&length| length != size as u64) {
        return Err(wrong(format!("{length} bytes of external data, its shape needs {size}")));
    }
    let path = folder.join(relative);
    let io = |source| ModelError::Io { path: path.clone(), source };
    let mut file = File::open(&path).map_err(io)?;
    let present = file.metadata().map_err(io)?.len();
    if offset.checked_add(size as u64).is_none_or(|end| end > present) {
        return Err(wrong(format!(
            "{size} bytes at {offset} of \"{location}\", which has {present}; the file is damaged"
        )));
    }
    file.seek(SeekFrom::Start(offset)).map_err(io)?;
    let mut bytes = vec![0; size];
    file.read_exact(&mut bytes).map_err(io)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_decoded() {
        let cases = [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333251953125), (0x7bff, 65504.0)];
        for (bits, value) in cases {
            assert_eq!(half(bits), value);
        }
        assert_eq!(half(1), 2f64.powi(-24));
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
        assert_eq!(brain(0x3f80), 1.0);
        assert_eq!(brain(0xc020), -2.5);
    }
}
