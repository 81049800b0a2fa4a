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
            return Err(wrong("one start per row and an end".into(), starts.len().to_string()));
        }
        if columns.len() != values.len() {
            return Err(wrong(format!("{} values", columns.len()), values.len().to_string()));
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
                return Err(wrong("ascending starts".into(), format!("{from}, then {to}")));
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
            return Err(ModelError::NonFinite { tensor: "sparse matrix".into(), index, value });
        }
        Ok(SparseMatrix { rows, cols, starts, columns, values })
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

    /// A matrix without rows, to be filled by [`push_row`](Self::push_row).
    pub(super) fn empty(cols: usize) -> Self {
        SparseMatrix { rows: 0, cols, starts: vec![0], columns: Vec::new(), values: Vec::new() }
    }

    /// The identity of a size.
    pub(super) fn identity(size: usize) -> Self {
        let mut matrix = SparseMatrix::empty(size);
        (0..size).for_each(|index| matrix.push_row([(index as u32, 1.0)]));
        matrix
    }

    /// Appends a row of entries whose columns ascend strictly below `cols`.
    pub(super) fn push_row(&mut self, row: impl IntoIterator<Item = (u32, f64)>) {
        for (column, value) in row {
            self.columns.push(column);
            self.values.push(value);
        }
        self.starts.push(self.columns.len());
        self.rows += 1;
    }

    /// One row's entries: column and value.
    pub(super) fn row_entries(&self, row: usize) -> impl Iterator<Item = (u32, f64)> + '_ {
        let (columns, values) = self.row(row);
        columns.iter().copied().zip(values.iter().copied())
    }

    /// Adds the matrix times `x` to `y`; entries that either lacks count as zero.
    pub(super) fn add_product(&self, x: &[f64], y: &mut [f64]) {
        for (row, y) in y.iter_mut().enumerate().take(self.rows) {
            let terms = self.row_entries(row);
            *y += terms.map(|(c, w)| w * x.get(c as usize).copied().unwrap_or(0.0)).sum::<f64>();
        }
    }

    /// `self · right`, row by row (Gustavson 1978), if it stays within a number of entries.
    ///
    /// The support of a row is the union of the supports it reads, whatever the values: entries
    /// that cancel are kept, so that equal supports stay equal.
    pub(super) fn multiply(&self, right: &SparseMatrix, limit: usize) -> Option<SparseMatrix> {
        let mut product = SparseMatrix::empty(right.cols);
        let mut sums = vec![0.0; right.cols];
        let mut seen = vec![false; right.cols];
        let mut support: Vec<u32> = Vec::new();
        for row in 0..self.rows {
            for (middle, left) in self.row_entries(row) {
                for (column, value) in right.row_entries(middle as usize) {
                    let index = column as usize;
                    if !seen[index] {
                        seen[index] = true;
                        support.push(column);
                    }
                    sums[index] += left * value;
                }
            }
            if product.entries() + support.len() > limit {
                return None;
            }
            support.sort_unstable();
            product.push_row(support.iter().map(|&column| (column, sums[column as usize])));
            for column in support.drain(..) {
                seen[column as usize] = false;
                sums[column as usize] = 0.0;
            }
        }
        Some(product)
    }

    /// The sum of two matrices of one shape, if it stays within a number of entries.
    pub(super) fn add(&self, right: &SparseMatrix, limit: usize) -> Option<SparseMatrix> {
        let mut sum = SparseMatrix::empty(self.cols);
        for row in 0..self.rows {
            let mut left = self.row_entries(row).peekable();
            let mut other = right.row_entries(row).peekable();
            let merged = std::iter::from_fn(|| match (left.peek(), other.peek()) {
                (Some(a), Some(b)) if a.0 == b.0 => Some((a.0, left.next()?.1 + other.next()?.1)),
                (Some(a), Some(b)) if b.0 < a.0 => other.next(),
                (Some(_), _) => left.next(),
                (None, _) => other.next(),
            });
            sum.push_row(merged);
            if sum.entries() > limit {
                return None;
            }
        }
        Some(sum)
    }

    /// Every row times a factor of its own.
    pub(super) fn scale_rows(&mut self, factors: &[f64]) {
        for (row, factor) in factors.iter().enumerate().take(self.rows) {
            let span = self.starts[row]..self.starts[row + 1];
            self.values[span].iter_mut().for_each(|value| *value *= factor);
        }
    }
}
