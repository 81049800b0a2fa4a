//! The paper's table: what taking ReLU's place costs, in the clear and encrypted.
//!
//! ```sh
//! cargo run --release --example accuracy -- --fashion /usr/share/datasets/fashion-mnist
//! ```
//!
//! Each case runs in a process of its own, so that its peak memory is its own and a case that the
//! machine cannot hold ends alone. Rows are kept in `accuracy.csv`: those that are measured again
//! take the old ones' place, the others stay.

#[path = "../answers.rs"]
mod answers;
mod cases;
mod data;
#[path = "../labelled.rs"]
mod labelled;
mod measure;
mod picture;
#[path = "../stamp.rs"]
mod stamp;
mod table;

use bytesize::ByteSize;
use cases::Case;
use clap::Parser;
use measure::FAILED;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use table::Row;

/// The end of a run that did not succeed, for people.
type Failure = Box<dyn std::error::Error>;

/// Measures accuracy with ReLU and with polynomials in its place, in the clear and encrypted.
#[derive(Parser, Debug)]
pub struct Options {
    /// The folder with Fashion-MNIST's gzipped test files; without it, the rows of MNIST alone.
    #[arg(long, value_name = "DIR")]
    fashion: Option<PathBuf>,
    /// Only the first COUNT images in the clear.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    limit: usize,
    /// How many images are encrypted, from the first; 0 for none.
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    encrypted: usize,
    /// Only rows whose name holds PATTERN; `--list` shows the names.
    #[arg(long, value_name = "PATTERN", default_value = "")]
    only: String,
    /// Keep the rows that this commit has already measured as far as is asked for.
    #[arg(long)]
    resume: bool,
    /// Show the rows' names and end.
    #[arg(long)]
    list: bool,
    /// On the CPU, even where there is a GPU.
    #[arg(long)]
    cpu: bool,
    /// The most memory for the ciphertexts of one batch, such as 2GiB: with less, layers are computed
    /// in smaller pieces.
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
    /// Where the table and the picture are written
    /// [default: experiments/accuracy, with --quick target/accuracy].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A few seconds' run that proves that the machinery works: MNIST, 64 images, and the small
    /// network as the only one that is encrypted.
    #[arg(long)]
    quick: bool,
    /// Measure one row and write it to standard output as JSON, twice: what each process is told.
    #[arg(long, value_name = "NAME", hide = true)]
    row: Option<String>,
}

/// A path inside the repository.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut options: Options) -> Result<(), Failure> {
    if options.quick {
        options.limit = options.limit.min(64);
        options.encrypted = options.encrypted.min(64);
    }
    let cases = match options.quick {
        true => cases::quick(),
        false => cases::all(options.fashion.is_some()),
    };
    if let Some(name) = &options.row {
        let case = cases.iter().find(|case| case.name() == *name);
        let case = case.ok_or_else(|| format!("there is no row {name}"))?;
        return measure::row(case, &options, |row| {
            println!("{}", serde_json::to_string(row)?);
            Ok(())
        });
    }
    let chosen: Vec<&Case> = cases.iter().filter(|c| c.name().contains(&options.only)).collect();
    if chosen.is_empty() {
        return Err(format!("no row's name holds {:?}; --list shows them", options.only).into());
    }
    if options.list {
        chosen.iter().for_each(|case| println!("{}", case.name()));
        return Ok(());
    }

    let default = || here(if options.quick { "target/accuracy" } else { "experiments/accuracy" });
    let out = options.out.clone().unwrap_or_else(default);
    std::fs::create_dir_all(&out)?;
    let mut rows = table::read(&out.join("accuracy.csv"))?;
    let mut failed = 0;
    let commit = stamp::commit();
    let order = cases::all(true);
    for (index, case) in chosen.iter().enumerate() {
        eprintln!("{} of {}: {}", index + 1, chosen.len(), case.name());
        let place = rows.iter().position(|old| old.is_of(case));
        let done = place.is_some_and(|place| measure::done(&rows[place], case, &options, &commit));
        if options.resume && done {
            continue;
        }
        let row = apart(case, &options)?;
        eprintln!("  {row}");
        failed += usize::from(row.note.starts_with(FAILED));
        match place {
            Some(place) => rows[place] = row,
            None => rows.push(row),
        }
        rows.sort_by_key(|row| order.iter().position(|c| row.is_of(c)).unwrap_or(order.len()));
        table::write(&out, &rows)?;
        picture::draw(&out.join("accuracy.svg"), &rows)?;
    }
    println!("{}", table::markdown(&rows));
    match failed {
        0 => Ok(()),
        count => Err(format!("{count} rows failed; their notes say why").into()),
    }
}

/// A row, measured by a process of its own; where that fails, a row that says why.
fn apart(case: &Case, options: &Options) -> Result<Row, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--row", &case.name()]);
    command.args(["--limit", &options.limit.to_string()]);
    command.args(["--encrypted", &options.encrypted.to_string()]);
    command.args(options.cpu.then_some("--cpu")).args(options.quick.then_some("--quick"));
    if let Some(folder) = &options.fashion {
        command.arg("--fashion").arg(folder);
    }
    if let Some(size) = options.memory {
        command.args(["--memory", &size.as_u64().to_string()]);
    }
    // Without a desktop session, Mesa's device-select layer prints an error at every start.
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("NODEVICE_SELECT", "1");
    }
    let done = command.stderr(Stdio::inherit()).output()?;
    // A line after the clear part, another after the encrypted one: the last is the fullest.
    let lines = String::from_utf8(done.stdout)?;
    let last = lines.lines().next_back().map(serde_json::from_str).transpose()?;
    match (done.status.success(), last) {
        (true, Some(row)) => Ok(row),
        (_, last) => {
            let note = format!("{FAILED}: {}", done.status);
            Ok(Row { note, ..last.unwrap_or_else(|| Row::of(case)) })
        }
    }
}
