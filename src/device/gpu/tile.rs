//! Residues on the device: for each prime, buffers of some columns of all polynomials.

use super::context::{Buffer, Gpu};
use super::recording::Recording;
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
    /// `[prime][chunk]`. Where the tile took over a larger one's memory they are more and longer than
    /// the shape says.
    pub(super) chunks: Vec<Vec<Buffer>>,
}

impl GpuTile {
    /// A tile of unspecified residues.
    pub(super) fn new(gpu: &Gpu, shape: Shape) -> Result<Self, DeviceError> {
        let width = width(gpu, shape)?;
        let words = shape.components * shape.rows * width;
        let buffer = |_| gpu.buffer("a tile of ciphertexts", words);
        let chunks = |_| (0..shape.degree / width).map(buffer).collect();
        let chunks = (0..shape.primes).map(chunks).collect::<Result<_, _>>()?;
        Ok(Self { shape, width, chunks })
    }

    /// A tile of unspecified residues in the memory of this one, where it is large enough.
    pub(super) fn reshaped(self, gpu: &Gpu, shape: Shape) -> Result<Self, DeviceError> {
        let bytes = 4 * (shape.components * shape.rows * self.width) as u64;
        let fits = self.shape.degree == shape.degree
            && self.chunks.len() >= shape.primes
            && self.chunks.iter().flatten().all(|b| b.size >= bytes);
        if fits {
            return Ok(Self { shape, ..self });
        }
        // The old memory goes first, to make room.
        drop(self);
        Self::new(gpu, shape)
    }

    /// Copies rows `first` and those after it, `count` of them, of the first primes and components of
    /// `extents`, to row `at` of another tile and those after it.
    pub fn copy_to(
        &self,
        rec: &mut Recording<'_>,
        extents: Shape,
        first: usize,
        count: usize,
        into: &Self,
        at: usize,
    ) {
        let width = self.width.min(into.width);
        // Rows lie side by side in both where their widths agree.
        let step = if self.width == into.width { count.max(1) } else { 1 };
        for (prime, component) in
            (0..extents.primes).flat_map(|prime| (0..extents.components).map(move |c| (prime, c)))
        {
            for row in (0..count).step_by(step) {
                for column in (0..extents.degree).step_by(width) {
                    let place = |tile: &Self, row: usize| {
                        (component * tile.shape.rows + row) * tile.width + column % tile.width
                    };
                    let from = &self.chunks[prime][column / self.width];
                    let to = &into.chunks[prime][column / into.width];
                    let words = step * width;
                    rec.copy((from, place(self, first + row)), (to, place(into, at + row)), words);
                }
            }
        }
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
