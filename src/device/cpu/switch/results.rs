//! From what rescaling leaves of the modulus to the primes that results have of their own.
//!
//! Y·c, Y being the product of those primes, is 0 modulo each of them. Rescaled by all other primes, from the
//! last to the first, it is c·Y/Q rounded: ((0 − x₀)/p₀ − x₁)/p₁…, with xₖ the centred remainder modulo the k-th
//! prime that goes. Few ciphertexts come this way, so coefficients go one by one.

use super::super::scatter::Scatter;
use crate::math::{Modulus, simd::Simd};
use crate::ring::Tile;
use crate::scheme::Parameters;
use rayon::prelude::*;

/// Rows of two components modulo the first primes, to be row `at` of `into` and those after it.
pub fn to_results(simd: Simd, params: &Parameters, sum: &Tile, into: &mut Tile, at: usize) {
    let (from, to) = (sum.shape(), into.shape());
    let target = Scatter::new(into.data_mut());
    (0..2 * from.rows).into_par_iter().for_each(|i| {
        let (component, row) = (i / from.rows, i % from.rows);
        let remainders = remainders(simd, params, sum, (component, row));
        for prime in 0..to.primes {
            let table = params.results().table(prime);
            let place = to.at(prime, component, at + row);
            // SAFETY: each polynomial is written by one iteration.
            let out = unsafe { target.part(place.start, place.len()) };
            out.fill(0);
            remainders.iter().for_each(|(p, x)| divide(table.modulus(), *p, x, out));
            table.forward_with(simd, out);
        }
    });
}

/// For each prime, the last one first: the prime, and the centred remainder of what those before it leave.
fn remainders(
    simd: Simd,
    params: &Parameters,
    sum: &Tile,
    (component, row): (usize, usize),
) -> Vec<(u32, Vec<i32>)> {
    let mut known: Vec<(u32, Vec<i32>)> = Vec::new();
    for i in (0..sum.shape().primes).rev() {
        let table = params.basis().table(i);
        let m = table.modulus();
        let raised = params.results().primes().fold(1, |y, p| m.mul(y, p % m.value()));
        let mut x = vec![0; sum.shape().degree];
        table.inverse_times(simd, sum.poly(i, component, row), raised, &mut x);
        known.iter().for_each(|(p, remainder)| divide(m, *p, remainder, &mut x));
        known.push((m.value(), x.into_iter().map(|x| m.centre(x)).collect()));
    }
    known
}

/// (y − x)/p, for each y modulo another prime.
fn divide(m: &Modulus, p: u32, x: &[i32], y: &mut [u32]) {
    let inverse = m.inv(p % m.value());
    y.iter_mut().zip(x).for_each(|(y, &x)| *y = m.mul(m.sub(*y, m.from_i64(x.into())), inverse));
}
