//! Transforms first, one after the other, and then the sums of products, value by value.

use super::super::coefficients::multiply;
use super::super::key::BLOCK;
use super::super::way::Way;
use super::{Digit, Integers, Own, Sums, Values};
use crate::math::{
    Lines, Modulus,
    words::{Words, per_words},
};

/// One ciphertext whose digits and remainders are values.
struct Row<'a> {
    c: Own<'a>,
    digits: Vec<&'a [u32]>,
    remainders: Vec<[&'a [u32]; 2]>,
}

/// What rows have in common.
#[derive(Clone, Copy)]
struct Common<'a> {
    n: usize,
    key: &'a [u32],
    key_digits: usize,
    way: &'a Way,
}

/// What [`Sums::write`] says.
pub fn write(
    sums: &Sums<'_>,
    rows: &[Values<'_>],
    work: &mut Lines<u32>,
    out: &mut [[&mut [u32]; 2]],
) {
    let n = sums.table.degree();
    let count = |values: &Values<'_>| values.digits.len() + 2 * values.remainders.len();
    let work = work.at_least(rows.iter().map(count).sum::<usize>() * n);
    let mut places = work.chunks_exact_mut(n);
    let mut transformed = Vec::with_capacity(rows.len());
    for values in rows {
        let mut place = || places.next().expect("a polynomial for each");
        let digits = values.digits.iter().map(|&digit| match digit {
            Digit::Integers(x) => sums.transform(x, place()),
            Digit::Values(x, None) => x,
            Digit::Values(x, Some(factor)) => {
                let to = place();
                multiply(sums.simd, sums.table.modulus(), factor, Some(x), to);
                to
            }
        });
        let digits = digits.collect();
        let both = |x: &[Integers<'_>; 2]| x.map(|x| sums.transform(x, place()));
        let remainders = values.remainders.iter().map(both).collect();
        transformed.push(Row { c: values.c, digits, remainders });
    }
    let common = Common { n, key: sums.key, key_digits: sums.key_digits, way: sums.way };
    write_checked(sums.simd, sums.table.modulus(), common, &transformed, out);
}

impl Sums<'_> {
    /// The values of integers.
    fn transform<'a>(&self, x: Integers<'_>, to: &'a mut [u32]) -> &'a [u32] {
        match x {
            Integers::Sums { of, bound } => self.table.forward_sums(self.simd, of, bound, to),
            Integers::Raised(_) | Integers::Pairs(_) => {
                unreachable!("for transforms with other lanes")
            }
        }
        to
    }
}

per_words! {
    fn write_checked<V>(m: &Modulus, of: Common<'_>, rows: &[Row<'_>], out: &mut [[&mut [u32]; 2]]) {
        // SAFETY: lengths have been checked by the caller.
        unsafe {
            if of.n >= BLOCK {
                write_rows::<V>(m, of, rows, out);
            } else {
                write_rows::<[u32; 8]>(m, of, rows, out);
            }
        }
    }
}

/// # Safety
/// All of [`Sums::write`]'s assertions hold, and the outputs are a multiple of `V::N` long.
#[inline(always)]
unsafe fn write_rows<V: Words>(
    m: &Modulus,
    of: Common<'_>,
    rows: &[Row<'_>],
    out: &mut [[&mut [u32]; 2]],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match (rows, out) {
            ([x, y], [u, v]) => write_by::<V, 2>(m, of, [x, y], [pointers(u), pointers(v)]),
            ([x], [u]) => write_by::<V, 1>(m, of, [x], [pointers(u)]),
            _ => {}
        }
    }
}

#[inline(always)]
fn pointers([x, y]: &mut [&mut [u32]; 2]) -> [*mut u32; 2] {
    [x.as_mut_ptr(), y.as_mut_ptr()]
}

