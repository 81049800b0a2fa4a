//! What a random network is drawn from. Sizes that do not fit are clipped when it is assembled, so
//! that every blueprint is a network and shrinks to smaller ones.

/// A random network and its inputs. `Debug` prints what `tests/regressions.rs` takes.
#[derive(Clone, Debug)]
pub struct Blueprint {
    /// Of weights and inputs.
    pub seed: u64,
    /// The version of ONNX's operators.
    pub opset: i64,
    /// Channels, height, width.
    pub input: [usize; 3],
    /// The range of the inputs.
    pub range: (f32, f32),
    /// Squarings in a row, at most; an activation beyond that is left out.
    pub squarings: usize,
    /// In order; those from `flat` on come after the flattening.
    pub layers: Vec<Layer>,
    /// Where images become vectors.
    pub flat: usize,
    /// How.
    pub neck: Neck,
    /// Entries of the result, by a last dense layer.
    pub classes: usize,
}

/// One part of a network.
#[derive(Clone, Debug)]
pub enum Layer {
    /// A convolution of images, a dense layer of vectors.
    Mix(Mix),
    /// Batch normalization, a node of its own.
    Norm(Norm),
    /// A polynomial.
    Activation(Activation),
    /// Average pooling; nothing of vectors.
    Pool(Pool),
    /// x + mix(activation(mix(x))), with a projection of x where the shape changes.
    Residual(Mix, Activation),
    /// A constant added or multiplied.
    Constant(Constant),
    /// What changes nothing.
    Nothing(Nothing),
}

/// A convolution; of a vector, a dense layer of `channels` results.
#[derive(Clone, Debug)]
pub struct Mix {
    pub channels: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub padding: Padding,
    pub grouping: Grouping,
    pub bias: bool,
    /// How the dense layer is written.
    pub dense: Spelling,
    /// The factor by which results are off the size of inputs, as before a normalization they may.
    pub gain: f32,
}

#[derive(Clone, Copy, Debug)]
pub enum Padding {
    Valid,
    /// `auto_pad`.
    SameUpper,
    SameLower,
    /// Top, left, bottom, right; clipped to the kernel's reach.
    Given([usize; 4]),
}

#[derive(Clone, Copy, Debug)]
pub enum Grouping {
    One,
    /// Two groups, where the channels are even.
    Two,
    /// One group a channel.
    Depthwise,
}

#[derive(Clone, Copy, Debug)]
pub enum Spelling {
    Gemm { transposed: bool, alpha: f32 },
    MatMul,
}

/// Its statistics are those of what it sees, times and plus these.
#[derive(Clone, Debug)]
pub struct Norm {
    pub variance: f32,
    pub mean: f32,
    pub epsilon: f32,
    /// Whether some channels are turned over.
    pub negative: bool,
}

#[derive(Clone, Debug)]
pub struct Activation {
    pub shape: Shape,
    pub way: Way,
    pub per_channel: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// x².
    Square,
    /// Near the fit of ReLU of degree 2, 4 or 6, with odd powers or without.
    Fit { degree: usize, odd: bool },
    /// Degree 2, with the factor of x² tiny or zero.
    Weak,
}

/// In which nodes a polynomial is written.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// c x^k by Pow.
    Power,
    /// c x x.
    Product,
    /// (c x + c) x + c.
    Horner,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub pads: [usize; 4],
    pub count_padding: bool,
}

#[derive(Clone, Debug)]
pub struct Constant {
    pub kind: Arithmetic,
    pub extent: Extent,
}

#[derive(Clone, Copy, Debug)]
pub enum Arithmetic {
    Add,
    AddLeft,
    Subtract,
    SubtractLeft,
    Multiply,
    MultiplyLeft,
    Divide,
    Negate,
}

/// Of a constant.
#[derive(Clone, Copy, Debug)]
pub enum Extent {
    Number,
    Channel,
    /// As many axes as the batch has.
    ChannelOfBatch,
    Whole,
}

#[derive(Clone, Copy, Debug)]
pub enum Nothing {
    Identity,
    Dropout,
    /// To another shape and back.
    Reshapes,
}

#[derive(Clone, Copy, Debug)]
pub enum Neck {
    Flatten,
    ReshapeOpen,
    ReshapeKept,
    GlobalPool,
    Mean,
}
