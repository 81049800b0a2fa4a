//! What a switch does to the values of one ciphertext modulo one prime, value by value.

use super::key::BLOCK;
use crate::math::{
    Modulus,
    simd::Simd,
    words::{Factors, Words, per_words},
};

/// Values modulo one prime: (c + Σⱼ dⱼ·keyⱼ − x₀)·f₀ …, for both components; where the first prime to
/// divide by is a guard, (c + (Σⱼ dⱼ·keyⱼ − x₀)·f₀ − x₁)·f₁ ….
#[derive(Debug)]
pub struct Values<'a> {
    /// c₀ and c₁; 0 where there are none.
    pub c: Option<[&'a [u32]; 2]>,
    pub guarded: bool,
    /// dⱼ, and the key modulo this prime with its number of digits, which may be more.
    pub digits: &'a [&'a [u32]],
    pub key: &'a [u32],
    pub key_digits: usize,
    /// The remainders x modulo primes to divide by, for both components, and the inverses f of
    /// these primes, the first to be divided by first.
    pub remainders: &'a [[&'a [u32]; 2]],
    pub inverses: &'a Factors,
}

impl Values<'_> {
    /// Computes them, in [0, p).
    pub fn write(&self, simd: Simd, m: &Modulus, out: [&mut [u32]; 2]) {
        let n = out[0].len();
        let fits = |v: &[u32]| v.len() == n;
        assert!(out.iter().all(|v| fits(v)) && self.c.iter().flatten().all(|v| fits(v)));
        assert!(self.digits.iter().all(|v| fits(v)) && self.digits.len() <= self.key_digits);
        assert!(self.digits.is_empty() || self.key.len() == 2 * self.key_digits * n);
        assert!(self.remainders.iter().flatten().all(|v| fits(v)));
        assert!(self.inverses.values().len() == self.remainders.len());
        assert!(n.is_power_of_two() && n >= 8);
        write(simd, m, self, out);
    }
}

per_words! {
    fn write<V>(m: &Modulus, values: &Values<'_>, out: [&mut [u32]; 2]) {
        // SAFETY: lengths have been checked by the caller.
        unsafe {
            if out[0].len() >= BLOCK {
                write_by::<V>(m, values, out);
            } else {
                write_by::<[u32; 8]>(m, values, out);
            }
        }
    }
}

/// # Safety
/// All of [`Values::write`]'s assertions hold, and the outputs are a multiple of `V::N` long.
#[inline(always)]
unsafe fn write_by<V: Words>(m: &Modulus, values: &Values<'_>, out: [&mut [u32]; 2]) {
    let n = out[0].len();
    let [out0, out1] = out.map(|o| o.as_mut_ptr());
    let p = V::splat(m.value());
    let block = BLOCK.min(n);
    let terms = terms(m);
    let sums = MontgomerySums { p, inverse: V::splat(m.neg_inv().wrapping_neg()), terms };
    for at in (0..n).step_by(V::N) {
        // SAFETY: at + V::N ≤ n, the length of every polynomial; and a block of the key has two
        // vectors of BLOCK values a digit.
        unsafe {
            let zero = [V::splat(0); 2];
            let own = values.c.map_or(zero, |c| c.map(|c| V::load(c.as_ptr().add(at))));
            let mut c = if values.guarded { zero } else { own };
            if !values.digits.is_empty() {
                let key = at / block * block * 2 * values.key_digits + at % block;
                let sum = sums.of(values.digits, at, values.key.as_ptr().add(key), block);
                c = [c[0].add(sum[0]).reduce(p), c[1].add(sum[1]).reduce(p)];
            }
            for (k, x) in values.remainders.iter().enumerate() {
                let inverse = V::factor(values.inverses, k);
                for (c, x) in c.iter_mut().zip(x) {
                    let difference = c.sub(V::load(x.as_ptr().add(at))).add(p);
                    *c = difference.mul_lazy(inverse, p).reduce(p);
                }
                if values.guarded && k == 0 {
                    c = [c[0].add(own[0]).reduce(p), c[1].add(own[1]).reduce(p)];
                }
            }
            c[0].store(out0.add(at));
            c[1].store(out1.add(at));
        }
    }
}

