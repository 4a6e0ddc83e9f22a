//! What runs changed in the state, and what one write changes: for people and scripts.
//!
//! Called by the state commands. Must never leave out an entry.

use super::{
    order::component,
    style::{Label, Styled, lines},
};
use crate::state::{Deed, Doing, History, Ran};
use serde_json::{Value as Json, json};

const fn word(deed: Deed) -> (&'static str, Label) {
    match deed {
        Deed::Created => ("created", Label::Create),
        Deed::Updated => ("updated", Label::Update),
        Deed::Replaced => ("replaced", Label::Replace),
        Deed::Moved => ("moved", Label::Resume),
        Deed::Deleted => ("deleted", Label::Delete),
        Deed::Noted => ("noted", Label::Dim),
    }
}

/// Writes the runs, newest first, each with what it changed and the name of the state before it.
pub fn history(history: &History, place: &str, writes: bool, color: bool, width: usize) -> String {
    let mut page = Vec::new();
    for ran in &history.runs {
        page.push((headline(ran), 4));
        match &ran.changed {
            None => page.push((Styled::new().label(Label::Dim, "  what it changed is no longer known"), 4)),
            Some(doings) => page.extend(by_component(doings, &word).into_iter().map(|line| (line, 12))),
        }
        if let Some(name) = &ran.before {
            let back = Styled::new().label(Label::Dim, "  to go back to before it: ");
            page.push((back.label(Label::Value, format!("rsds state history --restore {name}")), 4));
        }
        page.push((Styled::new(), 0));
    }
    if history.runs.is_empty() {
        page.push((Styled::new().text(format!("Nothing has been written at {place} yet.")), 0));
    }
    let names: Vec<_> = history.writes.iter().map(|(past, serial)| (&past.name, *serial)).collect();
    if let (Some((newest, _)), false) = (names.first(), writes) {
        let more = format!("{} single writes can be gone back to, the newest is {newest}; -v lists them.", names.len());
        page.push((Styled::new().label(Label::Dim, more), 0));
    }
    if writes && !names.is_empty() {
        page.push((Styled::new().label(Label::Heading, "Single writes that can be gone back to"), 0));
        let line = |(name, serial): (&String, u64)| (Styled::new().text(format!("  {name}  serial {serial}")), 4);
        page.extend(names.into_iter().map(line));
    }
    let damaged = history.damaged.iter().map(|(name, why)| format!("{name} cannot be read: {why}"));
    page.extend(damaged.map(|text| (Styled::new().label(Label::Warning, "! ").text(text), 2)));
    lines(page, color, width)
}

fn headline(ran: &Ran) -> Styled {
    let line = Styled::new().label(Label::Heading, format!("serial {}", ran.serial));
    match &ran.run {
        None => line.text(ran.until.map_or_else(String::new, |at| format!(" · {at:.0}"))).text(" · by nobody known"),
        Some(run) => {
            let line = line.text(format!(" · {:.0} · {}@{} · ", run.since, run.who, run.host));
            let line = line.label(Label::Value, format!("`{}`", run.command));
            run.url.as_ref().map_or(line.clone(), |url| line.text(format!(" · {url}")))
        }
    }
}

/// Writes what a write makes of the entries of the state, one a line; in AWS it changes nothing.
pub fn edits(doings: &[Doing], color: bool, width: usize) -> String {
    let word = |deed| match deed {
        Deed::Created => ("recorded", Label::Create),
        Deed::Deleted => ("forgotten", Label::Delete),
        other => word(other),
    };
    lines(by_component(doings, &word).into_iter().map(|line| (line, 12)), color, width)
}

fn by_component(doings: &[Doing], word: &dyn Fn(Deed) -> (&'static str, Label)) -> Vec<Styled> {
    let mut sorted: Vec<&Doing> = doings.iter().collect();
    sorted.sort_by_key(|doing| (doing.deed == Deed::Noted, component(doing.address.component())));
    sorted.into_iter().map(|doing| line(doing, word(doing.deed))).collect()
}

fn line(Doing { address, deed, details, id }: &Doing, (word, label): (&str, Label)) -> Styled {
    let line = Styled::new().text("  ").label(label, format!("{word:<9}")).text(" ");
    let line = line.label(Label::Address, address.to_string());
    let line = match (deed, id) {
        (Deed::Created | Deed::Deleted, Some(id)) => line.text(" ").label(Label::Value, id.as_str()),
        _ => line,
    };
    if details.is_empty() { line } else { line.text(format!(" ({})", details.join(", "))) }
}

/// Returns the runs as a document of format `rsds.state_history/1`.
pub fn history_json(history: &History, place: &str) -> Json {
    let run = |ran: &Ran| {
        json!({
            "serial": ran.serial,
            "run": ran.run,
            "until": ran.until,
            "restore": ran.before,
            "changed": ran.changed.as_ref().map(|doings| doings_json(doings)),
        })
    };
    let write =
        |(past, serial): &(crate::state::Past, u64)| json!({ "name": past.name, "at": past.at, "serial": serial });
    let damaged = |(name, why): &(String, String)| json!({ "name": name, "why": why });
    json!({
        "format": "rsds.state_history/1",
        "place": place,
        "runs": history.runs.iter().map(run).collect::<Vec<_>>(),
        "writes": history.writes.iter().map(write).collect::<Vec<_>>(),
        "damaged": history.damaged.iter().map(damaged).collect::<Vec<_>>(),
    })
}

/// Returns what became of entries as a list.
pub fn doings_json(doings: &[Doing]) -> Json {
    let one = |Doing { address, deed, details, id }: &Doing| json!({ "address": address, "deed": word(*deed).0, "details": details, "id": id });
    doings.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Run;

    #[test]
    fn runs_come_with_what_they_changed_and_the_way_back() {
        let doing = |address: &str, deed, details: &[&str]| Doing {
            address: address.parse().unwrap(),
            deed,
            details: details.iter().map(|&text| text.to_owned()).collect(),
            id: Some(crate::kind::Id("vpc-1".to_owned())),
        };
        let run = Run {
            who: "ann".into(),
            host: "laptop".into(),
            pid: 7,
            command: "rsds apply".into(),
            since: "2026-11-22T10:00:00Z".parse().unwrap(),
            url: None,
        };
        let changed = vec![
            doing("networking/vpc", Deed::Noted, &["creating → ready"]),
            doing("networking/vpc", Deed::Created, &[]),
            doing("nlb/listener-5439", Deed::Updated, &["port"]),
        ];
        let latest =
            Ran { run: Some(run), until: None, serial: 9, changed: Some(changed), before: Some("run-3.json".into()) };
        let first = Ran { run: None, until: None, serial: 2, changed: None, before: None };
        let told = History { runs: vec![latest, first], writes: Vec::new(), damaged: Vec::new() };
        insta::assert_snapshot!(history(&told, "x", false, false, 100), @r"
        serial 9 · 2026-11-22T10:00:00Z · ann@laptop · `rsds apply`
          created   networking/vpc vpc-1
          updated   nlb/listener-5439 (port)
          noted     networking/vpc (creating → ready)
          to go back to before it: rsds state history --restore run-3.json

        serial 2 · by nobody known
          what it changed is no longer known
        ");
        let document = history_json(&told, "x");
        assert_eq!(document["runs"][0]["changed"][0]["deed"], "noted");
        assert_eq!(document["runs"][0]["restore"], "run-3.json");
    }
}
