//! What a switch does to the values of one ciphertext modulo one prime, value by value.

use super::key::BLOCK;
use crate::math::{
    Modulus,
    simd::Simd,
    words::{Factors, Words, per_words},
};

/// Values modulo one prime: c + Σⱼ dⱼ·keyⱼ for both components, after some steps.
#[derive(Debug)]
pub struct Values<'a> {
    /// c₀ and c₁; 0 where there are none.
    pub c: Option<[&'a [u32]; 2]>,
    /// dⱼ, and the key modulo this prime with its number of digits, which may be more.
    pub digits: &'a [&'a [u32]],
    pub key: &'a [u32],
    pub key_digits: usize,
    /// What is done to the sum, and a factor for each step.
    pub steps: &'a [Step<'a>],
    pub factors: &'a Factors,
}

/// A sum less the remainders, if there are any, times a factor.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Of both components.
    pub remainders: Option<[&'a [u32]; 2]>,
    /// Whether c is added behind it, and not at the beginning.
    pub plus_c: bool,
}

impl Values<'_> {
    fn check(&self, n: usize) {
        let fits = |v: &[u32]| v.len() == n;
        assert!(self.c.iter().flatten().all(|v| fits(v)));
        assert!(self.digits.iter().all(|v| fits(v)) && self.digits.len() <= self.key_digits);
        assert!(self.digits.is_empty() || self.key.len() == 2 * self.key_digits * n);
        assert!(self.steps.iter().filter_map(|s| s.remainders).flatten().all(fits));
        assert!(self.factors.values().len() == self.steps.len());
    }
}

/// Computes the values of one or two ciphertexts, in [0, p). Two have one key, which is read once for
/// both, and steps alike.
pub fn write(simd: Simd, m: &Modulus, rows: &[Values<'_>], out: &mut [[&mut [u32]; 2]]) {
    assert!(rows.len() == out.len() && (1..=2).contains(&rows.len()));
    let n = out[0][0].len();
    assert!(n.is_power_of_two() && n >= 8 && out.iter().flatten().all(|v| v.len() == n));
    rows.iter().for_each(|values| values.check(n));
    let counts = |v: &Values<'_>| (v.digits.len(), v.key_digits, v.steps.len());
    let alike = |v: &Values<'_>| std::ptr::eq(v.key, rows[0].key) && counts(v) == counts(&rows[0]);
    assert!(rows.iter().all(alike), "rows of one key");
    write_checked(simd, m, n, rows, out);
}

per_words! {
    fn write_checked<V>(m: &Modulus, n: usize, rows: &[Values<'_>], out: &mut [[&mut [u32]; 2]]) {
        // SAFETY: lengths have been checked by the caller.
        unsafe {
            if n >= BLOCK {
                write_rows::<V>(m, n, rows, out);
            } else {
                write_rows::<[u32; 8]>(m, n, rows, out);
            }
        }
    }
}

/// # Safety
/// All of [`write`]'s assertions hold, and the outputs are a multiple of `V::N` long.
#[inline(always)]
unsafe fn write_rows<V: Words>(
    m: &Modulus,
    n: usize,
    rows: &[Values<'_>],
    out: &mut [[&mut [u32]; 2]],
) {
    // SAFETY: the caller's promise.
    unsafe {
        match (rows, out) {
            ([x, y], [u, v]) => write_by::<V, 2>(m, n, [x, y], [pointers(u), pointers(v)]),
            ([x], [u]) => write_by::<V, 1>(m, n, [x], [pointers(u)]),
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
    n: usize,
    rows: [&Values<'_>; ROWS],
    out: [[*mut u32; 2]; ROWS],
) {
    let p = V::splat(m.value());
    let block = BLOCK.min(n);
    let terms = terms(m);
    let first = rows[0];
    let late = first.steps.iter().any(|step| step.plus_c);
    let sums = MontgomerySums { p, inverse: V::splat(m.neg_inv().wrapping_neg()), terms };
    for at in (0..n).step_by(V::N) {
        // SAFETY: at + V::N ≤ n, the length of every polynomial; and a block of the key has two
        // vectors of BLOCK values a digit.
        unsafe {
            let mut sum = [[V::splat(0); 2]; ROWS];
            if !first.digits.is_empty() {
                let key = at / block * block * 2 * first.key_digits + at % block;
                sum = sums.of(rows, at, first.key.as_ptr().add(key), block);
            }
            for row in 0..ROWS {
                let values = rows[row];
                let mut own = [V::splat(0); 2];
                if let Some(c) = values.c {
                    own = [V::load(c[0].as_ptr().add(at)), V::load(c[1].as_ptr().add(at))];
                }
                let mut c = sum[row];
                if !late {
                    c = [c[0].add(own[0]).reduce(p), c[1].add(own[1]).reduce(p)];
                }
                for (k, step) in values.steps.iter().enumerate() {
                    if let Some(x) = step.remainders {
                        for (c, x) in c.iter_mut().zip(x) {
                            *c = c.sub(V::load(x.as_ptr().add(at))).add(p);
                        }
                    }
                    let factor = V::factor(values.factors, k);
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
        rows: [&Values<'_>; ROWS],
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

#[cfg(test)]
mod tests {
    use super::*;

    /// More digits than fit one sum, residues at the top of the range, primes of all sizes; one row, and
    /// two that differ.
    #[test]
    fn sums_are_exact_at_the_extremes() {
        for p in [97, 1_073_692_673, 1_595_539_457, 2_147_352_577] {
            let m = Modulus::new(p);
            for n in [8, 16, 64] {
                let digit = |row: u32, j: u32| vec![p - 1 - (j + row) % 2; n];
                let digits =
                    [0, 1].map(|row| (0..13).map(|j| digit(row, j)).collect::<Vec<Vec<u32>>>());
                let digits = [0, 1].map(|r: usize| digits[r].iter().map(|d| &d[..]).collect());
                let digits: &[Vec<&[u32]>; 2] = &digits;
                let key: Vec<u32> = (0..2 * 13 * n as u32).map(|i| p - 1 - i % 3 % p).collect();
                let c = [vec![p - 1; n], vec![p - 2; n]];
                let factors = Factors::default();
                let rows = [0, 1].map(|row: usize| Values {
                    c: Some([&c[row], &c[row]]),
                    digits: &digits[row],
                    key: &key,
                    key_digits: 13,
                    steps: &[],
                    factors: &factors,
                });
                let block = BLOCK.min(n);
                let want = |row: usize, component: usize, i: usize| {
                    let at = |j: usize| ((i / block * 13 + j) * 2 + component) * block + i % block;
                    (0..13).fold(c[row][i], |sum, j| {
                        m.add(sum, m.mul_montgomery(digits[row][j][i], key[at(j)]))
                    })
                };
                for (simd, count) in Simd::all().flat_map(|simd| [(simd, 1), (simd, 2)]) {
                    let mut got = vec![vec![0; n]; 2 * count];
                    let (pairs, _) = got.as_chunks_mut::<2>();
                    let mut out: Vec<[&mut [u32]; 2]> =
                        pairs.iter_mut().map(|[a, b]| [&mut a[..], &mut b[..]]).collect();
                    write(simd, &m, &rows[..count], &mut out);
                    for (k, values) in got.iter().enumerate() {
                        for (i, &value) in values.iter().enumerate() {
                            assert_eq!(value, want(k / 2, k % 2, i), "{simd}, {p}, {n}, {count}");
                        }
                    }
                }
            }
        }
    }
}
