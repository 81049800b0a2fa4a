//! Whether a run repeats what a table says, as far as no clock tells it.

use crate::Failure;
use crate::sweep::Sweep;
use crate::table::{self, Row};
use std::path::Path;

type Column = fn(&Row) -> f64;

/// Columns that are the same in every run.
const EXACT: [(&str, Column); 9] = [
    ("images", |row| row.images as f64),
    ("batches", |row| row.batches as f64),
    ("activations", |row| row.activations as f64),
    ("ring_degree", |row| row.ring_degree as f64),
    ("primes", |row| row.primes as f64),
    ("log2_q", |row| row.log2_q),
    ("multiply_adds", |row| row.multiply_adds as f64),
    ("key_switches", |row| row.key_switches as f64),
    ("clear_accuracy", |row| row.clear_accuracy),
];

/// Columns that depend on noise, and how far they may be apart: of few images, answers are coarse.
const NEAR: [(&str, Column, Column); 3] = [
    ("precision_bits", |row| row.precision_bits, |row| if row.images < 64 { 1.5 } else { 0.3 }),
    ("accuracy", |row| row.accuracy, answers),
    ("agreement", |row| row.agreement, answers),
];

/// Four standard deviations of a difference of shares of which the larger one is nine tenths or more; two answers
/// of a few. Without precision answers are guesses.
fn answers(row: &Row) -> f64 {
    let images = row.images.min(4096) as f64;
    if row.precision_bits < 2.0 { 100.0 } else { 170.0 / images.sqrt() + 200.0 / images }
}

/// What differs between rows and the sweep's table in a folder of folders; where the rows are the `whole` sweep, what
/// the table has beside them, too.
///
/// # Errors
/// Where there is no table.
pub fn differences(
    tables: &Path,
    sweep: &Sweep,
    rows: &[Row],
    whole: bool,
) -> Result<Vec<String>, Failure> {
    let written = table::read(&tables.join(sweep.name))?;
    let whole = whole && !sweep.of_the_machine;
    let same = |a: &Row, b: &Row| a.curve == b.curve && a.x == b.x;
    let mut out = Vec::new();
    for row in rows {
        let name = format!("{}: {} {}", sweep.name, row.curve, row.x);
        match written.iter().find(|other| same(row, other)) {
            Some(other) => out.extend(apart(row, other).map(|what| format!("{name}: {what}"))),
            None if sweep.of_the_machine => {}
            None => out.push(format!("{name}: not in the table")),
        }
    }
    let left = written.iter().filter(|old| whole && !rows.iter().any(|row| same(row, old)));
    out.extend(
        left.map(|old| format!("{}: {} {}: measured no more", sweep.name, old.curve, old.x)),
    );
    Ok(out)
}

/// The columns in which two rows differ.
fn apart<'a>(row: &'a Row, other: &'a Row) -> impl Iterator<Item = String> + 'a {
    let memory: (&str, Column) = ("ciphertext_bytes", |row| row.ciphertext_bytes as f64);
    let memory = (row.device == other.device).then_some(memory);
    let exact = EXACT.into_iter().chain(memory);
    let exact = exact.map(|(name, of)| (name, of(row), of(other), 0.0));
    let near = NEAR.into_iter().map(|(name, of, far)| (name, of(row), of(other), far(other)));
    let unlike = |&(_, found, written, far): &(&str, f64, f64, f64)| (found - written).abs() > far;
    let say = |(name, found, written, _)| format!("{name} is {found}, {written} in the table");
    exact.chain(near).filter(unlike).map(say)
}
