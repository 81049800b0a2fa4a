//! Residues on the device: for each prime, buffers of some columns of all polynomials.

use super::context::{Buffer, Gpu};
use crate::device::DeviceError;
use crate::ring::Shape;

/// A tile where the GPU works.
///
/// Each prime has N/`width` buffers `[component][row][width]`, one in the common case. Only where a
/// prime's residues exceed the largest buffer are its columns cut.
#[derive(Debug)]
pub struct GpuTile {
    pub(super) shape: Shape,
    pub(super) width: usize,
    /// `[prime][chunk]`. After a key switch they may be longer than the shape says.
    pub(super) chunks: Vec<Vec<Buffer>>,
}

impl GpuTile {
    /// A tile of unspecified residues.
    pub fn new(gpu: &Gpu, shape: Shape) -> Result<Self, DeviceError> {
        let width = width(gpu, shape)?;
        let words = shape.components * shape.rows * width;
        let buffer = |_| gpu.buffer("a tile of ciphertexts", words);
        let chunks = |_| (0..shape.degree / width).map(buffer).collect();
        let chunks = (0..shape.primes).map(chunks).collect::<Result<_, _>>()?;
        Ok(Self { shape, width, chunks })
    }
}

/// The widest power of two of columns with which a prime's chunk is a buffer. At least four, what
/// kernels read at once.
fn width(gpu: &Gpu, shape: Shape) -> Result<usize, DeviceError> {
    let bytes = |width: usize| 4 * (shape.components * shape.rows * width) as u64;
    let mut width = shape.degree;
    while bytes(width) > gpu.largest_buffer() && width > 4 {
        width /= 2;
    }
    if bytes(width) > gpu.largest_buffer() {
        return Err(gpu.too_large("four columns of a tile", bytes(width), gpu.largest_buffer()));
    }
    Ok(width)
}
