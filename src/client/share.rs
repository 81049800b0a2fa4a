//! Results that others may see: noise that depends on the secret is drowned in noise that does not.
//!
//! Li and Micciancio (ePrint 2020/1533): the error of a decrypted result is a function of the secret,
//! and enough of them give it away. Adding normal noise of standard deviation σ to q values with errors
//! of root mean square ε leaves a Kullback–Leibler divergence of at most qε²/2σ² between what is shown
//! and what an exact computation would show, so a statistical distance of at most √q·ε/2σ (Pinsker).
//! `docs/notes/sharing.md` has the derivation, and what follows from it in practice.

use super::ClientError;
use crate::plan::PublicPlan;
use crate::scheme::{EntropyError, fresh_seed};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// How much larger errors may be than the plan predicts: a plan keeps to its range under as much.
const MARGIN: f64 = 2.0;

/// The share of the range that the flood's standard deviation may have.
const MOST: f64 = 1.0 / 8.0;

/// The flood over the results of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flood {
    sigma: f64,
    step: f64,
}

impl Flood {
    /// The flood under which `values` shared values are within 2^−`bits` of exact ones.
    ///
    /// # Errors
    /// [`ClientError::Drowned`] where nothing of the results would be left.
    pub fn new(plan: &PublicPlan, bits: u32, values: u64) -> Result<Self, ClientError> {
        let (range, error) = (plan.output_range(), plan.predicted_error());
        let flood = MARGIN * error * (values as f64).sqrt() * (f64::from(bits) - 1.0).exp2();
        // Written so that NaN fails, and a plan that claims to have no error.
        let leaves = flood > 0.0 && flood <= MOST * range;
        if !leaves {
            let missing = (flood / (MOST * range)).log2();
            return Err(ClientError::Drowned { range, error, bits, values, flood, missing });
        }
        Ok(Self { sigma: flood, step: flood.log2().floor().exp2() })
    }

    /// The standard deviation of what is added.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// What results are multiples of after it: the largest power of two that is at most σ.
    pub fn step(&self) -> f64 {
        self.step
    }

    /// Floods and rounds values. Rounding comes last and sees nothing but the sum, so it takes nothing
    /// from the bound; it takes away the low bits in which a sum of doubles shows its parts (Mironov,
    /// 2012).
    pub(super) fn over(&self, values: &mut [f64]) -> Result<(), EntropyError> {
        /// Values that one stream of randomness serves.
        const CHUNK: usize = 1 << 14;
        let seed = fresh_seed()?;
        values.par_chunks_mut(CHUNK).enumerate().for_each(|(stream, values)| {
            let mut random = ChaCha20Rng::from_seed(*seed);
            random.set_stream(stream as u64);
            for value in values {
                let noise: f64 = StandardNormal.sample(&mut random);
                *value = ((*value + self.sigma * noise) / self.step).round() * self.step;
            }
        });
        Ok(())
    }
}
