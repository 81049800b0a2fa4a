//! Arrays of floats from and to NPY files. Reading takes no more memory than their bytes justify.
//!
//! The library that knows the format allocates what a header declares, up to 4 GB for the header itself.
//! So the header's length is looked at before, and values are read by an element of our own, after
//! their number has been compared with the bytes that there are.

use crate::failure::{Failure, Result};
use ndarray::ArrayD;
use ndarray_npy::{ReadDataError, ReadNpyExt, ReadableElement, WriteNpyExt};
use py_literal::Value;
use std::io::{Cursor, Read};

/// What every NPY file begins with.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header: 32 dimensions of 20 digits each, and the words around them.
const LONGEST_HEADER: usize = 1024;

/// Brackets that a header opens, at most: an array of numbers has one around all and one around its
/// shape. The parser tries each bracket in several ways, and all within it again in each: its time
/// is exponential in their depth.
const MOST_BRACKETS: usize = 4;

/// An array of 32-bit or 64-bit floats from the bytes of an NPY file; `name` is for messages.
pub fn parse(name: &str, bytes: &[u8]) -> Result<ArrayD<f32>> {
    let length = header_length(bytes).unwrap_or(0);
    if length > LONGEST_HEADER {
        let reason = format!("an NPY header of {length} bytes; at most {LONGEST_HEADER} are read");
        return Err(Failure::file(name, reason));
    }
    // The length itself, of up to six bytes after the magic ones, holds none to speak of.
    let header = &bytes[..bytes.len().min(MAGIC.len() + 6 + length)];
    let brackets = header.iter().filter(|b| b"([{".contains(b)).count();
    if brackets > MOST_BRACKETS {
        let reason = format!(
            "an NPY header with {brackets} brackets; that of an array of numbers has 2, and at most \
             {MOST_BRACKETS} are read"
        );
        return Err(Failure::file(name, reason));
    }
    let array = ArrayD::<Float>::read_npy(Cursor::new(bytes));
    let array =
        array.map_err(|e| Failure::file(name, format_args!("not an NPY file of floats: {e}")))?;
    Ok(array.mapv(|Float(value)| value))
}

/// The bytes of an NPY file.
pub fn bytes(array: &ArrayD<f32>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).map_err(Failure::machine)?;
    Ok(bytes)
}

/// The header's length by the first bytes: two bytes of it in version 1, four from version 2 on.
fn header_length(bytes: &[u8]) -> Option<usize> {
    let (&[version, _], rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
    match version {
        1 => rest.first_chunk().map(|length| u16::from_le_bytes(*length).into()),
        _ => rest.first_chunk().map(|length| u32::from_le_bytes(*length) as usize),
    }
}

/// A float of either size, as the smaller one.
#[derive(Clone)]
struct Float(f32);

impl ReadableElement for Float {
    fn read_to_end_exact_vec<R: Read>(
        mut reader: R,
        kind: &Value,
        len: usize,
    ) -> std::result::Result<Vec<Self>, ReadDataError> {
        let size = match kind.as_string().map(String::as_str) {
            Some("<f4" | ">f4") => 4,
            Some("<f8" | ">f8") => 8,
            _ => return Err(ReadDataError::WrongDescriptor(kind.clone())),
        };
        let big = kind.as_string().is_some_and(|kind| kind.starts_with('>'));
        // The file is in memory already.
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        match len.checked_mul(size) {
            Some(needed) if needed < bytes.len() => {
                return Err(ReadDataError::ExtraBytes(bytes.len() - needed));
            }
            Some(needed) if needed == bytes.len() => {}
            _ => return Err(ReadDataError::MissingData),
        }
        Ok(match size {
            4 => {
                floats(&bytes, |b| if big { f32::from_be_bytes(b) } else { f32::from_le_bytes(b) })
            }
            _ => floats(&bytes, |b| {
                (if big { f64::from_be_bytes(b) } else { f64::from_le_bytes(b) }) as f32
            }),
        })
    }
}

fn floats<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<Float> {
    bytes.as_chunks().0.iter().map(|&bytes| Float(read(bytes))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{IxDyn, ShapeBuilder};

    fn file(header: &str, values: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16 + 1).to_le_bytes();
        [MAGIC, &[1, 0], &length, header.as_bytes(), b"\n", values].concat()
    }

    #[test]
    fn floats_of_either_size_and_order() {
        let want = ArrayD::from_shape_fn(IxDyn(&[2, 3]), |i| i[0] as f32 - 0.5 * i[1] as f32);
        let mut single = Vec::new();
        want.write_npy(&mut single).unwrap();
        assert_eq!(parse("x", &single).unwrap(), want);
        let mut double = Vec::new();
        want.mapv(f64::from).write_npy(&mut double).unwrap();
        assert_eq!(parse("x", &double).unwrap(), want);
        let big: Vec<u8> = want.iter().flat_map(|v| v.to_be_bytes()).collect();
        let header = "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3)}";
        assert_eq!(parse("x", &file(header, &big)).unwrap(), want);
        let mut columns = ArrayD::zeros(IxDyn(&[2, 3]).f());
        columns.assign(&want);
        let mut fortran = Vec::new();
        columns.write_npy(&mut fortran).unwrap();
        assert_eq!(parse("x", &fortran).unwrap(), want);
        for len in 0..single.len() {
            assert!(parse("x", &single[..len]).is_err());
        }
    }

    #[test]
    fn no_header_takes_memory() {
        let says = |bytes: &[u8], what: &str| {
            let line = parse("x.npy", bytes).unwrap_err().to_string();
            assert!(line.starts_with("x.npy: ") && line.contains(what), "{line}");
        };
        let shape = |shape: &str| {
            file(&format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"), &[0; 8])
        };
        says(&shape("(1000000000000,)"), "before reading all data");
        says(&shape("(4000000000, 4000000000, 4000000000)"), "overflow");
        says(&shape("(1,)"), "extra");
        says(&shape(&"(".repeat(30_000)), "at most 1024");
        says(&shape(&"(".repeat(900)), "901 brackets");
        says(&[MAGIC, &[2, 0], &u32::MAX.to_le_bytes()].concat(), "at most 1024");
        says(&file("{'descr': '<i8', 'fortran_order': False, 'shape': (1,)}", &[0; 8]), "<i8");
    }
}
