//! The snapshots of an estate, warehouse by warehouse.
//!
//! Called by `rsds snapshot`. Must never shorten a name: people restore by it.

use super::{
    style::{Label, Styled},
    words::count,
};
use crate::aws::snapshots::Snapshot;
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr as _;

/// A warehouse, and its snapshots.
pub type Part = (String, Vec<Snapshot>);

/// Writes snapshots as a table.
pub fn table(all: &[Part], color: bool) -> String {
    let width = |of: fn(&Snapshot) -> usize| all.iter().flat_map(|(_, its)| its).map(of).max().unwrap_or_default();
    let (names, states) = (width(|one| one.name.width()), width(|one| one.status.width()));
    let mut out = String::new();
    for (warehouse, snapshots) in all {
        out.push_str(&(Styled::new().label(Label::Address, warehouse).render(color) + "\n"));
        if snapshots.is_empty() {
            out.push_str("  none\n");
        }
        for one in snapshots {
            let kept = match (one.automated, one.days) {
                (true, _) if one.point => "recovery point, kept 1 day".to_owned(),
                (true, _) => "automated".to_owned(),
                (false, Some(days)) => format!("kept {}", count(usize::try_from(days).unwrap_or_default(), "day")),
                (false, None) => "kept for ever".to_owned(),
            };
            let line = Styled::new().text("  ").label(Label::Value, format!("{:names$}", one.name));
            let line = line.text(format!("  {:states$}  {}  {kept}", one.status, one.created));
            out.push_str(&(line.render(color) + "\n"));
        }
    }
    out
}

/// Returns snapshots as a document of format `rsds.snapshots/1`.
pub fn json(all: &[Part]) -> Json {
    let one = |of: &str, one: &Snapshot| {
        let Snapshot { name, status, created, days, automated, point } = one;
        json!({ "warehouse": of, "name": name, "status": status, "created": created, "retention_days": days, "automated": automated, "recovery_point": point })
    };
    let all: Vec<Json> = all.iter().flat_map(|(of, its)| its.iter().map(move |it| one(of, it))).collect();
    json!({ "format": "rsds.snapshots/1", "snapshots": all })
}
