//! The engine of a GPU.

use super::context::Gpu;
use super::form::Costs;
use super::linear::{Summand, Target, linear};
use super::matrix::GpuMatrix;
use super::options::Tuning;
use super::pipelines::Pipelines;
use super::recording::Recording;
use super::scratch::Scratch;
use super::steps::Steps;
use super::switch::switch;
use super::tables::Tables;
use super::transform::Transforms;
use super::{
    Adapter, AdapterKind, GpuOptions, GpuTile, Kernels, Prelude, Probe, calibration, expand,
    transfer,
};
use crate::device::{DeviceError, Engine, Fill, Layer, Operator, Took, Traffic, check};
use crate::ring::{BlockMatrix, Shape, Tile};
use crate::scheme::{Parameters, RelinKey, SeededTile};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// A GPU, opened for one basis and key.
#[derive(Debug)]
pub struct GpuEngine {
    pub(super) gpu: Gpu,
    pub(super) params: Parameters,
    pub(super) pipelines: Pipelines,
    pub(super) tables: Tables,
    pub(super) transforms: Transforms,
    pub(super) tuning: Tuning,
    /// Measured when the first matrix asks for it.
    pub(super) costs: OnceLock<Costs>,
    is_software: bool,
    /// Held from the first command of an operation to its submission, so that operations do not
    /// share scratch memory.
    scratch: Mutex<Scratch>,
}

impl GpuEngine {
    /// Opens an adapter as is best for use.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where the key is not of these parameters or the ring is smaller than 16, and
    /// where the device fails or has no room for roots and key.
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
        key.map_or(Ok(()), |k| check::key(params, k))?;
        let gpu = Gpu::open(adapter, options)?;
        let tables = gpu.guarded(|| Tables::new(&gpu, basis, key))?;
        let transforms = Transforms::new(&gpu, basis.degree(), options)?;
        let (pipelines, tuning) = (Pipelines::new(options), options.tuning);
        let (costs, params, scratch) = (OnceLock::new(), params.clone(), Mutex::default());
        let is_software = adapter.kind() == AdapterKind::Software;
        Ok(Self { gpu, params, pipelines, tables, transforms, tuning, costs, is_software, scratch })
    }

    /// The wide arithmetic that its shaders use.
    pub fn prelude(&self) -> Prelude {
        self.gpu.prelude
    }

    /// One kernel at a time.
    pub fn kernels(&self) -> Kernels<'_> {
        Kernels::new(self)
    }

    /// Clocks, whose measurements take `least` at least.
    pub fn probe(&self, least: Duration) -> Probe<'_> {
        Probe::new(self, least)
    }

    /// The limits that the kernels' sizes come from: bytes of workgroup memory, threads of a workgroup, bytes of
    /// the largest buffer.
    pub fn limits(&self) -> [u64; 3] {
        let limits = &self.gpu.limits;
        [
            limits.max_compute_workgroup_storage_size.into(),
            limits.max_compute_invocations_per_workgroup.into(),
            self.gpu.largest_buffer(),
        ]
    }

    /// Gives memory back that is kept between operations.
    pub fn trim(&self) {
        self.scratch().clear();
    }

    /// What forms of the product cost here.
    fn costs(&self) -> Result<Costs, DeviceError> {
        if let Some(costs) = self.costs.get() {
            return Ok(*costs);
        }
        let costs = calibration::costs(self, self.is_software)?;
        Ok(*self.costs.get_or_init(|| costs))
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

    fn parameters(&self) -> &Parameters {
        &self.params
    }

    fn traffic(&self) -> Traffic {
        self.gpu.traffic()
    }

    fn memory(&self) -> Option<u64> {
        // The rest is for weights and for what operations keep between their kernels.
        self.gpu.memory().map(|bytes| bytes / 4 * 3)
    }

    fn look(&self, on: bool) {
        self.gpu.stopwatch.look(on);
    }

    fn took(&self) -> Result<Vec<Took>, DeviceError> {
        self.gpu.guarded(|| self.gpu.stopwatch.take(&self.gpu))
    }

    fn grain(&self) -> u64 {
        self.tuning.grain.unwrap_or(256 << 20)
    }

    fn lanes(&self) -> usize {
        2
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

    fn expand(
        &self,
        into: &mut GpuTile,
        at: usize,
        order: &[u32],
        batch: &SeededTile,
    ) -> Result<(), DeviceError> {
        check::seeded(into.shape, at, order, batch)?;
        transfer::send(&self.gpu, into, at, order, &batch.c0)?;
        self.gpu.guarded(|| {
            let mut rec = Recording::new(&self.gpu, &self.pipelines);
            let rows = (&self.gpu.buffer_of("the order of rows", order)?, order.len());
            expand::expand(&mut rec, self.basis(), &batch.seed, rows, into, at)?;
            rec.submit()
        })
    }

    fn download(&self, tile: &GpuTile) -> Result<Tile, DeviceError> {
        transfer::download(&self.gpu, tile)
    }

    fn shape(&self, tile: &GpuTile) -> Shape {
        tile.shape
    }

    fn matrix(&self, matrix: &BlockMatrix, squared: bool) -> Result<GpuMatrix, DeviceError> {
        let costs = self.costs()?;
        let (gpu, tuning) = (&self.gpu, &self.tuning);
        gpu.guarded(|| GpuMatrix::new(gpu, &costs, tuning, matrix, squared))
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
        let shape = check::layer(self, layer, into.shape, at, has_key)?;
        let terms: Vec<_> =
            layer.terms.iter().map(|t| Summand { tile: t.tile, matrix: t.matrix }).collect();
        let (gpu, tables, transforms) = (&self.gpu, &self.tables, &self.transforms);
        gpu.guarded(|| {
            let bias = gpu.buffer_of("the bias", layer.bias)?;
            let mut rec = Recording::new(gpu, &self.pipelines);
            let target = Target { tile: into, row: at, onto: layer.onto };
            let primes = &tables.primes[layer.first..];
            let Some(way) = layer.switch else {
                linear(&mut rec, primes, &terms, &bias, shape, target)?;
                return rec.submit();
            };
            let scratch = &mut *self.scratch();
            let guards = if shape.components == 3 { way.digits.behind() } else { 0 };
            let sum = scratch.sum(gpu, Shape { primes: shape.primes + guards, ..shape })?;
            let to_sum = Target { tile: &sum, row: 0, onto: false };
            linear(&mut rec, primes, &terms, &bias, shape, to_sum)?;
            let mut work = Steps { rec: &mut rec, tables, transforms };
            let results = self.params.first_of_results()..self.basis().len();
            switch(&mut work, scratch, &sum, shape, (way, results), target)?;
            scratch.keep_sum(sum);
            rec.submit()
        })
    }
}
