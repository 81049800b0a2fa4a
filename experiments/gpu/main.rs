//! What a GPU reaches, kernel by kernel and network by network, and which sizes suit it: one command, one JSON file.
//!
//! `cargo run --release --example gpu -- [--quick] [--adapter NAME] [--out FILE]`. Every figure is of work on data
//! that stays on the device, unless its name says otherwise; `docs/notes/gpu-limits.md` says what to compare them
//! with.

mod kernels;
mod networks;

use cipherbatch::device::gpu::{Adapter, GpuEngine, GpuOptions};
use cipherbatch::math::primes_below;
use cipherbatch::scheme::{Parameters, ParametersLiteral};
use clap::Parser;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Measures a GPU.
#[derive(Parser, Clone)]
struct Arguments {
    /// Small sizes and short measurements: to see that everything runs.
    #[arg(long)]
    quick: bool,
    /// A part of the adapter's name [default: the best there is].
    #[arg(long)]
    adapter: Option<String>,
    /// Where the figures go.
    #[arg(long, default_value = "gpu.json")]
    out: PathBuf,
    /// Only parts whose names contain this: ceilings, cryptonets, deep, transforms, products, residues, switches.
    #[arg(long, default_value = "")]
    only: String,
    /// Seconds after which nothing else is begun.
    #[arg(long, default_value_t = 3600)]
    budget: u64,
    /// When the program began.
    #[arg(skip = Instant::now())]
    began: Instant,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let adapter = match &arguments.adapter {
        Some(name) => Adapter::named(name)?,
        None => Adapter::any()?,
    };
    let mut report = json!({
        "device": adapter.name(),
        "kind": adapter.kind().to_string(),
        "driver": adapter.driver(),
        "backend": adapter.backend(),
        "memory": adapter.memory(),
        "quick": arguments.quick,
    });
    // What matters most first: each part is written when it is done.
    let parts: [(&str, Part); 7] = [
        ("ceilings", |a, adapter, _| kernels::ceilings(a, adapter)),
        ("cryptonets", networks::measure),
        ("deep", networks::measure),
        ("transforms", |a, adapter, _| kernels::transforms(a, adapter)),
        ("products", |a, adapter, _| kernels::products(a, adapter)),
        ("residues", |a, adapter, _| kernels::residues(a, adapter)),
        ("switches", |a, adapter, _| kernels::switches(a, adapter)),
    ];
    for (name, part) in parts {
        // The deeper network takes software minutes a batch: only where it is asked for.
        let too_long = arguments.quick && name == "deep" && arguments.only.is_empty();
        if !name.contains(&arguments.only) || too_long || arguments.late() {
            continue;
        }
        eprintln!("== {name} ({:.0} s)", arguments.began.elapsed().as_secs_f64());
        // What one part could not measure is no reason to lose the others.
        report[name] = part(&arguments, &adapter, name).unwrap_or_else(|e| {
            eprintln!("{name}: {e}");
            json!({ "error": e.to_string() })
        });
        report["seconds"] = json!(arguments.began.elapsed().as_secs_f64());
        std::fs::write(&arguments.out, format!("{report:#}\n"))?;
    }
    let seconds = arguments.began.elapsed().as_secs_f64();
    eprintln!("{} in {seconds:.0} s", arguments.out.display());
    Ok(())
}

type Part = fn(&Arguments, &Adapter, &str) -> Result<Value>;

/// An engine for `primes` primes of 30 bits, without a key.
fn engine(
    adapter: &Adapter,
    degree: usize,
    primes: usize,
    options: &GpuOptions,
) -> Result<GpuEngine> {
    let primes = primes_below(1 << 30, 4 * degree as u32).take(primes).collect();
    let literal = ParametersLiteral::new(degree, primes);
    Ok(GpuEngine::open_with(adapter, &Parameters::new_insecure(literal)?, None, options)?)
}

impl Arguments {
    /// How long a measurement takes at least.
    fn least(&self) -> Duration {
        Duration::from_millis(if self.quick { 1 } else { 60 })
    }

    /// Whether the budget of time is spent.
    fn late(&self) -> bool {
        self.began.elapsed().as_secs() >= self.budget
    }

    /// A figure, on the terminal and in a list.
    fn tell(&self, list: &mut Vec<Value>, figure: Value) {
        eprintln!("{figure}");
        list.push(figure);
    }

    /// One size or another.
    fn pick<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}
