//! The steps of a switch, kernel by kernel: raising, key switch, rescaling, and the transforms before them.

use super::context::{Buffer, MAX_GROUPS};
use super::pipelines::Variant;
use super::recording::Recording;
use super::tables::{Prime, Tables};
use super::transform::{Job, Transforms};
use super::{GpuTile, Kernel};
use crate::device::DeviceError;
use crate::math::Shoup;

/// Threads of a workgroup of kernels that work residue by residue, four residues each.
pub const THREADS: usize = 64;

/// `Params` of `shaders/key_switch.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct KeySwitchParams {
    prime: u32,
    own: u32,
    digits: u32,
    digit_rows: u32,
    rows: u32,
    row: u32,
    first: u32,
    key_digits: u32,
    size: u32,
    pad: [u32; 3],
}

/// `Params` of `shaders/digit.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct DigitParams {
    first: Prime,
    second: Prime,
    inverse: Shoup,
    low: u32,
    high: u32,
    degree: u32,
    pad: [u32; 3],
}

/// `Params` of `shaders/rescale.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct RescaleParams {
    prime: u32,
    last: u32,
    inverse: Shoup,
    remainder_rows: u32,
    rows: u32,
    row: u32,
    first: u32,
}

/// `Params` of `shaders/raise.wgsl`.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct RaiseParams {
    prime: Prime,
    factor: Shoup,
    rows: u32,
    row: u32,
    width: u32,
    pad: [u32; 3],
}

/// Rows of a tile whose polynomials lie whole in one buffer a prime.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub tile: &'a GpuTile,
    pub first: usize,
    pub count: usize,
}

impl Rows<'_> {
    /// The residues modulo one prime: `[component][tile's rows][N]`.
    pub fn buffer(&self, prime: usize) -> &Buffer {
        &self.tile.chunks[prime][0]
    }

    /// The first polynomial of a component.
    pub fn polynomial(&self, component: usize) -> usize {
        component * self.tile.shape.rows + self.first
    }
}

/// What they stand on.
pub struct Steps<'a, 'b> {
    pub rec: &'a mut Recording<'b>,
    pub tables: &'a Tables,
    pub transforms: &'a Transforms,
}

impl Steps<'_, '_> {
    /// c ← c·q modulo one prime, q being prime `guard`.
    pub fn raise(&mut self, rows: Rows<'_>, prime: usize, guard: usize) -> Result<(), DeviceError> {
        let shape = rows.tile.shape;
        let variant = Variant::new(Kernel::Raise, &[("THREADS", THREADS as u32)]);
        for first in (0..rows.count).step_by(MAX_GROUPS) {
            let params = RaiseParams {
                prime: self.tables.primes[prime],
                factor: self.tables.residue_of(guard, prime),
                rows: shape.rows as u32,
                row: (rows.first + first) as u32,
                width: shape.degree as u32 / 4,
                pad: [0; 3],
            };
            let down = (rows.count - first).min(MAX_GROUPS);
            let groups = [(shape.degree / 4).div_ceil(THREADS), down, shape.components];
            self.rec.dispatch(&variant, &params, &[rows.buffer(prime)], groups)?;
        }
        Ok(())
    }

    /// Of coefficients modulo `first` and the next prime, `[2][rows][N]` from that prime's place on, the halves
    /// of a digit modulo both.
    pub fn digit(&mut self, first: usize, rows: usize, digits: &Buffer) -> Result<(), DeviceError> {
        let (tables, n) = (self.tables, self.tables.degree);
        let variant = Variant::new(Kernel::Digit, &[("THREADS", THREADS as u32)]);
        for from in (0..rows).step_by(MAX_GROUPS) {
            let params = DigitParams {
                first: tables.primes[first],
                second: tables.primes[first + 1],
                inverse: tables.inverse_of(first, first + 1),
                low: (first * rows + from) as u32,
                high: ((first + 1) * rows + from) as u32,
                degree: n as u32,
                pad: [0; 3],
            };
            let groups = [n.div_ceil(THREADS), (rows - from).min(MAX_GROUPS), 1];
            self.rec.dispatch(&variant, &params, &[digits], groups)?;
        }
        Ok(())
    }