/// # Safety
/// As for [`write_rows`]: `out` points to `n` words each.
#[inline(always)]
unsafe fn write_by<V: Words, const ROWS: usize>(
    m: &Modulus,
    Common { n, key, key_digits, way }: Common<'_>,
    rows: [&Row<'_>; ROWS],
    out: [[*mut u32; 2]; ROWS],
) {
    let p = V::splat(m.value());
    let block = BLOCK.min(n);
    let terms = terms(m);
    let first = rows[0];
    let late = way.steps.iter().any(|step| step.plus_c);
    let sums = MontgomerySums { p, inverse: V::splat(m.neg_inv().wrapping_neg()), terms };
    for at in (0..n).step_by(V::N) {
        // SAFETY: at + V::N ≤ n, the length of every polynomial; and a block of the key has two
        // vectors of BLOCK values a digit.
        unsafe {
            let mut sum = [[V::splat(0); 2]; ROWS];
            if !first.digits.is_empty() {
                let from = at / block * block * 2 * key_digits + at % block;
                sum = sums.of(rows, at, key.as_ptr().add(from), block);
            }
            for row in 0..ROWS {
                let values = rows[row];
                let mut own = [V::splat(0); 2];
                if let Some(c) = Sums::pointers(values.c, out[row]) {
                    own = [V::load(c[0].add(at)), V::load(c[1].add(at))];
                }
                let mut c = sum[row];
                if !late {
                    c = [c[0].add(own[0]).reduce(p), c[1].add(own[1]).reduce(p)];
                }
                for (k, step) in way.steps.iter().enumerate() {
                    if let Some(of) = step.remainder {
                        for (c, x) in c.iter_mut().zip(values.remainders[of]) {
                            *c = c.sub(V::load(x.as_ptr().add(at))).add(p);
                        }
                    }
                    let factor = V::factor(&way.factors, k);
                    c = [c[0].mul_lazy(factor, p).reduce(p), c[1].mul_lazy(factor, p).reduce(p)];
                    if step.plus_c {
                        c = [c[0].add(own[0]).reduce(p), c[1].add(own[1]).reduce(p)];
                    }
                }
                c[0].store(out[row][0].add(at));
                c[1].store(out[row][1].add(at));
            }
        }
    }
}

/// How many products of residues a 64-bit sum takes so that it stays below 4p·2³².
fn terms(m: &Modulus) -> usize {
    let p = u128::from(m.value());
    let product = (p - 1) * (p - 1);
    (u128::from(u64::MAX) / product).min((p << 34) / product) as usize
}

/// Sums of products with Montgomery factors, modulo p.
struct MontgomerySums<V> {
    p: V,
    /// p⁻¹ mod 2³².
    inverse: V,
    terms: usize,
}

impl<V: Words> MontgomerySums<V> {
    /// Σⱼ dⱼ·keyⱼ in [0, p) for both components of all rows, at one vector.
    ///
    /// # Safety
    /// All rows have as many digits, and every digit has a vector at `at`; at `key` there are vectors, `block`
    /// words apart, of both components of each digit.
    #[inline(always)]
    unsafe fn of<const ROWS: usize>(
        &self,
        rows: [&Row<'_>; ROWS],
        at: usize,
        key: *const u32,
        block: usize,
    ) -> [[V; 2]; ROWS] {
        let count = rows[0].digits.len();
        let mut total = [[V::splat(0); 2]; ROWS];
        for from in (0..count).step_by(self.terms) {
            let mut sums = [[V::no_sums(); 2]; ROWS];
            for j in from..count.min(from + self.terms) {
                // SAFETY: the caller's promise.
                unsafe {
                    let key = key.add(2 * block * j);
                    let key = [V::load(key), V::load(key.add(block))];
                    for row in 0..ROWS {
                        let d = V::load(rows[row].digits.get_unchecked(j).as_ptr().add(at));
                        sums[row][0] = d.multiply_add(key[0], sums[row][0]);
                        sums[row][1] = d.multiply_add(key[1], sums[row][1]);
                    }
                }
            }
            for row in 0..ROWS {
                for c in 0..2 {
                    let sum = self.reduced(sums[row][c]);
                    total[row][c] = total[row][c].add(sum).reduce(self.p);
                }
            }
        }
        total
    }

    /// sums·2⁻³² mod p in [0, p), for sums below 4p·2³².
    #[inline(always)]
    fn reduced(&self, sums: V::Sums) -> V {
        let (high, correction) = V::montgomery(sums, self.inverse, self.p);
        let high = high.reduce(self.p.add(self.p)).reduce(self.p);
        // In (−p, p): where it is negative it wraps, and adding p gives the smaller word.
        let difference = high.sub(correction);
        difference.min(difference.add(self.p))
    }
}
