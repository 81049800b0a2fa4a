//! Gives every reader, or those named, changed files for some seconds each, and counts.
//!
//! `mutate SECONDS [TARGET…]`, or `mutate --seeds`, which writes the files that cargo-fuzz begins with to
//! `fuzz/corpus`. The order of changes is the same every time; coverage does not guide it. An input that
//! panics is written to `fuzz/found/TARGET`, from where the tests replay it.

use cipherbatch_fuzz::{TARGETS, Target, seeds};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, [])) if first == "--seeds" => write_seeds(),
        Some((seconds, names)) => match seconds.parse() {
            Ok(seconds) => mutate(Duration::from_secs(seconds), names),
            Err(_) => usage(),
        },
        None => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("mutate SECONDS [TARGET…] | mutate --seeds");
    ExitCode::from(2)
}

fn here(name: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join(target)
}

fn write(folder: &Path, bytes: &[u8]) {
    let name: String = Sha256::digest(bytes)[..8].iter().map(|b| format!("{b:02x}")).collect();
    let written =
        std::fs::create_dir_all(folder).and_then(|()| std::fs::write(folder.join(&name), bytes));
    match written {
        Ok(()) => println!("  {}", folder.join(name).display()),
        Err(error) => eprintln!("  {}: {error}", folder.display()),
    }
}

fn write_seeds() -> ExitCode {
    for (name, _) in TARGETS {
        seeds(name).iter().for_each(|bytes| write(&here("corpus", name), bytes));
    }
    ExitCode::SUCCESS
}

fn mutate(time: Duration, names: &[String]) -> ExitCode {
    let chosen = |target: &&Target| names.is_empty() || names.iter().any(|name| name == target.0);
    let mut found = 0;
    for (name, target) in TARGETS.iter().filter(chosen) {
        let (seeds, clock) = (seeds(name), Instant::now());
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let (mut runs, mut failures) = (0u64, 0);
        while clock.elapsed() < time {
            for _ in 0..64 {
                let bytes = changed(&seeds, &mut random);
                runs += 1;
                if catch_unwind(|| target(&bytes)).is_err() {
                    failures += 1;
                    write(&here("found", name), &bytes);
                }
            }
        }
        println!("{name}: {runs} runs in {:.0?}, {failures} panics", clock.elapsed());
        found += failures;
    }
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One of the seeds, changed in one to eight places.
fn changed(seeds: &[Vec<u8>], random: &mut ChaCha8Rng) -> Vec<u8> {
    let below = |random: &mut ChaCha8Rng, end: usize| random.next_u64() as usize % end.max(1);
    let pick = |random: &mut ChaCha8Rng| {
        let at = below(random, seeds.len());
        seeds.get(at).cloned().unwrap_or_default()
    };
    let mut bytes = pick(random);
    for _ in 0..=below(random, 8) {
        let at = below(random, bytes.len() + 1).min(bytes.len());
        let longest = 1 << below(random, 8);
        let len = below(random, longest).min(bytes.len() - at);
        match below(random, 9) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + len)),
            2 => {
                let again = bytes[at..at + len].to_vec();
                bytes.splice(at..at, again);
            }
            3 => {
                let other = pick(random);
                let from = below(random, other.len() + 1).min(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            4 => {
                let value = [0, 1, 0x7f, 0x80, 0xff][below(random, 5)];
                bytes[at..at + len].fill(value);
            }
            5 => {
                let word = [0, 1, u32::MAX.into(), 1 << 31, 1 << 40, u64::MAX, u64::MAX >> 1];
                let word = word[below(random, word.len())].to_le_bytes();
                let end = bytes.len().min(at + 8);
                bytes[at..end].copy_from_slice(&word[..end - at]);
            }
            6 => {
                let new: Vec<u8> = (0..len).map(|_| random.next_u32() as u8).collect();
                bytes.splice(at..at, new);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << below(random, 8);
                }
            }
        }
    }
    bytes
}
