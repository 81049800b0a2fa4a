//! The trait that all devices implement.

use super::check;
use crate::ring::{Basis, BlockMatrix, Shape, Tile};
use crate::scheme::{Parameters, SeededTile, Switch};
use thiserror::Error;

/// One summand of a [`Layer`]: a matrix applied to the rows of a tile, or to their squares.
pub struct Term<'a, E: Engine + ?Sized> {
    /// The rows it reads.
    pub tile: &'a E::Tile,
    /// Applied to them; it knows whether they are squared first.
    pub matrix: &'a E::Matrix,
}

impl<E: Engine + ?Sized> Clone for Term<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: Engine + ?Sized> Copy for Term<'_, E> {}

/// Some rows of a layer of a network: a sum, and the way down after it.
pub struct Layer<'a, E: Engine + ?Sized> {
    /// What is summed. All matrices have the same outputs; the sum has the components of the widest
    /// term, and narrower ones count as zero there.
    pub terms: &'a [Term<'a, E>],
    /// `[primes][outputs]`, added to every value of component 0 (a constant is itself at every root
    /// of unity).
    pub bias: &'a [u32],
    /// The sum is taken over so many primes, ...
    pub primes: usize,
    /// ... of which this is the first one's place: 0, or that of the first of results' own.
    pub first: usize,
    /// Whether the sum is added to what the rows hold: residues below the primes. Not for sums that
    /// are switched.
    pub onto: bool,
    /// Where given, the sum is relinearised and loses primes.
    pub switch: Option<Switch>,
}

impl<E: Engine + ?Sized> Layer<'_, E> {
    /// The extents of the result, for a layer whose extents fit.
    pub fn shape(&self, engine: &E) -> Shape {
        let components = |t: &Term<'_, E>| match engine.operator(t.matrix).squared {
            true => 3,
            false => engine.shape(t.tile).components,
        };
        let widest = self.terms.iter().map(components).max().unwrap_or(2);
        let first = self.terms.first();
        let primes = match self.switch {
            Some(Switch { to_results: true, .. }) => engine.parameters().results().len(),
            switch => self.primes.saturating_sub(switch.map_or(0, |s| s.rescale)),
        };
        Shape {
            primes,
            components: if self.switch.is_some() { 2 } else { widest },
            rows: first.map_or(0, |t| engine.operator(t.matrix).outputs),
            degree: first.map_or(0, |t| engine.shape(t.tile).degree),
        }
    }
}

/// x ↦ matrix·x + constants, on rows.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    /// Applied to the rows.
    pub matrix: &'a BlockMatrix,
    /// An integer a row of the result, added to every value of component 0.
    pub constants: &'a [i128],
}

/// What a matrix expects and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Rows of the result.
    pub outputs: usize,
    /// Rows of the tile it is applied to.
    pub inputs: usize,
    /// Whether each ciphertext is squared first: (c₀², 2c₀c₁, c₁²). Only for two components.
    pub squared: bool,
}

/// Bytes that have crossed between host memory and a device's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To the device, in bytes.
    pub up: u64,
    /// Back to the host, in bytes.
    pub down: u64,
}

/// When a kernel ran, by a clock of the device's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took {
    /// The kernel.
    pub name: &'static str,
    /// Since the first kernel of all that are told together.
    pub start: std::time::Duration,
    /// From its beginning to its end.
    pub length: std::time::Duration,
}

/// Operations on tiles of ciphertexts.
///
/// Residues are values at the roots of unity, canonical in [0, p); so all engines return the same
/// integers. Tiles stay where the engine works until they are downloaded.
pub trait Engine: Send + Sync {
    /// A tile where the engine works.
    type Tile: Send + Sync;
    /// A matrix where the engine works, resident for all batches.
    type Matrix: Send + Sync;

    /// What runs it, for people: "NVIDIA H100", "2 threads, AVX-512".
    fn name(&self) -> String;

    /// What it was opened for.
    fn parameters(&self) -> &Parameters;

    /// The primes.
    fn basis(&self) -> &Basis {
        self.parameters().basis()
    }

    /// What has crossed to the device and back since it was opened; nothing where it works in the host's
    /// memory.
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    /// Bytes that tiles may take on this device, where that is known.
    fn memory(&self) -> Option<u64> {
        None
    }

    /// Bytes of sums that are best computed together: enough to keep the device busy, few enough that
    /// what lives between layers stays small.
    fn grain(&self) -> u64 {
        256 << 20
    }

    /// Begins or ends to look at the device's clock around every kernel, which then run one after another.
    fn look(&self, _on: bool) {}

    /// The kernels that have run since the last time, where the device has a clock, waiting for them.
    ///
    /// # Errors
    /// Where the device failed.
    fn took(&self) -> Result<Vec<Took>, DeviceError> {
        Ok(Vec::new())
    }

    /// Evaluations that are best under way at one time: two where one batch can come up while another is
    /// computed.
    fn lanes(&self) -> usize {
        1
    }

    /// Waits until all work given so far is done: for clocks.
    ///
    /// # Errors
    /// Where the device failed.
    fn wait(&self) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Room for a tile. Its residues mean nothing yet.
    ///
    /// # Errors
    /// Where the device has no room.
    fn tile(&self, shape: Shape) -> Result<Self::Tile, DeviceError>;

