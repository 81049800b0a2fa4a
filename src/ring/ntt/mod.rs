//! The number-theoretic transform of the real ring, modulo one prime.
//!
//! Let ω be a primitive 4N-th root of unity and I = ω^N. Modulo X^N − I, an element
//! a₀ + Σ aᵢ (Xⁱ − X^{2N−i}) is the polynomial with b₀ = a₀ and bᵢ = aᵢ − I·a_{N−i}, because
//! X^{2N−i} = I·X^{N−i} there. Its values at the N roots of X^N − I, the ω^k with k ≡ 1 mod 4, are
//! the values of the element at one root of each conjugate pair: the whole of it. The transform is
//! the ordinary recursion X^{2t} − r² = (X^t − r)(X^t + r) with these roots.
//!
//! It goes in three steps: [`outer`] folds and does the two outermost stages; then, a quarter at a
//! time in cache, [`passes`] do up to three stages each, and [`inner`] those within vectors.

mod butterfly;
mod inner;
#[cfg(target_arch = "x86_64")]
pub(crate) mod lazy;
mod outer;
mod pairs;
mod passes;
mod range;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
use crate::math::simd::Level;
use crate::math::{
    Modulus, primitive_root_of_unity,
    simd::{Simd, per_simd},
    words::{Factors, Words, per_words},
};
use inner::TOGETHER;
#[cfg(target_arch = "x86_64")]
use lazy::LazyTable;
pub(crate) use outer::Summands;
use outer::{Input, OuterRoots};
pub(crate) use pairs::pair;
use range::{Range, Tight, Wide};

/// What integers of at most as much in absolute value have added where they are words.
pub(crate) const RAISED: u32 = 1 << 30;

/// Tables for transforms of N coefficients modulo one prime p ≡ 1 mod 4N.
#[derive(Clone, Debug)]
pub struct NttTable {
    m: Modulus,
    n: usize,
    omega: u32,
    /// Factor k splits node k of the recursion's binary tree, the root being node 1.
    forward: Factors,
    /// The inverses of `forward`.
    inverse: Factors,
    outer: OuterRoots,
    /// Where the processor has IFMA, and N is large enough.
    #[cfg(target_arch = "x86_64")]
    lazy: Option<LazyTable>,
}

/// I = ω^N.
fn imaginary(m: &Modulus, n: usize, omega: u32) -> u32 {
    m.pow(omega, n as u64)
}

impl NttTable {
    /// Tables for a power of two `n` ≥ 8 and a prime p ≡ 1 mod 4n.
    pub(crate) fn new(m: Modulus, n: usize) -> Self {
        assert!(n.is_power_of_two() && n >= 8, "a transform of {n} coefficients");
        let order = 4 * n as u32;
        let omega = primitive_root_of_unity(&m, order);
        // Node k holds the polynomials modulo X^t − ω^e(k), with e(1) = N, e(2k) = e(k)/2 and
        // e(2k+1) = e(k)/2 + 2N, since ω^{2N} = −1. Its split is ω^{e(k)/2}.
        let mut e = vec![0u64; n];
        e[1] = n as u64;
        for k in 2..n {
            e[k] = e[k / 2] / 2 + if k % 2 == 1 { 2 * n as u64 } else { 0 };
        }
        // All exponents are below 2N, where ω^{−i} = −ω^{2N−i}: powers cost a product each.
        let next = |power: &u32| Some(m.mul(*power, omega));
        let powers: Vec<u32> = std::iter::successors(Some(1), next).take(2 * n + 1).collect();
        let split = |k: usize| powers[e[k] as usize / 2];
        let inverse = |k: usize| m.neg(powers[2 * n - e[k] as usize / 2]);
        let from_1 = |of: &dyn Fn(usize) -> u32| {
            let factors = (0..n).map(|k| if k == 0 { 0 } else { of(k) });
            Factors::new(&m, factors)
        };
        let (forward, inverse) = (from_1(&split), from_1(&inverse));
        let nodes = [split(1), split(2), split(3)];
        let outer = OuterRoots::new(&m, n, omega, nodes, m.inv(2 * n as u32));
        #[cfg(target_arch = "x86_64")]
        let lazy =
            (n >= LazyTable::LEAST && Simd::all().any(|s| s.level() >= Level::Ifma)).then(|| {
                let i = imaginary(&m, n, omega);
                LazyTable::new(&m, forward.values(), inverse.values(), i)
            });
        Self {
            m,
            n,
            omega,
            forward,
            inverse,
            outer,
            #[cfg(target_arch = "x86_64")]
            lazy,
        }
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
        imaginary(&self.m, self.n, self.omega)
    }

