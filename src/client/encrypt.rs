//! Images to ciphertexts.

use super::columns::Columns;
use super::{Client, ClientError};
use crate::messages::{EncryptedBatch, Span};
use crate::scheme::Encoding;
use ndarray::{ArrayView, Dimension};
use rayon::prelude::*;

impl Client {
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
        let span = Span::whole(found[0]);
        let flat = inputs.as_standard_layout();
        let input = &self.plan.input;
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
        Ok(EncryptedBatch { owner: self.owner(), span, tiles })
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
    use crate::plan::{Plan, PlanOptions};
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
