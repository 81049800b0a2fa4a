//! The shaders: one kernel, one file, one entry point, all of the same name.

use super::Patch;
use crate::device::DeviceError;

/// A kernel in `shaders/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // Each is documented at the head of its file.
pub enum Kernel {
    NttForward,
    NttForwardFirst,
    NttForwardStage,
    NttInverse,
    NttInverseStage,
    NttInverseLast,
    Matmul,
    Square,
    KeySwitch,
    Raise,
    Rescale,
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
        Self::NttForward,
        Self::NttForwardFirst,
        Self::NttForwardStage,
        Self::NttInverse,
        Self::NttInverseStage,
        Self::NttInverseLast,
        Self::Matmul,
        Self::Square,
        Self::KeySwitch,
        Self::Raise,
        Self::Rescale,
    ];

    /// Of the file and of the entry point.
    pub fn name(self) -> &'static str {
        self.file().0
    }

    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::NttForward => ("ntt_forward", shader!("ntt_forward")),
            Self::NttForwardFirst => ("ntt_forward_first", shader!("ntt_forward_first")),
            Self::NttForwardStage => ("ntt_forward_stage", shader!("ntt_forward_stage")),
            Self::NttInverse => ("ntt_inverse", shader!("ntt_inverse")),
            Self::NttInverseStage => ("ntt_inverse_stage", shader!("ntt_inverse_stage")),
            Self::NttInverseLast => ("ntt_inverse_last", shader!("ntt_inverse_last")),
            Self::Matmul => ("matmul", shader!("matmul")),
            Self::Square => ("square", shader!("square")),
            Self::KeySwitch => ("key_switch", shader!("key_switch")),
            Self::Raise => ("raise", shader!("raise")),
            Self::Rescale => ("rescale", shader!("rescale")),
        }
    }

    /// Whether it is a part of a transform.
    pub(super) fn is_transform(self) -> bool {
        self.name().starts_with("ntt_")
    }

    /// The whole text: arithmetic, what is shared, the kernel.
    pub fn source(self, prelude: Prelude) -> String {
        let arithmetic = match prelude {
            Prelude::U64 => shader!("lib/arith_u64"),
            Prelude::U32 => shader!("lib/arith_u32"),
        };
        let transform = if self.is_transform() { shader!("lib/transform") } else { "" };
        [arithmetic, shader!("lib/residue"), transform, self.file().1].join("\n")
    }

    /// [`Kernel::source`] with a patch applied, where it is for this kernel.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where the patch changes nothing.
    pub(super) fn patched(
        self,
        prelude: Prelude,
        patch: Option<&Patch>,
    ) -> Result<String, DeviceError> {
        let source = self.source(prelude);
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
