//! What a plan may be told.

use ndarray::ArrayD;

/// What a plan may be told; the default serves images in \[0, 1\].
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// The lowest and the highest value of an input; others are clamped to it at encryption.
    pub input_range: (f32, f32),
    /// Typical inputs `[count, …]` that nobody minds to show to the server, which sees the program
    /// that was made with them. Without it, made-up inputs over the range serve.
    pub calibration: Option<ArrayD<f32>>,
    /// Bits by which results may exceed those of the calibration batch.
    pub margin_bits: f64,
    /// The results' error, predicted, relative to the spread of the calibration batch's results: at
    /// most 2^−`precision_bits`. `None`: the fewest bits, from 3 to 4.5, at which 99.9 % of the answers
    /// to the calibration batch stay what they are, an answer being the place of the largest result,
    /// and if that is out of reach, what can be reached, from 3 bits on; 5 bits where there is no
    /// calibration batch, or a result is a single number.
    pub precision_bits: Option<f64>,
    /// The smallest ring degree that is taken, of those of the table of security, where it shall be
    /// larger than the network needs: as many more images then fit a batch.
    pub least_degree: Option<usize>,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            input_range: (0.0, 1.0),
            calibration: None,
            margin_bits: 1.0,
            precision_bits: None,
            least_degree: None,
        }
    }
}
