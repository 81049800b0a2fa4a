//! What crosses between client and server: public keys, encrypted inputs, encrypted answers.
//! Nothing here is secret, and nothing here can hold a secret.

use crate::ring::Tile;
use crate::scheme::{RelinKey, SeededTile};

/// Public keys that the server needs: nothing can be decrypted with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationKeys {
    /// For squares; `None` where the plan never relinearises.
    pub(crate) relin: Option<RelinKey>,
}

/// Encrypted inputs: one ciphertext a value of the input, one image a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedBatch {
    /// As many tiles as the images need.
    pub(crate) tiles: Vec<SeededTile>,
    pub(crate) images: usize,
}

impl EncryptedBatch {
    /// How many images are inside.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Bytes that travel to the server.
    pub fn bytes(&self) -> usize {
        self.tiles.iter().map(SeededTile::bytes).sum()
    }
}

/// Encrypted results, for [`Client::decrypt`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedAnswer {
    pub(crate) tiles: Vec<Tile>,
    pub(crate) images: usize,
}

impl EncryptedAnswer {
    /// How many images' results are inside.
    pub fn images(&self) -> usize {
        self.images
    }
}
