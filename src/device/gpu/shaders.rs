//! The shaders: one kernel, one file, one entry point, all of the same name.

use super::form::Sizes;
use super::options::{Form, Patch};
use super::unroll::{Constant, forward_network, inverse_network, unroll};
use super::{expand, steps, transform};
use crate::device::DeviceError;

/// A kernel in `shaders/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // Each is documented at the head of its file.
pub enum Kernel {
    Expand,
    NttForward,
    NttForwardOuter,
    NttInverse,
    NttInverseOuter,
    Matmul,
    KeySwitch,
    Digit,
    Raise,
    Rescale,
    Rates,
}

/// Which wide arithmetic goes in front of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Prelude {
    /// 64-bit integers, an extension.
    U64,
    /// 16-bit halves, everywhere.
    U32,
}

macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $name, ".wgsl"))
    };
}

impl Kernel {
    /// All kernels.
    pub const ALL: [Self; 11] = [
        Self::Expand,
        Self::NttForward,
        Self::NttForwardOuter,
        Self::NttInverse,
        Self::NttInverseOuter,
        Self::Matmul,
        Self::KeySwitch,
        Self::Digit,
        Self::Raise,
        Self::Rescale,
        Self::Rates,
    ];

    /// Of the file and of the entry point.
    pub fn name(self) -> &'static str {
        self.file().0
    }

    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Expand => ("expand", shader!("expand")),
            Self::NttForward => ("ntt_forward", shader!("ntt_forward")),
            Self::NttForwardOuter => ("ntt_forward_outer", shader!("ntt_forward_outer")),
            Self::NttInverse => ("ntt_inverse", shader!("ntt_inverse")),
            Self::NttInverseOuter => ("ntt_inverse_outer", shader!("ntt_inverse_outer")),
            Self::Matmul => ("matmul", shader!("matmul")),
            Self::KeySwitch => ("key_switch", shader!("key_switch")),
            Self::Digit => ("digit", shader!("digit")),
            Self::Raise => ("raise", shader!("raise")),
            Self::Rescale => ("rescale", shader!("rescale")),
            Self::Rates => ("rates", shader!("rates")),
        }
    }

    /// What the kernel stands on, besides arithmetic.
    fn library(self, form: Form) -> Vec<&'static str> {
        let (transform, fold) = (shader!("lib/transform"), shader!("lib/fold"));
        match self {
            Self::Expand | Self::Digit | Self::Raise | Self::Rates => vec![],
            Self::NttForwardOuter => vec![transform, fold],
            Self::NttForward | Self::KeySwitch | Self::Rescale => {
                vec![transform, fold, shader!("lib/forward")]
            }
            Self::NttInverse | Self::NttInverseOuter => vec![transform, shader!("lib/unfold")],
            Self::Matmul => vec![match form {
                Form::Halves => shader!("lib/sum_halves"),
                Form::Wide => shader!("lib/sum_wide"),
                Form::Dot => shader!("lib/sum_dot"),
            }],
        }
    }

    /// The networks of butterflies in registers: for columns of R, and for passes of four stages.
    fn networks(self, constants: &[Constant]) -> Vec<String> {
        let network = match self {
            Self::NttForward | Self::NttForwardOuter | Self::KeySwitch | Self::Rescale => {
                forward_network
            }
            Self::NttInverse | Self::NttInverseOuter => inverse_network,
            _ => return vec![],
        };
        let mut radices = vec![16];
        radices.extend(constants.iter().find(|c| c.0 == "R").map(|c| c.1));
        radices.dedup();
        radices.into_iter().map(network).collect()
    }

    /// The whole text: constants, arithmetic, what is shared, the kernel, all unrolled.
    pub fn source(self, prelude: Prelude, form: Form, constants: &[Constant]) -> String {
        let arithmetic = match prelude {
            Prelude::U64 => shader!("lib/arith_u64"),
            Prelude::U32 => shader!("lib/arith_u32"),
        };
        let constant = |(name, value): &Constant| format!("const {name} = {value}u;\n");
        let mut out: String = constants.iter().map(constant).collect();
        out += arithmetic;
        out += shader!("lib/residue");
        out.extend(self.networks(constants));
        for text in self.library(form).into_iter().chain([self.file().1]) {
            out += &unroll(text, constants);
        }
        out
    }

    /// Sizes as they are for N = 4096, or 32,768 for what long polynomials want, on an adapter of WebGPU's
    /// limits: for looking at the text.
    pub fn typical(self, form: Form) -> Vec<Constant> {
        match self {
            Self::Expand => vec![("THREADS", expand::THREADS as u32)],
            Self::Digit | Self::Raise => vec![("THREADS", steps::THREADS as u32)],
            Self::Rates => vec![("OPERATION", 0), ("ROUNDS", 1), ("THREADS", 64)],
            Self::NttForwardOuter | Self::NttInverseOuter => transform::columns(32_768, 8, 64),
            Self::NttForward | Self::NttInverse | Self::KeySwitch | Self::Rescale => {
                transform::segments(4096, 4096, 256)
            }
            Self::Matmul => Sizes::typical(form).constants(),
        }
    }

    /// [`Kernel::source`] with a patch applied, where it is for this kernel.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where the patch changes nothing.
    pub(super) fn patched(
        self,
        prelude: Prelude,
        form: Form,
        constants: &[Constant],
        patch: Option<&Patch>,
    ) -> Result<String, DeviceError> {
        let source = self.source(prelude, form, constants);
        let Some(patch) = patch.filter(|p| p.kernel == self) else { return Ok(source) };
        let changed = source.replace(patch.from, patch.to);
        if changed == source {
            return Err(DeviceError::Shape {
                what: "the text a patch replaces",
                found: "nothing of the kind in the shader".into(),
                expected: patch.from.into(),
            });
        }
        Ok(changed)
    }
}
