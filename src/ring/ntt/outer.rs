//! The folding and the two outermost stages, in one pass over the coefficients.
//!
//! With I = ω^N the folding is bⱼ = aⱼ − I·a_{N−j}. For 0 < j < N/2 let gⱼ = aⱼ + I·a_{N−j}: then
//! b_{N−j} = −I·gⱼ, and the factor −I goes into the root of the first stage, which multiplies
//! b_{N−j} anyway. So the folding costs one product for two coefficients, as any stage.
//!
//! A place i in [1, N/8] takes with it the places ±i from all quarters; their vectors `f` are read
//! forward from kN/4 + i, and `r` backward from (k+1)N/4 − i. At i = N/8 both are the same places and
//! get the same values. What is left are the places kN/4.

use super::butterfly::{join, split, split_small};
use super::imaginary;
use super::range::Range;
use crate::math::{
    Modulus,
    words::{Factors, Words},
};
use std::marker::PhantomData;

/// The factors of these stages, by the constants below.
#[derive(Clone, Debug)]
pub struct OuterRoots {
    forward: Factors,
    inverse: Factors,
}

const FOLD: usize = 0;
const FIRST: usize = 1;
const SECOND: [usize; 2] = [2, 3];
/// At place N/2: 1 + I, and what takes it away together with the scale, twice.
const MIDDLE: usize = 4;
/// The scale (2N)⁻¹, and twice that.
const SCALE: usize = 5;
const SCALE_TWICE: usize = 6;

impl OuterRoots {
    /// From ω, the roots of nodes 1, 2 and 3, and the scale.
    pub fn new(m: &Modulus, n: usize, omega: u32, nodes: [u32; 3], scale: u32) -> Self {
        let i = imaginary(m, n, omega);
        let minus_i = m.neg(i);
        let first = m.mul(minus_i, nodes[0]);
        let middle = m.add(1, i);
        let twice = m.add(scale, scale);
        let forward = [minus_i, first, nodes[1], nodes[2], middle];
        let [fold, first, second, third, middle] = forward.map(|w| m.inv(w));
        let inverse =
            [m.mul(fold, scale), first, second, third, m.mul(middle, twice), scale, twice];
        let table = |w: &[u32]| Factors::new(m, w.iter().copied());
        Self { forward: table(&forward), inverse: table(&inverse) }
    }
}

/// What the forward transform reads.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// Residues in [0, p), in place.
    Own,
    /// Integers x with p + x in [2¹⁷, 2p).
    Integers(&'a [i32]),
}

/// From coefficients to four blocks of large values.
#[inline(always)]
pub fn forward<V: Words, R: Range<V>>(r: &R, roots: &OuterRoots, input: Input<'_>, a: &mut [u32]) {
    match input {
        Input::Own => forward_from::<V, R, false>(r, &roots.forward, Places::within(a)),
        Input::Integers(x) => forward_from::<V, R, true>(r, &roots.forward, Places::between(x, a)),
    }
}

/// [`forward`] of what stands in `places`, which are `INTEGERS` or residues.
#[inline(always)]
fn forward_from<V: Words, R: Range<V>, const INTEGERS: bool>(
    r: &R,
    table: &Factors,
    mut places: Places<'_>,
) {
    let fold = root::<V>(table, FOLD);
    // A word to multiply, and a small value to add to. Integers plus p are large.
    let word = if INTEGERS { r.p() } else { V::splat(0) };
    macro_rules! small {
        ($x:expr) => {
            if INTEGERS { r.reduce($x) } else { r.lift($x) }
        };
    }
    let [a0, a1, a2, a3] = places.corners::<V>(word);
    let (b, g) = split_small(r, small!(a1), a3, fold);
    let middle = r.product(a2, root::<V>(table, MIDDLE));
    places.set_corners(tree(r, table, [small!(a0), b, middle, g]));
    for i in (1..=places.quarter / 2).step_by(V::N) {
        let ([f0, f1, f2, f3], [r0, r1, r2, r3]) = places.load::<V>(i, word);
        let (f0, r3) = split_small(r, small!(f0), r3, fold);
        let (f1, r2) = split_small(r, small!(f1), r2, fold);
        let (r0, f3) = split_small(r, small!(r0), f3, fold);
        let (r1, f2) = split_small(r, small!(r1), f2, fold);
        let f = tree(r, table, [f0, f1, f2, f3]);
        let r = tree(r, table, [r0, r1, r2, r3]);
        places.store(i, f, r);
    }
}

/// From four blocks of small values to coefficients in [0, p).
#[inline(always)]
pub fn inverse<V: Words, R: Range<V>>(r: &R, roots: &OuterRoots, a: &mut [u32]) {
    let table = &roots.inverse;
    let mut places = Places::within(a);
    let zero = V::splat(0);
    let [a0, b, middle, g] = untree(r, table, places.corners(zero));
    let (a1, a3) = unfold(r, table, b, g);
    let a0 = a0.mul_lazy(root::<V>(table, SCALE_TWICE), r.p()).reduce(r.p());
    let a2 = middle.mul_lazy(root::<V>(table, MIDDLE), r.p()).reduce(r.p());
    places.set_corners([a0, a1, a2, a3]);
    for i in (1..=places.quarter / 2).step_by(V::N) {
        let (f, b) = places.load::<V>(i, zero);
        let ([f0, f1, f2, f3], [r0, r1, r2, r3]) = (untree(r, table, f), untree(r, table, b));
        let (f0, r3) = unfold(r, table, f0, r3);
        let (f1, r2) = unfold(r, table, f1, r2);
        let (r0, f3) = unfold(r, table, r0, f3);
        let (r1, f2) = unfold(r, table, r1, f2);
        places.store(i, [f0, f1, f2, f3], [r0, r1, r2, r3]);
    }
}

