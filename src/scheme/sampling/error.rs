//! Errors: a centred binomial distribution, by counting bits.

use super::keystream::{BLOCK, Keystream};
use crate::math::simd::{Simd, per_simd};
use zeroize::Zeroize;

/// Bits that are counted on either side: the fewest whose differences are as wide as the 3.19 of the
/// table of security.
const BITS: u32 = 21;

/// The standard deviation of an error, √(21/2).
pub const ERROR_STD: f64 = 3.240_370_349_203_93;

/// The largest absolute value of an error.
pub const LARGEST: u32 = BITS;

/// Fills `out` with errors: the number of ones among the low 21 bits of a word, less that of the next.
pub fn errors(simd: Simd, keystream: &Keystream, out: &mut [i32]) {
    /// Errors at a time; their words are whole groups of 16 blocks.
    const CHUNK: usize = 512;
    let mut words = [0; 2 * CHUNK];
    for (i, out) in out.chunks_mut(CHUNK).enumerate() {
        let words = &mut words[..2 * out.len()];
        keystream.words(simd, (i * 2 * CHUNK / BLOCK) as u64, words);
        differences(simd, words, out);
    }
    words.zeroize();
}

per_simd! {
    fn differences(words: &[u32], out: &mut [i32]) {
        let ones = |word: u32| (word & ((1 << BITS) - 1)).count_ones() as i32;
        for (x, pair) in out.iter_mut().zip(words.as_chunks::<2>().0) {
            *x = ones(pair[0]) - ones(pair[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{
        ChaCha20Rng,
        rand_core::{Rng, SeedableRng},
    };

    #[test]
    fn errors_are_those_of_the_definition() {
        for count in [1, 8, 511, 512, 513, 4096] {
            let mut rng = ChaCha20Rng::from_seed([5; 32]);
            rng.set_stream(9);
            let mut coin = || {
                let word = rng.next_u32();
                (0..21).filter(|bit| word >> bit & 1 == 1).count() as i32
            };
            let want: Vec<i32> = (0..count).map(|_| coin() - coin()).collect();
            for simd in Simd::all() {
                let mut got = vec![i32::MAX; count];
                errors(simd, &Keystream::new(&[5; 32], 9), &mut got);
                assert_eq!(got, want, "{simd}, {count}");
            }
        }
    }

    /// As wide as promised, and no narrower than the table of security assumes.
    #[test]
    fn the_width_is_that_of_the_bits() {
        assert_eq!(ERROR_STD, (f64::from(BITS) / 2.0).sqrt());
        const { assert!(ERROR_STD >= 3.19) };
    }

    /// Against binomial coefficients, each frequency within six standard errors.
    #[test]
    fn frequencies_are_binomial() {
        const COUNT: usize = 1 << 20;
        let mut out = vec![0; COUNT];
        errors(Simd::detect(), &Keystream::new(&[7; 32], 0), &mut out);
        // Row 42 of Pascal's triangle over 2⁴²: the difference d of two binomials of 21 is one of 42,
        // less 21.
        let mut row = vec![1.0f64];
        for _ in 0..2 * BITS {
            row = (0..=row.len())
                .map(|k| {
                    let left = if k == 0 { 0.0 } else { row[k - 1] };
                    (left + row.get(k).unwrap_or(&0.0)) / 2.0
                })
                .collect();
        }
        for (d, &want) in (-(BITS as i32)..).zip(&row) {
            let got = out.iter().filter(|&&x| x == d).count() as f64 / COUNT as f64;
            let tolerance = 6.0 * (want / COUNT as f64).sqrt() + 2.0 / COUNT as f64;
            assert!((got - want).abs() <= tolerance, "{d}: {got}, not {want}");
        }
        assert!(out.iter().all(|x| x.unsigned_abs() <= LARGEST));
    }
}