    /// (c₀, c₁) += Σ digits·key, modulo one prime. Digits of `size` primes are `[count][size][rows][N]`,
    /// coefficients, or for two primes what [`Steps::digit`] makes of them; `between` has room for as many, and
    /// is used where transforms take two passes.
    pub fn key_switch(
        &mut self,
        rows: Rows<'_>,
        prime: usize,
        (count, size): (usize, usize),
        digits: &Buffer,
        between: &Buffer,
    ) -> Result<(), DeviceError> {
        let own = prime / size;
        let mut source = digits;
        if !self.transforms.whole() {
            // Modulo its own prime a digit is c₂ itself, whose values are at hand.
            let others = (0..count).filter(|&j| j != own).map(|j| j * size);
            let at = |j: usize| j * rows.count;
            let job = |j| Job { prime, from: j, source: at(j), result: at(j) };
            let jobs: Vec<Job> = others.map(job).collect();
            let (rec, apart) = (&mut *self.rec, (size - 1) * rows.count);
            let buffers = [digits, between];
            self.transforms.forward_outer(rec, self.tables, buffers, rows.count, apart, &jobs)?;
            source = between;
        }
        let variant = self.transforms.inner(Kernel::KeySwitch);
        let tables = self.tables;
        let tile = rows.buffer(prime);
        let buffers = [&tables.constants, &tables.forward, source, &tables.key[prime], tile];
        for first in (0..rows.count).step_by(MAX_GROUPS) {
            let params = KeySwitchParams {
                prime: prime as u32,
                own: own as u32,
                digits: count as u32,
                digit_rows: rows.count as u32,
                rows: rows.tile.shape.rows as u32,
                row: rows.first as u32,
                first: first as u32,
                key_digits: tables.key.len() as u32,
                size: size as u32,
                pad: [0; 3],
            };
            let down = (rows.count - first).min(MAX_GROUPS);
            let groups = [self.transforms.segments(), down, 1];
            self.rec.dispatch(&variant, &params, &buffers, groups)?;
        }
        Ok(())
    }

    /// c ← (c − remainder)/q modulo prime `prime`, whose residues are the rows' number `slot`, q being prime
    /// `last`. The remainders are coefficients `[2][rows][N]` modulo q; `between` is as for
    /// [`Steps::key_switch`].
    pub fn rescale(
        &mut self,
        rows: Rows<'_>,
        (slot, prime): (usize, usize),
        last: usize,
        remainders: &Buffer,
        between: &Buffer,
    ) -> Result<(), DeviceError> {
        let mut source = remainders;
        if !self.transforms.whole() {
            let job = Job { prime, from: last, source: 0, result: 0 };
            let (rec, buffers) = (&mut *self.rec, [remainders, between]);
            self.transforms.forward_outer(rec, self.tables, buffers, 2 * rows.count, 0, &[job])?;
            source = between;
        }
        let variant = self.transforms.inner(Kernel::Rescale);
        let tables = self.tables;
        let buffers = [&tables.constants, &tables.forward, source, rows.buffer(slot)];
        for first in (0..rows.count).step_by(MAX_GROUPS) {
            let params = RescaleParams {
                prime: prime as u32,
                last: last as u32,
                inverse: tables.inverse_of(last, prime),
                remainder_rows: rows.count as u32,
                rows: rows.tile.shape.rows as u32,
                row: rows.first as u32,
                first: first as u32,
            };
            let down = (rows.count - first).min(MAX_GROUPS);
            let groups = [self.transforms.segments(), down, 2];
            self.rec.dispatch(&variant, &params, &buffers, groups)?;
        }
        Ok(())
    }

    /// Coefficients `[components][rows][N]` modulo one prime, from polynomial `at` of `result` on.
    pub fn coefficients(
        &mut self,
        rows: Rows<'_>,
        prime: usize,
        components: std::ops::Range<usize>,
        result: &Buffer,
        at: usize,
    ) -> Result<(), DeviceError> {
        let job = |(i, c)| {
            let (source, result) = (rows.polynomial(c), at + i * rows.count);
            Job { prime, from: prime, source, result }
        };
        let jobs: Vec<Job> = components.enumerate().map(job).collect();
        let (rec, source) = (&mut *self.rec, rows.buffer(prime));
        self.transforms.inverse(rec, self.tables, source, result, rows.count, &jobs)
    }
}
