//! The stages between the outermost and the innermost ones: whole vectors, one root a part.

use super::between::Between;
use super::inner::BLOCK;
use crate::math::lazy::{Factor, Lazy, LazyFactors, Prime};

/// (x + w·y, x − w·y).
#[inline(always)]
pub fn split(p: &Prime, x: Lazy, y: Lazy, w: Factor) -> (Lazy, Lazy) {
    let sum = x.add_product(y, w, p);
    (sum, x.add(x).sub(sum))
}

/// log₂ RADIX stages below `node`, over one column of its parts.
///
/// # Safety
/// The processor has IFMA, and there are roots for `node` and those below.
#[inline(always)]
pub unsafe fn stages<const RADIX: usize>(
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
pub unsafe fn middle(
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

/// log₂ RADIX stages over the part of `node`, in place.
///
/// # Safety
/// As for [`middle`].
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
        let mut v = [Lazy::splat(0); RADIX];
        // SAFETY: the caller's promise: column i of each part.
        unsafe {
            for (k, v) in v.iter_mut().enumerate() {
                *v = Lazy::load(part.add(k * stride + i));
            }
            stages(roots, p, node, &mut v);
            for (k, v) in v.into_iter().enumerate() {
                v.store(part.add(k * stride + i));
            }
        }
    }
}

/// [`pass`] over RADIX blocks, which go to `to` as [`middle`] says.
///
/// # Safety
/// As for [`middle`].
#[inline(always)]
unsafe fn last<const RADIX: usize>(
    roots: &LazyFactors,
    p: &Prime,
    part: *const u64,
    to: impl Between,
    node: usize,
) {
    for i in (0..BLOCK).step_by(Lazy::N) {
        let mut v = [Lazy::splat(0); RADIX];
        // SAFETY: the caller's promise: column i of each block.
        unsafe {
            for (k, v) in v.iter_mut().enumerate() {
                *v = Lazy::load(part.add(k * BLOCK + i));
            }
            stages(roots, p, node, &mut v);
            for k in (0..RADIX).step_by(2) {
                to.put(k * BLOCK, i, [v[k], v[k + 1]], p);
            }
        }
    }
}
