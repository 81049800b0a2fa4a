//! The stages between the outermost and the innermost ones, both ways: whole vectors, one root a part.

use super::between::{BLOCK, Between};
use crate::math::lazy::{Factor, Lazy, LazyFactors, Prime};

/// (x + w·y, x − w·y).
#[inline(always)]
pub fn split(p: &Prime, x: Lazy, y: Lazy, w: Factor) -> (Lazy, Lazy) {
    let sum = x.add_product(y, w, p);
    (sum, x.add(x).sub(sum))
}

/// (x + y, w·(x − y)), the product in [0, 2p), for a multiple of p that y does not exceed.
#[inline(always)]
pub fn join(p: &Prime, x: Lazy, y: Lazy, multiple: Lazy, w: Factor) -> (Lazy, Lazy) {
    (x.add(y), Lazy::splat(0).add_product(x.sub(y).add(multiple), w, p))
}

/// log₂ RADIX stages of the inverse transform below `node`, over one column of its parts; all lanes are at
/// most `bound`, a multiple of p, and at most RADIX times as much afterwards.
///
/// # Safety
/// As for [`splits`].
#[inline(always)]
pub unsafe fn joins<const RADIX: usize>(
    roots: &LazyFactors,
    p: &Prime,
    node: usize,
    mut bound: u64,
    v: &mut [Lazy; RADIX],
) {
    let (mut half, mut first) = (1, RADIX / 2);
    while first > 0 {
        let multiple = Lazy::splat(bound);
        for k in 0..first {
            // SAFETY: the caller's promise.
            let w = unsafe { roots.one(node * first + k) };
            for i in 2 * half * k..2 * half * k + half {
                (v[i], v[i + half]) = join(p, v[i], v[i + half], multiple, w);
            }
        }
        (half, first, bound) = (2 * half, first / 2, 2 * bound);
    }
}

/// log₂ RADIX stages below `node`, over one column of its parts.
///
/// # Safety
/// The processor has IFMA, and there are roots for `node` and those below.
#[inline(always)]
pub unsafe fn splits<const RADIX: usize>(
    roots: &LazyFactors,
    p: &Prime,
    node: usize,
    v: &mut [Lazy; RADIX],
) {
    let (mut half, mut first) = (RADIX / 2, 1);
    while half > 0 {
        for k in 0..first {
            // SAFETY: the caller's promise.
            let w = unsafe { roots.one(node * first + k) };
            for i in 2 * half * k..2 * half * k + half {
                (v[i], v[i + half]) = split(p, v[i], v[i + half], w);
            }
        }
        (half, first) = (half / 2, 2 * first);
    }
}

/// All stages over the part of `node`, `len` values from `part` on, until blocks are left, which go to `to`.
///
/// # Safety
/// The processor has IFMA; there are roots for `node` and those below; `part` points to `len` values, at least
/// two blocks, and `to` has room for as many.
#[inline(always)]
pub unsafe fn forward(
    roots: &LazyFactors,
    p: &Prime,
    part: *mut u64,
    to: impl Between,
    len: usize,
    node: usize,
) {
    // SAFETY: the caller's promise; a part's parts follow one another, and their nodes.
    unsafe {
        match len / BLOCK {
            2 => last::<2>(roots, p, part, to, node),
            4 => last::<4>(roots, p, part, to, node),
            8 => last::<8>(roots, p, part, to, node),
            16 => last::<16>(roots, p, part, to, node),
            more => {
                let radix = if more == 32 { 4 } else { 8 };
                match radix {
                    4 => pass::<4>(roots, p, part, len, node),
                    _ => pass::<8>(roots, p, part, len, node),
                }
                let len = len / radix;
                for k in 0..radix {
                    let (part, to, node) = (part.add(k * len), to.from(k * len), node * radix + k);
                    match len / BLOCK {
                        8 => last::<8>(roots, p, part, to, node),
                        _ => last::<16>(roots, p, part, to, node),
                    }
                }
            }
        }
    }
}

