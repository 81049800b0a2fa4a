//! c₁ of fresh ciphertexts, drawn on the device.

use super::context::{Buffer, MAX_GROUPS};
use super::pipelines::Variant;
use super::recording::Recording;
use super::{GpuTile, Kernel};
use crate::device::DeviceError;
use crate::ring::Basis;
use crate::scheme::Seed;

/// Threads of a workgroup, each with a block of 16 words: some three rounds for N = 4096.
pub const THREADS: usize = 128;

/// `Params` of `shaders/expand.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Params {
    seed: [u32; 8],
    p: u32,
    mask: u32,
    prime: u32,
    degree: u32,
    column: u32,
    width: u32,
    place: u32,
    first: u32,
}

/// Component 1 of the rows numbered by `order`, to be row `at` of a tile of two components and those after it.
pub fn expand(
    rec: &mut Recording<'_>,
    basis: &Basis,
    seed: &Seed,
    (order, count): (&Buffer, usize),
    into: &GpuTile,
    at: usize,
) -> Result<(), DeviceError> {
    let variant = Variant::new(Kernel::Expand, &[("THREADS", THREADS as u32)]);
    let mut words = [0; 8];
    for (word, bytes) in words.iter_mut().zip(seed.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    for prime in 0..into.shape.primes {
        let p = basis.modulus(prime).value();
        for (chunk, buffer) in into.chunks[prime].iter().enumerate() {
            for first in (0..count).step_by(MAX_GROUPS) {
                let params = Params {
                    seed: words,
                    p,
                    mask: p.next_power_of_two() - 1,
                    prime: prime as u32,
                    degree: into.shape.degree as u32,
                    column: (chunk * into.width) as u32,
                    width: into.width as u32,
                    place: (into.shape.rows + at) as u32,
                    first: first as u32,
                };
                let groups = [(count - first).min(MAX_GROUPS), 1, 1];
                rec.dispatch(&variant, &params, &[order, buffer], groups)?;
            }
        }
    }
    Ok(())
}
