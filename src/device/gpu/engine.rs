//! The engine of a GPU.

use super::context::Gpu;
use super::linear::{Summand, linear};
use super::matrix::GpuMatrix;
use super::pipelines::Pipelines;
use super::recording::Recording;
use super::scratch::Scratch;
use super::switch::{raise, relinearise, rescale};
use super::tables::Tables;
use super::transform::Transforms;
use super::{Adapter, GpuOptions, GpuTile, Kernels, Prelude, transfer};
use crate::device::{DeviceError, Engine, Fill, Layer, Operator, check};
use crate::ring::{BlockMatrix, Shape, Tile};
use crate::scheme::{Parameters, RelinKey};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A GPU, opened for one basis and key.
#[derive(Debug)]
pub struct GpuEngine {
    pub(super) gpu: Gpu,
    pub(super) params: Parameters,
    pub(super) pipelines: Pipelines,
    pub(super) tables: Tables,
    pub(super) transforms: Transforms,
    /// Held from the first command of an operation to its submission, so that operations do not
    /// share scratch memory.
    scratch: Mutex<Scratch>,
}

impl GpuEngine {
    /// Opens an adapter as is best for use.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where the key is not of these parameters, and where the device fails
    /// or has no room for roots and key.
    pub fn open(
        adapter: &Adapter,
        params: &Parameters,
        key: Option<&RelinKey>,
    ) -> Result<Self, DeviceError> {
        Self::open_with(adapter, params, key, &GpuOptions::default())
    }

    /// [`GpuEngine::open`] with options.
    ///
    /// # Errors
    /// As [`GpuEngine::open`], and where the adapter lacks what the options ask for.
    pub fn open_with(
        adapter: &Adapter,
        params: &Parameters,
        key: Option<&RelinKey>,
        options: &GpuOptions,
    ) -> Result<Self, DeviceError> {
        let basis = params.basis();
        key.map_or(Ok(()), |k| check::key(basis, k))?;
        let gpu = Gpu::open(adapter, options)?;
        let tables = gpu.guarded(|| Tables::new(&gpu, basis, key))?;
        let transforms = Transforms::new(&gpu, basis.degree(), options.workgroup_memory);
        let pipelines = Pipelines::new(options);
        let (params, scratch) = (params.clone(), Mutex::default());
        Ok(Self { gpu, params, pipelines, tables, transforms, scratch })
    }

    /// The wide arithmetic that its shaders use.
    pub fn prelude(&self) -> Prelude {
        self.gpu.prelude
    }

    /// One kernel at a time.
    pub fn kernels(&self) -> Kernels<'_> {
        Kernels::new(self)
    }

    /// Gives memory back that is kept between operations.
    pub fn trim(&self) {
        self.scratch().clear();
    }

    fn scratch(&self) -> MutexGuard<'_, Scratch> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for GpuEngine {
    type Tile = GpuTile;
    type Matrix = GpuMatrix;

    fn name(&self) -> String {
        self.gpu.name().to_owned()
    }

    fn memory(&self) -> Option<u64> {
        // The rest is for weights and for what operations keep between their kernels.
        self.gpu.memory().map(|bytes| bytes / 4 * 3)
    }

    fn wait(&self) -> Result<(), DeviceError> {
        self.gpu.wait()
    }

    fn tile(&self, shape: Shape) -> Result<GpuTile, DeviceError> {
        check::tile(self.params.basis(), shape)?;
        self.gpu.guarded(|| GpuTile::new(&self.gpu, shape))
    }

    fn fill(
        &self,
        into: &mut GpuTile,
        at: usize,
        rows: usize,
        fill: &Fill<'_>,
    ) -> Result<(), DeviceError> {
        check::rows(into.shape, at, rows)?;
        transfer::fill(&self.gpu, into, at, rows, fill)
    }

    fn download(&self, tile: &GpuTile) -> Result<Tile, DeviceError> {
        transfer::download(&self.gpu, tile)
    }

    fn shape(&self, tile: &GpuTile) -> Shape {
        tile.shape
    }

    fn matrix(&self, matrix: &BlockMatrix, squared: bool) -> Result<GpuMatrix, DeviceError> {
        self.gpu.guarded(|| GpuMatrix::new(&self.gpu, matrix, squared))
    }

    fn operator(&self, matrix: &GpuMatrix) -> Operator {
        matrix.operator
    }

    fn layer(
        &self,
        layer: &Layer<'_, Self>,
        into: &mut GpuTile,
        at: usize,
    ) -> Result<(), DeviceError> {
        let has_key = !self.tables.key.is_empty();
        let basis = self.params.basis();
        let shape = check::layer(self, basis, layer, into.shape, at, has_key)?;
        let terms: Vec<_> =
            layer.terms.iter().map(|t| Summand { tile: t.tile, matrix: t.matrix }).collect();
        let (gpu, tables, transforms) = (&self.gpu, &self.tables, &self.transforms);
        gpu.guarded(|| {
            let bias = gpu.buffer_of("the bias", layer.bias)?;
            let scratch = &mut *self.scratch();
            let mut rec = Recording::new(gpu, &self.pipelines);
            let Some(switch) = layer.switch else {
                linear(&mut rec, tables, scratch, &terms, &bias, shape, (into, at), layer.onto)?;
                return rec.submit();
            };
            let relinearised = shape.components == 3;
            let guards = usize::from(switch.guarded && relinearised);
            let raised = Shape { primes: shape.primes + guards, ..shape };
            let mut sum = scratch.sum(gpu, raised)?;
            linear(&mut rec, tables, scratch, &terms, &bias, shape, (&sum, 0), false)?;
            if guards > 0 {
                raise(&mut rec, tables, &sum)?;
            }
            if relinearised {
                relinearise(&mut rec, tables, transforms, scratch, &sum, shape.primes)?;
            }
            for _ in 0..guards + switch.rescale {
                rescale(&mut rec, tables, transforms, scratch, &sum)?;
                sum.shape.primes -= 1;
            }
            sum.copy_to(&mut rec, into, at);
            scratch.keep(sum);
            rec.submit()
        })
    }
}
