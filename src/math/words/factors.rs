//! Tables of fixed factors.

use crate::math::Modulus;

/// Factors in [0, p) with their Shoup quotients ⌊w·2³²/p⌋, and finer ones for IFMA.
#[derive(Clone, Debug, Default)]
pub struct Factors {
    /// One word more than there are factors, so that odd lanes can be read by themselves.
    w: Vec<u32>,
    quotient: Vec<u32>,
    /// ⌊w·2⁵²/p⌋ of the factors at even and at odd places, as even and odd lanes read them.
    wide: [Vec<u64>; 2],
}

impl Factors {
    /// The table of these residues.
    pub fn new(m: &Modulus, values: impl Iterator<Item = u32>) -> Self {
        let mut w: Vec<u32> = values.collect();
        let quotient: Vec<u32> = w.iter().map(|&w| m.shoup(w).quotient).collect();
        let wide = [0, 1].map(|odd| {
            let own = w.iter().skip(odd).step_by(2);
            own.map(|&w| ((u128::from(w) << 52) / u128::from(m.value())) as u64).collect()
        });
        w.push(0);
        Self { w, quotient, wide }
    }

    /// The factors.
    pub fn values(&self) -> &[u32] {
        &self.w[..self.quotient.len()]
    }

    /// Where the factors from `k` on are; readable up to one word behind the last.
    ///
    /// # Safety
    /// `k` is at most the number of factors.
    pub unsafe fn values_at(&self, k: usize) -> *const u32 {
        debug_assert!(k < self.w.len());
        // SAFETY: the caller's promise.
        unsafe { self.w.as_ptr().add(k) }
    }

    /// Where their quotients are.
    ///
    /// # Safety
    /// `k` is at most the number of factors.
    pub unsafe fn quotients_at(&self, k: usize) -> *const u32 {
        debug_assert!(k <= self.quotient.len());
        // SAFETY: the caller's promise.
        unsafe { self.quotient.as_ptr().add(k) }
    }

    /// Their quotients.
    pub fn quotients(&self) -> &[u32] {
        &self.quotient
    }

    /// Where ⌊w·2⁵²/p⌋ are of the factors at even (0) or odd (1) places from `k` on.
    ///
    /// # Safety
    /// `k` is even or less than the number of factors, and at most that.
    #[cfg(target_arch = "x86_64")]
    pub unsafe fn wide_at(&self, k: usize, odd: usize) -> *const u64 {
        debug_assert!(k / 2 <= self.wide[odd].len());
        // SAFETY: the caller's promise.
        unsafe { self.wide[odd].as_ptr().add(k / 2) }
    }
}
