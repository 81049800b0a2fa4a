//! The linear layer: modular matrix products, prime by prime. Where rows are squared first, the kernel does that
//! as it reads them.

use super::context::{Buffer, MAX_GROUPS};
use super::recording::Recording;
use super::tables::Prime;
use super::{GpuMatrix, GpuTile};
use crate::device::DeviceError;
use crate::ring::Shape;

/// One summand of a layer.
pub struct Summand<'a> {
    pub tile: &'a GpuTile,
    pub matrix: &'a GpuMatrix,
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

/// `Params` of `shaders/matmul.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Params {
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

/// How much of a product is computed, and what is done with the result.
#[derive(Clone, Copy)]
pub struct Product {
    /// Columns to compute.
    pub width: usize,
    /// Components of the result.
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
    let across = (product.width / 4).div_ceil(matrix.sizes.across);
    for first in (0..matrix.jobs).step_by(MAX_GROUPS) {
        let params = Params {
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
            bound: matrix.sizes.bound,
            biased: product.bias.is_some().into(),
            bias: product.bias.unwrap_or(0) as u32,
            result_row: product.row as u32,
            pad: [0; 3],
        };
        let jobs = (matrix.jobs - first).min(MAX_GROUPS);
        let groups = [jobs, across, product.components / matrix.sizes.components];
        rec.dispatch(&matrix.variant, &params, &buffers, groups)?;
    }
    Ok(())
}

/// Where a sum goes.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub tile: &'a GpuTile,
    /// The row of the tile that row 0 becomes.
    pub row: usize,
    /// Whether it is added to what is there.
    pub onto: bool,
}

/// Σ matrix·tile + bias, of extents `shape`, modulo the first of `primes`. Extents have been checked.
pub fn linear(
    rec: &mut Recording<'_>,
    primes: &[Prime],
    terms: &[Summand<'_>],
    bias: &Buffer,
    shape: Shape,
    target: Target<'_>,
) -> Result<(), DeviceError> {
    let width = terms.iter().map(|t| t.tile.width).fold(target.tile.width, usize::min);
    let mut written = if target.onto { shape.components } else { 0 };
    for (i, t) in terms.iter().enumerate() {
        let squared = t.matrix.operator.squared;
        let components = if squared { 3 } else { t.tile.shape.components };
        // All primes and columns of a term one after another: nothing makes them wait for each other.
        for (prime, &constants) in primes.iter().take(shape.primes).enumerate() {
            for column in (0..shape.degree).step_by(width) {
                let bias_at = (i == 0).then_some(prime * shape.rows);
                let product =
                    Product { width, components, written, bias: bias_at, row: target.row };
                let source = slice(t.tile, prime, column);
                let result = slice(target.tile, prime, column);
                matmul(rec, constants, t.matrix, product, bias, source, result)?;
            }
        }
        written = written.max(components);
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
