//! Curves: one thing is varied, the rest stays as it is.
//!
//! ```sh
//! cargo run --release --example sweeps             # all of them
//! cargo run --release --example sweeps -- images   # one
//! cargo run --release --example sweeps -- --check  # do they still give what the tables say?
//! ```
//!
//! Each sweep has a folder beside this one with its question, table, picture and finding. Each point
//! is measured by a process of its own: its peak memory is its own, and it can be denied
//! instruction sets.

#[path = "../answers.rs"]
mod answers;
mod apart;
mod check;
#[path = "../labelled.rs"]
mod labelled;
mod list;
#[path = "../../src/bin/benchmark/machine.rs"]
mod machine;
mod measure;
#[path = "../../src/bin/cipherbatch/mesa.rs"]
mod mesa;
mod networks;
mod picture;
#[path = "../../src/bin/benchmark/precision.rs"]
mod precision;
mod relinearise;
#[path = "../../src/bin/benchmark/spread.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod spread;
#[path = "../stamp.rs"]
mod stamp;
mod sweep;
mod table;

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use sweep::Sweep;

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
    /// Less than a minute's run that proves that the machinery works: the first two points of each
    /// sweep, once.
    #[arg(long)]
    quick: bool,
    /// Measure each point once, and compare what no clock tells with the tables that are there,
    /// which stay as they are; what is measured goes to target/sweeps.
    #[arg(long)]
    check: bool,
    /// Where the sweeps' folders are [default: experiments, or target/sweeps for what --quick
    /// measures].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Show the sweeps' names and questions, and end.
    #[arg(long)]
    list: bool,
    /// Measure one point of the sweep named and write it to standard output as JSON: what each
    /// process is told.
    #[arg(long, value_name = "NUMBER", hide = true)]
    point: Option<usize>,
}

impl Options {
    /// Runs that count.
    fn runs(&self) -> usize {
        if self.quick || self.check { 1 } else { self.runs.max(1) }
    }

    /// Where the tables are that are to be compared with.
    fn tables(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| here("experiments"))
    }

    /// Where what is measured goes.
    fn out(&self) -> PathBuf {
        match (self.check, self.quick && self.out.is_none()) {
            (false, false) => self.tables(),
            _ => here("target/sweeps"),
        }
    }
}

/// A path inside the repository.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn main() -> ExitCode {
    mesa::hush();
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    let all = list::all();
    if let Some(name) = options.names.iter().find(|name| all.iter().all(|s| s.name != **name)) {
        return Err(format!("there is no sweep {name:?}; --list shows those that are").into());
    }
    let chosen: Vec<Sweep> = all
        .into_iter()
        .filter(|s| options.names.is_empty() || options.names.iter().any(|name| s.name == *name))
        .collect();
    if let (Some(number), [sweep]) = (options.point, &chosen[..]) {
        let point = sweep.points.get(number).ok_or("there is no point of that number")?;
        let row = measure::point(point, options.runs(), options.cpu)?;
        println!("{}", serde_json::to_string(&row)?);
        return Ok(());
    }
    let mut differences = Vec::new();
    for sweep in &chosen {
        println!("{}: {}", sweep.name, sweep.question);
        if !options.list {
            differences.extend(curve(sweep, options)?);
        }
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(format!("not as the tables say:\n{}", differences.join("\n")).into()),
    }
}

/// Measures a sweep and writes what comes out; tells what differs from the tables, if that is asked for.
fn curve(sweep: &Sweep, options: &Options) -> Result<Vec<String>, Failure> {
    let folder = options.out().join(sweep.name);
    let count = if options.quick { 2 } else { usize::MAX };
    let mut rows = Vec::new();
    for (number, point) in sweep.points.iter().enumerate().take(count) {
        if point.gpu && (options.cpu || !measure::has_gpu()) {
            continue;
        }
        let row = apart::measure(sweep, number, point, options)?;
        println!("  {row}");
        rows.push(row);
    }
    std::fs::create_dir_all(&folder)?;
    table::write(&folder, sweep, &rows)?;
    picture::draw(&folder.join("picture.svg"), sweep, &rows)?;
    match options.check {
        true => check::differences(&options.tables(), sweep, &rows, !options.quick),
        false => Ok(Vec::new()),
    }
}
