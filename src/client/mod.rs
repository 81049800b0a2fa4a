//! The party that holds the secret key: it encrypts inputs and decrypts answers.

mod columns;

use crate::messages::{EncryptedAnswer, EncryptedBatch, EvaluationKeys, ForeignPlan};
use crate::plan::Plan;
use crate::scheme::{Encoding, EntropyError, SecretKey};
use columns::Columns;
use ndarray::{ArrayD, ArrayView, Dimension, IxDyn};
use rayon::prelude::*;
use thiserror::Error;

/// Why inputs are not encrypted, or answers not decrypted.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum ClientError {
    /// The array is not `[images, …]` with the network's input shape after the count.
    #[error("inputs have shape {found:?}; [count, …] with {expected:?} after the count is needed")]
    InputShape { found: Vec<usize>, expected: Vec<usize> },
    /// A value that is no number, which no range can hold.
    #[error(
        "input {image} holds {value} at position {position}; only finite numbers can be encrypted"
    )]
    NotFinite { image: usize, position: usize, value: f32 },
    /// An answer of another plan.
    #[error(transparent)]
    Foreign(#[from] ForeignPlan),
    /// An answer that no server of this plan gives.
    #[error("the answer is damaged: {what}")]
    Damaged { what: String },
    /// Results that no batch within the plan's ranges has.
    #[error(
        "the batch has overflowed: its results have size {size:.3e}, and the plan holds {limit:.3e} at \
         most; an input unlike all of the calibration batch made values grow in some layer, which \
         spoils all results of its batch. Plan with more typical inputs (--calibration) or \
         polynomials of a lower degree"
    )]
    Overflow { size: f64, limit: f64 },
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// The holder of the secret key of one plan.
#[derive(Debug)]
pub struct Client {
    plan: Plan,
    secret: SecretKey,
    keys: EvaluationKeys,
}

impl Client {
    /// Makes new keys.
    ///
    /// # Errors
    /// [`ClientError::Entropy`] where the operating system has no randomness to give.
    pub fn new(plan: &Plan) -> Result<Self, ClientError> {
        let secret = SecretKey::generate(plan.parameters())?;
        let relin = if plan.program().needs_relin_key() { Some(secret.relin_key()?) } else { None };
        Ok(Self { plan: plan.clone(), secret, keys: EvaluationKeys { plan: plan.digest(), relin } })
    }

    /// The public keys for the server.
    pub fn evaluation_keys(&self) -> &EvaluationKeys {
        &self.keys
    }

    /// Encrypts any number of inputs `[images, …]`, clamped to the plan's input range.
    ///
    /// Slots that are left over repeat the images from the first: a slot out of range would destroy
    /// the whole batch, and those are in it.
    ///
    /// # Errors
    /// [`ClientError`] where the shape is wrong, a value is not finite, or randomness is missing.
    pub fn encrypt<D: Dimension>(
        &self,
        inputs: ArrayView<'_, f32, D>,
    ) -> Result<EncryptedBatch, ClientError> {
        self.encrypt_over(None, inputs)
    }

    /// [`Client::encrypt`] in the memory of an earlier batch, which is gone then, also where this
    /// fails: the operating system clears fresh memory, page by page.
    ///
    /// # Errors
    /// As [`Client::encrypt`].
    pub fn encrypt_over<D: Dimension>(
        &self,
        earlier: Option<EncryptedBatch>,
        inputs: ArrayView<'_, f32, D>,
    ) -> Result<EncryptedBatch, ClientError> {
        let expected = self.plan.input_shape();
        let found = inputs.shape();
        if found.is_empty() || found[0] == 0 || found[1..] != *expected {
            let (found, expected) = (found.to_vec(), expected.to_vec());
            return Err(ClientError::InputShape { found, expected });
        }
        let count = found[0];
        let flat = inputs.as_standard_layout();
        let input = &self.plan.program().input;
        let images = flat.as_slice().unwrap_or_default();
        check_finite(images, input.rows)?;
        let (low, high) = self.plan.input_range();
        let encoding = Encoding {
            level: input.level,
            scale: input.scale,
            range: f64::from(low.abs().max(high.abs())),
        };
        let mut earlier = earlier.map(|batch| batch.tiles).unwrap_or_default().into_iter();
        let tiles = images.chunks(self.plan.slots() * input.rows).map(|images| {
            let columns = Columns::new(images, input.rows, self.plan.slots(), (low, high));
            let fill = |row, slots: &mut [f64]| columns.read(row, slots);
            self.secret.encrypt_over(earlier.next(), input.rows, encoding, fill)
        });
        let tiles = tiles.collect::<Result<_, _>>()?;
        Ok(EncryptedBatch { plan: self.plan.digest(), tiles, images: count })
    }

