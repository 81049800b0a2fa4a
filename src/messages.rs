//! What crosses between client and server: public keys, encrypted inputs, encrypted answers.
//! Nothing here is secret, and nothing here can hold a secret.

use crate::plan::Digest;
use crate::ring::Tile;
use crate::scheme::{RelinKey, SeededTile};

/// Public keys that the server needs: nothing can be decrypted with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationKeys {
    pub(crate) plan: Digest,
    /// For squares; `None` where the plan never relinearises.
    pub(crate) relin: Option<RelinKey>,
}

/// Encrypted inputs: one ciphertext a value of the input, one image a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedBatch {
    pub(crate) plan: Digest,
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

/// Encrypted results, for [`Client::decrypt`](crate::Client::decrypt).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedAnswer {
    pub(crate) plan: Digest,
    pub(crate) tiles: Vec<Tile>,
    pub(crate) images: usize,
}

impl EncryptedAnswer {
    /// How many images' results are inside.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Bytes that travel back.
    pub fn bytes(&self) -> usize {
        self.tiles.iter().map(|tile| 4 * tile.data().len()).sum()
    }
}

/// Keys, ciphertexts or an answer of another plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} of plan {found} met plan {expected}; client and server must load the same plan")]
pub struct ForeignPlan {
    /// What does not belong.
    pub what: &'static str,
    /// The plan it was made for.
    pub found: Digest,
    /// The plan it met.
    pub expected: Digest,
}

impl ForeignPlan {
    /// That two plans are the same.
    pub(crate) fn check(what: &'static str, found: Digest, expected: Digest) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self { what, found, expected }) }
    }
}
