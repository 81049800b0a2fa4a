//! Eight residues in 64-bit lanes, which nothing reduces on the way: products by IFMA, 52 bits by 52, of
//! which the low or the high half is added to a lane.
//!
//! With w' = ⌊w·2⁵²/p⌋ and q = ⌊x·w'/2⁵²⌋ the product x·w − q·p lies in [0, 2p) for any x below 2⁵². Sums
//! and differences of products stay below that for twenty stages of a transform, so that a butterfly
//! takes five instructions for eight lanes, where in 32-bit lanes it takes fourteen for sixteen.
//!
//! A lane stands for its low 52 bits. Products read no others, sums carry upward alone: what lies
//! above is of no account, and −p is 2⁵² − p.

use super::{Lines, Modulus};
use std::arch::x86_64::*;

/// Eight lanes. Used only in functions compiled for AVX-512 F, DQ, VL and IFMA.
#[derive(Clone, Copy)]
pub struct Lazy(__m512i);

/// A fixed factor with its quotient ⌊w·2⁵²/p⌋, one a lane.
#[derive(Clone, Copy)]
pub struct Factor {
    w: __m512i,
    quotient: __m512i,
}

/// The constants of a prime.
#[derive(Clone, Copy)]
pub struct Prime {
    minus: __m512i,
    /// ⌊2⁵²/p⌋.
    quotient: __m512i,
    /// p in 32-bit lanes.
    words: __m512i,
}

/// A word that is added to others, modulo 2³².
#[derive(Clone, Copy)]
pub struct Added(__m512i);

impl Added {
    #[inline(always)]
    pub fn new(word: u32) -> Self {
        Self(unsafe { _mm512_set1_epi32(word as i32) })
    }
}

/// A table of factors.
#[derive(Clone, Debug)]
pub struct LazyFactors {
    w: Lines<u64>,
    quotient: Lines<u64>,
}

impl LazyFactors {
    /// The table of these residues.
    pub fn new(m: &Modulus, values: impl Iterator<Item = u32>) -> Self {
        let w: Vec<u64> = values.map(u64::from).collect();
        let quotient: Vec<u64> = w.iter().map(|&w| quotient(m, w)).collect();
        Self { w: w[..].into(), quotient: quotient[..].into() }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.w.len()
    }

    /// Factor `k` in all lanes.
    ///
    /// # Safety
    /// There is such a factor.
    #[inline(always)]
    pub unsafe fn one(&self, k: usize) -> Factor {
        debug_assert!(k < self.len());
        // SAFETY: the caller's promise.
        unsafe {
            let splat = |at: &[u64]| _mm512_set1_epi64(*at.get_unchecked(k) as i64);
            Factor { w: splat(&self.w), quotient: splat(&self.quotient) }
        }
    }

    /// Factor `k` + (l mod `period`) in lane l, for a period of 2, 4 or 8.
    ///
    /// # Safety
    /// There are `period` factors from `k` on.
    #[inline(always)]
    pub unsafe fn each(&self, k: usize, period: usize) -> Factor {
        debug_assert!(k + period <= self.len());
        // SAFETY: the caller's promise.
        unsafe {
            let periodic = |at: &[u64]| {
                let at = at.as_ptr().add(k);
                match period {
                    2 => _mm512_broadcast_i64x2(_mm_loadu_si128(at.cast())),
                    4 => _mm512_broadcast_i64x4(_mm256_loadu_si256(at.cast())),
                    8 => _mm512_loadu_si512(at.cast()),
                    other => unreachable!("a period of {other} lanes"),
                }
            };
            Factor { w: periodic(&self.w), quotient: periodic(&self.quotient) }
        }
    }
}

/// ⌊w·2⁵²/p⌋.
fn quotient(m: &Modulus, w: u64) -> u64 {
    ((u128::from(w) << 52) / u128::from(m.value())) as u64
}

impl Factor {
    /// A residue in all lanes.
    #[inline(always)]
    pub fn splat(m: &Modulus, w: u32) -> Self {
        let w = u64::from(w);
        Self { w: Lazy::splat(w).0, quotient: Lazy::splat(quotient(m, w)).0 }
    }
}

impl Prime {
    #[inline(always)]
    pub fn new(m: &Modulus) -> Self {
        let p = u64::from(m.value());
        Self {
            minus: Lazy::splat((1 << 52) - p).0,
            quotient: Lazy::splat(quotient(m, 1)).0,
            // SAFETY: the promise of `Lazy`, here and below.
            words: unsafe { _mm512_set1_epi32(m.value() as i32) },
        }
    }
}

impl Prime {
    /// Words from [0, 2p) to [0, p).
    #[inline(always)]
    fn residues(&self, words: __m512i) -> __m512i {
        unsafe { _mm512_min_epu32(words, _mm512_sub_epi32(words, self.words)) }
    }
}

