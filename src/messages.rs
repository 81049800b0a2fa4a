//! What crosses between client and server: public keys, encrypted inputs, encrypted answers.
//! Nothing here is secret, and nothing here can hold a secret.

#![forbid(unsafe_code)]

use crate::plan::Digest;
use crate::ring::Tile;
use crate::scheme::{EntropyError, Seed, SeededTile, fresh_public};
use std::fmt;

/// The name of a key pair: 16 random bytes, drawn beside the secret and not from it.
///
/// Everything that was made with a key carries its name, so that keys are not mixed up by mistake.
/// It authenticates nothing: whoever wants to may write any name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 16]);

impl KeyId {
    /// A new name.
    pub(crate) fn new() -> Result<Self, EntropyError> {
        Ok(Self(fresh_public()?))
    }
}

impl fmt::Display for KeyId {
    /// The first eight bytes: enough for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// What everything that crosses belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The plan.
    pub plan: Digest,
    /// The key pair.
    pub key: KeyId,
}

/// Which inputs of a set are in a batch: batches of one set may travel one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number of the first one.
    pub first: u64,
    /// How many are in the batch, at least one.
    pub images: u64,
    /// How many there are in all batches of the set.
    pub total: u64,
}

impl Span {
    /// All of a set.
    pub fn whole(images: usize) -> Self {
        Self { first: 0, images: images as u64, total: images as u64 }
    }

    /// The number after the last one, where the span lies within the set.
    pub fn end(self) -> Option<u64> {
        let end = self.first.checked_add(self.images)?;
        (self.images > 0 && end <= self.total).then_some(end)
    }
}

/// Public keys that the server needs: nothing can be decrypted with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationKeys {
    pub(crate) owner: Owner,
    /// For squares, a row a digit; `None` where the plan never relinearises.
    pub(crate) relin: Option<SeededTile>,
}

impl EvaluationKeys {
    /// The plan and the key pair that they belong to.
    pub fn owner(&self) -> Owner {
        self.owner
    }
}

/// Encrypted inputs: one ciphertext a value of the input, one image a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedBatch {
    pub(crate) owner: Owner,
    pub(crate) span: Span,
    /// As many tiles as the images need.
    pub(crate) tiles: Vec<SeededTile>,
}

impl EncryptedBatch {
    /// The plan and the key pair that it belongs to.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Which images are inside.
    pub fn span(&self) -> Span {
        self.span
    }

    /// How many images are inside.
    pub fn images(&self) -> usize {
        self.span.images as usize
    }

    /// Bytes on the way to a device; files are packed, and smaller.
    pub fn bytes(&self) -> usize {
        self.tiles.iter().map(SeededTile::bytes).sum()
    }

    /// The batch as a part of a larger set, for a client that encrypts one set in many batches.
    pub fn within(self, first: u64, total: u64) -> Self {
        Self { span: Span { first, total, ..self.span }, ..self }
    }
}

/// Encrypted results, for [`Client::decrypt`](crate::Client::decrypt).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedAnswer {
    pub(crate) owner: Owner,
    pub(crate) span: Span,
    pub(crate) tiles: Vec<AnswerTile>,
}

/// The answer to one tile of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnswerTile {
    /// The seed of what it answers: no two encryptions have the same.
    pub answers: Seed,
    pub tile: Tile,
}

impl EncryptedAnswer {
    /// The plan and the key pair that it belongs to.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Which images' results are inside.
    pub fn span(&self) -> Span {
        self.span
    }

    /// How many images' results are inside.
    pub fn images(&self) -> usize {
        self.span.images as usize
    }

    /// Whether it says that it answers this very batch, whose seeds no other encryption has.
    pub fn answers(&self, batch: &EncryptedBatch) -> bool {
        let seeds = batch.tiles.iter().map(|tile| &tile.seed);
        (self.owner, self.span) == (batch.owner, batch.span)
            && self.tiles.iter().map(|part| &part.answers).eq(seeds)
    }

    /// Bytes on the way back from a device; files are packed, and smaller.
    pub fn bytes(&self) -> usize {
        self.tiles.iter().map(|part| 4 * part.tile.data().len()).sum()
    }
}

/// Keys, ciphertexts or an answer that belong to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum Foreign {
    /// To another plan.
    #[error(
        "{what} of plan {found} met plan {expected}; client and server must load the same plan"
    )]
    Plan { what: &'static str, found: Digest, expected: Digest },
    /// To another key pair.
    #[error(
        "{what} of key pair {found} met key pair {expected}; both must come from one run of key generation"
    )]
    Key { what: &'static str, found: KeyId, expected: KeyId },
}

impl Foreign {
    /// That two plans are the same.
    pub(crate) fn check_plan(
        what: &'static str,
        found: Digest,
        expected: Digest,
    ) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Plan { what, found, expected }) }
    }

    /// That two things belong together.
    pub(crate) fn check(what: &'static str, found: Owner, expected: Owner) -> Result<(), Self> {
        Self::check_plan(what, found.plan, expected.plan)?;
        let (found, expected) = (found.key, expected.key);
        if found == expected { Ok(()) } else { Err(Self::Key { what, found, expected }) }
    }
}