    /// Decrypts results: `[images, …]` with the plan's output shape after the count.
    ///
    /// # Errors
    /// [`ClientError::Foreign`] and [`ClientError::Damaged`] where the answer is not one of this plan;
    /// [`ClientError::Overflow`] where values have left the plan's ranges.
    pub fn decrypt(&self, answer: &EncryptedAnswer) -> Result<ArrayD<f32>, ClientError> {
        ForeignPlan::check("an answer", answer.plan, self.plan.digest())?;
        let output = self.plan.program().output();
        let (slots, rows) = (self.plan.slots(), output.rows);
        if answer.tiles.len() != answer.images.div_ceil(slots) {
            let what = format!("{} batches for {} images", answer.tiles.len(), answer.images);
            return Err(ClientError::Damaged { what });
        }
        let mut values = vec![0f32; answer.images * rows];
        for (tile, values) in answer.tiles.iter().zip(values.chunks_mut(slots * rows)) {
            let shape = tile.shape();
            let found = (shape.primes, shape.components, shape.rows);
            let expected = (output.level, output.components, rows);
            if found != expected || !self.plan.parameters().basis().holds(tile) {
                let what = format!(
                    "(primes, components, rows) = {found:?}, {expected:?} expected, residues below the primes"
                );
                return Err(ClientError::Damaged { what });
            }
            let columns = self.secret.decrypt(tile, output.scale);
            self.check_overflow(&columns)?;
            values.par_chunks_mut(rows).enumerate().for_each(|(image, result)| {
                let column = columns.chunks_exact(slots).map(|slots| slots[image]);
                result.iter_mut().zip(column).for_each(|(r, v)| *r = v as f32);
            });
        }
        let shape: Vec<usize> =
            [answer.images].iter().chain(self.plan.output_shape()).copied().collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values)
            .map_err(|e| ClientError::Damaged { what: e.to_string() })
    }

    /// That results are those of values that never wrapped. The root mean square of a plan's results
    /// is at most half the modulus; where a coefficient has wrapped, at any layer, all of them are as
    /// good as uniform below the modulus, and the slots, sums of N of them, about √N times as large.
    fn check_overflow(&self, columns: &[f64]) -> Result<(), ClientError> {
        let output = self.plan.program().output();
        let limit = self.plan.parameters().basis().log2_q(output.level).exp2() / 2.0 / output.scale;
        let size = |row: &[f64]| (row.iter().map(|v| v * v).sum::<f64>() / row.len() as f64).sqrt();
        let size = columns.chunks_exact(self.plan.slots()).map(size).fold(0.0, f64::max);
        if size <= limit { Ok(()) } else { Err(ClientError::Overflow { size, limit }) }
    }
}

/// That all values of images of `values` values each are finite.
fn check_finite(images: &[f32], values: usize) -> Result<(), ClientError> {
    // A conjunction is vectorised; a search that stops early is not.
    let finite = |image: &[f32]| image.iter().fold(true, |all, v| all & v.is_finite());
    let bad = images.par_chunks(values).enumerate().find_first(|(_, image)| !finite(image));
    let Some((image, found)) = bad else { return Ok(()) };
    let position = found.iter().position(|v| !v.is_finite()).unwrap_or_default();
    Err(ClientError::NotFinite { image, position, value: found[position] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dense, Network};
    use crate::plan::PlanOptions;
    use ndarray::array;

    /// A slot that no image is in still holds a value of the range: that of an image.
    #[test]
    fn slots_left_over_repeat_the_images() {
        let mut b = Network::builder(&[2]).unwrap();
        let dense = Dense::new(array![[0.5, -0.5]], vec![0.0]);
        let x = b.dense("fc", b.input(), dense).unwrap();
        let plan = Plan::new(&b.finish(x).unwrap(), &PlanOptions::default()).unwrap();
        let client = Client::new(&plan).unwrap();
        let images = array![[0.25f32, 0.75], [0.5, 7.0], [-3.0, 1.0]];
        let batch = client.encrypt(images.view()).unwrap();
        let (input, basis) = (plan.program().input, plan.parameters().basis());
        let tile = batch.tiles[0].expand(basis);
        for (row, slots) in
            client.secret.decrypt(&tile, input.scale).chunks_exact(plan.slots()).enumerate()
        {
            for (slot, got) in slots.iter().enumerate() {
                let want = f64::from(images[[slot % 3, row]].clamp(0.0, 1.0));
                assert!((got - want).abs() < 0.01, "row {row}, slot {slot}: {got}, not {want}");
            }
        }
    }
}
