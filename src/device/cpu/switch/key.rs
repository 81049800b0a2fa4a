//! The relinearisation key, in the order in which sums of products read it.

use crate::math::Lines;
use crate::ring::{Basis, Tile};
use crate::scheme::Digits;
use std::sync::OnceLock;

/// Values of a polynomial that lie together: those of the widest vector.
pub const BLOCK: usize = 16;

/// A relinearisation key for every kind of digits.
#[derive(Debug)]
pub struct CpuKey {
    single: Rows,
    /// Sums of two primes' keys, when they are first wanted.
    paired: OnceLock<Rows>,
}

/// A key, `[prime][block][digit][component][BLOCK]`: what one vector of results
/// needs is read in one go.
#[derive(Debug)]
pub struct Rows {
    digits: usize,
    per_prime: usize,
    residues: Lines<u32>,
}

impl CpuKey {
    /// Orders a key's residues and takes them to Montgomery form, where that is how they are multiplied.
    pub fn new(montgomery: bool, basis: &Basis, key: &Tile) -> Self {
        let shape = key.shape();
        let block = BLOCK.min(shape.degree);
        let mut residues = Vec::with_capacity(key.data().len());
        for prime in 0..shape.primes {
            let m = basis.modulus(prime);
            for at in (0..shape.degree).step_by(block) {
                for digit in 0..shape.rows {
                    for component in 0..2 {
                        let values = &key.poly(prime, component, digit)[at..at + block];
                        match montgomery {
                            true => residues.extend(values.iter().map(|&x| m.to_montgomery(x))),
                            false => residues.extend(values),
                        }
                    }
                }
            }
        }
        let residues = residues[..].into();
        let single = Rows { digits: shape.rows, per_prime: shape.per_prime(), residues };
        Self { single, paired: OnceLock::new() }
    }

    /// The key for such digits, of the basis that it was made for.
    pub fn of(&self, basis: &Basis, digits: Digits) -> &Rows {
        match digits {
            Digits::Plain | Digits::Guarded => &self.single,
            Digits::Paired => self.paired.get_or_init(|| self.single.paired(basis)),
        }
    }
}

impl Rows {
    /// Neighbouring digits' keys added; an odd last one stays as it is.
    fn paired(&self, basis: &Basis) -> Self {
        let block = 2 * BLOCK.min(basis.degree());
        let digits = self.digits.div_ceil(2);
        let mut residues = Vec::with_capacity(self.residues.len() / self.digits.max(1) * digits);
        for (i, residues_of_prime) in self.residues.chunks_exact(self.per_prime).enumerate() {
            let m = basis.modulus(i);
            for both in residues_of_prime.chunks_exact(self.digits * block) {
                for pair in both.chunks(2 * block) {
                    let (low, high) = pair.split_at(block);
                    let sum = |(k, &x): (usize, &u32)| high.get(k).map_or(x, |&y| m.add(x, y));
                    residues.extend(low.iter().enumerate().map(sum));
                }
            }
        }
        let per_prime = self.per_prime / self.digits.max(1) * digits;
        Self { digits, per_prime, residues: residues[..].into() }
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
