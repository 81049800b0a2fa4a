//! When and where: runs a program on an engine within a memory budget, ciphertexts resident from the
//! first layer to the last.
//!
//! From the inside out: `stages` are a program's steps, wide sums in parts; `inline` leaves out those that
//! their readers can make themselves; `order` says in which order their rows are asked for; `layout` cuts
//! values into chunks, orders them depth first and gives each its place; [`Runner`] runs them.

mod inline;
mod lanes;
mod layout;
mod order;
mod recorder;
mod runner;
mod stages;
#[cfg(test)]
mod tests;
mod timing;
pub mod trace;

pub use runner::Runner;
pub use timing::Timing;

#[cfg(feature = "gpu")]
use crate::device::gpu::{GpuEngine, GpuOptions};
use crate::device::{Device, DeviceError, Traffic, cpu::CpuEngine};
use crate::plan::Plan;
use crate::ring::Tile;
use crate::scheme::{RelinKey, SeededTile};
use trace::Span;

/// What a server needs of a runner, whatever its engine.
pub trait Evaluate: Send + Sync {
    /// The engine's name.
    fn device(&self) -> String;

    /// Bytes of ciphertexts of one batch on the device, at the most.
    fn memory(&self) -> u64;

    /// How many batches are evaluated at a time; more wait.
    fn lanes(&self) -> usize;

    /// What has crossed to the device and back.
    fn traffic(&self) -> Traffic;

    /// Begins or ends to record where time goes: chunks of layers, and kernels where the device has a clock.
    /// What is recorded runs one after another, and takes longer.
    fn record(&self, on: bool);

    /// What has been recorded.
    fn spans(&self) -> Vec<Span>;

    /// Evaluates one batch; `progress` is called with each layer's index when it is done.
    ///
    /// # Errors
    /// [`DeviceError`] where the batch does not fit the program, or the device failed.
    fn evaluate(
        &self,
        batch: &SeededTile,
        progress: &mut dyn FnMut(usize),
    ) -> Result<(Tile, Timing), DeviceError>;
}

/// Opens a device for a plan, to take at most `memory` bytes for the ciphertexts of a batch.
///
/// # Errors
/// [`DeviceError`] where the key is not of this plan, or the device is missing or too small.
pub fn open(
    device: &Device,
    plan: &Plan,
    key: Option<&RelinKey>,
    memory: Option<u64>,
) -> Result<Box<dyn Evaluate>, DeviceError> {
    let params = plan.parameters();
    let program = plan.shared_program();
    if program.needs_relin_key() && key.is_none() {
        return Err(DeviceError::NoKey);
    }
    Ok(match device {
        Device::Cpu => {
            Box::new(Runner::new(CpuEngine::open(params, key)?, params, program, memory)?)
        }
        #[cfg(feature = "gpu")]
        Device::Gpu(adapter) => {
            let device = Device::GpuWith(adapter.clone(), GpuOptions::default());
            return open(&device, plan, key, memory);
        }
        #[cfg(feature = "gpu")]
        Device::GpuWith(adapter, options) => {
            let engine = GpuEngine::open_with(adapter, params, key, options)?;
            Box::new(Runner::new(engine, params, program, memory)?)
        }
    })
}

/// Bytes that the ciphertexts of one batch of a plan take on the processor, at the most, where they
/// may take `memory`: what [`Evaluate::memory`] says of the runner, without keys and weights.
///
/// # Errors
/// [`DeviceError::Memory`] where they do not fit, with what they need.
pub fn memory(plan: &Plan, memory: Option<u64>) -> Result<u64, DeviceError> {
    let params = plan.parameters();
    let engine = CpuEngine::open(params, None)?;
    let (_, layout) = runner::fitting(&engine, params, plan.program(), memory)?;
    Ok(layout.bytes)
}
