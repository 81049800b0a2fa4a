//! Ciphertexts as they travel. Nothing here is secret.

use super::sampling::{self, Keystream, Seed};
use crate::math::simd::Simd;
use crate::ring::{Basis, Shape, Tile};
use rayon::prelude::*;

/// Fresh encryptions, one a row: c₀ in full, c₁ as the seed it is drawn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeededTile {
    /// The ChaCha20 seed of all c₁.
    pub(crate) seed: Seed,
    /// `[prime][1][row][N]`: c₀, values at the roots of unity.
    pub(crate) c0: Tile,
}

impl SeededTile {
    /// The extents after expansion: two components.
    pub fn shape(&self) -> Shape {
        Shape { components: 2, ..self.c0.shape() }
    }

    /// Bytes on the way to a device; files are packed, and smaller.
    pub fn bytes(&self) -> usize {
        self.seed.len() + 4 * self.c0.data().len()
    }

    /// Both components in full, `[prime][2][row][N]`: (c₀, c₁) with c₀ + c₁·s = message + error.
    pub fn expand(&self, basis: &Basis) -> Tile {
        let shape = self.shape();
        let mut out = Tile::zeros(shape);
        out.data_mut().par_chunks_mut(shape.degree).enumerate().for_each(|(i, poly)| {
            let (rest, row) = (i / shape.rows, i % shape.rows);
            self.expand_poly(basis, rest / 2, rest % 2, row, poly);
        });
        out
    }

    /// One polynomial of the expansion, N residues into `out`: c₀ copied, or c₁ drawn.
    pub fn expand_poly(
        &self,
        basis: &Basis,
        prime: usize,
        component: usize,
        row: usize,
        out: &mut [u32],
    ) {
        match component {
            0 => out.copy_from_slice(self.c0.poly(prime, 0, row)),
            _ => uniform_poly(Simd::detect(), basis, &self.seed, prime, row, out),
        }
    }
}

/// The uniform half of ciphertext `row` modulo prime number `prime`: stream row·256 + prime.
pub(super) fn uniform_poly(
    simd: Simd,
    basis: &Basis,
    seed: &Seed,
    prime: usize,
    row: usize,
    out: &mut [u32],
) {
    let stream = (row as u64) << 8 | prime as u64;
    sampling::uniform(simd, basis.modulus(prime), &Keystream::new(seed, stream), out);
}
