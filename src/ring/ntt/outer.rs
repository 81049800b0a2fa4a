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
    /// Integers, less than p by 2¹⁷.
    Integers(Summands<'a>),
    /// Integers, less than 2p by 2¹⁷, and p below 2³⁰.
    Larger(Summands<'a>),
}

/// Integers x + w·y, w being factor `k` of a table, or x alone.
#[derive(Clone, Copy, Debug)]
pub struct Summands<'a> {
    pub x: &'a [i32],
    pub y: Option<(&'a [i32], &'a Factors, usize)>,
}

/// From coefficients to four blocks of large values.
#[inline(always)]
pub fn forward<V: Words, R: Range<V>>(r: &R, roots: &OuterRoots, input: Input<'_>, a: &mut [u32]) {
    match input {
        Input::Own => {
            let places = Places::within(a);
            forward_from(r, &roots.forward, Residues(places.to), places);
        }
        Input::Integers(summands) => forward_integers::<V, R, false>(r, roots, summands, a),
        Input::Larger(summands) => forward_integers::<V, R, true>(r, roots, summands, a),
    }
}

#[inline(always)]
fn forward_integers<V: Words, R: Range<V>, const LARGER: bool>(
    r: &R,
    roots: &OuterRoots,
    Summands { x, y }: Summands<'_>,
    a: &mut [u32],
) {
    assert_eq!(x.len(), a.len());
    let x = Integers::<LARGER>(x.as_ptr());
    match y {
        None => forward_from(r, &roots.forward, x, Places::within(a)),
        Some((y, w, k)) => {
            assert_eq!(y.len(), a.len());
            let source = Mixed { x, y: Integers(y.as_ptr()), w: root::<V>(w, k) };
            forward_from(r, &roots.forward, source, Places::within(a));
        }
    }
}

/// Coefficients as vectors.
trait Source<V: Words, R: Range<V>>: Copy {
    /// Those from `at` on: words to multiply.
    ///
    /// # Safety
    /// There are so many.
    unsafe fn vector(self, r: &R, at: usize) -> V;

    /// One of them in all lanes.
    ///
    /// # Safety
    /// As for [`Source::vector`].
    unsafe fn one(self, r: &R, at: usize) -> V;

    /// A small value from what was read.
    fn small(r: &R, x: V) -> V;
}

#[derive(Clone, Copy)]
struct Residues(*const u32);

impl<V: Words, R: Range<V>> Source<V, R> for Residues {
    #[inline(always)]
    unsafe fn vector(self, _: &R, at: usize) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load(self.0.add(at)) }
    }

    #[inline(always)]
    unsafe fn one(self, _: &R, at: usize) -> V {
        // SAFETY: the caller's promise.
        V::splat(unsafe { *self.0.add(at) })
    }

    #[inline(always)]
    fn small(r: &R, x: V) -> V {
        r.lift(x)
    }
}

/// Plus p, or 2p for the `LARGER` ones, they are positive words.
#[derive(Clone, Copy)]
struct Integers<const LARGER: bool>(*const i32);

impl<V: Words, R: Range<V>, const LARGER: bool> Source<V, R> for Integers<LARGER> {
    #[inline(always)]
    unsafe fn vector(self, r: &R, at: usize) -> V {
        // SAFETY: the caller's promise.
        let x = unsafe { V::load(self.0.add(at).cast()) };
        positive::<V, R, LARGER>(r, x)
    }

    #[inline(always)]
    unsafe fn one(self, r: &R, at: usize) -> V {
        // SAFETY: the caller's promise.
        let x = V::splat(unsafe { *self.0.add(at) } as u32);
        positive::<V, R, LARGER>(r, x)
    }

    #[inline(always)]
    fn small(r: &R, x: V) -> V {
        r.reduce(if LARGER { r.fold(x) } else { x })
    }
}

#[inline(always)]
fn positive<V: Words, R: Range<V>, const LARGER: bool>(r: &R, x: V) -> V {
    x.add(if LARGER { r.p().add(r.p()) } else { r.p() })
}

/// A small value plus a product.
#[derive(Clone, Copy)]
struct Mixed<F, const LARGER: bool> {
    x: Integers<LARGER>,
    y: Integers<LARGER>,
    w: F,
}

