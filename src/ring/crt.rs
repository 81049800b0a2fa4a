//! From residues back to integers, as the numbers nearest zero.

use crate::math::{Modulus, Shoup};

/// Garner's mixed-radix conversion with **centred** digits: x = v₀ + v₁·q₀ + v₂·q₀q₁ + …, each vᵢ in
/// (−qᵢ/2, qᵢ/2), is the representative of x nearest zero, and a small x has zeros as its high
/// digits. So the sum may be taken in floating point without cancellation.
#[derive(Clone, Debug)]
pub struct Crt {
    moduli: Vec<Modulus>,
    /// `(q₀⋯q_{i−1})⁻¹ mod qᵢ`.
    inverses: Vec<Shoup>,
    /// q₀⋯q_{i−1}.
    radices: Vec<f64>,
}

impl Crt {
    /// For the first `level` primes of a basis.
    pub fn new(basis: &super::Basis, level: usize) -> Self {
        let moduli: Vec<_> = (0..level).map(|i| *basis.modulus(i)).collect();
        let inverses = (0..level)
            .map(|i| {
                let m = moduli[i];
                let product =
                    moduli[..i].iter().fold(1, |acc, q| m.mul(acc, q.value() % m.value()));
                m.shoup(m.inv(product))
            })
            .collect();
        let radices = moduli
            .iter()
            .scan(1.0, |r, m| Some(std::mem::replace(r, *r * f64::from(m.value()))))
            .collect();
        Self { moduli, inverses, radices }
    }

    /// The centred integer with these residues, one a prime, as the nearest double.
    pub fn centred(&self, residues: impl Iterator<Item = u32>) -> f64 {
        const LEVELS: usize = 64;
        let mut digits = [0i32; LEVELS];
        let mut sum = 0.0;
        for (i, x) in residues.take(self.moduli.len().min(LEVELS)).enumerate() {
            let m = self.moduli[i];
            // x − (v₀ + v₁q₀ + …), Horner from the highest digit known.
            let known = digits[..i].iter().zip(&self.moduli).rev().fold(0, |acc, (&d, q)| {
                m.add(m.mul(acc, q.value() % m.value()), m.from_i64(d.into()))
            });
            digits[i] = m.centre(m.mul_shoup(m.sub(x, known), self.inverses[i]));
            sum += f64::from(digits[i]) * self.radices[i];
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{math::primes_below, ring::Basis};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back(x in -(1i128 << 88)..(1i128 << 88), small in -1000i128..1000) {
            let primes: Vec<u32> = primes_below(1 << 30, 64).take(3).collect();
            let basis = Basis::new(16, &primes);
            let crt = Crt::new(&basis, 3);
            for v in [x, small] {
                let got = crt.centred((0..3).map(|i| basis.modulus(i).from_i128(v)));
                prop_assert!((got - v as f64).abs() <= v.unsigned_abs() as f64 * 1e-15);
            }
        }
    }
}
