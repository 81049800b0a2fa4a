//! The secret key in a file: the 32 bytes that it is drawn from.

use super::{Client, ClientError};
use crate::plan::PublicPlan;
use crate::scheme::{SecretKey, Seed};
use crate::wire::{Access, Existing, Head, Kind, Reader, WireError, Writer, save};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// Bytes of the content.
const LENGTH: u64 = size_of::<Seed>() as u64;

impl Client {
    /// Writes the secret key as bytes: whoever has them decrypts everything.
    ///
    /// # Errors
    /// [`WireError`] where they cannot be written.
    pub fn write_secret(&self, mut to: impl Write) -> Result<(), WireError> {
        let head = Head { kind: Kind::Secret, owner: self.owner(), length: LENGTH };
        let mut frame = Writer::new(&mut to, head)?;
        frame.put(self.secret.seed())?;
        frame.finish()
    }

    /// The client whose secret [`write_secret`](Client::write_secret) wrote, with fresh evaluation
    /// keys; those that were given away go on serving.
    ///
    /// # Errors
    /// [`ClientError::Wire`], whatever the bytes are; [`ClientError::Entropy`] where the operating
    /// system has no randomness to give.
    pub fn read_secret(
        plan: impl Into<PublicPlan>,
        mut from: impl Read,
    ) -> Result<Self, ClientError> {
        let plan = plan.into();
        let (mut frame, head) = Reader::new(&mut from, Kind::Secret)?;
        head.check_plan("a secret key", plan.digest())?;
        head.check_length(Some(LENGTH))?;
        let mut seed = Zeroizing::new(Seed::default());
        frame.take(&mut *seed)?;
        frame.finish()?;
        let secret = SecretKey::from_seed(plan.parameters(), seed);
        Self::of(plan, secret, head.owner.key)
    }

    /// Writes the secret key to a file that its owner alone may read (mode 0600), at once.
    ///
    /// # Errors
    /// [`WireError`] with the file's name; [`WireError::Exists`] rather than lose a key that is there.
    pub fn save_secret(&self, path: &Path, existing: Existing) -> Result<(), WireError> {
        // Not through a buffer, which nobody wipes.
        save(path, existing, Access::Private, |file| self.write_secret(file))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`read_secret`](Client::read_secret), with the file's name.
    pub fn load_secret(plan: impl Into<PublicPlan>, path: &Path) -> Result<Self, ClientError> {
        let file = File::open(path).map_err(|error| WireError::from(error).of_file(path))?;
        Self::read_secret(plan, file).map_err(|error| match error {
            ClientError::Wire(error) => error.of_file(path).into(),
            other => other,
        })
    }
}
