//! The modular matrix product, squares included, slice by slice.
//!
//! A slice is one prime and some values of every polynomial. Its inputs are squared where that is
//! asked for, brought to the form that the product wants, multiplied and reduced without leaving the
//! cache.

use super::product::{Room, Slice};
use super::scatter::Scatter;
use super::{CpuEngine, CpuMatrix};
use crate::device::Layer;
use crate::math::simd::Simd;
use crate::ring::{Basis, Shape, Tile};
use rayon::prelude::*;

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
    /// One component of one term, as its product wants it.
    room: Room,
    /// One component of the sum, `[row][width]`.
    y: Vec<u32>,
}

/// A layer's sum, of extents `shape`, into the rows of `out` from `first` on. Extents have been
/// checked by the engine.
pub fn linear(
    simd: Simd,
    basis: &Basis,
    terms: &[Summand<'_>],
    layer: &Layer<'_, CpuEngine>,
    shape: Shape,
    out: &mut Tile,
    first: usize,
) {
    let width = terms.iter().map(|t| t.matrix.product().width()).fold(shape.degree, usize::min);
    let all = terms.iter().map(Summand::polys).sum::<usize>();
    let extents = out.shape();
    let target = Scatter::new(out.data_mut());
    let slices = shape.degree / width;
    (0..shape.primes * slices).into_par_iter().for_each_init(
        || Scratch {
            inputs: vec![0; all * width],
            room: Room::default(),
            y: vec![0; shape.rows * width],
        },
        |Scratch { inputs, room, y }, slice| {
            let (prime, at) = (slice / slices, slice % slices * width);
            let m = basis.modulus(prime);
            let mut rest = &mut inputs[..];
            for t in terms {
                let (own, others) = rest.split_at_mut(t.polys() * width);
                gather(t, prime, at, width, own);
                rest = others;
            }
            for component in 0..shape.components {
                let place = |row: usize| extents.at(prime, component, first + row).start + at;
                let constants = &layer.bias[prime * shape.rows..][..shape.rows];
                for (row, y) in y.chunks_exact_mut(width).enumerate() {
                    let constant = if component == 0 { constants[row] } else { 0 };
                    y.fill(constant);
                    if layer.onto {
                        // SAFETY: a slice alone reads and writes its columns of its prime.
                        let held = unsafe { target.part(place(row), width) };
                        y.iter_mut().zip(held).for_each(|(y, x)| *y = m.add(constant, *x));
                    }
                }
                let mut rest = &inputs[..];
                for t in terms {
                    let (own, others) = rest.split_at(t.polys() * width);
                    rest = others;
                    if component < t.components() {
                        let squared = t.matrix.operator().squared;
                        let x = Slice { residues: own, rows: t.rows(), width, squared };
                        t.matrix.product().add(simd, m, x, component, room, y);
                    }
                }
                for (row, y) in y.chunks_exact(width).enumerate() {
                    // SAFETY: as above.
                    unsafe { target.part(place(row), width) }.copy_from_slice(y);
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
