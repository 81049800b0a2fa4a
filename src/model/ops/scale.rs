//! A factor and a shift per channel, as batch normalization is after training.

use super::Entry;

/// `y[c, …] = scale[c] · x[c, …] + shift[c]` over a value whose first axis is the channel.
///
/// Its results are the unit in which activations are measured (close to N(0, 1) after batch
/// normalization), so it is kept apart from [`Polynomial`](super::Polynomial).
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// `[C]`.
    pub scale: Vec<f64>,
    /// `[C]`.
    pub shift: Vec<f64>,
}

impl Scale {
    /// `scale` and `shift` are `[C]`.
    pub fn new(scale: Vec<f64>, shift: Vec<f64>) -> Self {
        Scale { scale, shift }
    }

    /// Batch normalization with its running statistics, all `[C]`: the factor is
    /// `γ / √(variance + epsilon)`, the shift `β − mean · factor`.
    pub fn batch_norm(
        gamma: &[f64],
        beta: &[f64],
        mean: &[f64],
        variance: &[f64],
        epsilon: f64,
    ) -> Self {
        let factors = gamma.iter().zip(variance).map(|(g, v)| g / (v + epsilon).sqrt());
        let scale: Vec<f64> = factors.collect();
        let shift = beta.iter().zip(mean).zip(&scale).map(|((b, m), s)| b - m * s).collect();
        Scale { scale, shift }
    }

    /// The factor of every entry of a value with `per_channel` entries in each channel.
    pub(in crate::model) fn factors(&self, per_channel: usize) -> Vec<f64> {
        spread(&self.scale, per_channel)
    }

    /// The shift of every entry of a value with `per_channel` entries in each channel.
    pub(in crate::model) fn shifts(&self, per_channel: usize) -> Vec<f64> {
        spread(&self.shift, per_channel)
    }

    /// The layer for one sample.
    pub(in crate::model) fn apply<T: Entry>(&self, x: &[T]) -> Vec<T> {
        let per_channel = x.len() / self.scale.len().max(1);
        let channels = x.chunks(per_channel.max(1)).zip(self.scale.iter().zip(&self.shift));
        let scaled = channels.flat_map(|(x, (&scale, &shift))| {
            let (scale, shift) = (T::from(scale), T::from(shift));
            x.iter().map(move |&x| scale * x + shift)
        });
        scaled.collect()
    }
}

fn spread(values: &[f64], times: usize) -> Vec<f64> {
    values.iter().flat_map(|&value| std::iter::repeat_n(value, times)).collect()
}
