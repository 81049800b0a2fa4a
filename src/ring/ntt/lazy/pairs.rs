//! Integers of two primes ([`super::super::pairs`]), modulo one prime.

use super::outer::Source;
use crate::math::{Modulus, lazy::Lazy};
use crate::ring::ntt::pairs::{LOW, RAISED};

/// What is to be known of a prime.
#[derive(Clone, Copy, Debug)]
pub struct PairTable {
    /// A multiple of p, less what is added to all integers and I times as much.
    start: u64,
    /// What the upper part counts.
    upper: u64,
    /// What stands for 0.
    zero: u64,
}

impl PairTable {
    /// For I = `i` and lanes that begin with `start`, a multiple of p.
    pub fn new(m: &Modulus, i: u32, start: u64) -> Self {
        let upper = m.pow(2, LOW.into()).into();
        let start = raised(m, i, start, RAISED.trailing_zeros());
        Self { start, upper, zero: (RAISED >> LOW) * upper }
    }

    /// Integers from `at` on.
    #[inline(always)]
    pub fn source(&self, at: *const u64) -> Pairs {
        Pairs { at, of: *self }
    }
}

/// `start`, a multiple of p, less what the folding leaves of 2^`bits` added to all coefficients:
/// (a + r) − I·(b + r) is a − I·b, and r·(1 − I).
pub fn raised(m: &Modulus, i: u32, start: u64, bits: u32) -> u64 {
    start - u64::from(m.mul(m.pow(2, bits.into()), m.sub(1, i)))
}

/// Integers of two primes.
#[derive(Clone, Copy)]
pub struct Pairs {
    at: *const u64,
    of: PairTable,
}

impl Pairs {
    /// Those from `at` on, with the number that is added to all.
    ///
    /// # Safety
    /// As for [`Source::lanes`].
    #[inline(always)]
    unsafe fn raised(self, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        let x = unsafe { Lazy::load(self.at.add(at)) };
        x.add_low(x.above(), Lazy::splat(self.of.upper))
    }
}

impl Source for Pairs {
    #[inline(always)]
    unsafe fn lanes(self, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        unsafe { self.raised(at) }.add(Lazy::splat(self.of.start))
    }

    #[inline(always)]
    unsafe fn reversed(self, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        unsafe { self.raised(at) }.reversed()
    }

    #[inline(always)]
    fn zero(self) -> Lazy {
        Lazy::splat(self.of.zero)
    }
}