/// A sum of products on its way.
#[derive(Clone, Copy)]
pub struct Products {
    sum: __m512i,
    quotient: __m512i,
}

impl From<Lazy> for Products {
    #[inline(always)]
    fn from(start: Lazy) -> Self {
        Self { sum: start.0, quotient: unsafe { _mm512_setzero_si512() } }
    }
}

impl Products {
    /// With x·w.
    #[inline(always)]
    pub fn plus(self, x: Lazy, w: Factor) -> Self {
        unsafe {
            Self {
                sum: _mm512_madd52lo_epu64(self.sum, x.0, w.w),
                quotient: _mm512_madd52hi_epu64(self.quotient, x.0, w.quotient),
            }
        }
    }

    /// What it began with and Σ (x·w mod p), each product in [0, 2p).
    #[inline(always)]
    pub fn reduced(self, p: &Prime) -> Lazy {
        Lazy(unsafe { _mm512_madd52lo_epu64(self.sum, self.quotient, p.minus) })
    }
}

impl Lazy {
    /// How many lanes.
    pub const N: usize = 8;

    #[inline(always)]
    pub fn splat(x: u64) -> Self {
        Self(unsafe { _mm512_set1_epi64(x as i64) })
    }

    /// # Safety
    /// `at` points to eight readable double words.
    #[inline(always)]
    pub unsafe fn load(at: *const u64) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm512_loadu_si512(at.cast()) })
    }

    /// # Safety
    /// `at` points to eight writable double words.
    #[inline(always)]
    pub unsafe fn store(self, at: *mut u64) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(at.cast(), self.0) }
    }

    /// Words as they are.
    ///
    /// # Safety
    /// `at` points to eight readable words.
    #[inline(always)]
    pub unsafe fn words(at: *const u32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm512_cvtepu32_epi64(_mm256_loadu_si256(at.cast())) })
    }

    /// Words as they are, the last one first.
    ///
    /// # Safety
    /// `at` points to eight readable words.
    #[inline(always)]
    pub unsafe fn words_reversed(at: *const u32) -> Self {
        const LOW: __mmask16 = 0x5555;
        // SAFETY: the caller's promise.
        unsafe {
            let order = _mm512_setr_epi32(7, 0, 6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0, 0);
            let words = _mm512_castsi256_si512(_mm256_loadu_si256(at.cast()));
            Self(_mm512_maskz_permutexvar_epi32(LOW, order, words))
        }
    }

    /// Integers, the negative ones modulo 2⁶⁴.
    ///
    /// # Safety
    /// `at` points to eight readable integers.
    #[inline(always)]
    pub unsafe fn integers(at: *const i32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm512_cvtepi32_epi64(_mm256_loadu_si256(at.cast())) })
    }

    /// Sixteen words as two vectors: those at even places, and those at odd places.
    ///
    /// # Safety
    /// `at` points to sixteen readable words.
    #[inline(always)]
    pub unsafe fn even_odd(at: *const u32) -> [Self; 2] {
        // SAFETY: the caller's promise.
        unsafe {
            let words = _mm512_loadu_si512(at.cast());
            let even = _mm512_and_si512(words, _mm512_set1_epi64(0xffff_ffff));
            [Self(even), Self(_mm512_srli_epi64(words, 32))]
        }
    }

    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    pub fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_epi64(self.0, other.0) })
    }

    /// What lies above the low 52 bits, as a number.
    #[inline(always)]
    pub fn above(self) -> Self {
        Self(unsafe { _mm512_srli_epi64(self.0, 52) })
    }

    /// The last lane first.
    #[inline(always)]
    pub fn reversed(self) -> Self {
        Self(unsafe { _mm512_permutexvar_epi64(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), self.0) })
    }

    /// The first lane of another, and then all but the last one.
    #[inline(always)]
    pub fn behind(self, first: Self) -> Self {
        unsafe {
            let order = _mm512_setr_epi64(0, 0, 1, 2, 3, 4, 5, 6);
            Self(_mm512_mask_permutexvar_epi64(first.0, 0xfe, order, self.0))
        }
    }

    /// self + x·w, of the product the low 52 bits.
    #[inline(always)]
    pub fn add_low(self, x: Self, w: Self) -> Self {
        Self(unsafe { _mm512_madd52lo_epu64(self.0, x.0, w.0) })
    }

    /// The lanes of both vectors perfectly shuffled: self₀ other₀ self₁ other₁ …
    #[inline(always)]
    pub fn interleave(self, other: Self) -> (Self, Self) {
        unsafe {
            let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
            let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
            (
                Self(_mm512_permutex2var_epi64(self.0, low, other.0)),
                Self(_mm512_permutex2var_epi64(self.0, high, other.0)),
            )
        }
    }

    /// self + (x·w mod p), the product in [0, 2p).
    #[inline(always)]
    pub fn add_product(self, x: Self, w: Factor, p: &Prime) -> Self {
        self.add_products([(x, w)], p)
    }

    /// The inverse of [`Lazy::interleave`]: the lanes at even places, and those at odd places.
    #[inline(always)]
    pub fn deinterleave(self, other: Self) -> (Self, Self) {
        unsafe {
            let even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
            let odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
            (
                Self(_mm512_permutex2var_epi64(self.0, even, other.0)),
                Self(_mm512_permutex2var_epi64(self.0, odd, other.0)),
            )
        }
    }

    /// self + Σ (x·w mod p), each product in [0, 2p).
    #[inline(always)]
    pub fn add_products<const COUNT: usize>(
        self,
        products: [(Self, Factor); COUNT],
        p: &Prime,
    ) -> Self {
        let mut sum = Products::from(self);
        for (x, w) in products {
            sum = sum.plus(x, w);
        }
        sum.reduced(p)
    }

    /// Both with the low and the high 52 bits of x·y added.
    #[inline(always)]
    pub fn add_wide([low, high]: [Self; 2], x: Self, y: Self) -> [Self; 2] {
        unsafe {
            let low = _mm512_madd52lo_epu64(low.0, x.0, y.0);
            [Self(low), Self(_mm512_madd52hi_epu64(high.0, x.0, y.0))]
        }
    }

    /// Below 2p, in the low word of each lane, from lanes below 2⁵².
    #[inline(always)]
    pub fn below_2p(self, p: &Prime) -> Self {
        unsafe {
            let q = _mm512_madd52hi_epu64(_mm512_setzero_si512(), self.0, p.quotient);
            Self(_mm512_madd52lo_epu64(self.0, q, p.minus))
        }
    }

    /// Sixteen words below 2p, those of `even` at even places, from lanes below 2⁵².
    #[inline(always)]
    fn reduced(even: Self, odd: Self, p: &Prime) -> __m512i {
        // The high words of odd lanes, from their low ones.
        const ODD: __mmask16 = 0xaaaa;
        const UP: i32 = 0b10_10_00_00;
        let (even, odd) = (even.below_2p(p), odd.below_2p(p));
        unsafe { _mm512_mask_shuffle_epi32(even.0, ODD, odd.0, UP) }
    }

    /// Sixteen words below 2p, those of `even` at even places, from lanes below 2⁵².
    ///
    /// # Safety
    /// `at` points to sixteen writable words.
    #[inline(always)]
    pub unsafe fn store_words(even: Self, odd: Self, p: &Prime, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(at.cast(), Self::reduced(even, odd, p)) }
    }

    /// [`Lazy::store_words`], of residues in [0, p).
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn store_residues(even: Self, odd: Self, p: &Prime, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(at.cast(), p.residues(Self::reduced(even, odd, p))) }
    }

    /// Eight residues in [0, p) of each of two vectors of lanes below 2⁵², with `added`, to two places.
    ///
    /// # Safety
    /// Both places are eight writable words.
    #[inline(always)]
    pub unsafe fn store_apart(
        pair: [Self; 2],
        p: &Prime,
        added: Added,
        first: *mut u32,
        second: *mut u32,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let order =
                _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            Self::store_ordered(pair, order, (p, added), first, second);
        }
    }

    /// [`Lazy::store_apart`], the last lane of each first.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn store_apart_reversed(
        pair: [Self; 2],
        p: &Prime,
        added: Added,
        first: *mut u32,
        second: *mut u32,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let order =
                _mm512_setr_epi32(14, 12, 10, 8, 6, 4, 2, 0, 30, 28, 26, 24, 22, 20, 18, 16);
            Self::store_ordered(pair, order, (p, added), first, second);
        }
    }

    /// # Safety
    /// As for [`Lazy::store_apart`].
    #[inline(always)]
    unsafe fn store_ordered(
        [x, y]: [Self; 2],
        order: __m512i,
        (p, added): (&Prime, Added),
        first: *mut u32,
        second: *mut u32,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let words = _mm512_permutex2var_epi32(x.below_2p(p).0, order, y.below_2p(p).0);
            let words = _mm512_add_epi32(p.residues(words), added.0);
            _mm256_storeu_si256(first.cast(), _mm512_castsi512_si256(words));
            _mm256_storeu_si256(second.cast(), _mm512_extracti64x4_epi64::<1>(words));
        }
    }

    /// The residue in [0, p) of the first lane.
    #[inline(always)]
    pub fn first_residue(self, p: &Prime, m: &Modulus) -> u32 {
        m.reduce_once(unsafe { _mm512_cvtsi512_si32(self.below_2p(p).0) } as u32)
    }
}
