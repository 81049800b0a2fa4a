//! The CPU side: rayon over slices and ciphertexts, SIMD within.

mod coefficients;
mod engine;
mod key;
mod linear;
mod matrix;
mod memory;
mod pool;
mod product;
mod scatter;
mod sums;
mod switch;
#[cfg(test)]
mod tests;
mod way;

pub use engine::CpuEngine;
pub use matrix::CpuMatrix;