    /// Brings `rows` rows in, to be row `at` and those after it. `fill(prime, component, row, out)`
    /// writes one polynomial, in any order and from many threads, residues below the prime.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where the tile has not so many rows, or where the device failed.
    fn fill(
        &self,
        into: &mut Self::Tile,
        at: usize,
        rows: usize,
        fill: &Fill<'_>,
    ) -> Result<(), DeviceError>;

    /// Brings fresh ciphertexts in, rows `order` of a batch, to be row `at` and those after it: c₀ as it
    /// travels, c₁ drawn from its seed.
    ///
    /// # Errors
    /// As [`Engine::fill`], and where the batch has not these rows.
    fn expand(
        &self,
        into: &mut Self::Tile,
        at: usize,
        order: &[u32],
        batch: &SeededTile,
    ) -> Result<(), DeviceError> {
        check::seeded(self.shape(into), at, order, batch)?;
        self.fill(into, at, order.len(), &|prime, component, row, poly| {
            batch.expand_poly(self.basis(), prime, component, order[row] as usize, poly);
        })
    }

    /// Takes residues out, waiting for all work on them.
    ///
    /// # Errors
    /// Where the device failed.
    fn download(&self, tile: &Self::Tile) -> Result<Tile, DeviceError>;

    /// The extents of a tile.
    fn shape(&self, tile: &Self::Tile) -> Shape;

    /// Makes a matrix resident, to be applied to rows or to their squares.
    ///
    /// # Errors
    /// Where the device has no room.
    fn matrix(&self, matrix: &BlockMatrix, squared: bool) -> Result<Self::Matrix, DeviceError>;

    /// Whether there is [`Engine::quadratic`].
    fn has_quadratic(&self) -> bool {
        false
    }

    /// Makes x ↦ outer·inner(x)² resident, for ciphertexts of two components: sums that are only read
    /// squared are made where they are, and need no tile.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where extents do not fit, or where the engine has none of this kind.
    fn quadratic(
        &self,
        _inner: Affine<'_>,
        _outer: &BlockMatrix,
    ) -> Result<Self::Matrix, DeviceError> {
        let expected = "an engine that has them".into();
        Err(DeviceError::Shape {
            what: "sums squared where they are made",
            found: self.name(),
            expected,
        })
    }

    /// What a matrix expects and gives.
    fn operator(&self, matrix: &Self::Matrix) -> Operator;

    /// Computes a layer's rows, to be row `at` of `into` and those after it.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where extents do not fit or no prime would be left,
    /// [`DeviceError::NoKey`] where three components are switched without a key, or where the device
    /// failed.
    fn layer(
        &self,
        layer: &Layer<'_, Self>,
        into: &mut Self::Tile,
        at: usize,
    ) -> Result<(), DeviceError>;

    /// A layer's rows in a tile of their own.
    ///
    /// # Errors
    /// As [`Engine::layer`] and [`Engine::tile`].
    fn compute(&self, layer: &Layer<'_, Self>) -> Result<Self::Tile, DeviceError> {
        let mut out = self.tile(layer.shape(self))?;
        self.layer(layer, &mut out, 0)?;
        Ok(out)
    }

    /// Brings a whole tile in.
    ///
    /// # Errors
    /// As [`Engine::tile`] and [`Engine::fill`].
    fn upload(&self, tile: &Tile) -> Result<Self::Tile, DeviceError> {
        let mut out = self.tile(tile.shape())?;
        self.fill(&mut out, 0, tile.shape().rows, &|prime, component, row, poly| {
            poly.copy_from_slice(tile.poly(prime, component, row));
        })?;
        Ok(out)
    }
}

/// Writes the polynomial of (prime, component, row).
pub type Fill<'a> = dyn Fn(usize, usize, usize, &mut [u32]) + Sync + 'a;

/// What can go wrong on a device.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum DeviceError {
    /// Extents that do not fit together: the program and the engine are not of one plan.
    #[error("{what}: {found}, expected {expected}")]
    Shape { what: &'static str, found: String, expected: String },
    /// Relinearisation without a key.
    #[error(
        "squares need a relinearisation key, and none was given: take the evaluation keys of a client of this plan"
    )]
    NoKey,
    /// No such device.
    #[error("no GPU: {reason}; use the CPU, or install a Vulkan, Metal or DirectX 12 driver")]
    NoAdapter { reason: String },
    /// More than the device can hold.
    #[error(
        "{device} cannot hold {what}: {needed} bytes needed, {limit} allowed; allow more memory, or take another device"
    )]
    Memory { device: String, what: &'static str, needed: u64, limit: u64 },
    /// The device reported an error, or went away.
    #[error("{device} failed: {reason}")]
    Lost { device: String, reason: String },
}

impl DeviceError {
    /// Whether another device could do it: this one failed, is missing, or is too small.
    pub fn is_of_the_machine(&self) -> bool {
        matches!(self, Self::NoAdapter { .. } | Self::Memory { .. } | Self::Lost { .. })
    }
}