    /// (2N)⁻¹: what is left to multiply by after the inverse butterflies and the unfolding.
    pub fn scale(&self) -> u32 {
        self.m.inv(2 * self.n as u32)
    }

    /// ω^{e(k)/2} for each node k of the recursion, and its Shoup quotient; entry 0 is unused.
    pub fn forward_roots(&self) -> (&[u32], &[u32]) {
        (self.forward.values(), self.forward.quotients())
    }

    /// The inverses of [`NttTable::forward_roots`].
    pub fn inverse_roots(&self) -> (&[u32], &[u32]) {
        (self.inverse.values(), self.inverse.quotients())
    }

    /// The exponent k ≡ 1 mod 4 such that position `j` of a transform is the value at ω^k.
    pub fn exponent(&self, j: usize) -> u64 {
        let mut e = self.n as u64;
        for bit in (0..self.n.trailing_zeros()).rev() {
            e = e / 2 + if j >> bit & 1 == 1 { 2 * self.n as u64 } else { 0 };
        }
        e
    }

    /// Coefficients in [0, p) to values in [0, p), in place: place j becomes the element's value at
    /// ω^[`exponent(j)`](NttTable::exponent).
    ///
    /// # Panics
    /// Where `a.len()` is not N.
    pub fn forward(&self, a: &mut [u32]) {
        self.forward_with(Simd::detect(), a);
    }

    /// [`NttTable::forward`] with the instruction set given.
    ///
    /// # Panics
    /// As [`NttTable::forward`].
    pub fn forward_with(&self, simd: Simd, a: &mut [u32]) {
        assert_eq!(a.len(), self.n, "a transform of {} coefficients", self.n);
        #[cfg(target_arch = "x86_64")]
        if let Some(lazy) = self.lazy(simd) {
            return lazy.forward(a);
        }
        forward(simd, self, Input::Own, a);
    }

    /// [`NttTable::forward_sums`] of integers alone, which may be secret: no copy of them is left.
    pub(crate) fn forward_integers(&self, simd: Simd, x: &[i32], bound: u32, a: &mut [u32]) {
        self.forward_sums(simd, Summands { x, y: None }, bound, a);
        wipe();
    }

    /// The values in [0, p), into `a`, of the element with the integer coefficients x + w·y, or x alone, with x
    /// and y at most `bound` ≤ 2³⁰ in absolute value. The lengths are N.
    ///
    /// Where `bound` is less than p, or than 2p for p below 2³⁰, as it is for digits modulo primes of about
    /// one size, the coefficients are reduced as they are read.
    pub(crate) fn forward_sums(
        &self,
        simd: Simd,
        integers: Summands<'_>,
        bound: u32,
        a: &mut [u32],
    ) {
        let Summands { x, y } = integers;
        let fits = |x: &[i32]| x.len() == self.n && x.iter().all(|x| x.unsigned_abs() <= bound);
        assert!(a.len() == self.n && x.len() == self.n, "a transform of {} coefficients", self.n);
        assert!(y.is_none_or(|(y, _, _)| y.len() == self.n), "{} coefficients", self.n);
        debug_assert!(bound <= 1 << 30 && fits(x) && y.is_none_or(|(y, _, _)| fits(y)));
        #[cfg(target_arch = "x86_64")]
        if let (Some(lazy), None) = (self.lazy(simd), y) {
            return lazy.forward_integers(x, a);
        }
        let (p, room) = (self.m.value(), bound + (1 << 17));
        if room < p {
            forward(simd, self, Input::Integers(integers), a);
        } else if p < 1 << 30 && room < 2 * p {
            forward(simd, self, Input::Larger(integers), a);
        } else {
            lift(simd, &self.m, integers, a);
            forward(simd, self, Input::Own, a);
        }
    }

