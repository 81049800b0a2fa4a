//! One source, several instruction sets: the loops are written once, and compiled again for
//! what the processor at hand turns out to have.

use std::sync::OnceLock;

/// An instruction set that this processor has. Values come from [`Simd::detect`] and
/// [`Simd::all`] only, so that holding one proves that it may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simd(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// The target's baseline, everywhere.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ, VL on top.
    Avx512,
    /// The 52-bit multiply-adds of IFMA and the dot products of VNNI on top: Ice Lake, Zen 4.
    Ifma,
    /// The tiles of AMX, of bytes, on top, where the operating system lends them: Sapphire Rapids.
    Amx,
}

impl Simd {
    /// The best that this processor has, or what the environment variable `CIPHERBATCH_SIMD`
    /// (`portable`, `avx2`, `avx512`, `ifma`, `amx`) lowers it to. Read once.
    pub fn detect() -> Self {
        static BEST: OnceLock<Simd> = OnceLock::new();
        *BEST.get_or_init(|| {
            let limit = match std::env::var("CIPHERBATCH_SIMD").as_deref() {
                Ok("portable") => Level::Portable,
                Ok("avx2") => Level::Avx2,
                Ok("avx512") => Level::Avx512,
                Ok("ifma") => Level::Ifma,
                _ => Level::Amx,
            };
            Self::all().filter(|s| s.0 <= limit).last().unwrap_or(Self(Level::Portable))
        })
    }

    /// Every instruction set this processor has, the weakest first: what tests run through.
    pub fn all() -> impl Iterator<Item = Self> {
        [Level::Portable, Level::Avx2, Level::Avx512, Level::Ifma, Level::Amx]
            .into_iter()
            .filter(|l| l.is_available())
            .map(Self)
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }
}

impl std::fmt::Display for Simd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Level::Portable => "portable",
            Level::Avx2 => "AVX2",
            Level::Avx512 => "AVX-512",
            Level::Ifma => "AVX-512 with IFMA and VNNI",
            Level::Amx => "AVX-512 with IFMA, VNNI and AMX",
        })
    }
}

impl Level {
    fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            match self {
                Self::Portable => true,
                Self::Avx2 => has!("avx2") && has!("fma"),
                Self::Avx512 => {
                    Self::Avx2.is_available()
                        && has!("avx512f")
                        && has!("avx512bw")
                        && has!("avx512dq")
                        && has!("avx512vl")
                }
                Self::Ifma => {
                    Self::Avx512.is_available() && has!("avx512ifma") && has!("avx512vnni")
                }
                Self::Amx => Self::Ifma.is_available() && super::amx::is_lent(),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Self::Portable
        }
    }
}

/// Compiles `fn name(args) { body }` once per instruction set, and adds the first argument, a
/// [`Simd`], that chooses. The body is `#[inline(always)]` code to the leaves; within it the
/// constants `FMA` and `LANES` say whether a fused multiply-add is one instruction, and how many
/// doubles a register holds.
macro_rules! per_simd {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name(simd: $crate::math::simd::Simd, $($arg: $ty),*) {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, clippy::extra_unused_type_parameters)]
            fn body<const FMA: bool, const LANES: usize>($($arg: $ty),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::math::simd::Level;
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($arg: $ty),*) { body::<true, 8>($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $ty),*) { body::<true, 4>($($arg),*) }
                #[allow(unsafe_code, reason = "of what was asked about")]
                match simd.level() {
                    // SAFETY: a `Simd` exists only for what the processor was asked about.
                    Level::Avx512 | Level::Ifma | Level::Amx => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    Level::Avx2 => return unsafe { avx2($($arg),*) },
                    Level::Portable => {}
                }
            }
            let _ = simd;
            body::<false, 2>($($arg),*)
        }
    };
}
pub(crate) use per_simd;
