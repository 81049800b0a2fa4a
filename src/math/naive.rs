//! The definitions, computed as they are written: slow, and the oracle of every test.

use super::Modulus;

/// The value of a ring element at the root ω^k of unity: a₀ + Σ aᵢ (ω^{ki} + ω^{−ki}), where ω is
/// a primitive 4N-th root of unity modulo p and N = `a.len()`.
pub fn evaluate(m: &Modulus, a: &[u32], omega: u32, k: u64) -> u32 {
    let x = m.pow(omega, k);
    let y = m.inv(x);
    let (mut xi, mut yi) = (x, y);
    let mut sum = a[0];
    for &c in &a[1..] {
        sum = m.add(sum, m.mul(c, m.add(xi, yi)));
        xi = m.mul(xi, x);
        yi = m.mul(yi, y);
    }
    sum
}

/// The product of two elements of the real ring of degree N = `a.len()`, coefficient by
/// coefficient, over the integers modulo p.
///
/// With cᵢ = Xⁱ + X⁻ⁱ: cᵢ·cⱼ = c_{i+j} + c_{|i−j|}, c_N = 0, c_{2N−i} = −cᵢ, and c₀ stands for 2.
pub fn multiply(m: &Modulus, a: &[u32], b: &[u32]) -> Vec<u32> {
    let n = a.len();
    let mut out = vec![0; n];
    let mut put = |k: usize, v: u32| match k {
        0 => out[0] = m.add(out[0], m.add(v, v)),
        k if k < n => out[k] = m.add(out[k], v),
        k if k > n => out[2 * n - k] = m.sub(out[2 * n - k], v),
        _ => {}
    };
    for (i, &x) in a.iter().enumerate().skip(1) {
        for (j, &y) in b.iter().enumerate().skip(1) {
            let v = m.mul(x, y);
            put(i + j, v);
            put(i.abs_diff(j), v);
        }
    }
    for i in 0..n {
        out[i] = m.add(out[i], m.mul(a[0], b[i]));
        if i > 0 {
            out[i] = m.add(out[i], m.mul(a[i], b[0]));
        }
    }
    out
}

/// Σᵢ wᵢ·xᵢ mod p for signed integer weights.
pub fn dot(m: &Modulus, weights: &[i32], x: &[u32]) -> u32 {
    let sum: i128 = weights.iter().zip(x).map(|(&w, &x)| i128::from(w) * i128::from(x)).sum();
    m.from_i128(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ring's product is the product of values at every root: two definitions, one ring.
    #[test]
    fn products_are_pointwise_at_the_roots() {
        let m = Modulus::new(257);
        let omega = crate::math::primitive_root_of_unity(&m, 32);
        let a = [3, 250, 7, 9, 256, 1, 0, 100];
        let b = [1, 2, 255, 77, 5, 6, 200, 8];
        let c = multiply(&m, &a, &b);
        for k in (1..16).step_by(2) {
            let [x, y, z] = [&a[..], &b, &c].map(|p| evaluate(&m, p, omega, k));
            assert_eq!(m.mul(x, y), z, "at ω^{k}");
        }
    }
}
