//! Normalization, pooling, constants, and what changes nothing.

use super::Assembly;
use crate::blueprint::{Arithmetic, Constant, Extent, Norm, Nothing, Pool};
use crate::onnx_file::{float, int, ints};

impl Assembly {
    pub(super) fn norm(&mut self, norm: &Norm) -> Result<(), String> {
        let look = self.look()?;
        let channels = self.shape[0];
        let shifted = look.means.iter().zip(&look.deviations);
        let means: Vec<f32> = shifted.map(|(m, d)| m + norm.mean * d).collect();
        // A channel that never changes has no variance; a trained normalization's is not zero.
        let floor = 1e-3 * look.rms.max(1e-3);
        let variance = |d: &f32| norm.variance * d.max(floor).powi(2);
        let variances: Vec<f32> = look.deviations.iter().map(variance).collect();
        let scales: Vec<f32> = (0..channels)
            .map(|c| {
                let sign = if norm.negative && c % 2 == 0 { -1.0 } else { 1.0 };
                sign * self.uniform(0.5, 1.5)
            })
            .collect();
        let shifts: Vec<f32> = (0..channels).map(|_| 0.4 * self.normal()).collect();
        let parts =
            [scales, shifts, means, variances].map(|part| self.file.floats(&[channels], &part));
        let [scales, shifts, means, variances] = &parts;
        let inputs = [&self.at, scales, shifts, means, variances].map(String::as_str);
        let settings = vec![float("epsilon", norm.epsilon)];
        self.at = self.file.node("BatchNormalization", &inputs, settings);
        Ok(())
    }

    /// Nothing of vectors; windows are clipped to the image.
    pub(super) fn pool(&mut self, pool: &Pool) {
        let &[channels, height, width] = &self.shape[..] else { return };
        let clipped = |axis: usize, size: usize| {
            let kernel = pool.kernel[axis].min(size);
            let pads = [pool.pads[axis], pool.pads[axis + 2]].map(|p| p.min(kernel - 1));
            let outputs = (size + pads[0] + pads[1] - kernel) / pool.stride[axis] + 1;
            (kernel, pads, outputs)
        };
        let (rows, columns) = (clipped(0, height), clipped(1, width));
        let settings = vec![
            ints("kernel_shape", &[rows.0, columns.0]),
            ints("strides", &pool.stride),
            ints("pads", &[rows.1[0], columns.1[0], rows.1[1], columns.1[1]]),
            int("count_include_pad", pool.count_padding.into()),
        ];
        self.at = self.file.node("AveragePool", &[&self.at], settings);
        self.shape = vec![channels, rows.2, columns.2];
    }

    pub(super) fn constant(&mut self, constant: &Constant) {
        let ones = vec![1; self.shape.len() - 1];
        let shape = match constant.extent {
            Extent::Number => vec![],
            Extent::Channel => [vec![self.shape[0]], ones].concat(),
            Extent::ChannelOfBatch => [vec![1, self.shape[0]], ones].concat(),
            Extent::Whole => self.shape.clone(),
        };
        let factor = !matches!(
            constant.kind,
            Arithmetic::Add | Arithmetic::AddLeft | Arithmetic::Subtract | Arithmetic::SubtractLeft
        );
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| if factor { self.uniform(0.5, 1.5) } else { 0.4 * self.normal() })
            .collect();
        let x = self.at.clone();
        let kind = match constant.kind {
            Arithmetic::Negate => {
                self.at = self.file.node("Neg", &[&x], vec![]);
                return;
            }
            Arithmetic::Add | Arithmetic::AddLeft => "Add",
            Arithmetic::Subtract | Arithmetic::SubtractLeft => "Sub",
            Arithmetic::Multiply | Arithmetic::MultiplyLeft => "Mul",
            Arithmetic::Divide => "Div",
        };
        let c = self.file.floats(&shape, &values);
        let left = matches!(
            constant.kind,
            Arithmetic::AddLeft | Arithmetic::SubtractLeft | Arithmetic::MultiplyLeft
        );
        let inputs = if left { [&c, &x] } else { [&x, &c] };
        self.at = self.file.node(kind, &inputs.map(String::as_str), vec![]);
    }

    pub(super) fn nothing(&mut self, nothing: Nothing) {
        let x = self.at.clone();
        self.at = match nothing {
            Nothing::Identity => self.file.node("Identity", &[&x], vec![]),
            Nothing::Dropout => self.file.node("Dropout", &[&x], vec![]),
            Nothing::Reshapes => {
                let there = self.file.integers(&[0, 1, -1]);
                let size: Vec<i64> = self.shape.iter().map(|&d| d as i64).collect();
                let back = self.file.integers(&[vec![-1], size].concat());
                let flat = self.file.node("Reshape", &[&x, &there], vec![]);
                self.file.node("Reshape", &[&flat, &back], vec![])
            }
        };
    }
}
