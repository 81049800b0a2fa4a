//! Arithmetic modulo one prime below 2³¹. Arguments and results are canonical residues in [0, p)
//! unless a function says otherwise.

/// A prime p < 2³¹ with what Montgomery reduction by R = 2³² needs.
///
/// Montgomery, "Modular multiplication without trial division", Math. Comp. 44 (1985).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modulus {
    p: u32,
    /// −p⁻¹ mod 2³².
    neg_inv: u32,
    /// R² mod p.
    r2: u32,
}

impl Modulus {
    /// Precomputes the constants of an odd `p` with 2 < p < 2³¹.
    ///
    /// The caller has checked that `p` is prime ([`is_prime`](super::is_prime)).
    pub(crate) fn new(p: u32) -> Self {
        debug_assert!(p % 2 == 1 && p > 2 && p < super::PRIME_BOUND);
        // Newton's iteration doubles the correct low bits: 3 → 6 → 12 → 24 → 48.
        let mut inv = p;
        for _ in 0..4 {
            inv = inv.wrapping_mul(2u32.wrapping_sub(p.wrapping_mul(inv)));
        }
        let r = (1u64 << 32) % u64::from(p);
        Self { p, neg_inv: inv.wrapping_neg(), r2: ((r * r) % u64::from(p)) as u32 }
    }

    /// The prime.
    pub const fn value(&self) -> u32 {
        self.p
    }

    /// −p⁻¹ mod 2³², for kernels that reduce on their own.
    pub const fn neg_inv(&self) -> u32 {
        self.neg_inv
    }

    /// 2⁶⁴ mod p: takes a residue to Montgomery form.
    pub const fn r2(&self) -> u32 {
        self.r2
    }

    /// t·2⁻³² mod p in [0, p), for t < p·2³².
    #[inline(always)]
    pub const fn redc(&self, t: u64) -> u32 {
        let m = (t as u32).wrapping_mul(self.neg_inv);
        // t + m·p < 2p·2³² < 2⁶⁴, and its low half is zero.
        self.reduce_once(((t + m as u64 * self.p as u64) >> 32) as u32)
    }

    /// r mod p for r in [0, 2p).
    #[inline(always)]
    pub const fn reduce_once(&self, r: u32) -> u32 {
        // Where r < p the difference wraps to the top of the range, so the minimum keeps r.
        let d = r.wrapping_sub(self.p);
        if d < r { d } else { r }
    }

    /// a + b mod p.
    #[inline(always)]
    pub const fn add(&self, a: u32, b: u32) -> u32 {
        self.reduce_once(a + b)
    }

    /// a − b mod p.
    #[inline(always)]
    pub const fn sub(&self, a: u32, b: u32) -> u32 {
        self.reduce_once(a + self.p - b)
    }

    /// −a mod p.
    #[inline(always)]
    pub const fn neg(&self, a: u32) -> u32 {
        self.reduce_once(self.p - a)
    }

    /// a·b mod p.
    #[inline(always)]
    pub const fn mul(&self, a: u32, b: u32) -> u32 {
        self.redc(self.redc(a as u64 * b as u64) as u64 * self.r2 as u64)
    }

    /// a·2³² mod p.
    #[inline(always)]
    pub const fn to_montgomery(&self, a: u32) -> u32 {
        self.redc(a as u64 * self.r2 as u64)
    }

    /// a·b mod p where `b` is in Montgomery form.
    #[inline(always)]
    pub const fn mul_montgomery(&self, a: u32, b: u32) -> u32 {
        self.redc(a as u64 * b as u64)
    }

    /// aᵉ mod p.
    pub const fn pow(&self, a: u32, mut e: u64) -> u32 {
        let (mut base, mut acc) = (a, 1);
        while e > 0 {
            if e & 1 == 1 {
                acc = self.mul(acc, base);
            }
            base = self.mul(base, base);
            e >>= 1;
        }
        acc
    }

    /// a⁻¹ mod p, and 0 for a = 0 (Fermat).
    pub const fn inv(&self, a: u32) -> u32 {
        self.pow(a, self.p as u64 - 2)
    }

    /// The residue of a signed integer.
    pub const fn from_i64(&self, a: i64) -> u32 {
        a.rem_euclid(self.p as i64) as u32
    }

    /// The residue of a signed integer of at most 2³⁰ in absolute value, without a division.
    #[inline(always)]
    pub const fn from_i32(&self, a: i32) -> u32 {
        // a + kp ≥ 0 for the least such k; times 1, by Montgomery, it is reduced whatever its size.
        let shift = (1u32 << 30).div_ceil(self.p) * self.p;
        self.mul_montgomery(a.wrapping_add(shift as i32) as u32, self.to_montgomery(1))
    }

    /// The residue of a signed integer of at most 2⁶² in absolute value, without a division.
    #[inline(always)]
    pub const fn from_i62(&self, a: i64) -> u32 {
        // a = h·2³² + l; the high half, made positive as in `from_i32`, times 2⁶⁴ by Montgomery.
        let shift = (1u32 << 30).div_ceil(self.p) * self.p;
        let high = ((a >> 32) as i32).wrapping_add(shift as i32) as u32;
        let low = self.mul_montgomery(a as u32, self.to_montgomery(1));
        self.add(self.mul_montgomery(high, self.r2), low)
    }

