//! Convolutions and dense layers.

use super::{Assembly, MOST_ENTRIES};
use crate::blueprint::{Grouping, Mix, Padding, Spelling};
use crate::onnx_file::{float, int, ints, text};

impl Assembly {
    /// A convolution of an image, a dense layer of a vector.
    pub(super) fn mix(&mut self, mix: &Mix) -> Result<(), String> {
        if self.shape.len() == 1 {
            self.dense(mix.channels, mix.dense, mix.bias, mix.gain);
        } else {
            let axes = [0, 1].map(|axis| Along::new(mix, axis, self.shape[1 + axis]));
            let places = axes[0].outputs() * axes[1].outputs();
            let channels = mix.channels.min((MOST_ENTRIES / places).max(1));
            self.convolution(&Mix { channels, ..mix.clone() });
        }
        Ok(())
    }

    /// The same, but an image keeps its height and width, or has them divided by the stride.
    pub(super) fn same_mix(&mut self, mix: &Mix) -> Result<(), String> {
        let odd = mix.kernel.map(|k| k / 2 * 2 + 1);
        self.mix(&Mix { kernel: odd, padding: Padding::SameUpper, ..mix.clone() })
    }

    /// Around a residual block: 1×1, of the block's stride.
    pub(super) fn projection(&mut self, channels: usize, of: &Mix) -> Result<(), String> {
        if self.shape.len() == 1 {
            self.dense(channels, of.dense, of.bias, 1.0);
            return Ok(());
        }
        self.convolution(&Mix {
            channels,
            kernel: [1, 1],
            dilation: [1, 1],
            padding: Padding::Valid,
            grouping: Grouping::One,
            gain: 1.0,
            ..of.clone()
        });
        Ok(())
    }

    /// The last layer.
    pub(super) fn last(&mut self, classes: usize) -> Result<(), String> {
        let look = self.look()?;
        self.sized(&look);
        self.dense(classes, Spelling::Gemm { transposed: true, alpha: 1.0 }, true, 1.0);
        Ok(())
    }

    fn weights(&mut self, shape: &[usize], inputs: usize, gain: f32) -> String {
        let scale = gain / (inputs as f32).sqrt();
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| self.normal() * scale).collect();
        self.file.floats(shape, &values)
    }

    fn bias(&mut self, outputs: usize, gain: f32) -> String {
        let values: Vec<f32> = (0..outputs).map(|_| 0.3 * gain * self.normal()).collect();
        self.file.floats(&[outputs], &values)
    }

    fn dense(&mut self, outputs: usize, spelling: Spelling, bias: bool, gain: f32) {
        let inputs = self.shape[0];
        match spelling {
            Spelling::Gemm { transposed, alpha } => {
                let shape = if transposed { [outputs, inputs] } else { [inputs, outputs] };
                let mut settings = vec![float("alpha", alpha), int("transB", transposed.into())];
                if alpha != 1.0 {
                    settings.push(float("beta", 1.5));
                }
                let mut parts = vec![self.at.clone(), self.weights(&shape, inputs, gain / alpha)];
                if bias {
                    parts.push(self.bias(outputs, gain));
                }
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                self.at = self.file.node("Gemm", &parts, settings);
            }
            Spelling::MatMul => {
                let weight = self.weights(&[inputs, outputs], inputs, gain);
                self.at = self.file.node("MatMul", &[&self.at, &weight], vec![]);
                if bias {
                    let bias = self.bias(outputs, gain);
                    self.at = self.file.node("Add", &[&bias, &self.at], vec![]);
                }
            }
        }
        self.shape = vec![outputs];
    }

    fn convolution(&mut self, mix: &Mix) {
        let channels = self.shape[0];
        let axes = [0, 1].map(|axis| Along::new(mix, axis, self.shape[1 + axis]));
        let [height, width] = [axes[0].outputs(), axes[1].outputs()];
        let wanted = mix.channels;
        let (groups, outputs) = match mix.grouping {
            Grouping::Depthwise => (channels, channels * (wanted / channels).max(1)),
            Grouping::Two if channels.is_multiple_of(2) => (2, wanted.next_multiple_of(2)),
            _ => (1, wanted),
        };
        let kernel = axes.each_ref().map(|a| a.kernel);
        let inputs = channels / groups;
        let fan_in = inputs * kernel[0] * kernel[1];
        let weight = self.weights(&[outputs, inputs, kernel[0], kernel[1]], fan_in, mix.gain);
        let mut settings = vec![
            ints("kernel_shape", &kernel),
            ints("strides", &axes.each_ref().map(|a| a.stride)),
            ints("dilations", &axes.each_ref().map(|a| a.dilation)),
            int("group", groups),
        ];
        settings.push(match mix.padding {
            Padding::SameUpper => text("auto_pad", "SAME_UPPER"),
            Padding::SameLower => text("auto_pad", "SAME_LOWER"),
            _ => ints("pads", &[axes[0].pads.0, axes[1].pads.0, axes[0].pads.1, axes[1].pads.1]),
        });
        let bias = mix.bias.then(|| self.bias(outputs, mix.gain));
        let mut parts = vec![self.at.as_str(), &weight];
        parts.extend(bias.as_deref());
        self.at = self.file.node("Conv", &parts, settings);
        self.shape = vec![outputs, height, width];
    }
}

/// A convolution along one axis, clipped to what fits.
struct Along {
    size: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// Zeros before and after.
    pads: (usize, usize),
    same: bool,
}

impl Along {
    fn new(mix: &Mix, axis: usize, size: usize) -> Self {
        let same = matches!(mix.padding, Padding::SameUpper | Padding::SameLower);
        let (mut kernel, mut dilation) = (mix.kernel[axis], mix.dilation[axis]);
        let reach = |kernel: usize, dilation: usize| (kernel - 1) * dilation + 1;
        if reach(kernel, dilation) > size {
            dilation = 1;
        }
        while reach(kernel, dilation) > size {
            kernel = kernel.saturating_sub(2).max(1);
        }
        // Padding beyond the kernel's reach would make results of zeros alone.
        let clipped = |pad: usize| pad.min(reach(kernel, dilation) - 1);
        let pads = match mix.padding {
            Padding::Given(pads) => (clipped(pads[axis]), clipped(pads[axis + 2])),
            _ => (0, 0),
        };
        Self { size, kernel, stride: mix.stride[axis], dilation, pads, same }
    }

    fn outputs(&self) -> usize {
        if self.same {
            return self.size.div_ceil(self.stride);
        }
        let padded = self.size + self.pads.0 + self.pads.1;
        (padded - (self.kernel - 1) * self.dilation - 1) / self.stride + 1
    }
}
