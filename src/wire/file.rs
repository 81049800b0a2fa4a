//! Files are written at once: beside their place first, on the disk, then renamed. Whoever reads one
//! finds all of it or none; what an interruption leaves behind has a name of its own, `.….part`.

use super::WireError;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use tempfile::{Builder, NamedTempFile};

/// What becomes of a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and [`WireError::Exists`] says so.
    Keep,
    /// It goes when the new one is complete.
    Replace,
}

/// Who may read the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone: mode 0600. Where there are no such modes, whoever may read its folder.
    Private,
    /// Whoever the system lets by default.
    Public,
}

/// Writes a file by `write`.
///
/// # Errors
/// [`WireError`] with the file's name. No file is there then that was not before.
pub fn save(
    path: &Path,
    existing: Existing,
    access: Access,
    write: impl FnOnce(&File) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let save = || {
        let file = temporary(path, existing, access)?;
        write(file.as_file())?;
        file.as_file().sync_all()?;
        match existing {
            Existing::Replace => file.persist(path).map_err(|e| e.error)?,
            Existing::Keep => file.persist_noclobber(path).map_err(|e| match e.error.kind() {
                io::ErrorKind::AlreadyExists => WireError::Exists,
                _ => e.error.into(),
            })?,
        };
        sync_folder(path)
    };
    save().map_err(|error: WireError| error.of_file(path))
}

/// That a file can be written here later on; asked before long work starts.
///
/// # Errors
/// [`WireError`] with the file's name.
pub fn check_writable(path: &Path, existing: Existing) -> Result<(), WireError> {
    temporary(path, existing, Access::Private).map(drop).map_err(|error| error.of_file(path))
}

fn temporary(path: &Path, existing: Existing, access: Access) -> Result<NamedTempFile, WireError> {
    if path.is_dir() {
        return Err(WireError::Unwritable(io::ErrorKind::IsADirectory.into()));
    }
    if existing == Existing::Keep && fs::symlink_metadata(path).is_ok() {
        return Err(WireError::Exists);
    }
    let mut builder = Builder::new();
    builder.prefix(".").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = match access {
            Access::Private => 0o600,
            // Less what the user's mask takes away.
            Access::Public => 0o666,
        };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = access;
    builder.tempfile_in(folder(path)).map_err(WireError::Unwritable)
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Until its folder is on the disk, so is no name.
fn sync_folder(path: &Path) -> Result<(), WireError> {
    #[cfg(unix)]
    File::open(folder(path))?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
