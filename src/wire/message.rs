//! What keys, batches and answers have in common: one frame each, whose length follows from the plan.

use super::WireError;
use super::file::{self, Access, Existing};
use super::frame::{Head, Kind, Reader, Writer};
use crate::messages::{Foreign, Owner};
use crate::plan::PublicPlan;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

/// Something that crosses between client and server.
pub trait Message: Content {
    /// Writes it as bytes.
    ///
    /// # Errors
    /// [`WireError`] where it is of another plan than `plan`, or cannot be written.
    fn write(&self, plan: &PublicPlan, mut to: impl Write) -> Result<(), WireError> {
        Foreign::check_plan(Self::NAME, self.owner().plan, plan.digest())?;
        let length = self.length(plan);
        let length = length.ok_or(WireError::Room { kind: Self::KIND, bytes: usize::MAX })?;
        let head = Head { kind: Self::KIND, owner: self.owner(), length };
        let mut frame = Writer::new(&mut to, head)?;
        self.put(plan, &mut frame)?;
        frame.finish()
    }

    /// Reads what [`write`](Message::write) wrote, up to the end of the bytes.
    ///
    /// # Errors
    /// [`WireError`], whatever the bytes are.
    fn read(plan: &PublicPlan, mut from: impl Read) -> Result<Self, WireError> {
        let (mut frame, head) = Reader::new(&mut from, Self::KIND)?;
        head.check_plan(Self::NAME, plan.digest())?;
        let content = Self::take(plan, &head, &mut frame)?;
        frame.finish()?;
        Ok(content)
    }

    /// Writes it to a file, at once: beside its place first, then renamed.
    ///
    /// # Errors
    /// As [`write`](Message::write), with the file's name, and [`WireError::Exists`].
    fn save(&self, plan: &PublicPlan, path: &Path, existing: Existing) -> Result<(), WireError> {
        file::save(path, existing, Access::Public, |file| self.write(plan, BufWriter::new(file)))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`read`](Message::read), with the file's name.
    fn load(plan: &PublicPlan, path: &Path) -> Result<Self, WireError> {
        let read = || Self::read(plan, BufReader::new(File::open(path)?));
        read().map_err(|error: WireError| error.of_file(path))
    }
}

impl<T: Content> Message for T {}

/// The inside of a frame.
pub trait Content: Sized {
    const KIND: Kind;
    /// In the words of [`Foreign`].
    const NAME: &'static str;

    fn owner(&self) -> Owner;

    /// Bytes of the content under its plan, where they can be counted.
    fn length(&self, plan: &PublicPlan) -> Option<u64>;

    fn put(&self, plan: &PublicPlan, to: &mut Writer<'_>) -> Result<(), WireError>;

    /// Compares the length of the head with the plan's, then reads.
    fn take(plan: &PublicPlan, head: &Head, from: &mut Reader<'_>) -> Result<Self, WireError>;
}
