//! The 64-bit products of even lanes, by their instructions.
//!
//! The standard library's functions are extensions of 32 bits to 64 and a 64-bit product to the
//! compiler (LLVM 21), which takes the extension of what does not change out of a loop and then sees
//! a product of any 64-bit lanes: `vpmullq` of AVX-512, three times the work, or its emulation.

use std::arch::{
    asm,
    x86_64::{__m256i, __m512i},
};

macro_rules! product {
    ($name:ident, $instruction:literal, $vector:ty, $class:ident, $feature:literal) => {
        #[target_feature(enable = $feature)]
        #[inline]
        pub fn $name(a: $vector, b: $vector) -> $vector {
            let out;
            // SAFETY: registers alone.
            unsafe {
                asm!(
                    concat!($instruction, " {}, {}, {}"),
                    lateout($class) out, in($class) a, in($class) b,
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            out
        }
    };
}
product!(unsigned_256, "vpmuludq", __m256i, ymm_reg, "avx2");
product!(signed_256, "vpmuldq", __m256i, ymm_reg, "avx2");
product!(unsigned_512, "vpmuludq", __m512i, zmm_reg, "avx512f");
product!(signed_512, "vpmuldq", __m512i, zmm_reg, "avx512f");
