//! The engine of the processor at hand.

use super::key::CpuKey;
use super::linear::{Summand, linear};
use super::matrix::CpuMatrix;
use super::switch::switch;
use crate::device::{DeviceError, Engine, Term, check};
use crate::math::simd::Simd;
use crate::ring::{Basis, BlockMatrix, Shape, Tile};
use crate::scheme::{Parameters, RelinKey};

/// The processor, opened for one basis and key. Uses rayon's current thread pool.
#[derive(Debug)]
pub struct CpuEngine {
    params: Parameters,
    key: Option<CpuKey>,
    simd: Simd,
}

impl CpuEngine {
    /// Opens the processor with the best instruction set it has.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where the key is not of these parameters.
    pub fn open(params: &Parameters, key: Option<&RelinKey>) -> Result<Self, DeviceError> {
        Self::open_with(params, key, Simd::detect())
    }

    /// [`CpuEngine::open`] with the instruction set given.
    ///
    /// # Errors
    /// As [`CpuEngine::open`].
    pub fn open_with(
        params: &Parameters,
        key: Option<&RelinKey>,
        simd: Simd,
    ) -> Result<Self, DeviceError> {
        let basis = params.basis();
        if let Some(key) = key {
            check::key(basis, key)?;
        }
        let key = key.map(|k| CpuKey::new(basis, k.tile()));
        Ok(Self { params: params.clone(), key, simd })
    }

    fn basis(&self) -> &Basis {
        self.params.basis()
    }
}

impl Engine for CpuEngine {
    type Tile = Tile;
    type Matrix = CpuMatrix;

    fn name(&self) -> String {
        format!("CPU, {} threads, {}", rayon::current_num_threads(), self.simd)
    }

    fn upload(&self, tile: Tile) -> Result<Tile, DeviceError> {
        check::tile(self.basis(), tile.shape())?;
        Ok(tile)
    }

    fn download(&self, tile: &Tile) -> Result<Tile, DeviceError> {
        Ok(tile.clone())
    }

    fn shape(&self, tile: &Tile) -> Shape {
        tile.shape()
    }

    fn extents(&self, matrix: &CpuMatrix) -> (usize, usize) {
        (matrix.source().outputs(), matrix.source().inputs())
    }

    fn matrix(&self, matrix: &BlockMatrix) -> Result<CpuMatrix, DeviceError> {
        Ok(CpuMatrix::new(matrix.clone()))
    }

    fn linear(
        &self,
        terms: &[Term<'_, Self>],
        bias: &[u32],
        primes: usize,
    ) -> Result<Tile, DeviceError> {
        let shape = check::linear(self, self.basis(), terms, bias, primes)?;
        let terms: Vec<_> = terms
            .iter()
            .map(|t| Summand { tile: t.tile, squared: t.squared, matrix: t.matrix })
            .collect();
        let mut out = Tile::zeros(shape);
        linear(self.simd, self.basis(), &terms, bias, &mut out);
        Ok(out)
    }

    fn switch(&self, tile: Tile, rescale: usize) -> Result<Tile, DeviceError> {
        let shape = check::switch(self.basis(), tile.shape(), rescale, self.key.is_some())?;
        if shape == tile.shape() {
            return Ok(tile);
        }
        let mut out = Tile::zeros(shape);
        switch(self.simd, self.basis(), self.key.as_ref(), &tile, &mut out);
        Ok(out)
    }
}
