//! What a switch does modulo one prime: digits and remainders become values, the digits are multiplied
//! with the key, and what is left over by primes that go is taken away.
//!
//! With IFMA all of that goes block by block in registers and the first cache ([`lazy`]); elsewhere
//! transforms come first, whole, and then the sums ([`words`]).

#[cfg(target_arch = "x86_64")]
mod lazy;
#[cfg(test)]
mod tests;
mod words;

use super::way::Way;
use crate::math::{Lines, simd::Simd, words::Factors};
use crate::ring::{Basis, NttTable, Summands};

/// Ciphertexts for which a part of the key is read at a time.
pub const TOGETHER: usize = 2;

/// One ciphertext modulo one prime.
#[derive(Debug)]
pub struct Values<'a> {
    /// c₀ and c₁.
    pub c: Own<'a>,
    /// The first digits of those that the key is for.
    pub digits: Vec<Digit<'a>>,
    /// Of both components, for each prime that goes or each two of them.
    pub remainders: Vec<[Integers<'a>; 2]>,
}

/// What a ciphertext has of its own.
#[derive(Clone, Copy, Debug)]
pub enum Own<'a> {
    /// 0.
    Nothing,
    /// Two components.
    Values([&'a [u32]; 2]),
    /// What stands where the results go.
    Held,
}

/// A digit dⱼ.
#[derive(Clone, Copy, Debug)]
pub enum Digit<'a> {
    /// Coefficients.
    Integers(Integers<'a>),
    /// Values in [0, p), to be multiplied by factor `k` of a table, if there is one.
    Values(&'a [u32], Option<(&'a Factors, usize)>),
}

/// Integers to be transformed.
#[derive(Clone, Copy, Debug)]
pub enum Integers<'a> {
    /// With the most that the summands are in absolute value, 2³⁰ at most, where transforms have lanes of words.
    Sums { of: Summands<'a>, bound: u32 },
    /// With [`crate::ring::RAISED`] added, where transforms have lanes that nothing reduces.
    Raised(&'a [u32]),
    /// Of two primes, where transforms have lanes that take them.
    Pairs(&'a [u64]),
}

/// Memory of one thread.
#[derive(Debug, Default)]
pub struct Work {
    words: Lines<u32>,
    #[cfg(target_arch = "x86_64")]
    lazy: lazy::Work,
}

/// Whether all transforms have lanes that nothing reduces. Elsewhere the key is to be in Montgomery form, in which
/// its products are reduced.
pub fn is_lazy(simd: Simd, basis: &Basis) -> bool {
    #[cfg(target_arch = "x86_64")]
    if (0..basis.len()).all(|i| basis.table(i).lazy(simd).is_some()) {
        return true;
    }
    let _ = (simd, basis);
    false
}

/// What the ciphertexts have in common.
#[derive(Clone, Copy)]
pub struct Sums<'a> {
    pub simd: Simd,
    pub table: &'a NttTable,
    /// The key modulo this prime, and how many digits it is for. None without digits.
    pub key: &'a [u32],
    pub key_digits: usize,
    pub way: &'a Way,
}

impl Sums<'_> {
    /// c + Σⱼ dⱼ·keyⱼ after the way's steps, for both components, in [0, p): of at most [`TOGETHER`]
    /// ciphertexts, which have as many digits and remainders.
    pub fn write(&self, rows: &[Values<'_>], work: &mut Work, out: &mut [[&mut [u32]; 2]]) {
        let n = self.table.degree();
        assert!(rows.len() == out.len() && out.iter().flatten().all(|v| v.len() == n));
        for values in rows {
            self.check(values);
            assert_eq!(values.digits.len(), rows[0].digits.len());
            assert_eq!(values.remainders.len(), rows[0].remainders.len());
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(table) = self.table.lazy(self.simd) {
            return lazy::write(self, table, rows, &mut work.lazy, out);
        }
        words::write(self, rows, &mut work.words, out);
    }

    /// Where the components of `c` stand, if it is for `out`.
    fn pointers(c: Own<'_>, out: [*mut u32; 2]) -> Option<[*const u32; 2]> {
        match c {
            Own::Nothing => None,
            Own::Values(c) => Some(c.map(<[u32]>::as_ptr)),
            Own::Held => Some(out.map(<*mut u32>::cast_const)),
        }
    }

    fn check(&self, values: &Values<'_>) {
        let n = self.table.degree();
        let count = values.digits.len();
        assert!(
            count <= self.key_digits && (count == 0 || self.key.len() == 2 * self.key_digits * n)
        );
        assert!(match values.c {
            Own::Values(c) => c.iter().all(|c| c.len() == n),
            Own::Nothing | Own::Held => true,
        });
        let fits = |x: &Integers<'_>| match *x {
            Integers::Sums { of: Summands { x, y }, bound } => {
                x.len() == n && y.is_none_or(|(y, ..)| y.len() == n) && bound <= 1 << 30
            }
            Integers::Raised(x) => x.len() == n,
            Integers::Pairs(x) => x.len() == n,
        };
        assert!(values.digits.iter().all(|d| match d {
            Digit::Integers(x) => fits(x),
            Digit::Values(x, _) => x.len() == n,
        }));
        assert!(values.remainders.iter().flatten().all(fits));
        let steps = &self.way.steps;
        assert!(steps.iter().all(|s| s.remainder.is_none_or(|k| k < values.remainders.len())));
        assert_eq!(steps.len(), self.way.factors.values().len());
    }
}
