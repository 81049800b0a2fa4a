//! The modular matrix product, squares included, slice by slice.
//!
//! A slice is one prime and some values of every polynomial. Its inputs are squared where that is
//! asked for, or summed up and then squared, brought to the form that the product wants, multiplied and
//! reduced without leaving the cache.

use super::pool::Pool;
use super::product::{Room, Rows, Start};
use super::sum::Sum;
use super::{CpuEngine, CpuMatrix};
use crate::device::Layer;
use crate::math::{Modulus, simd::Simd};
use crate::ring::{Basis, Tile};
use rayon::prelude::*;

/// One summand of a layer.
pub struct Summand<'a> {
    pub tile: &'a Tile,
    pub matrix: &'a CpuMatrix,
}

/// What a thread loads slices into: one for each summand.
pub type Rooms = Vec<Room>;

/// A layer's sum. Extents have been checked by the engine.
pub fn linear(
    simd: Simd,
    basis: &Basis,
    terms: &[Summand<'_>],
    layer: &Layer<'_, CpuEngine>,
    sum: &Sum<'_>,
    rooms: &Pool<Rooms>,
) {
    let shape = sum.shape();
    let width = terms.iter().map(|t| t.matrix.width()).fold(shape.degree, usize::min);
    let slices = shape.degree / width;
    (0..shape.primes * slices).into_par_iter().for_each_init(
        || rooms.lend(),
        |rooms, slice| {
            let (prime, at) = (slice / slices, slice % slices * width);
            let m = basis.modulus(layer.first + prime);
            let count = rooms.len().max(terms.len());
            rooms.resize_with(count, Room::default);
            for (t, room) in terms.iter().zip(rooms.iter_mut()) {
                t.matrix.load(simd, m, (t.tile, prime), (at, width), room);
            }
            let constants = &layer.bias[prime * shape.rows..][..shape.rows];
            for component in 0..shape.components {
                let (target, start) = sum.place(prime, component);
                // SAFETY: a slice alone has its columns of its prime.
                let mut y = unsafe { Rows::new(target, start + at, shape.degree, width) };
                y.start = match (layer.onto, component) {
                    (true, _) => Start::Held,
                    (false, 0) => Start::Constants(constants),
                    (false, _) => Start::Zero,
                };
                if layer.onto && component == 0 {
                    add(m, constants, &mut y);
                }
                let reaches = |t: &Summand<'_>| component < t.matrix.components(t.tile);
                let last = terms.iter().rposition(reaches);
                for (i, (t, room)) in terms.iter().zip(rooms.iter_mut()).enumerate() {
                    if reaches(t) {
                        y.last = last == Some(i);
                        t.matrix.add(simd, m, width, component, room, &mut y);
                        y.start = Start::Held;
                    }
                }
            }
        },
    );
}

/// Adds a constant to each row.
fn add(m: &Modulus, constants: &[u32], y: &mut Rows<'_>) {
    for (row, &constant) in constants.iter().enumerate().filter(|c| *c.1 != 0) {
        y.row(row).iter_mut().for_each(|y| *y = m.add(*y, constant));
    }
}
