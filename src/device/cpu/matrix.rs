//! Weights in the order in which the product reads them.

use crate::device::Operator;
use crate::ring::{Block, BlockMatrix};
use std::collections::HashMap;

/// Rows of weights that are multiplied at once: with 32 columns, 24 of the 32 registers of AVX-512
/// are accumulators.
pub const PANEL: usize = 6;

/// A [`BlockMatrix`] with its weights as doubles, in panels of 6 rows.
#[derive(Debug)]
pub struct CpuMatrix {
    operator: Operator,
    /// The rows of the tile that are read at all, ascending.
    support: Vec<u32>,
    /// The matrix over these rows alone.
    source: BlockMatrix,
    /// For each block `[panel][column][PANEL]`, the last panel filled up with zeros.
    packed: Vec<f64>,
    /// Where the panels of each block start.
    starts: Vec<usize>,
}

impl CpuMatrix {
    /// Packs a matrix. Blocks that share their weights share their panels.
    pub fn new(matrix: &BlockMatrix, squared: bool) -> Self {
        let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
        let (support, source) = matrix.narrowed();
        let mut packed = Vec::new();
        let mut known = HashMap::new();
        let starts = source
            .blocks()
            .iter()
            .map(|b| {
                *known.entry((b.weights, b.rows.len(), b.columns.len())).or_insert_with(|| {
                    let start = packed.len();
                    pack(&source, b, &mut packed);
                    start
                })
            })
            .collect();
        let operator = Operator { outputs, inputs, squared };
        Self { operator, support, source, packed, starts }
    }

    /// What it expects and gives.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The rows of the tile that are read at all, ascending.
    pub fn support(&self) -> &[u32] {
        &self.support
    }

    /// The blocks: input rows, counted among the support, output rows, and panels of weights.
    #[inline(always)]
    pub fn blocks(&self) -> impl Iterator<Item = (&[u32], &[u32], &[f64])> {
        self.source.blocks().iter().zip(&self.starts).map(|(b, &start)| {
            let panels = b.rows.len().div_ceil(PANEL);
            (
                &self.source.columns()[b.columns.clone()],
                &self.source.rows()[b.rows.clone()],
                &self.packed[start..start + panels * b.columns.len() * PANEL],
            )
        })
    }
}

fn pack(source: &BlockMatrix, b: &Block, packed: &mut Vec<f64>) {
    let columns = b.columns.len();
    let weights = &source.weights()[b.weights..][..b.rows.len() * columns];
    for panel in (0..b.rows.len()).step_by(PANEL) {
        for k in 0..columns {
            for row in panel..panel + PANEL {
                let weight = if row < b.rows.len() { weights[row * columns + k] } else { 0 };
                packed.push(weight.into());
            }
        }
    }
}
