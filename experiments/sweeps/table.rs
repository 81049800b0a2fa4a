//! A sweep's table, as CSV and as Markdown.

use crate::Failure;
use crate::sweep::Sweep;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};
use std::path::Path;

/// One point, measured. Accuracies are in percent. What comes before `precision_bits` is the same in every
/// run, what comes before `seconds` nearly (noise is drawn anew), and clocks tell the rest.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The curve, where there are several.
    pub curve: String,
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
    /// Of one batch on the device, at the most; the same on the same device.
    pub ciphertext_bytes: u64,
    /// Of the network in the clear, on the images of one batch.
    pub clear_accuracy: f64,
    /// −log₂ of the results' error against the clear network, relative to their spread.
    pub precision_bits: f64,
    pub accuracy: f64,
    /// Encrypted answers that are those of the network in the clear.
    pub agreement: f64,
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
    pub peak_memory_mb: Option<u64>,
    pub device: String,
    pub commit: String,
    pub date: String,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { curve, x, seconds, images_per_second, agreement, .. } = self;
        let comma = if curve.is_empty() { "" } else { ", " };
        write!(f, "{curve}{comma}{x}: {seconds:.3} s, {images_per_second:.0} images/s, ")?;
        write!(f, "{agreement:.2} % of the clear network's answers")
    }
}

/// Writes `table.csv` and `table.md`.
///
/// # Errors
/// Where the folder does not take them.
pub fn write(folder: &Path, sweep: &Sweep, rows: &[Row]) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_path(folder.join("table.csv"))?;
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    writer.flush()?;
    Ok(std::fs::write(folder.join("table.md"), markdown(sweep, rows)?)?)
}

/// Reads `table.csv`.
///
/// # Errors
/// Where there is none, or it has other columns.
pub fn read(folder: &Path) -> Result<Vec<Row>, Failure> {
    let path = folder.join("table.csv");
    let named = |e: csv::Error| format!("{}: {e}", path.display());
    let mut reader = csv::Reader::from_path(&path).map_err(named)?;
    Ok(reader.deserialize().collect::<Result<_, _>>().map_err(named)?)
}

fn markdown(sweep: &Sweep, rows: &[Row]) -> Result<String, Failure> {
    let curves = rows.iter().any(|row| !row.curve.is_empty());
    let mut text = format!(
        "| {}{} | images | N | primes | log2 Q | multiply-adds | key switches | seconds | images/s | ps a multiply-add | bits of precision | right (in the clear) | same answers | ciphertexts | peak memory |\n",
        if curves { "curve | " } else { "" },
        sweep.unit
    );
    writeln!(text, "|{}", "---|".repeat(15 + usize::from(curves)))?;
    for row in rows {
        let memory = row.peak_memory_mb.map_or("–".into(), |mb| format!("{mb} MB"));
        if curves {
            write!(text, "| {} ", row.curve)?;
        }
        writeln!(
            text,
            "| {} | {} | {} | {} | {:.1} | {} | {} | {:.3} ({:.3}–{:.3}) | {:.0} | {:.1} | {:.1} | {:.2} % ({:.2} %) | {:.2} % | {:.0} MB | {memory} |",
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
            row.accuracy,
            row.clear_accuracy,
            row.agreement,
            row.ciphertext_bytes as f64 / 1e6,
        )?;
    }
    let mut runs: Vec<String> = Vec::new();
    for row in rows {
        let run = format!("{}; commit {}, {}.", row.device, row.commit, row.date);
        if !runs.contains(&run) {
            writeln!(text, "\n{run}")?;
            runs.push(run);
        }
    }
    Ok(text)
}
