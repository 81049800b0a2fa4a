//! Memory between the kernels of one operation.

use super::GpuTile;
use super::context::{Buffer, Gpu};
use crate::device::DeviceError;
use crate::ring::Shape;
use std::collections::HashMap;
use std::sync::Arc;

/// Buffers that an operation fills and uses, kept for the next one, each for one use.
#[derive(Debug, Default)]
pub struct Scratch {
    buffers: HashMap<&'static str, (usize, Arc<Buffer>)>,
    /// A layer's sum on its way to being switched.
    sum: Option<GpuTile>,
    /// Some rows of it, where it does not lie in one piece.
    rows: Option<GpuTile>,
    /// Some rows modulo the primes of results.
    results: Option<GpuTile>,
}

impl Scratch {
    /// Takes the tile for a sum of these extents; [`Scratch::keep_sum`] brings it back.
    pub fn sum(&mut self, gpu: &Gpu, shape: Shape) -> Result<GpuTile, DeviceError> {
        tile(self.sum.take(), gpu, shape)
    }

    /// Keeps a sum's memory for the next one. Work on it may still be going on: what comes next
    /// waits for it.
    pub fn keep_sum(&mut self, sum: GpuTile) {
        self.sum = Some(sum);
    }

    /// Takes the tile for some rows of a sum; [`Scratch::keep_rows`] brings it back.
    pub fn rows(&mut self, gpu: &Gpu, shape: Shape) -> Result<GpuTile, DeviceError> {
        tile(self.rows.take(), gpu, shape)
    }

    /// As [`Scratch::keep_sum`].
    pub fn keep_rows(&mut self, rows: GpuTile) {
        self.rows = Some(rows);
    }

    /// Takes the tile for some rows modulo the primes of results; [`Scratch::keep_results`] brings it back.
    pub fn results(&mut self, gpu: &Gpu, shape: Shape) -> Result<GpuTile, DeviceError> {
        tile(self.results.take(), gpu, shape)
    }

    /// As [`Scratch::keep_sum`].
    pub fn keep_results(&mut self, rows: GpuTile) {
        self.results = Some(rows);
    }

    /// Gives all buffers back.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// A buffer of at least `words` words for this use.
    pub fn words(
        &mut self,
        gpu: &Gpu,
        what: &'static str,
        words: usize,
    ) -> Result<Arc<Buffer>, DeviceError> {
        if let Some((_, buffer)) = self.buffers.get(what).filter(|b| b.0 >= words) {
            return Ok(buffer.clone());
        }
        // The old one goes first, to make room.
        self.buffers.remove(what);
        let buffer = Arc::new(gpu.buffer(what, words)?);
        self.buffers.insert(what, (words, buffer.clone()));
        Ok(buffer)
    }
}

fn tile(kept: Option<GpuTile>, gpu: &Gpu, shape: Shape) -> Result<GpuTile, DeviceError> {
    kept.map_or_else(|| GpuTile::new(gpu, shape), |tile| tile.reshaped(gpu, shape))
}
