//! The folding and the three outermost stages, in one pass over the coefficients; and back.
//!
//! bⱼ = aⱼ − I·a_{N−j}, with 0 for a_N, is a product for every coefficient where one for two would do
//! ([`super::super::outer`]). It costs 3 instructions of 16 a coefficient, and spares as many: whole lines
//! are written, and nothing in reverse order.

use super::LazyTable;
use super::middle::{joins, splits};
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
pub unsafe fn forward(
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
            splits(&table.roots, p, 1, &mut v);
            for (k, v) in v.into_iter().enumerate() {
                v.store(out.add(k * stride + i));
            }
        }
    }
}

/// From parts, whose lanes are at most `bound`, a multiple of p, to coefficients in [0, p):
/// aⱼ = (bⱼ + I·b_{N−j})·(2N)⁻¹, where a₀ has b₀ twice.
///
/// A column from place i on of all parts goes together with the one that ends opposite, at N/8 − i: what one needs is
/// in the other. What is left are the places kN/8, which are opposite to one another.
///
/// # Safety
/// The processor has IFMA; `parts` points to N values, and `out` to N words.
#[inline(always)]
pub unsafe fn inverse(table: &LazyTable, p: &Prime, bound: u64, parts: *const u64, out: *mut u32) {
    let (roots, stride) = (&table.inverse, table.n / RADIX);
    let [scale, opposite] = table.scales.map(|w| Factor::splat(&table.m, w));
    let unfold = |x: Lazy, y: Lazy| Lazy::splat(0).add_products([(x, scale), (y, opposite)], p);
    // SAFETY: the caller's promise; both columns are within their parts.
    unsafe {
        let mut v = [Lazy::splat(0); RADIX];
        for (k, v) in v.iter_mut().enumerate() {
            *v = Lazy::splat(*parts.add(k * stride));
        }
        joins(roots, p, 1, bound, &mut v);
        let first = Lazy::splat(0).add_products([(v[0], scale), (v[0], scale)], p);
        *out = first.first_residue(p, &table.m);
        for k in 1..RADIX {
            let corner = unfold(v[k], v[RADIX - k]);
            *out.add(k * stride) = corner.first_residue(p, &table.m);
        }
        for i in (1..=stride / 2).step_by(Lazy::N) {
            let end = stride - i - (Lazy::N - 1);
            let (mut f, mut r) = ([Lazy::splat(0); RADIX], [Lazy::splat(0); RADIX]);
            for k in 0..RADIX {
                f[k] = Lazy::load(parts.add(k * stride + i));
                r[k] = Lazy::load(parts.add(k * stride + end)).reversed();
            }
            joins(roots, p, 1, bound, &mut f);
            joins(roots, p, 1, bound, &mut r);
            for k in (0..RADIX).step_by(2) {
                let far = RADIX - 1 - k;
                let pair = [unfold(f[k], r[far]), unfold(f[k + 1], r[far - 1])];
                let at = out.add(k * stride);
                Lazy::store_apart(pair, p, at.add(i), at.add(stride + i));
                let pair = [unfold(r[k], f[far]), unfold(r[k + 1], f[far - 1])];
                Lazy::store_apart_reversed(pair, p, at.add(end), at.add(stride + end));
            }
        }
    }
}
