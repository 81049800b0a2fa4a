//! Residues in and out, in pieces.

use super::context::Gpu;
use super::tile::GpuTile;
use crate::device::DeviceError;
use crate::ring::{Shape, Tile};
use std::ops::Range;
use std::sync::mpsc;

/// Bytes that travel at once: a share of what the driver keeps for staging.
const PIECE: u64 = 32 << 20;

/// Pieces on their way up before the queue is waited for.
const IN_FLIGHT: usize = 4;

/// A tile's residues, onto the device.
pub fn upload(gpu: &Gpu, tile: &Tile) -> Result<GpuTile, DeviceError> {
    gpu.guarded(|| {
        let shape = tile.shape();
        let out = GpuTile::new(gpu, shape)?;
        let mut packed = Vec::new();
        let mut sent = 0;
        for (prime, chunk, rows) in pieces(&out) {
            let words = if out.width == shape.degree {
                &tile.prime(prime)[rows.start * out.width..rows.end * out.width]
            } else {
                packed.clear();
                let columns = chunk * out.width..(chunk + 1) * out.width;
                for row in rows.clone() {
                    packed.extend_from_slice(&polynomial(shape, tile, prime, row)[columns.clone()]);
                }
                &packed[..]
            };
            let at = 4 * (rows.start * out.width) as u64;
            let buffer = &out.chunks[prime][chunk].raw;
            gpu.queue.write_buffer(buffer, at, bytemuck::cast_slice(words));
            gpu.queue.submit([]);
            sent += 1;
            if sent % IN_FLIGHT == 0 {
                gpu.wait()?;
            }
        }
        Ok(out)
    })
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
    gpu.queue.submit([encoder.finish()]);
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

fn polynomial(shape: Shape, tile: &Tile, prime: usize, row: usize) -> &[u32] {
    tile.poly(prime, row / shape.rows, row % shape.rows)
}
