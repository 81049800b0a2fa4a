//! The modular matrix product, squares included, slice by slice.
//!
//! A slice is one prime and [`WIDTH`] values of every polynomial. Its inputs are squared where that
//! is asked for, turned into doubles, multiplied and reduced without leaving the cache.
//!
//! Products are exact: residues are below 2³¹ and Σ|w| below 2²¹, so every partial sum stays below
//! 2⁵² in absolute value, and doubles hold integers up to 2⁵³.

use super::lanes::Lanes;
use super::matrix::{CpuMatrix, PANEL};
use super::scatter::Scatter;
use crate::math::{
    Modulus,
    simd::{Simd, per_simd},
};
use crate::ring::{Basis, Shape, Tile};
use rayon::prelude::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256d, __m512d};

/// Values of a polynomial in one slice: 845 rows of 32 doubles are 216 KB, a share of L2.
const WIDTH: usize = 32;

/// One summand of a layer.
pub struct Summand<'a> {
    pub tile: &'a Tile,
    pub matrix: &'a CpuMatrix,
}

impl Summand<'_> {
    /// Rows that are read.
    fn rows(&self) -> usize {
        self.matrix.support().len()
    }

    /// Polynomials that are read, for each prime.
    fn polys(&self) -> usize {
        self.tile.shape().components * self.rows()
    }

    /// The components that it has in the sum.
    fn components(&self) -> usize {
        if self.matrix.operator().squared { 3 } else { self.tile.shape().components }
    }
}

/// What one thread works in, for one slice.
struct Scratch {
    /// The inputs of all terms, `[component][row][width]` each: read from memory once.
    inputs: Vec<u32>,
    /// One component of one term, `[row][width]`.
    x: Vec<f64>,
    /// One component of the sum, `[row][width]`.
    y: Vec<u32>,
}

