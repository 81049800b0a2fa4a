//! The trait that both sides implement.

use crate::ring::{BlockMatrix, Shape, Tile};
use thiserror::Error;

/// One summand of [`Engine::linear`]: a matrix applied to the rows of a tile, or of its square.
#[derive(Debug)]
pub struct Term<'a, E: Engine + ?Sized> {
    /// The rows it reads.
    pub tile: &'a E::Tile,
    /// Whether each ciphertext is squared first: (c₀², 2c₀c₁, c₁²). Only for two components.
    pub squared: bool,
    /// outputs × rows of the tile.
    pub matrix: &'a E::Matrix,
}

/// Operations on tiles of ciphertexts, in the order of a network: linear, then switch.
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

    /// Waits until all work given so far is done: for clocks.
    ///
    /// # Errors
    /// Where the device failed.
    fn wait(&self) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Brings residues in. They are below their primes and of this engine's degree.
    ///
    /// # Errors
    /// Where the device has no room.
    fn upload(&self, tile: Tile) -> Result<Self::Tile, DeviceError>;

    /// Takes residues out, waiting for all work on them.
    ///
    /// # Errors
    /// Where the device failed.
    fn download(&self, tile: &Self::Tile) -> Result<Tile, DeviceError>;

    /// The extents of a tile.
    fn shape(&self, tile: &Self::Tile) -> Shape;

    /// Outputs and inputs of a matrix.
    fn extents(&self, matrix: &Self::Matrix) -> (usize, usize);

    /// Makes a matrix resident.
    ///
    /// # Errors
    /// Where the device has no room.
    fn matrix(&self, matrix: &BlockMatrix) -> Result<Self::Matrix, DeviceError>;

    /// Σ matrix·tile + bias over the first `primes` primes.
    ///
    /// All matrices have the same outputs. `bias` is `[primes][outputs]`, added to every value of
    /// component 0 (a constant is itself at every root of unity). The result has the components of
    /// the widest term; narrower ones count as zero there.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where extents do not fit, or where the device failed.
    fn linear(
        &self,
        terms: &[Term<'_, Self>],
        bias: &[u32],
        primes: usize,
    ) -> Result<Self::Tile, DeviceError>;

    /// The way down after a linear layer: three components to two where there are three, then one
    /// rescaling by the last prime for each of `rescale`.
    ///
    /// Relinearising: with digits dⱼ = centred residue of c₂ modulo prime j,
    /// (c₀, c₁) += Σⱼ dⱼ·keyⱼ. Rescaling by the last prime q: c ← (c − (c mod q))/q with the centred
    /// residue, that is c/q rounded.
    ///
    /// # Errors
    /// [`DeviceError::Shape`] where no prime would be left, [`DeviceError::NoKey`] where three
    /// components meet an engine without key, or where the device failed.
    fn switch(&self, tile: Self::Tile, rescale: usize) -> Result<Self::Tile, DeviceError>;
}

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
        "{device} cannot hold {what}: {needed} bytes needed, {limit} allowed; use the CPU or smaller batches"
    )]
    Memory { device: String, what: &'static str, needed: u64, limit: u64 },
    /// The device reported an error, or went away.
    #[error("{device} failed: {reason}")]
    Lost { device: String, reason: String },
}