per_words! {
    /// x·`factor` mod p in [0, p), for the one factor of a table, in place.
    pub fn multiply<V>(m: &Modulus, factor: &Factors, x: &mut [u32]) {
        // SAFETY: there is a factor, and blocks are whole vectors of either kind.
        unsafe {
            let (blocks, rest) = x.as_chunks_mut::<BLOCK>();
            for x in blocks.as_flattened_mut().chunks_exact_mut(V::N) {
                multiply_one::<V>(m, factor, x);
            }
            for x in rest.chunks_exact_mut(8) {
                multiply_one::<[u32; 8]>(m, factor, x);
            }
        }
    }
}

/// # Safety
/// There is a factor, and `x` has `V::N` words.
#[inline(always)]
unsafe fn multiply_one<V: Words>(m: &Modulus, factor: &Factors, x: &mut [u32]) {
    let p = V::splat(m.value());
    // SAFETY: the caller's promise.
    unsafe {
        let y = V::load(x.as_ptr()).mul_lazy(V::factor(factor, 0), p);
        y.reduce(p).store(x.as_mut_ptr());
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
    /// Σⱼ dⱼ·keyⱼ in [0, p) for both components, at one vector.
    ///
    /// # Safety
    /// Every digit has a vector at `at`; at `key` there are vectors, `block` words apart, of both
    /// components of each digit.
    #[inline(always)]
    unsafe fn of(&self, digits: &[&[u32]], at: usize, key: *const u32, block: usize) -> [V; 2] {
        let mut key = key;
        let mut total = [V::splat(0); 2];
        for digits in digits.chunks(self.terms) {
            let mut sums = [V::no_sums(); 2];
            for d in digits {
                // SAFETY: the caller's promise.
                unsafe {
                    let d = V::load(d.as_ptr().add(at));
                    sums[0] = d.multiply_add(V::load(key), sums[0]);
                    sums[1] = d.multiply_add(V::load(key.add(block)), sums[1]);
                    key = key.add(2 * block);
                }
            }
            for (total, sums) in total.iter_mut().zip(sums) {
                *total = total.add(self.reduced(sums)).reduce(self.p);
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

    /// More digits than fit one sum, residues at the top of the range, primes of all sizes.
    #[test]
    fn sums_are_exact_at_the_extremes() {
        for p in [97, 1_073_692_673, 1_595_539_457, 2_147_352_577] {
            let m = Modulus::new(p);
            for n in [8, 16, 64] {
                let digits: Vec<Vec<u32>> = (0..13).map(|j| vec![p - 1 - j % 2; n]).collect();
                let key: Vec<u32> = (0..2 * 13 * n as u32).map(|i| p - 1 - i % 3 % p).collect();
                let c = vec![p - 1; n];
                let digits: Vec<&[u32]> = digits.iter().map(|d| &d[..]).collect();
                let block = BLOCK.min(n);
                for simd in Simd::all() {
                    let mut out = [vec![0; n], vec![0; n]];
                    let [a, b] = &mut out;
                    let values = Values {
                        c: Some([&c, &c]),
                        guarded: false,
                        digits: &digits,
                        key: &key,
                        key_digits: 13,
                        remainders: &[],
                        inverses: &Factors::default(),
                    };
                    values.write(simd, &m, [a, b]);
                    for (component, out) in out.iter().enumerate() {
                        for (i, &got) in out.iter().enumerate() {
                            let at = |j: usize| {
                                ((i / block * 13 + j) * 2 + component) * block + i % block
                            };
                            let want = (0..13).fold(p - 1, |sum, j| {
                                m.add(sum, m.mul_montgomery(digits[j][i], key[at(j)]))
                            });
                            assert_eq!(got, want, "{simd}, {p}, {n}");
                        }
                    }
                }
            }
        }
    }
}
