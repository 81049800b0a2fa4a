//! Parameters: a literal in, checked and immutable parameters out.

use crate::math::{PRIME_BOUND, is_prime};
use crate::ring::Basis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use thiserror::Error;

/// log₂ N and the largest log₂ Q for 128 bits of classical security with a uniform ternary secret
/// and error of standard deviation 3.19 (ePrint 2024/463, table 5.2). The real ring of degree N
/// stands on the same lattice dimension N.
const LOG2_Q_BOUNDS: [(u32, f64); 6] =
    [(11, 53.0), (12, 106.0), (13, 214.0), (14, 430.0), (15, 868.0), (16, 1747.0)];

/// The largest log₂ Q at 128 bits of security for ring degree `degree`, where the table has it.
pub fn log2_q_bound(degree: usize) -> Option<f64> {
    LOG2_Q_BOUNDS.iter().find(|row| 1 << row.0 == degree).map(|row| row.1)
}

/// The ring degrees of the table of security, ascending.
pub fn secure_degrees() -> impl Iterator<Item = usize> {
    LOG2_Q_BOUNDS.iter().map(|row| 1 << row.0)
}

/// What somebody wants: plain data, checked by [`Parameters::new`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParametersLiteral {
    /// N: the ring's degree and the number of slots, a power of two.
    pub degree: usize,
    /// The primes of the modulus; rescaling takes them away from the end.
    pub primes: Vec<u32>,
    /// The primes of results, where these have a modulus of their own; none where they have what is left of
    /// the other. Nothing is encrypted modulo these: a ciphertext gets there by a public rounding
    /// ([`Switch::to_results`](super::Switch)).
    pub result_primes: Vec<u32>,
}

/// Why a literal is refused.
#[derive(Clone, Debug, PartialEq, Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum ParameterError {
    /// The degree is no power of two of a usable size.
    #[error("ring degree {0} is refused; it must be a power of two from 8 to 65536")]
    Degree(usize),
    /// No secure parameters exist for this degree.
    #[error("ring degree {0} is not in the table of 128-bit security (2048 to 65536)")]
    InsecureDegree(usize),
    /// The modulus is too large for the degree.
    #[error(
        "log2 Q = {log2_q:.2} exceeds {bound}, the largest at 128-bit security for ring degree \
         {degree}; take fewer or smaller primes, or a larger degree"
    )]
    Insecure { degree: usize, log2_q: f64, bound: f64 },
    /// No prime at all, or more than fit.
    #[error("{0} primes given; from 1 to 64 are possible, those of results included")]
    PrimeCount(usize),
    /// Not below 2³¹.
    #[error("prime {0} is refused; primes stay below 2^31")]
    PrimeSize(u32),
    /// Not a prime number.
    #[error("{0} is not prime")]
    Composite(u32),
    /// No transform of this degree exists.
    #[error("prime {prime} is not 1 modulo {order}, as transforms of degree {degree} need")]
    NoTransform { prime: u32, order: usize, degree: usize },
    /// The same prime twice.
    #[error("prime {0} is given twice")]
    Repeated(u32),
}

/// Checked parameters with their transform tables. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Parameters(Arc<Checked>);

#[derive(Debug)]
struct Checked {
    literal: ParametersLiteral,
    basis: Basis,
    /// Where results have primes of their own.
    results: Option<Basis>,
}

impl ParametersLiteral {
    /// One modulus for all, results included.
    pub fn new(degree: usize, primes: Vec<u32>) -> Self {
        Self { degree, primes, result_primes: Vec::new() }
    }

    /// All primes, those of results last.
    pub fn all_primes(&self) -> Vec<u32> {
        [&self.primes[..], &self.result_primes].concat()
    }
}

impl Parameters {
    /// Checks a literal, security included.
    ///
    /// # Errors
    /// [`ParameterError`] naming what is wrong.
    pub fn new(literal: ParametersLiteral) -> Result<Self, ParameterError> {
        check_arithmetic(&literal)?;
        let degree = literal.degree;
        let bound = log2_q_bound(degree).ok_or(ParameterError::InsecureDegree(degree))?;
        let log2_q = literal.primes.iter().map(|&p| f64::from(p).log2()).sum();
        if log2_q > bound {
            return Err(ParameterError::Insecure { degree, log2_q, bound });
        }
        Ok(Self::build(literal))
    }

    /// Parameters of any security, none included, for tests and experiments.
    ///
    /// # Errors
    /// [`ParameterError`] where the arithmetic itself would fail.
    pub fn new_insecure(literal: ParametersLiteral) -> Result<Self, ParameterError> {
        check_arithmetic(&literal)?;
        Ok(Self::build(literal))
    }

