//! Compiled kernels: each variant when it is first wanted, then kept.

use super::context::Gpu;
use super::{GpuOptions, Kernel, Patch};
use crate::device::DeviceError;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A kernel with the values of its override constants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    kernel: Kernel,
    constants: Vec<(&'static str, u32)>,
}

impl Variant {
    /// A kernel with its constants.
    pub fn new(kernel: Kernel, constants: &[(&'static str, u32)]) -> Self {
        Self { kernel, constants: constants.to_vec() }
    }
}

/// The kernels of one device.
#[derive(Debug)]
pub struct Pipelines {
    checked: bool,
    patch: Option<Patch>,
    compiled: Mutex<HashMap<Variant, wgpu::ComputePipeline>>,
}

impl Pipelines {
    /// None compiled yet.
    pub fn new(options: &GpuOptions) -> Self {
        let patch = options.patch.clone();
        Self { checked: options.checked || patch.is_some(), patch, compiled: Mutex::default() }
    }

    /// The pipeline of a variant, compiled if it is wanted for the first time.
    pub fn get(&self, gpu: &Gpu, variant: &Variant) -> Result<wgpu::ComputePipeline, DeviceError> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = compiled.get(variant) {
            return Ok(pipeline.clone());
        }
        let pipeline = gpu.guarded(|| self.compile(gpu, variant))?;
        compiled.insert(variant.clone(), pipeline.clone());
        Ok(pipeline)
    }

    fn compile(&self, gpu: &Gpu, variant: &Variant) -> Result<wgpu::ComputePipeline, DeviceError> {
        let name = variant.kernel.name();
        let source = variant.kernel.patched(gpu.prelude, self.patch.as_ref())?;
        let descriptor = wgpu::ShaderModuleDescriptor {
            label: Some(name),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        };
        let checks = if self.checked {
            wgpu::ShaderRuntimeChecks::checked()
        } else {
            wgpu::ShaderRuntimeChecks::unchecked()
        };
        // SAFETY: unchecked are only the shaders of this crate as they stand. Their loops end, they
        // divide by powers of two, and their indices stay within the extents that `linear`, `switch`
        // and `transform` give them; the kernels' tests run them checked, too.
        let module = unsafe { gpu.device.create_shader_module_trusted(descriptor, checks) };
        let constants: Vec<(&str, f64)> =
            variant.constants.iter().map(|&(name, value)| (name, value.into())).collect();
        Ok(gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &module,
            entry_point: Some(name),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        }))
    }
}
