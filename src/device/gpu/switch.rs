//! The way down: relinearisation and rescaling of a sum, some rows at a time, in place.
//!
//! Both mix coefficients and primes, so they want whole polynomials. A sum whose columns had to be cut is
//! worked on in a copy of some rows.

use super::GpuTile;
use super::context::{Buffer, Gpu};
use super::linear::Target;
use super::scratch::Scratch;
use super::steps::{Rows, Steps};
use crate::device::DeviceError;
use crate::ring::Shape;
use crate::scheme::{Digits, Switch};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of digits that are worked on at once: enough to fill a large GPU.
const BATCH: u64 = 128 << 20;

type Room = (Arc<Buffer>, Arc<Buffer>);

impl Steps<'_, '_> {
    /// Three components to two, by digits of the residues modulo the first `level` primes. The third component
    /// means nothing afterwards.
    fn relinearise(
        &mut self,
        rows: Rows<'_>,
        primes: usize,
        level: usize,
        kind: Digits,
        scratch: &mut Scratch,
    ) -> Result<(), DeviceError> {
        let (count, size) = (kind.count(level), kind.primes());
        let row = rows.count * self.tables.degree;
        let (digits, between) = self.room(scratch, count * size * row)?;
        for j in 0..level {
            self.coefficients(rows, j, 2..3, &digits, j * rows.count)?;
        }
        if kind == Digits::Paired {
            // The guard's residues are 0.
            (level..count * size).for_each(|j| self.rec.clear(&digits, j * row, row));
            (0..count).try_for_each(|j| self.digit(size * j, rows.count, &digits))?;
        }
        let count = (count, size);
        (0..primes).try_for_each(|prime| self.key_switch(rows, prime, count, &digits, &between))
    }

    /// Divides two components by prime `last`, whose residues stay as they are.
    fn divide(
        &mut self,
        rows: Rows<'_>,
        last: usize,
        scratch: &mut Scratch,
    ) -> Result<(), DeviceError> {
        let words = 2 * rows.count * self.tables.degree;
        let (remainders, between) = self.room(scratch, words)?;
        self.coefficients(rows, last, 0..2, &remainders, 0)?;
        (0..last)
            .try_for_each(|prime| self.rescale(rows, (prime, prime), last, &remainders, &between))
    }

    /// Two components of `level` primes, times the primes `results`, rescaled by all that they have: to the
    /// first rows of `into`. What they were is lost.
    fn land(
        &mut self,
        rows: Rows<'_>,
        level: usize,
        results: Range<usize>,
        into: &GpuTile,
        scratch: &mut Scratch,
    ) -> Result<(), DeviceError> {
        let (n, count) = (self.tables.degree, rows.count);
        let out = Rows { tile: into, first: 0, count };
        // Modulo each of them the product is 0.
        for slot in 0..results.len() {
            for component in 0..2 {
                self.rec.clear(out.buffer(slot), out.polynomial(component) * n, count * n);
            }
        }
        for result in results.clone() {
            (0..level).try_for_each(|prime| self.raise(rows, prime, result))?;
        }
        let (remainders, between) = self.room(scratch, 2 * count * n)?;
        for last in (0..level).rev() {
            self.coefficients(rows, last, 0..2, &remainders, 0)?;
            let own = (0..last).map(|prime| (rows, (prime, prime)));
            let new = results.clone().enumerate().map(|at| (out, at));
            own.chain(new)
                .try_for_each(|(rows, at)| self.rescale(rows, at, last, &remainders, &between))?;
        }
        Ok(())
    }

    /// Buffers for coefficients, and for what is between two passes of a transform.
    fn room(&mut self, scratch: &mut Scratch, words: usize) -> Result<Room, DeviceError> {
        let gpu = self.rec.gpu();
        let digits = scratch.words(gpu, "coefficients of a switch", words)?;
        let between = if self.transforms.whole() { 0 } else { words };
        Ok((digits, scratch.words(gpu, "a switch between two passes", between)?))
    }
}

/// Brings a sum `shape`, which `sum` holds with room for the prime of a guard, down to rows of a tile.
pub fn switch(
    work: &mut Steps<'_, '_>,
    scratch: &mut Scratch,
    sum: &GpuTile,
    shape: Shape,
    (switch, results): (Switch, Range<usize>),
    target: Target<'_>,
) -> Result<(), DeviceError> {
    let relinearised = shape.components == 3;
    let guards = if relinearised { switch.digits.behind() } else { 0 };
    let primes = shape.primes + guards;
    let step = batch(work.rec.gpu(), Shape { primes, ..shape })?;
    let left = match switch.to_results {
        true => shape.primes,
        false => shape.primes - switch.rescale,
    };
    let left = Shape { primes: left, components: 2, ..shape };
    for first in (0..shape.rows).step_by(step) {
        let count = step.min(shape.rows - first);
        let copy = match sum.width == shape.degree {
            true => None,
            false => Some(scratch.rows(work.rec.gpu(), Shape { primes, rows: count, ..shape })?),
        };
        let rows = match &copy {
            None => Rows { tile: sum, first, count },
            Some(copy) => {
                sum.copy_to(work.rec, shape, first, count, copy, 0);
                Rows { tile: copy, first: 0, count }
            }
        };
        if guards > 0 {
            // Modulo the guard itself the product is 0.
            for component in 0..3 {
                let at = rows.polynomial(component) * shape.degree;
                work.rec.clear(rows.buffer(shape.primes), at, count * shape.degree);
            }
            (0..shape.primes).try_for_each(|prime| work.raise(rows, prime, shape.primes))?;
        }
        if relinearised {
            work.relinearise(rows, primes, shape.primes, switch.digits, scratch)?;
        }
        for last in (left.primes..primes).rev() {
            work.divide(rows, last, scratch)?;
        }
        let at = target.row + first;
        if switch.to_results {
            let own = Shape { primes: results.len(), rows: count, ..left };
            let own = (scratch.results(work.rec.gpu(), own)?, own);
            work.land(rows, shape.primes, results.clone(), &own.0, scratch)?;
            own.0.copy_to(work.rec, own.1, 0, count, target.tile, at);
            scratch.keep_results(own.0);
        } else {
            rows.tile.copy_to(work.rec, left, rows.first, count, target.tile, at);
        }
        copy.into_iter().for_each(|copy| scratch.keep_rows(copy));
    }
    Ok(())
}

/// Rows to work on at once: their digits, and their residues modulo one prime, fit a buffer.
fn batch(gpu: &Gpu, shape: Shape) -> Result<usize, DeviceError> {
    let polynomials = shape.primes.max(shape.components);
    let row = 4 * (polynomials * shape.degree) as u64;
    let limit = gpu.largest_buffer();
    if row > limit {
        return Err(gpu.too_large("the digits of one ciphertext", row, limit));
    }
    let most = limit.min(BATCH).min(gpu.scratch_share()) / row;
    Ok((most as usize).clamp(1, shape.rows.max(1)))
}
