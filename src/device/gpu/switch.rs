//! The way down: relinearisation and rescaling, in batches of rows, in place.
//!
//! Both mix coefficients and primes, so rows are gathered from their slices into polynomials
//! `[group][row][N]`, transformed there, and met slice by slice again.

use super::context::{Buffer, Gpu, MAX_GROUPS};
use super::linear::{THREADS, pointwise};
use super::recording::Recording;
use super::scratch::Scratch;
use super::tables::{Prime, Tables};
use super::transform::{Job, Transforms};
use super::{GpuTile, Kernel};
use crate::device::DeviceError;
use crate::math::Shoup;
use std::ops::Range;

/// Bytes of polynomials that are worked on at once: enough to fill a large GPU.
const BATCH: u64 = 512 << 20;

/// Bytes of them in one buffer, so that several primes have room.
const BUFFER: u64 = 128 << 20;

/// `Params` of `shaders/key_switch.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct KeySwitchParams {
    prime: Prime,
    rows: u32,
    row: u32,
    width: u32,
    column: u32,
    degree: u32,
    own: u32,
    digits: u32,
    digit_rows: u32,
    digit_row: u32,
    key_digits: u32,
}

/// `Params` of `shaders/rescale.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct RescaleParams {
    prime: Prime,
    inverse: Shoup,
    rows: u32,
    row: u32,
    width: u32,
    column: u32,
    degree: u32,
    remainders: u32,
    remainder_rows: u32,
    remainder_row: u32,
}

/// `Params` of `shaders/raise.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct RaiseParams {
    prime: Prime,
    factor: Shoup,
    rows: u32,
    row: u32,
    width: u32,
    pad: [u32; 3],
}

/// Some rows of a tile whose polynomials are in work.
pub struct Batch<'a> {
    pub tile: &'a GpuTile,
    pub rows: Range<usize>,
}

impl Batch<'_> {
    /// Calls `each` for (chunk, rows of the tile) within the limits of a dispatch.
    fn parts(
        &self,
        mut each: impl FnMut(usize, usize, usize) -> Result<(), DeviceError>,
    ) -> Result<(), DeviceError> {
        for chunk in 0..self.tile.shape.degree / self.tile.width {
            for row in self.rows.clone().step_by(MAX_GROUPS) {
                each(chunk, row, (self.rows.end - row).min(MAX_GROUPS))?;
            }
        }
        Ok(())
    }

    /// Copies component `component` of the rows, modulo one prime, to group `group` of polynomials.
    fn gather(
        &self,
        rec: &mut Recording<'_>,
        prime: usize,
        component: usize,
        to: &Buffer,
        group: usize,
    ) {
        let (tile, n) = (self.tile, self.tile.shape.degree);
        let start = component * tile.shape.rows + self.rows.start;
        let at = group * self.rows.len() * n;
        if tile.width == n {
            let from = (&tile.chunks[prime][0], start * n);
            return rec.copy(from, (to, at), self.rows.len() * n);
        }
        for (chunk, buffer) in tile.chunks[prime].iter().enumerate() {
            for row in 0..self.rows.len() {
                let from = (buffer, (start + row) * tile.width);
                rec.copy(from, (to, at + row * n + chunk * tile.width), tile.width);
            }
        }
    }

    /// c ← c·q modulo one prime, q being prime `guard`.
    pub fn raise(
        &self,
        rec: &mut Recording<'_>,
        tables: &Tables,
        prime: usize,
        guard: usize,
    ) -> Result<(), DeviceError> {
        let tile = self.tile;
        self.parts(|chunk, row, rows| {
            let params = RaiseParams {
                prime: tables.primes[prime],
                factor: tables.residue_of(guard, prime),
                rows: tile.shape.rows as u32,
                row: row as u32,
                width: tile.width as u32 / 4,
                pad: [0; 3],
            };
            let groups = [(tile.width / 4).div_ceil(THREADS), rows, tile.shape.components];
            rec.dispatch(&pointwise(Kernel::Raise), &params, &[&tile.chunks[prime][chunk]], groups)
        })
    }

    /// (c₀, c₁) += Σ digits·key, modulo one prime.
    pub fn key_switch(
        &self,
        rec: &mut Recording<'_>,
        tables: &Tables,
        prime: usize,
        digits: &Buffer,
        count: usize,
    ) -> Result<(), DeviceError> {
        let tile = self.tile;
        self.parts(|chunk, row, rows| {
            let params = KeySwitchParams {
                prime: tables.primes[prime],
                rows: tile.shape.rows as u32,
                row: row as u32,
                width: tile.width as u32 / 4,
                column: (chunk * tile.width) as u32 / 4,
                degree: tables.degree as u32 / 4,
                own: prime as u32,
                digits: count as u32,
                digit_rows: self.rows.len() as u32,
                digit_row: (row - self.rows.start) as u32,
                key_digits: tables.primes.len() as u32,
            };
            let buffers = [digits, &tables.key[prime], &tile.chunks[prime][chunk]];
            let groups = [(tile.width / 4).div_ceil(THREADS), rows, 1];
            rec.dispatch(&pointwise(Kernel::KeySwitch), &params, &buffers, groups)
        })
    }

    /// c ← (c − remainder)/q modulo one prime, q being prime `last`. The remainders of this prime
    /// are group `group`, `[2][rows][N]`.
    pub fn rescale(
        &self,
        rec: &mut Recording<'_>,
        tables: &Tables,
        prime: usize,
        last: usize,
        remainders: &Buffer,
        group: usize,
    ) -> Result<(), DeviceError> {
        let tile = self.tile;
        self.parts(|chunk, row, rows| {
            let params = RescaleParams {
                prime: tables.primes[prime],
                inverse: tables.inverse_of(last, prime),
                rows: tile.shape.rows as u32,
                row: row as u32,
                width: tile.width as u32 / 4,
                column: (chunk * tile.width) as u32 / 4,
                degree: tables.degree as u32 / 4,
                remainders: (group * 2 * self.rows.len() * tables.degree) as u32 / 4,
                remainder_rows: self.rows.len() as u32,
                remainder_row: (row - self.rows.start) as u32,
            };
            let buffers = [remainders, &tile.chunks[prime][chunk]];
            let groups = [(tile.width / 4).div_ceil(THREADS), rows, 2];
            rec.dispatch(&pointwise(Kernel::Rescale), &params, &buffers, groups)
        })
    }
}

