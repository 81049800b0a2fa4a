//! Each shader against its CPU twin and the naive oracle, integer for integer; then whole engines
//! against the definitions.
//!
//! Every check runs on both preludes, on the limits of WebGPU, with and without bounds checks; and
//! on a deliberately broken shader, which it must catch. Results are poisoned before a kernel runs.

mod engines;
mod expand;
mod harness;
mod matmul;
mod network;
mod residency;
mod results;
mod switches;
mod text;
mod transforms;
