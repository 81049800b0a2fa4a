//! The linear layer: squares where they are asked for, then modular matrix products, slice by
//! slice. A slice is one prime and some columns of every polynomial.

use super::context::{Buffer, MAX_GROUPS};
use super::pipelines::Variant;
use super::recording::Recording;
use super::scratch::Scratch;
use super::tables::{Prime, Tables};
use super::{GpuMatrix, GpuTile, Kernel};
use crate::device::DeviceError;

/// Threads of a workgroup of kernels that work residue by residue, four residues each.
pub const THREADS: usize = 64;

/// Bytes of squares that are computed before they are used, and of one slice's: enough slices at
/// once to fill a large GPU.
const SQUARES: usize = 256 << 20;
const SQUARES_OF_SLICE: usize = 64 << 20;

/// One summand of a layer.
pub struct Summand<'a> {
    pub tile: &'a GpuTile,
    pub squared: bool,
    pub matrix: &'a GpuMatrix,
}

/// A variant of a kernel that works residue by residue.
pub fn pointwise(kernel: Kernel) -> Variant {
    Variant::new(kernel, &[("THREADS", THREADS as u32)])
}

/// Some columns of all rows of one prime in a buffer `[component][row][width]`, all in residues.
#[derive(Clone, Copy)]
pub struct Columns<'a> {
    pub buffer: &'a Buffer,
    pub rows: usize,
    /// Columns of the buffer.
    pub width: usize,
    /// The first column meant.
    pub column: usize,
}

/// `Params` of `shaders/square.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct SquareParams {
    prime: Prime,
    rows: u32,
    first: u32,
    width: u32,
    source_width: u32,
    source_column: u32,
    pad: u32,
}

/// `Params` of `shaders/matmul.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct MatmulParams {
    prime: Prime,
    width: u32,
    source_width: u32,
    source_rows: u32,
    source_column: u32,
    result_width: u32,
    result_rows: u32,
    result_column: u32,
    first: u32,
    written: u32,
    bound: u32,
    biased: u32,
    bias: u32,
}

/// The squares of `width` columns of ciphertexts of two components, into a buffer of that width.
pub fn square(
    rec: &mut Recording<'_>,
    prime: Prime,
    source: Columns<'_>,
    width: usize,
    result: &Buffer,
) -> Result<(), DeviceError> {
    let variant = pointwise(Kernel::Square);
    let across = (width / 4).div_ceil(THREADS);
    for first in (0..source.rows).step_by(MAX_GROUPS) {
        let params = SquareParams {
            prime,
            rows: source.rows as u32,
            first: first as u32,
            width: width as u32 / 4,
            source_width: source.width as u32 / 4,
            source_column: source.column as u32 / 4,
            pad: 0,
        };
        let rows = (source.rows - first).min(MAX_GROUPS);
        rec.dispatch(&variant, &params, &[source.buffer, result], [across, rows, 1])?;
    }
    Ok(())
}

/// How much of a product is computed, and what is done with the result.
#[derive(Clone, Copy)]
pub struct Product {
    /// Columns to compute.
    pub width: usize,
    /// Components to compute.
    pub components: usize,
    /// Components of the result that are added to; the others are overwritten.
    pub written: usize,
    /// Where the bias of component 0 starts, if there is one.
    pub bias: Option<usize>,
}

/// Some columns of matrix·source.
pub fn matmul(
    rec: &mut Recording<'_>,
    prime: Prime,
    matrix: &GpuMatrix,
    product: Product,
    bias: &Buffer,
    source: Columns<'_>,
    result: Columns<'_>,
) -> Result<(), DeviceError> {
    let [jobs, columns, rows, weights] = &matrix.buffers;
    let buffers = [jobs, columns, rows, weights, bias, source.buffer, result.buffer];
    let across = (product.width / 4).div_ceil(matrix.across);
    for first in (0..matrix.jobs).step_by(MAX_GROUPS) {
        let params = MatmulParams {
            prime,
            width: product.width as u32 / 4,
            source_width: source.width as u32 / 4,
            source_rows: source.rows as u32,
            source_column: source.column as u32 / 4,
            result_width: result.width as u32 / 4,
            result_rows: result.rows as u32,
            result_column: result.column as u32 / 4,
            first: first as u32,
            written: product.written as u32,
            bound: matrix.bound,
            biased: product.bias.is_some().into(),
            bias: product.bias.unwrap_or(0) as u32,
        };
        let down = (matrix.jobs - first).min(MAX_GROUPS);
        let groups = [across, down, product.components];
        rec.dispatch(&matrix.variant, &params, &buffers, groups)?;
    }
    Ok(())
}

/// Σ matrix·tile + bias, into `out`. Extents have been checked.
pub fn linear(
    rec: &mut Recording<'_>,
    tables: &Tables,
    scratch: &mut Scratch,
    terms: &[Summand<'_>],
    bias: &Buffer,
    out: &GpuTile,
) -> Result<(), DeviceError> {
    let gpu = rec.gpu();
    let mut width = terms.iter().map(|t| t.tile.width).fold(out.width, usize::min);
    let squared = terms.iter().filter(|t| t.squared).map(|t| t.tile.shape.rows).max().unwrap_or(0);
    let share = SQUARES.min(usize::try_from(gpu.scratch_share()).unwrap_or(SQUARES));
    let limit = (gpu.largest_buffer() as usize).min(SQUARES_OF_SLICE).min(share);
    while 12 * squared * width > limit && width > 4 {
        width /= 2;
    }
    let columns = (0..out.shape.degree).step_by(width);
    let slices: Vec<(usize, usize)> =
        (0..out.shape.primes).flat_map(|prime| columns.clone().map(move |c| (prime, c))).collect();
    let at_once = (share / (12 * squared * width).max(1)).clamp(1, slices.len());
    let slots = if terms.iter().any(|t| t.squared) { at_once } else { 0 };
    let squares = scratch.slots(gpu, "squares of a slice", slots, 3 * squared * width)?;
    for slices in slices.chunks(at_once) {
        let mut written = 0;
        for (i, t) in terms.iter().enumerate() {
            // Kernels of one kind in a row: nothing makes them wait for each other.
            if t.squared {
                for (&(prime, column), squares) in slices.iter().zip(&squares) {
                    let source = slice(t.tile, prime, column);
                    square(rec, tables.primes[prime], source, width, squares)?;
                }
            }
            let components = if t.squared { 3 } else { t.tile.shape.components };
            for (slot, &(prime, column)) in slices.iter().enumerate() {
                let mut source = slice(t.tile, prime, column);
                if t.squared {
                    source = Columns { buffer: &squares[slot], width, column: 0, ..source };
                }
                let target = slice(out, prime, column);
                let bias_at = (i == 0).then_some(prime * out.shape.rows);
                let product = Product { width, components, written, bias: bias_at };
                let constants = tables.primes[prime];
                matmul(rec, constants, t.matrix, product, bias, source, target)?;
            }
            written = written.max(components);
        }
    }
    Ok(())
}

/// The chunk of a tile that holds a column.
fn slice(tile: &GpuTile, prime: usize, column: usize) -> Columns<'_> {
    Columns {
        buffer: &tile.chunks[prime][column / tile.width],
        rows: tile.shape.rows,
        width: tile.width,
        column: column % tile.width,
    }
}
