//! Uniform residues by rejection: the words of a stream in order, their low ⌈log₂ p⌉ bits, those
//! below p.
//!
//! This is how c₁ travels: as a seed. In WGSL a workgroup would take a polynomial: invocation i
//! computes block i and counts the words that it keeps, prefix sums over the workgroup say where they
//! go, and the next blocks follow until there are N.

use super::keystream::{BLOCK, Keystream};
use crate::math::{Modulus, simd::Simd, words::per_words};

/// Fills `out` with uniform residues in [0, p).
pub fn uniform(simd: Simd, m: &Modulus, keystream: &Keystream, out: &mut [u32]) {
    fill(simd, m.value(), keystream, out);
}

per_words! {
    fn fill<V>(p: u32, keystream: &Keystream, out: &mut [u32]) {
        let (mask, bound) = (V::splat(p.next_power_of_two() - 1), V::splat(p));
        let (mut block, mut filled) = (0, 0);
        while filled < out.len() {
            let words = keystream.blocks::<V>(block);
            block += V::N as u64;
            for v in words {
                let v = v.and(mask);
                let left = &mut out[filled..];
                if left.len() >= V::N {
                    // SAFETY: room for a vector, by the line above.
                    filled += unsafe { v.store_below(bound, left.as_mut_ptr()) };
                } else {
                    let mut last = [0; BLOCK];
                    assert!(V::N <= last.len());
                    // SAFETY: room for a vector, by the line above.
                    let count = unsafe { v.store_below(bound, last.as_mut_ptr()) };
                    let count = count.min(left.len());
                    left[..count].copy_from_slice(&last[..count]);
                    filled += count;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::{
        ChaCha20Rng,
        rand_core::{Rng, SeedableRng},
    };

    /// Word by word, by somebody else's generator.
    fn naive(p: u32, seed: [u8; 32], stream: u64, count: usize) -> Vec<u32> {
        let mut rng = ChaCha20Rng::from_seed(seed);
        rng.set_stream(stream);
        let mask = p.next_power_of_two() - 1;
        std::iter::from_fn(|| Some(rng.next_u32() & mask)).filter(|&x| x < p).take(count).collect()
    }

    proptest! {
        #[test]
        fn residues_are_those_of_the_definition(
            seed in any::<[u8; 32]>(),
            stream in any::<u64>(),
            // A prime just above a power of two rejects almost half of all words; 2³¹ − 1 next to none.
            p in prop::sample::select(vec![3, 97, 65_537, 1_595_572_225, 2_147_483_647]),
            count in 0usize..1500,
        ) {
            let want = naive(p, seed, stream, count);
            for simd in Simd::all() {
                let mut got = vec![u32::MAX; count];
                uniform(simd, &Modulus::new(p), &Keystream::new(&seed, stream), &mut got);
                prop_assert_eq!(&got, &want, "{}", simd);
            }
        }
    }

    /// Mean and variance within six standard errors.
    #[test]
    fn residues_are_uniform() {
        const COUNT: usize = 200_000;
        let p = 65_537;
        let mut residues = vec![0; COUNT];
        let keystream = Keystream::new(&[7; 32], 2);
        uniform(Simd::detect(), &Modulus::new(p), &keystream, &mut residues);
        let share = |x: &u32| f64::from(*x) / f64::from(p);
        let mean = residues.iter().map(share).sum::<f64>() / COUNT as f64;
        let variance =
            residues.iter().map(|x| (share(x) - mean).powi(2)).sum::<f64>() / COUNT as f64;
        assert!((mean - 0.5).abs() < 6.0 * (1.0f64 / 12.0 / COUNT as f64).sqrt(), "{mean}");
        assert!((variance - 1.0 / 12.0).abs() < 0.002, "{variance}");
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed: u8, stream| {
            let mut out = [0; 8];
            let keystream = Keystream::new(&[seed; 32], stream);
            uniform(Simd::detect(), &Modulus::new(65_537), &keystream, &mut out);
            out
        };
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
        assert_ne!(draw(1, 0), draw(2, 0));
    }
}
