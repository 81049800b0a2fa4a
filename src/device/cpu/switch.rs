//! Relinearisation and rescaling, ciphertext by ciphertext, in cache from first to last.

use super::scatter::Scatter;
use crate::math::{
    Modulus,
    simd::{Simd, per_simd},
};
use crate::ring::{Basis, Shape, Tile};
use rayon::prelude::*;

/// A relinearisation key in Montgomery form: `[prime][component][digit][N]`.
#[derive(Debug)]
pub struct CpuKey(Tile);

impl CpuKey {
    /// Takes a key's residues to Montgomery form.
    pub fn new(basis: &Basis, key: &Tile) -> Self {
        let mut tile = key.clone();
        let size = key.shape().per_prime();
        for (i, residues) in tile.data_mut().chunks_exact_mut(size).enumerate() {
            let m = basis.modulus(i);
            residues.iter_mut().for_each(|x| *x = m.to_montgomery(*x));
        }
        Self(tile)
    }
}

/// What one thread works in: one ciphertext's polynomials.
struct Scratch {
    /// `[prime][component][N]` of the ciphertext, two components.
    c: Vec<u32>,
    /// The centred digit.
    digit: Vec<i32>,
    /// A digit or a remainder modulo another prime.
    lifted: Vec<u32>,
}

/// Two components at `out`'s level from two or three at the level of `tile`, into the rows of `out`
/// from `first` on.
pub fn switch(
    simd: Simd,
    basis: &Basis,
    key: Option<&CpuKey>,
    tile: &Tile,
    out: &mut Tile,
    first: usize,
) {
    let (from, to) = (tile.shape(), out.shape());
    let n = from.degree;
    let target = Scatter::new(out.data_mut());
    (0..from.rows).into_par_iter().for_each_init(
        || Scratch { c: vec![0; from.primes * 2 * n], digit: vec![0; n], lifted: vec![0; n] },
        |s, row| {
            for (i, c) in s.c.chunks_exact_mut(n).enumerate() {
                c.copy_from_slice(tile.poly(i / 2, i % 2, row));
            }
            if let Some(key) = key.filter(|_| from.components == 3) {
                relinearise(simd, basis, key, tile, row, s);
            }
            for last in (to.primes..from.primes).rev() {
                rescale(simd, basis, last, s);
            }
            for (i, c) in s.c.chunks_exact(n).take(2 * to.primes).enumerate() {
                // SAFETY: a row alone writes its polynomials.
                unsafe { target.part(to.at(i / 2, i % 2, first + row).start, n) }
                    .copy_from_slice(c);
            }
        },
    );
}

/// (c₀, c₁) += Σⱼ dⱼ·keyⱼ for the centred residues dⱼ of c₂.
fn relinearise(simd: Simd, basis: &Basis, key: &CpuKey, tile: &Tile, row: usize, s: &mut Scratch) {
    let Shape { primes, degree: n, .. } = tile.shape();
    for j in 0..primes {
        let c2 = tile.poly(j, 2, row);
        centred(simd, basis, j, c2, &mut s.lifted, &mut s.digit);
        for (i, c) in s.c.chunks_exact_mut(2 * n).enumerate() {
            let m = basis.modulus(i);
            // Modulo its own prime the digit is c₂, whose transform is there already.
            let d = if i == j {
                c2
            } else {
                lift(simd, m, &s.digit, &mut s.lifted);
                basis.table(i).forward_with(simd, &mut s.lifted);
                &s.lifted
            };
            for (component, c) in c.chunks_exact_mut(n).enumerate() {
                add_product(simd, m, c, d, key.0.poly(i, component, j));
            }
        }
    }
}

/// c ← (c − (c mod q))/q for the prime q of index `last`, c mod q centred.
fn rescale(simd: Simd, basis: &Basis, last: usize, s: &mut Scratch) {
    let n = basis.degree();
    let q = basis.modulus(last).value();
    for component in 0..2 {
        let (rest, top) = s.c.split_at_mut(2 * last * n);
        let top = &top[component * n..][..n];
        centred(simd, basis, last, top, &mut s.lifted, &mut s.digit);
        for i in 0..last {
            let m = basis.modulus(i);
            lift(simd, m, &s.digit, &mut s.lifted);
            basis.table(i).forward_with(simd, &mut s.lifted);
            let inverse = m.to_montgomery(m.inv(q % m.value()));
            let c = &mut rest[(2 * i + component) * n..][..n];
            subtract_and_scale(simd, m, c, &s.lifted, inverse);
        }
    }
}

/// The centred coefficients, into `digit`, of values modulo prime `i`, by way of `work`.
fn centred(
    simd: Simd,
    basis: &Basis,
    i: usize,
    values: &[u32],
    work: &mut [u32],
    digit: &mut [i32],
) {
    work.copy_from_slice(values);
    basis.table(i).inverse_with(simd, work);
    centre(simd, basis.modulus(i), work, digit);
}

per_simd! {
    fn centre(m: &Modulus, x: &[u32], out: &mut [i32]) {
        for (out, &x) in out.iter_mut().zip(x) {
            *out = m.centre(x);
        }
    }
}

per_simd! {
    /// Integers |x| < 2³⁰ as residues in [0, p), for any p.
    fn lift(m: &Modulus, x: &[i32], out: &mut [u32]) {
        // x + kp ≥ 0 for the least such k; x·1 by Montgomery then reduces whatever its size.
        let shift = (1u32 << 30).div_ceil(m.value()) * m.value();
        let one = m.to_montgomery(1);
        for (out, &x) in out.iter_mut().zip(x) {
            *out = m.mul_montgomery(x.wrapping_add(shift as i32) as u32, one);
        }
    }
}

per_simd! {
    fn add_product(m: &Modulus, acc: &mut [u32], x: &[u32], y: &[u32]) {
        for ((acc, &x), &y) in acc.iter_mut().zip(x).zip(y) {
            *acc = m.add(*acc, m.mul_montgomery(x, y));
        }
    }
}

per_simd! {
    /// c ← (c − x)·factor, `factor` in Montgomery form.
    fn subtract_and_scale(m: &Modulus, c: &mut [u32], x: &[u32], factor: u32) {
        for (c, &x) in c.iter_mut().zip(x) {
            *c = m.mul_montgomery(m.sub(*c, x), factor);
        }
    }
}
