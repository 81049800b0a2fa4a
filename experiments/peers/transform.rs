//! The transform beside tfhe-ntt's, in one run, one thread.
//!
//! ```sh
//! cargo run --release --example transform -- [--quick]
//! ```
//!
//! All take turns, some hundred microseconds each, so that whatever else the machine does slows all of
//! them alike. Each figure is the median of its turns, each ratio the median of the turns' ratios.

#[path = "../../src/bin/benchmark/machine.rs"]
mod machine;
#[path = "../../src/bin/benchmark/spread.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod spread;
#[path = "../stamp.rs"]
#[allow(dead_code, unused_imports, reason = "the other experiments use the rest")]
mod stamp;

use cipherbatch::math::{primes_below, simd::Simd};
use cipherbatch::scheme::{Parameters, ParametersLiteral};
use clap::Parser;
use serde::Serialize;
use spread::Spread;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The end of a run that did not succeed, for people.
type Failure = Box<dyn std::error::Error>;

/// How long a turn takes, about.
const TURN: Duration = Duration::from_micros(400);

/// Measures the transform beside tfhe-ntt's.
#[derive(Parser, Debug)]
struct Options {
    /// Turns of each.
    #[arg(long, value_name = "COUNT", default_value_t = 1001)]
    turns: usize,
    /// A run that proves that the machinery works.
    #[arg(long)]
    quick: bool,
    /// Where the table goes [default: experiments/peers, with --quick target/peers].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Times in microseconds of one transform.
#[derive(Serialize)]
struct Row {
    /// Of the prime: 30, 30.57 or 31.
    bits: &'static str,
    degree: usize,
    simd: String,
    forward_tfhe_ntt: f64,
    forward: f64,
    forward_ratio: f64,
    inverse_tfhe_ntt: f64,
    inverse: f64,
    inverse_ratio: f64,
    device: String,
    commit: String,
    date: String,
}

fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let turns = if options.quick { 3 } else { options.turns.max(1) };
    let default = if options.quick { "target/peers" } else { "experiments/peers" };
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join(default);
    let out = options.out.unwrap_or(default);
    std::fs::create_dir_all(&out)?;

    let mut rows = Vec::new();
    for (bits, bound) in [("30", 1 << 30), ("30.57", 1_595_600_000), ("31", 1 << 31)] {
        for log_n in 12..=15 {
            let row = measure(bits, bound, 1 << log_n, turns)?;
            println!("{}", line(&row));
            rows.push(row);
        }
    }
    let mut table = csv::Writer::from_path(out.join("transform.csv"))?;
    rows.iter().try_for_each(|row| table.serialize(row))?;
    table.flush()?;
    std::fs::write(out.join("transform.md"), markdown(&rows))?;
    Ok(())
}

fn measure(bits: &'static str, bound: u32, degree: usize, turns: usize) -> Result<Row, Failure> {
    let simd = Simd::detect();
    let p = primes_below(bound, 4 * degree as u32).next().ok_or("no prime for the transform")?;
    let params = Parameters::new_insecure(ParametersLiteral::new(degree, vec![p]))?;
    let ours = params.basis().table(0);
    let theirs = tfhe_ntt::prime32::Plan::try_new(degree, p).ok_or("no plan of tfhe-ntt's")?;
    let values: Vec<u32> = (0..degree as u32).map(|i| i.wrapping_mul(2_654_435_761) % p).collect();
    let (mut a, mut b) = (values.clone(), values);

    let mut times: [Vec<f64>; 4] = Default::default();
    let mut ratios: [Vec<f64>; 2] = Default::default();
    for _ in 0..turns {
        let turn = [
            turn(|| theirs.fwd(&mut a)),
            turn(|| ours.forward_with(simd, &mut b)),
            turn(|| theirs.inv(&mut a)),
            turn(|| ours.inverse_with(simd, &mut b)),
        ];
        times.iter_mut().zip(turn).for_each(|(all, t)| all.push(t));
        ratios.iter_mut().zip([turn[0] / turn[1], turn[2] / turn[3]]).for_each(|(r, x)| r.push(x));
    }
    let [forward_tfhe_ntt, forward, inverse_tfhe_ntt, inverse] = times.map(median);
    let [forward_ratio, inverse_ratio] = ratios.map(median);
    Ok(Row {
        bits,
        degree,
        simd: simd.to_string(),
        forward_tfhe_ntt,
        forward,
        forward_ratio,
        inverse_tfhe_ntt,
        inverse,
        inverse_ratio,
        device: machine::Machine::here().processor,
        commit: stamp::commit(),
        date: stamp::date(),
    })
}

/// The time of one of the transforms that fill a turn, in microseconds.
fn turn(mut transform: impl FnMut()) -> f64 {
    let (clock, mut count) = (Instant::now(), 0);
    while clock.elapsed() < TURN {
        transform();
        count += 1;
    }
    clock.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

/// To three digits after the point.
fn median(of: Vec<f64>) -> f64 {
    (Spread::of(&of).median * 1000.0).round() / 1000.0
}

fn line(row: &Row) -> String {
    format!(
        "| {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
        row.bits,
        row.degree,
        row.forward_tfhe_ntt,
        row.forward,
        row.forward_ratio,
        row.inverse_tfhe_ntt,
        row.inverse,
        row.inverse_ratio
    )
}

fn markdown(rows: &[Row]) -> String {
    let head = "| bits of p | N | forward: tfhe-ntt, µs | ours | ratio | inverse: tfhe-ntt, µs | ours | ratio |\n|---|---|---|---|---|---|---|---|\n";
    let lines: String = rows.iter().map(|row| line(row) + "\n").collect();
    let of = rows
        .first()
        .map(|r| format!("\n{}, {}: commit {}, {}\n", r.device, r.simd, r.commit, r.date));
    format!("{head}{lines}{}", of.unwrap_or_default())
}
