//! The modular product on doubles, for any processor.
//!
//! It is exact: residues are below 2³¹ and Σ|w| below 2²¹, so every partial sum stays below 2⁵² in
//! absolute value, and doubles hold integers up to 2⁵³.

use super::lanes::Lanes;
use super::{Loaded, Rows, Slice, Start};
use crate::math::{
    Lines, Modulus,
    simd::{Simd, per_simd},
};
use crate::ring::{Block, BlockMatrix};
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256d, __m512d};
use std::collections::HashMap;

/// Rows of weights that are multiplied at once: with 32 columns, 24 of the 32 registers of AVX-512
/// are accumulators.
const PANEL: usize = 6;

/// Columns of a slice: 845 rows of 32 doubles are 216 KB, a share of L2.
pub const WIDTH: usize = 32;

/// A [`BlockMatrix`] with its weights as doubles, in panels of 6 rows.
#[derive(Debug)]
pub struct Doubles {
    source: BlockMatrix,
    /// For each block `[panel][column][PANEL]`, the last panel filled up with zeros.
    packed: Vec<f64>,
    /// Where the panels of each block start.
    starts: Vec<usize>,
}

impl Doubles {
    /// Packs a matrix. Blocks that share their weights share their panels.
    pub fn new(source: BlockMatrix) -> Self {
        let mut packed = Vec::new();
        let mut known = HashMap::new();
        let starts = source
            .blocks()
            .iter()
            .map(|b| {
                *known.entry((b.weights, b.rows.len(), b.columns.len())).or_insert_with(|| {
                    let start = packed.len();
                    pack(&source, b, &mut packed);
                    start
                })
            })
            .collect();
        Self { source, packed, starts }
    }

    /// y += matrix·x for one component of what [`load`] made.
    pub fn add(
        &self,
        simd: Simd,
        m: &Modulus,
        x: Loaded,
        component: usize,
        room: &[f64],
        y: &mut Rows<'_>,
    ) {
        let size = self.source.inputs() * x.width;
        product(simd, m, self, x.width, &room[component * size..][..size], y);
    }

    /// The blocks: input rows, output rows, and panels of weights.
    #[inline(always)]
    fn blocks(&self) -> impl Iterator<Item = (&[u32], &[u32], &[f64])> {
        self.source.blocks().iter().zip(&self.starts).map(|(b, &start)| {
            let panels = b.rows.len().div_ceil(PANEL);
            (
                &self.source.columns()[b.columns.clone()],
                &self.source.rows()[b.rows.clone()],
                &self.packed[start..start + panels * b.columns.len() * PANEL],
            )
        })
    }
}

fn pack(source: &BlockMatrix, b: &Block, packed: &mut Vec<f64>) {
    let columns = b.columns.len();
    let weights = &source.weights()[b.weights..][..b.rows.len() * columns];
    for panel in (0..b.rows.len()).step_by(PANEL) {
        for k in 0..columns {
            for row in panel..panel + PANEL {
                let weight = if row < b.rows.len() { weights[row * columns + k] } else { 0 };
                packed.push(weight.into());
            }
        }
    }
}

/// A slice as doubles, `[component][row][width]`.
pub fn load(simd: Simd, m: &Modulus, slice: Slice<'_>, out: &mut Lines<f64>) {
    let size = slice.components() * slice.support.len() * slice.width;
    fill(simd, m, slice, out.at_least(size));
}

per_simd! {
    fn fill(m: &Modulus, slice: Slice<'_>, x: &mut [f64]) {
        let rows = slice.support.len();
        for (i, x) in x.chunks_exact_mut(slice.width).enumerate() {
            let (component, row) = (i / rows, i % rows);
            if !slice.squared {
                for (x, &a) in x.iter_mut().zip(slice.piece(component, row)) {
                    *x = double(a);
                }
                continue;
            }
            // (c₀², 2c₀c₁, c₁²)
            let (a, b) = (slice.piece(component / 2, row), slice.piece(component.div_ceil(2), row));
            for ((x, &a), &b) in x.iter_mut().zip(a).zip(b) {
                let product = m.mul(a, b);
                *x = double(if component == 1 { m.add(product, product) } else { product });
            }
        }
    }
}

/// A residue as a double: below 2³¹, so the conversion of signed words serves.
#[inline(always)]
fn double(c: u32) -> f64 {
    f64::from(c as i32)
}

per_simd! {
    /// y += matrix·x modulo the prime, for slices of 8 columns or a multiple of 32.
    fn product(
        m: &Modulus,
        matrix: &Doubles,
        width: usize,
        x: &[f64],
        y: &mut Rows<'_>,
    ) {
        assert!(matrix.source.inputs() * width <= x.len(), "a slice of all inputs");
        for (columns, rows, panels) in matrix.blocks() {
            for (i, rows) in rows.chunks(PANEL).enumerate() {
                let weights = &panels[i * columns.len() * PANEL..][..columns.len() * PANEL];
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
    y: &mut Rows<'_>,
) {
    for at in (0..width).step_by(L::N * COUNT) {
        let mut acc = [[L::splat(0.0); COUNT]; PANEL];
        for (&k, w) in columns.iter().zip(weights.chunks_exact(PANEL)) {
            // SAFETY: columns are below the matrix's inputs, for which `x` has rows of `width`.
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
            let start = y.start;
            let y = &mut y.row(row as usize)[at..at + L::N * COUNT];
            match start {
                Start::Held => {}
                Start::Constants(constants) => y.fill(constants[row as usize]),
                Start::Zero => y.fill(0),
            }
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
