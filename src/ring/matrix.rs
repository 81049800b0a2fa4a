//! Integer matrices that act on the rows of a tile: dense blocks over shared inputs.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;
use thiserror::Error;

/// Σ|w| over a row stays below this bound: with residues below 2³¹ a row's product stays below
/// 2⁵² in absolute value, exact in a double and in an i64.
pub const ROW_NORM_BOUND: u64 = 1 << 21;

/// Weights are below this bound in absolute value, so that kernels may hold them in 16 bits.
pub const WEIGHT_BOUND: u32 = 1 << 15;

/// Outputs that read the same inputs: a dense block of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Which of [`BlockMatrix::columns`] the block reads.
    pub columns: Range<usize>,
    /// Which of [`BlockMatrix::rows`] the block writes.
    pub rows: Range<usize>,
    /// Where its weights start in [`BlockMatrix::weights`]: rows.len() × columns.len(), row by row.
    pub weights: usize,
}

/// A sparse integer matrix, outputs × inputs, with its rows grouped by equal support.
///
/// A dense layer is one block; a convolution is one block a position, and positions share their
/// weights. Every output is in exactly one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockMatrix {
    inputs: usize,
    columns: Vec<u32>,
    rows: Vec<u32>,
    weights: Vec<i32>,
    blocks: Vec<Block>,
}

/// Why rows of weights are no matrix for the kernels.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum MatrixError {
    /// A column index at or above the number of inputs, or columns out of order.
    #[error("row {row} reads column {column}, but columns ascend below {inputs}")]
    Column { row: usize, column: u32, inputs: usize },
    /// A block that reads or writes what is not there, or what another one writes.
    #[error("block {block} does not fit the matrix")]
    Block { block: usize },
    /// A weight outside ±2¹⁵.
    #[error("row {row} has the integer weight {weight}; weights stay within ±{WEIGHT_BOUND}")]
    Weight { row: usize, weight: i32 },
    /// A row whose product with residues could leave the exact range.
    #[error("the weights of row {row} add up to {norm}; they must stay below {ROW_NORM_BOUND}")]
    RowNorm { row: usize, norm: u64 },
}

impl BlockMatrix {
    /// Groups sparse rows, each a list of (column, weight) with ascending columns.
    ///
    /// # Errors
    /// [`MatrixError`] where a column does not exist or a bound on the weights is broken.
    pub fn from_rows(inputs: usize, rows: &[Vec<(u32, i32)>]) -> Result<Self, MatrixError> {
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut by_support: HashMap<Vec<u32>, usize> = HashMap::new();
        for (row, entries) in rows.iter().enumerate() {
            check(inputs, row, entries)?;
            let support = entries.iter().map(|e| e.0).collect();
            let group = *by_support.entry(support).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(row as u32);
        }
        let mut out =
            Self { inputs, columns: vec![], rows: vec![], weights: vec![], blocks: vec![] };
        let mut by_weights: HashMap<Vec<i32>, usize> = HashMap::new();
        for group in groups {
            let block: Vec<i32> =
                group.iter().flat_map(|&r| rows[r as usize].iter().map(|e| e.1)).collect();
            let weights = *by_weights.entry(block).or_insert_with_key(|block| {
                out.weights.extend(block);
                out.weights.len() - block.len()
            });
            let (column, row) = (out.columns.len(), out.rows.len());
            out.columns.extend(rows[group[0] as usize].iter().map(|e| e.0));
            out.rows.extend(group);
            let (columns, rows) = (column..out.columns.len(), row..out.rows.len());
            out.blocks.push(Block { columns, rows, weights });
        }
        Ok(out)
    }