    fn build(literal: ParametersLiteral) -> Self {
        let basis = Basis::new(literal.degree, &literal.all_primes());
        let own = &literal.result_primes;
        let results = (!own.is_empty()).then(|| Basis::new(literal.degree, own));
        Self(Arc::new(Checked { literal, basis, results }))
    }

    /// What the parameters were made of.
    pub fn literal(&self) -> &ParametersLiteral {
        &self.0.literal
    }

    /// N: the ring's degree.
    pub fn degree(&self) -> usize {
        self.0.literal.degree
    }

    /// Values in one ciphertext: N, since the ring is real.
    pub fn slots(&self) -> usize {
        self.degree()
    }

    /// The residue number system with its transforms: the primes of the modulus, then those of results.
    pub fn basis(&self) -> &Basis {
        &self.0.basis
    }

    /// The primes of results: their own, or what rescaling leaves of [`basis`](Self::basis).
    pub fn results(&self) -> &Basis {
        self.0.results.as_ref().unwrap_or(self.basis())
    }

    /// The place of the first prime of results in [`basis`](Self::basis).
    pub fn first_of_results(&self) -> usize {
        self.0.results.as_ref().map_or(0, |_| self.levels())
    }

    /// The number of primes of the modulus, at which keys are.
    pub fn levels(&self) -> usize {
        self.0.literal.primes.len()
    }

    /// log₂ Q of the whole modulus.
    pub fn log2_q(&self) -> f64 {
        self.basis().log2_q(self.levels())
    }

    /// 128 where the table of security vouches for the parameters, else 0.
    pub fn security_bits(&self) -> u32 {
        match log2_q_bound(self.degree()) {
            Some(bound) if self.log2_q() <= bound => 128,
            _ => 0,
        }
    }
}

impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        self.literal() == other.literal()
    }
}

impl Eq for Parameters {}

fn check_arithmetic(literal: &ParametersLiteral) -> Result<(), ParameterError> {
    let (degree, primes) = (literal.degree, literal.all_primes());
    if !degree.is_power_of_two() || !(8..=1 << 16).contains(&degree) {
        return Err(ParameterError::Degree(degree));
    }
    if literal.primes.is_empty() || primes.len() > 64 {
        return Err(ParameterError::PrimeCount(primes.len()));
    }
    let order = 4 * degree;
    for (i, &prime) in primes.iter().enumerate() {
        if prime >= PRIME_BOUND {
            return Err(ParameterError::PrimeSize(prime));
        }
        if !is_prime(prime) {
            return Err(ParameterError::Composite(prime));
        }
        if prime as usize % order != 1 {
            return Err(ParameterError::NoTransform { prime, order, degree });
        }
        if primes[..i].contains(&prime) {
            return Err(ParameterError::Repeated(prime));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::primes_below;

    fn literal(degree: usize, count: usize) -> ParametersLiteral {
        let primes = primes_below(1 << 30, 4 * degree as u32).take(count).collect();
        ParametersLiteral::new(degree, primes)
    }

    #[test]
    fn the_whole_table_is_enforced() {
        for degree in secure_degrees() {
            let bound = log2_q_bound(degree).unwrap();
            let fits = (bound / 30.0) as usize;
            // At degree 2¹⁶ there are fewer than 58 primes ≡ 1 mod 2¹⁸ to be had in one go.
            let largest = literal(degree, fits.min(64));
            if largest.primes.len() < fits {
                continue;
            }
            assert_eq!(Parameters::new(largest).unwrap().security_bits(), 128);
            let over = Parameters::new(literal(degree, fits + 1));
            assert!(matches!(over, Err(ParameterError::Insecure { .. })), "{over:?}");
        }
        assert_eq!(
            Parameters::new(literal(1024, 1)).unwrap_err(),
            ParameterError::InsecureDegree(1024)
        );
        assert_eq!(Parameters::new_insecure(literal(1024, 1)).unwrap().security_bits(), 0);
    }

    #[test]
    fn each_refusal_has_its_name() {
        let refuse = |degree, primes: &[u32]| {
            Parameters::new_insecure(ParametersLiteral::new(degree, primes.to_vec())).unwrap_err()
        };
        assert_eq!(refuse(4095, &[97]), ParameterError::Degree(4095));
        assert_eq!(refuse(4, &[97]), ParameterError::Degree(4));
        assert_eq!(refuse(8, &[]), ParameterError::PrimeCount(0));
        assert_eq!(refuse(8, &[2_147_483_659]), ParameterError::PrimeSize(2_147_483_659));
        assert_eq!(refuse(8, &[33]), ParameterError::Composite(33));
        assert_eq!(
            refuse(8, &[101]),
            ParameterError::NoTransform { prime: 101, order: 32, degree: 8 }
        );
        assert_eq!(refuse(8, &[97, 193, 97]), ParameterError::Repeated(97));
    }
}
