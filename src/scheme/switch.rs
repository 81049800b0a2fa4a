//! How a sum of squares comes down.

use serde::{Deserialize, Serialize};

/// Three components become two, then primes go.
///
/// **Relinearising**: with digits dⱼ = centred residue of c₂ modulo prime j,
/// (c₀, c₁) += Σⱼ dⱼ·keyⱼ. **Rescaling** by the last prime q: c ← (c − (c mod q))/q with the centred
/// residue, that is c/q rounded.
///
/// **Guarded**, relinearising costs no precision: with p the prime behind the sum's level ℓ, which has
/// gone before, all components are multiplied by p, which makes a ciphertext modulo Q_ℓ·p whose residue
/// modulo p is 0; that is relinearised, its digit modulo p being 0, and rescaled by p. What the key
/// adds is divided by p, and the same key serves. It costs one more prime to transform every digit
/// to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// How many primes go afterwards.
    pub rescale: usize,
    /// Whether the prime behind guards the relinearisation. Where there are two components already
    /// it does nothing.
    pub guarded: bool,
}

impl Switch {
    /// Without a guard, `rescale` primes.
    pub fn by(rescale: usize) -> Self {
        Self { rescale, guarded: false }
    }
}
