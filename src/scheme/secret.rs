//! The secret key and the keys that are made with it.

use super::ciphertext::uniform_poly;
use super::sampling::{self, EntropyError, Keystream, Seed};
use super::{Encoder, Parameters, RelinKey};
use crate::math::simd::Simd;
use crate::ring::{Shape, Tile, subtract_product};
use rayon::prelude::*;
use std::fmt;
use zeroize::Zeroizing;

/// A uniform ternary secret s, wiped when dropped.
pub struct SecretKey {
    pub(super) params: Parameters,
    pub(super) encoder: Encoder,
    pub(super) simd: Simd,
    /// s and s² at the roots of unity, in Montgomery form, a polynomial a prime.
    pub(super) powers: [Vec<Zeroizing<Vec<u32>>>; 2],
}

impl SecretKey {
    /// A new secret from the operating system's randomness.
    ///
    /// # Errors
    /// [`EntropyError`] where the operating system has none to give.
    pub fn generate(params: &Parameters) -> Result<Self, EntropyError> {
        let seed = sampling::fresh_seed()?;
        Ok(Self::from_seed(params, &seed))
    }

    /// The secret of a seed: whoever has the seed has the secret.
    pub(super) fn from_seed(params: &Parameters, seed: &Seed) -> Self {
        let (basis, simd) = (params.basis(), Simd::detect());
        let mut s = Zeroizing::new(vec![0; params.degree()]);
        sampling::ternary(simd, &Keystream::new(seed, 0), &mut s);
        let powers = (0..basis.len())
            .into_par_iter()
            .map(|i| {
                let m = basis.modulus(i);
                let mut power = Zeroizing::new(vec![0; s.len()]);
                basis.table(i).forward_integers(simd, &s, 1, &mut power);
                power.iter_mut().for_each(|x| *x = m.to_montgomery(*x));
                let square = power.iter().map(|&x| m.mul_montgomery(x, x)).collect();
                (power, Zeroizing::new(square))
            })
            .unzip();
        let encoder = Encoder::new(params.degree());
        Self { params: params.clone(), encoder, simd, powers: powers.into() }
    }

    /// The parameters of this key.
    pub fn parameters(&self) -> &Parameters {
        &self.params
    }

    /// The relinearisation key of this secret: (−aⱼ·s + eⱼ + s²·δᵢⱼ, aⱼ) for each prime j.
    ///
    /// # Errors
    /// [`EntropyError`] where the operating system has no randomness to give.
    pub fn relin_key(&self) -> Result<RelinKey, EntropyError> {
        let basis = self.params.basis();
        let (uniform, noise) = (sampling::fresh_seed()?, sampling::fresh_seed()?);
        let (levels, degree) = (basis.len(), basis.degree());
        let mut errors = Zeroizing::new(vec![0; levels * degree]);
        errors.par_chunks_mut(degree).enumerate().for_each(|(digit, error)| {
            sampling::errors(self.simd, &Keystream::new(&noise, digit as u64), error);
        });
        let shape = Shape { primes: levels, components: 2, rows: levels, degree };
        let mut tile = Tile::zeros(shape);
        // A prime's polynomials: b of all digits, then a of all digits.
        tile.data_mut().par_chunks_mut(shape.per_prime()).enumerate().for_each(|(prime, polys)| {
            let (m, s) = (basis.modulus(prime), &self.powers[0][prime]);
            let (b, a) = polys.split_at_mut(levels * degree);
            let digits = b.chunks_exact_mut(degree).zip(a.chunks_exact_mut(degree));
            for (digit, ((b, a), e)) in digits.zip(errors.chunks_exact(degree)).enumerate() {
                uniform_poly(self.simd, basis, &uniform, prime, digit, a);
                basis.table(prime).forward_integers(self.simd, e, sampling::LARGEST_ERROR, b);
                subtract_product(self.simd, m, a, s, b);
                if digit == prime {
                    let square = self.powers[1][prime].iter().map(|&x| m.redc(x.into()));
                    b.iter_mut().zip(square).for_each(|(b, s2)| *b = m.add(*b, s2));
                }
            }
        });
        Ok(RelinKey::new(tile).expect("two components, a row a prime"))
    }
}

impl fmt::Debug for SecretKey {
    /// Never shows the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("params", self.params.literal()).finish_non_exhaustive()
    }
}
