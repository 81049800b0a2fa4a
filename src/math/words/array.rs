//! Vectors on any machine: arrays. One of a single word is the scalar code.

use super::{Factors, Words};
use std::array::from_fn;

/// One factor and its quotient a lane.
#[derive(Clone, Copy)]
pub struct Factor<const L: usize> {
    w: [u32; L],
    quotient: [u32; L],
}

// SAFETY: plain arithmetic.
unsafe impl<const L: usize> Words for [u32; L] {
    const N: usize = L;
    type Factor = Factor<L>;

    #[inline(always)]
    fn splat(x: u32) -> Self {
        [x; L]
    }

    #[inline(always)]
    unsafe fn load(at: *const u32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { at.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut u32) {
        // SAFETY: the caller's promise.
        unsafe { at.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        from_fn(|l| self[l].wrapping_add(other[l]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        from_fn(|l| self[l].wrapping_sub(other[l]))
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        from_fn(|l| self[l].min(other[l]))
    }

    #[inline(always)]
    fn and(self, other: Self) -> Self {
        from_fn(|l| self[l] & other[l])
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        from_fn(|l| self[l] ^ other[l])
    }

    #[inline(always)]
    fn rotate<const K: i32>(self) -> Self {
        from_fn(|l| self[l].rotate_left(K as u32))
    }

    #[inline(always)]
    unsafe fn store_below(self, bound: Self, at: *mut u32) -> usize {
        let mut count = 0;
        for l in 0..L {
            // SAFETY: the caller's promise, since `count` ≤ l.
            unsafe { *at.add(count) = self[l] };
            count += usize::from(self[l] < bound[l]);
        }
        count
    }

    #[inline(always)]
    fn reverse(self) -> Self {
        from_fn(|l| self[L - 1 - l])
    }

    #[inline(always)]
    fn interleave(self, other: Self) -> (Self, Self) {
        let word = |at: usize| if at.is_multiple_of(2) { self[at / 2] } else { other[at / 2] };
        (from_fn(word), from_fn(|l| word(L + l)))
    }

    #[inline(always)]
    fn deinterleave(self, other: Self) -> (Self, Self) {
        let word = |at: usize| if at < L { self[at] } else { other[at - L] };
        (from_fn(|l| word(2 * l)), from_fn(|l| word(2 * l + 1)))
    }

    #[inline(always)]
    unsafe fn factor(table: &Factors, k: usize) -> Factor<L> {
        Factor { w: [table.values()[k]; L], quotient: [table.quotients()[k]; L] }
    }

    #[inline(always)]
    unsafe fn factors(table: &Factors, k: usize, period: usize) -> Factor<L> {
        let (w, quotient) = (&table.values()[k..][..period], &table.quotients()[k..][..period]);
        Factor { w: from_fn(|l| w[l % period]), quotient: from_fn(|l| quotient[l % period]) }
    }

    #[inline(always)]
    fn mul_lazy(self, w: Factor<L>, p: Self) -> Self {
        from_fn(|l| {
            let q = ((u64::from(self[l]) * u64::from(w.quotient[l])) >> 32) as u32;
            self[l].wrapping_mul(w.w[l]).wrapping_sub(q.wrapping_mul(p[l]))
        })
    }

    type Sums = [u64; L];

    #[inline(always)]
    fn no_sums() -> [u64; L] {
        [0; L]
    }

    #[inline(always)]
    fn multiply_add(self, other: Self, sums: [u64; L]) -> [u64; L] {
        from_fn(|l| sums[l].wrapping_add(u64::from(self[l]) * u64::from(other[l])))
    }

    #[inline(always)]
    fn montgomery(sums: [u64; L], inverse: Self, p: Self) -> (Self, Self) {
        let quotient = |l: usize| u64::from((sums[l] as u32).wrapping_mul(inverse[l]));
        (
            from_fn(|l| (sums[l] >> 32) as u32),
            from_fn(|l| ((quotient(l) * u64::from(p[l])) >> 32) as u32),
        )
    }
}