    /// Some outputs, in the order given, of a matrix whose input row c is called `column(c)` and is
    /// one of `inputs`. Columns stay in the order they have here; blocks go on sharing weights.
    ///
    /// `outputs` are distinct and below [`BlockMatrix::outputs`], `column` is injective on what they
    /// read.
    pub fn part(&self, outputs: &[u32], inputs: usize, column: impl Fn(u32) -> u32) -> Self {
        let mut place = vec![u32::MAX; self.outputs()];
        outputs.iter().zip(0..).for_each(|(&row, at)| place[row as usize] = at);
        let mut out =
            Self { inputs, columns: vec![], rows: vec![], weights: vec![], blocks: vec![] };
        // Blocks that read nothing stand at the weights of the next one, hence the count of columns.
        let mut known: HashMap<(usize, usize, Vec<usize>), usize> = HashMap::new();
        for block in &self.blocks {
            let rows = &self.rows[block.rows.clone()];
            let kept: Vec<usize> =
                (0..rows.len()).filter(|&i| place[rows[i] as usize] != u32::MAX).collect();
            if kept.is_empty() {
                continue;
            }
            let count = block.columns.len();
            let (first_column, first_row) = (out.columns.len(), out.rows.len());
            out.columns.extend(self.columns[block.columns.clone()].iter().map(|&c| column(c)));
            out.rows.extend(kept.iter().map(|&i| place[rows[i] as usize]));
            let weights = *known.entry((block.weights, count, kept)).or_insert_with_key(
                |(start, count, kept)| {
                    for i in kept {
                        out.weights.extend_from_slice(&self.weights[start + i * count..][..*count]);
                    }
                    out.weights.len() - kept.len() * count
                },
            );
            let (columns, rows) = (first_column..out.columns.len(), first_row..out.rows.len());
            out.blocks.push(Block { columns, rows, weights });
        }
        out
    }

    /// The identity on `rows` rows.
    pub fn identity(rows: usize) -> Self {
        let each = 0..rows;
        Self {
            inputs: rows,
            columns: (0..rows as u32).collect(),
            rows: (0..rows as u32).collect(),
            weights: vec![1],
            blocks: each.map(|r| Block { columns: r..r + 1, rows: r..r + 1, weights: 0 }).collect(),
        }
    }

    /// What is left of the matrix where only some columns are read. Blocks go on sharing weights.
    pub fn with_columns(&self, keep: impl Fn(u32) -> bool) -> Self {
        let mut out = Self {
            inputs: self.inputs,
            columns: vec![],
            rows: self.rows.clone(),
            weights: vec![],
            blocks: vec![],
        };
        let mut known: HashMap<(usize, Vec<usize>, usize), usize> = HashMap::new();
        for block in &self.blocks {
            let columns = &self.columns[block.columns.clone()];
            let kept: Vec<usize> = (0..columns.len()).filter(|&i| keep(columns[i])).collect();
            let first = out.columns.len();
            out.columns.extend(kept.iter().map(|&i| columns[i]));
            let key = (block.weights, kept, block.rows.len());
            let weights = *known.entry(key).or_insert_with_key(|(start, kept, rows)| {
                let at = out.weights.len();
                for row in 0..*rows {
                    let own = &self.weights[start + row * columns.len()..][..columns.len()];
                    out.weights.extend(kept.iter().map(|&i| own[i]));
                }
                at
            });
            let columns = first..out.columns.len();
            out.blocks.push(Block { columns, rows: block.rows.clone(), weights });
        }
        out
    }

    /// The inputs that are read at all, ascending, and the matrix over these alone.
    pub fn narrowed(&self) -> (Vec<u32>, Self) {
        let mut support = self.columns.clone();
        support.sort_unstable();
        support.dedup();
        let mut place = vec![0; self.inputs];
        support.iter().zip(0..).for_each(|(&c, at)| place[c as usize] = at);
        let all: Vec<u32> = (0..self.outputs() as u32).collect();
        let matrix = self.part(&all, support.len(), |c| place[c as usize]);
        (support, matrix)
    }

