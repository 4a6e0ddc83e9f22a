//! The SQL of the data sharing, warehouse by warehouse.
//!
//! Called by `datashare sql` of the CLI. Must never shorten a statement: people and scripts run it.

use super::style::Styled;
use serde_json::{Value as Json, json};

/// A warehouse, and its statements in order.
type Part = (String, Vec<String>);

/// Writes the statements of every warehouse under a comment that names it.
pub fn script(sql: &[Part]) -> String {
    let part = |(warehouse, lines): &Part| format!("-- {warehouse}\n{}", written(lines));
    sql.iter().map(part).collect::<Vec<_>>().join("\n")
}

/// Writes statements alone.
pub fn statements(sql: &[Part]) -> String {
    sql.iter().map(|(_, lines)| written(lines)).collect()
}

fn written(lines: &[String]) -> String {
    lines.iter().map(|line| Styled::new().text(line).render(false) + "\n").collect()
}

/// Returns the statements as a document of format `rsds.sql/1`.
pub fn json(sql: &[Part]) -> Json {
    let part = |(warehouse, lines): &Part| json!({ "warehouse": warehouse, "sql": lines });
    json!({ "format": "rsds.sql/1", "warehouses": sql.iter().map(part).collect::<Vec<_>>() })
}
