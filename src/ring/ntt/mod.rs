//! The number-theoretic transform of the real ring, modulo one prime.
//!
//! Let ω be a primitive 4N-th root of unity and I = ω^N. Modulo X^N − I, an element
//! a₀ + Σ aᵢ (Xⁱ − X^{2N−i}) is the polynomial with b₀ = a₀ and bᵢ = aᵢ − I·a_{N−i}, because
//! X^{2N−i} = I·X^{N−i} there. Its values at the N roots of X^N − I, the ω^k with k ≡ 1 mod 4, are
//! the values of the element at one root of each conjugate pair: the whole of it. The transform is
//! the ordinary recursion X^{2t} − r² = (X^t − r)(X^t + r) with these roots.

mod narrow;

use crate::math::{
    Modulus, primitive_root_of_unity,
    simd::{Simd, per_simd},
};
use narrow::NarrowRoots;

/// Roots, with their Shoup quotients, in the order in which the butterflies meet them.
#[derive(Clone, Debug, Default)]
struct Roots {
    w: Vec<u32>,
    quotient: Vec<u32>,
}

impl Roots {
    fn new(m: &Modulus, values: impl Iterator<Item = u32>) -> Self {
        let (w, quotient) = values.map(|w| (w, m.shoup(w).quotient)).unzip();
        Self { w, quotient }
    }
}

/// Tables for transforms of N coefficients modulo one prime p ≡ 1 mod 4N.
#[derive(Clone, Debug)]
pub struct NttTable {
    m: Modulus,
    n: usize,
    omega: u32,
    /// `forward.w[k]` splits node k of the recursion's binary tree, the root being node 1.
    forward: Roots,
    /// The inverses of `forward`.
    inverse: Roots,
    narrow_forward: NarrowRoots,
    narrow_inverse: NarrowRoots,
}

impl NttTable {
    /// Tables for a power of two `n` ≥ 2 and a prime p ≡ 1 mod 4n.
    pub(crate) fn new(m: Modulus, n: usize) -> Self {
        let order = 4 * n as u32;
        let omega = primitive_root_of_unity(&m, order);
        // Node k holds the polynomials modulo X^t − ω^e(k), with e(1) = N, e(2k) = e(k)/2 and
        // e(2k+1) = e(k)/2 + 2N, since ω^{2N} = −1. Its split is ω^{e(k)/2}.
        let mut e = vec![0u64; n.max(2)];
        e[1] = n as u64;
        for k in 2..n {
            e[k] = e[k / 2] / 2 + if k % 2 == 1 { 2 * n as u64 } else { 0 };
        }
        let split = |k: usize| m.pow(omega, e[k] / 2);
        let forward = Roots::new(&m, (0..n).map(|k| if k == 0 { 0 } else { split(k) }));
        let inverse = Roots::new(&m, (0..n).map(|k| if k == 0 { 0 } else { m.inv(split(k)) }));
        let narrow_forward = NarrowRoots::new(&forward, n);
        let narrow_inverse = NarrowRoots::new(&inverse, n);
        Self { m, n, omega, forward, inverse, narrow_forward, narrow_inverse }
    }

    /// The prime.
    pub fn modulus(&self) -> &Modulus {
        &self.m
    }

    /// N, the number of coefficients.
    pub fn degree(&self) -> usize {
        self.n
    }

    /// ω, the primitive 4N-th root of unity of this transform.
    pub fn omega(&self) -> u32 {
        self.omega
    }

    /// I = ω^N, the square root of −1 of the folding.
    pub fn imaginary(&self) -> u32 {
        self.m.pow(self.omega, self.n as u64)
    }

    /// (2N)⁻¹: what is left to multiply by after the inverse butterflies and the unfolding.
    pub fn scale(&self) -> u32 {
        self.m.inv(2 * self.n as u32)
    }

    /// ω^{e(k)/2} for each node k of the recursion, and its Shoup quotient; entry 0 is unused.
    pub fn forward_roots(&self) -> (&[u32], &[u32]) {
        (&self.forward.w, &self.forward.quotient)
    }

    /// The inverses of [`NttTable::forward_roots`].
    pub fn inverse_roots(&self) -> (&[u32], &[u32]) {
        (&self.inverse.w, &self.inverse.quotient)
    }

