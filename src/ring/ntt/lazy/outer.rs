//! The folding and the three outermost stages, in one pass over the coefficients; and back.
//!
//! bⱼ = aⱼ − I·a_{N−j}, with 0 for a_N, is a product for every coefficient where one for two would do
//! ([`super::super::outer`]). It costs 3 instructions of 16 a coefficient, and spares as many: whole lines
//! are written, and nothing in reverse order.

use super::LazyTable;
use super::middle::{joins, splits};
use crate::math::{
    Modulus,
    ahead::ask_second,
    lazy::{Added, Factor, Lazy, Prime},
};

/// Parts that these stages make of a polynomial.
pub const RADIX: usize = 8;

/// Bytes of a cache line, as many as coefficients in a column of all parts.
const LINE: usize = RADIX * Lazy::N;

/// As what coefficients come back: x·`by` + `origin` mod p, and then `added`, modulo 2³².
#[derive(Clone, Copy)]
pub struct Form {
    by: u32,
    origin: u32,
    added: u32,
}

impl Form {
    /// Residues in [0, p).
    pub const RESIDUES: Self = Self { by: 1, origin: 0, added: 0 };

    /// x·by, in [0, p).
    pub fn times(by: u32) -> Self {
        Self { by, ..Self::RESIDUES }
    }

    /// x·by, centred, with `added`.
    pub fn centred(m: &Modulus, by: u32, added: u32) -> Self {
        let origin = m.value() / 2;
        Self { by, origin, added: added.wrapping_sub(origin) }
    }
}

/// Where −I stands among the roots.
pub const FOLD: usize = 0;

/// Coefficients aⱼ in lanes of 64 bits, perhaps all of them with the same number added.
pub trait Source: Copy {
    /// Those from `at` on, and a multiple of p so large that no difference becomes negative; what has been added
    /// to all is taken from them, less I times as much.
    ///
    /// # Safety
    /// There are eight from `at` on, and the processor has IFMA.
    unsafe fn lanes(self, at: usize) -> Lazy;

    /// Those from `at` on, the last one first, at least 0 and below 2⁵².
    ///
    /// # Safety
    /// As for [`Source::lanes`].
    unsafe fn reversed(self, at: usize) -> Lazy;

    /// What stands for 0.
    fn zero(self) -> Lazy;
}

/// Words that stand for as much less than they are as `zero` does; `start` is [`LazyTable::start`] or, where that is
/// not 0, [`LazyTable::raised`].
#[derive(Clone, Copy)]
pub struct Words {
    pub at: *const u32,
    pub start: u64,
    pub zero: u32,
}

impl Source for Words {
    #[inline(always)]
    unsafe fn lanes(self, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        unsafe { Lazy::words(self.at.add(at)) }.add(Lazy::splat(self.start))
    }

    #[inline(always)]
    unsafe fn reversed(self, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        unsafe { Lazy::words_reversed(self.at.add(at)) }
    }

    #[inline(always)]
    fn zero(self) -> Lazy {
        Lazy::splat(self.zero.into())
    }
}

/// Integers from −2³¹ on; `start` is [`LazyTable::start`].
#[derive(Clone, Copy)]
pub struct Integers {
    pub at: *const i32,
    pub start: u64,
}

impl Source for Integers {
    #[inline(always)]
    unsafe fn lanes(self, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        unsafe { Lazy::integers(self.at.add(at)) }.add(Lazy::splat(self.start))
    }

    #[inline(always)]
    unsafe fn reversed(self, at: usize) -> Lazy {
        // SAFETY: the caller's promise.
        unsafe { self.lanes(at) }.reversed()
    }

    #[inline(always)]
    fn zero(self) -> Lazy {
        Lazy::splat(0)
    }
}

/// From coefficients to [`RADIX`] parts, after the third stage. Meanwhile memory is asked for N coefficients of
/// `next.1` bytes from `next.0` on, wherever that is.
///
/// # Safety
/// The processor has IFMA; the source has N coefficients, and `out` points to N double words.
#[inline(always)]
pub unsafe fn forward(
    table: &LazyTable,
    p: &Prime,
    source: impl Source,
    next: (*const u8, usize),
    out: *mut u64,
) {
    let stride = table.n / RADIX;
    // SAFETY: part k's columns from i on are within the polynomial, and so are those opposite.
    unsafe {
        let fold = table.roots.one(FOLD);
        for i in (0..stride).step_by(Lazy::N) {
            // RADIX·8 coefficients: a line for each byte that one of them has.
            for line in 0..next.1 {
                ask_second(next.0.wrapping_add(RADIX * i * next.1 + line * LINE));
            }
            let mut v = [Lazy::splat(0); RADIX];
            for (k, v) in v.iter_mut().enumerate() {
                let j = k * stride + i;
                let opposite = match (k, i) {
                    (0, 0) => source.reversed(table.n - Lazy::N).behind(source.zero()),
                    _ => source.reversed(table.n - j - (Lazy::N - 1)),
                };
                *v = source.lanes(j).add_product(opposite, fold, p);
            }
            splits(&table.roots, p, 1, &mut v);
            for (k, v) in v.into_iter().enumerate() {
                v.store(out.add(k * stride + i));
            }
        }
    }
}

/// From parts, whose lanes are at most `bound`, a multiple of p, to coefficients in [0, p):
/// aⱼ = (bⱼ + I·b_{N−j})·(2N)⁻¹, where a₀ has b₀ twice, as `form` says.
///
/// A column from place i on of all parts goes together with the one that ends opposite, at N/8 − i: what one needs is
/// in the other. What is left are the places kN/8, which are opposite to one another.
///
/// # Safety
/// The processor has IFMA; `parts` points to N values, and `out` to N words.
#[inline(always)]
pub unsafe fn inverse(
    table: &LazyTable,
    p: &Prime,
    bound: u64,
    form: Form,
    parts: *const u64,
    out: *mut u32,
) {
    let (roots, stride) = (&table.inverse, table.n / RADIX);
    let [scale, opposite] = table.scales.map(|w| Factor::splat(&table.m, table.m.mul(w, form.by)));
    let (origin, added) = (Lazy::splat(form.origin.into()), Added::new(form.added));
    let unfold = |x: Lazy, y: Lazy| origin.add_products([(x, scale), (y, opposite)], p);
    let corner = |x: Lazy| x.first_residue(p, &table.m).wrapping_add(form.added);
    // SAFETY: the caller's promise; both columns are within their parts.
    unsafe {
        let mut v = [Lazy::splat(0); RADIX];
        for (k, v) in v.iter_mut().enumerate() {
            *v = Lazy::splat(*parts.add(k * stride));
        }
        joins(roots, p, 1, bound, &mut v);
        *out = corner(origin.add_products([(v[0], scale), (v[0], scale)], p));
        for k in 1..RADIX {
            *out.add(k * stride) = corner(unfold(v[k], v[RADIX - k]));
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
                Lazy::store_apart(pair, p, added, at.add(i), at.add(stride + i));
                let pair = [unfold(r[k], f[far]), unfold(r[k + 1], f[far - 1])];
                Lazy::store_apart_reversed(pair, p, added, at.add(end), at.add(stride + end));
            }
        }
    }
}
