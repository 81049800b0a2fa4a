//! Why bytes are not what they should be, or not written.

use super::frame::{Kind, VERSION};
use crate::messages::Foreign;
use crate::plan::PublicPlanError;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a file or a stream is not read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum WireError {
    /// What went wrong with a file of this name.
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: Box<WireError> },
    /// A file that would be overwritten.
    #[error("it is there already, and is not replaced unless that is asked for")]
    Exists,
    /// A place where no file can be made.
    #[error("cannot be written: {0}")]
    Unwritable(io::Error),
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Something else.
    #[error("not a file of cipherbatch: it does not begin with its eight bytes")]
    Magic,
    /// Of another version of the format.
    #[error("of format {found}; this program reads format {VERSION}: make it again")]
    Version { found: u16 },
    /// One of our files, where another was expected.
    #[error("it holds {}, where {expected} must be", kind_name(*found))]
    Kind { found: u16, expected: Kind },
    /// Of another plan or another key pair.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// Fewer bytes than there must be.
    #[error("truncated: it ends {missing} bytes too early; copy it again")]
    Truncated { missing: u64 },
    /// More bytes than there may be.
    #[error("damaged: bytes follow after its end; copy it again")]
    Trailing,
    /// A length that contradicts the plan.
    #[error("damaged: {found} bytes of {kind} are declared, {expected} are right under this plan")]
    Length { kind: Kind, found: u64, expected: u64 },
    /// Images that lie outside their set.
    #[error("damaged: {images} images from number {first} on, of a set of {total}")]
    Span { first: u64, images: u64, total: u64 },
    /// A number that is no residue.
    #[error(
        "damaged: residue {value} at place {place} of polynomial {polynomial} is not below its prime {prime}"
    )]
    Residue { value: u32, prime: u32, polynomial: usize, place: usize },
    /// The bytes were changed.
    #[error("damaged: its checksum is not that of its bytes; copy it again")]
    Checksum,
    /// Facts that are no plan's.
    #[error("no public plan: {0}")]
    PublicPlan(#[from] PublicPlanError),
    /// A public plan whose parts do not add up to its length.
    #[error("no public plan: its parts and its length contradict one another")]
    PublicPlanParts,
    /// More than there is room for.
    #[error("no memory for {bytes} more bytes of {kind}")]
    Room { kind: Kind, bytes: usize },
}

impl WireError {
    /// The error, of the file of this name.
    pub(crate) fn of_file(self, path: &Path) -> Self {
        match self {
            named @ Self::File { .. } => named,
            error => Self::File { path: path.to_owned(), error: error.into() },
        }
    }

    /// Whether the machine failed, and not what it was given.
    pub fn is_machine(&self) -> bool {
        match self {
            Self::File { error, .. } => error.is_machine(),
            Self::Room { .. } => true,
            Self::Io(error) => !matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::IsADirectory
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::AlreadyExists
                    | io::ErrorKind::InvalidInput
            ),
            _ => false,
        }
    }
}

fn kind_name(found: u16) -> String {
    match Kind::new(found) {
        Some(kind) => kind.to_string(),
        None => format!("something of the unknown kind {found}"),
    }
}