impl<V, F, R, const LARGER: bool> Source<V, R> for Mixed<F, LARGER>
where
    V: Words<Factor = F>,
    F: Copy,
    R: Range<V>,
{
    #[inline(always)]
    unsafe fn vector(self, r: &R, at: usize) -> V {
        // SAFETY: the caller's promise.
        let [x, y]: [V; 2] = unsafe { [self.x.vector(r, at), self.y.vector(r, at)] };
        Integers::<LARGER>::small(r, x).add(r.product(y, self.w))
    }

    #[inline(always)]
    unsafe fn one(self, r: &R, at: usize) -> V {
        // SAFETY: the caller's promise.
        let [x, y]: [V; 2] = unsafe { [self.x.one(r, at), self.y.one(r, at)] };
        Integers::<LARGER>::small(r, x).add(r.product(y, self.w))
    }

    #[inline(always)]
    fn small(r: &R, x: V) -> V {
        r.reduce(x)
    }
}

/// [`forward`] of what `source` has, as long as `places`.
#[inline(always)]
fn forward_from<V: Words, R: Range<V>, S: Source<V, R>>(
    r: &R,
    table: &Factors,
    source: S,
    mut places: Places<'_>,
) {
    let fold = root::<V>(table, FOLD);
    // A word to multiply, and a small value to add to.
    macro_rules! small {
        ($x:expr) => {
            S::small(r, $x)
        };
    }
    let [a0, a1, a2, a3] = places.corners(r, source);
    let (b, g) = split_small(r, small!(a1), a3, fold);
    let middle = r.product(a2, root::<V>(table, MIDDLE));
    places.set_corners(tree(r, table, [small!(a0), b, middle, g]));
    for i in (1..=places.quarter / 2).step_by(V::N) {
        let ([f0, f1, f2, f3], [r0, r1, r2, r3]) = places.load(i, r, source);
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
    let source = Residues(places.to);
    let [a0, b, middle, g] = untree(r, table, places.corners(r, source));
    let (a1, a3) = unfold(r, table, b, g);
    let a0 = a0.mul_lazy(root::<V>(table, SCALE_TWICE), r.p()).reduce(r.p());
    let a2 = middle.mul_lazy(root::<V>(table, MIDDLE), r.p()).reduce(r.p());
    places.set_corners([a0, a1, a2, a3]);
    for i in (1..=places.quarter / 2).step_by(V::N) {
        let (f, b) = places.load(i, r, source);
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

/// A polynomial's quarters, gone through from both ends.
struct Places<'a> {
    /// Four quarters to write.
    to: *mut u32,
    quarter: usize,
    borrowed: PhantomData<&'a mut [u32]>,
}

impl<'a> Places<'a> {
    #[inline(always)]
    fn within(a: &'a mut [u32]) -> Self {
        let to = a.as_mut_ptr();
        Self { to, quarter: a.len() / 4, borrowed: PhantomData }
    }

    /// The coefficients at the starts of the quarters, each in all lanes.
    #[inline(always)]
    fn corners<V: Words, R: Range<V>>(&self, r: &R, source: impl Source<V, R>) -> [V; 4] {
        let mut corners = [V::splat(0); 4];
        for (k, x) in corners.iter_mut().enumerate() {
            // SAFETY: within the polynomial.
            *x = unsafe { source.one(r, k * self.quarter) };
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

    /// The vectors that begin with kN/4 + i, and those that begin with (k+1)N/4 − i and go down.
    #[inline(always)]
    fn load<V: Words, R: Range<V>>(
        &self,
        i: usize,
        r: &R,
        source: impl Source<V, R>,
    ) -> ([V; 4], [V; 4]) {
        let (forward, backward) = self.starts::<V>(i);
        let mut v = ([V::splat(0); 4], [V::splat(0); 4]);
        for k in 0..4 {
            let quarter = k * self.quarter;
            // SAFETY: within quarter k, by what `starts` asserts.
            unsafe {
                v.0[k] = source.vector(r, quarter + forward);
                v.1[k] = source.vector(r, quarter + backward).reverse();
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
