//! The linear layer: squares where they are asked for, then modular matrix products, slice by
//! slice. A slice is one prime and some columns of every polynomial.

use super::context::{Buffer, MAX_GROUPS};
use super::pipelines::Variant;
use super::recording::Recording;
use super::scratch::Scratch;
use super::tables::{Prime, Tables};
use super::{GpuMatrix, GpuTile, Kernel};
use crate::device::DeviceError;
use crate::ring::Shape;

/// Threads of a workgroup of kernels that work residue by residue, four residues each.
pub const THREADS: usize = 64;

/// Bytes of squares that are computed before they are used, and of one slice's: enough slices at
/// once to fill a large GPU.
const SQUARES: usize = 256 << 20;
const SQUARES_OF_SLICE: usize = 64 << 20;

/// One summand of a layer.
pub struct Summand<'a> {
    pub tile: &'a GpuTile,
    pub matrix: &'a GpuMatrix,
}

impl Summand<'_> {
    /// Rows that are squared.
    fn squares(&self) -> usize {
        self.matrix.support.as_ref().map_or(0, |s| s.1)
    }
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
    source_rows: u32,
    source_width: u32,
    source_column: u32,
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
    result_row: u32,
    pad: [u32; 3],
}

/// The squares of `width` columns of the `count` rows listed, ciphertexts of two components, into a
/// buffer `[3][count][width]`.
pub fn square(
    rec: &mut Recording<'_>,
    prime: Prime,
    source: Columns<'_>,
    (list, count): (&Buffer, usize),
    width: usize,
    result: &Buffer,
) -> Result<(), DeviceError> {
    let variant = pointwise(Kernel::Square);
    let across = (width / 4).div_ceil(THREADS);
    for first in (0..count).step_by(MAX_GROUPS) {
        let params = SquareParams {
            prime,
            rows: count as u32,
            first: first as u32,
            width: width as u32 / 4,
            source_rows: source.rows as u32,
            source_width: source.width as u32 / 4,
            source_column: source.column as u32 / 4,
        };
        let rows = (count - first).min(MAX_GROUPS);
        rec.dispatch(&variant, &params, &[list, source.buffer, result], [across, rows, 1])?;
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
    /// The row of the result that output 0 is.
    pub row: usize,
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
            result_row: product.row as u32,
            pad: [0; 3],
        };
        let down = (matrix.jobs - first).min(MAX_GROUPS);
        let groups = [across, down, product.components];
        rec.dispatch(&matrix.variant, &params, &buffers, groups)?;
    }
    Ok(())
}

/// Σ matrix·tile + bias, of extents `shape`, into the rows of `out` from `row` on, or added to them.
/// Extents have been checked.
pub fn linear(
    rec: &mut Recording<'_>,
    tables: &Tables,
    scratch: &mut Scratch,
    terms: &[Summand<'_>],
    bias: &Buffer,
    shape: Shape,
    (out, row): (&GpuTile, usize),
    onto: bool,
) -> Result<(), DeviceError> {
    let gpu = rec.gpu();
    let mut width = terms.iter().map(|t| t.tile.width).fold(out.width, usize::min);
    let squared = terms.iter().map(Summand::squares).max().unwrap_or(0);
    let share = SQUARES.min(usize::try_from(gpu.scratch_share()).unwrap_or(SQUARES));
    let limit = (gpu.largest_buffer() as usize).min(SQUARES_OF_SLICE).min(share);
    while 12 * squared * width > limit && width > 4 {
        width /= 2;
    }
    let columns = (0..shape.degree).step_by(width);
    let slices: Vec<(usize, usize)> =
        (0..shape.primes).flat_map(|prime| columns.clone().map(move |c| (prime, c))).collect();
    let at_once = (share / (12 * squared * width).max(1)).clamp(1, slices.len());
    let slots = if squared > 0 { at_once } else { 0 };
    let squares = scratch.slots(gpu, "squares of a slice", slots, 3 * squared * width)?;
    for slices in slices.chunks(at_once) {
        let mut written = if onto { shape.components } else { 0 };
        for (i, t) in terms.iter().enumerate() {
            // Kernels of one kind in a row: nothing makes them wait for each other.
            if let Some((list, count)) = &t.matrix.support {
                for (&(prime, column), squares) in slices.iter().zip(&squares) {
                    let source = slice(t.tile, prime, column);
                    let rows = (list, *count);
                    square(rec, tables.primes[prime], source, rows, width, squares)?;
                }
            }
            let squared = t.matrix.operator.squared;
            let components = if squared { 3 } else { t.tile.shape.components };
            for (slot, &(prime, column)) in slices.iter().enumerate() {
                let mut source = slice(t.tile, prime, column);
                if let Some(squares) = squares.get(slot).filter(|_| squared) {
                    source = Columns { buffer: squares, rows: t.squares(), width, column: 0 };
                }
                let target = slice(out, prime, column);
                let bias_at = (i == 0).then_some(prime * shape.rows);
                let product = Product { width, components, written, bias: bias_at, row };
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
