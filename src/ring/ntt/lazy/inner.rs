//! The innermost six stages, both ways, on two blocks of 64 values in sixteen vectors: three stages between
//! vectors, three within.
//!
//! Within vectors they go by perfect shuffles, as in [`super::super::inner`]. The last shuffle is left to whoever
//! takes the values ([`Sink`]): so they are as [`Lazy::even_odd`] reads words.

use super::between::{BLOCK, Between, VECTORS};
use super::middle::{join, joins, split, splits};
use crate::math::lazy::{Lazy, LazyFactors, Prime};

/// Where values go.
pub trait Sink: Copy {
    /// Sixteen values from `at` on, of both blocks: those at even places, and those at odd ones.
    ///
    /// # Safety
    /// There is room for them, and the processor has IFMA.
    unsafe fn put(self, at: usize, even: Lazy, odd: Lazy);
}

/// Lanes as they are.
#[derive(Clone, Copy)]
pub struct Lanes(pub *mut u64);

impl Sink for Lanes {
    #[inline(always)]
    unsafe fn put(self, at: usize, even: Lazy, odd: Lazy) {
        // SAFETY: the caller's promise.
        unsafe {
            even.store(self.0.add(at));
            odd.store(self.0.add(at + Lazy::N));
        }
    }
}

/// Residues in [0, p).
#[derive(Clone, Copy)]
pub struct Residues<'a>(pub *mut u32, pub &'a Prime);

impl Sink for Residues<'_> {
    #[inline(always)]
    unsafe fn put(self, at: usize, even: Lazy, odd: Lazy) {
        // SAFETY: the caller's promise.
        unsafe { Lazy::store_residues(even, odd, self.1, self.0.add(at)) }
    }
}

/// Two blocks.
type Pair = [[Lazy; VECTORS]; 2];

/// A stage within vectors, of which `PERIOD` roots go to one. A function for each: in a loop over all three the
/// compiler keeps the loop, with vectors moved from register to register.
///
/// # Safety
/// As for [`forward`].
#[inline(always)]
unsafe fn within<const PERIOD: usize>(roots: &LazyFactors, p: &Prime, node: usize, v: &mut Pair) {
    for (k, v) in v.iter_mut().enumerate() {
        for i in 0..VECTORS / 2 {
            // SAFETY: the caller's promise.
            let w = unsafe { roots.each(((node + k) * VECTORS / 2 + i) * PERIOD, PERIOD) };
            let (x, y) = v[2 * i].interleave(v[2 * i + 1]);
            (v[2 * i], v[2 * i + 1]) = split(p, x, y, w);
        }
    }
}

/// [`within`] for the inverse, where lanes are at most `bound`, a multiple of p.
///
/// # Safety
/// As for [`inverse`].
#[inline(always)]
unsafe fn within_back<const PERIOD: usize>(
    roots: &LazyFactors,
    p: &Prime,
    bound: u64,
    node: usize,
    v: &mut Pair,
) {
    let multiple = Lazy::splat(bound);
    for (k, v) in v.iter_mut().enumerate() {
        for i in 0..VECTORS / 2 {
            // SAFETY: the caller's promise.
            let w = unsafe { roots.each(((node + k) * VECTORS / 2 + i) * PERIOD, PERIOD) };
            let (x, y) = join(p, v[2 * i], v[2 * i + 1], multiple, w);
            (v[2 * i], v[2 * i + 1]) = x.deinterleave(y);
        }
    }
}

/// The last stages over the blocks of `node` and the next one.
///
/// # Safety
/// The processor has IFMA, both blocks stand at `from`, there are roots for all nodes below them, and
/// room for what comes out.
#[inline(always)]
pub unsafe fn forward(
    roots: &LazyFactors,
    p: &Prime,
    node: usize,
    from: impl Between,
    to: impl Sink,
) {
    let mut v: Pair = [[Lazy::splat(0); VECTORS]; 2];
    // SAFETY: the caller's promise.
    unsafe {
        let [first, second] = &mut v;
        for (i, (x, y)) in first.iter_mut().zip(second).enumerate() {
            [*x, *y] = from.take(0, i * Lazy::N);
        }
        for (k, v) in v.iter_mut().enumerate() {
            splits(roots, p, node + k, v);
        }
        within::<2>(roots, p, node, &mut v);
        within::<4>(roots, p, node, &mut v);
        within::<8>(roots, p, node, &mut v);
        for (k, v) in v.into_iter().enumerate() {
            for i in 0..VECTORS / 2 {
                to.put(k * BLOCK + i * 2 * Lazy::N, v[2 * i], v[2 * i + 1]);
            }
        }
    }
}

/// The first stages of the inverse transform over the blocks of `node` and the next one, from residues in
/// [0, p) to lanes below [`BLOCK`]·p.
///
/// # Safety
/// The processor has IFMA, `from` and `to` point to the values of both blocks, and there are roots for all
/// nodes below them.
#[inline(always)]
pub unsafe fn inverse(
    roots: &LazyFactors,
    p: &Prime,
    modulus: u64,
    node: usize,
    from: *const u32,
    to: *mut u64,
) {
    let mut v: Pair = [[Lazy::splat(0); VECTORS]; 2];
    // SAFETY: the caller's promise.
    unsafe {
        for (k, v) in v.iter_mut().enumerate() {
            for i in 0..VECTORS / 2 {
                let pair = Lazy::even_odd(from.add(k * BLOCK + i * 2 * Lazy::N));
                [v[2 * i], v[2 * i + 1]] = pair;
            }
        }
        within_back::<8>(roots, p, modulus, node, &mut v);
        within_back::<4>(roots, p, 2 * modulus, node, &mut v);
        within_back::<2>(roots, p, 4 * modulus, node, &mut v);
        for (k, v) in v.iter_mut().enumerate() {
            joins(roots, p, node + k, modulus << 3, v);
        }
        for (k, v) in v.into_iter().enumerate() {
            for (i, v) in v.into_iter().enumerate() {
                v.store(to.add(k * BLOCK + i * Lazy::N));
            }
        }
    }
}
