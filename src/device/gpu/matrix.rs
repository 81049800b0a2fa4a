//! A matrix on the device: its blocks cut into tiles of outputs, their weights as the kernel reads
//! them.

use super::Kernel;
use super::context::{Buffer, Gpu};
use super::pipelines::Variant;
use crate::device::{DeviceError, Operator};
use crate::ring::{Block, BlockMatrix};
use std::collections::HashMap;

/// Outputs of one thread, and input rows of a round: as in `shaders/matmul.wgsl`.
const OUTPUTS: usize = 8;
const DEPTH: u32 = 8;

/// Threads of a workgroup along (columns, outputs). Taller workgroups read inputs less often, lower
/// ones waste fewer outputs on small blocks; all have 64 or 128 threads.
const SHAPES: [(usize, usize); 4] = [(64, 1), (32, 2), (32, 4), (16, 8)];

/// A matrix where the GPU works.
#[derive(Debug)]
pub struct GpuMatrix {
    pub(super) operator: Operator,
    /// Where it is applied to squares: the rows of the tile that are squared, and how many. The
    /// matrix is over these.
    pub(super) support: Option<(Buffer, usize)>,
    /// Tiles of outputs.
    pub(super) jobs: usize,
    /// Columns of residues, in vectors of four, that a workgroup computes.
    pub(super) across: usize,
    /// Terms after which a 16-bit sum is folded at the latest.
    pub(super) bound: u32,
    pub(super) variant: Variant,
    /// `jobs`, `columns`, `rows` and `weights` of `shaders/matmul.wgsl`.
    pub(super) buffers: [Buffer; 4],
}

impl GpuMatrix {
    /// Packs a matrix for the kernel and brings it to the device.
    pub fn new(gpu: &Gpu, matrix: &BlockMatrix, squared: bool) -> Result<Self, DeviceError> {
        let what = "a matrix";
        let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
        let narrowed = squared.then(|| matrix.narrowed());
        let support = match &narrowed {
            Some((support, _)) => Some((gpu.buffer_of(what, support)?, support.len())),
            None => None,
        };
        let matrix = narrowed.as_ref().map_or(matrix, |(_, matrix)| matrix);
        let (across, down) = shape(matrix.blocks());
        let (jobs, weights) = pack(matrix, down * OUTPUTS);
        // |w|·terms stays within 32,767 between two folds (`shaders/lib/arith_u32.wgsl`).
        let bound = 32_767 / matrix.max_weight().max(1);
        let run = DEPTH.min(1 << bound.max(1).ilog2());
        let constants = [("WX", across as u32), ("WY", down as u32), ("RUN", run)];
        Ok(Self {
            operator: Operator { outputs, inputs, squared },
            support,
            jobs: jobs.len() / 5,
            across,
            bound,
            variant: Variant::new(Kernel::Matmul, &constants),
            buffers: [
                gpu.buffer_of(what, &jobs)?,
                gpu.buffer_of(what, matrix.columns())?,
                gpu.buffer_of(what, matrix.rows())?,
                gpu.buffer_of(what, bytemuck::cast_slice(&weights))?,
            ],
        })
    }
}

/// The workgroup that does least: padded outputs, weighed by how often inputs are read for them.
fn shape(blocks: &[Block]) -> (usize, usize) {
    let cost = |&&(_, down): &&(usize, usize)| {
        let padded = |b: &Block| {
            b.rows.len().next_multiple_of(down * OUTPUTS) as u64 * b.columns.len() as u64
        };
        let outputs: u64 = blocks.iter().map(padded).sum();
        outputs * (down as u64 + 1) * 8 / down as u64
    };
    SHAPES.iter().min_by_key(cost).copied().unwrap_or(SHAPES[0])
}

/// The jobs, five words each, and the weights `[terms][outputs of a tile]` they point at (in vectors
/// of four). Blocks that share weights share them here, too.
fn pack(matrix: &BlockMatrix, tile: usize) -> (Vec<u32>, Vec<i32>) {
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
                for k in 0..terms {
                    packed.extend((0..count).map(|r| block[r * terms + k]));
                    packed.resize(packed.len() + tile - count, 0);
                }
                start
            });
            let job = [b.columns.start, terms, b.rows.start + first, count, start];
            jobs.extend(job.map(|x| x as u32));
        }
    }
    (jobs, packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dense(inputs: u32, outputs: i32) -> BlockMatrix {
        let row = |r| (0..inputs).map(|c| (c, r * 100 + c as i32 + 1)).collect();
        BlockMatrix::from_rows(inputs as usize, &(0..outputs).map(row).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn workgroups_suit_their_blocks() {
        let of = |outputs| shape(dense(3, outputs).blocks());
        assert_eq!(
            [5, 8, 10, 16, 30, 100].map(of),
            [SHAPES[0], SHAPES[0], SHAPES[1], SHAPES[1], SHAPES[2], SHAPES[3]]
        );
    }

    #[test]
    fn weights_are_packed_term_by_term_and_shared() {
        let (jobs, weights) = pack(&dense(2, 10), 8);
        // Columns, terms, rows, count, weights: eight outputs, then two.
        assert_eq!(jobs, [0, 2, 0, 8, 0, 0, 2, 8, 2, 4]);
        assert_eq!(weights[..3], [1, 101, 201]);
        assert_eq!(weights[8..10], [2, 102]);
        assert_eq!(weights[16..24], [801, 901, 0, 0, 0, 0, 0, 0]);

        let twice = BlockMatrix::from_rows(4, &[vec![(0, 5), (1, 6)], vec![(2, 5), (3, 6)]]);
        let (jobs, weights) = pack(&twice.unwrap(), 8);
        assert_eq!((jobs[4], jobs[9], weights.len()), (0, 0, 16));
    }
}