/// All components times the last prime of `tile`, modulo which the residues become 0.
pub fn raise(rec: &mut Recording<'_>, tables: &Tables, tile: &GpuTile) -> Result<(), DeviceError> {
    let guard = tile.shape.primes - 1;
    let words = tile.shape.components * tile.shape.rows * tile.width;
    tile.chunks[guard].iter().for_each(|chunk| rec.clear(chunk, words));
    let batch = Batch { tile, rows: 0..tile.shape.rows };
    (0..guard).try_for_each(|prime| batch.raise(rec, tables, prime, guard))
}

/// Three components to two, by the digits modulo the first `level` primes. `tile` keeps its third
/// component, which means nothing afterwards.
pub fn relinearise(
    rec: &mut Recording<'_>,
    tables: &Tables,
    transforms: &Transforms,
    scratch: &mut Scratch,
    tile: &GpuTile,
    level: usize,
) -> Result<(), DeviceError> {
    let gpu = rec.gpu();
    let step = batch(gpu, tables.degree, level, tile.shape.rows)?;
    let words = level * step * tables.degree;
    let at_once = (BATCH.min(gpu.scratch_share()) / (4 * words as u64)).clamp(1, level as u64);
    let coefficients = &scratch.slots(gpu, "coefficients of a key switch", 1, words)?[0];
    let digits = scratch.slots(gpu, "digits of a key switch", at_once as usize, words)?;
    let inverse: Vec<Job> = (0..level).map(in_place).collect();
    let primes: Vec<usize> = (0..tile.shape.primes).collect();
    for start in (0..tile.shape.rows).step_by(step) {
        let rows = start..tile.shape.rows.min(start + step);
        let (count, batch) = (rows.len(), Batch { tile, rows });
        for j in 0..level {
            batch.gather(rec, j, 2, coefficients, j);
        }
        transforms.inverse(rec, tables, coefficients, count, &inverse)?;
        for primes in primes.chunks(digits.len()) {
            for (&prime, digits) in primes.iter().zip(&digits) {
                // Modulo its own prime a digit is c₂ itself, whose values are at hand.
                let others = (0..level).filter(|&j| j != prime);
                let jobs: Vec<Job> =
                    others.map(|j| Job { prime, from: j, source: j, result: j }).collect();
                transforms.forward(rec, tables, coefficients, digits, count, &jobs)?;
            }
            for (&prime, digits) in primes.iter().zip(&digits) {
                batch.key_switch(rec, tables, prime, digits, level)?;
            }
        }
    }
    Ok(())
}

/// Divides two components by the last prime. The residues of that prime stay as they are.
pub fn rescale(
    rec: &mut Recording<'_>,
    tables: &Tables,
    transforms: &Transforms,
    scratch: &mut Scratch,
    tile: &GpuTile,
) -> Result<(), DeviceError> {
    let (gpu, last) = (rec.gpu(), tile.shape.primes - 1);
    let step = batch(gpu, tables.degree, 2 * last, tile.shape.rows)?;
    let words = 2 * step * tables.degree;
    let coefficients = &scratch.slots(gpu, "coefficients of a rescaling", 1, words)?[0];
    let remainders = &scratch.slots(gpu, "remainders of a rescaling", 1, words * last)?[0];
    let jobs: Vec<Job> =
        (0..last).map(|i| Job { prime: i, from: last, source: 0, result: i }).collect();
    for start in (0..tile.shape.rows).step_by(step) {
        let rows = start..tile.shape.rows.min(start + step);
        let (count, batch) = (rows.len(), Batch { tile, rows });
        for component in 0..2 {
            batch.gather(rec, last, component, coefficients, component);
        }
        let inverse = Job { result: 0, ..in_place(last) };
        transforms.inverse(rec, tables, coefficients, 2 * count, &[inverse])?;
        transforms.forward(rec, tables, coefficients, remainders, 2 * count, &jobs)?;
        for prime in 0..last {
            batch.rescale(rec, tables, prime, last, remainders, prime)?;
        }
    }
    Ok(())
}

/// The inverse transform of group i modulo prime i.
fn in_place(i: usize) -> Job {
    Job { prime: i, from: i, source: i, result: i }
}

/// Rows to work on at once, with `polynomials` each.
fn batch(gpu: &Gpu, degree: usize, polynomials: usize, rows: usize) -> Result<usize, DeviceError> {
    let row = 4 * (polynomials.max(2) * degree) as u64;
    let limit = gpu.largest_buffer();
    if row > limit {
        return Err(gpu.too_large("the digits of one ciphertext", row, limit));
    }
    Ok(((limit.min(BUFFER).min(gpu.scratch_share()) / row) as usize).min(rows).max(1))
}