    /// [`NttTable::forward_integers`] of integers of at most 2⁶² in absolute value.
    pub(crate) fn forward_wide(&self, simd: Simd, x: &[i64], a: &mut [u32]) {
        assert!(a.len() == self.n && x.len() == self.n, "a transform of {} coefficients", self.n);
        debug_assert!(x.iter().all(|x| x.unsigned_abs() <= 1 << 62));
        lift_wide(simd, &self.m, x, a);
        self.forward_with(simd, a);
        wipe();
    }

    /// The transform with lanes that nothing reduces, where it may be used.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn lazy(&self, simd: Simd) -> Option<&LazyTable> {
        self.lazy.as_ref().filter(|_| simd.level() >= Level::Ifma)
    }

    /// Values in [0, p), in the order of [`NttTable::forward`], to coefficients in [0, p), in place.
    ///
    /// # Panics
    /// Where `a.len()` is not N.
    pub fn inverse(&self, a: &mut [u32]) {
        self.inverse_with(Simd::detect(), a);
    }

    /// [`NttTable::inverse`] with the instruction set given.
    ///
    /// # Panics
    /// As [`NttTable::inverse`].
    pub fn inverse_with(&self, simd: Simd, a: &mut [u32]) {
        assert_eq!(a.len(), self.n, "a transform of {} values", self.n);
        #[cfg(target_arch = "x86_64")]
        if let Some(lazy) = self.lazy(simd) {
            let a = a.as_mut_ptr();
            // SAFETY: the length by the assertion.
            return unsafe { lazy.inverse(a, lazy::Form::RESIDUES, a) };
        }
        inverse(simd, self, None, a);
    }

    /// [`NttTable::inverse_with`] of what may be secret: no copy of it is left.
    pub(crate) fn inverse_wiping(&self, simd: Simd, a: &mut [u32]) {
        self.inverse_with(simd, a);
        wipe();
    }

    /// [`NttTable::inverse_with`] of values that stay where they are, times a residue.
    pub(crate) fn inverse_times(&self, simd: Simd, values: &[u32], by: u32, a: &mut [u32]) {
        assert!([values.len(), a.len()] == [self.n; 2], "a transform of {} values", self.n);
        #[cfg(target_arch = "x86_64")]
        if let Some(lazy) = self.lazy(simd) {
            let form = lazy::Form::times(by);
            // SAFETY: the lengths by the assertion.
            return unsafe { lazy.inverse(values.as_ptr(), form, a.as_mut_ptr()) };
        }
        inverse(simd, self, Some(values), a);
        if by != 1 {
            scale(simd, &self.m, by, a);
        }
    }

    /// [`NttTable::inverse_times`], as centred representatives with a number of at most 2³⁰ added.
    pub(crate) fn inverse_centred(
        &self,
        simd: Simd,
        values: &[u32],
        by: u32,
        added: u32,
        a: &mut [i32],
    ) {
        let a: &mut [u32] = bytemuck::cast_slice_mut(a);
        #[cfg(target_arch = "x86_64")]
        if let Some(lazy) = self.lazy(simd) {
            assert!([values.len(), a.len()] == [self.n; 2], "a transform of {} values", self.n);
            let form = lazy::Form::centred(&self.m, by, added);
            // SAFETY: the lengths by the assertion.
            return unsafe { lazy.inverse(values.as_ptr(), form, a.as_mut_ptr()) };
        }
        self.inverse_times(simd, values, by, a);
        centre(simd, &self.m, added, a);
    }
}

/// Wipes the memory that this thread's transforms work in, besides what they are given.
fn wipe() {
    #[cfg(target_arch = "x86_64")]
    lazy::wipe();
}

/// Transforms of fewer than 8 vectors go word by word.
fn fits<V: Words>(n: usize) -> bool {
    n >= 8 * V::N
}

per_simd! {
    fn scale(m: &Modulus, by: u32, a: &mut [u32]) {
        let by = m.shoup(by);
        for a in a {
            *a = m.mul_shoup(*a, by);
        }
    }
}

per_simd! {
    fn centre(m: &Modulus, added: u32, a: &mut [u32]) {
        for a in a {
            *a = (m.centre(*a) as u32).wrapping_add(added);
        }
    }
}

