//! Memory asked for before it is used, where no processor looks ahead by itself.

use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

/// Asks for the line at any address whatever, into the first cache.
#[inline(always)]
pub fn ask<T>(at: *const T) {
    // SAFETY: an instruction of every processor of this kind, which reads nothing.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
}

/// [`ask`], into the second cache.
#[inline(always)]
pub fn ask_second<T>(at: *const T) {
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) };
}
