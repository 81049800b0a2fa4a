//! How fast kernels are, on data that stays on the device: for experiments and for the choice of forms.

use super::context::Buffer;
use super::engine::GpuEngine;
use super::form::Costs;
use super::linear::{self, Columns, Product, Target};
use super::matrix::GpuMatrix;
use super::options::{Form, Tuning};
use super::pipelines::Variant;
use super::recording::Recording;
use super::scratch::Scratch;
use super::steps::Steps;
use super::switch::switch;
use super::transform::Job;
use super::{GpuTile, Kernel, expand};
use crate::device::{DeviceError, Engine};
use crate::ring::{BlockMatrix, Shape};
use crate::scheme::Switch;
use std::time::{Duration, Instant};

/// An operation whose rate is asked for: what `shaders/rates.wgsl` repeats, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A product of 32 bits and a sum.
    MultiplyAdd,
    /// The high word of a product, as the prelude makes it, and a sum.
    MultiplyHigh,
    /// A packed dot product of four bytes, and a sum.
    Dot,
}

/// Clocks on an engine. All results are numbers a second, over at least the time that the probe was made with.
#[derive(Debug)]
pub struct Probe<'a> {
    engine: &'a GpuEngine,
    /// How long a measurement takes at least.
    least: Duration,
}

type Rate = Result<f64, DeviceError>;

/// Threads of a workgroup that only multiplies.
const THREADS: usize = 256;

impl<'a> Probe<'a> {
    pub(super) fn new(engine: &'a GpuEngine, least: Duration) -> Self {
        Self { engine, least }
    }

    /// Bytes that a copy of `bytes` bytes within the device's memory reads and writes: each counts twice.
    ///
    /// # Errors
    /// [`DeviceError`] where the device has no room, or failed.
    pub fn copy(&self, bytes: usize) -> Rate {
        let words = bytes / 4;
        let [from, to] = [self.words(words)?, self.words(words)?];
        self.rate((8 * words) as f64, |rec| {
            rec.copy((&from, 0), (&to, 0), words);
            Ok(())
        })
    }

    /// Operations of all of the device, `rounds` times sixteen a thread.
    ///
    /// # Errors
    /// [`DeviceError`] where the device has no room, or failed.
    pub fn operations(&self, operation: Operation, workgroups: usize, rounds: u32) -> Rate {
        let result = self.words(workgroups * THREADS)?;
        let constants =
            [("OPERATION", operation as u32), ("ROUNDS", rounds), ("THREADS", THREADS as u32)];
        let variant = Variant::new(Kernel::Rates, &constants);
        let count = 16.0 * f64::from(rounds) * (workgroups * THREADS) as f64;
        let params = [2_654_435_769u32, 0, 0, 0];
        self.rate(count, |rec| rec.dispatch(&variant, &params, &[&result], [workgroups, 1, 1]))
    }

    /// Transforms of N coefficients, `polynomials` at a time, modulo every prime.
    ///
    /// # Errors
    /// [`DeviceError`] where the device has no room, or failed.
    pub fn transforms(&self, forward: bool, polynomials: usize) -> Rate {
        let e = self.engine;
        let jobs: Vec<Job> = (0..e.tables.primes.len())
            .map(|prime| Job { prime, from: prime, source: 0, result: 0 })
            .collect();
        let words = polynomials * e.tables.degree;
        let [source, between, result] =
            [self.words(words)?, self.words(words)?, self.words(words)?];
        self.rate((polynomials * jobs.len()) as f64, |rec| {
            for job in jobs.chunks(1) {
                let (t, tables) = (&e.transforms, &e.tables);
                if forward {
                    t.forward(rec, tables, [&source, &between, &result], polynomials, job)?;
                } else {
                    t.inverse(rec, tables, &source, &result, polynomials, job)?;
                }
            }
            Ok(())
        })
    }

