//! The transforms with lanes that nothing reduces, for IFMA ([`crate::math::lazy`]).
//!
//! Forward, [`outer`] folds and does the three outermost stages, [`middle`] the next ones, block by block, and
//! [`inner`] the last six, on 64 values in eight registers. All that is kept between them are sums of
//! residues and products; whoever needs residues reduces them when all is done. The inverse goes back the
//! same way: there sums double at each stage, to N·p, which is far below 2⁵².

mod between;
mod inner;
mod middle;
mod outer;
mod pairs;

use super::RAISED;
use crate::math::{
    Lines, Modulus,
    ahead::ask,
    lazy::{Lazy, LazyFactors, Prime},
};
pub use between::{BLOCK, PAIR, Packed};
use between::{Between, Wide};
pub use inner::Lanes;
pub use outer::Form;
use outer::{Integers, Source, Words};
use pairs::{PairTable, raised};
use std::{cell::RefCell, ptr::null};

/// Tables of one prime. They exist only where the processor has IFMA.
#[derive(Clone, Debug)]
pub struct LazyTable {
    m: Modulus,
    n: usize,
    /// As [`super::NttTable::forward_roots`]; where there is none stands −I.
    roots: LazyFactors,
    /// Their inverses.
    inverse: LazyFactors,
    /// (2N)⁻¹ and I·(2N)⁻¹.
    scales: [u32; 2],
    /// The multiple of p by which coefficients begin, so that no difference is negative: 2³¹ for the least
    /// coefficient, 2p for the product that each stage takes away.
    start: u64,
    /// The same for coefficients with [`RAISED`] added.
    raised: u64,
    pairs: PairTable,
}

/// Coefficients to be transformed.
#[derive(Clone, Copy, Debug)]
pub enum Coefficients<'a> {
    /// Integers with [`RAISED`] added: as they are, sixteen take twelve instructions more.
    Raised(&'a [u32]),
    /// Integers of two primes, as [`super::pair`] makes them.
    Pairs(&'a [u64]),
}

impl Coefficients<'_> {
    /// How many.
    #[cfg(test)]
    fn len(&self) -> usize {
        match self {
            Self::Raised(x) => x.len(),
            Self::Pairs(x) => x.len(),
        }
    }

    /// Where they begin, and how many bytes one has.
    fn place(&self) -> (*const u8, usize) {
        match self {
            Self::Raised(x) => (x.as_ptr().cast(), size_of::<u32>()),
            Self::Pairs(x) => (x.as_ptr().cast(), size_of::<u64>()),
        }
    }
}

/// The inverse asks for values so far ahead: they come from memory, and no processor looks beyond a page by itself.
const AHEAD: usize = 8 * PAIR;

/// More than the largest ring has.
const STAGES: u64 = 20;

thread_local! {
    /// What a thread's last whole transform worked in.
    static WORK: RefCell<Lines<u64>> = RefCell::default();
}

/// Wipes what this thread's last whole transform left behind.
pub fn wipe() {
    WORK.with_borrow_mut(|work| work.fill(0));
}

impl LazyTable {
    /// Coefficients that it takes at least: two blocks for each part of the outer pass.
    pub const LEAST: usize = outer::RADIX * PAIR;

    /// From the roots of all nodes, their inverses and I, for a processor with IFMA.
    pub fn new(m: &Modulus, roots: &[u32], inverse: &[u32], i: u32) -> Self {
        let (n, p) = (roots.len(), u64::from(m.value()));
        let scale = m.inv(2 * n as u32);
        let start = ((1 << 31) / p + 1 + 2 * STAGES) * p;
        let all = [m.neg(i)].into_iter().chain(roots[1..].iter().copied());
        Self {
            m: *m,
            n,
            roots: LazyFactors::new(m, all),
            inverse: LazyFactors::new(m, inverse.iter().copied()),
            scales: [scale, m.mul(i, scale)],
            start,
            raised: raised(m, i, start, RAISED.trailing_zeros()),
            pairs: PairTable::new(m, i, start),
        }
    }

    /// A multiple of p by which lanes begin, [`Packed`] ones again; and four of it are more than what
    /// [`inner`] leaves.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// As [`super::NttTable::forward`].
    pub fn forward(&self, a: &mut [u32]) {
        assert_eq!(a.len(), self.n);
        let a = a.as_mut_ptr();
        // SAFETY: the length by the assertion.
        unsafe { self.whole(Words { at: a, start: self.start, zero: 0 }, a) };
    }

    /// The values in [0, p) of integers of at most 2³⁰ in absolute value, into `a`.
    pub fn forward_integers(&self, x: &[i32], a: &mut [u32]) {
        assert!([a.len(), x.len()] == [self.n; 2]);
        // SAFETY: the lengths by the assertion.
        unsafe { self.whole(Integers { at: x.as_ptr(), start: self.start }, a.as_mut_ptr()) };
    }

