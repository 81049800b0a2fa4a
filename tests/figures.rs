//! Every figure of the README and of the report is in a committed results file, or says whose it is.
//!
//! A page ends its figures with a comment that no reader sees:
//!
//! ```text
//! <!-- figures
//! 99.50 % = experiments/results/a.json medians.accuracy * 100
//! 99.53 % = experiments/accuracy/accuracy.csv model=cryptonets clear_accuracy
//! 1,998 images/s from Boemer et al., ePrint 2019/947
//! -->
//! ```
//!
//! A figure is a number with one of the [`UNITS`] after it. Each one on the page is in the comment, and is
//! what the file says, rounded to the digits that are shown.

use std::fs;
use std::path::Path;

/// What makes a number a figure.
const UNITS: [&str; 6] = ["%", "images/s", "GB", "MB", "kB", "times"];

const PAGES: [&str; 2] = ["README.md", "experiments/README.md"];

fn read(path: &str) -> Result<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))
}

/// A page without its comments, and the lines of its lists of figures.
fn parts(page: &str) -> (String, Vec<String>) {
    let (mut text, mut list) = (String::new(), Vec::new());
    for (i, part) in page.split("<!--").enumerate() {
        let (comment, rest) =
            if i == 0 { ("", part) } else { part.split_once("-->").unwrap_or((part, "")) };
        text.push_str(rest);
        if let Some(lines) = comment.trim_start().strip_prefix("figures") {
            list.extend(lines.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()));
        }
    }
    (text, list)
}

/// The figures of a text, as they are written: `99.50 %`.
fn figures(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |word: &str| {
        let word = word.trim_start_matches(['(', '*', '~', '+', '−']);
        let plain =
            !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || ".,".contains(c));
        (plain && word.starts_with(|c: char| c.is_ascii_digit())).then(|| word.to_owned())
    };
    let unit = |word: &str| {
        let word = word.trim_end_matches([')', '*', ',', ';', ':', '.', '|']);
        UNITS.into_iter().find(|&unit| unit == word)
    };
    let pair = |pair: &[&str]| Some(format!("{} {}", number(pair[0])?, unit(pair[1])?));
    words.windows(2).filter_map(pair).collect()
}

/// What a line of the list says of its figure; nothing where it is somebody else's.
fn value(source: &str) -> Result<f64, String> {
    let bad = |what: &str| format!("{what} in \"{source}\"");
    let mut words: Vec<&str> = source.split_whitespace().collect();
    let mut factor = 1.0;
    if let [.., sign @ ("*" | "/"), number] = words[..] {
        let number: f64 = number.parse().map_err(|_| bad("no number at the end"))?;
        factor = if sign == "*" { number } else { 1.0 / number };
        words.truncate(words.len() - 2);
    }
    let (Some(&file), Some(&key)) = (words.first(), words.last()) else {
        return Err(bad("no file"));
    };
    let text = read(file)?;
    let found = if file.ends_with(".csv") {
        cell(&text, &words[1..words.len() - 1], key).ok_or_else(|| bad("no one row and column"))?
    } else {
        let json: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| format!("{file}: {e}"))?;
        let step = |at: &serde_json::Value, key: &str| match key.parse::<usize>() {
            Ok(index) => at.get(index).cloned(),
            Err(_) => at.get(key).cloned(),
        };
        let found = key.split('.').try_fold(json, |at, key| step(&at, key));
        found.and_then(|v| v.as_f64()).ok_or_else(|| bad("no such number"))?
    };
    Ok(found * factor)
}

/// The value in the column `key` of the one row where each `name=value` holds.
fn cell(text: &str, selects: &[&str], key: &str) -> Option<f64> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().ok()?.clone();
    let column = |name: &str| head.iter().position(|h| h == name);
    let holds = |row: &csv::StringRecord| {
        selects.iter().all(|select| {
            let parts = select.split_once('=');
            parts.is_some_and(|(name, value)| column(name).and_then(|c| row.get(c)) == Some(value))
        })
    };
    let rows: Vec<_> = reader.records().filter_map(Result::ok).filter(holds).collect();
    let [row] = &rows[..] else { return None };
    row.get(column(key)?)?.parse().ok()
}

/// Whether a value rounds to what is written: to its last decimal, or its last digit that is not 0.
fn rounds_to(value: f64, figure: &str) -> bool {
    let written = figure.split_whitespace().next().unwrap_or_default().replace(',', "");
    let unit = match written.split_once('.') {
        Some((_, decimals)) => 10f64.powi(-(decimals.len() as i32)),
        None => 10f64.powi((written.len() - written.trim_end_matches('0').len()) as i32),
    };
    written.parse::<f64>().is_ok_and(|w| (value - w).abs() <= 0.5 * unit * (1.0 + 1e-9))
}

/// What is wrong with a page.
fn complaints(page: &str) -> Vec<String> {
    let (text, list) = parts(page);
    let shown = figures(&text);
    let mut wrong = Vec::new();
    let mut known = Vec::new();
    for line in &list {
        if let Some((figure, _)) = line.split_once(" from ") {
            known.push(figure.to_owned());
            continue;
        }
        let Some((figure, source)) = line.split_once(" = ") else {
            wrong.push(format!("\"{line}\" has neither a file nor an author"));
            continue;
        };
        match value(source) {
            Ok(value) if !rounds_to(value, figure) => {
                wrong.push(format!("{figure}, but {source} is {value}"))
            }
            Ok(_) => known.push(figure.to_owned()),
            Err(e) => wrong.push(e),
        }
    }
    wrong.extend(
        known
            .iter()
            .filter(|f| !shown.contains(f))
            .map(|f| format!("{f} is listed, and not on the page")),
    );
    wrong.extend(shown.iter().filter(|f| !known.contains(f)).map(|f| format!("{f} has no source")));
    wrong
}

#[test]
fn every_figure_has_its_source() {
    for page in PAGES {
        let text = read(page).unwrap();
        assert!(figures(&text).len() > 10, "{page}: where are the figures?");
        let wrong = complaints(&text);
        assert!(wrong.is_empty(), "{page}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn wrong_ones_are_caught() {
    const SOURCE: &str = "experiments/results/cryptonets-cpu-2-cores.json";
    let page =
        |shown: &str, line: &str| format!("| **{shown}** | 1 |\n<!-- figures\n{line}\n-->\n");
    let accuracy = format!("{SOURCE} medians.accuracy * 100");
    let right = value(&accuracy).unwrap();
    let (right, other) = (format!("{right:.2} %"), format!("{:.2} %", right - 0.01));
    assert_eq!(complaints(&page(&right, &format!("{right} = {accuracy}"))), [""; 0]);
    // Another number, a number that is not listed, a key and a file that are not there, nobody's.
    for (shown, line) in [
        (&other, format!("{other} = {accuracy}")),
        (&other, format!("{right} = {accuracy}")),
        (&right, format!("{right} = {SOURCE} medians.precision * 100")),
        (&right, format!("{right} = experiments/results/none.json medians.accuracy")),
        (&right, right.clone()),
    ] {
        assert!(!complaints(&page(shown, &line)).is_empty(), "{line}");
    }
}

#[test]
fn rounding_is_to_what_is_shown() {
    assert!(rounds_to(72_856.3, "72,900 images/s") && !rounds_to(72_840.0, "72,900 images/s"));
    assert!(rounds_to(0.266, "0.27 GB") && !rounds_to(0.264, "0.27 GB"));
    assert!(rounds_to(893.4, "893 images/s") && !rounds_to(893.6, "893 images/s"));
}
