//! Compiled kernels: each variant when it is first wanted, then kept.

use super::context::Gpu;
use super::options::{Form, Patch};
use super::unroll::Constant;
use super::{GpuOptions, Kernel};
use crate::device::DeviceError;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A kernel with its sizes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    pub kernel: Kernel,
    form: Form,
    constants: Vec<Constant>,
}

impl Variant {
    /// A kernel with its constants.
    pub fn new(kernel: Kernel, constants: &[Constant]) -> Self {
        Self::with_form(kernel, Form::Halves, constants)
    }

    /// A product in one of its forms.
    pub fn with_form(kernel: Kernel, form: Form, constants: &[Constant]) -> Self {
        Self { kernel, form, constants: constants.to_vec() }
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
        let Variant { kernel, form, constants } = variant;
        let name = kernel.name();
        let source = kernel.patched(gpu.prelude, *form, constants, self.patch.as_ref())?;
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
        Ok(gpu.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: None,
            module: &module,
            entry_point: Some(name),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &[],
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        }))
    }
}
