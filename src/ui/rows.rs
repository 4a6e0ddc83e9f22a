//! What a database answers: rows under the names of their columns.
//!
//! Called by `sandbox sql` of the CLI. Must never shorten a value.

use super::style::{Label, Styled};
use crate::sandbox::sql::Answer;
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr as _;

/// Writes rows as a table, with their number below; of a statement that answers none, that it is done.
pub fn table(answer: &Answer, color: bool) -> String {
    if answer.columns.is_empty() {
        return "Done.\n".to_owned();
    }
    let names: Vec<String> = answer.columns.iter().map(|(name, _)| name.clone()).collect();
    let rows: Vec<Vec<String>> = answer.rows.iter().map(|row| row.iter().map(|cell| cell.shown()).collect()).collect();
    let width = |at: usize| rows.iter().chain([&names]).map(|row| row[at].width()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let line = |cells: &[String], label: Label| {
        let mut line = Styled::new();
        for (at, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let last = at + 1 == cells.len();
            line = line.label(label, cell);
            line = line.text(if last { String::new() } else { " ".repeat(width - cell.width() + 2) });
        }
        line.render(color) + "\n"
    };
    let count = match rows.len() {
        1 => "(1 row)\n".to_owned(),
        rows => format!("({rows} rows)\n"),
    };
    let rows = rows.iter().map(|row| line(row, Label::Value));
    std::iter::once(line(&names, Label::Heading)).chain(rows).chain([count]).collect()
}

/// Returns rows as a document of format `rsds.rows/1`.
pub fn json(answer: &Answer) -> Json {
    let columns: Vec<Json> = answer.columns.iter().map(|(name, of)| json!({ "name": name, "type": of })).collect();
    json!({ "format": "rsds.rows/1", "columns": columns, "rows": answer.rows })
}
