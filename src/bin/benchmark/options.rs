//! What a measurement can be told.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Which sides are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Both, or the CPU alone where there is no GPU.
    Both,
    /// The CPU.
    Cpu,
    /// The GPU: the best adapter, a software one if there is no other.
    Gpu,
}

/// Compares the CPU and the GPU on the same encrypted inputs.
#[derive(Parser, Debug)]
#[command(version, max_term_width = 100)]
pub struct Options {
    /// A shipped network (cryptonets; deep, which takes a GPU in software minutes a batch;
    /// fashion-deep), or an ONNX file.
    #[arg(long, value_name = "NAME|FILE.onnx", default_value = "cryptonets")]
    pub model: String,
    /// Which sides.
    #[arg(long, value_enum, default_value_t = Backend::Both)]
    pub backend: Backend,
    /// A part of the GPU adapter's name [default: the best there is].
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// How often everything is measured, after a run that does not count; the median is shown, with
    /// the least and the most [default: 7, with --quick 3].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    runs: Option<u64>,
    /// Images that are classified from end to end [default: three batches, with --quick one].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    images: Option<u64>,
    /// Less of everything: half a minute on two cores with a GPU in software.
    #[arg(long)]
    pub quick: bool,
    /// Write all figures as JSON, to standard output for `-`.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the tables as Markdown, to standard output for `-`.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

impl Options {
    /// One size or another.
    pub fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Runs that count.
    pub fn runs(&self) -> usize {
        self.runs.map_or(self.pick(7, 3), |runs| runs as usize)
    }

    /// Images from end to end, for batches of so many.
    pub fn images(&self, slots: usize) -> usize {
        self.images.map_or(self.pick(3, 1) * slots, |images| images as usize)
    }

    /// How long a ceiling is measured at least.
    pub fn least(&self) -> Duration {
        Duration::from_millis(self.pick(500, 50))
    }

    /// Bytes that are copied to see what memory gives: more than caches keep.
    pub fn copied(&self) -> usize {
        self.pick(512 << 20, 64 << 20)
    }
}