    /// From what its accessors return: for matrices that were stored.
    ///
    /// # Errors
    /// [`MatrixError`] where parts contradict one another or a bound is broken.
    pub fn from_parts(
        inputs: usize,
        columns: Vec<u32>,
        rows: Vec<u32>,
        weights: Vec<i32>,
        blocks: Vec<Block>,
    ) -> Result<Self, MatrixError> {
        let (mut next, mut seen) = (0, vec![false; rows.len()]);
        for (block, b) in blocks.iter().enumerate() {
            let inconsistent = MatrixError::Block { block };
            let (Some(support), Some(outputs)) =
                (columns.get(b.columns.clone()), rows.get(b.rows.clone()))
            else {
                return Err(inconsistent);
            };
            let size = support.len().checked_mul(outputs.len());
            let end = size.and_then(|size| b.weights.checked_add(size));
            let values = end.and_then(|end| weights.get(b.weights..end)).ok_or(inconsistent)?;
            let fresh = |&r: &u32| {
                let seen = seen.get_mut(r as usize);
                seen.is_some_and(|seen| !std::mem::replace(seen, true))
            };
            if b.rows.start != next || !outputs.iter().all(fresh) {
                return Err(MatrixError::Block { block });
            }
            next = b.rows.end;
            for (i, &row) in outputs.iter().enumerate() {
                let weights = &values[i * support.len()..][..support.len()];
                let entries: Vec<_> =
                    support.iter().copied().zip(weights.iter().copied()).collect();
                check(inputs, row as usize, &entries)?;
            }
        }
        match next == rows.len() {
            true => Ok(Self { inputs, columns, rows, weights, blocks }),
            false => Err(MatrixError::Block { block: blocks.len() }),
        }
    }

    /// The number of input rows.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The number of output rows.
    pub fn outputs(&self) -> usize {
        self.rows.len()
    }

    /// The blocks, in the order of the rows that they write in [`BlockMatrix::rows`].
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Input rows, block by block, distinct within one.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Output rows, block by block: a permutation of `0..outputs()`.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Weights; blocks with equal ones share them.
    pub fn weights(&self) -> &[i32] {
        &self.weights
    }

    /// The largest absolute weight.
    pub fn max_weight(&self) -> u32 {
        self.weights.iter().map(|w| w.unsigned_abs()).max().unwrap_or(0)
    }

    /// Multiply-adds of one product with a column.
    pub fn multiply_adds(&self) -> usize {
        self.blocks.iter().map(|b| b.rows.len() * b.columns.len()).sum()
    }

    /// The sparse row of an output: what [`BlockMatrix::from_rows`] was given. For oracles.
    pub fn row(&self, output: u32) -> Vec<(u32, i32)> {
        for b in &self.blocks {
            if let Some(i) = self.rows[b.rows.clone()].iter().position(|&r| r == output) {
                let weights = &self.weights[b.weights + i * b.columns.len()..];
                return self.columns[b.columns.clone()]
                    .iter()
                    .copied()
                    .zip(weights.iter().copied())
                    .collect();
            }
        }
        Vec::new()
    }
}

