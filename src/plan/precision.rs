//! How precise results have to be.
//!
//! An answer is the place of the largest result. With errors of standard deviation σ it changes from
//! y to y′ with probability Q((y − y′)/√2σ), Q the normal distribution's tail, which is at most
//! exp(−x²/2)/2.

use super::batch::Batch;

/// The share of answers that may change.
const CHANGED: f64 = 1e-3;

/// Where nothing else is known, results are wanted with this many bits: their error is at most
/// 2^−bits of their spread.
pub const USUAL_BITS: f64 = 5.0;

/// Answers that are clear may not cost all precision of the results themselves.
pub const FEWEST_BITS: f64 = 3.0;

/// Answers that are a tie in the clear are not worth more bits than this.
const MOST_BITS: f64 = 4.5;

/// The expected share of samples whose answer changes, with `deviation(sample)` the standard
/// deviation of its results' errors.
pub fn changed(results: &Batch, deviation: impl Fn(usize) -> f64) -> f64 {
    let (samples, entries) = (results.samples(), results.entries());
    let of_sample = |s: usize| {
        let values = (0..entries).map(|r| results.row(r)[s]);
        let (best, most) = values
            .clone()
            .enumerate()
            .fold((0, f64::NEG_INFINITY), |best, (r, y)| if y > best.1 { (r, y) } else { best });
        let scale = 1.0 / (2.0 * deviation(s)).powi(2);
        let others = values.enumerate().filter(|(r, _)| *r != best);
        others.map(|(_, y)| 0.5 * (-(most - y).powi(2) * scale).exp()).sum::<f64>().min(1.0)
    };
    (0..samples).map(of_sample).sum::<f64>() / samples.max(1) as f64
}

/// Whether few enough answers change.
pub fn keeps_answers(results: &Batch, deviation: impl Fn(usize) -> f64) -> bool {
    changed(results, deviation) <= CHANGED
}

/// The fewest bits at which answers are kept, errors being the same for all samples; the usual ones
/// where a result is a single number and no answer.
pub fn fewest_bits(results: &Batch, spread: f64) -> f64 {
    const STEP: f64 = 0.125;
    if results.entries() < 2 {
        return USUAL_BITS;
    }
    let mut bits = FEWEST_BITS;
    while bits < MOST_BITS && !keeps_answers(results, |_| spread * (-bits).exp2()) {
        bits += STEP;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(pairs: &[(f64, f64)]) -> Batch {
        let mut batch = Batch::zeros(2, pairs.len());
        batch.for_each_row(|r, row| {
            row.iter_mut().zip(pairs).for_each(|(x, p)| *x = if r == 0 { p.0 } else { p.1 });
        });
        batch
    }

    /// The bound holds for drawn noise, and is not far from it.
    #[test]
    fn the_share_is_that_of_drawn_noise() {
        use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
        use rand_distr::{Distribution, Normal};
        let clear = results(&[(1.0, 0.0), (0.0, 0.4), (3.0, 2.9)]);
        let (sigma, draws) = (0.3, 20_000);
        let normal = Normal::new(0.0, sigma).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(0);
        let mut count = 0;
        for _ in 0..draws {
            for (a, b) in [(1.0, 0.0), (0.0, 0.4), (3.0, 2.9)] {
                let (x, y) = (a + normal.sample(&mut rng), b + normal.sample(&mut rng));
                count += usize::from((x > y) != (a > b));
            }
        }
        let (share, bound) = (count as f64 / f64::from(3 * draws), changed(&clear, |_| sigma));
        assert!(share <= bound && bound < 1.6 * share, "{share} drawn, {bound} at most");
    }

    #[test]
    fn clear_answers_need_few_bits_and_ties_not_endlessly_many() {
        assert_eq!(fewest_bits(&results(&[(9.0, 0.0), (0.0, 9.0)]), 4.5), FEWEST_BITS);
        assert_eq!(fewest_bits(&results(&[(9.0, 0.0), (1.0, 1.0)]), 4.5), MOST_BITS);
        let between = fewest_bits(&results(&[(9.0, 0.0), (1.0, 2.5)]), 4.5);
        assert!((FEWEST_BITS..MOST_BITS).contains(&between), "{between}");
        assert_eq!(fewest_bits(&Batch::zeros(1, 7), 1.0), USUAL_BITS);
    }
}
