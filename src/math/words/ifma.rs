//! Sixteen words in a register of AVX-512, multiplied by IFMA: 52 bits by 52, low or high half,
//! added to 64-bit lanes.
//!
//! With the quotient ⌊w·2⁵²/p⌋ the product of a word x is missed by less than x/2⁵² + 1: it lies in
//! [0, p + 2¹¹) and not just below 2p, and needs no correction where that little more does no harm.

use super::{Avx512, Factors, Words, avx512};
use std::arch::x86_64::*;

/// A register of AVX-512.
#[derive(Clone, Copy)]
pub struct Ifma(Avx512);

/// Factors of even and of odd lanes, and their quotients as 64-bit lanes. Bits of `w` above the low
/// 32 do not matter, since only the low 32 bits of products with them are used.
#[derive(Clone, Copy)]
pub struct Factor {
    w: [__m512i; 2],
    quotient: [__m512i; 2],
}

// SAFETY: used only in functions compiled for this instruction set.
unsafe impl Words for Ifma {
    const N: usize = 16;
    type Factor = Factor;

    #[inline(always)]
    fn splat(x: u32) -> Self {
        Self(Avx512::splat(x))
    }

    #[inline(always)]
    unsafe fn load(at: *const u32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { Avx512::load(at) })
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { self.0.store(at) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(self.0.add(other.0))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(self.0.sub(other.0))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(self.0.and(other.0))
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(self.0.xor(other.0))
    }

    #[inline(always)]
    fn rotate<const K: i32>(self) -> Self {
        Self(self.0.rotate::<K>())
    }

    #[inline(always)]
    unsafe fn store_below(self, bound: Self, at: *mut u32) -> usize {
        // SAFETY: the caller's promise.
        unsafe { self.0.store_below(bound.0, at) }
    }

    #[inline(always)]
    fn reverse(self) -> Self {
        Self(self.0.reverse())
    }

    #[inline(always)]
    fn interleave(self, other: Self) -> (Self, Self) {
        let (lo, hi) = self.0.interleave(other.0);
        (Self(lo), Self(hi))
    }

    #[inline(always)]
    fn deinterleave(self, other: Self) -> (Self, Self) {
        let (even, odd) = self.0.deinterleave(other.0);
        (Self(even), Self(odd))
    }

    #[inline(always)]
    unsafe fn factor(table: &Factors, k: usize) -> Factor {
        // SAFETY: the caller's promise.
        unsafe {
            let w = Avx512::splat(*table.values_at(k)).0;
            let quotient = _mm512_set1_epi64(*table.wide_at(k, k % 2) as i64);
            Factor { w: [w; 2], quotient: [quotient; 2] }
        }
    }

    #[inline(always)]
    unsafe fn factors(table: &Factors, k: usize, period: usize) -> Factor {
        // SAFETY: the caller's promise; odd factors are read a word further on.
        unsafe {
            let at = table.values_at(k);
            let quotient = [table.wide_at(k, 0), table.wide_at(k, 1)];
            Factor {
                w: [avx512::periodic(at, period), avx512::periodic(at.add(1), period)],
                quotient: [periodic(quotient[0], period / 2), periodic(quotient[1], period / 2)],
            }
        }
    }

    /// In [0, p + 2¹¹).
    #[inline(always)]
    fn mul_lazy(self, w: Factor, p: Self) -> Self {
        unsafe {
            let zero = _mm512_setzero_si512();
            let minus_p = _mm512_sub_epi32(zero, p.0.0);
            let even = _mm512_and_si512(self.0.0, _mm512_set1_epi64(0xffff_ffff));
            let odd = _mm512_srli_epi64(self.0.0, 32);
            let q = [
                _mm512_madd52hi_epu64(zero, even, w.quotient[0]),
                _mm512_madd52hi_epu64(zero, odd, w.quotient[1]),
            ];
            let even = _mm512_madd52lo_epu64(zero, even, w.w[0]);
            let odd = _mm512_madd52lo_epu64(zero, odd, w.w[1]);
            let even = _mm512_madd52lo_epu64(even, q[0], minus_p);
            let odd = _mm512_madd52lo_epu64(odd, q[1], minus_p);
            const UP: i32 = 0b10_10_00_00;
            Self(Avx512(_mm512_mask_shuffle_epi32(even, 0xAAAA, odd, UP)))
        }
    }

    type Sums = <Avx512 as Words>::Sums;

    #[inline(always)]
    fn no_sums() -> Self::Sums {
        Avx512::no_sums()
    }

    #[inline(always)]
    fn multiply_add(self, other: Self, sums: Self::Sums) -> Self::Sums {
        self.0.multiply_add(other.0, sums)
    }

    #[inline(always)]
    fn montgomery(sums: Self::Sums, inverse: Self, p: Self) -> (Self, Self) {
        let (high, correction) = Avx512::montgomery(sums, inverse.0, p.0);
        (Self(high), Self(correction))
    }
}

/// 1, 2, 4 or 8 double words, again and again.
///
/// # Safety
/// `at` points to `period` readable double words.
#[inline(always)]
unsafe fn periodic(at: *const u64, period: usize) -> __m512i {
    // SAFETY: each reads as many.
    unsafe {
        match period {
            1 => _mm512_set1_epi64(*at as i64),
            2 => _mm512_broadcast_i64x2(_mm_loadu_si128(at.cast())),
            4 => _mm512_broadcast_i64x4(_mm256_loadu_si256(at.cast())),
            8 => _mm512_loadu_si512(at.cast()),
            other => unreachable!("a period of {other} double words"),
        }
    }
}
