//! Arithmetic between two transforms, coefficient by coefficient.

use super::key::BLOCK;
use crate::math::{
    Modulus,
    simd::{Simd, per_simd},
    words::{Factors, Words, per_words},
};

per_simd! {
    /// Centred representatives of residues in [0, p), with a number of at most 2³⁰ added.
    pub fn centre(m: &Modulus, raised: u32, x: &[u32], out: &mut [i32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            // An integer, or the word that is one raised.
            *out = m.centre(x).wrapping_add_unsigned(raised);
        }
    }
}

/// x·w mod p, w being factor `k` of a table, of what stands in `from` or in `x`.
pub fn multiply(
    simd: Simd,
    m: &Modulus,
    (w, k): (&Factors, usize),
    from: Option<&[u32]>,
    x: &mut [u32],
) {
    assert!(from.is_none_or(|from| from.len() == x.len()));
    run(simd, m, w, k, Pass::Multiply(from), &[], x);
}

/// (x − y)·w mod p, in place, for integers |y| ≤ 2³⁰.
pub fn divide(simd: Simd, m: &Modulus, (w, k): (&Factors, usize), y: &[i32], x: &mut [u32]) {
    assert_eq!(x.len(), y.len());
    run(simd, m, w, k, Pass::Divide, y, x);
}

/// x − y·w mod p, in place, for integers |y| ≤ 2³⁰.
pub fn subtract(simd: Simd, m: &Modulus, (w, k): (&Factors, usize), y: &[i32], x: &mut [u32]) {
    assert_eq!(x.len(), y.len());
    run(simd, m, w, k, Pass::Subtract, y, x);
}

#[derive(Clone, Copy)]
enum Pass<'a> {
    Multiply(Option<&'a [u32]>),
    Divide,
    Subtract,
}

per_words! {
    fn run<V>(m: &Modulus, w: &Factors, k: usize, pass: Pass<'_>, y: &[i32], x: &mut [u32]) {
        assert!(k < w.values().len());
        let whole = x.len() / BLOCK * BLOCK;
        let (head, tail) = x.split_at_mut(whole);
        let y = |from: usize| y.get(from..).unwrap_or(&[]);
        // SAFETY: there is a factor, and as many integers as residues where they are read; a block is
        // whole vectors of every kind, and what is left is whole ones of 8.
        unsafe {
            match pass {
                Pass::Multiply(from) => {
                    let (start, end) = (from.map(|f| &f[..whole]), from.map(|f| &f[whole..]));
                    multiply_by::<V>(m, w, k, start, head);
                    multiply_by::<[u32; 8]>(m, w, k, end, tail);
                }
                Pass::Divide => {
                    divide_by::<V>(m, w, k, y(0), head);
                    divide_by::<[u32; 8]>(m, w, k, y(whole), tail);
                }
                Pass::Subtract => {
                    subtract_by::<V>(m, w, k, y(0), head);
                    subtract_by::<[u32; 8]>(m, w, k, y(whole), tail);
                }
            }
        }
    }
}

/// # Safety
/// The table has factor `k`, and `from` the length of `x`.
#[inline(always)]
unsafe fn multiply_by<V: Words>(
    m: &Modulus,
    w: &Factors,
    k: usize,
    from: Option<&[u32]>,
    x: &mut [u32],
) {
    let p = V::splat(m.value());
    for (i, x) in x.chunks_exact_mut(V::N).enumerate() {
        // SAFETY: the caller's promise, and a vector of words.
        unsafe {
            let from = from.map_or(x.as_ptr(), |from| from.as_ptr().add(i * V::N));
            let product = V::load(from).mul_lazy(V::factor(w, k), p);
            product.reduce(p).store(x.as_mut_ptr());
        }
    }
}

/// # Safety
/// The table has factor `k`, and there are as many integers as residues.
#[inline(always)]
unsafe fn divide_by<V: Words>(m: &Modulus, w: &Factors, k: usize, y: &[i32], x: &mut [u32]) {
    let (p, multiple) = (V::splat(m.value()), V::splat(positive(m)));
    for (x, y) in x.chunks_exact_mut(V::N).zip(y.chunks_exact(V::N)) {
        // SAFETY: the caller's promise, and vectors of words.
        unsafe {
            // Below p where p ≥ 2³⁰, else below 2³⁰ + 2p: with x it fits a word.
            let negative = multiple.sub(V::load(y.as_ptr().cast())).reduce(p);
            let difference = V::load(x.as_ptr()).add(negative);
            difference.mul_lazy(V::factor(w, k), p).reduce(p).store(x.as_mut_ptr());
        }
    }
}

/// # Safety
/// As for [`divide_by`].
#[inline(always)]
unsafe fn subtract_by<V: Words>(m: &Modulus, w: &Factors, k: usize, y: &[i32], x: &mut [u32]) {
    let (p, multiple) = (V::splat(m.value()), V::splat(positive(m)));
    for (x, y) in x.chunks_exact_mut(V::N).zip(y.chunks_exact(V::N)) {
        // SAFETY: the caller's promise, and vectors of words.
        unsafe {
            let negative = multiple.sub(V::load(y.as_ptr().cast()));
            let product = negative.mul_lazy(V::factor(w, k), p).reduce(p);
            V::load(x.as_ptr()).add(product).reduce(p).store(x.as_mut_ptr());
        }
    }
}

/// A multiple of p from 2³⁰ on, below 2³¹: more than what may be taken from it.
fn positive(m: &Modulus) -> u32 {
    (1u32 << 30).div_ceil(m.value()) * m.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_on_every_instruction_set() {
        for p in [97, 762_150_913, 1_073_692_673, 2_144_010_241, 2_147_352_577] {
            let m = Modulus::new(p);
            let factors = Factors::new(&m, [1, p - 1, p / 2].into_iter());
            for n in [8, 16, 24, 64] {
                let residue =
                    |i: u32| [p - 1, 0, 1, i.wrapping_mul(2_654_435_761) % p][i as usize % 4];
                let integer = |i: u32| [1 << 30, -(1 << 30), 0, 12_345][(i / 4) as usize % 4];
                let x: Vec<u32> = (0..n).map(residue).collect();
                let y: Vec<i32> = (0..n).map(integer).collect();
                for (simd, k) in Simd::all().flat_map(|simd| [(simd, 0), (simd, 1), (simd, 2)]) {
                    let w = factors.values()[k];
                    type Run = fn(Simd, &Modulus, (&Factors, usize), &[i32], &mut [u32]);
                    let check = |run: Run, want: &dyn Fn(u32, u32) -> u32| {
                        let mut got = x.clone();
                        run(simd, &m, (&factors, k), &y, &mut got);
                        let pairs = x.iter().zip(&y);
                        let want: Vec<u32> = pairs.map(|(&x, &y)| want(x, m.from_i32(y))).collect();
                        assert_eq!(got, want, "{simd}, {p}, {w}");
                    };
                    check(|s, m, w, _, x| multiply(s, m, w, None, x), &|x, _| m.mul(x, w));
                    let mut apart = vec![9; x.len()];
                    multiply(simd, &m, (&factors, k), Some(&x), &mut apart);
                    let product = |x: &u32| m.mul(*x, w);
                    assert!(apart.iter().copied().eq(x.iter().map(product)), "{simd}, {p}, {w}");
                    check(divide, &|x, y| m.mul(m.sub(x, y), w));
                    check(subtract, &|x, y| m.sub(x, m.mul(y, w)));
                }
            }
        }
    }
}
