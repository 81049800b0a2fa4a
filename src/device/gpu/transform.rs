//! Which kernels a transform takes: one where a polynomial fits workgroup memory, else a few.

use super::Kernel;
use super::context::{Buffer, Gpu, MAX_GROUPS};
use super::pipelines::Variant;
use super::recording::Recording;
use super::tables::Tables;
use crate::device::DeviceError;

/// Jobs of one dispatch: as many as `Transform` of `shaders/lib/transform.wgsl` has room for.
const JOBS: usize = 64;

/// Threads of a workgroup at most. Two butterflies of two stages take 4 coefficients, so a
/// workgroup of 256 makes 4 rounds a pass at N = 4096.
const THREADS: usize = 256;

/// Polynomials of one group to transform: buffers hold `[group][polynomial][N]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The prime of the transform.
    pub prime: usize,
    /// The prime that the source's residues belong to. Where it is another, they are centred and
    /// lifted first. For forward transforms.
    pub from: usize,
    /// The group read. For forward transforms; inverse ones are in place.
    pub source: usize,
    /// The group written.
    pub result: usize,
}

/// `Transform` of `shaders/lib/transform.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Params {
    polynomials: u32,
    first: u32,
    half: u32,
    pad: u32,
    jobs: [[u32; 4]; JOBS],
}

/// How transforms of one degree run on one device.
#[derive(Debug)]
pub struct Transforms {
    degree: usize,
    /// Coefficients in workgroup memory.
    segment: usize,
    threads: usize,
}

impl Transforms {
    /// For polynomials of `degree` coefficients.
    pub fn new(gpu: &Gpu, degree: usize, memory: Option<u32>) -> Self {
        let limit = gpu.limits.max_compute_workgroup_storage_size;
        let words = memory.map_or(limit, |m| m.min(limit)) / 4;
        // Two stages a pass want four coefficients.
        let segment = degree.min(1 << words.max(4).ilog2());
        let most = gpu.limits.max_compute_invocations_per_workgroup as usize;
        let most = most.min(gpu.limits.max_compute_workgroup_size_x as usize);
        Self { degree, segment, threads: (segment / 4).clamp(1, THREADS.min(most)) }
    }

    fn variant(&self, kernel: Kernel) -> Variant {
        let constants = [
            ("DEGREE", self.degree as u32),
            ("SEGMENT", self.segment as u32),
            ("THREADS", self.threads as u32),
        ];
        Variant::new(kernel, &constants)
    }

    /// Coefficients in `source` to values in `result`, `polynomials` for each job.
    pub fn forward(
        &self,
        rec: &mut Recording<'_>,
        tables: &Tables,
        source: &Buffer,
        result: &Buffer,
        polynomials: usize,
        jobs: &[Job],
    ) -> Result<(), DeviceError> {
        let fixed = [&tables.constants, &tables.forward];
        let whole = self.segment == self.degree;
        let pieces = self.degree / self.segment;
        self.batches(polynomials, jobs, |mut params, groups| {
            let around = |x: usize| [x, groups[0], groups[1]];
            if !whole {
                let first = around((self.degree / 4 + 1).div_ceil(self.threads));
                let buffers = [fixed[0], fixed[1], source, result];
                rec.dispatch(&self.variant(Kernel::NttForwardFirst), &params, &buffers, first)?;
                let mut half = self.degree / 4;
                while half >= self.segment {
                    params.half = half as u32;
                    let stage = around((self.degree / 2).div_ceil(self.threads));
                    let buffers = [fixed[0], fixed[1], result];
                    rec.dispatch(&self.variant(Kernel::NttForwardStage), &params, &buffers, stage)?;
                    half /= 2;
                }
            }
            // Segments are read from the result; the roots stand in for a source that is not read.
            let source = if whole { source } else { fixed[1] };
            let buffers = [fixed[0], fixed[1], source, result];
            rec.dispatch(&self.variant(Kernel::NttForward), &params, &buffers, around(pieces))
        })
    }

    /// Values in `data` to coefficients, in place, `polynomials` for each job.
    pub fn inverse(
        &self,
        rec: &mut Recording<'_>,
        tables: &Tables,
        data: &Buffer,
        polynomials: usize,
        jobs: &[Job],
    ) -> Result<(), DeviceError> {
        let buffers = [&tables.constants, &tables.inverse, data];
        self.batches(polynomials, jobs, |mut params, groups| {
            let around = |x: usize| [x, groups[0], groups[1]];
            let pieces = around(self.degree / self.segment);
            rec.dispatch(&self.variant(Kernel::NttInverse), &params, &buffers, pieces)?;
            if self.segment == self.degree {
                return Ok(());
            }
            let mut half = self.segment;
            while half < self.degree / 2 {
                params.half = half as u32;
                let stage = around((self.degree / 2).div_ceil(self.threads));
                rec.dispatch(&self.variant(Kernel::NttInverseStage), &params, &buffers, stage)?;
                half *= 2;
            }
            let last = around((self.degree / 4 + 1).div_ceil(self.threads));
            rec.dispatch(&self.variant(Kernel::NttInverseLast), &params, &buffers, last)
        })
    }

    /// Calls `each` with parameters and (polynomials, jobs) of dispatches within the limits.
    fn batches(
        &self,
        polynomials: usize,
        jobs: &[Job],
        mut each: impl FnMut(Params, [usize; 2]) -> Result<(), DeviceError>,
    ) -> Result<(), DeviceError> {
        for jobs in jobs.chunks(JOBS) {
            for first in (0..polynomials).step_by(MAX_GROUPS) {
                let mut params: Params = bytemuck::Zeroable::zeroed();
                params.polynomials = polynomials as u32;
                params.first = first as u32;
                for (slot, j) in params.jobs.iter_mut().zip(jobs) {
                    *slot = [j.prime, j.from, j.source, j.result].map(|x| x as u32);
                }
                each(params, [(polynomials - first).min(MAX_GROUPS), jobs.len()])?;
            }
        }
        Ok(())
    }
}
