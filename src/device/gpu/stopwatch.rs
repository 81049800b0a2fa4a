//! When kernels ran, by the device's own clock, where it has one.

use super::Kernel;
use super::context::{Buffer, Gpu};
use super::transfer;
use crate::device::{DeviceError, Took};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The kernels of a submission, and where their ticks will be.
type Run = (Vec<Kernel>, Buffer);

/// Kernels of submissions, with the ticks at which each began and ended.
#[derive(Debug, Default)]
pub struct Stopwatch {
    /// `None` while nobody asks.
    pending: Mutex<Option<Vec<Run>>>,
}

/// The ticks of one submission.
pub struct Ticks {
    kernels: Vec<Kernel>,
    queries: wgpu::QuerySet,
}

impl Stopwatch {
    fn pending(&self) -> MutexGuard<'_, Option<Vec<Run>>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins or ends to look.
    pub fn look(&self, on: bool) {
        *self.pending() = on.then(Vec::new);
    }

    /// Ticks for the kernels of a submission, where somebody looks and the device has a clock.
    pub fn start(&self, gpu: &Gpu, kernels: Vec<Kernel>) -> Option<Ticks> {
        let has_clock = gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        if kernels.is_empty() || !has_clock || self.pending().is_none() {
            return None;
        }
        let queries = gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("when kernels ran"),
            ty: wgpu::QueryType::Timestamp,
            count: 2 * kernels.len() as u32,
        });
        Some(Ticks { kernels, queries })
    }

    /// Takes what a submission's ticks will be.
    pub fn stop(
        &self,
        gpu: &Gpu,
        encoder: &mut wgpu::CommandEncoder,
        ticks: Ticks,
    ) -> Result<(), DeviceError> {
        use wgpu::BufferUsages as U;
        let count = 2 * ticks.kernels.len();
        let buffer = gpu.allocate("when kernels ran", 2 * count, U::QUERY_RESOLVE | U::COPY_SRC)?;
        encoder.resolve_query_set(&ticks.queries, 0..count as u32, &buffer.raw, 0);
        if let Some(pending) = &mut *self.pending() {
            pending.push((ticks.kernels, buffer));
        }
        Ok(())
    }

    /// What has run since the last time, from the first beginning on.
    pub fn take(&self, gpu: &Gpu) -> Result<Vec<Took>, DeviceError> {
        let runs = self.pending().as_mut().map(std::mem::take).unwrap_or_default();
        let period = f64::from(gpu.queue.get_timestamp_period());
        let mut spans = Vec::new();
        for (kernels, buffer) in runs {
            transfer::read(gpu, &buffer.raw, 0, 4 * kernels.len(), |words| {
                let tick = |i: usize| u64::from(words[2 * i + 1]) << 32 | u64::from(words[2 * i]);
                let of = |(i, k): (usize, &Kernel)| (k.name(), tick(2 * i), tick(2 * i + 1));
                spans.extend(kernels.iter().enumerate().map(of));
            })?;
        }
        let first = spans.iter().map(|s| s.1).min().unwrap_or(0);
        let after = |from: u64, to: u64| {
            Duration::from_secs_f64(to.saturating_sub(from) as f64 * period * 1e-9)
        };
        let took = |(name, start, end): (&'static str, u64, u64)| Took {
            name,
            start: after(first, start),
            length: after(start, end),
        };
        Ok(spans.into_iter().map(took).collect())
    }
}

impl Ticks {
    /// The ticks of kernel number `i`, to be written around a pass that is its own.
    pub fn around(&self, i: usize) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(2 * i as u32),
            end_of_pass_write_index: Some(2 * i as u32 + 1),
        }
    }
}
