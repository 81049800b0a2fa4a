//! Tables, for terminals and as Markdown.

use comfy_table::{CellAlignment, LineStyle, TableStyle, presets};
use std::fmt::Write;

/// A line below the header, and nothing else.
const TERMINAL: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table under a title. The first column holds words, the others figures.
pub struct Table {
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// What is to be said below.
    pub note: String,
}

impl Table {
    fn drawn(&self, markdown: bool) -> String {
        let style = if markdown { presets::ASCII_MARKDOWN } else { TERMINAL };
        let mut table = comfy_table::Table::new();
        table.load_style(style).set_header(&self.header).add_rows(&self.rows);
        if self.header.len() > 2 {
            let figures = table.column_iter_mut().skip(1);
            figures.for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        }
        table.trim_fmt()
    }
}

/// For people at a terminal.
pub fn text(tables: &[Table]) -> String {
    let mut out = String::new();
    for table in tables {
        let _ = write!(out, "{}\n\n{}\n", table.title, table.drawn(false));
        if !table.note.is_empty() {
            let _ = writeln!(out, "\n{}", table.note);
        }
        out.push_str("\n\n");
    }
    out.trim_end().to_owned()
}

/// For a page.
pub fn markdown(tables: &[Table]) -> String {
    let mut out = String::new();
    for table in tables {
        let _ = write!(out, "## {}\n\n{}\n\n", table.title, table.drawn(true));
        if !table.note.is_empty() {
            let _ = write!(out, "{}\n\n", table.note);
        }
    }
    out.trim_end().to_owned() + "\n"
}
