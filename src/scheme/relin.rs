//! The relinearisation key, as the server holds it.

use crate::ring::Tile;

/// For each prime j, an encryption of s² that is multiplied modulo prime j alone and zero modulo
/// the others: row j of `tile` is (bⱼ, aⱼ) with bⱼ + aⱼ·s = eⱼ + s²·δᵢⱼ modulo prime i.
///
/// δᵢⱼ is the RNS idempotent, so the digit of c₂ for prime j is its residue modulo that prime, with
/// no special prime; and the same key serves every level, since dropping primes leaves the equations
/// of the others as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelinKey {
    tile: Tile,
}

impl RelinKey {
    /// A key of `[primes][2][digits][N]` residues, or `None` where there are not two components and
    /// as many digits as primes.
    pub fn new(tile: Tile) -> Option<Self> {
        let s = tile.shape();
        (s.components == 2 && s.rows == s.primes).then_some(Self { tile })
    }

    /// `[prime][component][digit][N]`, values at the roots of unity.
    pub fn tile(&self) -> &Tile {
        &self.tile
    }
}