/// The vectors at `from` and every `stride` values on.
///
/// # Safety
/// They are there, and the processor has IFMA.
#[inline(always)]
unsafe fn column<const RADIX: usize>(from: *const u64, stride: usize) -> [Lazy; RADIX] {
    let mut v = [Lazy::splat(0); RADIX];
    for (k, v) in v.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        *v = unsafe { Lazy::load(from.add(k * stride)) };
    }
    v
}

/// Puts them there.
///
/// # Safety
/// There is room for them, and the processor has IFMA.
#[inline(always)]
unsafe fn put_column<const RADIX: usize>(v: [Lazy; RADIX], to: *mut u64, stride: usize) {
    for (k, v) in v.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { v.store(to.add(k * stride)) };
    }
}

/// log₂ RADIX stages over the part of `node`, in place.
///
/// # Safety
/// As for [`forward`].
#[inline(always)]
unsafe fn pass<const RADIX: usize>(
    roots: &LazyFactors,
    p: &Prime,
    part: *mut u64,
    len: usize,
    node: usize,
) {
    let stride = len / RADIX;
    for i in (0..stride).step_by(Lazy::N) {
        // SAFETY: the caller's promise: column i of each part.
        unsafe {
            let mut v = column(part.add(i), stride);
            splits::<RADIX>(roots, p, node, &mut v);
            put_column(v, part.add(i), stride);
        }
    }
}

/// [`pass`] over RADIX blocks, which go to `to` as [`forward`] says.
///
/// # Safety
/// As for [`forward`].
#[inline(always)]
unsafe fn last<const RADIX: usize>(
    roots: &LazyFactors,
    p: &Prime,
    part: *const u64,
    to: impl Between,
    node: usize,
) {
    for i in (0..BLOCK).step_by(Lazy::N) {
        // SAFETY: the caller's promise: column i of each block.
        unsafe {
            let mut v: [_; RADIX] = column(part.add(i), BLOCK);
            splits(roots, p, node, &mut v);
            for k in (0..RADIX).step_by(2) {
                to.put(k * BLOCK, i, [v[k], v[k + 1]], p);
            }
        }
    }
}

/// All stages of the inverse transform over the part of `node`, in place, from blocks on to all of it; lanes are
/// at most `bound`, a multiple of p.
///
/// # Safety
/// As for [`forward`].
#[inline(always)]
pub unsafe fn inverse(
    roots: &LazyFactors,
    p: &Prime,
    bound: u64,
    part: *mut u64,
    len: usize,
    node: usize,
) {
    // SAFETY: the caller's promise; a part's parts follow one another, and their nodes.
    unsafe {
        match len / BLOCK {
            2 => join_parts::<2>(roots, p, bound, part, len, node),
            4 => join_parts::<4>(roots, p, bound, part, len, node),
            8 => join_parts::<8>(roots, p, bound, part, len, node),
            16 => join_parts::<16>(roots, p, bound, part, len, node),
            more => {
                let radix = if more == 32 { 4 } else { 8 };
                let inner = len / radix;
                for k in 0..radix {
                    let (part, node) = (part.add(k * inner), node * radix + k);
                    match inner / BLOCK {
                        8 => join_parts::<8>(roots, p, bound, part, inner, node),
                        _ => join_parts::<16>(roots, p, bound, part, inner, node),
                    }
                }
                let bound = bound * (inner / BLOCK) as u64;
                match radix {
                    4 => join_parts::<4>(roots, p, bound, part, len, node),
                    _ => join_parts::<8>(roots, p, bound, part, len, node),
                }
            }
        }
    }
}

/// log₂ RADIX stages of the inverse transform over the part of `node`, in place.
///
/// # Safety
/// As for [`forward`].
#[inline(always)]
unsafe fn join_parts<const RADIX: usize>(
    roots: &LazyFactors,
    p: &Prime,
    bound: u64,
    part: *mut u64,
    len: usize,
    node: usize,
) {
    let stride = len / RADIX;
    for i in (0..stride).step_by(Lazy::N) {
        // SAFETY: the caller's promise: column i of each part.
        unsafe {
            let mut v = column(part.add(i), stride);
            joins::<RADIX>(roots, p, node, bound, &mut v);
            put_column(v, part.add(i), stride);
        }
    }
}
