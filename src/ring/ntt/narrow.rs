//! The stages whose butterflies are too close together for a vector: the last four of the forward
//! transform, the first four of the inverse.
//!
//! 256 values are 16 subtrees of 16. Transposed, a vector holds one position of all 16 subtrees, and
//! every butterfly of these stages is one of whole vectors, each lane with its own root.

use super::Roots;
use crate::math::{Modulus, Shoup};

/// Lanes of a vector, and values of a subtree.
const LANES: usize = 16;

/// Values that are transposed at once.
pub const GROUP: usize = LANES * LANES;

/// The half sizes of the stages, from the outer to the inner one.
const HALVES: [usize; 4] = [8, 4, 2, 1];

/// One root a lane.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct LaneRoots {
    w: [u32; LANES],
    quotient: [u32; LANES],
}

/// The roots of these stages, 15 a group, from the outer stage to the inner one.
#[derive(Clone, Debug, Default)]
pub struct NarrowRoots(Vec<[LaneRoots; 15]>);

impl NarrowRoots {
    /// Sorts the roots of a transform of `n` values by lanes; none where `n` is below [`GROUP`].
    pub fn new(roots: &Roots, n: usize) -> Self {
        let group = |g: usize| {
            let mut stages = HALVES.iter().flat_map(|&t| (0..8 / t).map(move |j| (t, j)));
            std::array::from_fn(|_| {
                let (t, j) = stages.next().expect("1 + 2 + 4 + 8 = 15");
                let node = |lane: usize| (n + g * GROUP + lane * LANES) / (2 * t) + j;
                LaneRoots {
                    w: std::array::from_fn(|lane| roots.w[node(lane)]),
                    quotient: std::array::from_fn(|lane| roots.quotient[node(lane)]),
                }
            })
        };
        Self((0..n / GROUP).map(group).collect())
    }
}

/// The last four stages of the forward transform: from [0, 2p) to [0, p).
#[inline(always)]
pub fn forward(m: &Modulus, roots: &NarrowRoots, a: &mut [u32]) {
    for (a, roots) in a.chunks_exact_mut(GROUP).zip(&roots.0) {
        let mut v = transposed(a);
        let mut root = 0;
        for t in HALVES {
            for j in 0..8 / t {
                for i in 2 * t * j..2 * t * j + t {
                    pairs(&mut v, i, i + t, &roots[root], |x, y, w| {
                        let x = m.reduce_once(x);
                        let y = m.reduce_once(m.mul_shoup_lazy(y, w));
                        (x + y, x + m.value() - y)
                    });
                }
                root += 1;
            }
        }
        v.iter_mut().flatten().for_each(|x| *x = m.reduce_once(*x));
        restore(&v, a);
    }
}

/// The first four stages of the inverse transform: from [0, p) to [0, 2p).
#[inline(always)]
pub fn inverse(m: &Modulus, roots: &NarrowRoots, a: &mut [u32]) {
    for (a, roots) in a.chunks_exact_mut(GROUP).zip(&roots.0) {
        let mut v = transposed(a);
        for (stage, t) in HALVES.into_iter().enumerate().rev() {
            for j in 0..8 / t {
                for i in 2 * t * j..2 * t * j + t {
                    pairs(&mut v, i, i + t, &roots[(1 << stage) - 1 + j], |x, y, w| {
                        let (x, y) = (m.reduce_once(x), m.reduce_once(y));
                        (m.reduce_once(x + y), m.mul_shoup_lazy(x + m.value() - y, w))
                    });
                }
            }
        }
        restore(&v, a);
    }
}

/// Replaces positions `i` < `k` of all subtrees by what the butterfly makes of them.
#[inline(always)]
fn pairs(
    v: &mut [[u32; LANES]; LANES],
    i: usize,
    k: usize,
    roots: &LaneRoots,
    butterfly: impl Fn(u32, u32, Shoup) -> (u32, u32),
) {
    let (lo, hi) = v.split_at_mut(k);
    let roots = roots.w.iter().zip(&roots.quotient);
    for ((x, y), (&w, &quotient)) in lo[i].iter_mut().zip(&mut hi[0]).zip(roots) {
        (*x, *y) = butterfly(*x, *y, Shoup { w, quotient });
    }
}

#[inline(always)]
fn transposed(a: &[u32]) -> [[u32; LANES]; LANES] {
    let mut v = [[0; LANES]; LANES];
    for (lane, subtree) in a.chunks_exact(LANES).enumerate() {
        for (v, &x) in v.iter_mut().zip(subtree) {
            v[lane] = x;
        }
    }
    v
}

#[inline(always)]
fn restore(v: &[[u32; LANES]; LANES], a: &mut [u32]) {
    for (lane, subtree) in a.chunks_exact_mut(LANES).enumerate() {
        for (v, x) in v.iter().zip(subtree) {
            *x = v[lane];
        }
    }
}
