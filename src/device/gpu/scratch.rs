//! Memory between the kernels of one operation.

use super::context::{Buffer, Gpu};
use crate::device::DeviceError;
use std::collections::HashMap;
use std::sync::Arc;

/// Buffers that an operation fills and uses, kept for the next one: for each use some slots, so
/// that kernels that could run side by side do not wait for each other.
#[derive(Debug, Default)]
pub struct Scratch {
    buffers: HashMap<(&'static str, usize), (usize, Arc<Buffer>)>,
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

    /// Gives all buffers back.
    pub fn clear(&mut self) {
        self.buffers.clear();
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
