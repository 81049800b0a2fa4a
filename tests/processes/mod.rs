//! Processes in folders that hold what they may see, and nothing else.
#![allow(dead_code, reason = "every test takes what it needs")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The files of one party.
pub struct Desk(TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A desk with some of another one's files.
    pub fn with(other: &Self, names: &[&str]) -> Self {
        Self::new().and(other, names)
    }

    pub fn and(self, other: &Self, names: &[&str]) -> Self {
        for name in names {
            fs::copy(other.path(name), self.path(name)).unwrap();
        }
        self
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The names of all files, in order.
    pub fn entries(&self) -> Vec<String> {
        let name = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = self.0.path().read_dir().unwrap().map(name).collect();
        names.sort();
        names
    }
}

/// The program, at a desk.
pub fn program(desk: &Desk) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipherbatch"));
    command.current_dir(desk.folder());
    command
}

pub fn run_in(desk: &Desk, arguments: &[&str]) -> Output {
    program(desk).args(arguments).output().unwrap()
}

pub fn succeed_in(desk: &Desk, arguments: &[&str]) -> Output {
    let out = run_in(desk, arguments);
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    out
}

/// One line on standard error, exit code 2. Returns the line.
pub fn refused_in(desk: &Desk, arguments: &[&str]) -> String {
    let out = run_in(desk, arguments);
    let line = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{arguments:?}: {line}");
    assert!(out.stdout.is_empty());
    assert!(line.starts_with("error: ") && line.trim_end().lines().count() == 1, "{line}");
    line
}
