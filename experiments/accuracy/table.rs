//! The table: kept as CSV, shown as Markdown.

use crate::Failure;
use crate::cases::Case;
use serde::{Deserialize, Serialize};
use std::fmt::{self, Write};
use std::path::Path;

/// One row. Accuracies and agreement are in percent, memory in 10⁶ bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub dataset: String,
    pub model: String,
    pub activation: String,
    pub degree: Option<usize>,
    pub clear_images: usize,
    pub clear_accuracy: Option<f64>,
    pub encrypted_images: usize,
    pub encrypted_accuracy: Option<f64>,
    /// Encrypted answers that are those of the same network in the clear.
    pub agreement: Option<f64>,
    /// Squarings one after the other.
    pub depth: Option<usize>,
    pub primes: Option<usize>,
    pub log2_q: Option<f64>,
    pub ring_degree: Option<usize>,
    /// For one batch.
    pub key_switches: Option<usize>,
    /// Of the server.
    pub seconds: Option<f64>,
    /// With keys, encryption and decryption.
    pub seconds_in_all: Option<f64>,
    pub peak_memory_mb: Option<u64>,
    pub device: String,
    pub commit: String,
    pub date: String,
    /// Why columns are empty.
    pub note: String,
}

impl Row {
    /// A row of which nothing is measured.
    pub fn of(case: &Case) -> Self {
        Self {
            dataset: case.dataset.name().into(),
            model: case.model.into(),
            activation: case.activation.name().into(),
            degree: case.activation.degree().map(|degree| degree.power()),
            ..Self::default()
        }
    }

    /// Whether it is the row of a case.
    pub fn is_of(&self, case: &Case) -> bool {
        let other = Self::of(case);
        let key = |row: &Row| {
            let Row { dataset, model, activation, degree, .. } = row.clone();
            (dataset, model, activation, degree)
        };
        key(self) == key(&other)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (clear, encrypted) = (percent(self.clear_accuracy), percent(self.encrypted_accuracy));
        write!(f, "clear {clear} %, encrypted {encrypted} %")?;
        write!(f, ", agreement {} %", percent(self.agreement))?;
        write!(f, ", {} s", number(self.seconds, 1))?;
        if self.note.is_empty() { Ok(()) } else { write!(f, "; {}", self.note) }
    }
}

/// The rows of a file, none if it is not there.
pub fn read(path: &Path) -> Result<Vec<Row>, Failure> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let named = |e: csv::Error| format!("{}: {e}; move it away", path.display());
    let mut reader = csv::Reader::from_path(path).map_err(named)?;
    Ok(reader.deserialize().collect::<Result<_, _>>().map_err(named)?)
}

/// Writes `accuracy.csv` and `accuracy.md`.
pub fn write(folder: &Path, rows: &[Row]) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_path(folder.join("accuracy.csv"))?;
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    writer.flush()?;
    Ok(std::fs::write(folder.join("accuracy.md"), markdown(rows))?)
}

/// The table as Markdown; under it, once each, what was measured when and on what, and the notes.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| data | activation | degree | clear | encrypted | same answers | images encrypted | depth | primes | log2 Q | N | key switches a batch | seconds | peak memory |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut notes: Vec<&str> = Vec::new();
    let mut runs: Vec<String> = Vec::new();
    for row in rows {
        let mut mark = String::new();
        if !row.note.is_empty() {
            let known = notes.iter().position(|note| *note == row.note);
            let place = known.unwrap_or_else(|| {
                notes.push(&row.note);
                notes.len() - 1
            });
            mark = format!(" [{}]", place + 1);
        }
        let run = match row.device.is_empty() {
            true => format!("in the clear: commit {}, {}", row.commit, row.date),
            false => format!("{}: commit {}, {}", row.device, row.commit, row.date),
        };
        if !row.commit.is_empty() && !runs.contains(&run) {
            runs.push(run);
        }
        let images = (row.encrypted_images > 0).then_some(row.encrypted_images);
        let memory = row.peak_memory_mb.filter(|_| images.is_some()).map(|mb| mb as f64 / 1000.0);
        let most = rows.iter().map(|row| row.clear_images).max();
        let fewer = Some(row.clear_images) != most && row.clear_accuracy.is_some();
        let of = if fewer { format!(" of {}", row.clear_images) } else { String::new() };
        let cells = [
            row.dataset.clone(),
            format!("{}{}", row.activation, small(&row.model)),
            whole(row.degree),
            format!("{}{of}", percent(row.clear_accuracy)),
            format!("{}{mark}", percent(row.encrypted_accuracy)),
            percent(row.agreement),
            whole(images),
            whole(row.depth),
            whole(row.primes),
            number(row.log2_q, 1),
            whole(row.ring_degree),
            whole(row.key_switches),
            number(row.seconds, 1),
            number(memory, 2),
        ];
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    text.push_str(
        "\nAccuracies in percent; seconds of the server, for all images; memory in GB.\n",
    );
    for (index, note) in notes.iter().enumerate() {
        let _ = writeln!(text, "\n[{}] {note}", index + 1);
    }
    runs.iter().for_each(|run| {
        let _ = writeln!(text, "\n{run}");
    });
    text
}

/// The quick run's network is another one than the table's.
fn small(model: &str) -> &'static str {
    if model == "cryptonets" { " (cryptonets)" } else { "" }
}

fn percent(value: Option<f64>) -> String {
    number(value, 2)
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".into(), |v| format!("{v:.digits$}"))
}

fn whole(value: Option<usize>) -> String {
    value.map_or("–".into(), |v| v.to_string())
}