    /// What [`LazyTable::begin_integers`] reads of words with [`RAISED`] added.
    fn raised(&self, x: &[u32]) -> Words {
        Words { at: x.as_ptr(), start: self.raised, zero: RAISED }
    }

    /// The values in [0, p), into `a`.
    #[cfg(test)]
    fn forward_coefficients(&self, x: Coefficients<'_>, a: &mut [u32]) {
        assert!([a.len(), x.len()] == [self.n; 2]);
        let a = a.as_mut_ptr();
        // SAFETY: the lengths by the assertion.
        unsafe {
            match x {
                Coefficients::Raised(x) => self.whole(self.raised(x), a),
                Coefficients::Pairs(x) => self.whole(self.pairs.source(x.as_ptr()), a),
            }
        }
    }

    /// As [`super::NttTable::inverse`], of `values`, which may stand at `a`, to `a`, in such a form.
    ///
    /// # Safety
    /// Both point to N words.
    pub unsafe fn inverse(&self, values: *const u32, form: Form, a: *mut u32) {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx2,fma")]
        unsafe fn ifma(t: &LazyTable, values: *const u32, form: Form, work: *mut u64, a: *mut u32) {
            let (p, modulus) = (Prime::new(&t.m), u64::from(t.m.value()));
            // SAFETY: the caller's promise.
            unsafe {
                for at in (0..t.n).step_by(PAIR) {
                    let (from, to) = (values.add(at), work.add(at));
                    (0..PAIR).step_by(2 * Lazy::N).for_each(|k| ask(from.wrapping_add(AHEAD + k)));
                    inner::inverse(&t.inverse, &p, modulus, (t.n + at) / BLOCK, from, to);
                }
                let (len, bound) = (t.n / outer::RADIX, modulus * BLOCK as u64);
                for k in 0..outer::RADIX {
                    let part = work.add(k * len);
                    middle::inverse(&t.inverse, &p, bound, part, len, outer::RADIX + k);
                }
                outer::inverse(t, &p, modulus * len as u64, form, work, a);
            }
        }
        WORK.with_borrow_mut(|work| {
            let work = work.at_least(self.n);
            // SAFETY: the caller's promise; a table is only where IFMA is.
            unsafe { ifma(self, values, form, work.as_mut_ptr(), a) };
        });
    }

    /// Values in [0, p) of what `source` has, to `a`.
    ///
    /// # Safety
    /// The source has N coefficients, and `a` points to N words, which may be those of the source.
    unsafe fn whole(&self, source: impl Source, a: *mut u32) {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx2,fma")]
        unsafe fn ifma(t: &LazyTable, source: impl Source, work: *mut u64, a: *mut u32) {
            let (p, between) = (Prime::new(&t.m), Wide(work));
            // SAFETY: the caller's promise.
            unsafe {
                t.begin(&p, source, (null(), 0), work, between);
                for at in (0..t.n).step_by(PAIR) {
                    let to = inner::Residues(a.add(at), &p);
                    inner::forward(&t.roots, &p, (t.n + at) / BLOCK, between.from(at), to);
                }
            }
        }
        WORK.with_borrow_mut(|work| {
            let work = work.at_least(self.n);
            // SAFETY: the caller's promise; a table is only where IFMA is.
            unsafe { ifma(self, source, work.as_mut_ptr(), a) };
        });
    }

    /// The last stages over the pair of blocks that begins at value `at`, which stands at `from`.
    ///
    /// # Safety
    /// It does, and there is room for what comes out; in a function compiled for IFMA.
    #[inline(always)]
    pub unsafe fn finish(&self, p: &Prime, at: usize, from: Packed, to: Lanes) {
        // SAFETY: the caller's promise.
        unsafe { inner::forward(&self.roots, p, (self.n + at) / BLOCK, from, to) }
    }

