//! Sixteen words, with the dot products of VNNI: one instruction multiplies and adds 32 pairs of
//! halves.

use super::multiply::{signed_512, unsigned_512};
use super::vector::Vector;
use std::arch::x86_64::*;

/// A register of AVX-512.
#[derive(Clone, Copy)]
pub struct Vnni(__m512i);

// SAFETY: used in functions compiled for AVX-512 F and VNNI.
unsafe impl Vector for Vnni {
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(x: u32) -> Self {
        // SAFETY: the trait's promise, here and below.
        Self(unsafe { _mm512_set1_epi32(x as i32) })
    }

    #[inline(always)]
    unsafe fn load(at: *const u32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { _mm512_loadu_epi32(at.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_epi32(at.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn stream(self, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_stream_si512(at.cast(), self.0) }
    }

    #[inline(always)]
    fn dot(self, x: Self, w: Self) -> Self {
        Self(unsafe { _mm512_dpwssd_epi32(self.0, x.0, w.0) })
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
    fn add_wide(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn sub_wide(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_epi64(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply(self, other: Self) -> Self {
        Self(unsafe { unsigned_512(self.0, other.0) })
    }

    #[inline(always)]
    fn multiply_signed(self, other: Self) -> Self {
        Self(unsafe { signed_512(self.0, other.0) })
    }

    #[inline(always)]
    fn odd(self) -> Self {
        Self(unsafe { _mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(self.0))) })
    }

    #[inline(always)]
    fn high(self, odd: Self) -> Self {
        Self(unsafe { _mm512_mask_blend_epi32(0xaaaa, self.odd().0, odd.0) })
    }

    #[inline(always)]
    fn multiply_low(self, other: Self) -> Self {
        Self(unsafe { _mm512_mullo_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn times_65536(self) -> Self {
        Self(unsafe { _mm512_slli_epi32::<16>(self.0) })
    }

    #[inline(always)]
    fn nearest(self, a: Self, other: Self, b: Self) -> Self {
        unsafe {
            let float = |x: Self| _mm512_cvtepi32_ps(x.0);
            let bits = |x: Self| _mm512_castsi512_ps(x.0);
            let low = _mm512_mul_ps(float(other), bits(b));
            Self(_mm512_cvtps_epi32(_mm512_fmadd_ps(float(self), bits(a), low)))
        }
    }

    #[inline(always)]
    fn sub_above(self, bound: Self, less: Self) -> Self {
        unsafe {
            let above = _mm512_cmpgt_epu32_mask(self.0, bound.0);
            Self(_mm512_mask_sub_epi32(self.0, above, self.0, less.0))
        }
    }

    #[inline(always)]
    fn halves(self, next: Self) -> (Self, Self) {
        let (x, y) = (self.0, next.0);
        unsafe {
            let l = _mm512_mask_blend_epi16(ODD_HALVES, x, _mm512_slli_epi32::<16>(y));
            let rounding = _mm512_set1_epi32(1 << 15);
            let (x, y) = (_mm512_add_epi32(x, rounding), _mm512_add_epi32(y, rounding));
            let h = _mm512_mask_blend_epi16(ODD_HALVES, _mm512_srli_epi32::<16>(x), y);
            (Self(l), Self(h))
        }
    }
}

impl Vnni {
    /// Lane by lane, modulo 2³².
    #[inline(always)]
    pub fn times_256(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_slli_epi32::<8>(self.0) })
    }

    /// Byte i of each lane of all four, the first one's lowest, as vector i: a transposition of four by
    /// four bytes.
    #[inline(always)]
    pub fn digits(x: [Self; 4]) -> [Self; 4] {
        let [a, b, c, d] = x.map(|x| x.0);
        // SAFETY: as above.
        unsafe {
            let even = |x, y| _mm512_mask_blend_epi8(ODD_BYTES, x, _mm512_slli_epi32::<8>(y));
            let odd = |x, y| _mm512_mask_blend_epi8(ODD_BYTES, _mm512_srli_epi32::<8>(x), y);
            let low = |x, y| _mm512_mask_blend_epi16(ODD_HALVES, x, _mm512_slli_epi32::<16>(y));
            let high = |x, y| _mm512_mask_blend_epi16(ODD_HALVES, _mm512_srli_epi32::<16>(x), y);
            let ([ab0, ab1], [cd0, cd1]) = ([even(a, b), odd(a, b)], [even(c, d), odd(c, d)]);
            [low(ab0, cd0), low(ab1, cd1), high(ab0, cd0), high(ab1, cd1)].map(Self)
        }
    }
}

/// The second and fourth byte of each lane, and the second half.
const ODD_BYTES: __mmask64 = 0xaaaa_aaaa_aaaa_aaaa;
const ODD_HALVES: __mmask32 = 0xaaaa_aaaa;
