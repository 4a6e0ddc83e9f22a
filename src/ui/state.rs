//! The state for people and scripts: as a tree, as a list, as JSON.
//!
//! Called by `show` and `state` of the CLI. Must never show more than the state holds: secrets are not in it, and
//! the tokens of calls under way stay out.

use super::{
    order::{by_component, pieces},
    style::{Label, Styled, lines},
    value::compact,
    words,
};
use crate::{
    address::Address,
    kind::Step,
    state::{Entry, State, Status},
};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// Writes the state as a tree: components, their resources with kind, status and id, and the outputs of each.
pub fn show(state: &State, color: bool, width: usize) -> String {
    let width = width.max(40);
    let title = Styled::new().label(Label::Heading, format!("{} {}", state.project, state.environment));
    let place = [state.account.as_ref().map(|a| format!("account {a}")), state.region.clone()];
    let serial = format!("serial {}", state.serial);
    let facts = place.into_iter().flatten().chain([words::count(state.entries.len(), "resource"), serial]);
    let mut page = vec![(facts.fold(title, |line, fact| line.text(" · ").text(fact)), 2)];
    for (component, entries) in sorted(state) {
        page.push((Styled::new(), 0));
        page.push((Styled::new().label(Label::Heading, component), 0));
        for (address, entry) in entries {
            page.push((headline(address, entry), 6));
            page.extend(outputs(entry, width).into_iter().map(|line| (line, 8)));
            for old in &entry.deposed {
                let line = Styled::new().text("      predecessor ").text(old.id.as_str()).text(" still exists");
                page.push((line, 8));
            }
        }
    }
    lines(page, color, width)
}

/// Writes the addresses, one a line, in the order of `show`.
pub fn list(state: &State) -> String {
    let mut out = String::new();
    for (address, _) in sorted(state).into_iter().flat_map(|(_, entries)| entries) {
        writeln!(out, "{address}").unwrap_or_default();
    }
    out
}

/// Returns the state as a document of format `rsds.state/1`.
pub fn show_json(state: &State) -> Json {
    let resources = sorted(state).into_iter().flat_map(|(_, entries)| entries);
    let resources = resources.map(|(address, entry)| resource_json(address, entry));
    json!({
        "format": "rsds.state/1",
        "project": state.project,
        "environment": state.environment,
        "account": state.account,
        "region": state.region,
        "lineage": state.lineage,
        "serial": state.serial,
        "resources": resources.collect::<Vec<_>>(),
    })
}

/// Returns one resource as it stands in the document of the whole.
pub(super) fn resource_json(address: &Address, entry: &Entry) -> Json {
    json!({
        "address": address,
        "kind": entry.kind,
        "status": entry.status.word(),
        "since": since(&entry.status),
        "step": step(&entry.status),
        "why": match &entry.status { Status::Tainted { why } => Some(why), _ => None },
        "id": entry.id,
        "spec": entry.spec,
        "outputs": entry.outputs,
        "depends_on": entry.depends_on,
        "generation": entry.generation,
        "deposed": entry.deposed.iter().map(|old| &old.id).collect::<Vec<_>>(),
    })
}

/// Returns the addresses as a document of format `rsds.addresses/1`.
pub fn list_json(state: &State) -> Json {
    let addresses = sorted(state).into_iter().flat_map(|(_, entries)| entries).map(|(address, _)| address);
    json!({ "format": "rsds.addresses/1", "addresses": addresses.collect::<Vec<_>>() })
}

type Group<'a> = (&'a str, Vec<(&'a Address, &'a Entry)>);

fn sorted(state: &State) -> Vec<Group<'_>> {
    let mut groups = by_component(state.entries.iter());
    for (_, entries) in &mut groups {
        entries.sort_by_cached_key(|(address, _)| pieces(address.resource()));
    }
    groups
}

fn headline(address: &Address, entry: &Entry) -> Styled {
    let label = match entry.status {
        Status::Ready => Label::Create,
        Status::Creating { .. } | Status::Updating { .. } => Label::Update,
        Status::Deleting { .. } | Status::Tainted { .. } => Label::Delete,
    };
    let line = Styled::new()
        .text("  ")
        .label(Label::Address, address.to_string())
        .label(Label::Dim, format!(" ({})", entry.kind))
        .text(" ")
        .label(label, entry.status.word());
    let line = match &entry.id {
        Some(id) => line.text(" ").label(Label::Value, id.as_str()),
        None => line,
    };
    let details = [
        step(&entry.status).map(|step| format!("at {step}")),
        since(&entry.status).map(|since| format!("since {since}")),
        match &entry.status {
            Status::Tainted { why } => Some(why.clone()),
            _ => None,
        },
    ];
    details.into_iter().flatten().fold(line, |line, detail| line.text(" · ").text(detail))
}

