//! The innermost stages: two vectors at a time, butterflies within them.
//!
//! Two neighbouring vectors of L words are a block; its first stage is a butterfly of one with the
//! other. Then both are perfectly shuffled into each other, which rotates the bits of the places:
//! what was the highest bit within a vector now says which vector, and the next stage is a butterfly
//! of whole vectors again (Pease, "An adaptation of the fast Fourier transform", 1968). After log₂ 2L
//! shuffles everything is back at its place.
//!
//! The bits of the places already passed are the lowest of the lane, in the order of the tree: the
//! roots of a stage are 2, 4, … L consecutive ones, repeated.

use super::butterfly::{join, split};
use super::range::Range;
use crate::math::words::{Factors, Words};

/// Blocks that are best worked on together: the chain of a butterfly takes some 25 cycles, but its
/// instructions only 8. Cycles for 16 butterflies, IFMA: 11.4, 10.5, 9.9 for 2, 3, 4 blocks, and
/// 8 blocks no longer fit the registers.
pub const TOGETHER: usize = 4;

/// The last stages of the forward transform: blocks of `node`, `node` + 1, …, from large values to
/// [0, p), `COUNT` blocks at a time.
#[inline(always)]
pub fn forward<V: Words, R: Range<V>, const COUNT: usize>(
    r: &R,
    table: &Factors,
    a: &mut [u32],
    node: usize,
) {
    assert!(2 * V::N * node + a.len() <= 2 * table.values().len(), "roots of all blocks");
    for (i, blocks) in a.chunks_exact_mut(COUNT * 2 * V::N).enumerate() {
        let node = node + COUNT * i;
        let mut v = load::<V, COUNT>(blocks);
        for (k, v) in v.iter_mut().enumerate() {
            // SAFETY: by the assertion.
            let w = unsafe { V::factor(table, node + k) };
            *v = split(r, v.0, v.1, w);
        }
        // SAFETY: by the assertion.
        unsafe {
            split_within(r, table, node, 2, &mut v);
            split_within(r, table, node, 4, &mut v);
            split_within(r, table, node, 8, &mut v);
            split_within(r, table, node, 16, &mut v);
        }
        for v in &mut v {
            *v = r.canonical(v.0).interleave(r.canonical(v.1));
        }
        store(blocks, v);
    }
}

/// The first stages of the inverse transform, from [0, p) to small values, of what stands in `from` or in `a`.
#[inline(always)]
pub fn inverse<V: Words, R: Range<V>, const COUNT: usize>(
    r: &R,
    table: &Factors,
    from: Option<&[u32]>,
    a: &mut [u32],
    node: usize,
) {
    assert!(2 * V::N * node + a.len() <= 2 * table.values().len(), "roots of all blocks");
    for (i, blocks) in a.chunks_exact_mut(COUNT * 2 * V::N).enumerate() {
        let node = node + COUNT * i;
        let mut v = match from {
            Some(from) => load::<V, COUNT>(&from[i * blocks.len()..][..blocks.len()]),
            None => load::<V, COUNT>(blocks),
        };
        for v in &mut v {
            *v = v.0.deinterleave(v.1);
        }
        // SAFETY: by the assertion.
        unsafe {
            join_within(r, table, node, 16, &mut v);
            join_within(r, table, node, 8, &mut v);
            join_within(r, table, node, 4, &mut v);
            join_within(r, table, node, 2, &mut v);
        }
        for (k, v) in v.iter_mut().enumerate() {
            // SAFETY: by the assertion.
            let w = unsafe { V::factor(table, node + k) };
            *v = join(r, v.0, v.1, w);
        }
        store(blocks, v);
    }
}

/// The stage of `period` roots, if vectors are that long.
///
/// # Safety
/// The table has the roots of `COUNT` nodes from `node` on, and of what is below them.
#[inline(always)]
unsafe fn split_within<V: Words, R: Range<V>, const COUNT: usize>(
    r: &R,
    table: &Factors,
    node: usize,
    period: usize,
    v: &mut [(V, V); COUNT],
) {
    if period > V::N {
        return;
    }
    for (k, v) in v.iter_mut().enumerate() {
        let (x, y) = v.0.interleave(v.1);
        // SAFETY: the caller's promise.
        let w = unsafe { V::factors(table, (node + k) * period, period) };
        *v = split(r, x, y, w);
    }
}

/// The inverse of [`split_within`].
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn join_within<V: Words, R: Range<V>, const COUNT: usize>(
    r: &R,
    table: &Factors,
    node: usize,
    period: usize,
    v: &mut [(V, V); COUNT],
) {
    if period > V::N {
        return;
    }
    for (k, v) in v.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        let w = unsafe { V::factors(table, (node + k) * period, period) };
        let (x, y) = join(r, v.0, v.1, w);
        *v = x.deinterleave(y);
    }
}

#[inline(always)]
fn load<V: Words, const COUNT: usize>(blocks: &[u32]) -> [(V, V); COUNT] {
    assert_eq!(blocks.len(), COUNT * 2 * V::N);
    let mut v = [(V::splat(0), V::splat(0)); COUNT];
    for (k, v) in v.iter_mut().enumerate() {
        // SAFETY: two vectors each, by the line above.
        unsafe {
            let at = blocks.as_ptr().add(k * 2 * V::N);
            *v = (V::load(at), V::load(at.add(V::N)));
        }
    }
    v
}

#[inline(always)]
fn store<V: Words, const COUNT: usize>(blocks: &mut [u32], v: [(V, V); COUNT]) {
    assert_eq!(blocks.len(), COUNT * 2 * V::N);
    for (k, v) in v.into_iter().enumerate() {
        // SAFETY: two vectors each, by the line above.
        unsafe {
            let at = blocks.as_mut_ptr().add(k * 2 * V::N);
            v.0.store(at);
            v.1.store(at.add(V::N));
        }
    }
}
