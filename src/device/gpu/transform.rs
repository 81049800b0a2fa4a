//! Which kernels a transform takes: one where a polynomial fits workgroup memory, else two.

use super::context::{Buffer, Gpu, MAX_GROUPS};
use super::pipelines::Variant;
use super::recording::Recording;
use super::tables::Tables;
use super::unroll::Constant;
use super::{GpuOptions, Kernel};
use crate::device::DeviceError;

/// Jobs of one dispatch: as many as `Transform` of `shaders/lib/transform.wgsl` has room for.
const JOBS: usize = 64;

/// Coefficients that a thread has in registers between two barriers: four stages.
const HELD: usize = 16;

/// Threads of a workgroup at most, for a segment of 8192 coefficients.
const THREADS: usize = 512;

/// Polynomials of N words, one after another, to transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The prime of the transform.
    pub prime: usize,
    /// The prime that the source's residues belong to. Where it is another, they are centred and
    /// lifted first. For forward transforms.
    pub from: usize,
    /// The first polynomial read.
    pub source: usize,
    /// The first polynomial written.
    pub result: usize,
}

/// `Transform` of `shaders/lib/transform.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Params {
    first: u32,
    apart: u32,
    pad: [u32; 2],
    jobs: [[u32; 4]; JOBS],
}

/// How transforms of one degree run on one device.
#[derive(Clone, Copy, Debug)]
pub struct Transforms {
    degree: usize,
    /// Coefficients in workgroup memory.
    segment: usize,
    threads: usize,
}

impl Transforms {
    /// For polynomials of `degree` coefficients.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where they are shorter than a thread's share, or so long that two passes over
    /// memory do not do: by 16 longer than a segment, which has at least 4096 coefficients on every adapter.
    pub fn new(gpu: &Gpu, degree: usize, options: &GpuOptions) -> Result<Self, DeviceError> {
        let limit = gpu.limits.max_compute_workgroup_storage_size;
        let words = options.workgroup_memory.map_or(limit, |m| m.min(limit)) / 4;
        let segment = degree.min(1 << words.max(HELD as u32).ilog2());
        if degree < HELD || degree > HELD * segment {
            let (found, expected) = (degree.to_string(), format!("{HELD} to {}", HELD * segment));
            return Err(DeviceError::Shape { what: "the ring degree of a GPU", found, expected });
        }
        let most = gpu.limits.max_compute_invocations_per_workgroup as usize;
        let most = most.min(gpu.limits.max_compute_workgroup_size_x as usize);
        let wanted = options.tuning.transform_threads.unwrap_or(THREADS).clamp(1, most);
        let threads = (segment / HELD).min(1 << wanted.ilog2());
        Ok(Self { degree, segment, threads })
    }

    /// Whether a polynomial fits workgroup memory.
    pub fn whole(&self) -> bool {
        self.segment == self.degree
    }

    /// Segments of a polynomial.
    pub fn segments(&self) -> usize {
        self.degree / self.segment
    }

    /// A kernel that works on segments.
    pub fn inner(&self, kernel: Kernel) -> Variant {
        Variant::new(kernel, &segments(self.degree, self.segment, self.threads))
    }

    /// A kernel that works on columns at the distance of a segment.
    fn outer(&self, kernel: Kernel) -> Variant {
        Variant::new(kernel, &columns(self.degree, self.segments(), self.outer_threads()))
    }

    fn outer_threads(&self) -> usize {
        self.threads.min(64)
    }

    /// Workgroups of [`Transforms::outer`] kernels along a polynomial, two columns a thread.
    fn outer_groups(&self) -> usize {
        (self.segment / 2).div_ceil(self.outer_threads())
    }

