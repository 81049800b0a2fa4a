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
    /// Sizes and forms of kernels, where they are to be others than what suits the device.
    pub tuning: Tuning,
    /// The device is destroyed after so many submissions: how tests see what becomes of the work.
    pub fault: Option<u64>,
    /// A change to one shader. Patched shaders are always checked.
    pub patch: Option<Patch>,
}

/// How a product's sums are held: `shaders/lib/sum_*.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// Two multiply-adds of 16-bit halves a term, everywhere.
    Halves,
    /// One multiply-add of 64 bits a term, where there are 64-bit integers.
    Wide,
    /// Dot products of four bytes: one a term and digit of the weight, which have one digit up to 127 and
    /// two up to 32,639.
    Dot,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Halves, Self::Wide, Self::Dot];
}

/// What is measured to choose it. `None` is what the device's limits and the matrices suggest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
    /// The form of every product that can take it.
    pub form: Option<Form>,
    /// Vectors of four outputs that a thread of a product holds: 1 or 2.
    pub vectors: Option<u32>,
    /// Input rows of a round of a product, a multiple of four.
    pub depth: Option<u32>,
    /// Threads of a product's workgroup at most.
    pub product_threads: Option<usize>,
    /// Threads of a transform's workgroup at most.
    pub transform_threads: Option<usize>,
    /// Bytes of sums that are computed together.
    pub grain: Option<u64>,
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
