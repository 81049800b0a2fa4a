//! The average pooling layer's parameters.

use std::ops::Range;

use super::{Entry, Padding};

/// The mean over each window of each channel of `[C, H, W]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AveragePool {
    /// Rows and columns of a window.
    pub kernel: [usize; 2],
    /// Steps down and to the right.
    pub stride: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding,
    /// Whether the zeros of the padding count as entries when a sum is divided by their number.
    pub count_padding: bool,
}

impl AveragePool {
    /// Windows side by side, no padding.
    pub fn new(kernel: [usize; 2]) -> Self {
        AveragePool { kernel, stride: kernel, padding: Padding::default(), count_padding: false }
    }
}

/// What one window covers of the input, and the number its sum is divided by.
pub(in crate::model) struct Window {
    /// Rows of the input.
    pub rows: Range<usize>,
    /// Columns of the input.
    pub columns: Range<usize>,
    /// The divisor; at least 1.
    pub count: f64,
}

impl AveragePool {
    /// The window of output row `r` and column `c` over channels of `height × width`.
    pub(in crate::model) fn window(
        &self,
        height: usize,
        width: usize,
        r: usize,
        c: usize,
    ) -> Window {
        let Padding { top, left, bottom, right } = self.padding;
        let (rows, counted_rows) = span(r * self.stride[0], self.kernel[0], top, height, bottom);
        let (columns, counted_columns) =
            span(c * self.stride[1], self.kernel[1], left, width, right);
        let count = if self.count_padding {
            counted_rows * counted_columns
        } else {
            rows.len() * columns.len()
        };
        Window { rows, columns, count: count.max(1) as f64 }
    }

    /// The means of one sample; the shapes were checked when the network was built.
    pub(in crate::model) fn apply<T: Entry>(
        &self,
        x: &[T],
        input: &[usize],
        output: &[usize],
    ) -> Vec<T> {
        let (height, width) = (input[1], input[2]);
        let mut y = Vec::with_capacity(output.iter().product());
        for channel in 0..output[0] {
            for r in 0..output[1] {
                for c in 0..output[2] {
                    let window = self.window(height, width, r, c);
                    let line = |row| &x[(channel * height + row) * width..][window.columns.clone()];
                    let entries = window.rows.clone().flat_map(line);
                    let sum = entries.fold(T::from(0.0), |sum, &x| sum + x);
                    y.push(sum / T::from(window.count));
                }
            }
        }
        y
    }
}

/// The part of the input that `[start, start + kernel)` covers along one axis, `start` counted
/// from the padding's edge, and how many of its places lie on the input or its padding.
fn span(
    start: usize,
    kernel: usize,
    before: usize,
    size: usize,
    after: usize,
) -> (Range<usize>, usize) {
    let end = (start + kernel).min(before + size + after);
    let range = start.saturating_sub(before)..end.saturating_sub(before).min(size);
    (range, end - start)
}
