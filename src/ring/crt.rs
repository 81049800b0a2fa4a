//! From residues back to integers, as the numbers nearest zero.

use crate::math::{
    Modulus, Shoup,
    simd::{Simd, per_simd},
};

/// Garner's mixed-radix conversion ("The residue number system", IRE Trans. EC-8, 1959) with **centred** digits: x = v₀ + v₁·q₀ + v₂·q₀q₁ + …, each vᵢ in
/// (−qᵢ/2, qᵢ/2), is the representative of x nearest zero, and a small x has zeros as its high
/// digits. So the sum may be taken in floating point without cancellation.
#[derive(Clone, Debug)]
pub struct Crt {
    moduli: Vec<Modulus>,
    /// `(q₀⋯q_{i−1})⁻¹ mod qᵢ`.
    inverses: Vec<Shoup>,
    /// q₀⋯q_{i−1}.
    radices: Vec<f64>,
    /// See [`Crt::radix`].
    pairs: Vec<Shoup>,
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
        let modulo = |i: usize, j: usize| {
            let m: &Modulus = &moduli[i];
            m.shoup(moduli[j].value() % m.value())
        };
        let pairs = (0..level).flat_map(|i| (0..i).map(move |j| (i, j)));
        let pairs = pairs.map(|(i, j)| modulo(i, j)).collect();
        Self { moduli, inverses, radices, pairs }
    }

    /// The integers x with |x| < Q/2 that have the residues `[prime][N]`, as the nearest doubles `[N]`.
    ///
    /// # Panics
    /// Where there are not as many residues for every prime as there is room in `out`.
    pub fn centred(&self, simd: Simd, residues: &[u32], out: &mut [f64]) {
        assert_eq!(residues.len(), self.moduli.len() * out.len(), "a residue a prime");
        centred(simd, self, residues, out);
    }

    /// For each i > j: qⱼ modulo qᵢ, at i(i − 1)/2 + j.
    fn radix(&self, i: usize, j: usize) -> Shoup {
        self.pairs[i * (i - 1) / 2 + j]
    }
}

/// Integers at a time: their digits stay in the cache.
const TOGETHER: usize = 64;

per_simd! {
    fn centred(crt: &Crt, residues: &[u32], out: &mut [f64]) {
        let degree = out.len();
        let mut digits = vec![[0i32; TOGETHER]; crt.moduli.len()];
        for (block, out) in out.chunks_mut(TOGETHER).enumerate() {
            out.fill(0.0);
            for (i, m) in crt.moduli.iter().enumerate() {
                let x = &residues[i * degree + block * TOGETHER..][..out.len()];
                let (known_digits, rest) = digits.split_at_mut(i);
                // v₀ + v₁q₀ + …, Horner from the highest digit known.
                let mut known = [0u32; TOGETHER];
                for (j, digit) in known_digits.iter().enumerate().rev() {
                    let q = crt.radix(i, j);
                    for (known, &d) in known.iter_mut().zip(digit) {
                        *known = m.add(m.mul_shoup(*known, q), m.from_i32(d));
                    }
                }
                for (((out, &x), &known), digit) in
                    out.iter_mut().zip(x).zip(&known).zip(&mut rest[0])
                {
                    *digit = m.centre(m.mul_shoup(m.sub(x, known), crt.inverses[i]));
                    *out += f64::from(*digit) * crt.radices[i];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{math::primes_below, ring::Basis};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_come_back(x in prop::collection::vec(-(1i128 << 88)..(1i128 << 88), 1..150)) {
            let primes: Vec<u32> = primes_below(1 << 30, 64).take(3).collect();
            let basis = Basis::new(16, &primes);
            let crt = Crt::new(&basis, 3);
            // Small ones among them: their high digits are zero.
            let x: Vec<i128> = x.iter().map(|&x| if x % 3 == 0 { x % 1000 } else { x }).collect();
            let residues: Vec<u32> =
                (0..3).flat_map(|i| x.iter().map(move |&v| (i, v)))
                    .map(|(i, v)| basis.modulus(i).from_i128(v))
                    .collect();
            for simd in Simd::all() {
                let mut got = vec![f64::NAN; x.len()];
                crt.centred(simd, &residues, &mut got);
                for (got, v) in got.iter().zip(&x) {
                    prop_assert!((got - *v as f64).abs() <= v.unsigned_abs() as f64 * 1e-15);
                }
            }
        }

        /// Primes of very different sizes, whose digits are larger than the next modulus.
        #[test]
        fn primes_of_any_sizes(x in -(1i64 << 50)..(1i64 << 50)) {
            let basis = Basis::new(16, &[2_147_483_137, 193, 1_073_741_441, 257]);
            let crt = Crt::new(&basis, 4);
            let residues: Vec<u32> = (0..4).map(|i| basis.modulus(i).from_i64(x)).collect();
            for simd in Simd::all() {
                let mut got = [f64::NAN];
                crt.centred(simd, &residues, &mut got);
                prop_assert_eq!(got[0], x as f64);
            }
        }
    }
}
