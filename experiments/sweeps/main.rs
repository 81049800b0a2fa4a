//! Curves: one thing is varied, the rest stays as it is.
//!
//! ```sh
//! cargo run --release --example sweeps            # all of them
//! cargo run --release --example sweeps -- images  # one
//! ```
//!
//! Each sweep has a folder beside this one with its question, table, picture and finding.

mod measure;
mod networks;
mod picture;
#[path = "../stamp.rs"]
mod stamp;
mod sweep;
mod table;

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The end of a run that did not succeed, for people.
type Failure = Box<dyn std::error::Error>;

/// Measures curves: what costs and yields what.
#[derive(Parser, Debug)]
struct Options {
    /// Which sweeps; without any, all. `--list` shows their names.
    names: Vec<String>,
    /// How often each point is measured; the median counts.
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    runs: usize,
    /// On the CPU, even where there is a GPU.
    #[arg(long)]
    cpu: bool,
    /// A few seconds' run that proves that the machinery works: the first two points of each sweep,
    /// once.
    #[arg(long)]
    quick: bool,
    /// Where the sweeps' folders are [default: experiments, with --quick target/sweeps].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Show the sweeps' names and questions, and end.
    #[arg(long)]
    list: bool,
}

/// A path inside the repository.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let all = sweep::all();
    if let Some(name) = options.names.iter().find(|name| all.iter().all(|s| s.name != **name)) {
        return Err(format!("there is no sweep {name:?}; --list shows those that are").into());
    }
    let chosen = all
        .iter()
        .filter(|s| options.names.is_empty() || options.names.iter().any(|name| s.name == *name));
    let default = || here(if options.quick { "target/sweeps" } else { "experiments" });
    let out = options.out.clone().unwrap_or_else(default);
    for sweep in chosen {
        if options.list {
            println!("{:14}{}", sweep.name, sweep.question);
            continue;
        }
        eprintln!("{}: {}", sweep.name, sweep.question);
        let points = (sweep.points)()?;
        let (count, runs) =
            if options.quick { (2, 1) } else { (points.len(), options.runs.max(1)) };
        let mut rows = Vec::new();
        for point in points.iter().take(count) {
            let row = measure::point(point, runs, options.cpu)
                .map_err(|e| format!("{} {}: {e}", sweep.name, point.x))?;
            eprintln!("  {} {}: {:.3} s", point.x, sweep.unit, row.seconds);
            rows.push(row);
        }
        let folder = out.join(sweep.name);
        std::fs::create_dir_all(&folder)?;
        table::write(&folder, sweep, &rows)?;
        picture::draw(&folder.join("curve.svg"), sweep, &rows)?;
    }
    Ok(())
}
