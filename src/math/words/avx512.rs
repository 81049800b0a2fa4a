//! Sixteen words in a register of AVX-512.
//!
//! There is a multiplication of 32-bit words to 64 bits for even lanes only, so odd lanes are moved
//! down, multiplied apart, and the high halves of both are put together by one masked shuffle.

use super::{Factors, Words};
use std::arch::x86_64::*;

/// A register of AVX-512.
#[derive(Clone, Copy)]
pub struct Avx512(pub(super) __m512i);

/// Factors and quotients, and the quotients of odd lanes in even lanes.
#[derive(Clone, Copy)]
pub struct Factor {
    w: __m512i,
    quotient: __m512i,
    odd: __m512i,
}

/// Even lanes.
const EVEN: u16 = 0x5555;

/// The shuffle that brings odd lanes to even lanes.
const DOWN: i32 = 0b11_11_01_01;

// SAFETY: used under `per_words!` alone, which asks the processor.
unsafe impl Words for Avx512 {
    const N: usize = 16;
    type Factor = Factor;

    #[inline(always)]
    fn splat(x: u32) -> Self {
        // SAFETY: the trait's promise, here and below.
        Self(unsafe { _mm512_set1_epi32(x as i32) })
    }

    #[inline(always)]
    unsafe fn load(at: *const u32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm512_loadu_si512(at.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(at.cast(), self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(unsafe { _mm512_min_epu32(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(unsafe { _mm512_and_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate<const K: i32>(self) -> Self {
        Self(unsafe { _mm512_rol_epi32::<K>(self.0) })
    }

    #[inline(always)]
    unsafe fn store_below(self, bound: Self, at: *mut u32) -> usize {
        // SAFETY: the caller's promise. Compressed in a register: compressing to memory is slow on Zen.
        unsafe {
            let below = _mm512_cmplt_epu32_mask(self.0, bound.0);
            Self(_mm512_maskz_compress_epi32(below, self.0)).store(at);
            below.count_ones() as usize
        }
    }

    #[inline(always)]
    fn reverse(self) -> Self {
        unsafe {
            let down = _mm512_set_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            Self(_mm512_permutexvar_epi32(down, self.0))
        }
    }

    #[inline(always)]
    fn interleave(self, other: Self) -> (Self, Self) {
        unsafe {
            let lo = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
            let hi = _mm512_add_epi32(lo, _mm512_set1_epi32(8));
            (
                Self(_mm512_permutex2var_epi32(self.0, lo, other.0)),
                Self(_mm512_permutex2var_epi32(self.0, hi, other.0)),
            )
        }
    }

    #[inline(always)]
    fn deinterleave(self, other: Self) -> (Self, Self) {
        unsafe {
            let even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
            let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
            (
                Self(_mm512_permutex2var_epi32(self.0, even, other.0)),
                Self(_mm512_permutex2var_epi32(self.0, odd, other.0)),
            )
        }
    }

    #[inline(always)]
    unsafe fn factor(table: &Factors, k: usize) -> Factor {
        // SAFETY: the caller's promise.
        unsafe {
            let quotient = Self::splat(*table.quotients_at(k)).0;
            Factor { w: Self::splat(*table.values_at(k)).0, quotient, odd: quotient }
        }
    }

    #[inline(always)]
    unsafe fn factors(table: &Factors, k: usize, period: usize) -> Factor {
        // SAFETY: the caller's promise.
        unsafe {
            let quotient = periodic(table.quotients_at(k), period);
            let odd = _mm512_srli_epi64(quotient, 32);
            Factor { w: periodic(table.values_at(k), period), quotient, odd }
        }
    }

    #[inline(always)]
    fn mul_lazy(self, w: Factor, p: Self) -> Self {
        unsafe {
            let even = _mm512_mul_epu32(self.0, w.quotient);
            let odd = _mm512_mul_epu32(_mm512_shuffle_epi32(self.0, DOWN), w.odd);
            let q = highs(even, odd);
            let product = _mm512_mullo_epi32(self.0, w.w);
            Self(_mm512_sub_epi32(product, _mm512_mullo_epi32(q, p.0)))
        }
    }

    /// Of even lanes, and of odd lanes.
    type Sums = [__m512i; 2];

    #[inline(always)]
    fn no_sums() -> Self::Sums {
        unsafe { [_mm512_setzero_si512(); 2] }
    }

    #[inline(always)]
    fn multiply_add(self, other: Self, sums: Self::Sums) -> Self::Sums {
        unsafe {
            let even = _mm512_mul_epu32(self.0, other.0);
            let (x, y) = (_mm512_srli_epi64(self.0, 32), _mm512_srli_epi64(other.0, 32));
            let odd = _mm512_mul_epu32(x, y);
            [_mm512_add_epi64(sums[0], even), _mm512_add_epi64(sums[1], odd)]
        }
    }

    #[inline(always)]
    fn montgomery(sums: Self::Sums, inverse: Self, p: Self) -> (Self, Self) {
        unsafe {
            let even = _mm512_mul_epu32(_mm512_mullo_epi32(sums[0], inverse.0), p.0);
            let odd = _mm512_mul_epu32(_mm512_mullo_epi32(sums[1], inverse.0), p.0);
            (Self(highs(sums[0], sums[1])), Self(highs(even, odd)))
        }
    }
}

/// The high halves of 64-bit lanes, for even and for odd lanes.
///
/// # Safety
/// The instruction set is there.
#[inline(always)]
unsafe fn highs(even: __m512i, odd: __m512i) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_mask_shuffle_epi32(odd, EVEN, even, DOWN) }
}

/// 2, 4, 8 or 16 words, again and again.
///
/// # Safety
/// `at` points to `period` readable words.
#[inline(always)]
pub(super) unsafe fn periodic(at: *const u32, period: usize) -> __m512i {
    // SAFETY: each reads as many words.
    unsafe {
        match period {
            2 => _mm512_set1_epi64(at.cast::<i64>().read_unaligned()),
            4 => _mm512_broadcast_i32x4(_mm_loadu_si128(at.cast())),
            8 => _mm512_broadcast_i32x8(_mm256_loadu_si256(at.cast())),
            16 => _mm512_loadu_si512(at.cast()),
            other => unreachable!("a period of {other} words"),
        }
    }
}
