//! The two butterflies.

use super::range::Range;
use crate::math::words::Words;

/// (x + w·y, x − w·y), large, for large x and any word y.
#[inline(always)]
pub fn split<V: Words, R: Range<V>>(r: &R, x: V, y: V, w: V::Factor) -> (V, V) {
    split_small(r, r.reduce(x), y, w)
}

/// [`split`] for small x.
#[inline(always)]
pub fn split_small<V: Words, R: Range<V>>(r: &R, x: V, y: V, w: V::Factor) -> (V, V) {
    let y = r.product(y, w);
    (x.add(y), x.sub(y).add(r.multiple()))
}

/// (x + y, w·(x − y)), small, for small x and y.
#[inline(always)]
pub fn join<V: Words, R: Range<V>>(r: &R, x: V, y: V, w: V::Factor) -> (V, V) {
    (r.reduce(x.add(y)), r.product(x.sub(y).add(r.multiple()), w))
}
