//! The IDX format of MNIST, gzipped or not: 0, 0, a type, the number of dimensions, the dimensions
//! as big-endian words, the values. Only bytes (type 8) are read.

use crate::failure::{Failure, Result};
use flate2::read::GzDecoder;
use std::cmp::Ordering;
use std::io::Read;

/// The most bytes that an array may have: some 5 million images of MNIST's size.
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
    /// Reads an array of `dimensions` dimensions; `name` is for messages. No more is unpacked than the
    /// extents declare, and memory is taken as values are unpacked.
    pub fn parse(name: &str, bytes: &[u8], dimensions: usize) -> Result<Self> {
        let fail = |reason: String| Failure::file(name, reason);
        let mut from: Box<dyn Read> = match bytes.starts_with(&[0x1f, 0x8b]) {
            true => Box::new(GzDecoder::new(bytes)),
            false => Box::new(bytes),
        };
        let mut next = |most: u64| {
            let mut bytes = Vec::new();
            let read = from.by_ref().take(most).read_to_end(&mut bytes);
            read.map_err(|e| fail(format!("not a readable gzip file: {e}")))?;
            Ok::<_, Failure>(bytes)
        };
        let &[0, 0, kind, rank] = &next(4)?[..] else {
            return Err(fail("not an IDX file (it does not start with two zero bytes)".into()));
        };
        if kind != 8 || usize::from(rank) != dimensions {
            return Err(fail(format!(
                "an IDX file of type {kind} with {rank} dimensions; bytes (type 8) with {dimensions} are needed"
            )));
        }
        let truncated = |found: usize, needed: u64, what: &str| {
            fail(format!("truncated IDX file: {found} bytes of its {what}, {needed} needed"))
        };
        let head = 4 * dimensions as u64;
        let extents = next(head)?;
        if (extents.len() as u64) < head {
            return Err(truncated(extents.len(), head, "extents"));
        }
        let (words, _) = extents.as_chunks::<4>();
        let shape: Vec<usize> = words.iter().map(|w| u32::from_be_bytes(*w) as usize).collect();
        let needed = shape.iter().try_fold(1u64, |size, &dim| size.checked_mul(dim as u64));
        let Some(needed) = needed.filter(|&needed| needed <= LARGEST) else {
            return Err(fail(format!(
                "an array of shape {shape:?}; at most {LARGEST} bytes are read"
            )));
        };
        let mut values = next(needed + 1)?;
        match (values.len() as u64).cmp(&needed) {
            Ordering::Less => Err(truncated(values.len(), needed, "values")),
            Ordering::Greater => {
                Err(fail(format!("bytes are left over after the shape {shape:?}")))
            }
            Ordering::Equal => {
                values.shrink_to_fit();
                Ok(Self { shape, values })
            }
        }
    }
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
        assert!(Idx::parse("f", &long, 3).unwrap_err().to_string().contains("left over"));
        assert!(Idx::parse("f", &FILE, 1).unwrap_err().to_string().contains("3 dimensions"));
    }

    /// A few bytes that unpack to 256 MB.
    #[test]
    fn no_more_is_unpacked_than_is_declared() {
        let bomb = gzip(&[&FILE[..], &vec![0; 1 << 28]].concat());
        assert!(bomb.len() < 2 << 20);
        let clock = std::time::Instant::now();
        assert!(Idx::parse("f", &bomb, 3).unwrap_err().to_string().contains("left over"));
        assert!(clock.elapsed().as_millis() < 200, "it stops at the first byte too many");
        let mut huge = FILE;
        huge[4..16].fill(0xff);
        assert!(Idx::parse("f", &huge, 3).unwrap_err().to_string().contains("at most"));
    }
}
