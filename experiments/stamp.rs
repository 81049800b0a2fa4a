//! What stands beside every figure: the commit, the date, the memory.

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

/// The most memory this process has held, in bytes, as Linux counts it.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
