//! Doubles in a register. Written with intrinsics because accumulators kept as plain arrays are
//! stored to the stack at every step (LLVM 21: 24 stores beside 24 fused multiply-adds).

/// A vector of [`Lanes::N`] doubles.
///
/// # Safety
/// Implementations other than the portable one are used only in functions compiled for their
/// instruction set.
pub unsafe trait Lanes: Copy {
    /// How many.
    const N: usize;

    /// All the same.
    fn splat(x: f64) -> Self;

    /// From memory.
    ///
    /// # Safety
    /// `at` points to `N` readable doubles.
    unsafe fn load(at: *const f64) -> Self;

    /// To memory.
    ///
    /// # Safety
    /// `at` points to `N` writable doubles.
    unsafe fn store(self, at: *mut f64);

    /// self·x + acc. Products here are exact, so fused or not is the same.
    fn multiply_add(self, x: Self, acc: Self) -> Self;
}

// SAFETY: plain arithmetic.
unsafe impl Lanes for [f64; 2] {
    const N: usize = 2;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        [x; 2]
    }

    #[inline(always)]
    unsafe fn load(at: *const f64) -> Self {
        // SAFETY: the caller's promise.
        unsafe { at.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, at: *mut f64) {
        // SAFETY: the caller's promise.
        unsafe { at.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    fn multiply_add(self, x: Self, acc: Self) -> Self {
        [self[0] * x[0] + acc[0], self[1] * x[1] + acc[1]]
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($vector:ident, $n:literal, $splat:ident, $load:ident, $store:ident, $fma:ident) => {
        // SAFETY: used under `per_simd!` alone, which asks the processor.
        unsafe impl Lanes for std::arch::x86_64::$vector {
            const N: usize = $n;

            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: the trait's promise.
                unsafe { std::arch::x86_64::$splat(x) }
            }

            #[inline(always)]
            unsafe fn load(at: *const f64) -> Self {
                // SAFETY: the caller's promise.
                unsafe { std::arch::x86_64::$load(at) }
            }

            #[inline(always)]
            unsafe fn store(self, at: *mut f64) {
                // SAFETY: the caller's promise.
                unsafe { std::arch::x86_64::$store(at, self) }
            }

            #[inline(always)]
            fn multiply_add(self, x: Self, acc: Self) -> Self {
                // SAFETY: the trait's promise.
                unsafe { std::arch::x86_64::$fma(self, x, acc) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes!(__m256d, 4, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_fmadd_pd);
#[cfg(target_arch = "x86_64")]
lanes!(__m512d, 8, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_fmadd_pd);
