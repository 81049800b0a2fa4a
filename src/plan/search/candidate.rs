//! What a choice consists of: how many primes go where, and what digits are.

use crate::scheme::{Digits, Switch};
use std::ops::Range;

/// The digits of sums that have a prime behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pairing {
    /// Sums of so many primes and more have pairs.
    pub from: usize,
    /// The digits of all others.
    pub below: Digits,
}

impl Pairing {
    /// Pairs of digits save transforms from so many primes on.
    pub const WORTH: usize = 4;

    /// Pairs wherever they save transforms: about as precise as plain digits.
    pub const ALL: Self = Self { from: Self::WORTH, below: Digits::Plain };

    /// None at all, and as little noise as there can be.
    pub const NONE: Self = Self { from: usize::MAX, below: Digits::Guarded };

    /// The digits of sums at `level` of `primes` primes.
    pub fn digits(self, level: usize, primes: usize) -> Digits {
        match level {
            _ if level >= primes => Digits::Plain,
            _ if level >= self.from => Digits::Paired,
            _ => self.below,
        }
    }
}

/// How many primes go after the sums of each depth, and how many are left for the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub drops: Vec<usize>,
    pub base: usize,
    /// Whether the result's primes are its own: then all others go at the last switch.
    pub own: bool,
    /// Whether a prime is behind all sums, so that the first switch has a guard, too.
    pub reserve: bool,
    pub pairing: Pairing,
}

impl Candidate {
    /// Primes of a fresh ciphertext.
    pub fn fresh(&self) -> usize {
        let left = if self.own { 0 } else { self.base };
        left + self.drops.iter().sum::<usize>()
    }

    pub fn primes(&self) -> usize {
        self.fresh() + usize::from(self.reserve)
    }

    /// The places of the result's primes among all.
    pub fn results(&self) -> Range<usize> {
        let first = if self.own { self.primes() } else { 0 };
        first..first + self.base
    }

    /// Whether the sums of a depth come down to the result's own primes.
    pub fn lands(&self, depth: usize) -> bool {
        self.own && depth + 2 == self.drops.len()
    }

    pub fn switch(&self, depth: usize) -> Switch {
        let gone = self.gone(depth);
        let digits = self.pairing.digits(gone.end, self.primes());
        Switch { rescale: gone.len(), digits, to_results: self.lands(depth) }
    }

    pub fn levels(&self) -> Vec<usize> {
        let last = self.drops.len() - 1;
        let level = |d| if d == last { self.base } else { self.gone(d).end };
        (0..=last).map(level).collect()
    }

    /// The places of the primes that hold the sums of a depth.
    pub fn held(&self, depth: usize) -> Range<usize> {
        if depth + 1 == self.drops.len() { self.results() } else { 0..self.gone(depth).end }
    }

    /// Places in the modulus of the primes that go after the sums of a depth.
    pub fn gone(&self, depth: usize) -> Range<usize> {
        let level = self.fresh() - self.drops[..depth].iter().sum::<usize>();
        level - self.drops[depth]..level
    }
}
