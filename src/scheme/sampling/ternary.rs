//! Uniform ternary values: the secret.

use super::keystream::{BLOCK, Keystream};
use crate::math::simd::Simd;
use zeroize::Zeroizing;

/// Fills `out` with uniform values in {−1, 0, 1}: the words of the stream modulo 3, less 1, without
/// 2³² − 1, which is one word too many.
pub fn ternary(simd: Simd, keystream: &Keystream, out: &mut [i32]) {
    const CHUNK: usize = 16 * BLOCK;
    let mut words = Zeroizing::new([0; CHUNK]);
    let (mut block, mut filled) = (0, 0);
    while filled < out.len() {
        keystream.words(simd, block, &mut *words);
        block += (CHUNK / BLOCK) as u64;
        let kept = words.iter().filter(|&&word| word != u32::MAX);
        for (x, &word) in out[filled..].iter_mut().zip(kept) {
            *x = (word % 3) as i32 - 1;
            filled += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each third within six standard errors.
    #[test]
    fn thirds() {
        const COUNT: usize = 200_000;
        let mut secret = vec![7; COUNT];
        ternary(Simd::detect(), &Keystream::new(&[7; 32], 1), &mut secret);
        for value in [-1, 0, 1] {
            let share = secret.iter().filter(|&&x| x == value).count() as f64 / COUNT as f64;
            assert!((share - 1.0 / 3.0).abs() < 6.0 * (2.0 / 9.0 / COUNT as f64).sqrt(), "{share}");
        }
    }

    #[test]
    fn the_same_on_every_instruction_set() {
        let draw = |simd| {
            let mut secret = vec![7; 1000];
            ternary(simd, &Keystream::new(&[3; 32], 0), &mut secret);
            secret
        };
        let all: Vec<_> = Simd::all().map(draw).collect();
        assert!(all.iter().all(|s| *s == all[0]));
        assert_ne!(all[0], vec![7; 1000]);
    }
}
