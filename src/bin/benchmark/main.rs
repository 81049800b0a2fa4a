//! What this machine makes of encrypted inference: the CPU and the GPU on the same ciphertexts, stage by stage and
//! layer by layer, beside what each was measured to give at most, and whether both come to the same integers.

#![deny(unsafe_code)]

mod ceilings;
mod counts;
#[path = "../cipherbatch/failure.rs"]
#[allow(dead_code, reason = "the command line uses the rest")]
mod failure;
#[path = "../cipherbatch/files.rs"]
mod files;
#[cfg(feature = "gpu")]
mod gpu;
#[path = "../cipherbatch/loaded.rs"]
mod loaded;
mod machine;
#[path = "../cipherbatch/mesa.rs"]
mod mesa;
#[path = "../cipherbatch/npy.rs"]
#[allow(dead_code, reason = "the command line uses the rest")]
mod npy;
mod options;
#[path = "../cipherbatch/peak.rs"]
mod peak;
mod precision;
mod report;
#[path = "../cipherbatch/shipped.rs"]
#[allow(dead_code, reason = "the command line uses the rest")]
mod shipped;
mod side;
mod spread;
mod subject;
mod table;
mod tables;

use clap::Parser;
use failure::{Failure, Result};
use files::is_stream;
use options::{Backend, Options};
use report::Report;
use side::Side;
use std::path::Path;
use std::process::ExitCode;
use subject::Subject;

fn main() -> ExitCode {
    mesa::hush();
    // A reader that stops early, such as `head`, ends the program as it ends others.
    sigpipe::reset();
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}

/// Writes a report, to standard output for `-`.
fn put(path: &Path, text: &str) -> Result<()> {
    if !is_stream(path) {
        return files::write(path, text.as_bytes());
    }
    print!("{text}");
    Ok(())
}

fn run(options: &Options) -> Result<()> {
    let reports = || options.json.iter().chain(&options.markdown);
    for path in reports().filter(|path| !is_stream(path)) {
        files::check_writable(path)?;
    }
    // What is insisted on is looked for before anything is measured.
    if options.backend == Backend::Gpu || options.adapter.is_some() {
        find_gpu(options)?;
    }
    let subject = Subject::new(options)?;
    let mut sides: Vec<(Side, _)> = Vec::new();
    let mut missing = None;
    if options.backend != Backend::Gpu {
        eprintln!("measuring the CPU");
        sides.push(side::cpu(&subject, options)?);
    }
    if options.backend != Backend::Cpu {
        eprintln!("measuring the GPU");
        match gpu(&subject, options) {
            Ok(side) => sides.push(side),
            // What nobody insisted on may be missing.
            Err(failure) if options.backend == Backend::Both && options.adapter.is_none() => {
                eprintln!("warning: {failure}");
                missing = Some(failure.to_string());
            }
            Err(failure) => return Err(failure),
        }
    }
    let (sides, answers): (Vec<Side>, Vec<_>) = sides.into_iter().unzip();
    let equal = (answers.len() > 1).then(|| answers.windows(2).all(|pair| pair[0] == pair[1]));
    let report = Report::new(&subject, options, sides, answers.first(), equal, missing)?;

    let tables = tables::of(&report);
    let text = table::text(&tables);
    // Standard output is a report's, if one goes there.
    match reports().any(|path| is_stream(path)) {
        true => eprintln!("{text}"),
        false => println!("{text}"),
    }
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&report).map_err(Failure::machine)?;
        put(path, &format!("{json}\n"))?;
    }
    if let Some(path) = &options.markdown {
        put(path, &table::markdown(&tables))?;
    }
    match equal {
        Some(false) => Err(Failure::machine(
            "the CPU's and the GPU's answers to the same ciphertexts differ: one of them is wrong; `cargo test --release --test kernels-tests` tells which kernel",
        )),
        _ => Ok(()),
    }
}

#[cfg(feature = "gpu")]
use {gpu::adapter as find_gpu, side::gpu};

/// Without the feature there is none to be found.
#[cfg(not(feature = "gpu"))]
fn find_gpu(_: &Options) -> Result<std::convert::Infallible> {
    Err(Failure::input(
        "this program was built without the feature `gpu`; use --backend cpu, or build it with --features gpu",
    ))
}

#[cfg(not(feature = "gpu"))]
fn gpu(_: &Subject, options: &Options) -> Result<(Side, cipherbatch::EncryptedAnswer)> {
    find_gpu(options).map(|none| match none {})
}
