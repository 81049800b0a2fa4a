//! Primes with the roots of unity that a transform needs.

use super::{Modulus, PRIME_BOUND};

/// Whether `n` is prime: Miller–Rabin with bases 2, 7, 61, which decide every n < 4,759,123,141
/// (Jaeschke, Math. Comp. 61, 1993).
pub fn is_prime(n: u32) -> bool {
    if n < 2 || n.is_multiple_of(2) {
        return n == 2;
    }
    let wide = u64::from(n);
    let pow = |base: u64, mut e: u32| {
        let (mut b, mut acc) = (base % wide, 1u64);
        while e > 0 {
            if e & 1 == 1 {
                acc = acc * b % wide;
            }
            b = b * b % wide;
            e >>= 1;
        }
        acc
    };
    let s = (n - 1).trailing_zeros();
    [2u64, 7, 61].into_iter().filter(|a| a % wide != 0).all(|a| {
        let mut x = pow(a, (n - 1) >> s);
        if x == 1 || x == wide - 1 {
            return true;
        }
        (1..s).any(|_| {
            x = x * x % wide;
            x == wide - 1
        })
    })
}

/// Primes p ≡ 1 mod `order` below `bound`, the largest first. `order` is a power of two ≥ 2.
///
/// `bound` above 2³¹ counts as 2³¹.
pub fn primes_below(bound: u32, order: u32) -> impl Iterator<Item = u32> {
    let bound = bound.min(PRIME_BOUND);
    let top = bound.saturating_sub(2) / order;
    (1..=top).rev().map(move |k| k * order + 1).filter(|&p| is_prime(p))
}

/// A primitive root of unity of the given power-of-two `order` ≥ 2 modulo p ≡ 1 mod `order`:
/// the power x^((p−1)/order) of the smallest x for which it has that order, so that everyone
/// finds the same one.
///
/// # Panics
/// Where there is none: p is not prime, or not 1 modulo `order`.
pub fn primitive_root_of_unity(m: &Modulus, order: u32) -> u32 {
    let p = m.value();
    debug_assert!(order.is_power_of_two() && (p - 1).is_multiple_of(order));
    (2..p)
        .map(|x| m.pow(x, u64::from((p - 1) / order)))
        .find(|&root| m.pow(root, u64::from(order / 2)) == p - 1)
        .expect("a prime p ≡ 1 mod 2^k has an element of order 2^k")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primality_agrees_with_trial_division() {
        let slow = |n: u32| n > 1 && (2..).take_while(|d| d * d <= n).all(|d| !n.is_multiple_of(d));
        assert!((0..20_000).all(|n| is_prime(n) == slow(n)));
        assert!(is_prime(2_147_483_647), "Mersenne's 2³¹ − 1");
        // Strong pseudoprimes to base 2, and a product of two primes near 2¹⁶.
        assert!([2047, 3_215_031_751, 65_521 * 65_519].into_iter().all(|n| !is_prime(n)));
    }

    #[test]
    fn primes_come_in_order_with_their_roots() {
        let found: Vec<u32> = primes_below(1 << 30, 1 << 14).take(5).collect();
        assert!(found.windows(2).all(|w| w[0] > w[1]));
        for p in found {
            assert!(p < 1 << 30 && p % (1 << 14) == 1);
            let m = Modulus::new(p);
            let root = primitive_root_of_unity(&m, 1 << 14);
            assert_eq!(m.pow(root, 1 << 14), 1);
            assert_ne!(m.pow(root, 1 << 13), 1);
        }
        assert_eq!(primes_below(20, 16).collect::<Vec<_>>(), [17]);
        assert_eq!(primes_below(17, 16).count(), 0, "the bound itself is left out");
    }
}
