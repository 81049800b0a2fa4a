//! Memory between the kernels of one operation.

use super::GpuTile;
use super::context::{Buffer, Gpu};
use crate::device::DeviceError;
use crate::ring::Shape;
use std::collections::HashMap;
use std::sync::Arc;

/// Buffers that an operation fills and uses, kept for the next one: for each use some slots, so
/// that kernels that could run side by side do not wait for each other.
#[derive(Debug, Default)]
pub struct Scratch {
    buffers: HashMap<(&'static str, usize), (usize, Arc<Buffer>)>,
    /// A layer's sum on its way to being switched.
    sum: Option<GpuTile>,
}

impl Scratch {
    /// `slots` buffers of at least `words` words each.
    pub fn slots(
        &mut self,
        gpu: &Gpu,
        what: &'static str,
        slots: usize,
        words: usize,
    ) -> Result<Vec<Arc<Buffer>>, DeviceError> {
        (0..slots).map(|slot| self.words(gpu, (what, slot), words)).collect()
    }

    /// Takes the tile for a sum of these extents; [`Scratch::keep`] brings it back.
    pub fn sum(&mut self, gpu: &Gpu, shape: Shape) -> Result<GpuTile, DeviceError> {
        match self.sum.take() {
            Some(tile) => tile.reshaped(gpu, shape),
            None => GpuTile::new(gpu, shape),
        }
    }

    /// Keeps a sum's memory for the next one. Work on it may still be going on: what comes next
    /// waits for it.
    pub fn keep(&mut self, sum: GpuTile) {
        self.sum = Some(sum);
    }

    /// Gives all buffers back.
    pub fn clear(&mut self) {
        self.buffers.clear();
        self.sum = None;
    }

    fn words(
        &mut self,
        gpu: &Gpu,
        key: (&'static str, usize),
        words: usize,
    ) -> Result<Arc<Buffer>, DeviceError> {
        if let Some((_, buffer)) = self.buffers.get(&key).filter(|b| b.0 >= words) {
            return Ok(buffer.clone());
        }
        // The old one goes first, to make room.
        self.buffers.remove(&key);
        let buffer = Arc::new(gpu.buffer(key.0, words)?);
        self.buffers.insert(key, (words, buffer.clone()));
        Ok(buffer)
    }
}
