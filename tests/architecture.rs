//! The arrows between the rooms point one way, and secrets stay in the rooms that may hold them.

use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("math", &[]),
    ("ring", &["math"]),
    ("scheme", &["math", "ring"]),
    ("model", &[]),
    ("plan", &["math", "ring", "scheme", "model"]),
    ("device", &["math", "ring", "scheme"]),
    ("schedule", &["ring", "scheme", "plan", "device"]),
    ("messages", &["ring", "scheme", "plan"]),
    ("wire", &["ring", "scheme", "plan", "messages"]),
    ("client", &["ring", "scheme", "plan", "messages", "wire"]),
    ("server", &["ring", "scheme", "plan", "device", "schedule", "messages"]),
    ("pipeline", &["plan", "schedule", "messages", "client", "server"]),
    ("error", &["model", "plan", "device", "wire", "client", "server", "pipeline"]),
];

/// The only places that may name the secret key.
const KEEPERS: &[&str] = &["scheme", "client"];

fn sources(at: &Path, into: &mut Vec<PathBuf>) {
    if at.is_dir() {
        fs::read_dir(at).unwrap().for_each(|e| sources(&e.unwrap().path(), into));
    } else if at.extension().is_some_and(|e| e == "rs") && !at.ends_with("tests.rs") {
        into.push(at.to_owned());
    }
}

/// The code of a room, without comments and unit tests.
fn code(room: &str) -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src.join(room), &mut files);
    sources(&src.join(format!("{room}.rs")), &mut files);
    files.retain(|f| f.exists());
    assert!(!files.is_empty(), "room {room} is gone");
    let strip = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        let lines = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        (path, lines.collect::<Vec<_>>().join("\n"))
    };
    files.into_iter().map(strip).collect()
}

#[test]
fn arrows_point_one_way() {
    for (room, may) in ARROWS {
        for (path, text) in code(room) {
            for (other, _) in ARROWS.iter().filter(|(o, _)| o != room && !may.contains(o)) {
                let names = text.contains(&format!("crate::{other}::"))
                    || text.contains(&format!("crate::{other};"));
                assert!(!names, "{} uses {other}; {room} may use {may:?}", path.display());
            }
        }
    }
}

#[test]
fn every_room_is_on_the_map() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(src).unwrap() {
        let name = entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        let known = ARROWS.iter().any(|(room, _)| *room == name);
        assert!(known || ["lib", "bin"].contains(&&*name), "{name} has no arrows declared");
    }
}

#[test]
fn secrets_stay_with_the_client() {
    for (room, _) in ARROWS.iter().filter(|(room, _)| !KEEPERS.contains(room)) {
        for (path, text) in code(room) {
            assert!(!text.contains("SecretKey"), "{} names the secret key", path.display());
        }
    }
}
