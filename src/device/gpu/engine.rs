//! The engine of a GPU.

use super::context::Gpu;
use super::linear::{Summand, linear};
use super::matrix::GpuMatrix;
use super::pipelines::Pipelines;
use super::recording::Recording;
use super::scratch::Scratch;
use super::switch::{relinearise, rescale};
use super::tables::Tables;
use super::transform::Transforms;
use super::{Adapter, GpuOptions, GpuTile, Kernels, Prelude, transfer};
use crate::device::{DeviceError, Engine, Term, check};
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

    /// Waits for everything that was begun, for timing.
    ///
    /// # Errors
    /// Where the device failed.
    pub fn wait(&self) -> Result<(), DeviceError> {
        self.gpu.wait()
    }

    /// Gives memory back that is kept between operations.
    pub fn trim(&self) {
        self.scratch().clear();
    }

    /// Gives back the room of third components, buffer by buffer so that little is needed on top.
    fn compact(&self, tile: &mut GpuTile) -> Result<(), DeviceError> {
        let words = tile.shape.components * tile.shape.rows * tile.width;
        for buffer in tile.chunks.iter_mut().flatten() {
            // Where there is no room to do it in, the tile does as it is.
            let Ok(small) = self.gpu.buffer("a tile of ciphertexts", words) else { return Ok(()) };
            let mut rec = Recording::new(&self.gpu, &self.pipelines);
            rec.copy((buffer, 0), (&small, 0), words);
            rec.submit()?;
            *buffer = small;
        }
        Ok(())
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

    fn upload(&self, tile: Tile) -> Result<GpuTile, DeviceError> {
        check::tile(self.params.basis(), tile.shape())?;
        transfer::upload(&self.gpu, &tile)
    }

    fn download(&self, tile: &GpuTile) -> Result<Tile, DeviceError> {
        transfer::download(&self.gpu, tile)
    }

    fn shape(&self, tile: &GpuTile) -> Shape {
        tile.shape
    }

    fn extents(&self, matrix: &GpuMatrix) -> (usize, usize) {
        (matrix.outputs, matrix.inputs)
    }

    fn matrix(&self, matrix: &BlockMatrix) -> Result<GpuMatrix, DeviceError> {
        self.gpu.guarded(|| GpuMatrix::new(&self.gpu, matrix))
    }

    fn linear(
        &self,
        terms: &[Term<'_, Self>],
        bias: &[u32],
        primes: usize,
    ) -> Result<GpuTile, DeviceError> {
        let shape = check::linear(self, self.params.basis(), terms, bias, primes)?;
        let terms: Vec<_> = terms
            .iter()
            .map(|t| Summand { tile: t.tile, squared: t.squared, matrix: t.matrix })
            .collect();
        self.gpu.guarded(|| {
            let bias = self.gpu.buffer_of("the bias", bias)?;
            let out = GpuTile::new(&self.gpu, shape)?;
            let mut scratch = self.scratch();
            let mut rec = Recording::new(&self.gpu, &self.pipelines);
            linear(&mut rec, &self.tables, &mut scratch, &terms, &bias, &out)?;
            rec.submit()?;
            Ok(out)
        })
    }

    fn switch(&self, mut tile: GpuTile, steps: usize) -> Result<GpuTile, DeviceError> {
        check::switch(self.params.basis(), tile.shape, steps, !self.tables.key.is_empty())?;
        self.gpu.guarded(|| {
            let mut scratch = self.scratch();
            let (tables, transforms) = (&self.tables, &self.transforms);
            let mut rec = Recording::new(&self.gpu, &self.pipelines);
            let squared = tile.shape.components == 3;
            if squared {
                relinearise(&mut rec, tables, transforms, &mut scratch, &tile)?;
                tile.shape.components = 2;
            }
            // What is recorded keeps the buffers of dropped primes alive.
            for _ in 0..steps {
                rescale(&mut rec, tables, transforms, &mut scratch, &tile)?;
                tile.shape.primes -= 1;
                tile.chunks.truncate(tile.shape.primes);
            }
            rec.submit()?;
            if squared { self.compact(&mut tile) } else { Ok(()) }
        })?;
        Ok(tile)
    }
}
