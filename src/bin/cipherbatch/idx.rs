//! The IDX format of MNIST, gzipped or not: 0, 0, a type, the number of dimensions, the dimensions
//! as big-endian words, the values. Only bytes (type 8) are read.

use crate::failure::{Failure, Result};
use flate2::read::GzDecoder;
use std::io::Read;

/// The largest file that is unpacked: some 5 million images of MNIST's size.
const LARGEST: u64 = 4 << 30;

/// An array of bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Idx {
    /// Its extents.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<u8>,
}

impl Idx {
    /// Reads an array of `dimensions` dimensions; `name` is for messages.
    pub fn parse(name: &str, bytes: &[u8], dimensions: usize) -> Result<Self> {
        let fail = |reason: String| Failure::file(name, reason);
        let bytes = unpack(bytes).map_err(|e| fail(format!("not a readable gzip file: {e}")))?;
        let Some((&[0, 0, kind, rank], rest)) = bytes.split_first_chunk() else {
            return Err(fail("not an IDX file (it does not start with two zero bytes)".into()));
        };
        if kind != 8 || usize::from(rank) != dimensions {
            return Err(fail(format!(
                "an IDX file of type {kind} with {rank} dimensions; bytes (type 8) with {dimensions} are needed"
            )));
        }
        let truncated = |found: usize, needed: u128| {
            fail(format!(
                "truncated IDX file: {found} bytes after the magic number, {needed} needed"
            ))
        };
        let head = 4 * dimensions;
        let Some((extents, values)) = rest.split_at_checked(head) else {
            return Err(truncated(rest.len(), head as u128));
        };
        let shape: Vec<usize> = extents
            .chunks_exact(4)
            .map(|w| u32::from_be_bytes([w[0], w[1], w[2], w[3]]) as usize)
            .collect();
        let needed = shape.iter().map(|&d| d as u128).product::<u128>();
        match (values.len() as u128).cmp(&needed) {
            std::cmp::Ordering::Less => Err(truncated(rest.len(), needed + head as u128)),
            std::cmp::Ordering::Greater => Err(fail(format!(
                "{} bytes too many for the shape {shape:?}",
                values.len() as u128 - needed
            ))),
            std::cmp::Ordering::Equal => Ok(Self { shape, values: values.to_vec() }),
        }
    }
}

fn unpack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        GzDecoder::new(bytes).take(LARGEST).read_to_end(&mut out)?;
    } else {
        out.extend_from_slice(bytes);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    const FILE: [u8; 18] = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9];

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = GzEncoder::new(Vec::new(), Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn plain_and_gzipped_are_the_same() {
        let want = Idx { shape: vec![1, 1, 2], values: vec![7, 9] };
        assert_eq!(Idx::parse("f", &FILE, 3).unwrap(), want);
        assert_eq!(Idx::parse("f", &gzip(&FILE), 3).unwrap(), want);
    }

    #[test]
    fn every_truncation_is_refused() {
        let packed = gzip(&FILE);
        for bytes in [&FILE[..], &packed] {
            for len in 0..bytes.len() {
                let line = Idx::parse("images.idx", &bytes[..len], 3).unwrap_err().to_string();
                assert!(line.starts_with("images.idx: "), "{line}");
            }
        }
        let long = [&FILE[..], &[0]].concat();
        assert!(Idx::parse("f", &long, 3).unwrap_err().to_string().contains("1 bytes too many"));
        assert!(Idx::parse("f", &FILE, 1).unwrap_err().to_string().contains("3 dimensions"));
    }
}