fn outputs(entry: &Entry, width: usize) -> Vec<Styled> {
    let id = entry.id.as_ref().map(|id| Json::from(id.as_str()));
    // The id stands in the headline already.
    let shown = entry.outputs.iter().filter(|(_, value)| !value.is_null() && Some(*value) != id.as_ref());
    let shown: Vec<_> = shown.collect();
    let widest = shown.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    let line = |(name, value): &(&String, &Json)| {
        let room = width.saturating_sub(widest + 8).max(20);
        let pad = " ".repeat(widest - name.width());
        Styled::new()
            .text("      ")
            .label(Label::Dim, format!("{name}: {pad}"))
            .label(Label::Value, compact(value, room))
    };
    shown.iter().map(line).collect()
}

pub(super) fn step(status: &Status) -> Option<&str> {
    match status {
        Status::Creating { step, .. } | Status::Updating { step, .. } => step.as_deref(),
        Status::Deleting { step, .. } => step.as_ref().map(|Step { name, .. }| name.as_str()),
        Status::Ready | Status::Tainted { .. } => None,
    }
}

pub(super) fn since(status: &Status) -> Option<String> {
    match status {
        Status::Creating { since, .. } | Status::Updating { since, .. } | Status::Deleting { since, .. } => {
            Some(since.to_string())
        }
        Status::Ready | Status::Tainted { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let entry = |status: Json, id: Json, outputs: Json| json!({ "kind": "ec2.vpc", "status": status, "id": id, "spec": {}, "outputs": outputs, "depends_on": [] });
        let ready = json!({ "is": "ready" });
        let creating = json!({ "is": "creating", "token": "secret-token", "since": "2026-11-22T10:00:00Z" });
        let tainted = json!({ "is": "tainted", "why": "no capacity" });
        let endpoint = json!({ "address": "wg.example.com", "addresses": ["10.0.0.1", "10.0.0.2"], "port": null });
        let state = json!({
            "format": 1, "lineage": "l", "serial": 7, "project": "airline", "environment": "dev",
            "account": "123456789012", "region": "us-west-2",
            "entries": {
                "consumer-a-10/workgroup": entry(tainted, json!("wg-10"), json!({})),
                "consumer-a-2/workgroup": entry(ready.clone(), json!("wg-2"), endpoint),
                "networking/subnet-1": entry(creating, Json::Null, json!({})),
                "networking/vpc": entry(ready, json!("vpc-1"), json!({ "id": "vpc-1" })),
            },
        });
        serde_json::from_value(state).unwrap()
    }

    #[test]
    fn the_tree_shows_what_is_there() {
        insta::assert_snapshot!(show(&state(), false, 80), @r"
        airline dev · account 123456789012 · us-west-2 · 4 resources · serial 7

        networking
          networking/subnet-1 (ec2.vpc) creating · since 2026-11-22T10:00:00Z
          networking/vpc (ec2.vpc) ready vpc-1

        consumer-a-2
          consumer-a-2/workgroup (ec2.vpc) ready wg-2
              address:   wg.example.com
              addresses: [10.0.0.1, 10.0.0.2]

        consumer-a-10
          consumer-a-10/workgroup (ec2.vpc) tainted wg-10 · no capacity
        ");
    }

    #[test]
    fn lists_keep_the_order_of_the_tree() {
        let listed = list(&state());
        assert_eq!(listed, "networking/subnet-1\nnetworking/vpc\nconsumer-a-2/workgroup\nconsumer-a-10/workgroup\n");
        assert_eq!(list_json(&state())["addresses"][3], "consumer-a-10/workgroup");
    }

    #[test]
    fn json_has_status_and_no_tokens() {
        let json = show_json(&state());
        assert_eq!(json["resources"][0]["status"], "creating");
        assert_eq!(json["resources"][0]["since"], "2026-11-22T10:00:00Z");
        assert_eq!(json["resources"][3]["why"], "no capacity");
        assert!(!json.to_string().contains("secret-token"));
    }
}
