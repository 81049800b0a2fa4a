//! Ciphertexts to results.

use super::{Client, ClientError, Flood};
use crate::messages::{EncryptedAnswer, Foreign};
use crate::ring::Tile;
use ndarray::{ArrayD, IxDyn};
use rayon::prelude::*;

impl Client {
    /// Decrypts results: `[images, …]` with the plan's output shape after the count.
    ///
    /// They carry the noise of the computation, which depends on the secret: they are not for the
    /// server, nor for anybody who may talk with it. See [`Client::decrypt_to_share`].
    ///
    /// # Errors
    /// [`ClientError::Foreign`] and [`ClientError::Damaged`] where the answer is not one of this plan
    /// and this key; [`ClientError::Overflow`] where values have left the plan's ranges.
    pub fn decrypt(&self, answer: &EncryptedAnswer) -> Result<ArrayD<f32>, ClientError> {
        self.open(answer, None)
    }

    /// Decrypts results, and floods and rounds them before anything is returned, so that they may be
    /// shown to others: at most an advantage of 2^−`bits` over who sees the results of exact
    /// arithmetic, flooded as much. The bound is for `values` values over the life of the key, these
    /// results among them, and for no fewer than these. `docs/notes/sharing.md` derives it.
    ///
    /// # Errors
    /// As [`Client::decrypt`]; [`ClientError::Drowned`] where nothing of the results would be left.
    pub fn decrypt_to_share(
        &self,
        answer: &EncryptedAnswer,
        bits: u32,
        values: u64,
    ) -> Result<ArrayD<f32>, ClientError> {
        let there = answer.span.images.saturating_mul(self.plan.output.rows as u64);
        let flood = Flood::new(&self.plan, bits, values.max(there))?;
        self.open(answer, Some(&flood))
    }

    fn open(
        &self,
        answer: &EncryptedAnswer,
        flood: Option<&Flood>,
    ) -> Result<ArrayD<f32>, ClientError> {
        Foreign::check("an answer", answer.owner, self.owner())?;
        let (slots, rows, images) = (self.plan.slots(), self.plan.output.rows, answer.images());
        if answer.tiles.len() != images.div_ceil(slots) {
            let what = format!("{} batches for {images} images", answer.tiles.len());
            return Err(ClientError::Damaged { what });
        }
        let mut values = vec![0f32; images * rows];
        for (part, values) in answer.tiles.iter().zip(values.chunks_mut(slots * rows)) {
            self.check(&part.tile)?;
            let mut columns = self.secret.decrypt_results(&part.tile, self.plan.output.scale);
            self.check_overflow(&columns)?;
            flood.map_or(Ok(()), |flood| flood.over(&mut columns))?;
            values.par_chunks_mut(rows).enumerate().for_each(|(image, result)| {
                let column = columns.chunks_exact(slots).map(|slots| slots[image]);
                result.iter_mut().zip(column).for_each(|(r, v)| *r = v as f32);
            });
        }
        let shape: Vec<usize> = [images].iter().chain(self.plan.output_shape()).copied().collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values)
            .map_err(|e| ClientError::Damaged { what: e.to_string() })
    }

    /// That a tile is one of results.
    fn check(&self, tile: &Tile) -> Result<(), ClientError> {
        let (shape, output) = (tile.shape(), &self.plan.output);
        let found = (shape.primes, shape.components, shape.rows);
        let expected = (output.level, output.components, output.rows);
        match found == expected && self.plan.parameters().results().holds(tile) {
            true => Ok(()),
            false => Err(ClientError::Damaged {
                what: format!(
                    "(primes, components, rows) = {found:?}, {expected:?} expected, residues below the primes"
                ),
            }),
        }
    }

    /// That results are those of values that never wrapped. The root mean square of a plan's results
    /// is at most half the modulus; where a coefficient has wrapped, at any layer, all of them are as
    /// good as uniform below the modulus, and the slots, sums of N of them, about √N times as large.
    fn check_overflow(&self, columns: &[f64]) -> Result<(), ClientError> {
        let output = &self.plan.output;
        let limit =
            self.plan.parameters().results().log2_q(output.level).exp2() / 2.0 / output.scale;
        let size = |row: &[f64]| (row.iter().map(|v| v * v).sum::<f64>() / row.len() as f64).sqrt();
        let size = columns.chunks_exact(self.plan.slots()).map(size).fold(0.0, f64::max);
        if size <= limit { Ok(()) } else { Err(ClientError::Overflow { size, limit }) }
    }
}
