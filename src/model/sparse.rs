//! Sparse matrices by rows (CSR), the common form of all linear layers.

use super::{ModelError, Result};

/// A `rows × cols` matrix of `f64`, stored by rows; each row's columns ascend strictly.
///
/// A stored entry may be zero: a convolution keeps its whole kernel, so that rows that read the
/// same inputs have the same support and can be computed as one dense block.
#[derive(Clone, Debug, PartialEq)]
pub struct SparseMatrix {
    rows: usize,
    cols: usize,
    /// Row `r` is `starts[r] .. starts[r + 1]` of the two lists below; `rows + 1` entries.
    starts: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

impl SparseMatrix {
    /// From compressed rows.
    ///
    /// # Errors
    /// [`ModelError::Inconsistent`] unless `starts` has `rows + 1` ascending entries from 0 to the
    /// number of columns and values, and every row's columns ascend strictly below `cols`;
    /// [`ModelError::NonFinite`] for a value that is infinite or not a number.
    pub fn new(
        rows: usize,
        cols: usize,
        starts: Vec<usize>,
        columns: Vec<u32>,
        values: Vec<f64>,
    ) -> Result<Self> {
        let wrong = |expected: String, found: String| ModelError::Inconsistent {
            what: format!("sparse matrix of {rows} rows and {cols} columns"),
            expected,
            found,
        };
        if rows.checked_add(1) != Some(starts.len()) {
            return Err(wrong(
                "one start per row and an end".into(),
                starts.len().to_string(),
            ));
        }
        if columns.len() != values.len() {
            return Err(wrong(
                format!("{} values", columns.len()),
                values.len().to_string(),
            ));
        }
        if starts[0] != 0 || starts[rows] != columns.len() {
            return Err(wrong(
                format!("starts from 0 to {}", columns.len()),
                format!("{} to {}", starts[0], starts[rows]),
            ));
        }
        for row in 0..rows {
            let (from, to) = (starts[row], starts[row + 1]);
            if from > to || to > columns.len() {
                return Err(wrong(
                    "ascending starts".into(),
                    format!("{from}, then {to}"),
                ));
            }
            let support = &columns[from..to];
            let ascends = support.windows(2).all(|pair| pair[0] < pair[1]);
            if !ascends || support.last().is_some_and(|&last| last as usize >= cols) {
                return Err(wrong(
                    format!("ascending columns below {cols} in row {row}"),
                    format!("{support:?}"),
                ));
            }
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            let value = values[index];
            return Err(ModelError::NonFinite {
                tensor: "sparse matrix".into(),
                index,
                value,
            });
        }
        Ok(SparseMatrix {
            rows,
            cols,
            starts,
            columns,
            values,
        })
    }

    /// Number of rows: entries of the result.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns: entries of what it is applied to.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of stored entries.
    pub fn entries(&self) -> usize {
        self.values.len()
    }

    /// Where each row begins in [`columns`](Self::columns) and [`values`](Self::values), and a
    /// last entry where the last row ends.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The columns of all stored entries, row after row.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// All stored entries, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// One row's support, ascending, and its values; empty for a row that is not there.
    pub fn row(&self, row: usize) -> (&[u32], &[f64]) {
        if row >= self.rows {
            return (&[], &[]);
        }
        let span = self.starts[row]..self.starts[row + 1];
        (&self.columns[span.clone()], &self.values[span])
    }
}
