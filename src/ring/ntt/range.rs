//! The ranges in which lazy values live, by the size of the prime and the instruction set.
//!
//! A butterfly multiplies one operand, which may be any word, and adds the product to the other,
//! which must be small enough for the sum to fit a word. What "small enough" takes is a [`Range`].

use crate::math::{Modulus, words::Words};
use std::ops::RangeInclusive;

/// How values modulo one prime are kept between butterflies. *Small* values are those that a product
/// may be added to or taken from; sums and differences of the two are *large*.
pub trait Range<V: Words>: Copy {
    /// The constants of a prime in [`Range::PRIMES`].
    fn new(m: &Modulus) -> Self;

    /// The primes that it holds for.
    const PRIMES: RangeInclusive<u32>;

    /// p.
    fn p(&self) -> V;

    /// A multiple of p such that small + multiple − product is large.
    fn multiple(&self) -> V;

    /// Small from [0, p).
    fn lift(&self, x: V) -> V;

    /// Small from large.
    fn reduce(&self, x: V) -> V;

    /// Large from [2¹⁷, 4p), for p below 2³⁰.
    fn fold(&self, x: V) -> V;

    /// x·w, small, for any word x.
    fn product(&self, x: V, w: V::Factor) -> V;

    /// [0, p) from large.
    fn canonical(&self, x: V) -> V;
}

/// Any prime below 2³¹: small is [0, p), large is [0, 2p).
#[derive(Clone, Copy)]
pub struct Tight<V>(V);

impl<V: Words> Range<V> for Tight<V> {
    const PRIMES: RangeInclusive<u32> = 3..=(1 << 31) - 1;

    #[inline(always)]
    fn new(m: &Modulus) -> Self {
        Self(V::splat(m.value()))
    }

    #[inline(always)]
    fn p(&self) -> V {
        self.0
    }

    #[inline(always)]
    fn multiple(&self) -> V {
        self.0
    }

    #[inline(always)]
    fn lift(&self, x: V) -> V {
        x
    }

    #[inline(always)]
    fn reduce(&self, x: V) -> V {
        x.reduce(self.0)
    }

    #[inline(always)]
    fn fold(&self, x: V) -> V {
        x.reduce(self.0.add(self.0))
    }

    #[inline(always)]
    fn product(&self, x: V, w: V::Factor) -> V {
        x.mul_lazy(w, self.0).reduce(self.0)
    }

    #[inline(always)]
    fn canonical(&self, x: V) -> V {
        x.reduce(self.0)
    }
}

/// Primes below 2³⁰: small is [0, 2p), large is [0, 4p), and Shoup's product needs no correction
/// (Harvey, "Faster arithmetic for number-theoretic transforms", 2014).
#[derive(Clone, Copy)]
pub struct Wide<V> {
    p: V,
    twice: V,
}

impl<V: Words> Range<V> for Wide<V> {
    const PRIMES: RangeInclusive<u32> = 3..=(1 << 30) - 1;

    #[inline(always)]
    fn new(m: &Modulus) -> Self {
        Self { p: V::splat(m.value()), twice: V::splat(2 * m.value()) }
    }

    #[inline(always)]
    fn p(&self) -> V {
        self.p
    }

    #[inline(always)]
    fn multiple(&self) -> V {
        self.twice
    }

    #[inline(always)]
    fn lift(&self, x: V) -> V {
        x
    }

    #[inline(always)]
    fn reduce(&self, x: V) -> V {
        x.reduce(self.twice)
    }

    #[inline(always)]
    fn fold(&self, x: V) -> V {
        x.reduce(self.twice)
    }

    #[inline(always)]
    fn product(&self, x: V, w: V::Factor) -> V {
        x.mul_lazy(w, self.p)
    }

    #[inline(always)]
    fn canonical(&self, x: V) -> V {
        x.reduce(self.twice).reduce(self.p)
    }
}
