//! Decryption, two rows at a time.

use super::encoding::Workspace;
use super::secret::SecretKey;
use crate::ring::{Basis, Crt, Shape, Tile, add_product};
use rayon::prelude::*;
use zeroize::Zeroizing;

impl SecretKey {
    /// Decrypts a tile of one, two or three components and of at least one prime: the slots of all
    /// rows, `[rows][N]`, divided by `scale`.
    pub fn decrypt(&self, tile: &Tile, scale: f64) -> Vec<f64> {
        self.open(self.params.basis(), 0, tile, scale)
    }

    /// [`decrypt`](Self::decrypt) for a tile of results, modulo the primes that these have.
    pub fn decrypt_results(&self, tile: &Tile, scale: f64) -> Vec<f64> {
        self.open(self.params.results(), self.params.first_of_results(), tile, scale)
    }

    /// For a tile modulo primes of `basis`, of which this key's are those from `first` on.
    fn open(&self, basis: &Basis, first: usize, tile: &Tile, scale: f64) -> Vec<f64> {
        let Shape { primes, rows, degree, .. } = tile.shape();
        let crt = Crt::new(basis, primes);
        let mut values = vec![0.0; rows * degree];
        values.par_chunks_mut(2 * degree).enumerate().for_each_init(
            || Scratch::new(self, (basis, first), primes),
            |scratch, (pair, values)| scratch.decrypt(tile, &crt, 2 * pair, scale, values),
        );
        values
    }
}

/// What one thread works in, wiped when dropped: a phase is a message with the noise that depends on
/// the secret.
struct Scratch<'a> {
    key: &'a SecretKey,
    basis: &'a Basis,
    /// The place of the basis's first prime in the key's.
    first: usize,
    work: Workspace,
    /// `[prime][N]`.
    residues: Zeroizing<Vec<u32>>,
    /// `[2][N]`.
    pair: Zeroizing<Vec<f64>>,
}

impl<'a> Scratch<'a> {
    fn new(key: &'a SecretKey, (basis, first): (&'a Basis, usize), primes: usize) -> Self {
        let degree = key.params.degree();
        Self {
            key,
            basis,
            first,
            work: key.encoder.workspace(),
            residues: vec![0; primes * degree].into(),
            pair: vec![0.0; 2 * degree].into(),
        }
    }

    /// One row or two, from row `first` on, as many as `values` has place for.
    fn decrypt(&mut self, tile: &Tile, crt: &Crt, first: usize, scale: f64, values: &mut [f64]) {
        let SecretKey { encoder, simd, powers, .. } = self.key;
        let (degree, basis) = (self.basis.degree(), self.basis);
        self.pair[values.len()..].fill(0.0);
        let rows = self.pair[..values.len()].chunks_exact_mut(degree);
        for (row, integers) in (first..).zip(rows) {
            for (prime, phase) in self.residues.chunks_exact_mut(degree).enumerate() {
                phase.copy_from_slice(tile.poly(prime, 0, row));
                for (component, power) in (1..tile.shape().components).zip(powers) {
                    let c = tile.poly(prime, component, row);
                    add_product(*simd, basis.modulus(prime), c, &power[self.first + prime], phase);
                }
                basis.table(prime).inverse_wiping(*simd, phase);
            }
            crt.centred(*simd, &self.residues, integers);
        }
        encoder.to_slots(*simd, &mut self.pair, scale.recip(), &mut self.work);
        values.copy_from_slice(&self.pair[..values.len()]);
    }
}