fn check(inputs: usize, row: usize, entries: &[(u32, i32)]) -> Result<(), MatrixError> {
    let mut last = None;
    for &(column, weight) in entries {
        if column as usize >= inputs || last.is_some_and(|l| column <= l) {
            return Err(MatrixError::Column { row, column, inputs });
        }
        if weight.unsigned_abs() >= WEIGHT_BOUND {
            return Err(MatrixError::Weight { row, weight });
        }
        last = Some(column);
    }
    let norm = entries.iter().map(|e| u64::from(e.1.unsigned_abs())).sum();
    if norm >= ROW_NORM_BOUND {
        return Err(MatrixError::RowNorm { row, norm });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_supports_share_a_block_and_equal_blocks_their_weights() {
        let rows = vec![
            vec![(0, 1), (2, -3)],
            vec![(1, 1), (3, -3)],
            vec![(0, 5), (2, 7)],
            vec![(1, 5), (3, 7)],
            vec![],
        ];
        let m = BlockMatrix::from_rows(4, &rows).unwrap();
        assert_eq!(m.blocks().len(), 3);
        assert_eq!(m.weights(), [1, -3, 5, 7]);
        assert_eq!(m.outputs(), 5);
        assert_eq!(m.multiply_adds(), 8);
    }

    proptest! {
        #[test]
        fn rows_come_back(dense in prop::collection::vec(prop::collection::vec(-2i32..3, 6), 0..20)) {
            let rows: Vec<Vec<(u32, i32)>> = dense
                .iter()
                .map(|r| (0..6).zip(r.iter().copied()).filter(|e| e.1 != 0).collect())
                .collect();
            let m = BlockMatrix::from_rows(6, &rows).unwrap();
            for (i, row) in rows.iter().enumerate() {
                prop_assert_eq!(&m.row(i as u32), row);
            }
            let even = m.with_columns(|c| c % 2 == 0);
            prop_assert!(even.weights().len() <= m.weights().len());
            for (i, row) in rows.iter().enumerate() {
                let kept: Vec<_> = row.iter().copied().filter(|e| e.0 % 2 == 0).collect();
                prop_assert_eq!(even.row(i as u32), kept);
            }
        }
    }

    #[test]
    fn a_part_is_the_matrix_under_other_names() {
        let conv: Vec<_> = (0..12u32)
            .map(|r| (r / 2..r / 2 + 3).map(|c| (c, 5 + r as i32 % 2)).collect())
            .collect();
        let m = BlockMatrix::from_rows(8, &conv).unwrap();
        // Odd outputs backwards, then half of a block; input c is row 20 − 2c of 21.
        let outputs = [11, 9, 7, 5, 3, 1, 4];
        let part = m.part(&outputs, 21, |c| 20 - 2 * c);
        assert_eq!((part.inputs(), part.outputs()), (21, 7));
        for (i, &o) in outputs.iter().enumerate() {
            let want: Vec<_> = m.row(o).into_iter().map(|(c, w)| (20 - 2 * c, w)).collect();
            assert_eq!(part.row(i as u32), want);
        }
        assert_eq!(part.weights().len(), 9, "one odd row, an even with an odd one");
    }

    #[test]
    fn a_row_that_reads_nothing_lends_its_weights_to_nobody() {
        let rows = vec![vec![], vec![(0, 7), (1, -7)], vec![], vec![(1, 3)]];
        let m = BlockMatrix::from_rows(2, &rows).unwrap();
        let part = m.part(&[0, 1, 3], 2, |c| c);
        let got: Vec<_> = (0..3).map(|i| part.row(i)).collect();
        assert_eq!(got, [&rows[0][..], &rows[1], &rows[3]]);
    }

    #[test]
    fn parts_make_the_matrix_again_or_are_refused() {
        let rows = vec![vec![(0, 1), (2, -3)], vec![(1, 1), (3, -3)], vec![(0, 5), (2, 7)], vec![]];
        let m = BlockMatrix::from_rows(4, &rows).unwrap();
        let again = |change: &dyn Fn(&mut BlockMatrix)| {
            let mut m = m.clone();
            change(&mut m);
            BlockMatrix::from_parts(m.inputs, m.columns, m.rows, m.weights, m.blocks)
        };
        assert_eq!(again(&|_| ()).as_ref(), Ok(&m));
        let broken: [&dyn Fn(&mut BlockMatrix); 9] = [
            &|m| m.inputs = 3,
            &|m| m.rows[1] = m.rows[0],
            &|m| m.rows[1] = 4,
            &|m| m.rows.push(4),
            &|m| m.columns.swap(0, 1),
            &|m| m.weights[0] = 1 << 15,
            &|m| m.blocks[0].weights = usize::MAX,
            &|m| m.blocks[0].columns.end = 99,
            &|m| m.blocks[1].rows.start = 0,
        ];
        for (i, change) in broken.into_iter().enumerate() {
            assert!(again(change).is_err(), "change {i}");
        }
    }

    #[test]
    fn refusals_name_the_row() {
        let refuse = |rows: &[Vec<(u32, i32)>]| BlockMatrix::from_rows(1 << 9, rows).unwrap_err();
        assert_eq!(
            refuse(&[vec![], vec![(512, 1)]]),
            MatrixError::Column { row: 1, column: 512, inputs: 512 }
        );
        assert_eq!(
            refuse(&[vec![(3, 1), (3, 1)]]),
            MatrixError::Column { row: 0, column: 3, inputs: 512 }
        );
        assert_eq!(
            refuse(&[vec![(0, i32::MIN)]]),
            MatrixError::Weight { row: 0, weight: i32::MIN }
        );
        let heavy = (0..512).map(|c| (c, 1 << 14)).collect();
        assert_eq!(refuse(&[heavy]), MatrixError::RowNorm { row: 0, norm: 1 << 23 });
    }
}
