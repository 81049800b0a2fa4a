//! The party that holds the secret key: it encrypts inputs and decrypts answers.

use crate::messages::{EncryptedAnswer, EncryptedBatch, EvaluationKeys, ForeignPlan};
use crate::plan::Plan;
use crate::scheme::{EntropyError, SecretKey};
use ndarray::{ArrayD, ArrayView, Axis, Dimension, IxDyn};
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
        let inputs = inputs.into_dyn();
        let images = self.check(&inputs)?;
        let input = &self.plan.program().input;
        let flat = inputs.to_shape((images, input.rows)).map_err(|_| ClientError::InputShape {
            found: inputs.shape().to_vec(),
            expected: self.plan.input_shape().to_vec(),
        })?;
        let (low, high) = self.plan.input_range();
        let tiles = flat.axis_chunks_iter(Axis(0), self.plan.slots()).map(|chunk| {
            self.secret.encrypt(input.rows, input.level, input.scale, |row, slots| {
                let column = chunk.column(row);
                let values = column.iter().cycle();
                slots.iter_mut().zip(values).for_each(|(s, &x)| *s = x.clamp(low, high).into());
            })
        });
        Ok(EncryptedBatch {
            plan: self.plan.digest(),
            tiles: tiles.collect::<Result<_, _>>()?,
            images,
        })
    }

    fn check(&self, inputs: &ArrayView<'_, f32, IxDyn>) -> Result<usize, ClientError> {
        let expected = self.plan.input_shape();
        let found = inputs.shape();
        if found.is_empty() || found[0] == 0 || found[1..] != *expected {
            return Err(ClientError::InputShape {
                found: found.to_vec(),
                expected: expected.to_vec(),
            });
        }
        for (image, values) in inputs.outer_iter().enumerate() {
            if let Some((position, &value)) =
                values.iter().enumerate().find(|(_, v)| !v.is_finite())
            {
                return Err(ClientError::NotFinite { image, position, value });
            }
        }
        Ok(found[0])
    }

    /// Decrypts results: `[images, …]` with the plan's output shape after the count.
    ///
    /// # Errors
    /// [`ClientError::Foreign`] and [`ClientError::Damaged`] where the answer is not one of this plan.
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
            let columns: Vec<Vec<f64>> = (0..rows)
                .into_par_iter()
                .map(|row| self.secret.decrypt_row(tile, row, output.scale))
                .collect();
            for (image, result) in values.chunks_exact_mut(rows).enumerate() {
                result.iter_mut().zip(&columns).for_each(|(r, c)| *r = c[image] as f32);
            }
        }
        let shape: Vec<usize> =
            [answer.images].iter().chain(self.plan.output_shape()).copied().collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values)
            .map_err(|e| ClientError::Damaged { what: e.to_string() })
    }
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
        for row in 0..2 {
            let slots = client.secret.decrypt_row(&tile, row, input.scale);
            assert_eq!(slots.len(), plan.slots());
            for (slot, got) in slots.iter().enumerate() {
                let want = f64::from(images[[slot % 3, row]].clamp(0.0, 1.0));
                assert!((got - want).abs() < 0.01, "row {row}, slot {slot}: {got}, not {want}");
            }
        }
    }
}