    /// Coefficients in the first buffer to values in the last, by way of the second where there are two passes.
    pub fn forward(
        &self,
        rec: &mut Recording<'_>,
        tables: &Tables,
        [source, between, result]: [&Buffer; 3],
        polynomials: usize,
        jobs: &[Job],
    ) -> Result<(), DeviceError> {
        let (mut source, mut inner) = (source, jobs.to_vec());
        if !self.whole() {
            self.forward_outer(rec, tables, [source, between], polynomials, 0, jobs)?;
            source = between;
            inner.iter_mut().for_each(|job| job.source = job.result);
        }
        let buffers = [&tables.constants, &tables.forward, source, result];
        batches(polynomials, &inner, |params, [polynomials, jobs]| {
            let groups = [self.segments(), polynomials, jobs];
            rec.dispatch(&self.inner(Kernel::NttForward), &params, &buffers, groups)
        })
    }

    /// The stages of a forward transform before those of segments. Where integers have two parts, the second
    /// lies `apart` polynomials behind the first.
    pub fn forward_outer(
        &self,
        rec: &mut Recording<'_>,
        tables: &Tables,
        [source, result]: [&Buffer; 2],
        polynomials: usize,
        apart: usize,
        jobs: &[Job],
    ) -> Result<(), DeviceError> {
        let buffers = [&tables.constants, &tables.forward, source, result];
        batches(polynomials, jobs, |params, [polynomials, jobs]| {
            let params = Params { apart: (apart * self.degree) as u32, ..params };
            let groups = [self.outer_groups(), polynomials, jobs];
            rec.dispatch(&self.outer(Kernel::NttForwardOuter), &params, &buffers, groups)
        })
    }

    /// Values in `source` to coefficients in `result`.
    pub fn inverse(
        &self,
        rec: &mut Recording<'_>,
        tables: &Tables,
        source: &Buffer,
        result: &Buffer,
        polynomials: usize,
        jobs: &[Job],
    ) -> Result<(), DeviceError> {
        batches(polynomials, jobs, |params, [polynomials, jobs]| {
            let buffers = [&tables.constants, &tables.inverse, source, result];
            let groups = [self.segments(), polynomials, jobs];
            rec.dispatch(&self.inner(Kernel::NttInverse), &params, &buffers, groups)?;
            if self.whole() {
                return Ok(());
            }
            let buffers = [&tables.constants, &tables.inverse, result];
            let groups = [self.outer_groups(), polynomials, jobs];
            rec.dispatch(&self.outer(Kernel::NttInverseOuter), &params, &buffers, groups)
        })
    }
}

/// The sizes of kernels that work on segments: passes of four stages, and columns of R for the stages that are
/// left over.
pub fn segments(degree: usize, segment: usize, threads: usize) -> Vec<Constant> {
    let radix = 1 << (segment.ilog2() % HELD.ilog2());
    sizes(degree, segment, segment, threads, radix)
}

/// The sizes of kernels that work on columns of N/SEGMENT coefficients of whole polynomials.
pub fn columns(degree: usize, radix: usize, threads: usize) -> Vec<Constant> {
    sizes(degree, degree / radix, degree, threads, radix)
}

fn sizes(degree: usize, segment: usize, length: usize, threads: usize, r: usize) -> Vec<Constant> {
    let constants = [
        ("DEGREE", degree),
        ("SEGMENT", segment),
        ("THREADS", threads),
        ("R", r),
        ("STEP", length / r),
        ("PASSES", (segment.ilog2() / HELD.ilog2()) as usize),
        ("E", segment / threads),
    ];
    constants.map(|(name, value)| (name, value as u32)).to_vec()
}

/// Calls `each` with parameters and (polynomials, jobs) of dispatches within the limits.
fn batches(
    polynomials: usize,
    jobs: &[Job],
    mut each: impl FnMut(Params, [usize; 2]) -> Result<(), DeviceError>,
) -> Result<(), DeviceError> {
    for jobs in jobs.chunks(JOBS) {
        for first in (0..polynomials).step_by(MAX_GROUPS) {
            let mut params: Params = bytemuck::Zeroable::zeroed();
            params.first = first as u32;
            for (slot, j) in params.jobs.iter_mut().zip(jobs) {
                *slot = [j.prime, j.from, j.source, j.result].map(|x| x as u32);
            }
            each(params, [(polynomials - first).min(MAX_GROUPS), jobs.len()])?;
        }
    }
    Ok(())
}
