//! What a switch does modulo one prime, whatever the row.

use crate::math::words::Factors;
use crate::ring::Basis;
use std::ops::Range;

/// How values modulo one prime come down.
pub struct Way {
    /// What the sums take from remainders, one or two primes that go at a time, and whether c is added
    /// behind it; and the factor of each step.
    pub steps: Vec<(Option<usize>, bool)>,
    pub factors: Factors,
    /// All primes modulo this one, and their inverses; 0 for itself.
    pub primes: Factors,
    pub inverses: Factors,
}

impl Way {
    /// Modulo prime `i`, while the primes `gone` go, the last one first, or those of them behind `i`.
    pub fn new(basis: &Basis, i: usize, gone: Range<usize>, guard: Option<usize>) -> Self {
        let m = basis.modulus(i);
        let residue = |k: usize| basis.modulus(k).value() % m.value();
        let inverse = |k: usize| if k == i { 0 } else { m.inv(residue(k)) };
        let mut steps = Vec::new();
        let mut factors = Vec::new();
        if gone.contains(&i) {
            // The sum is divided by the guard; all else follows from coefficient to coefficient.
            if let Some(guard) = guard.filter(|&guard| guard != i) {
                steps.push((None, true));
                factors.push(inverse(guard));
            }
        } else {
            let order: Vec<usize> = gone.clone().rev().collect();
            for (k, primes) in order.chunks(2).enumerate() {
                let inverses: Vec<u32> = primes.iter().map(|&k| inverse(k)).collect();
                let guarded = guard == Some(primes[0]);
                match inverses[..] {
                    [first, second] if guarded => {
                        steps.extend([(Some(k), true), (None, false)]);
                        factors.extend([first, second]);
                    }
                    [first, second] => {
                        steps.push((Some(k), false));
                        factors.push(m.mul(first, second));
                    }
                    _ => {
                        steps.push((Some(k), guarded));
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
