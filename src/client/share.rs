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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dense, Network};
    use crate::plan::{Plan, PlanOptions};
    use ndarray::array;

    /// Results up to 4 with an error of 2⁻²⁰.
    fn plan() -> PublicPlan {
        let mut b = Network::builder(&[1]).unwrap();
        let x = b.dense("fc", b.input(), Dense::new(array![[1.0]], vec![0.0])).unwrap();
        let plan = Plan::new_insecure(&b.finish(x).unwrap(), &PlanOptions::default(), 16).unwrap();
        let mut plan = plan.public();
        (plan.output.range, plan.predicted_error) = (4.0, 2f64.powi(-20));
        plan
    }

    /// Twice the error, times √q, times 2^(k − 1).
    #[test]
    fn the_flood_is_as_wide_as_derived() {
        let flood = Flood::new(&plan(), 10, 64).unwrap();
        assert_eq!((flood.sigma(), flood.step()), (2f64.powi(-19 + 3 + 9), 2f64.powi(-7)));
        let flood = Flood::new(&plan(), 10, 65).unwrap();
        assert!(flood.sigma() > 2f64.powi(-7) && flood.step() == 2f64.powi(-7));
    }

    /// 2⁻¹⁹ · 2^(k − 1) · 8 is half at k = 16.
    #[test]
    fn what_would_drown_is_refused() {
        assert!(Flood::new(&plan(), 16, 64).is_ok());
        let refused = Flood::new(&plan(), 18, 64).unwrap_err();
        let ClientError::Drowned { missing, .. } = refused else { panic!("{refused}") };
        assert_eq!(missing, 2.0);
        for error in [0.0, f64::NAN] {
            let plan = PublicPlan { predicted_error: error, ..plan() };
            assert!(Flood::new(&plan, 1, 1).is_err());
        }
    }

    #[test]
    fn values_are_flooded_and_rounded() {
        const COUNT: usize = 100_000;
        let flood = Flood::new(&plan(), 10, 100).unwrap();
        let [a, b] = [0, 1].map(|_| {
            let mut values = vec![1.0 / 3.0; COUNT];
            flood.over(&mut values).unwrap();
            values
        });
        assert_ne!(a, b);
        assert!(a.iter().all(|v| (v / flood.step()).fract() == 0.0));
        let mean = a.iter().sum::<f64>() / COUNT as f64;
        let variance = a.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / COUNT as f64;
        // Rounding adds a uniform error of a step's width.
        let want = flood.sigma().powi(2) + flood.step().powi(2) / 12.0;
        assert!((variance / want - 1.0).abs() < 0.03, "{variance}, not {want}");
        assert!((mean - 1.0 / 3.0).abs() < 6.0 * (want / COUNT as f64).sqrt());
    }
}
