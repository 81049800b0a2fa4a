//! The engine of the processor at hand.

use super::linear::{Rooms, Summand, linear};
use super::matrix::CpuMatrix;
use super::memory;
use super::pool::Pool;
use super::scatter::Scatter;
use super::sum::Sum;
use super::switch::{CpuKey, Scratch, is_lazy, switch, to_results};
use crate::device::{Affine, DeviceError, Engine, Fill, Layer, Operator, check};
use crate::math::simd::Simd;
use crate::ring::{BlockMatrix, Shape, Tile};
use crate::scheme::{Parameters, RelinKey, Switch};
use rayon::prelude::*;

/// The processor, opened for one basis and key. Uses rayon's current thread pool.
#[derive(Debug)]
pub struct CpuEngine {
    params: Parameters,
    key: Option<CpuKey>,
    simd: Simd,
    workspace: Workspace,
}

/// Memory of layers at work, kept for those that follow.
#[derive(Debug, Default)]
struct Workspace {
    /// What of a sum has no place among its results: one a caller.
    sums: Pool<Tile>,
    /// What comes of a sum before it goes to the primes of results.
    left: Pool<Tile>,
    /// Inputs of slices, and polynomials at a switch: one a thread.
    rooms: Pool<Rooms>,
    scratch: Pool<Scratch>,
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
            check::key(params, key)?;
        }
        let key = key.map(|k| CpuKey::new(!is_lazy(simd, basis), basis, k.tile()));
        Ok(Self { params: params.clone(), key, simd, workspace: Workspace::default() })
    }
}

impl Engine for CpuEngine {
    type Tile = Tile;
    type Matrix = CpuMatrix;

    fn name(&self) -> String {
        format!("CPU, {} threads, {}", rayon::current_num_threads(), self.simd)
    }

    fn parameters(&self) -> &Parameters {
        &self.params
    }

    fn memory(&self) -> Option<u64> {
        memory::installed().map(|bytes| bytes / 8 * 7)
    }

    fn grain(&self) -> u64 {
        // What neighbouring chunks share is read and squared for each: half as much costs a twentieth more, a
        // quarter a sixth more (`deep`, in memory that is warm). 224 MiB take a fifteenth less, but a third more
        // memory, and where that is fresh all of it is lost again. Less than half is memory of its own ([`Sum`]).
        96 << 20
    }

    fn tile(&self, shape: Shape) -> Result<Tile, DeviceError> {
        check::tile(self.basis(), shape)?;
        Ok(Tile::zeros(shape))
    }

    fn fill(
        &self,
        into: &mut Tile,
        at: usize,
        rows: usize,
        fill: &Fill<'_>,
    ) -> Result<(), DeviceError> {
        let shape = into.shape();
        check::rows(shape, at, rows)?;
        let target = Scatter::new(into.data_mut());
        (0..shape.primes * shape.components * rows).into_par_iter().for_each(|i| {
            let (prime, component, row) =
                (i / rows / shape.components, i / rows % shape.components, i % rows);
            let place = shape.at(prime, component, at + row);
            // SAFETY: each polynomial is written by one iteration.
            fill(prime, component, row, unsafe { target.part(place.start, place.len()) });
        });
        Ok(())
    }

    fn download(&self, tile: &Tile) -> Result<Tile, DeviceError> {
        Ok(tile.clone())
    }

    fn shape(&self, tile: &Tile) -> Shape {
        tile.shape()
    }

    fn matrix(&self, matrix: &BlockMatrix, squared: bool) -> Result<CpuMatrix, DeviceError> {
        Ok(CpuMatrix::new(self.simd, self.params.degree(), matrix, squared))
    }

    fn has_quadratic(&self) -> bool {
        true
    }

    fn quadratic(&self, inner: Affine<'_>, outer: &BlockMatrix) -> Result<CpuMatrix, DeviceError> {
        check::quadratic(inner, outer)?;
        Ok(CpuMatrix::quadratic(self.simd, self.basis(), inner, outer))
    }

    fn operator(&self, matrix: &CpuMatrix) -> Operator {
        matrix.operator()
    }

    fn layer(
        &self,
        layer: &Layer<'_, Self>,
        into: &mut Tile,
        at: usize,
    ) -> Result<(), DeviceError> {
        let (basis, key) = (self.basis(), self.key.as_ref());
        let Workspace { sums, left, rooms, scratch } = &self.workspace;
        let shape = check::layer(self, layer, into.shape(), at, key.is_some())?;
        let terms: Vec<_> =
            layer.terms.iter().map(|t| Summand { tile: t.tile, matrix: t.matrix }).collect();
        let mut own = sums.lend();
        let come_down = |to: (&mut Tile, usize), own: &mut Tile| {
            let sum = Sum::new(shape, to, own);
            linear(self.simd, basis, &terms, layer, &sum, rooms);
            if let Some(Switch { digits, .. }) = layer.switch {
                switch(self.simd, basis, key, &sum, digits, scratch);
            }
        };
        if layer.switch.is_some_and(|s| s.to_results) {
            let mut left = left.lend();
            left.reshape(Shape { components: 2, ..shape });
            come_down((&mut left, 0), &mut own);
            to_results(self.simd, &self.params, &left, into, at);
        } else {
            come_down((into, at), &mut own);
        }
        Ok(())
    }
}