/// Σ matrix·tile + bias, of extents `shape`, into the rows of `out` from `first` on. Extents have
/// been checked by the engine.
pub fn linear(
    simd: Simd,
    basis: &Basis,
    terms: &[Summand<'_>],
    bias: &[u32],
    shape: Shape,
    out: &mut Tile,
    first: usize,
) {
    let width = WIDTH.min(shape.degree);
    let all = terms.iter().map(Summand::polys).sum::<usize>();
    let most = terms.iter().map(Summand::rows).max().unwrap_or(0);
    let extents = out.shape();
    let target = Scatter::new(out.data_mut());
    let slices = shape.degree / width;
    (0..shape.primes * slices).into_par_iter().for_each_init(
        || Scratch {
            inputs: vec![0; all * width],
            x: vec![0.0; most * width],
            y: vec![0; shape.rows * width],
        },
        |Scratch { inputs, x, y }, slice| {
            let (prime, at) = (slice / slices, slice % slices * width);
            let m = basis.modulus(prime);
            let mut rest = &mut inputs[..];
            for t in terms {
                let (own, others) = rest.split_at_mut(t.polys() * width);
                gather(t, prime, at, width, own);
                rest = others;
            }
            for component in 0..shape.components {
                let constant = &bias[prime * shape.rows..][..shape.rows];
                for (row, y) in y.chunks_exact_mut(width).enumerate() {
                    y.fill(if component == 0 { constant[row] } else { 0 });
                }
                let mut rest = &inputs[..];
                for t in terms {
                    let (own, others) = rest.split_at(t.polys() * width);
                    rest = others;
                    if component < t.components() {
                        let x = &mut x[..t.rows() * width];
                        load(simd, m, t.matrix.operator().squared, component, own, x);
                        product(simd, m, t.matrix, width, x, y);
                    }
                }
                for (row, y) in y.chunks_exact(width).enumerate() {
                    let at = extents.at(prime, component, first + row).start + at;
                    // SAFETY: a slice alone writes its columns of its prime.
                    unsafe { target.part(at, width) }.copy_from_slice(y);
                }
            }
        },
    );
}

/// `width` values from `at` of every polynomial of one prime that a term reads.
fn gather(t: &Summand<'_>, prime: usize, at: usize, width: usize, out: &mut [u32]) {
    let rows = (0..t.tile.shape().components)
        .flat_map(|component| t.matrix.support().iter().map(move |&row| (component, row as usize)));
    for (out, (component, row)) in out.chunks_exact_mut(width).zip(rows) {
        out.copy_from_slice(&t.tile.poly(prime, component, row)[at..at + width]);
    }
}

per_simd! {
    /// One component of the (squared) inputs, as doubles. `inputs` holds the components one after
    /// another, each as long as `x`.
    fn load(m: &Modulus, squared: bool, component: usize, inputs: &[u32], x: &mut [f64]) {
        let part = |c: usize| &inputs[c * x.len()..][..x.len()];
        if !squared {
            let c = part(component);
            for (x, &c) in x.iter_mut().zip(c) {
                *x = double(c);
            }
            return;
        }
        // (c₀², 2c₀c₁, c₁²)
        let (a, b) = (part(component / 2), part(component.div_ceil(2)));
        for ((x, &a), &b) in x.iter_mut().zip(a).zip(b) {
            let product = m.mul(a, b);
            *x = double(if component == 1 { m.add(product, product) } else { product });
        }
    }
}

/// A residue as a double: below 2³¹, so the conversion of signed words serves.
#[inline(always)]
fn double(c: u32) -> f64 {
    f64::from(c as i32)
}

per_simd! {
    /// y += matrix·x modulo the prime, for `[row][width]` slices of 8 columns or a multiple of 32.
    fn product(m: &Modulus, matrix: &CpuMatrix, width: usize, x: &[f64], y: &mut [u32]) {
        assert!(matrix.support().len() * width <= x.len(), "a slice of all inputs");
        for (columns, rows, panels) in matrix.blocks() {
            if columns.is_empty() {
                continue;
            }
            for (rows, weights) in rows.chunks(PANEL).zip(panels.chunks_exact(columns.len() * PANEL)) {
                // Accumulators: 6 rows of 4 vectors in the 32 registers of AVX-512, else of 2 in 16.
                match LANES {
                    #[cfg(target_arch = "x86_64")]
                    8 if width.is_multiple_of(32) => panel::<__m512d, 4>(m, columns, rows, weights, width, x, y),
                    #[cfg(target_arch = "x86_64")]
                    8 | 4 => panel::<__m256d, 2>(m, columns, rows, weights, width, x, y),
                    _ => panel::<[f64; 2], 2>(m, columns, rows, weights, width, x, y),
                }
            }
        }
    }
}

/// [`PANEL`] output rows, `COUNT` vectors of columns at a time.
#[inline(always)]
fn panel<L: Lanes, const COUNT: usize>(
    m: &Modulus,
    columns: &[u32],
    rows: &[u32],
    weights: &[f64],
    width: usize,
    x: &[f64],
    y: &mut [u32],
) {
    for at in (0..width).step_by(L::N * COUNT) {
        let mut acc = [[L::splat(0.0); COUNT]; PANEL];
        for (&k, w) in columns.iter().zip(weights.chunks_exact(PANEL)) {
            // SAFETY: columns are below the matrix's support, for which `x` has rows of `width`.
            let x: [L; COUNT] = std::array::from_fn(|v| unsafe {
                L::load(x.as_ptr().add(k as usize * width + at + v * L::N))
            });
            for (acc, &w) in acc.iter_mut().zip(w) {
                let w = L::splat(w);
                for (acc, &x) in acc.iter_mut().zip(&x) {
                    *acc = w.multiply_add(x, *acc);
                }
            }
        }
        // To memory first, whole: reading `acc` at a row that is not a constant would keep all of it
        // there from the start.
        let mut sums = [[[0.0; 8]; COUNT]; PANEL];
        for (sums, acc) in sums.iter_mut().zip(acc) {
            for (sums, acc) in sums.iter_mut().zip(acc) {
                // SAFETY: no vector is wider than 8.
                unsafe { acc.store(sums.as_mut_ptr()) };
            }
        }
        for (&row, sums) in rows.iter().zip(&sums) {
            let y = &mut y[row as usize * width + at..][..L::N * COUNT];
            for (y, sums) in y.chunks_exact_mut(L::N).zip(sums) {
                for (y, &sum) in y.iter_mut().zip(sums) {
                    *y = m.add(*y, reduce(m, sum));
                }
            }
        }
    }
}

/// The residue of an integer |t| < 2⁵² held in a double.
#[inline(always)]
fn reduce(m: &Modulus, t: f64) -> u32 {
    /// Adding and taking away 1.5·2⁵² rounds to the nearest integer, for |·| < 2⁵¹.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let p = f64::from(m.value());
    let quotient = (t * (1.0 / p) + ROUND) - ROUND;
    // The quotient is off by at most 1/2 + 2⁵²/p·2⁻⁵¹, so |r| < p; quotient·p < 2⁵³ is exact.
    // SAFETY: an integer below 2³¹ in absolute value.
    let r: i32 = unsafe { (t - quotient * p).to_int_unchecked() };
    (r + ((r >> 31) & m.value() as i32)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reduction_is_exact(t in -(1i64 << 52)..(1i64 << 52), p in prop::sample::select(vec![97u32, 65_537, 1_073_692_673, 2_147_352_577])) {
            prop_assert_eq!(reduce(&Modulus::new(p), t as f64), t.rem_euclid(p.into()) as u32);
        }
    }
}