    /// The exponent k ≡ 1 mod 4 such that position `j` of a transform is the value at ω^k.
    pub fn exponent(&self, j: usize) -> u64 {
        let mut e = self.n as u64;
        for bit in (0..self.n.trailing_zeros()).rev() {
            e = e / 2 + if j >> bit & 1 == 1 { 2 * self.n as u64 } else { 0 };
        }
        e
    }

    /// Coefficients in [0, p) to values in [0, p), in place. `a.len()` is N.
    pub fn forward(&self, a: &mut [u32]) {
        self.forward_with(Simd::detect(), a);
    }

    /// [`NttTable::forward`] with the instruction set given.
    pub fn forward_with(&self, simd: Simd, a: &mut [u32]) {
        assert_eq!(a.len(), self.n, "a transform of {} coefficients", self.n);
        forward(simd, self, a);
    }

    /// Values in [0, p) to coefficients in [0, p), in place. `a.len()` is N.
    pub fn inverse(&self, a: &mut [u32]) {
        self.inverse_with(Simd::detect(), a);
    }

    /// [`NttTable::inverse`] with the instruction set given.
    pub fn inverse_with(&self, simd: Simd, a: &mut [u32]) {
        assert_eq!(a.len(), self.n, "a transform of {} values", self.n);
        inverse(simd, self, a);
    }
}

per_simd! {
    fn forward(table: &NttTable, a: &mut [u32]) {
        let (m, n) = (table.m, table.n);
        let i = m.shoup(table.imaginary());
        fold(a, |x, y| m.sub(x, m.mul_shoup(y, i)));
        // Every stage keeps values in [0, 2p).
        let narrow = n >= narrow::GROUP;
        let (mut t, mut k) = (n / 2, 1);
        while t > if narrow { 8 } else { 0 } {
            for (block, node) in a.chunks_exact_mut(2 * t).zip(k..) {
                let w = table.root(&table.forward, node);
                let (lo, hi) = block.split_at_mut(t);
                for (x, y) in lo.iter_mut().zip(hi) {
                    let u = m.reduce_once(*x);
                    let v = m.reduce_once(m.mul_shoup_lazy(*y, w));
                    (*x, *y) = (u + v, u + m.value() - v);
                }
            }
            (t, k) = (t / 2, 2 * k);
        }
        if narrow {
            narrow::forward(&m, &table.narrow_forward, a);
        } else {
            a.iter_mut().for_each(|x| *x = m.reduce_once(*x));
        }
    }
}

per_simd! {
    fn inverse(table: &NttTable, a: &mut [u32]) {
        let (m, n) = (table.m, table.n);
        // Every stage leaves values in [0, p) on the left and in [0, 2p) on the right.
        let (mut t, mut k) = (1, n / 2);
        if n >= narrow::GROUP {
            narrow::inverse(&m, &table.narrow_inverse, a);
            (t, k) = (16, n / 32);
        }
        while t < n {
            for (block, node) in a.chunks_exact_mut(2 * t).zip(k..) {
                let w = table.root(&table.inverse, node);
                let (lo, hi) = block.split_at_mut(t);
                for (x, y) in lo.iter_mut().zip(hi) {
                    let (u, v) = (m.reduce_once(*x), m.reduce_once(*y));
                    *x = m.reduce_once(u + v);
                    *y = m.mul_shoup_lazy(u + m.value() - v, w);
                }
            }
            (t, k) = (2 * t, k / 2);
        }
        // a₀ = b₀ and aᵢ = (bᵢ + I·b_{N−i})/2, each with the N⁻¹ of the butterflies.
        let scale = table.scale();
        let (half, full) = (m.shoup(scale), m.shoup(m.add(scale, scale)));
        let i = m.shoup(m.mul(scale, table.imaginary()));
        a[0] = m.mul_shoup(a[0], full);
        fold(a, |x, y| m.reduce_once(m.mul_shoup(x, half) + m.mul_shoup(y, i)));
    }
}

impl NttTable {
    #[inline(always)]
    fn root(&self, roots: &Roots, node: usize) -> crate::math::Shoup {
        crate::math::Shoup { w: roots.w[node], quotient: roots.quotient[node] }
    }
}

