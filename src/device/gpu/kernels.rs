//! One kernel at a time, from host memory to host memory: for tests and experiments.

use super::context::Buffer;
use super::engine::GpuEngine;
use super::linear::{self, Columns, Product};
use super::recording::Recording;
use super::steps::{Rows, Steps};
use super::tile::GpuTile;
use super::transform::Job;
use super::{expand, transfer};
use crate::device::{DeviceError, Engine};
use crate::ring::{BlockMatrix, Shape, Tile};
use crate::scheme::Seed;

/// What results hold before a kernel runs: no residue, so that whatever is not written shows.
pub const POISON: u32 = 0xdead_beef;

/// The kernels of an engine. Sizes that do not fit are refused, and results start as [`POISON`].
#[derive(Debug)]
pub struct Kernels<'a> {
    engine: &'a GpuEngine,
}

/// What residues are multiplied with.
#[derive(Clone, Copy, Debug)]
pub struct Factor<'a> {
    /// The number of the prime.
    pub prime: usize,
    /// Integer weights.
    pub matrix: &'a BlockMatrix,
    /// Whether ciphertexts are squared first.
    pub squared: bool,
    /// Added to component 0.
    pub bias: Option<&'a [u32]>,
}

type Words = Result<Vec<u32>, DeviceError>;

impl<'a> Kernels<'a> {
    pub(super) fn new(engine: &'a GpuEngine) -> Self {
        Self { engine }
    }

    /// Forward transforms of `polynomials` polynomials for each job, out of and into polynomials of N words,
    /// one after another.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] for polynomials or primes that are not there, or where the device failed.
    pub fn ntt_forward(&self, jobs: &[Job], polynomials: usize, source: &[u32]) -> Words {
        let n = self.degree();
        for j in jobs {
            self.at_most("words of the source", (j.source + polynomials) * n, source.len())?;
            self.at_most("polynomial", j.result + polynomials, jobs.len() * polynomials)?;
            self.at_most("prime", j.prime.max(j.from) + 1, self.primes())?;
        }
        let words = jobs.len() * polynomials * n;
        self.run(&vec![POISON; words], |rec, result| {
            let source = rec.gpu().buffer_of("polynomials", source)?;
            let between = rec.gpu().buffer_of("between two passes", &vec![POISON; words])?;
            let e = self.engine;
            let buffers = [&source, &between, result];
            e.transforms.forward(rec, &e.tables, buffers, polynomials, jobs)
        })
    }

