//! The GPU side: any adapter that wgpu reaches, through the kernels in `shaders/`.
//!
//! From the outside in: [`GpuEngine`] implements the trait; `linear` and `switch` say which kernels
//! an operation runs on which buffers, `form` in which sizes; `recording` collects those and submits
//! them; `pipelines` compiles shaders when they are first wanted, whose text `shaders` and `unroll`
//! make; `context` is the open device, its memory budget and its errors. Tiles stay on the device
//! between upload and download.

mod adapter;
mod calibration;
mod context;
mod engine;
mod expand;
mod form;
mod kernels;
mod linear;
mod matrix;
mod options;
mod pipelines;
mod probe;
mod recording;
mod scratch;
mod shaders;
mod steps;
mod stopwatch;
mod switch;
mod tables;
#[cfg(test)]
mod tests;
mod tile;
mod transfer;
mod transform;
mod unroll;

pub use adapter::{Adapter, AdapterKind};
pub use engine::GpuEngine;
pub use kernels::{Factor, Kernels, POISON};
pub use matrix::GpuMatrix;
pub use options::{Form, GpuOptions, LimitSet, Patch, Tuning};
pub use probe::{Operation, Probe};
pub use shaders::{Kernel, Prelude};
pub use tile::GpuTile;
pub use transform::Job;
pub use unroll::Constant;
