//! Which device: the processor, or a GPU.

#[cfg(feature = "gpu")]
use super::DeviceError;
#[cfg(feature = "gpu")]
use super::gpu::{Adapter, GpuOptions};

/// Where a server computes.
#[derive(Clone, Debug)]
pub enum Device {
    /// The processor, with all of rayon's threads.
    Cpu,
    /// A GPU.
    #[cfg(feature = "gpu")]
    Gpu(Adapter),
    /// A GPU, opened in another way than is best: for tests and experiments.
    #[cfg(feature = "gpu")]
    GpuWith(Adapter, GpuOptions),
}

impl Device {
    /// The processor.
    pub fn cpu() -> Self {
        Self::Cpu
    }

    /// A real GPU where there is one, else the processor. A software rasteriser is never chosen.
    pub fn auto() -> Self {
        #[cfg(feature = "gpu")]
        if let Some(adapter) = Adapter::hardware() {
            return Self::Gpu(adapter);
        }
        Self::Cpu
    }

    /// The best adapter there is, a software rasteriser where there is nothing else.
    ///
    /// # Errors
    /// [`DeviceError::NoAdapter`] where no driver answers.
    #[cfg(feature = "gpu")]
    pub fn gpu() -> Result<Self, DeviceError> {
        Adapter::any().map(Self::Gpu)
    }
}