/// Replaces the pairs (aᵢ, a_{N−i}), 0 < i ≤ N/2, by (f(aᵢ, a_{N−i}), f(a_{N−i}, aᵢ)).
#[inline(always)]
fn fold(a: &mut [u32], f: impl Fn(u32, u32) -> u32) {
    let half = a.len() / 2;
    a[half] = f(a[half], a[half]);
    let (lo, hi) = a.split_at_mut(half + 1);
    for (x, y) in lo[1..half].iter_mut().zip(hi.iter_mut().rev()) {
        (*x, *y) = (f(*x, *y), f(*y, *x));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{naive, primes_below};
    use proptest::prelude::*;

    fn table(log_n: u32, bound: u32) -> NttTable {
        let p = primes_below(bound, 4 << log_n).next().unwrap();
        NttTable::new(Modulus::new(p), 1 << log_n)
    }

    fn polynomial(n: usize) -> impl Strategy<Value = Vec<u32>> {
        prop::collection::vec(any::<u32>(), n)
    }

    /// Degree 2…64 over the largest and over small primes.
    fn cases() -> impl Strategy<Value = (NttTable, Vec<u32>, Vec<u32>)> {
        (1u32..7, prop::sample::select(vec![1 << 31, 1 << 30, 5000])).prop_flat_map(
            |(log_n, bound)| {
                let t = table(log_n, bound);
                let n = 1 << log_n;
                (Just(t), polynomial(n), polynomial(n)).prop_map(|(t, a, b)| {
                    let p = t.modulus().value();
                    let reduce = |v: Vec<u32>| v.into_iter().map(|x| x % p).collect();
                    (t, reduce(a), reduce(b))
                })
            },
        )
    }

    proptest! {
        #[test]
        fn forward_is_evaluation((t, a, _) in cases()) {
            for simd in Simd::all() {
                let mut got = a.clone();
                t.forward_with(simd, &mut got);
                for (j, &g) in got.iter().enumerate() {
                    prop_assert_eq!(g, naive::evaluate(t.modulus(), &a, t.omega(), t.exponent(j)));
                }
            }
        }

        #[test]
        fn products_and_inverse((t, a, b) in cases()) {
            for simd in Simd::all() {
                let (mut x, mut y) = (a.clone(), b.clone());
                t.forward_with(simd, &mut x);
                t.forward_with(simd, &mut y);
                for (x, y) in x.iter_mut().zip(&y) {
                    *x = t.modulus().mul(*x, *y);
                }
                t.inverse_with(simd, &mut x);
                prop_assert_eq!(x, naive::multiply(t.modulus(), &a, &b));
            }
        }
    }

    /// Large enough for the narrow stages to be done apart, small enough for every value.
    #[test]
    fn every_value_of_a_larger_transform() {
        for log_n in [8, 9] {
            let t = table(log_n, 1 << 31);
            let p = t.modulus().value();
            let a: Vec<u32> =
                (0..1u32 << log_n).map(|i| i.wrapping_mul(2_654_435_761) % p).collect();
            for simd in Simd::all() {
                let mut got = a.clone();
                t.forward_with(simd, &mut got);
                for (j, &g) in got.iter().enumerate() {
                    assert_eq!(g, naive::evaluate(t.modulus(), &a, t.omega(), t.exponent(j)));
                }
                t.inverse_with(simd, &mut got);
                assert_eq!(got, a, "{simd}");
            }
        }
    }

    #[test]
    fn extremes_at_full_size() {
        for log_n in [12, 13, 15] {
            let t = table(log_n, 1 << 31);
            let n = 1 << log_n;
            for fill in [0, 1, t.modulus().value() - 1] {
                let a = vec![fill; n];
                let portable = Simd::all().next().unwrap();
                let mut want = a.clone();
                t.forward_with(portable, &mut want);
                let far = n / 3;
                assert_eq!(want[far], naive::evaluate(t.modulus(), &a, t.omega(), t.exponent(far)));
                for simd in Simd::all() {
                    let mut got = a.clone();
                    t.forward_with(simd, &mut got);
                    assert_eq!(got, want);
                    t.inverse_with(simd, &mut got);
                    assert_eq!(got, a);
                }
            }
        }
    }
}
