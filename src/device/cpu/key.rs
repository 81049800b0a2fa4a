//! The relinearisation key, in the order in which sums of products read it.

use crate::math::Lines;
use crate::ring::{Basis, Tile};

/// Values of a polynomial that lie together: those of the widest vector.
pub const BLOCK: usize = 16;

/// A relinearisation key in Montgomery form, `[prime][block][digit][component][BLOCK]`: what one
/// vector of results needs is read in one go.
#[derive(Debug)]
pub struct CpuKey {
    digits: usize,
    per_prime: usize,
    residues: Lines<u32>,
}

impl CpuKey {
    /// Orders a key's residues and takes them to Montgomery form.
    pub fn new(basis: &Basis, key: &Tile) -> Self {
        let shape = key.shape();
        let block = BLOCK.min(shape.degree);
        let mut residues = Vec::with_capacity(key.data().len());
        for prime in 0..shape.primes {
            let m = basis.modulus(prime);
            for at in (0..shape.degree).step_by(block) {
                for digit in 0..shape.rows {
                    for component in 0..2 {
                        let values = &key.poly(prime, component, digit)[at..at + block];
                        residues.extend(values.iter().map(|&x| m.to_montgomery(x)));
                    }
                }
            }
        }
        Self { digits: shape.rows, per_prime: shape.per_prime(), residues: residues[..].into() }
    }

    /// How many digits the key has.
    pub fn digits(&self) -> usize {
        self.digits
    }

    /// The key modulo one prime: `[block][digit][component][BLOCK]`.
    pub fn prime(&self, i: usize) -> &[u32] {
        &self.residues[i * self.per_prime..][..self.per_prime]
    }
}
