//! The stages between the outermost and the innermost ones: whole vectors, one root a block.

use super::butterfly::{join, split};
use super::range::Range;
use crate::math::words::{Factors, Words};

/// The number of sub-blocks that the next pass over a block of `len` values makes of it, so that
/// blocks of 2·`V::N` values are reached: 8 where that is possible.
#[inline(always)]
pub fn radix<V: Words>(len: usize) -> usize {
    match len / (2 * V::N) {
        1 => 1,
        2 => 2,
        4 | 16 => 4,
        _ => 8,
    }
}

/// The roots of the sub-tree of log₂ RADIX stages below `node`: entry k is that of its node k, 0 unused.
#[inline(always)]
fn subtree<V: Words, const RADIX: usize>(table: &Factors, node: usize) -> [V::Factor; RADIX] {
    assert!(RADIX * (node + 1) <= 2 * table.values().len());
    // SAFETY: this node and those below it are in the table, by the line above.
    let mut roots = [unsafe { V::factor(table, node) }; RADIX];
    for (k, root) in roots.iter_mut().enumerate().skip(2) {
        let depth = k.ilog2();
        // SAFETY: as above.
        *root = unsafe { V::factor(table, (node << depth) + k - (1 << depth)) };
    }
    roots
}

/// log₂ RADIX stages of the forward transform over the block of `node`; large values.
#[inline(always)]
pub fn forward<V: Words, R: Range<V>, const RADIX: usize>(
    r: &R,
    table: &Factors,
    block: &mut [u32],
    node: usize,
) {
    let w = subtree::<V, RADIX>(table, node);
    let mut columns = Columns::<RADIX>::new(block);
    for i in (0..columns.stride).step_by(V::N) {
        let mut v: [V; RADIX] = columns.load(i);
        let (mut half, mut first) = (RADIX / 2, 1);
        while half > 0 {
            for k in 0..first {
                for i in 2 * half * k..2 * half * k + half {
                    (v[i], v[i + half]) = split(r, v[i], v[i + half], w[first + k]);
                }
            }
            (half, first) = (half / 2, 2 * first);
        }
        columns.store(i, v);
    }
}

/// log₂ RADIX stages of the inverse transform over the block of `node`; small values.
#[inline(always)]
pub fn inverse<V: Words, R: Range<V>, const RADIX: usize>(
    r: &R,
    table: &Factors,
    block: &mut [u32],
    node: usize,
) {
    let w = subtree::<V, RADIX>(table, node);
    let mut columns = Columns::<RADIX>::new(block);
    for i in (0..columns.stride).step_by(V::N) {
        let mut v: [V; RADIX] = columns.load(i);
        let (mut half, mut first) = (1, RADIX / 2);
        while first > 0 {
            for k in 0..first {
                for i in 2 * half * k..2 * half * k + half {
                    (v[i], v[i + half]) = join(r, v[i], v[i + half], w[first + k]);
                }
            }
            (half, first) = (2 * half, first / 2);
        }
        columns.store(i, v);
    }
}

/// A block as RADIX parts; a column is what stands at one place of all parts.
struct Columns<'a, const RADIX: usize> {
    block: &'a mut [u32],
    stride: usize,
}

impl<'a, const RADIX: usize> Columns<'a, RADIX> {
    #[inline(always)]
    fn new(block: &'a mut [u32]) -> Self {
        let stride = block.len() / RADIX;
        Self { block, stride }
    }

    #[inline(always)]
    fn load<V: Words>(&self, i: usize) -> [V; RADIX] {
        assert!(i + V::N <= self.stride);
        let mut v = [V::splat(0); RADIX];
        for (k, v) in v.iter_mut().enumerate() {
            // SAFETY: within part k by the line above.
            *v = unsafe { V::load(self.block.as_ptr().add(k * self.stride + i)) };
        }
        v
    }

    #[inline(always)]
    fn store<V: Words>(&mut self, i: usize, v: [V; RADIX]) {
        assert!(i + V::N <= self.stride);
        for (k, v) in v.into_iter().enumerate() {
            // SAFETY: within part k by the line above.
            unsafe { v.store(self.block.as_mut_ptr().add(k * self.stride + i)) };
        }
    }
}