    /// [`LazyTable::begin`] with integers, of which there are N; those that come next are asked for.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    pub unsafe fn begin_integers(
        &self,
        p: &Prime,
        x: Coefficients<'_>,
        next: Option<&Coefficients<'_>>,
        work: *mut u64,
        to: Packed,
    ) {
        let next = next.map_or((null(), 0), Coefficients::place);
        // SAFETY: the caller's promise.
        unsafe {
            match x {
                Coefficients::Raised(x) => self.begin(p, self.raised(x), next, work, to),
                Coefficients::Pairs(x) => {
                    self.begin(p, self.pairs.source(x.as_ptr()), next, work, to);
                }
            }
        }
    }

    /// All stages but the last six: pairs of blocks for [`inner`], block b being that of node N/64 + b. Meanwhile
    /// memory is asked for as [`outer::forward`] says.
    ///
    /// # Safety
    /// The source has N coefficients, `work` points to as many numbers, and `to` has room for them; in a
    /// function compiled for IFMA.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx2,fma")]
    #[inline(never)]
    unsafe fn begin(
        &self,
        p: &Prime,
        source: impl Source,
        next: (*const u8, usize),
        work: *mut u64,
        to: impl Between,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            outer::forward(self, p, source, next, work);
            let len = self.n / outer::RADIX;
            for k in 0..outer::RADIX {
                let (part, to) = (work.add(k * len), to.from(k * len));
                middle::forward(&self.roots, p, part, to, len, outer::RADIX + k);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::NttTable;
    use super::super::pair;
    use super::{Coefficients, LazyTable, RAISED, WORK};
    use crate::math::{Modulus, primes_below, simd::Simd};

    /// The ends of their range, and what is alone among zeros.
    #[test]
    fn raised_integers() {
        let (n, most) = (LazyTable::LEAST, 1 << 30);
        let alone = |at: usize| (0..n).map(|i| if i == at { -most } else { 0 }).collect();
        let scattered = |i: u32| i.wrapping_mul(2_654_435_761) as i32 % (most + 1);
        let all = [vec![most; n], vec![-most; n], (0..n as u32).map(scattered).collect()];
        for bound in [1 << 31, 1 << 30, 1 << 20] {
            let t =
                NttTable::new(Modulus::new(primes_below(bound, 4 * n as u32).next().unwrap()), n);
            let Some(lazy) = Simd::all().find_map(|simd| t.lazy(simd)) else { return };
            for x in all.iter().cloned().chain([alone(0), alone(1), alone(n / 2), alone(n - 1)]) {
                let mut want: Vec<u32> = x.iter().map(|&x| t.modulus().from_i32(x)).collect();
                t.forward_with(Simd::all().next().unwrap(), &mut want);
                let raised: Vec<u32> = x.iter().map(|&x| RAISED.wrapping_add_signed(x)).collect();
                let mut got = vec![0; n];
                lazy.forward_coefficients(Coefficients::Raised(&raised), &mut got);
                assert_eq!(got, want, "{bound}");
            }
        }
    }

    /// The ends of all ranges, and what is alone among zeros.
    #[test]
    fn integers_of_two_primes() {
        let n = LazyTable::LEAST;
        let most = 1 << 30;
        let q = Modulus::new(primes_below(1 << 31, 4 * n as u32).next().unwrap());
        let integers = |seed: u32| -> Vec<i32> {
            let at = |i: u32| match (i + seed) % 7 {
                0 => most,
                1 => -most,
                2 | 3 => 0,
                _ => (i + seed).wrapping_mul(2_654_435_761) as i32 % (most + 1),
            };
            (0..n as u32).map(at).collect()
        };
        let one = |at: usize| (0..n).map(|i| if i == at { -most } else { 0 }).collect();
        let mut pairs = vec![
            (integers(0), integers(0)),
            (integers(3), integers(4)),
            (integers(0), integers(1)),
        ];
        pairs.extend([
            (one(0), one(1)),
            (one(n - 1), one(0)),
            (one(n / 2), one(n / 2)),
            (one(n), one(n)),
        ]);
        for bound in [1 << 31, 1 << 30, 1 << 20] {
            let t =
                NttTable::new(Modulus::new(primes_below(bound, 4 * n as u32).nth(1).unwrap()), n);
            let Some(lazy) = Simd::all().find_map(|simd| t.lazy(simd)) else { return };
            for (x, y) in &pairs {
                let sum =
                    |(&x, &y): (&i32, &i32)| i64::from(x) + i64::from(q.value()) * i64::from(y);
                let sums: Vec<i64> = x.iter().zip(y).map(sum).collect();
                let mut want: Vec<u32> = sums.iter().map(|&x| t.modulus().from_i64(x)).collect();
                t.forward_with(Simd::all().next().unwrap(), &mut want);
                for simd in Simd::all() {
                    let (mut pairs, mut got) = (vec![0; n], vec![0; n]);
                    pair(simd, &q, x, y, &mut pairs);
                    lazy.forward_coefficients(Coefficients::Pairs(&pairs), &mut got);
                    assert_eq!(got, want, "{simd}, {bound}");
                }
            }
        }
    }

    #[test]
    fn transforms_of_secrets_leave_nothing() {
        let n = LazyTable::LEAST;
        let p = primes_below(1 << 31, 4 * n as u32).next().unwrap();
        let t = NttTable::new(Modulus::new(p), n);
        let Some(simd) = Simd::all().find(|&simd| t.lazy(simd).is_some()) else { return };
        let left = || WORK.with_borrow(|work| work.iter().any(|&x| x != 0));
        let mut a = vec![0; n];
        for transform in ["of small integers", "of wide integers", "back"] {
            a.fill(1);
            t.forward_with(simd, &mut a);
            assert!(left(), "there is nothing to be wiped");
            match transform {
                "back" => t.inverse_wiping(simd, &mut a),
                "of wide integers" => t.forward_wide(simd, &vec![1 << 40; n], &mut a),
                _ => t.forward_integers(simd, &vec![1; n], 1, &mut a),
            }
            assert!(!left(), "{transform}");
        }
    }
}