per_simd! {
    /// Integers of summands of at most 2³⁰ as residues in [0, p), for any p.
    fn lift(m: &Modulus, integers: Summands<'_>, out: &mut [u32]) {
        for (out, &x) in out.iter_mut().zip(integers.x) {
            *out = m.from_i32(x);
        }
        if let Some((y, w, k)) = integers.y {
            let w = m.shoup(w.values()[k]);
            for (out, &y) in out.iter_mut().zip(y) {
                *out = m.add(*out, m.mul_shoup(m.from_i32(y), w));
            }
        }
    }
}

per_simd! {
    /// Integers |x| ≤ 2⁶² as residues in [0, p), for any p.
    fn lift_wide(m: &Modulus, x: &[i64], out: &mut [u32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = m.from_i62(x);
        }
    }
}

per_words! {
    fn forward<V>(table: &NttTable, input: Input<'_>, a: &mut [u32]) {
        match (fits::<V>(table.n), Wide::<V>::PRIMES.contains(&table.m.value())) {
            (true, true) => forward_by::<V, Wide<V>>(table, input, a),
            (true, false) => forward_by::<V, Tight<V>>(table, input, a),
            (false, _) => forward_by::<[u32; 1], Tight<[u32; 1]>>(table, input, a),
        }
    }
}

#[inline(always)]
fn forward_by<V: Words, R: Range<V>>(table: &NttTable, input: Input<'_>, a: &mut [u32]) {
    let r = R::new(&table.m);
    let roots = &table.forward;
    outer::forward::<V, R>(&r, &table.outer, input, a);
    for (node, quarter) in (4..).zip(a.chunks_exact_mut(table.n / 4)) {
        let (mut len, mut node) = (quarter.len(), node);
        while len > 2 * V::N {
            let radix = passes::radix::<V>(len);
            for (node, block) in (node..).zip(quarter.chunks_exact_mut(len)) {
                match radix {
                    8 => passes::forward::<V, R, 8>(&r, roots, block, node),
                    4 => passes::forward::<V, R, 4>(&r, roots, block, node),
                    _ => passes::forward::<V, R, 2>(&r, roots, block, node),
                }
            }
            (len, node) = (len / radix, node * radix);
        }
        if quarter.len() >= TOGETHER * len {
            inner::forward::<V, R, TOGETHER>(&r, roots, quarter, node);
        } else {
            inner::forward::<V, R, 1>(&r, roots, quarter, node);
        }
    }
}

per_words! {
    fn inverse<V>(table: &NttTable, from: Option<&[u32]>, a: &mut [u32]) {
        match (fits::<V>(table.n), Wide::<V>::PRIMES.contains(&table.m.value())) {
            (true, true) => inverse_by::<V, Wide<V>>(table, from, a),
            (true, false) => inverse_by::<V, Tight<V>>(table, from, a),
            (false, _) => inverse_by::<[u32; 1], Tight<[u32; 1]>>(table, from, a),
        }
    }
}

#[inline(always)]
fn inverse_by<V: Words, R: Range<V>>(table: &NttTable, from: Option<&[u32]>, a: &mut [u32]) {
    let r = R::new(&table.m);
    let roots = &table.inverse;
    for (i, quarter) in a.chunks_exact_mut(table.n / 4).enumerate() {
        let (node, from) = (4 + i, from.map(|from| &from[i * quarter.len()..][..quarter.len()]));
        let mut len = 2 * V::N;
        let inmost = node * (quarter.len() / len);
        if quarter.len() >= TOGETHER * len {
            inner::inverse::<V, R, TOGETHER>(&r, roots, from, quarter, inmost);
        } else {
            inner::inverse::<V, R, 1>(&r, roots, from, quarter, inmost);
        }
        while len < quarter.len() {
            let radix = passes::radix::<V>(quarter.len() / len * 2 * V::N);
            len *= radix;
            let node = node * (quarter.len() / len);
            for (node, block) in (node..).zip(quarter.chunks_exact_mut(len)) {
                match radix {
                    8 => passes::inverse::<V, R, 8>(&r, roots, block, node),
                    4 => passes::inverse::<V, R, 4>(&r, roots, block, node),
                    _ => passes::inverse::<V, R, 2>(&r, roots, block, node),
                }
            }
        }
    }
    outer::inverse::<V, R>(&r, &table.outer, a);
}
