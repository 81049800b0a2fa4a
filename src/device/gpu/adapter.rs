//! Which GPUs there are, and which one is taken.

use crate::device::DeviceError;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A GPU that could be opened.
#[derive(Clone, Debug)]
pub struct Adapter {
    pub(super) raw: wgpu::Adapter,
    info: Arc<wgpu::AdapterInfo>,
}

/// What an adapter is, the most desirable first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A card of its own.
    Discrete,
    /// On the processor's chip.
    Integrated,
    /// A share of a card.
    Virtual,
    /// Unknown, but no processor.
    Other,
    /// The processor, pretending: slower than the CPU engine, and good for tests.
    Software,
}

impl fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Other => "other",
            Self::Software => "software",
        })
    }
}

impl Adapter {
    /// Every adapter with compute shaders, the most desirable first.
    pub fn all() -> Vec<Self> {
        static INSTANCE: OnceLock<Option<wgpu::Instance>> = OnceLock::new();
        let instance = INSTANCE.get_or_init(|| {
            let any = !wgpu::Instance::enabled_backend_features().is_empty();
            let descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
            any.then(|| wgpu::Instance::new(descriptor))
        });
        let Some(instance) = instance else { return Vec::new() };
        let found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
        let computes = |raw: &wgpu::Adapter| {
            let flags = raw.get_downlevel_capabilities().flags;
            flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
        };
        let mut found: Vec<Self> = found
            .into_iter()
            .filter(computes)
            .map(|raw| Self { info: Arc::new(raw.get_info()), raw })
            .collect();
        // Stable: the driver's own order decides among equals.
        found.sort_by_key(Self::kind);
        found
    }

    /// The best real GPU; never a software rasteriser.
    pub fn hardware() -> Option<Self> {
        Self::all().into_iter().find(|a| a.kind() != AdapterKind::Software)
    }

    /// The best adapter, a software rasteriser where there is nothing else.
    ///
    /// # Errors
    /// [`DeviceError::NoAdapter`] where no driver answers.
    pub fn any() -> Result<Self, DeviceError> {
        let none = || DeviceError::NoAdapter { reason: "no driver answers".into() };
        Self::all().into_iter().next().ok_or_else(none)
    }

    /// The best adapter whose name contains `name`, in upper or lower case.
    ///
    /// # Errors
    /// [`DeviceError::NoAdapter`], naming what there is instead.
    pub fn named(name: &str) -> Result<Self, DeviceError> {
        let (all, wanted) = (Self::all(), name.to_lowercase());
        if let Some(adapter) = all.iter().find(|a| a.name().to_lowercase().contains(&wanted)) {
            return Ok(adapter.clone());
        }
        let there: Vec<String> = all.iter().map(ToString::to_string).collect();
        let reason = format!("none is called {name:?} (there are: {})", there.join(", "));
        Err(DeviceError::NoAdapter { reason })
    }

    /// As the driver calls it.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// What it is.
    pub fn kind(&self) -> AdapterKind {
        match self.info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Other => AdapterKind::Other,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
        }
    }

    /// Through which interface it is reached: "vulkan", "metal", "dx12".
    pub fn backend(&self) -> &'static str {
        self.info.backend.to_str()
    }

    /// The driver and its version, for people.
    pub fn driver(&self) -> String {
        format!("{} {}", self.info.driver, self.info.driver_info)
    }

    /// Whether it has the 64-bit integers of the faster prelude.
    pub fn has_u64(&self) -> bool {
        self.raw.features().contains(wgpu::Features::SHADER_INT64)
    }

    /// Bytes of its own memory, where the driver tells. What software rasterisers tell has nothing
    /// to do with the machine's memory.
    pub fn memory(&self) -> Option<u64> {
        if self.kind() == AdapterKind::Software { None } else { memory(&self.raw) }
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name(), self.kind(), self.backend())
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "windows"))]
fn memory(adapter: &wgpu::Adapter) -> Option<u64> {
    /// VK_MEMORY_HEAP_DEVICE_LOCAL_BIT.
    const DEVICE_LOCAL: u32 = 1;
    // SAFETY: the handles are only asked for properties while the guard is alive.
    let properties = unsafe {
        let vulkan = adapter.as_hal::<wgpu::hal::api::Vulkan>()?;
        vulkan
            .shared_instance()
            .raw_instance()
            .get_physical_device_memory_properties(vulkan.raw_physical_device())
    };
    let heaps = properties.memory_heaps.iter().take(properties.memory_heap_count as usize);
    heaps.filter(|h| h.flags.as_raw() & DEVICE_LOCAL != 0).map(|h| h.size).max()
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "windows")))]
fn memory(_: &wgpu::Adapter) -> Option<u64> {
    None
}
