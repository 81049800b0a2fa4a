//! Encryption, two rows at a time: they go from their slots to c₀ in cache.

use super::ciphertext::{SeededTile, uniform_poly};
use super::encoding::Workspace;
use super::message::Message;
use super::sampling::{self, EntropyError, Keystream, Seed};
use super::secret::SecretKey;
use crate::ring::{Shape, Tile, subtract_product};
use rayon::prelude::*;
use std::ops::Range;
use zeroize::Zeroizing;

/// Rows that go together: as many as the transform of slots takes.
const PAIR: usize = 2;

/// How slots become ciphertexts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Encoding {
    /// How many primes the ciphertexts have, at least one and at most all.
    pub level: usize,
    /// A slot v is encrypted as v·scale.
    pub scale: f64,
    /// The largest |v|. Coefficients of a row that holds more are cut off.
    pub range: f64,
}

impl SecretKey {
    /// Encrypts `rows` rows of N slots each: c₀ = −c₁·s + e + m for a message m of the rounded
    /// coefficients of slots·scale, an error e of [`ERROR_STD`](super::ERROR_STD) and a uniform c₁.
    ///
    /// `fill(row, slots)` writes the slots of one row; what it finds there is unspecified. It is called
    /// from many threads.
    ///
    /// # Errors
    /// [`EntropyError`] where the operating system has no randomness to give.
    pub fn encrypt(
        &self,
        rows: usize,
        encoding: Encoding,
        fill: impl Fn(usize, &mut [f64]) + Sync,
    ) -> Result<SeededTile, EntropyError> {
        self.encrypt_over(None, rows, encoding, fill)
    }

    /// [`SecretKey::encrypt`] in the memory of earlier ciphertexts, where it is large enough: the
    /// operating system clears fresh memory, page by page.
    ///
    /// # Errors
    /// As [`SecretKey::encrypt`].
    pub(crate) fn encrypt_over(
        &self,
        earlier: Option<SeededTile>,
        rows: usize,
        encoding: Encoding,
        fill: impl Fn(usize, &mut [f64]) + Sync,
    ) -> Result<SeededTile, EntropyError> {
        let degree = self.params.degree();
        let (seed, noise) = (sampling::fresh_seed()?, sampling::fresh_seed()?);
        let shape = Shape { primes: encoding.level, components: 1, rows, degree };
        let mut c0 = earlier.map(|earlier| earlier.c0).unwrap_or_default();
        c0.reshape(shape);
        pairs(&mut c0).into_par_iter().enumerate().for_each_init(
            || Scratch::new(self, encoding),
            |scratch, (pair, c0)| {
                let first = PAIR * pair;
                let rows = first..rows.min(first + PAIR);
                for (row, slots) in rows.clone().zip(scratch.slots.chunks_exact_mut(degree)) {
                    fill(row, slots);
                }
                scratch.encrypt(rows, [&seed, &noise], c0);
            },
        );
        Ok(SeededTile { seed: *seed, c0 })
    }
}

/// For every two rows, the last of which may be alone, their polynomials, `[prime][row][N]`.
fn pairs(tile: &mut Tile) -> Vec<Vec<&mut [u32]>> {
    let Shape { rows, degree, .. } = tile.shape();
    let per_prime = tile.shape().per_prime().max(1);
    let mut pairs: Vec<_> = (0..rows.div_ceil(PAIR)).map(|_| Vec::new()).collect();
    for prime in tile.data_mut().chunks_mut(per_prime) {
        let polys = prime.chunks_mut(PAIR * degree);
        pairs.iter_mut().zip(polys).for_each(|(pair, polys)| pair.push(polys));
    }
    pairs
}

/// What one thread works in. Whoever has the errors has the secret; they are wiped with the messages.
struct Scratch<'a> {
    key: &'a SecretKey,
    encoding: Encoding,
    /// `[2][N]`.
    slots: Zeroizing<Vec<f64>>,
    work: Workspace,
    message: Message,
    error: Zeroizing<Vec<i32>>,
    uniform: Vec<u32>,
    /// Message and error, then c₀.
    values: Zeroizing<Vec<u32>>,
}

impl<'a> Scratch<'a> {
    fn new(key: &'a SecretKey, encoding: Encoding) -> Self {
        let degree = key.params.degree();
        Self {
            key,
            encoding,
            slots: vec![0.0; PAIR * degree].into(),
            work: key.encoder.workspace(),
            message: Message::new(degree, encoding.scale * encoding.range),
            error: vec![0; degree].into(),
            uniform: vec![0; degree],
            values: vec![0; degree].into(),
        }
    }

    /// Encrypts what stands in `slots`: one row or two.
    fn encrypt(&mut self, rows: Range<usize>, [seed, noise]: [&Seed; 2], mut c0: Vec<&mut [u32]>) {
        let SecretKey { encoder, params, simd, powers: [secret, _], .. } = self.key;
        let (degree, basis) = (params.degree(), params.basis());
        // A row that is missing holds that of an earlier pair, which does no harm: rows do not mix
        // but for the rounding of doubles.
        encoder.to_coefficients(*simd, &mut self.slots, self.encoding.scale, &mut self.work);
        for (k, row) in rows.enumerate() {
            let at = k * degree..(k + 1) * degree;
            sampling::errors(*simd, &Keystream::new(noise, row as u64), &mut self.error);
            self.message.set(*simd, &self.slots[at.clone()], &self.error);
            for (prime, c0) in c0.iter_mut().enumerate() {
                let c0 = &mut c0[at.clone()];
                uniform_poly(*simd, basis, seed, prime, row, &mut self.uniform);
                let (m, values) = (basis.modulus(prime), &mut self.values);
                self.message.transform(*simd, basis.table(prime), values);
                subtract_product(*simd, m, &self.uniform, &secret[prime], values);
                // Memory that is far is written once, in order.
                c0.copy_from_slice(values);
            }
        }
    }
}
