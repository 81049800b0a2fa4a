//! Products of values, place by place, modulo one prime.

use crate::math::{
    Modulus,
    simd::Simd,
    words::{Words, per_words},
};

/// acc = acc + x·y, in [0, p), with `y` in Montgomery form. All lengths are the same.
pub(crate) fn add_product(simd: Simd, m: &Modulus, x: &[u32], y: &[u32], acc: &mut [u32]) {
    assert!(x.len() == acc.len() && y.len() == acc.len(), "polynomials of one degree");
    add(simd, m, x, y, acc);
}

/// acc = acc − x·y, in [0, p), with `y` in Montgomery form. All lengths are the same.
pub(crate) fn subtract_product(simd: Simd, m: &Modulus, x: &[u32], y: &[u32], acc: &mut [u32]) {
    assert!(x.len() == acc.len() && y.len() == acc.len(), "polynomials of one degree");
    subtract(simd, m, x, y, acc);
}

per_words! {
    fn add<V>(m: &Modulus, x: &[u32], y: &[u32], acc: &mut [u32]) {
        accumulate::<V, false>(m, x, y, acc);
    }
}

per_words! {
    fn subtract<V>(m: &Modulus, x: &[u32], y: &[u32], acc: &mut [u32]) {
        accumulate::<V, true>(m, x, y, acc);
    }
}

#[inline(always)]
fn accumulate<V: Words, const MINUS: bool>(m: &Modulus, x: &[u32], y: &[u32], acc: &mut [u32]) {
    let whole = acc.len() / V::N * V::N;
    vectors::<V, MINUS>(m, &x[..whole], &y[..whole], &mut acc[..whole]);
    vectors::<[u32; 1], MINUS>(m, &x[whole..], &y[whole..], &mut acc[whole..]);
}

#[inline(always)]
fn vectors<V: Words, const MINUS: bool>(m: &Modulus, x: &[u32], y: &[u32], acc: &mut [u32]) {
    let (p, inverse) = (V::splat(m.value()), V::splat(m.neg_inv().wrapping_neg()));
    let places = acc.chunks_exact_mut(V::N).zip(x.chunks_exact(V::N).zip(y.chunks_exact(V::N)));
    for (acc, (x, y)) in places {
        // SAFETY: each is a vector long.
        unsafe {
            let product = V::load(x.as_ptr()).multiply_add(V::load(y.as_ptr()), V::no_sums());
            let (high, correction) = V::montgomery(product, inverse, p);
            let difference = if MINUS { correction.sub(high) } else { high.sub(correction) };
            // In (−p, p), where what is negative wraps to the top of the range; then in [0, p).
            let difference = difference.min(difference.add(p));
            V::load(acc.as_ptr()).add(difference).reduce(p).store(acc.as_mut_ptr());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn products_are_added_and_taken_away(
            p in prop::sample::select(vec![17, 65_537, 1_595_572_225, 2_147_483_647]),
            words in prop::collection::vec(any::<[u32; 3]>(), 0..70),
        ) {
            let m = Modulus::new(p);
            let [acc, x, y] =
                [0, 1, 2].map(|i| words.iter().map(|w| w[i] % p).collect::<Vec<_>>());
            let factors: Vec<u32> = y.iter().map(|&y| m.to_montgomery(y)).collect();
            let by = |f: fn(&Modulus, u32, u32) -> u32| -> Vec<u32> {
                (0..acc.len()).map(|i| f(&m, acc[i], m.mul(x[i], y[i]))).collect()
            };
            let (plus, minus) = (by(|m, a, b| m.add(a, b)), by(|m, a, b| m.sub(a, b)));
            for simd in Simd::all() {
                let mut got = acc.clone();
                add_product(simd, &m, &x, &factors, &mut got);
                prop_assert_eq!(&got, &plus, "{}", simd);
                got.clone_from(&acc);
                subtract_product(simd, &m, &x, &factors, &mut got);
                prop_assert_eq!(&got, &minus, "{}", simd);
            }
        }
    }
}