    /// Inverse transforms of `[group][polynomial][N]`, group i modulo prime i.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn ntt_inverse(&self, polynomials: usize, values: &[u32]) -> Words {
        let groups = values.len() / (polynomials * self.degree()).max(1);
        self.at_most("groups", groups, self.primes())?;
        let at = |i| i * polynomials;
        let job = |i| Job { prime: i, from: i, source: at(i), result: at(i) };
        let jobs: Vec<Job> = (0..groups).map(job).collect();
        self.run(&vec![POISON; values.len()], |rec, result| {
            let source = rec.gpu().buffer_of("values", values)?;
            let e = self.engine;
            e.transforms.inverse(rec, &e.tables, &source, result, polynomials, &jobs)
        })
    }

    /// c₁ modulo one prime of the rows numbered by `order`: `[order][N]`.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn expand(&self, prime: usize, seed: &Seed, order: &[u32]) -> Words {
        let (rows, n) = (order.len(), self.degree());
        let poisoned = vec![POISON; 2 * rows * n];
        let out = self.in_tile(prime, 2, rows, &poisoned, |work, tile| {
            let order = (&work.rec.gpu().buffer_of("the order of rows", order)?, rows);
            expand::expand(work.rec, self.engine.basis(), seed, order, tile.tile, 0)
        })?;
        Ok(out[rows * n..].to_vec())
    }

    /// matrix·source + bias modulo one prime: `[components][inputs][N]` to `[components][outputs][N]`, the first
    /// `earlier` components added to what `result` holds. Where two components are `squared` first, three come
    /// out.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn matmul(
        &self,
        factor: &Factor<'_>,
        source: &[u32],
        result: &[u32],
        earlier: usize,
    ) -> Words {
        let Factor { prime, matrix, squared, bias } = *factor;
        let n = self.degree();
        let read = source.len() / (matrix.inputs() * n).max(1);
        if squared && read != 2 {
            let (found, expected) = (read.to_string(), "2".into());
            return Err(DeviceError::Shape { what: "components to be squared", found, expected });
        }
        let components = if squared { 3 } else { read };
        self.at_most("prime", prime + 1, self.primes())?;
        self.at_most("residues", components * matrix.outputs() * n, result.len())?;
        if let Some(bias) = bias {
            self.at_most("outputs", matrix.outputs(), bias.len())?;
        }
        let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
        let matrix = self.engine.matrix(matrix, squared)?;
        self.run(result, |rec, result| {
            let source = rec.gpu().buffer_of("ciphertexts", source)?;
            let constants = rec.gpu().buffer_of("the bias", bias.unwrap_or(&[]))?;
            let product =
                Product { width: n, components, written: earlier, bias: bias.map(|_| 0), row: 0 };
            let columns = |buffer, rows| Columns { buffer, rows, width: n, column: 0 };
            let (source, result) = (columns(&source, inputs), columns(result, outputs));
            let prime = self.engine.tables.primes[prime];
            linear::matmul(rec, prime, &matrix, product, &constants, source, result)
        })
    }

    /// x₁ ← (x₁ − x₀)/p₀ modulo p₁, for coefficients `[2][rows][N]`, the first ones' modulo prime `first` and
    /// centred, the others' modulo the next.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn digit(&self, first: usize, coefficients: &[u32]) -> Words {
        self.at_most("prime", first + 2, self.primes())?;
        let rows = coefficients.len() / (2 * self.degree());
        // Where the digits before it would be.
        let before = first * rows * self.degree();
        let mut digits = vec![0; before];
        digits.extend(coefficients);
        let out = self.run(&digits, |rec, digits| {
            let (tables, transforms) = (&self.engine.tables, &self.engine.transforms);
            Steps { rec, tables, transforms }.digit(first, rows, digits)
        })?;
        Ok(out[before..].to_vec())
    }

    /// (c₀, c₁) += Σⱼ dⱼ·keyⱼ modulo one prime, for a tile `[3][rows][N]` and digits of `size` primes
    /// `[digits][size][rows][N]`, coefficients as of [`Kernels::digit`], of which the one of this prime is not
    /// read.
    ///
    /// # Errors
    /// [`DeviceError::NoKey`], or as [`Kernels::ntt_forward`].
    pub fn key_switch(&self, prime: usize, size: usize, digits: &[u32], tile: &[u32]) -> Words {
        if self.engine.tables.key.is_empty() {
            return Err(DeviceError::NoKey);
        }
        let row = self.degree();
        let rows = tile.len() / (3 * row);
        let count = digits.len() / (rows * row).max(1);
        self.at_most("digits", count, self.primes())?;
        self.in_tile(prime, 3, rows, tile, |work, rows| {
            let between = work.rec.gpu().buffer("between two passes", digits.len())?;
            let digits = work.rec.gpu().buffer_of("digits", digits)?;
            work.key_switch(rows, prime, (count / size, size), &digits, &between)
        })
    }

    /// c ← c·q modulo one prime, q being prime `guard`, for a tile `[components][rows][N]`.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn raise(&self, prime: usize, guard: usize, components: usize, tile: &[u32]) -> Words {
        let rows = tile.len() / (components * self.degree()).max(1);
        self.at_most("prime", guard + 1, self.primes())?;
        self.in_tile(prime, components, rows, tile, |work, rows| work.raise(rows, prime, guard))
    }

    /// c ← (c − r)·q⁻¹ modulo one prime, q being prime `last`, for a tile `[2][rows][N]` and remainders of as
    /// many coefficients modulo q.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn rescale(&self, prime: usize, last: usize, remainders: &[u32], tile: &[u32]) -> Words {
        let rows = tile.len() / (2 * self.degree());
        self.at_most("prime", last + 1, self.primes())?;
        self.at_most("residues", tile.len(), remainders.len())?;
        self.in_tile(prime, 2, rows, tile, |work, rows| {
            let between = work.rec.gpu().buffer("between two passes", remainders.len())?;
            let remainders = work.rec.gpu().buffer_of("remainders", remainders)?;
            work.rescale(rows, (prime, prime), last, &remainders, &between)
        })
    }

    fn degree(&self) -> usize {
        self.engine.tables.degree
    }

    fn primes(&self) -> usize {
        self.engine.tables.primes.len()
    }

    fn at_most(&self, what: &'static str, found: usize, most: usize) -> Result<(), DeviceError> {
        if found <= most {
            return Ok(());
        }
        let expected = format!("at most {most}");
        Err(DeviceError::Shape { what, found: found.to_string(), expected })
    }

    /// Uploads `content`, runs what `record` says, and reads the buffer back.
    fn run(
        &self,
        content: &[u32],
        record: impl FnOnce(&mut Recording<'_>, &Buffer) -> Result<(), DeviceError>,
    ) -> Words {
        let gpu = &self.engine.gpu;
        gpu.guarded(|| {
            let result = gpu.buffer_of("a kernel's result", content)?;
            let mut rec = Recording::new(gpu, &self.engine.pipelines);
            record(&mut rec, &result)?;
            rec.submit()?;
            let mut out = Vec::new();
            transfer::read(gpu, &result.raw, 0, content.len(), |words| out = words.to_vec())?;
            Ok(out)
        })
    }

    /// Runs what `record` says on a tile that has `residues` modulo one prime.
    fn in_tile(
        &self,
        prime: usize,
        components: usize,
        rows: usize,
        residues: &[u32],
        record: impl FnOnce(&mut Steps<'_, '_>, Rows<'_>) -> Result<(), DeviceError>,
    ) -> Words {
        self.at_most("prime", prime + 1, self.primes())?;
        let shape = Shape { primes: prime + 1, components, rows, degree: self.degree() };
        let mut tile = Tile::zeros(shape);
        let own = &mut tile.data_mut()[prime * shape.per_prime()..];
        self.at_most("residues", own.len(), residues.len())?;
        own.copy_from_slice(&residues[..own.len()]);
        let gpu = &self.engine.gpu;
        let tile: GpuTile = self.engine.upload(&tile)?;
        gpu.guarded(|| {
            let mut rec = Recording::new(gpu, &self.engine.pipelines);
            let (tables, transforms) = (&self.engine.tables, &self.engine.transforms);
            let mut work = Steps { rec: &mut rec, tables, transforms };
            record(&mut work, Rows { tile: &tile, first: 0, count: rows })?;
            rec.submit()
        })?;
        Ok(self.engine.download(&tile)?.prime(prime).to_vec())
    }
}
