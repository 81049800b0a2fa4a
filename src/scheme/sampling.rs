//! Randomness: every draw comes from ChaCha20 with a seed of the operating system.

use crate::math::Modulus;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use rand_distr::{Distribution, Normal};
use zeroize::Zeroizing;

/// The standard deviation of the error, as the table of security assumes it.
pub const ERROR_STD: f64 = 3.19;

/// The seed of a ChaCha20 stream.
pub type Seed = [u8; 32];

/// The operating system refused to give random bytes.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub struct EntropyError(#[from] getrandom::Error);

/// A fresh seed from the operating system.
pub(crate) fn fresh_seed() -> Result<Zeroizing<Seed>, EntropyError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed)?;
    Ok(seed)
}

/// The generator of one stream of a seed. A (seed, stream) pair serves one purpose, once.
pub(crate) fn generator(seed: &Seed, stream: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(*seed);
    rng.set_stream(stream);
    rng
}

/// Uniform residues in [0, p): words of the stream in order, their low ⌈log₂ p⌉ bits, those below p.
pub(crate) fn uniform(m: &Modulus, rng: &mut ChaCha20Rng, out: &mut [u32]) {
    let p = m.value();
    let mask = p.next_power_of_two() - 1;
    for x in out {
        *x = loop {
            let word = rng.next_u32() & mask;
            if word < p {
                break word;
            }
        };
    }
}

/// Uniform values in {−1, 0, 1}: pairs of bits, the pair 3 rejected.
pub(crate) fn ternary(rng: &mut ChaCha20Rng, out: &mut [i8]) {
    let (mut word, mut left) = (0, 0);
    for x in out {
        *x = loop {
            if left == 0 {
                (word, left) = (rng.next_u64(), 32);
            }
            let pair = (word & 3) as i8;
            (word, left) = (word >> 2, left - 1);
            if pair < 3 {
                break pair - 1;
            }
        };
    }
}

/// Adds to each coefficient an error: a normal of standard deviation [`ERROR_STD`], rounded.
pub(crate) fn add_error(rng: &mut ChaCha20Rng, coefficients: &mut [i64]) {
    let normal = Normal::new(0.0, ERROR_STD).expect("a positive standard deviation");
    for x in coefficients {
        *x += normal.sample(rng).round() as i64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_and_repeat() {
        let m = Modulus::new(65_537);
        let draw = |seed: u8, stream| {
            let mut out = [0; 8];
            uniform(&m, &mut generator(&[seed; 32], stream), &mut out);
            out
        };
        assert_eq!(draw(1, 0), draw(1, 0));
        assert_ne!(draw(1, 0), draw(1, 1));
        assert_ne!(draw(1, 0), draw(2, 0));
        assert_ne!(*fresh_seed().unwrap(), *fresh_seed().unwrap());
    }

    /// Means and variances within six standard errors.
    #[test]
    fn distributions_have_their_moments() {
        const COUNT: usize = 200_000;
        let moments = |v: &[f64]| {
            let mean = v.iter().sum::<f64>() / v.len() as f64;
            (mean, v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / v.len() as f64)
        };
        let near = |got: f64, want: f64, tolerance: f64| {
            assert!((got - want).abs() < tolerance, "{got}, not {want}")
        };

        let mut errors = vec![0i64; COUNT];
        add_error(&mut generator(&[7; 32], 0), &mut errors);
        let (mean, var) = moments(&errors.iter().map(|&x| x as f64).collect::<Vec<_>>());
        // Rounding adds 1/12 to the variance.
        near(mean, 0.0, 6.0 * ERROR_STD / (COUNT as f64).sqrt());
        near(
            var,
            ERROR_STD.powi(2) + 1.0 / 12.0,
            6.0 * ERROR_STD.powi(2) * (2.0 / COUNT as f64).sqrt(),
        );

        let mut secret = vec![0i8; COUNT];
        ternary(&mut generator(&[7; 32], 1), &mut secret);
        for value in [-1, 0, 1] {
            let share = secret.iter().filter(|&&x| x == value).count() as f64 / COUNT as f64;
            near(share, 1.0 / 3.0, 6.0 * (2.0 / 9.0 / COUNT as f64).sqrt());
        }

        // A prime just above a power of two rejects almost half of all words.
        let p = 65_537;
        let mut residues = vec![0; COUNT];
        uniform(&Modulus::new(p), &mut generator(&[7; 32], 2), &mut residues);
        assert!(residues.iter().all(|&x| x < p));
        let (mean, var) =
            moments(&residues.iter().map(|&x| f64::from(x) / f64::from(p)).collect::<Vec<_>>());
        near(mean, 0.5, 6.0 * (1.0f64 / 12.0 / COUNT as f64).sqrt());
        near(var, 1.0 / 12.0, 0.002);
    }
}
