//! A sweep's table, as CSV and as Markdown.

use crate::Failure;
use crate::sweep::Sweep;
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;

/// One point, measured. Before `seconds` stands what every run gives alike.
#[derive(Serialize)]
pub struct Row {
    pub x: f64,
    pub images: usize,
    pub batches: usize,
    pub activations: usize,
    pub ring_degree: usize,
    pub primes: usize,
    pub log2_q: f64,
    /// Of residues, for one slot.
    pub multiply_adds: usize,
    /// For one batch.
    pub key_switches: usize,
    /// The server's, for all images; the median, and the extremes.
    pub seconds: f64,
    pub fastest: f64,
    pub slowest: f64,
    pub images_per_second: f64,
    /// A residue's multiply-add and all that belongs to it.
    pub picoseconds_per_multiply_add: f64,
    /// The client's.
    pub encrypt_seconds: f64,
    pub decrypt_seconds: f64,
    /// −log₂ of the results' error against the clear network, relative to their spread.
    pub precision_bits: f64,
    pub peak_memory_mb: Option<u64>,
    pub device: String,
    pub commit: String,
    pub date: String,
}

/// Writes `curve.csv` and `curve.md`.
pub fn write(folder: &Path, sweep: &Sweep, rows: &[Row]) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_path(folder.join("curve.csv"))?;
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    writer.flush()?;
    Ok(std::fs::write(folder.join("curve.md"), markdown(sweep, rows)?)?)
}

fn markdown(sweep: &Sweep, rows: &[Row]) -> Result<String, Failure> {
    let mut text = format!(
        "| {} | images | N | primes | log2 Q | multiply-adds | key switches | seconds | images/s | ps a multiply-add | bits of precision | peak memory |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
        sweep.unit
    );
    for row in rows {
        let memory = row.peak_memory_mb.map_or("–".into(), |mb| format!("{mb} MB"));
        writeln!(
            text,
            "| {} | {} | {} | {} | {:.1} | {} | {} | {:.3} ({:.3}–{:.3}) | {:.0} | {:.1} | {:.1} | {memory} |",
            row.x,
            row.images,
            row.ring_degree,
            row.primes,
            row.log2_q,
            row.multiply_adds,
            row.key_switches,
            row.seconds,
            row.fastest,
            row.slowest,
            row.images_per_second,
            row.picoseconds_per_multiply_add,
            row.precision_bits,
        )?;
    }
    if let Some(row) = rows.first() {
        writeln!(text, "\n{}; commit {}, {}.", row.device, row.commit, row.date)?;
    }
    Ok(text)
}
