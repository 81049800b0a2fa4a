//! How an adapter is opened. The defaults are right for use; the rest is for tests and experiments.

use super::{Kernel, Prelude};

/// Settings of [`GpuEngine::open_with`](super::GpuEngine::open_with).
#[derive(Clone, Debug, Default)]
pub struct GpuOptions {
    /// Wide arithmetic. By default 64-bit integers where the adapter has them.
    pub prelude: Option<Prelude>,
    /// Which limits are asked for.
    pub limits: LimitSet,
    /// Whether shaders check their bounds. They are written not to need it.
    pub checked: bool,
    /// Bytes that may be allocated on the device. By default nine tenths of its memory, where that
    /// is known.
    pub memory: Option<u64>,
    /// The largest buffer, where it shall be smaller than the adapter's largest.
    pub largest_buffer: Option<u64>,
    /// Bytes of workgroup memory that transforms may take, where it shall be less than the limit.
    pub workgroup_memory: Option<u32>,
    /// A change to one shader. Patched shaders are always checked.
    pub patch: Option<Patch>,
}

/// Limits to ask an adapter for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitSet {
    /// All that the adapter has.
    #[default]
    Adapter,
    /// What every WebGPU adapter has.
    WebGpu,
}

/// Replaces a piece of a shader's text: how tests break a kernel to see that they notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// The shader.
    pub kernel: Kernel,
    /// What is replaced; it must occur.
    pub from: &'static str,
    /// By what.
    pub to: &'static str,
}
