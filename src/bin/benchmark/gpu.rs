//! The GPU: its card, and what it gives at most.

use crate::ceilings::{Ceilings, block};
use crate::options::Options;
use cipherbatch::device::DeviceError;
use cipherbatch::device::gpu::{Adapter, GpuEngine, Operation};
use cipherbatch::scheme::Parameters;
use serde::Serialize;
use std::fmt;

/// An adapter, with the limits that kernels' sizes come from.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    pub name: String,
    /// "discrete", "integrated", "virtual", "other", "software".
    pub kind: String,
    pub backend: &'static str,
    pub driver: String,
    /// `None` where the driver does not tell.
    pub memory_bytes: Option<u64>,
    pub has_64_bit_integers: bool,
    pub workgroup_memory_bytes: u64,
    pub workgroup_threads: u64,
    pub largest_buffer_bytes: u64,
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {}), driver {}", self.name, self.kind, self.backend, self.driver.trim())
    }
}

/// The adapter asked for.
///
/// # Errors
/// Where there is none.
pub fn adapter(options: &Options) -> Result<Adapter, DeviceError> {
    options.adapter.as_deref().map_or_else(Adapter::any, Adapter::named)
}

/// An adapter's card and ceilings.
///
/// # Errors
/// Where it fails.
pub fn card(
    adapter: &Adapter,
    params: &Parameters,
    options: &Options,
) -> Result<(Card, Ceilings), DeviceError> {
    let engine = GpuEngine::open(adapter, params, None)?;
    let [workgroup_memory_bytes, workgroup_threads, largest_buffer_bytes] = engine.limits();
    let card = Card {
        name: adapter.name().into(),
        kind: adapter.kind().to_string(),
        backend: adapter.backend(),
        driver: adapter.driver(),
        memory_bytes: adapter.memory(),
        has_64_bit_integers: adapter.has_u64(),
        workgroup_memory_bytes,
        workgroup_threads,
        largest_buffer_bytes,
    };
    let probe = engine.probe(options.least());
    let [workgroups, rounds] = options.pick([16_384, 1024], [64, 64]);
    let words = probe.operations(Operation::MultiplyAdd, workgroups, rounds as u32)?;
    let product = |squared| probe.product(&block(), squared, None);
    let ceilings = Ceilings {
        multiply_adds_per_second: product(false)?.max(product(true)?),
        bytes_per_second: probe.copy(options.copied().min(largest_buffer_bytes as usize))?,
        word_multiply_adds_per_second: Some(words),
    };
    Ok((card, ceilings))
}
