//! What stands beside every figure: the commit, the date, the memory.

#[path = "../src/bin/cipherbatch/peak.rs"]
mod peak;

pub use peak::memory as peak_memory;

use std::path::Path;
use std::process::Command;

/// What was measured: the commit, `+` after it where files differ from it.
pub fn commit() -> String {
    let git = |arguments: &[&str]| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let done = Command::new("git").current_dir(root).args(arguments).output().ok()?;
        let text = String::from_utf8(done.stdout).ok()?.trim().to_owned();
        done.status.success().then_some(text)
    };
    let sources = ["status", "--porcelain", "--", "src", "shaders", "models", "Cargo.toml"];
    let changed = git(&sources).is_some_and(|files| !files.is_empty());
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    format!("{commit}{}", if changed { "+" } else { "" })
}

/// Today, in Greenwich: 2026-11-23.
pub fn date() -> String {
    time::OffsetDateTime::now_utc().date().to_string()
}
