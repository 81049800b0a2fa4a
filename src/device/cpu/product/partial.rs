//! Sums of some columns on their way to the rows of a tile.
//!
//! Rows of a tile lie a multiple of 4 KB apart, so that all of a column meet in a few lines of each
//! cache, and memory reads a line before a part of it is written. Written column by column rows go
//! at 2 to 4 GB/s; sums are kept together until they are complete, and written two lines a row past the caches:
//! 22 to 26 GB/s, measured on the machine of `docs/notes/cpu-limits.md`.

use super::halves::vector::Vector;
use super::{Rows, Start};
use std::arch::x86_64::_mm_sfence;

/// Columns that are written together: two lines.
pub const PASS: usize = 32;

/// Sums of some rows, `[row][pass]`, of which some columns are at work.
pub struct Partial<'a, 'b> {
    sums: &'a mut [u32],
    pass: usize,
    /// The first column of the pass, and the first at work in it.
    column: usize,
    at: usize,
    /// Whether nothing has been added up yet.
    first: bool,
    y: &'a mut Rows<'b>,
}

impl<'a, 'b> Partial<'a, 'b> {
    #[inline(always)]
    pub fn new(
        sums: &'a mut [u32],
        pass: usize,
        column: usize,
        at: usize,
        first: bool,
        y: &'a mut Rows<'b>,
    ) -> Self {
        Self { sums, pass, column, at, first, y }
    }

    /// What row `i` of them, `row` of the tile, holds in the columns at work, unless that is nothing.
    #[inline(always)]
    pub fn before<V: Vector, const COUNT: usize>(
        &mut self,
        i: usize,
        row: u32,
    ) -> Option<[V; COUNT]> {
        let columns = COUNT * V::LANES;
        let from = match self.y.start {
            _ if !self.first => &self.sums[i * self.pass + self.at..][..columns],
            Start::Zero => return None,
            Start::Constants(constants) => return Some([V::splat(constants[row as usize]); COUNT]),
            Start::Held => &self.y.row(row as usize)[self.column + self.at..][..columns],
        };
        let mut all = [V::splat(0); COUNT];
        for (j, all) in all.iter_mut().enumerate() {
            // SAFETY: as many words.
            *all = unsafe { V::load(from.as_ptr().add(j * V::LANES)) };
        }
        Some(all)
    }

    /// Writes sums that are complete to `row` of the tile, where all of the pass is written at once.
    #[inline(always)]
    pub fn write<V: Vector, const COUNT: usize>(&mut self, row: u32, sums: [V; COUNT]) {
        let past = self.y.last;
        let to = &mut self.y.row(row as usize)[self.column + self.at..][..COUNT * V::LANES];
        // SAFETY: as many words.
        unsafe { put_away(sums, past, to.as_mut_ptr()) };
    }

    /// Keeps sums for row `i`.
    #[inline(always)]
    pub fn put<V: Vector, const COUNT: usize>(&mut self, i: usize, sums: [V; COUNT]) {
        let to = &mut self.sums[i * self.pass + self.at..][..COUNT * V::LANES];
        for (j, sum) in sums.into_iter().enumerate() {
            // SAFETY: as many words.
            unsafe { sum.store(to.as_mut_ptr().add(j * V::LANES)) };
        }
    }
}

/// Writes complete sums, `[row][pass]`, to `rows`, from `column` on.
#[inline(always)]
pub fn finish<V: Vector>(sums: &[u32], pass: usize, column: usize, rows: &[u32], y: &mut Rows<'_>) {
    let past = y.last;
    for (sums, &row) in sums.chunks_exact(pass).zip(rows) {
        let y = &mut y.row(row as usize)[column..column + pass];
        for (from, to) in sums.chunks_exact(V::LANES).zip(y.chunks_exact_mut(V::LANES)) {
            // SAFETY: as many words.
            unsafe { put_away([V::load(from.as_ptr())], past, to.as_mut_ptr()) };
        }
    }
}

/// To memory, `past` the caches where the place allows it.
///
/// # Safety
/// `at` points to as many writable words.
#[inline(always)]
unsafe fn put_away<V: Vector, const COUNT: usize>(sums: [V; COUNT], past: bool, at: *mut u32) {
    let past = past && at.addr().is_multiple_of(4 * V::LANES);
    for (j, sum) in sums.into_iter().enumerate() {
        // SAFETY: the caller's promise, and a multiple of the vector's size where that matters.
        unsafe {
            match past {
                true => sum.stream(at.add(j * V::LANES)),
                false => sum.store(at.add(j * V::LANES)),
            }
        }
    }
}

/// What went past the caches comes before all that is written later.
#[inline(always)]
pub fn order_streams() {
    // SAFETY: an instruction of every processor of this kind.
    #[allow(unused_unsafe, reason = "safe in some versions of the standard library")]
    unsafe {
        _mm_sfence();
    }
}
