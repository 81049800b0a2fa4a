//! The secret key and the keys that are made with it.

use super::ciphertext::{SeededTile, uniform_poly};
use super::sampling::{self, EntropyError, Keystream, Seed};
use super::{Encoder, Parameters, RelinKey};
use crate::math::simd::Simd;
use crate::ring::{Shape, Tile, subtract_product};
use rayon::prelude::*;
use zeroize::Zeroizing;

/// A uniform ternary secret s, wiped when dropped. It is neither printed nor copied: it has no `Debug`
/// and no `Clone`.
///
/// ```compile_fail
/// fn prints<T: std::fmt::Debug>() {}
/// prints::<cipherbatch::scheme::SecretKey>();
/// ```
/// ```compile_fail
/// fn copies<T: Clone>() {}
/// copies::<cipherbatch::scheme::SecretKey>();
/// ```
pub struct SecretKey {
    /// What s is drawn from, for it to be written down.
    seed: Zeroizing<Seed>,
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
        Ok(Self::from_seed(params, seed))
    }

    /// The secret of a seed: whoever has the seed has the secret.
    pub(crate) fn from_seed(params: &Parameters, seed: Zeroizing<Seed>) -> Self {
        let (basis, simd) = (params.basis(), Simd::detect());
        let mut s = Zeroizing::new(vec![0; params.degree()]);
        sampling::ternary(simd, &Keystream::new(&seed, 0), &mut s);
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
        Self { seed, params: params.clone(), encoder, simd, powers: powers.into() }
    }

    /// The seed of the secret.
    pub(crate) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// The parameters of this key.
    pub fn parameters(&self) -> &Parameters {
        &self.params
    }

    /// The relinearisation key of this secret, as the server holds it: `[primes][2][primes][N]`.
    ///
    /// # Errors
    /// [`EntropyError`] where the operating system has no randomness to give.
    pub fn relin_key(&self) -> Result<RelinKey, EntropyError> {
        let seeded = self.seeded_relin_key()?;
        Ok(RelinKey::new(seeded.expand(self.params.basis()))
            .expect("two components, a row a prime"))
    }

    /// The relinearisation key of this secret as it travels: (−aⱼ·s + eⱼ + s²·δᵢⱼ, aⱼ) for each prime
    /// j, a row each.
    ///
    /// # Errors
    /// [`EntropyError`] where the operating system has no randomness to give.
    pub fn seeded_relin_key(&self) -> Result<SeededTile, EntropyError> {
        let basis = self.params.basis();
        let (uniform, noise) = (sampling::fresh_seed()?, sampling::fresh_seed()?);
        let (levels, degree) = (self.params.levels(), basis.degree());
        let mut errors = Zeroizing::new(vec![0; levels * degree]);
        errors.par_chunks_mut(degree).enumerate().for_each(|(digit, error)| {
            sampling::errors(self.simd, &Keystream::new(&noise, digit as u64), error);
        });
        let shape = Shape { primes: levels, components: 1, rows: levels, degree };
        let mut c0 = Tile::zeros(shape);
        c0.data_mut().par_chunks_mut(degree).enumerate().for_each_init(
            || vec![0; degree],
            |a, (i, b)| {
                let (prime, digit) = (i / levels, i % levels);
                let (m, s) = (basis.modulus(prime), &self.powers[0][prime]);
                let e = &errors[digit * degree..][..degree];
                uniform_poly(self.simd, basis, &uniform, prime, digit, a);
                basis.table(prime).forward_integers(self.simd, e, sampling::LARGEST_ERROR, b);
                subtract_product(self.simd, m, a, s, b);
                if digit == prime {
                    let square = self.powers[1][prime].iter().map(|&x| m.redc(x.into()));
                    b.iter_mut().zip(square).for_each(|(b, s2)| *b = m.add(*b, s2));
                }
            },
        );
        Ok(SeededTile { seed: *uniform, c0 })
    }
}
