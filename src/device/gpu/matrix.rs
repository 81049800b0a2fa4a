//! A matrix on the device: its blocks cut into tiles of outputs, their weights as the kernel reads them.

use super::context::{Buffer, Gpu};
use super::form::{Costs, Sizes};
use super::options::{Form, Tuning};
use super::pipelines::Variant;
use crate::device::{DeviceError, Operator};
use crate::ring::BlockMatrix;
use std::collections::HashMap;

/// Words of a `Job` of `shaders/matmul.wgsl`.
const JOB: usize = 5;

/// A matrix where the GPU works.
#[derive(Debug)]
pub struct GpuMatrix {
    pub(super) operator: Operator,
    /// Tiles of outputs.
    pub(super) jobs: usize,
    pub(super) sizes: Sizes,
    pub(super) variant: Variant,
    /// `jobs`, `columns`, `rows` and `weights` of `shaders/matmul.wgsl`.
    pub(super) buffers: [Buffer; 4],
}

impl GpuMatrix {
    /// Packs a matrix for the kernel and brings it to the device.
    pub(super) fn new(
        gpu: &Gpu,
        costs: &Costs,
        tuning: &Tuning,
        matrix: &BlockMatrix,
        squared: bool,
    ) -> Result<Self, DeviceError> {
        let what = "a matrix";
        let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
        let sizes = Sizes::new(gpu, costs, tuning, matrix, squared);
        let (jobs, weights) = pack(matrix, &sizes);
        Ok(Self {
            operator: Operator { outputs, inputs, squared },
            jobs: jobs.len() / JOB,
            sizes,
            variant: sizes.variant(),
            buffers: [
                gpu.buffer_of(what, &jobs)?,
                gpu.buffer_of(what, matrix.columns())?,
                gpu.buffer_of(what, matrix.rows())?,
                gpu.buffer_of(what, bytemuck::cast_slice(&weights))?,
            ],
        })
    }

    /// The form of the product.
    pub fn form(&self) -> Form {
        self.sizes.form
    }
}

/// The jobs, and the weights `[groups of terms][thread down][vector][digit][4]` they point at (in vectors of
/// four). Blocks that share weights share them here, too.
fn pack(matrix: &BlockMatrix, sizes: &Sizes) -> (Vec<u32>, Vec<i32>) {
    let tile = sizes.outputs();
    let (mut jobs, mut packed) = (Vec::new(), Vec::new());
    let mut known: HashMap<(usize, usize, usize), usize> = HashMap::new();
    for b in matrix.blocks() {
        let (terms, rows) = (b.columns.len(), b.rows.len());
        for first in (0..rows).step_by(tile) {
            let count = tile.min(rows - first);
            let at = b.weights + first * terms;
            let start = *known.entry((at, terms, count)).or_insert_with(|| {
                let start = packed.len() / 4;
                let block = &matrix.weights()[at..][..count * terms];
                let weight = |output: usize, term: usize| match output < count && term < terms {
                    true => block[output * terms + term],
                    false => 0,
                };
                for k in (0..terms).step_by(sizes.group) {
                    for vector in (0..tile).step_by(4) {
                        for digit in 0..sizes.digits {
                            packed.extend((vector..vector + 4).map(|output| match sizes.form {
                                Form::Dot => {
                                    bytes(digit, [0, 1, 2, 3].map(|t| weight(output, k + t)))
                                }
                                _ => weight(output, k),
                            }));
                        }
                    }
                }
                start
            });
            let job: [usize; JOB] = [b.columns.start, terms, b.rows.start + first, count, start];
            jobs.extend(job.map(|x| x as u32));
        }
    }
    (jobs, packed)
}

/// Balanced digit number `digit` to base 256 of each weight, the first in the lowest byte.
fn bytes(digit: usize, weights: [i32; 4]) -> i32 {
    let low = weights.map(|w| w as i8);
    i32::from_le_bytes(match digit {
        0 => low.map(|b| b as u8),
        _ => [0, 1, 2, 3].map(|i| ((weights[i] - i32::from(low[i])) / 256) as u8),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(form: Form, digits: usize, group: usize) -> Sizes {
        let (across, down, components, vectors, depth, bound) = (4, 1, 1, 2, 8, 9);
        Sizes { form, across, down, components, vectors, depth, digits, group, bound }
    }

    #[test]
    fn weights_are_packed_term_by_term_and_shared() {
        let row = |r| (0..2).map(|c| (c, r * 100 + c as i32 + 1)).collect();
        let dense = BlockMatrix::from_rows(2, &(0..10).map(row).collect::<Vec<_>>()).unwrap();
        let (jobs, weights) = pack(&dense, &sizes(Form::Wide, 1, 1));
        // Columns, terms, rows, count, weights: eight outputs, then two.
        assert_eq!(jobs, [0, 2, 0, 8, 0, 0, 2, 8, 2, 4]);
        assert_eq!(weights[..3], [1, 101, 201]);
        assert_eq!(weights[8..10], [2, 102]);
        assert_eq!(weights[16..24], [801, 901, 0, 0, 0, 0, 0, 0]);

        let twice = BlockMatrix::from_rows(4, &[vec![(0, 5), (1, 6)], vec![(2, 5), (3, 6)]]);
        let (jobs, weights) = pack(&twice.unwrap(), &sizes(Form::Wide, 1, 1));
        assert_eq!((jobs[4], jobs[9], weights.len()), (0, 0, 16));
    }

    #[test]
    fn digits_are_balanced() {
        for w in [0, 1, -1, 127, 128, -128, -129, 300, 32_639, -32_639] {
            let [low, high] = [0, 1].map(|digit| bytes(digit, [w, 0, 0, w]).to_le_bytes()[3] as i8);
            assert_eq!(i32::from(low) + 256 * i32::from(high), w);
        }
        let matrix = BlockMatrix::from_rows(5, &[(0..5).map(|c| (c, 2 + c as i32)).collect()]);
        let (_, weights) = pack(&matrix.unwrap(), &sizes(Form::Dot, 2, 4));
        // Two groups of two vectors of two digits.
        assert_eq!(weights.len(), 32);
        assert_eq!((weights[0], weights[16]), (0x0504_0302, 6));
    }
}
