//! Eight words. A dot product is two instructions here, which any of three ports may take, so that
//! twelve multiply-adds of residues a cycle are the most: on doubles they would be eight.

use super::multiply::{signed_256, unsigned_256};
use super::vector::Vector;
use std::arch::x86_64::*;

/// A register of AVX2.
#[derive(Clone, Copy)]
pub struct Avx2(__m256i);

// SAFETY: used in functions compiled for AVX2.
unsafe impl Vector for Avx2 {
    const LANES: usize = 8;

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
    unsafe fn stream(self, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_stream_si256(at.cast(), self.0) }
    }

    #[inline(always)]
    fn dot(self, x: Self, w: Self) -> Self {
        Self(unsafe { _mm256_add_epi32(self.0, _mm256_madd_epi16(x.0, w.0)) })
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
    fn add_wide(self, other: Self) -> Self {
        Self(unsafe { _mm256_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn sub_wide(self, other: Self) -> Self {
        Self(unsafe { _mm256_sub_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        Self(unsafe { unsigned_256(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply_signed(self, other: Self) -> Self {
        Self(unsafe { signed_256(self.0, other.0) })
    }

    #[inline(always)]
    fn odd(self) -> Self {
        Self(unsafe { _mm256_castps_si256(_mm256_movehdup_ps(_mm256_castsi256_ps(self.0))) })
    }

    #[inline(always)]
    fn high(self, odd: Self) -> Self {
        Self(unsafe { _mm256_blend_epi32::<0b1010_1010>(self.odd().0, odd.0) })
    }

    #[inline(always)]
    fn multiply_low(self, other: Self) -> Self {
        Self(unsafe { _mm256_mullo_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn times_65536(self) -> Self {
        Self(unsafe { _mm256_slli_epi32::<16>(self.0) })
    }

    #[inline(always)]
    fn nearest(self, a: Self, other: Self, b: Self) -> Self {
        unsafe {
            let float = |x: Self| _mm256_cvtepi32_ps(x.0);
            let bits = |x: Self| _mm256_castsi256_ps(x.0);
            let low = _mm256_mul_ps(float(other), bits(b));
            Self(_mm256_cvtps_epi32(_mm256_fmadd_ps(float(self), bits(a), low)))
        }
    }

    #[inline(always)]
    fn sub_above(self, bound: Self, less: Self) -> Self {
        unsafe {
            let above = _mm256_cmpgt_epi32(self.0, bound.0);
            Self(_mm256_sub_epi32(self.0, _mm256_and_si256(above, less.0)))
        }
    }

    #[inline(always)]
    fn halves(self, next: Self) -> (Self, Self) {
        const ODD: i32 = 0b1010_1010;
        let (x, y) = (self.0, next.0);
        unsafe {
            let l = _mm256_blend_epi16::<ODD>(x, _mm256_slli_epi32::<16>(y));
            let rounding = _mm256_set1_epi32(1 << 15);
            let (x, y) = (_mm256_add_epi32(x, rounding), _mm256_add_epi32(y, rounding));
            let h = _mm256_blend_epi16::<ODD>(_mm256_srli_epi32::<16>(x), y);
            (Self(l), Self(h))
        }
    }
}
