//! The average pooling layer's parameters.

use super::Padding;

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
        AveragePool {
            kernel,
            stride: kernel,
            padding: Padding::default(),
            count_padding: false,
        }
    }
}
