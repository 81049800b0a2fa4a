//! The residue number system: one transform table a prime.

use super::{NttTable, Shape, Tile};
use crate::math::Modulus;
use rayon::prelude::*;

/// The ring of degree N modulo Q = q₀·q₁⋯, a table for each prime.
///
/// A level ℓ uses the first ℓ primes; rescaling takes the last one away.
#[derive(Clone, Debug)]
pub struct Basis {
    degree: usize,
    tables: Vec<NttTable>,
}

impl Basis {
    /// Tables for primes that the caller has checked: distinct, below 2³¹, ≡ 1 mod 4·`degree`.
    pub(crate) fn new(degree: usize, primes: &[u32]) -> Self {
        let tables = primes.par_iter().map(|&p| NttTable::new(Modulus::new(p), degree)).collect();
        Self { degree, tables }
    }

    /// N: coefficients of an element, and slots of a ciphertext.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// The number of primes.
    pub fn len(&self) -> usize {
        self.tables.len()
    }

    /// Never: parameters have at least one prime.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The transform of prime `i`, from 0.
    ///
    /// # Panics
    /// Where there are not so many primes.
    pub fn table(&self, i: usize) -> &NttTable {
        &self.tables[i]
    }

    /// The arithmetic of prime `i`, from 0.
    ///
    /// # Panics
    /// As [`Basis::table`].
    pub fn modulus(&self, i: usize) -> &Modulus {
        self.tables[i].modulus()
    }

    /// All primes, in the order in which rescaling leaves them: the last one goes first.
    pub fn primes(&self) -> impl Iterator<Item = u32> + '_ {
        self.tables.iter().map(|t| t.modulus().value())
    }

    /// log₂ of the product of the first `level` primes.
    pub fn log2_q(&self, level: usize) -> f64 {
        self.primes().take(level).map(|p| f64::from(p).log2()).sum()
    }

    /// Whether every residue of `tile` is below its prime, and the tile fits this basis.
    pub fn holds(&self, tile: &Tile) -> bool {
        let Shape { primes, degree, .. } = tile.shape();
        degree == self.degree
            && primes <= self.len()
            && (0..primes).all(|i| {
                let p = self.modulus(i).value();
                // A maximum is vectorised; a search that stops early is not.
                let largest = |part: &[u32]| part.iter().fold(0, |max, &x| max.max(x));
                tile.prime(i).par_chunks(degree).all(|poly| largest(poly) < p)
            })
    }
}
