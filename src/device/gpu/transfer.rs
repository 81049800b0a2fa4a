//! Residues in and out, in pieces.

use super::context::Gpu;
use super::tile::GpuTile;
use crate::device::{DeviceError, Fill};
use crate::ring::{Shape, Tile};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::mpsc;

/// Bytes that travel at once: a share of what the driver keeps for staging.
const PIECE: u64 = 32 << 20;

/// Pieces on their way up before the queue is waited for.
const IN_FLIGHT: usize = 4;

/// Polynomials, from `fill(prime, component, row, out)`, to `rows` rows of a tile from `at` on.
pub fn fill(
    gpu: &Gpu,
    into: &GpuTile,
    at: usize,
    rows: usize,
    fill: &Fill<'_>,
) -> Result<(), DeviceError> {
    let Shape { primes, components, degree, .. } = into.shape;
    let step = (PIECE as usize / (4 * degree)).max(1);
    let (mut staged, mut packed) = (vec![0; step.min(rows) * degree], Vec::new());
    let mut sent = 0;
    gpu.guarded(|| {
        for (prime, component) in (0..primes).flat_map(|p| (0..components).map(move |c| (p, c))) {
            for first in (0..rows).step_by(step) {
                let count = step.min(rows - first);
                let polys = &mut staged[..count * degree];
                polys
                    .par_chunks_exact_mut(degree)
                    .zip(first..first + count)
                    .for_each(|(poly, row)| fill(prime, component, row, poly));
                for (chunk, buffer) in into.chunks[prime].iter().enumerate() {
                    let words = columns(polys, degree, chunk * into.width, into.width, &mut packed);
                    let row = component * into.shape.rows + at + first;
                    let place = 4 * (row * into.width) as u64;
                    gpu.write(buffer, place, bytemuck::cast_slice(words));
                }
                gpu.queue.submit([]);
                sent += 1;
                if sent % IN_FLIGHT == 0 {
                    gpu.wait()?;
                }
            }
        }
        Ok(())
    })
}

/// A part of the memory that an upload goes through.
struct Part<'a>(wgpu::WriteOnly<'a, [u8]>);

// SAFETY: it is a `&mut [u8]` that is not read, and bytes may be written from any thread. The library says so
// for sized types alone.
unsafe impl Send for Part<'_> {}

impl Part<'_> {
    fn fill(mut self, residues: &[u32]) {
        self.0.copy_from_slice(bytemuck::cast_slice(residues));
    }
}

/// Rows `order` of a tile of one component, to component 0 of rows of a tile from `at` on. They are copied once,
/// by all threads, to memory that the device reads.
pub fn send(
    gpu: &Gpu,
    into: &GpuTile,
    at: usize,
    order: &[u32],
    tile: &Tile,
) -> Result<(), DeviceError> {
    let width = into.width;
    let step = (PIECE as usize / (4 * width)).max(1);
    let mut sent = 0;
    gpu.guarded(|| {
        for prime in 0..into.shape.primes {
            for (chunk, buffer) in into.chunks[prime].iter().enumerate() {
                for (rows, first) in order.chunks(step).zip((at..).step_by(step)) {
                    let bytes = 4 * (rows.len() * width) as u64;
                    let place = 4 * (first * width) as u64;
                    let size = std::num::NonZeroU64::new(bytes);
                    let view =
                        size.and_then(|s| gpu.queue.write_buffer_with(&buffer.raw, place, s));
                    let mut view =
                        view.ok_or_else(|| gpu.failed("there is no room for an upload".into()))?;
                    let mut rest = view.slice(..);
                    let mut parts = Vec::with_capacity(rows.len());
                    for &row in rows {
                        let residues = &tile.poly(prime, 0, row as usize)[chunk * width..][..width];
                        parts
                            .extend(rest.split_off(..4 * width).map(|part| (Part(part), residues)));
                    }
                    parts.into_par_iter().for_each(|(part, residues)| part.fill(residues));
                    drop(view);
                    gpu.count(bytes, 0);
                    sent += bytes;
                    if sent >= PIECE * IN_FLIGHT as u64 {
                        gpu.queue.submit([]);
                        gpu.wait()?;
                        sent = 0;
                    }
                }
            }
        }
        gpu.queue.submit([]);
        Ok(())
    })
}

/// Some columns of polynomials one after another, packed where they are not all.
fn columns<'a>(
    polys: &'a [u32],
    degree: usize,
    first: usize,
    width: usize,
    packed: &'a mut Vec<u32>,
) -> &'a [u32] {
    if width == degree {
        return polys;
    }
    packed.clear();
    for poly in polys.chunks_exact(degree) {
        packed.extend_from_slice(&poly[first..first + width]);
    }
    packed
}

/// A tile's residues, back. Waits for all work on them.
pub fn download(gpu: &Gpu, tile: &GpuTile) -> Result<Tile, DeviceError> {
    gpu.guarded(|| {
        let shape = tile.shape;
        let mut out = Tile::zeros(shape);
        for (prime, chunk, rows) in pieces(tile) {
            let words = rows.len() * tile.width;
            let at = rows.start * tile.width;
            read(gpu, &tile.chunks[prime][chunk].raw, at, words, |residues| {
                for (row, values) in rows.zip(residues.chunks_exact(tile.width)) {
                    let (component, row) = (row / shape.rows, row % shape.rows);
                    let polynomial = out.poly_mut(prime, component, row);
                    polynomial[chunk * tile.width..][..tile.width].copy_from_slice(values);
                }
            })?;
        }
        Ok(out)
    })
}

/// Hands words of a buffer to `take`. Within [`Gpu::guarded`].
pub fn read(
    gpu: &Gpu,
    buffer: &wgpu::Buffer,
    at: usize,
    words: usize,
    take: impl FnOnce(&[u32]),
) -> Result<(), DeviceError> {
    use wgpu::BufferUsages as U;
    let bytes = 4 * words as u64;
    let staging = gpu.allocate("a download", words, U::MAP_READ | U::COPY_DST)?;
    let mut encoder = gpu.device.create_command_encoder(&Default::default());
    encoder.copy_buffer_to_buffer(buffer, 4 * at as u64, &staging.raw, 0, bytes);
    gpu.submit(encoder.finish());
    let (send, receive) = mpsc::channel();
    let slice = staging.raw.slice(..bytes);
    // A receiver that is gone wants no answer.
    slice.map_async(wgpu::MapMode::Read, move |result| drop(send.send(result)));
    gpu.wait()?;
    match receive.try_recv() {
        Ok(Ok(())) => {}
        Ok(Err(e)) => return Err(gpu.failed(e.to_string())),
        Err(_) => return Err(gpu.failed("a download was never answered".into())),
    }
    let view = slice.get_mapped_range().map_err(|e| gpu.failed(e.to_string()))?;
    gpu.count(0, bytes);
    take(bytemuck::cast_slice(&view));
    Ok(())
}

/// (prime, chunk, rows of all components) of pieces within [`PIECE`].
fn pieces(tile: &GpuTile) -> impl Iterator<Item = (usize, usize, Range<usize>)> + use<> {
    let Shape { primes, components, rows, degree } = tile.shape;
    let (rows, chunks) = (components * rows, degree / tile.width);
    let step = (PIECE / (4 * tile.width as u64)).max(1) as usize;
    (0..primes * chunks).flat_map(move |i| {
        let range = move |start: usize| (i / chunks, i % chunks, start..rows.min(start + step));
        (0..rows).step_by(step).map(range)
    })
}
