//! Vectors of residues: what a kernel modulo one prime asks of an instruction set.
//!
//! Kernels are written once over [`Words`] and compiled for each instruction set by [`per_words!`].

mod array;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod factors;
#[cfg(target_arch = "x86_64")]
mod ifma;

pub(crate) use factors::Factors;
#[cfg(target_arch = "x86_64")]
pub(crate) use {avx2::Avx2, avx512::Avx512, ifma::Ifma};

/// A vector of [`Words::N`] unsigned 32-bit words. Sums and differences wrap.
///
/// # Safety
/// Implementations other than the arrays are used only in functions compiled for their instruction
/// set, and `N` words is what `load` and `store` touch.
pub unsafe trait Words: Copy {
    /// How many, a power of two.
    const N: usize;

    /// Fixed factors with their Shoup quotients, one a lane.
    type Factor: Copy;

    /// All the same.
    fn splat(x: u32) -> Self;

    /// From memory.
    ///
    /// # Safety
    /// `at` points to `N` readable words.
    unsafe fn load(at: *const u32) -> Self;

    /// To memory.
    ///
    /// # Safety
    /// `at` points to `N` writable words.
    unsafe fn store(self, at: *mut u32);

    /// Lane by lane, modulo 2³².
    fn add(self, other: Self) -> Self;

    /// Lane by lane, modulo 2³².
    fn sub(self, other: Self) -> Self;

    /// Lane by lane.
    fn min(self, other: Self) -> Self;

    /// Bit by bit.
    fn and(self, other: Self) -> Self;

    /// Bit by bit.
    fn xor(self, other: Self) -> Self;

    /// Each lane's bits `K` places to the left, around; 0 < `K` < 32.
    fn rotate<const K: i32>(self) -> Self;

    /// The lanes below `bound`, in their order and without gaps, to memory; how many. Words and
    /// bound are below 2³¹. What follows them, up to `N` words, is overwritten, too.
    ///
    /// # Safety
    /// `at` points to `N` writable words.
    unsafe fn store_below(self, bound: Self, at: *mut u32) -> usize;

    /// The last lane first.
    fn reverse(self) -> Self;

    /// The 2N words of both vectors perfectly shuffled: self₀ other₀ self₁ other₁ …
    fn interleave(self, other: Self) -> (Self, Self);

    /// The inverse of [`Words::interleave`]: the words at even places, and those at odd places.
    fn deinterleave(self, other: Self) -> (Self, Self);

    /// Factor `k` of a table in all lanes.
    ///
    /// # Safety
    /// The table has such a factor.
    unsafe fn factor(table: &Factors, k: usize) -> Self::Factor;

    /// Factor `k` + (l mod `period`) of a table in lane l, for a power of two 2 ≤ `period` ≤ `N`
    /// that divides `k`.
    ///
    /// # Safety
    /// The table has these factors.
    unsafe fn factors(table: &Factors, k: usize, period: usize) -> Self::Factor;

    /// self·w mod p in [0, 2p), for any word ([`Modulus::mul_shoup_lazy`](super::Modulus)).
    fn mul_lazy(self, w: Self::Factor, p: Self) -> Self;

    /// 64-bit sums of products, one a lane.
    type Sums: Copy;

    /// No sum yet.
    fn no_sums() -> Self::Sums;

    /// sums + self·other, modulo 2⁶⁴.
    fn multiply_add(self, other: Self, sums: Self::Sums) -> Self::Sums;

    /// ⌊sums/2³²⌋ and ⌊((sums·`inverse`) mod 2³²)·p/2³²⌋: where `inverse` is p⁻¹ mod 2³², the low
    /// halves of both are equal, and their difference is sums·2⁻³² mod p.
    fn montgomery(sums: Self::Sums, inverse: Self, p: Self) -> (Self, Self);

    /// Takes `bound` away once where it fits: from [0, 2·bound) to [0, bound), for bound ≤ 2³¹.
    #[inline(always)]
    fn reduce(self, bound: Self) -> Self {
        // Where it does not fit the difference wraps to the top of the range.
        self.min(self.sub(bound))
    }
}

/// Compiles `fn name<V>(args) { body }` once per instruction set, `V` being its [`Words`], and adds
/// the first argument, a [`Simd`](super::simd::Simd), that chooses.
macro_rules! per_words {
    ($(#[$doc:meta])* $vis:vis fn $name:ident<$v:ident>($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        $vis fn $name(simd: $crate::math::simd::Simd, $($arg: $ty),*) {
            #[inline(always)]
            fn body<$v: $crate::math::words::Words>($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::math::{simd::Level, words};
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn avx512($($arg: $ty),*) { body::<words::Avx512>($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) { body::<words::Avx2>($($arg),*) }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx2,fma")]
                fn ifma($($arg: $ty),*) { body::<words::Ifma>($($arg),*) }
                #[allow(unsafe_code, reason = "of what was asked about")]
                match simd.level() {
                    // SAFETY: a `Simd` exists only for what the processor was asked about.
                    Level::Ifma | Level::Amx => return unsafe { ifma($($arg),*) },
                    // SAFETY: as above.
                    Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    Level::Avx2 => return unsafe { avx2($($arg),*) },
                    Level::Portable => {}
                }
            }
            let _ = simd;
            body::<[u32; 8]>($($arg),*)
        }
    };
}
pub(crate) use per_words;
