//! One recorded resource, all that the state holds of it.
//!
//! Called by `rsds state show`. Must never shorten a value, nor show the token of a call under way.

use super::{
    state::resource_json,
    style::{Label, Styled, lines},
    value::whole,
};
use crate::{
    address::Address,
    state::{Dependency, Entry, State, Status},
};
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr as _;

/// Writes one resource: what it is, what rsds set, what it offers, what it depends on and what depends on it.
pub fn entry(state: &State, address: &Address, entry: &Entry, color: bool, width: usize) -> String {
    let mut page = vec![(Styled::new().label(Label::Address, address.to_string()), 2)];
    let id = entry.id.as_ref().map_or("none yet", |id| id.as_str());
    let generation = entry.generation.to_string();
    let mut facts = vec![("kind", entry.kind.as_str()), ("status", entry.status.word()), ("id", id)];
    let times = super::state::since(&entry.status);
    facts.extend(super::state::step(&entry.status).map(|step| ("step", step)));
    facts.extend(times.as_deref().map(|since| ("since", since)));
    if let Status::Tainted { why } = &entry.status {
        facts.push(("why", why));
    }
    if entry.generation > 0 {
        facts.push(("generation", &generation));
    }
    page.extend(facts.into_iter().map(|(name, value)| {
        let line = Styled::new().text("  ").label(Label::Dim, format!("{name:<11}"));
        (line.label(Label::Value, value), 6)
    }));
    let outputs = Json::Object(entry.outputs.clone());
    for (title, values) in [("what rsds set", entry.spec.as_ref()), ("outputs", &outputs)] {
        page.push((Styled::new().text("  ").label(Label::Heading, title), 4));
        fields(values, 4, &mut page);
    }
    let needed_by = needed_by(state, address);
    let edge = |edge: &Dependency| match &edge.order_only {
        Some(why) => format!("{} (comes after it: {why})", edge.on),
        None => edge.on.to_string(),
    };
    let lists = [
        ("depends on", entry.depends_on.iter().map(edge).collect()),
        ("needed by", needed_by.iter().map(ToString::to_string).collect::<Vec<_>>()),
        ("predecessors that still exist", entry.deposed.iter().map(|old| old.id.to_string()).collect()),
    ];
    for (title, items) in lists.into_iter().filter(|(_, items)| !items.is_empty()) {
        page.push((Styled::new().text("  ").label(Label::Heading, title), 4));
        page.extend(items.into_iter().map(|item| (Styled::new().text("    ").text(item), 8)));
    }
    lines(page, color, width)
}

/// Writes the fields of a map, one a line; maps within it stand below their name.
fn fields(values: &Json, indent: usize, page: &mut Vec<(Styled, usize)>) {
    let map = values.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let map: Vec<_> = map.collect();
    let widest = map.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    for (name, value) in map {
        let head = Styled::new().text(" ".repeat(indent));
        match value {
            Json::Object(inner) if !inner.is_empty() => {
                page.push((head.label(Label::Dim, format!("{name}:")), indent + 4));
                fields(value, indent + 2, page);
            }
            _ => {
                let head = head.label(Label::Dim, format!("{name}:{} ", " ".repeat(widest - name.width())));
                page.push((head.label(Label::Value, whole(value)), indent + 4));
            }
        }
    }
}

fn needed_by<'a>(state: &'a State, address: &Address) -> Vec<&'a Address> {
    let needs = |entry: &Entry| entry.depends_on.iter().any(|edge| edge.on == *address);
    state.entries.iter().filter(|(_, entry)| needs(entry)).map(|(other, _)| other).collect()
}

/// Returns one resource as a document of format `rsds.resource/1`.
pub fn entry_json(state: &State, address: &Address, entry: &Entry) -> Json {
    let mut document = resource_json(address, entry);
    document["format"] = json!("rsds.resource/1");
    document["needed_by"] = json!(needed_by(state, address));
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_recorded_is_shown() {
        let state = json!({
            "format": 2, "lineage": "l", "serial": 7, "run": null, "project": "airline", "environment": "dev",
            "account": null, "region": null,
            "entries": {
                "producer/role": {
                    "kind": "iam.role", "status": { "is": "ready" }, "id": "airline-dev-producer-r1",
                    "spec": { "name": "airline-dev-producer-r1", "path": null, "tags": { "a": "b c" } },
                    "outputs": { "arn": "arn:aws:iam::1:role/x" }, "generation": 1,
                    "depends_on": [{ "on": "producer/key" }, { "on": "networking/vpc", "order_only": "so that" }],
                    "deposed": [{ "id": "airline-dev-producer", "spec": {}, "depends_on": [] }],
                },
                "producer/namespace": {
                    "kind": "x.y", "status": { "is": "creating", "token": "secret-token", "since": "2026-11-22T10:00:00Z" },
                    "id": null, "spec": {}, "outputs": {}, "depends_on": [{ "on": "producer/role" }],
                },
            },
        });
        let state: State = serde_json::from_value(state).unwrap();
        let shown = |address: &str| {
            let address: Address = address.parse().unwrap();
            entry(&state, &address, &state.entries[&address], false, 80)
        };
        insta::assert_snapshot!(shown("producer/role"), @r#"
        producer/role
          kind       iam.role
          status     ready
          id         airline-dev-producer-r1
          generation 1
          what rsds set
            name: airline-dev-producer-r1
            tags:
              a: "b c"
          outputs
            arn: arn:aws:iam::1:role/x
          depends on
            producer/key
            networking/vpc (comes after it: so that)
          needed by
            producer/namespace
          predecessors that still exist
            airline-dev-producer
        "#);
        assert!(!shown("producer/namespace").contains("secret-token"));
        let address = "producer/role".parse().unwrap();
        let document = entry_json(&state, &address, &state.entries[&address]);
        assert_eq!(document["needed_by"][0], "producer/namespace");
        assert_eq!(document["deposed"][0], "airline-dev-producer");
    }
}
