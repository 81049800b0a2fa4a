//! The convolution layer's parameters.

use super::Entry;
use ndarray::Array4;

/// Rows and columns of zeros around a `[C, H, W]` value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns on the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns on the right.
    pub right: usize,
}

impl Padding {
    /// The same number of rows or columns on every side.
    pub fn all(size: usize) -> Self {
        Padding { top: size, left: size, bottom: size, right: size }
    }
}

/// A convolution (a cross-correlation, as in every framework) over `[C, H, W]`:
///
/// `y[o, r, c] = bias[o] + Σ_{i, u, v} weight[o, i, u, v] · x[g·I/groups + i, r·s + u·d − top, …]`
/// where `g` is the group that `o` lies in and entries outside `x` are zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d {
    /// `[O, I / groups, kh, kw]`.
    pub weight: Array4<f64>,
    /// `[O]`.
    pub bias: Vec<f64>,
    /// Steps down and to the right.
    pub stride: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding,
    /// Distance between a kernel's rows and columns; 1 is an ordinary kernel.
    pub dilation: [usize; 2],
    /// Groups of channels that do not mix; both `I` and `O` are multiples of it.
    pub groups: usize,
}

impl Conv2d {
    /// Stride 1, no padding, no dilation, one group. `weight` is `[O, I, kh, kw]`, `bias` `[O]`.
    pub fn new(weight: Array4<f64>, bias: Vec<f64>) -> Self {
        Conv2d {
            weight,
            bias,
            stride: [1, 1],
            padding: Padding::default(),
            dilation: [1, 1],
            groups: 1,
        }
    }

    /// With a stride, down and to the right.
    pub fn with_stride(self, stride: [usize; 2]) -> Self {
        Conv2d { stride, ..self }
    }

    /// With zeros around the input.
    pub fn with_padding(self, padding: Padding) -> Self {
        Conv2d { padding, ..self }
    }

    /// With gaps between the kernel's rows and columns.
    pub fn with_dilation(self, dilation: [usize; 2]) -> Self {
        Conv2d { dilation, ..self }
    }

    /// With groups of channels; `weight` then is `[O, I / groups, kh, kw]`.
    pub fn with_groups(self, groups: usize) -> Self {
        Conv2d { groups, ..self }
    }
}

/// The positions `r` of `0 .. outputs` for which `r · stride + offset` lies in `padding ..
/// padding + size`, that is, for which a kernel's row or column falls on the input.
pub(in crate::model) fn inside(
    outputs: usize,
    stride: usize,
    offset: usize,
    padding: usize,
    size: usize,
) -> std::ops::Range<usize> {
    let first = padding.saturating_sub(offset).div_ceil(stride).min(outputs);
    let end = (padding + size).saturating_sub(offset).div_ceil(stride).min(outputs);
    first..end.max(first)
}

impl Conv2d {
    /// The convolution of one sample; the shapes were checked when the network was built.
    pub(in crate::model) fn apply<T: Entry>(
        &self,
        x: &[T],
        input: &[usize],
        output: &[usize],
    ) -> Vec<T> {
        let (height, width) = (input[1], input[2]);
        let (rows, columns) = (output[1], output[2]);
        let Padding { top, left, .. } = self.padding;
        let (outputs, per_group, _, _) = self.weight.dim();
        let outputs_per_group = outputs / self.groups;
        let biases = self.bias.iter().map(|&bias| T::from(bias));
        let mut y: Vec<T> =
            biases.flat_map(|bias| std::iter::repeat_n(bias, rows * columns)).collect();
        for ((o, i, u, v), &weight) in self.weight.indexed_iter() {
            let weight = T::from(weight);
            let channel = o / outputs_per_group * per_group + i;
            let (down, right) = (u * self.dilation[0], v * self.dilation[1]);
            let across = inside(columns, self.stride[1], right, left, width);
            for r in inside(rows, self.stride[0], down, top, height) {
                let from = (channel * height + r * self.stride[0] + down - top) * width;
                let to = (o * rows + r) * columns;
                let Some(first) = across.clone().next() else { continue };
                let x = &x[from + first * self.stride[1] + right - left..];
                let x = x.iter().step_by(self.stride[1]);
                for (y, &x) in y[to..][across.clone()].iter_mut().zip(x) {
                    *y = *y + weight * x;
                }
            }
        }
        y
    }
}
