//! Linear layers as sparse matrices over row-major entries.

use crate::model::ops::{AveragePool, Conv2d, Dense, inside};
use crate::model::sparse::SparseMatrix;

/// The matrix of a convolution and its bias, entry by entry.
///
/// Rows are in `[O, H, W]` order. Rows at one position read the same entries of the input,
/// whatever their channel within a group and whatever their weights: only padding drops entries.
pub(super) fn conv2d(conv: &Conv2d, input: &[usize], output: &[usize]) -> (SparseMatrix, Vec<f64>) {
    let (height, width) = (input[1], input[2]);
    let (rows, columns) = (output[1], output[2]);
    let (outputs, per_group, kernel_h, kernel_w) = conv.weight.dim();
    let mut matrix = SparseMatrix::empty(input.iter().product());
    let mut bias = Vec::with_capacity(outputs * rows * columns);
    for o in 0..outputs {
        let first = o / (outputs / conv.groups) * per_group;
        for r in 0..rows {
            for c in 0..columns {
                let mut row = Vec::with_capacity(per_group * kernel_h * kernel_w);
                for i in 0..per_group {
                    for u in 0..kernel_h {
                        let y = r * conv.stride[0] + u * conv.dilation[0];
                        let Some(y) = y.checked_sub(conv.padding.top).filter(|&y| y < height)
                        else {
                            continue;
                        };
                        for v in 0..kernel_w {
                            let x = c * conv.stride[1] + v * conv.dilation[1];
                            let x = x.checked_sub(conv.padding.left).filter(|&x| x < width);
                            if let Some(x) = x {
                                let column = ((first + i) * height + y) * width + x;
                                row.push((column as u32, conv.weight[[o, i, u, v]]));
                            }
                        }
                    }
                }
                matrix.push_row(row);
                bias.push(conv.bias[o]);
            }
        }
    }
    (matrix, bias)
}

/// The entries that [`conv2d`] will store, found without storing them.
pub(super) fn conv2d_entries(conv: &Conv2d, input: &[usize], output: &[usize]) -> u128 {
    let (outputs, per_group, kernel_h, kernel_w) = conv.weight.dim();
    let along = |kernel: usize, axis: usize, padding: usize| {
        let hits = |k: usize| {
            let offset = k * conv.dilation[axis];
            inside(output[1 + axis], conv.stride[axis], offset, padding, input[1 + axis]).len()
        };
        (0..kernel).map(|k| hits(k) as u128).sum::<u128>()
    };
    let pixels = along(kernel_h, 0, conv.padding.top) * along(kernel_w, 1, conv.padding.left);
    pixels.saturating_mul((outputs * per_group) as u128)
}

/// The matrix of a fully connected layer; zeros are kept.
pub(super) fn dense(layer: &Dense) -> SparseMatrix {
    let mut matrix = SparseMatrix::empty(layer.weight.ncols());
    for row in layer.weight.rows() {
        matrix.push_row(row.iter().enumerate().map(|(column, &w)| (column as u32, w)));
    }
    matrix
}

/// The matrix of an average pooling.
pub(super) fn average_pool(pool: &AveragePool, input: &[usize], output: &[usize]) -> SparseMatrix {
    let (height, width) = (input[1], input[2]);
    let mut matrix = SparseMatrix::empty(input.iter().product());
    for channel in 0..output[0] {
        for r in 0..output[1] {
            for c in 0..output[2] {
                let window = pool.window(height, width, r, c);
                let line = |y| {
                    let start = (channel * height + y) * width;
                    let columns = window.columns.clone();
                    columns.map(move |x| (start + x) as u32)
                };
                let places = window.rows.clone().flat_map(line);
                matrix.push_row(places.map(|column| (column, 1.0 / window.count)));
            }
        }
    }
    matrix
}

/// The entries that [`average_pool`] will store at most.
pub(super) fn average_pool_entries(pool: &AveragePool, output: &[usize]) -> u128 {
    let places = output.iter().map(|&dim| dim as u128).product::<u128>();
    places.saturating_mul(pool.kernel[0] as u128).saturating_mul(pool.kernel[1] as u128)
}
