//! The folding and the three outermost stages, in one pass over the coefficients.
//!
//! bⱼ = aⱼ − I·a_{N−j}, with 0 for a_N, is a product for every coefficient where one for two would do
//! ([`super::super::outer`]). It costs 3 instructions of 16 a coefficient, and spares as many: whole lines
//! are written, and nothing in reverse order.

use super::LazyTable;
use super::middle::stages;
use crate::math::{
    ahead::ask_second,
    lazy::{Factor, Lazy, Prime},
};

/// Parts that these stages make of a polynomial.
pub const RADIX: usize = 8;

/// Lines of words read for a column of all parts.
const LINES: usize = RADIX * Lazy::N / 16;

/// Where −I stands among the roots.
pub const FOLD: usize = 0;

/// Coefficients, in lanes of 64 bits: at least −2³¹, and below 2³².
pub trait Source: Copy {
    /// Those from `at` on.
    ///
    /// # Safety
    /// There are eight from `at` on, and the processor has IFMA.
    unsafe fn lanes(self, p: &Prime, at: usize) -> Lazy;
}

/// Words as they are.
#[derive(Clone, Copy)]
pub struct Words(pub *const u32);

impl Source for Words {
    #[inline(always)]
    unsafe fn lanes(self, _: &Prime, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        unsafe { Lazy::words(self.0.add(at)) }
    }
}

/// Integers.
#[derive(Clone, Copy)]
pub struct Integers(pub *const i32);

impl Source for Integers {
    #[inline(always)]
    unsafe fn lanes(self, _: &Prime, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        unsafe { Lazy::integers(self.0.add(at)) }
    }
}

/// Integers x + w·y, the product reduced; |x| and |y| at most 2³⁰.
#[derive(Clone, Copy)]
pub struct Sums {
    pub x: *const i32,
    pub y: *const i32,
    pub w: Factor,
    /// A multiple of p of at least 2³⁰.
    pub multiple: Lazy,
}

impl Source for Sums {
    #[inline(always)]
    unsafe fn lanes(self, p: &Prime, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        let [x, y] = unsafe { [self.x, self.y].map(|x| Lazy::integers(x.add(at))) };
        x.add_product(y.add(self.multiple), self.w, p)
    }
}

/// From coefficients to [`RADIX`] parts, after the third stage. Meanwhile memory is asked for N words from `next`
/// on, wherever that is.
///
/// # Safety
/// The processor has IFMA; the source has N coefficients, and `out` points to N double words.
#[inline(always)]
pub unsafe fn outer(
    table: &LazyTable,
    p: &Prime,
    source: impl Source,
    next: *const i32,
    out: *mut u64,
) {
    let stride = table.n / RADIX;
    let start = Lazy::splat(table.start);
    // SAFETY: part k's columns from i on are within the polynomial, and so are those opposite.
    unsafe {
        let fold = table.roots.one(FOLD);
        for i in (0..stride).step_by(Lazy::N) {
            for k in 0..LINES {
                ask_second(next.wrapping_add(RADIX * i + k * RADIX * Lazy::N / LINES));
            }
            let mut v = [Lazy::splat(0); RADIX];
            for (k, v) in v.iter_mut().enumerate() {
                let j = k * stride + i;
                let x = source.lanes(p, j).add(start);
                let opposite = match j {
                    0 => source.lanes(p, table.n - Lazy::N).add(start).reversed_behind_zero(),
                    _ => source.lanes(p, table.n - j - (Lazy::N - 1)).add(start).reversed(),
                };
                *v = x.add_product(opposite, fold, p);
            }
            stages(&table.roots, p, 1, &mut v);
            for (k, v) in v.into_iter().enumerate() {
                v.store(out.add(k * stride + i));
            }
        }
    }
}
