//! Residues without the bits that they never have: modulo a prime of b bits each takes b of them.
//!
//! A polynomial is a string of N·b bits. Bit i of it is bit i mod 8 of its byte i / 8, and residue k
//! has bits k·b to (k + 1)·b, the lowest first. N is a multiple of 8, so it ends with a byte.

use super::{Basis, Shape};

/// Bits of a residue modulo `prime`, which is below 2³¹.
fn bits(prime: u32) -> u32 {
    u32::BITS - prime.leading_zeros()
}

/// Bytes of a packed polynomial of `degree` residues, a multiple of 8.
pub fn packed_bytes(degree: usize, prime: u32) -> usize {
    degree / 8 * bits(prime) as usize
}

impl Basis {
    /// Bytes of the packed residues of a tile of this shape, where they can be counted.
    pub fn packed_bytes(&self, shape: Shape) -> Option<u64> {
        let bytes = |prime| packed_bytes(shape.degree, prime) as u64;
        let per_row: u64 = self.primes().take(shape.primes).map(bytes).sum();
        per_row.checked_mul((shape.components as u64).checked_mul(shape.rows as u64)?)
    }
}

/// Packs residues below `prime` into as many bytes as [`packed_bytes`] says.
pub fn pack(prime: u32, residues: &[u32], out: &mut [u8]) {
    pack_bits(bits(prime), residues, out);
}

/// What [`pack`] packed. Bytes that it did not write may give residues that are not below the prime.
pub fn unpack(prime: u32, bytes: &[u8], out: &mut [u32]) {
    unpack_bits(bits(prime), bytes, out);
}

fn pack_bits(bits: u32, residues: &[u32], out: &mut [u8]) {
    let (mut pending, mut count) = (0u64, 0);
    let mut residues = residues.iter();
    for bytes in out.chunks_mut(4) {
        // Fewer than 32 bits wait, and a residue has fewer than 32.
        while count < 32 {
            let Some(&residue) = residues.next() else { break };
            pending |= u64::from(residue) << count;
            count += bits;
        }
        bytes.copy_from_slice(&(pending as u32).to_le_bytes()[..bytes.len()]);
        pending >>= 32;
        count = count.saturating_sub(32);
    }
}

fn unpack_bits(bits: u32, bytes: &[u8], out: &mut [u32]) {
    let mask = (1u64 << bits) - 1;
    let (mut pending, mut count) = (0u64, 0);
    let mut words = bytes.chunks(4).map(|bytes| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from(u32::from_le_bytes(word))
    });
    for residue in out {
        if count < bits {
            // Fewer than 32 bits wait.
            pending |= words.next().unwrap_or_default() << count;
            count += 32;
        }
        *residue = (pending & mask) as u32;
        pending >>= bits;
        count -= bits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against bits that are set one by one, and back.
        #[test]
        fn bits_are_where_the_page_says(
            bits in 6u32..32,
            words in prop::collection::vec(any::<u32>(), 8..100),
        ) {
            let count = words.len() / 8 * 8;
            let residues: Vec<u32> = words[..count].iter().map(|w| w & ((1 << bits) - 1)).collect();
            let mut want = vec![0u8; count * bits as usize / 8];
            for (k, residue) in residues.iter().enumerate() {
                for b in (0..bits as usize).filter(|b| residue >> b & 1 == 1) {
                    let at = k * bits as usize + b;
                    want[at / 8] |= 1 << (at % 8);
                }
            }
            let mut got = vec![0xff; want.len()];
            pack_bits(bits, &residues, &mut got);
            prop_assert_eq!(&got, &want);
            let mut back = vec![u32::MAX; count];
            unpack_bits(bits, &got, &mut back);
            prop_assert_eq!(back, residues);
        }
    }
}