/// One of the factors above.
#[inline(always)]
fn root<V: Words>(table: &Factors, k: usize) -> V::Factor {
    assert!(k < table.values().len());
    // SAFETY: by the line above.
    unsafe { V::factor(table, k) }
}

/// Two stages: nodes 1, 2, 3. Large values.
#[inline(always)]
fn tree<V: Words, R: Range<V>>(r: &R, table: &Factors, [x0, x1, x2, x3]: [V; 4]) -> [V; 4] {
    let (x0, x2) = split(r, x0, x2, root::<V>(table, FIRST));
    let (x1, x3) = split(r, x1, x3, root::<V>(table, FIRST));
    let (x0, x1) = split(r, x0, x1, root::<V>(table, SECOND[0]));
    let (x2, x3) = split(r, x2, x3, root::<V>(table, SECOND[1]));
    [x0, x1, x2, x3]
}

/// The inverse of [`tree`], but for a factor 4. Small values.
#[inline(always)]
fn untree<V: Words, R: Range<V>>(r: &R, table: &Factors, [x0, x1, x2, x3]: [V; 4]) -> [V; 4] {
    let (x0, x1) = join(r, x0, x1, root::<V>(table, SECOND[0]));
    let (x2, x3) = join(r, x2, x3, root::<V>(table, SECOND[1]));
    let (x0, x2) = join(r, x0, x2, root::<V>(table, FIRST));
    let (x1, x3) = join(r, x1, x3, root::<V>(table, FIRST));
    [x0, x1, x2, x3]
}

/// aⱼ and a_{N−j} in [0, p) from small bⱼ and gⱼ, with the scale.
#[inline(always)]
fn unfold<V: Words, R: Range<V>>(r: &R, table: &Factors, b: V, g: V) -> (V, V) {
    let x = b.add(g).mul_lazy(root::<V>(table, SCALE), r.p());
    let y = b.sub(g).add(r.multiple()).mul_lazy(root::<V>(table, FOLD), r.p());
    (x.reduce(r.p()), y.reduce(r.p()))
}

/// A polynomial's quarters, read from both ends.
struct Places<'a> {
    /// Four quarters to read, and as many to write: the same, or others.
    from: *const u32,
    to: *mut u32,
    quarter: usize,
    borrowed: PhantomData<&'a mut [u32]>,
}

impl<'a> Places<'a> {
    #[inline(always)]
    fn within(a: &'a mut [u32]) -> Self {
        let to = a.as_mut_ptr();
        Self { from: to, to, quarter: a.len() / 4, borrowed: PhantomData }
    }

    #[inline(always)]
    fn between(from: &'a [i32], to: &'a mut [u32]) -> Self {
        assert_eq!(from.len(), to.len());
        Self { from: from.as_ptr().cast(), ..Self::within(to) }
    }

    /// The words at the starts of the quarters, each in all lanes, plus `more`.
    #[inline(always)]
    fn corners<V: Words>(&self, more: V) -> [V; 4] {
        let mut corners = [more; 4];
        for (k, x) in corners.iter_mut().enumerate() {
            // SAFETY: within the words of `from`.
            *x = V::splat(unsafe { *self.from.add(k * self.quarter) }).add(more);
        }
        corners
    }

    #[inline(always)]
    fn set_corners<V: Words>(&mut self, corners: [V; 4]) {
        for (k, x) in corners.into_iter().enumerate() {
            let mut lanes = [0; 16];
            assert!(V::N <= lanes.len());
            // SAFETY: room for a vector, by the line above.
            unsafe { x.store(lanes.as_mut_ptr()) };
            // SAFETY: within the words of `to`.
            unsafe { *self.to.add(k * self.quarter) = lanes[0] };
        }
    }

    /// Where the vectors of place `i` start, in each quarter.
    #[inline(always)]
    fn starts<V: Words>(&self, i: usize) -> (usize, usize) {
        let backward = self.quarter + 1 - V::N - i;
        assert!(1 <= i && i + V::N <= self.quarter && 1 <= backward);
        (i, backward)
    }

    /// The vectors that begin with kN/4 + i, and those that begin with (k+1)N/4 − i and go down,
    /// plus `more`.
    #[inline(always)]
    fn load<V: Words>(&self, i: usize, more: V) -> ([V; 4], [V; 4]) {
        let (forward, backward) = self.starts::<V>(i);
        let mut v = ([more; 4], [more; 4]);
        for k in 0..4 {
            // SAFETY: within quarter k, by what `starts` asserts.
            unsafe {
                let quarter = self.from.add(k * self.quarter);
                v.0[k] = V::load(quarter.add(forward)).add(more);
                v.1[k] = V::load(quarter.add(backward)).reverse().add(more);
            }
        }
        v
    }

    #[inline(always)]
    fn store<V: Words>(&mut self, i: usize, f: [V; 4], r: [V; 4]) {
        let (forward, backward) = self.starts::<V>(i);
        for k in 0..4 {
            // SAFETY: as in `load`.
            unsafe {
                let quarter = self.to.add(k * self.quarter);
                f[k].store(quarter.add(forward));
                r[k].reverse().store(quarter.add(backward));
            }
        }
    }
}
