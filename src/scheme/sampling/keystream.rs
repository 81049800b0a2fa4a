//! The keystream of ChaCha20 (Bernstein, 2008), as many blocks at once as a vector has lanes.
//!
//! The layout is the original one: words 12 and 13 of the state count blocks, words 14 and 15 are the
//! number of the stream. `rand_chacha`, whose words these are, knows AVX2 at most, and `chacha20` takes
//! AVX-512 only where all of the program is compiled for it.

use super::Seed;
use crate::math::{
    simd::Simd,
    words::{Words, per_words},
};
use zeroize::Zeroize;

/// Words in a block.
pub const BLOCK: usize = 16;

/// "expand 32-byte k".
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// 0, 1, 2, … for the lanes.
const LANES: [u32; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// One stream of a seed, wiped when dropped. A (seed, stream) pair serves one purpose, once.
pub struct Keystream {
    /// The state of block 0 before its rounds.
    state: [u32; BLOCK],
}

impl Keystream {
    /// Stream number `stream` of a seed.
    pub fn new(seed: &Seed, stream: u64) -> Self {
        let mut state = [0; BLOCK];
        state[..4].copy_from_slice(&CONSTANTS);
        for (word, bytes) in state[4..12].iter_mut().zip(seed.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        (state[14], state[15]) = (stream as u32, (stream >> 32) as u32);
        Self { state }
    }

    /// The words from block `first` on, a multiple of 16.
    pub fn words(&self, simd: Simd, first: u64, out: &mut [u32]) {
        words(simd, self, first, out);
    }

    /// `V::N` blocks from block `first` on, which is a multiple of `V::N`: their words in order.
    #[inline(always)]
    pub fn blocks<V: Words>(&self, first: u64) -> [V; BLOCK] {
        debug_assert!(V::N <= LANES.len() && first.is_multiple_of(V::N as u64));
        // Loops, and no closures: those are compiled without the instruction set.
        let mut start = [V::splat(0); BLOCK];
        for (start, &word) in start.iter_mut().zip(&self.state) {
            *start = V::splat(word);
        }
        // SAFETY: there are 16 words, and no vector has more.
        let lanes = unsafe { V::load(LANES.as_ptr()) };
        // Within a vector the low word does not overflow.
        start[12] = V::splat(first as u32).add(lanes);
        start[13] = V::splat((first >> 32) as u32);
        let mut x = start;
        for _ in 0..10 {
            quarter_round(&mut x, [0, 4, 8, 12]);
            quarter_round(&mut x, [1, 5, 9, 13]);
            quarter_round(&mut x, [2, 6, 10, 14]);
            quarter_round(&mut x, [3, 7, 11, 15]);
            quarter_round(&mut x, [0, 5, 10, 15]);
            quarter_round(&mut x, [1, 6, 11, 12]);
            quarter_round(&mut x, [2, 7, 8, 13]);
            quarter_round(&mut x, [3, 4, 9, 14]);
        }
        for (x, start) in x.iter_mut().zip(start) {
            *x = x.add(start);
        }
        // Word w of block l is at place 16·l + w of the stream, and lane l of vector w. A shuffle of both
        // halves of all words turns the bits of places by one; four times, and w has gone below l.
        for _ in 0..4 {
            let rows = x;
            for i in 0..BLOCK / 2 {
                (x[2 * i], x[2 * i + 1]) = rows[i].interleave(rows[i + BLOCK / 2]);
            }
        }
        x
    }
}

impl Drop for Keystream {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}

#[inline(always)]
fn quarter_round<V: Words>(x: &mut [V; BLOCK], [a, b, c, d]: [usize; 4]) {
    x[a] = x[a].add(x[b]);
    x[d] = x[d].xor(x[a]).rotate::<16>();
    x[c] = x[c].add(x[d]);
    x[b] = x[b].xor(x[c]).rotate::<12>();
    x[a] = x[a].add(x[b]);
    x[d] = x[d].xor(x[a]).rotate::<8>();
    x[c] = x[c].add(x[d]);
    x[b] = x[b].xor(x[c]).rotate::<7>();
}

per_words! {
    fn words<V>(keystream: &Keystream, first: u64, out: &mut [u32]) {
        let mut first = first;
        let mut groups = out.chunks_exact_mut(BLOCK * V::N);
        for group in &mut groups {
            store(keystream.blocks::<V>(first), group);
            first += V::N as u64;
        }
        let rest = groups.into_remainder();
        if !rest.is_empty() {
            let mut last = [0; BLOCK * LANES.len()];
            store(keystream.blocks::<V>(first), &mut last[..BLOCK * V::N]);
            rest.copy_from_slice(&last[..rest.len()]);
            last.zeroize();
        }
    }
}

/// Vectors to as many words.
#[inline(always)]
fn store<V: Words>(vectors: [V; BLOCK], words: &mut [u32]) {
    for (v, at) in vectors.into_iter().zip(words.chunks_exact_mut(V::N)) {
        // SAFETY: room for a vector.
        unsafe { v.store(at.as_mut_ptr()) };
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

    proptest! {
        #[test]
        fn words_are_those_of_rand_chacha(
            seed in any::<[u8; 32]>(),
            stream in any::<u64>(),
            group in prop::sample::select(vec![0, 1, 77, (1 << 28) - 1, (1 << 28) + 3]),
            count in 0usize..700,
        ) {
            let mut rng = ChaCha20Rng::from_seed(seed);
            rng.set_stream(stream);
            let first = 16 * group;
            rng.set_word_pos(u128::from(first) * BLOCK as u128);
            let want: Vec<u32> = (0..count).map(|_| rng.next_u32()).collect();
            for simd in Simd::all() {
                let mut got = vec![0; count];
                Keystream::new(&seed, stream).words(simd, first, &mut got);
                prop_assert_eq!(&got, &want, "{}", simd);
            }
        }
    }

    /// RFC 7539, 2.3.2, whose 96-bit nonce is the upper word of the counter and the stream here.
    #[test]
    fn the_block_of_the_standard() {
        let seed = std::array::from_fn(|i| i as u8);
        let keystream = Keystream::new(&seed, 0x4a00_0000);
        for simd in Simd::all() {
            let mut words = [0; 2 * BLOCK];
            keystream.words(simd, 0x0900_0000 << 32, &mut words);
            assert_eq!(words[16..20], [0xe4e7_f110, 0x1559_3bd1, 0x1fdd_0f50, 0xc471_20a3]);
        }
    }
}
