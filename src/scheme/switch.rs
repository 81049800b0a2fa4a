//! How a sum of squares comes down.

use serde::{Deserialize, Serialize};

/// Three components become two, then primes go.
///
/// **Relinearising**: with digits dⱼ of c₂, (c₀, c₁) += Σⱼ dⱼ·keyⱼ. **Rescaling** by the last prime q:
/// c ← (c − (c mod q))/q with the centred residue, that is c/q rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// How many primes go afterwards.
    pub rescale: usize,
    /// What the third component is taken apart into. Where there are two components already it does
    /// nothing.
    pub digits: Digits,
    /// Whether results have primes of their own, and the sum comes down to these in the end: multiplied by
    /// them, of which it is 0, then rescaled by all primes that are left, from the last to the first.
    pub to_results: bool,
}

/// The digits of c₂, and whether a prime behind the sum's takes part.
///
/// Let p be the prime behind the sum's level ℓ, which has gone before. Multiplied by p, all components
/// make a ciphertext modulo Q_ℓ·p whose residues modulo p are 0; that can be relinearised, and rescaled
/// by p, so that what the key adds is divided by p. The same key serves.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Digits {
    /// The centred residue of c₂ modulo each prime, and no prime behind.
    #[default]
    Plain,
    /// The centred residue of p·c₂ modulo each prime: the key's noise is next to nothing, for one more
    /// prime to transform every digit to.
    Guarded,
    /// The centred residue of p·c₂ modulo each product of two primes, from the first on, p being the
    /// last one's partner where ℓ is odd: half as many digits, as large as p takes away again. The noise
    /// is that of plain digits. The key of a digit is the sum of its two primes' keys: modulo both of
    /// them it encrypts s², modulo all others 0.
    Paired,
}

impl Digits {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Guarded, Self::Paired];

    /// Primes behind the sum's that are needed.
    pub fn behind(self) -> usize {
        usize::from(self != Self::Plain)
    }

    /// Primes whose product a digit is a residue of.
    pub fn primes(self) -> usize {
        if self == Self::Paired { 2 } else { 1 }
    }

    /// Digits of a sum at `level` primes.
    pub fn count(self, level: usize) -> usize {
        level.div_ceil(self.primes())
    }
}

impl Switch {
    /// Plain digits, `rescale` primes.
    pub fn by(rescale: usize) -> Self {
        Self { rescale, ..Self::default() }
    }
}