    /// Multiply-adds of residues in a product, or of squares, in a form where one is given.
    ///
    /// # Errors
    /// [`DeviceError`] where the device has no room, or failed.
    pub fn product(&self, matrix: &BlockMatrix, squared: bool, form: Option<Form>) -> Rate {
        let (e, n) = (self.engine, self.engine.tables.degree);
        let [read, components] = if squared { [2, 3] } else { [2, 2] };
        let count = (matrix.multiply_adds() * components * n) as f64;
        let source = self.words(read * matrix.inputs() * n)?;
        let result = self.words(components * matrix.outputs() * n)?;
        let bias = self.words(matrix.outputs())?;
        let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
        let tuning = Tuning { form: form.or(e.tuning.form), ..e.tuning };
        let costs = e.costs.get().copied().unwrap_or_else(|| Costs::counted(&e.gpu));
        let matrix = GpuMatrix::new(&e.gpu, &costs, &tuning, matrix, squared)?;
        self.rate(count, |rec| {
            let product = Product { width: n, components, written: 0, bias: Some(0), row: 0 };
            let columns = |buffer, rows| Columns { buffer, rows, width: n, column: 0 };
            let (source, result) = (columns(&source, inputs), columns(&result, outputs));
            linear::matmul(rec, e.tables.primes[0], &matrix, product, &bias, source, result)
        })
    }

    /// Residues drawn from a seed: c₁ of `rows` ciphertexts modulo one prime.
    ///
    /// # Errors
    /// [`DeviceError`] where the device has no room, or failed.
    pub fn residues(&self, rows: usize) -> Rate {
        let e = self.engine;
        let shape = Shape { primes: 1, components: 2, rows, degree: e.tables.degree };
        let tile = GpuTile::new(&e.gpu, shape)?;
        let order: Vec<u32> = (0..rows as u32).collect();
        let order = e.gpu.buffer_of("the order of rows", &order)?;
        self.rate((rows * shape.degree) as f64, |rec| {
            expand::expand(rec, e.basis(), &[7; 32], (&order, rows), &tile, 0)
        })
    }

    /// Sums of three components that are relinearised and rescaled, from `level` primes.
    ///
    /// # Errors
    /// [`DeviceError`] where the device has no room, or failed.
    pub fn switches(&self, level: usize, rows: usize, way: Switch) -> Rate {
        let e = self.engine;
        let guards = way.digits.behind();
        let shape = Shape { primes: level, components: 3, rows, degree: e.tables.degree };
        let sum = GpuTile::new(&e.gpu, Shape { primes: level + guards, ..shape })?;
        let out = Shape { primes: level - way.rescale, components: 2, ..shape };
        let out = GpuTile::new(&e.gpu, out)?;
        let mut scratch = Scratch::default();
        self.rate(rows as f64, |rec| {
            let target = Target { tile: &out, row: 0, onto: false };
            let (tables, transforms) = (&e.tables, &e.transforms);
            let mut work = Steps { rec, tables, transforms };
            switch(&mut work, &mut scratch, &sum, shape, (way, 0..0), target)
        })
    }

    /// Words that are no residues of anything: a multiplicative sequence, so that nothing is zero.
    fn words(&self, words: usize) -> Result<Buffer, DeviceError> {
        let buffer = self.engine.gpu.buffer("data to measure with", words)?;
        let piece: Vec<u32> =
            (0..words.min(1 << 20) as u32).map(|i| i.wrapping_mul(2_654_435_769) >> 4).collect();
        for at in (0..words).step_by(piece.len().max(1)) {
            let some = &piece[..piece.len().min(words - at)];
            self.engine.gpu.write(&buffer, 4 * at as u64, bytemuck::cast_slice(some));
        }
        self.engine.gpu.queue.submit([]);
        Ok(buffer)
    }

    /// `count` over the seconds that recorded work takes: once to warm up, then as often as fills the time.
    fn rate(
        &self,
        count: f64,
        mut record: impl FnMut(&mut Recording<'_>) -> Result<(), DeviceError>,
    ) -> Rate {
        let e = self.engine;
        let mut times = 1u32;
        e.gpu.guarded(|| {
            let mut run = |times: u32| {
                let mut rec = Recording::new(&e.gpu, &e.pipelines);
                (0..times).try_for_each(|_| record(&mut rec))?;
                let clock = Instant::now();
                rec.submit()?;
                e.gpu.wait()?;
                Ok::<_, DeviceError>(clock.elapsed())
            };
            run(1)?;
            loop {
                let spent = run(times)?;
                if spent >= self.least || times >= 1 << 12 {
                    return Ok(count * f64::from(times) / spent.as_secs_f64());
                }
                // What is missing, at once, and no more than what is sure to be needed.
                let factor = self.least.as_secs_f64() / spent.as_secs_f64().max(1e-6);
                times = (f64::from(times) * factor.clamp(1.5, 64.0)).ceil() as u32;
            }
        })
    }
}
