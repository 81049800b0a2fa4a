//! Eight words in a register of AVX2; see [`super::avx512`] for even and odd lanes.

use super::{Factors, Words};
use std::arch::x86_64::*;

/// A register of AVX2.
#[derive(Clone, Copy)]
pub struct Avx2(__m256i);

/// Factors and quotients, and the quotients of odd lanes in even lanes.
#[derive(Clone, Copy)]
pub struct Factor {
    w: __m256i,
    quotient: __m256i,
    odd: __m256i,
}

/// The shuffle that brings odd lanes to even lanes.
const DOWN: i32 = 0b11_11_01_01;

/// The places of the bits that are set in each byte, the lowest first; zeros after them.
static SET_BITS: [[u8; 8]; 256] = set_bits();

const fn set_bits() -> [[u8; 8]; 256] {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut count) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][count] = bit;
                count += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
}

// SAFETY: used under `per_words!` alone, which asks the processor.
unsafe impl Words for Avx2 {
    const N: usize = 8;
    type Factor = Factor;

    #[inline(always)]
    fn splat(x: u32) -> Self {
        // SAFETY: the trait's promise, here and below.
        Self(unsafe { _mm256_set1_epi32(x as i32) })
    }

    #[inline(always)]
    unsafe fn load(at: *const u32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm256_loadu_si256(at.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(at.cast(), self.0) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(unsafe { _mm256_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(unsafe { _mm256_sub_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self(unsafe { _mm256_min_epu32(self.0, other.0) })
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        Self(unsafe { _mm256_and_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn rotate<const K: i32>(self) -> Self {
        unsafe {
            let left = _mm256_sll_epi32(self.0, _mm_cvtsi32_si128(K));
            let right = _mm256_srl_epi32(self.0, _mm_cvtsi32_si128(32 - K));
            Self(_mm256_or_si256(left, right))
        }
    }

    #[inline(always)]
    unsafe fn store_below(self, bound: Self, at: *mut u32) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            // A difference of words below 2³¹ has its highest bit where it is negative.
            let difference = _mm256_sub_epi32(self.0, bound.0);
            let below = _mm256_movemask_ps(_mm256_castsi256_ps(difference)) as usize;
            let order = _mm_loadl_epi64(SET_BITS[below].as_ptr().cast());
            Self(_mm256_permutevar8x32_epi32(self.0, _mm256_cvtepu8_epi32(order))).store(at);
            below.count_ones() as usize
        }
    }

    #[inline(always)]
    fn reverse(self) -> Self {
        unsafe {
            let down = _mm256_set_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            Self(_mm256_permutevar8x32_epi32(self.0, down))
        }
    }

    #[inline(always)]
    fn interleave(self, other: Self) -> (Self, Self) {
        unsafe {
            let lo = _mm256_unpacklo_epi32(self.0, other.0);
            let hi = _mm256_unpackhi_epi32(self.0, other.0);
            let low = _mm256_permute2x128_si256(lo, hi, 0x20);
            (Self(low), Self(_mm256_permute2x128_si256(lo, hi, 0x31)))
        }
    }

    #[inline(always)]
    fn deinterleave(self, other: Self) -> (Self, Self) {
        unsafe {
            let (a, b) = (_mm256_castsi256_ps(self.0), _mm256_castsi256_ps(other.0));
            let even = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0b10_00_10_00));
            let odd = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0b11_01_11_01));
            (
                Self(_mm256_permute4x64_epi64(even, 0b11_01_10_00)),
                Self(_mm256_permute4x64_epi64(odd, 0b11_01_10_00)),
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
            let odd = _mm256_srli_epi64(quotient, 32);
            Factor { w: periodic(table.values_at(k), period), quotient, odd }
        }
    }

    #[inline(always)]
    fn mul_lazy(self, w: Factor, p: Self) -> Self {
        unsafe {
            let even = _mm256_mul_epu32(self.0, w.quotient);
            let odd = _mm256_mul_epu32(_mm256_shuffle_epi32(self.0, DOWN), w.odd);
            let q = highs(even, odd);
            let product = _mm256_mullo_epi32(self.0, w.w);
            Self(_mm256_sub_epi32(product, _mm256_mullo_epi32(q, p.0)))
        }
    }

    /// Of even lanes, and of odd lanes.
    type Sums = [__m256i; 2];

    #[inline(always)]
    fn no_sums() -> Self::Sums {
        unsafe { [_mm256_setzero_si256(); 2] }
    }

    #[inline(always)]
    fn multiply_add(self, other: Self, sums: Self::Sums) -> Self::Sums {
        unsafe {
            let even = _mm256_mul_epu32(self.0, other.0);
            let (x, y) = (_mm256_srli_epi64(self.0, 32), _mm256_srli_epi64(other.0, 32));
            let odd = _mm256_mul_epu32(x, y);
            [_mm256_add_epi64(sums[0], even), _mm256_add_epi64(sums[1], odd)]
        }
    }

    #[inline(always)]
    fn montgomery(sums: Self::Sums, inverse: Self, p: Self) -> (Self, Self) {
        unsafe {
            let even = _mm256_mul_epu32(_mm256_mullo_epi32(sums[0], inverse.0), p.0);
            let odd = _mm256_mul_epu32(_mm256_mullo_epi32(sums[1], inverse.0), p.0);
            (Self(highs(sums[0], sums[1])), Self(highs(even, odd)))
        }
    }
}

/// The high halves of 64-bit lanes, for even and for odd lanes.
///
/// # Safety
/// The instruction set is there.
#[inline(always)]
unsafe fn highs(even: __m256i, odd: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_blend_epi32(_mm256_shuffle_epi32(even, DOWN), odd, 0b1010_1010) }
}

/// 2, 4 or 8 words, again and again.
///
/// # Safety
/// `at` points to `period` readable words.
#[inline(always)]
unsafe fn periodic(at: *const u32, period: usize) -> __m256i {
    // SAFETY: each reads as many words.
    unsafe {
        match period {
            2 => _mm256_set1_epi64x(at.cast::<i64>().read_unaligned()),
            4 => _mm256_broadcastsi128_si256(_mm_loadu_si128(at.cast())),
            8 => _mm256_loadu_si256(at.cast()),
            other => unreachable!("a period of {other} words"),
        }
    }
}