    /// The residue of a signed integer.
    pub const fn from_i128(&self, a: i128) -> u32 {
        a.rem_euclid(self.p as i128) as u32
    }

    /// The representative of `a` in [−(p−1)/2, (p−1)/2].
    #[inline(always)]
    pub const fn centre(&self, a: u32) -> i32 {
        if a > self.p / 2 { a as i32 - self.p as i32 } else { a as i32 }
    }

    /// The factor `w` with the quotient that Shoup's product needs.
    pub const fn shoup(&self, w: u32) -> Shoup {
        Shoup { w, quotient: (((w as u64) << 32) / self.p as u64) as u32 }
    }

    /// a·w mod p in the lazy range [0, 2p), for **any** 32-bit `a`.
    ///
    /// With q = ⌊a·⌊w·2³²/p⌋/2³²⌋ the exact quotient is missed by less than a/2³² + 1 < 2
    /// (Shoup; Harvey, "Faster arithmetic for number-theoretic transforms", 2014).
    #[inline(always)]
    pub const fn mul_shoup_lazy(&self, a: u32, w: Shoup) -> u32 {
        let q = ((a as u64 * w.quotient as u64) >> 32) as u32;
        a.wrapping_mul(w.w).wrapping_sub(q.wrapping_mul(self.p))
    }

    /// a·w mod p in [0, p), for any 32-bit `a`.
    #[inline(always)]
    pub const fn mul_shoup(&self, a: u32, w: Shoup) -> u32 {
        self.reduce_once(self.mul_shoup_lazy(a, w))
    }
}

/// A fixed factor w in [0, p) with ⌊w·2³²/p⌋.
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Shoup {
    /// The factor.
    pub w: u32,
    /// ⌊w·2³²/p⌋.
    pub quotient: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The largest prime below 2³¹, a small one, and NTT primes of usual sizes.
    const PRIMES: [u32; 5] = [2_147_483_647, 17, 65_537, 1_073_692_673, 2_147_352_577];

    fn residues() -> impl Strategy<Value = (u32, u32, u32)> {
        (prop::sample::select(&PRIMES[..]), any::<u32>(), any::<u32>())
            .prop_map(|(p, a, b)| (p, a % p, b % p))
    }

    proptest! {
        #[test]
        fn products_agree_with_wide_division((p, a, b) in residues()) {
            let m = Modulus::new(p);
            let want = (u64::from(a) * u64::from(b) % u64::from(p)) as u32;
            prop_assert_eq!(m.mul(a, b), want);
            prop_assert_eq!(m.mul_montgomery(a, m.to_montgomery(b)), want);
            prop_assert_eq!(m.mul_shoup(a, m.shoup(b)), want);
        }

        #[test]
        fn shoup_takes_any_word(a in any::<u32>(), (p, w, _) in residues()) {
            let m = Modulus::new(p);
            let lazy = m.mul_shoup_lazy(a, m.shoup(w));
            prop_assert!(u64::from(lazy) < 2 * u64::from(p));
            prop_assert_eq!(u64::from(lazy) % u64::from(p), u64::from(a) * u64::from(w) % u64::from(p));
        }

        #[test]
        fn sums_and_signs((p, a, b) in residues(), x in any::<i64>()) {
            let m = Modulus::new(p);
            let (wa, wb, wp) = (u64::from(a), u64::from(b), u64::from(p));
            prop_assert_eq!(u64::from(m.add(a, b)), (wa + wb) % wp);
            prop_assert_eq!(u64::from(m.sub(a, b)), (wa + wp - wb) % wp);
            prop_assert_eq!(m.add(a, m.neg(a)), 0);
            prop_assert_eq!(m.from_i64(i64::from(m.centre(a))), a);
            prop_assert!(m.centre(a).unsigned_abs() <= p / 2);
            prop_assert_eq!(i128::from(m.from_i64(x)), i128::from(x).rem_euclid(i128::from(p)));
            prop_assert_eq!(m.from_i62(x >> 1), m.from_i64(x >> 1));
            let small = (x >> 33) as i32;
            prop_assert_eq!(m.from_i32(small), m.from_i64(small.into()));
        }
    }

    #[test]
    fn the_extremes_of_the_range() {
        for p in PRIMES {
            let m = Modulus::new(p);
            assert_eq!(m.mul(p - 1, p - 1), 1, "(−1)² = 1 mod {p}");
            assert_eq!(m.mul(m.inv(p - 2), p - 2), 1);
            assert_eq!(m.reduce_once(2 * (p - 1)), p - 2);
            assert_eq!(m.inv(0), 0);
            for sign in [-1, 1] {
                assert_eq!(m.from_i32(sign << 30), m.from_i64(i64::from(sign) << 30));
                assert_eq!(m.from_i62(i64::from(sign) << 62), m.from_i64(i64::from(sign) << 62));
            }
        }
    }
}
