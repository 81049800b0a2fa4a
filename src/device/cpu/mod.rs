//! The CPU side: rayon over slices and ciphertexts, SIMD within.

mod engine;
mod linear;
mod matrix;
mod memory;
mod pool;
mod product;
mod scatter;
mod sum;
mod switch;
#[cfg(test)]
mod tests;

pub use engine::CpuEngine;
pub use matrix::CpuMatrix;
