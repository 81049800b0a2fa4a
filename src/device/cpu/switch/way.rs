//! What a switch does modulo one prime, whatever the row.

use crate::math::words::Factors;
use crate::ring::Basis;
use std::ops::Range;

/// How values modulo one prime come down.
#[derive(Debug, Default)]
pub struct Way {
    /// What becomes of the sums, and the factor of each step.
    pub steps: Vec<Step>,
    pub factors: Factors,
    /// All primes modulo this one, and their inverses; 0 for itself.
    pub primes: Factors,
    pub inverses: Factors,
}

/// A sum less a remainder, if there is one, times a factor.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Which one, of a prime that goes or of two at a time.
    pub remainder: Option<usize>,
    /// Whether c is added behind it, and not at the beginning.
    pub plus_c: bool,
}

impl Way {
    /// Modulo prime `i`, while the primes `gone` go, the last one first, or those of them behind `i`.
    pub fn new(basis: &Basis, i: usize, gone: Range<usize>, guard: Option<usize>) -> Self {
        let m = basis.modulus(i);
        let residue = |k: usize| basis.modulus(k).value() % m.value();
        let inverse = |k: usize| if k == i { 0 } else { m.inv(residue(k)) };
        let step = |remainder, plus_c| Step { remainder, plus_c };
        let mut steps = Vec::new();
        let mut factors = Vec::new();
        if gone.contains(&i) {
            // The sum is divided by the guard; all else follows from coefficient to coefficient.
            if let Some(guard) = guard.filter(|&guard| guard != i) {
                steps.push(step(None, true));
                factors.push(inverse(guard));
            }
        } else {
            let order: Vec<usize> = gone.clone().rev().collect();
            for (k, primes) in order.chunks(2).enumerate() {
                let inverses: Vec<u32> = primes.iter().map(|&k| inverse(k)).collect();
                let guarded = guard == Some(primes[0]);
                match inverses[..] {
                    [first, second] if guarded => {
                        steps.extend([step(Some(k), true), step(None, false)]);
                        factors.extend([first, second]);
                    }
                    [first, second] => {
                        steps.push(step(Some(k), false));
                        factors.push(m.mul(first, second));
                    }
                    _ => {
                        steps.push(step(Some(k), guarded));
                        factors.extend(inverses);
                    }
                }
            }
        }
        let table = |of: &dyn Fn(usize) -> u32| Factors::new(m, (0..basis.len()).map(of));
        let factors = Factors::new(m, factors.into_iter());
        Self { steps, factors, primes: table(&residue), inverses: table(&inverse) }
    }
}
