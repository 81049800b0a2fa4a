//! The frame around every content: 68 bytes before it, a checksum of 32 after it.

use super::WireError;
use crate::messages::{Foreign, KeyId, Owner};
use crate::plan::Digest;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::{ErrorKind, Read, Write};

/// The first byte is no text, and the line ends are of both kinds: a transfer that changes either is
/// seen at once.
const MAGIC: [u8; 8] = *b"\x89CBW\r\n\x1a\n";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u16 = 2;

/// Magic, version, kind, digest, key pair, length of the content.
const HEAD: usize = 8 + 2 + 2 + 32 + 16 + 8;

/// SHA-256 of all before it.
const CHECKSUM: usize = 32;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Kind {
    /// The client's secret.
    Secret = 1,
    /// The server's keys.
    EvaluationKeys = 2,
    /// Encrypted inputs.
    Batch = 3,
    /// Encrypted results.
    Answer = 4,
    /// What a client needs of a plan.
    PublicPlan = 5,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::Secret, Self::EvaluationKeys, Self::Batch, Self::Answer, Self::PublicPlan];

    /// The kind of this number.
    pub(super) fn new(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u16 == number)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "a secret key",
            Self::EvaluationKeys => "evaluation keys",
            Self::Batch => "an encrypted batch",
            Self::Answer => "encrypted answers",
            Self::PublicPlan => "a public plan",
        })
    }
}

/// What a frame says of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub kind: Kind,
    /// A public plan, which is of no key pair, has zeros for it.
    pub owner: Owner,
    /// Bytes of the content.
    pub length: u64,
}

impl Head {
    /// For a content of no key pair.
    pub fn keyless(kind: Kind, plan: Digest, length: u64) -> Self {
        Self { kind, owner: Owner { plan, key: KeyId([0; 16]) }, length }
    }

    /// That it is of this plan.
    pub fn check_plan(&self, what: &'static str, plan: Digest) -> Result<(), WireError> {
        Ok(Foreign::check_plan(what, self.owner.plan, plan)?)
    }

    /// That its content has the length that follows from the plan, if one does.
    pub fn check_length(&self, expected: Option<u64>) -> Result<(), WireError> {
        let (kind, found, expected) = (self.kind, self.length, expected.unwrap_or(u64::MAX));
        match found == expected {
            true => Ok(()),
            false => Err(WireError::Length { kind, found, expected }),
        }
    }
}

/// Writes one frame, and sums it up.
pub struct Writer<'a> {
    to: &'a mut dyn Write,
    hash: Sha256,
    left: u64,
}

impl<'a> Writer<'a> {
    /// Begins a frame.
    pub fn new(to: &'a mut dyn Write, head: Head) -> Result<Self, WireError> {
        let mut frame = Self { to, hash: Sha256::new(), left: HEAD as u64 + head.length };
        frame.put(&MAGIC)?;
        frame.put(&VERSION.to_le_bytes())?;
        frame.put(&(head.kind as u16).to_le_bytes())?;
        frame.put(&head.owner.plan.bytes())?;
        frame.put(&head.owner.key.0)?;
        frame.put(&head.length.to_le_bytes())?;
        Ok(frame)
    }

    /// Some of the content.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        debug_assert!(bytes.len() as u64 <= self.left, "more than was declared");
        self.left -= bytes.len() as u64;
        self.hash.update(bytes);
        Ok(self.to.write_all(bytes)?)
    }

    /// Ends the frame.
    pub fn finish(self) -> Result<(), WireError> {
        debug_assert_eq!(self.left, 0, "less than was declared");
        self.to.write_all(&self.hash.finalize())?;
        Ok(self.to.flush()?)
    }
}

/// Reads one frame. Nothing that it gave is to be believed before [`Reader::finish`].
pub struct Reader<'a> {
    from: &'a mut dyn Read,
    hash: Sha256,
    /// Bytes up to the end of the content.
    left: u64,
}

impl<'a> Reader<'a> {
    /// Reads the head of a frame of this kind.
    pub fn new(from: &'a mut dyn Read, expected: Kind) -> Result<(Self, Head), WireError> {
        let mut frame = Self { from, hash: Sha256::new(), left: HEAD as u64 };
        let magic = frame.array().map_err(|error| match error {
            WireError::Truncated { .. } => WireError::Magic,
            other => other,
        })?;
        if magic != MAGIC {
            return Err(WireError::Magic);
        }
        let found = u16::from_le_bytes(frame.array()?);
        if found != VERSION {
            return Err(WireError::Version { found });
        }
        let found = u16::from_le_bytes(frame.array()?);
        if Kind::new(found) != Some(expected) {
            return Err(WireError::Kind { found, expected });
        }
        let plan = Digest::new(frame.array()?);
        let key = KeyId(frame.array()?);
        let length = u64::from_le_bytes(frame.array()?);
        frame.left = length;
        Ok((frame, Head { kind: expected, owner: Owner { plan, key }, length }))
    }

    /// The next bytes. All that are asked for have been declared: callers compare lengths first.
    pub fn take(&mut self, into: &mut [u8]) -> Result<(), WireError> {
        debug_assert!(into.len() as u64 <= self.left, "more than was declared");
        let found = fill(self.from, into)? as u64;
        if found < into.len() as u64 {
            let missing = self.left.saturating_add(CHECKSUM as u64).saturating_sub(found);
            return Err(WireError::Truncated { missing });
        }
        self.left = self.left.saturating_sub(found);
        self.hash.update(&*into);
        Ok(())
    }

    /// The next bytes, as many as the array has.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let mut bytes = [0; N];
        self.take(&mut bytes)?;
        Ok(bytes)
    }

    /// That the frame is whole, unchanged, and all that there is.
    pub fn finish(self) -> Result<(), WireError> {
        debug_assert_eq!(self.left, 0, "less than was declared");
        let mut checksum = [0; CHECKSUM];
        let found = fill(self.from, &mut checksum)?;
        if found < CHECKSUM {
            return Err(WireError::Truncated { missing: (CHECKSUM - found) as u64 });
        }
        if checksum[..] != self.hash.finalize()[..] {
            return Err(WireError::Checksum);
        }
        match fill(self.from, &mut [0])? {
            0 => Ok(()),
            _ => Err(WireError::Trailing),
        }
    }
}

/// Reads until `into` is full or nothing follows; returns how many bytes there were.
fn fill(from: &mut dyn Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match from.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
