//! One kernel at a time, from host memory to host memory: for tests and experiments.

use super::context::Buffer;
use super::engine::GpuEngine;
use super::linear::{self, Columns, Product};
use super::recording::Recording;
use super::switch::Batch;
use super::tile::GpuTile;
use super::transfer;
use super::transform::Job;
use crate::device::{DeviceError, Engine};
use crate::ring::{BlockMatrix, Shape, Tile};

/// What results hold before a kernel runs: no residue, so that whatever is not written shows.
pub const POISON: u32 = 0xdead_beef;

/// The kernels of an engine. Sizes that do not fit are refused, and results start as [`POISON`].
#[derive(Debug)]
pub struct Kernels<'a> {
    engine: &'a GpuEngine,
}

type Words = Result<Vec<u32>, DeviceError>;

impl<'a> Kernels<'a> {
    pub(super) fn new(engine: &'a GpuEngine) -> Self {
        Self { engine }
    }

    /// Forward transforms of `polynomials` polynomials for each job, out of `source`, groups
    /// `[group][polynomial][N]`, into as many groups as jobs.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] for groups or primes that are not there, or where the device failed.
    pub fn ntt_forward(&self, jobs: &[Job], polynomials: usize, source: &[u32]) -> Words {
        let group = polynomials * self.degree();
        for j in jobs {
            self.at_most("group of the source", (j.source + 1) * group, source.len())?;
            self.at_most("group of the result", j.result + 1, jobs.len())?;
            self.at_most("prime", j.prime.max(j.from) + 1, self.primes())?;
        }
        self.run(&vec![POISON; jobs.len() * group], |rec, result| {
            let source = rec.gpu().buffer_of("polynomials", source)?;
            let e = self.engine;
            e.transforms.forward(rec, &e.tables, &source, result, polynomials, jobs)
        })
    }

    /// Inverse transforms of `[group][polynomial][N]`, group i modulo prime i.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn ntt_inverse(&self, polynomials: usize, values: &[u32]) -> Words {
        let groups = values.len() / (polynomials * self.degree()).max(1);
        self.at_most("groups", groups, self.primes())?;
        let job = |i| Job { prime: i, from: i, source: i, result: i };
        let jobs: Vec<Job> = (0..groups).map(job).collect();
        self.run(values, |rec, data| {
            let e = self.engine;
            e.transforms.inverse(rec, &e.tables, data, polynomials, &jobs)
        })
    }

    /// (c₀², 2c₀c₁, c₁²) of the rows listed of `[2][rows][N]` modulo one prime, columns from `column`
    /// on only: `[3][list][N − column]`. `column` is a multiple of four.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn square(&self, prime: usize, list: &[u32], column: usize, source: &[u32]) -> Words {
        let n = self.degree();
        let rows = source.len() / (2 * n);
        self.at_most("prime", prime + 1, self.primes())?;
        self.at_most("column", column, n)?;
        for &row in list {
            self.at_most("row", row as usize + 1, rows)?;
        }
        let width = (n - column) & !3;
        self.run(&vec![POISON; 3 * list.len() * width], |rec, result| {
            let source = rec.gpu().buffer_of("ciphertexts", source)?;
            let source = Columns { buffer: &source, rows, width: n, column };
            let rows = (&rec.gpu().buffer_of("rows", list)?, list.len());
            linear::square(rec, self.engine.tables.primes[prime], source, rows, width, result)
        })
    }

    /// matrix·source + bias modulo one prime: `[components][inputs][N]` to
    /// `[components][outputs][N]`, the first `earlier` components added to what `result` holds.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn matmul(
        &self,
        prime: usize,
        matrix: &BlockMatrix,
        bias: Option<&[u32]>,
        source: &[u32],
        result: &[u32],
        earlier: usize,
    ) -> Words {
        let n = self.degree();
        let components = source.len() / (matrix.inputs() * n).max(1);
        self.at_most("prime", prime + 1, self.primes())?;
        self.at_most("residues", components * matrix.outputs() * n, result.len())?;
        if let Some(bias) = bias {
            self.at_most("outputs", matrix.outputs(), bias.len())?;
        }
        let (inputs, outputs) = (matrix.inputs(), matrix.outputs());
        let matrix = self.engine.matrix(matrix, false)?;
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

    /// (c₀, c₁) += Σⱼ dⱼ·keyⱼ modulo one prime, for a tile `[3][rows][N]` and digits
    /// `[digits][rows][N]` of which the one of this prime is not read.
    ///
    /// # Errors
    /// [`DeviceError::NoKey`], or as [`Kernels::ntt_forward`].
    pub fn key_switch(&self, prime: usize, digits: &[u32], tile: &[u32]) -> Words {
        if self.engine.tables.key.is_empty() {
            return Err(DeviceError::NoKey);
        }
        let row = self.degree();
        let rows = tile.len() / (3 * row);
        let count = digits.len() / (rows * row).max(1);
        self.at_most("digits", count, self.primes())?;
        self.in_tile(prime, 3, rows, tile, |rec, batch| {
            let digits = rec.gpu().buffer_of("digits", digits)?;
            batch.key_switch(rec, &self.engine.tables, prime, &digits, count)
        })
    }

    /// c ← c·q modulo one prime, q being prime `guard`, for a tile `[components][rows][N]`.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn raise(&self, prime: usize, guard: usize, components: usize, tile: &[u32]) -> Words {
        let rows = tile.len() / (components * self.degree()).max(1);
        self.at_most("prime", guard + 1, self.primes())?;
        self.in_tile(prime, components, rows, tile, |rec, batch| {
            batch.raise(rec, &self.engine.tables, prime, guard)
        })
    }

    /// c ← (c − r)·q⁻¹ modulo one prime, q being prime `last`, for a tile and remainders
    /// `[2][rows][N]`.
    ///
    /// # Errors
    /// As [`Kernels::ntt_forward`].
    pub fn rescale(&self, prime: usize, last: usize, remainders: &[u32], tile: &[u32]) -> Words {
        let rows = tile.len() / (2 * self.degree());
        self.at_most("prime", last + 1, self.primes())?;
        self.at_most("residues", tile.len(), remainders.len())?;
        self.in_tile(prime, 2, rows, tile, |rec, batch| {
            let remainders = rec.gpu().buffer_of("remainders", remainders)?;
            batch.rescale(rec, &self.engine.tables, prime, last, &remainders, 0)
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
        record: impl FnOnce(&mut Recording<'_>, &Batch<'_>) -> Result<(), DeviceError>,
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
            record(&mut rec, &Batch { tile: &tile, rows: 0..rows })?;
            rec.submit()
        })?;
        Ok(self.engine.download(&tile)?.prime(prime).to_vec())
    }
}
