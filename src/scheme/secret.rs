//! The secret key and all that needs it: encryption, decryption, the relinearisation key.

use super::ciphertext::{SeededTile, uniform_poly};
use super::sampling::{self, EntropyError, Seed};
use super::{Encoder, Parameters, RelinKey};
use crate::math::Modulus;
use crate::ring::{Crt, Shape, Tile};
use rayon::prelude::*;
use std::fmt;
use zeroize::Zeroizing;

/// A uniform ternary secret s, wiped when dropped.
pub struct SecretKey {
    params: Parameters,
    encoder: Encoder,
    /// s at the roots of unity, in Montgomery form, a polynomial a prime.
    powers: [Vec<Zeroizing<Vec<u32>>>; 2],
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
        let basis = params.basis();
        let mut s = Zeroizing::new(vec![0i8; params.degree()]);
        sampling::ternary(&mut sampling::generator(seed, 0), &mut s);
        let transformed = |square: bool| {
            (0..basis.len())
                .into_par_iter()
                .map(|i| {
                    let m = basis.modulus(i);
                    let mut v: Zeroizing<Vec<u32>> =
                        Zeroizing::new(s.iter().map(|&x| m.from_i64(x.into())).collect());
                    basis.table(i).forward(&mut v);
                    v.iter_mut().for_each(|x| {
                        *x = m.to_montgomery(if square { m.mul(*x, *x) } else { *x })
                    });
                    v
                })
                .collect()
        };
        let powers = [transformed(false), transformed(true)];
        Self { params: params.clone(), encoder: Encoder::new(params.degree()), powers }
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
        let shape = Shape { primes: levels, components: 2, rows: levels, degree };
        let mut tile = Tile::zeros(shape);
        for digit in 0..levels {
            let mut error = Zeroizing::new(vec![0i64; degree]);
            sampling::add_error(&mut sampling::generator(&noise, digit as u64), &mut error);
            for prime in 0..levels {
                let m = basis.modulus(prime);
                let a = tile.poly_mut(prime, 1, digit);
                uniform_poly(basis, &uniform, prime, digit, a);
                let a = a.to_vec();
                let b = tile.poly_mut(prime, 0, digit);
                self.mask(prime, &error, &a, b);
                if digit == prime {
                    let square = self.powers[1][prime].iter().map(|&x| m.redc(x.into()));
                    b.iter_mut().zip(square).for_each(|(b, s2)| *b = m.add(*b, s2));
                }
            }
        }
        Ok(RelinKey::new(tile).expect("two components, a row a prime"))
    }

    /// Encrypts rows of N slots each, at level `level` and scale `scale`.
    ///
    /// `fill(row, slots)` writes the values of one row over zeros; it is called from many threads.
    ///
    /// # Errors
    /// [`EntropyError`] where the operating system has no randomness to give.
    pub fn encrypt(
        &self,
        rows: usize,
        level: usize,
        scale: f64,
        fill: impl Fn(usize, &mut [f64]) + Sync,
    ) -> Result<SeededTile, EntropyError> {
        let basis = self.params.basis();
        let degree = basis.degree();
        let (seed, noise) = (sampling::fresh_seed()?, sampling::fresh_seed()?);
        let encrypted: Vec<Vec<u32>> = (0..rows)
            .into_par_iter()
            .map_init(
                || (vec![0.0; degree], vec![0; degree], vec![0; degree]),
                |(slots, message, a), row| {
                    // What is left of the row before would be out of anyone's range.
                    slots.fill(0.0);
                    fill(row, slots);
                    self.encoder.to_coefficients(slots);
                    message.iter_mut().zip(&*slots).for_each(|(m, v)| *m = integer(v * scale));
                    sampling::add_error(&mut sampling::generator(&noise, row as u64), message);
                    let mut c0 = vec![0; level * degree];
                    for (prime, b) in c0.chunks_exact_mut(degree).enumerate() {
                        uniform_poly(basis, &seed, prime, row, a);
                        self.mask(prime, message, a, b);
                    }
                    c0
                },
            )
            .collect();
        let mut c0 = Tile::zeros(Shape { primes: level, components: 1, rows, degree });
        for (row, polys) in encrypted.iter().enumerate() {
            for (prime, poly) in polys.chunks_exact(degree).enumerate() {
                c0.poly_mut(prime, 0, row).copy_from_slice(poly);
            }
        }
        Ok(SeededTile { seed: *seed, c0 })
    }

    /// Decrypts one row of a tile of two or three components: its N slots, divided by `scale`.
    pub fn decrypt_row(&self, tile: &Tile, row: usize, scale: f64) -> Vec<f64> {
        let basis = self.params.basis();
        let shape = tile.shape();
        let crt = Crt::new(basis, shape.primes);
        let residues: Vec<Vec<u32>> = (0..shape.primes)
            .map(|prime| {
                let m = basis.modulus(prime);
                let mut phase = tile.poly(prime, 0, row).to_vec();
                for component in 1..shape.components {
                    let power = &self.powers[component - 1][prime];
                    add_product(m, &mut phase, tile.poly(prime, component, row), power);
                }
                basis.table(prime).inverse(&mut phase);
                phase
            })
            .collect();
        let mut values: Vec<f64> =
            (0..shape.degree).map(|k| crt.centred(residues.iter().map(|r| r[k]))).collect();
        self.encoder.to_slots(&mut values);
        values.iter_mut().for_each(|v| *v /= scale);
        values
    }

    /// b = message − a·s modulo one prime, at the roots of unity.
    fn mask(&self, prime: usize, message: &[i64], a: &[u32], b: &mut [u32]) {
        let m = self.params.basis().modulus(prime);
        b.iter_mut().zip(message).for_each(|(b, &x)| *b = m.from_i64(x));
        self.params.basis().table(prime).forward(b);
        for ((b, &a), &s) in b.iter_mut().zip(a).zip(&*self.powers[0][prime]) {
            *b = m.sub(*b, m.mul_montgomery(a, s));
        }
    }
}

/// The nearest integer, within ±2⁶² so that an error can be added to it.
fn integer(v: f64) -> i64 {
    const LIMIT: f64 = (1u64 << 62) as f64;
    v.clamp(-LIMIT, LIMIT).round() as i64
}

/// acc += x·y with `y` in Montgomery form.
fn add_product(m: &Modulus, acc: &mut [u32], x: &[u32], y: &[u32]) {
    for ((acc, &x), &y) in acc.iter_mut().zip(x).zip(y) {
        *acc = m.add(*acc, m.mul_montgomery(x, y));
    }
}

impl fmt::Debug for SecretKey {
    /// Never shows the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("params", self.params.literal()).finish_non_exhaustive()
    }
}
