//! Drift as people and scripts read it: what rsds set, what AWS has, what the TOML says, and so what the next apply does.
//!
//! Called by the views of the status and of `plan --refresh-only`, so that both speak alike. Must never shorten a value
//! that drifted.

use super::{
    plan::from,
    style::{Label, Styled},
    value::whole,
};
use crate::{
    address::Address,
    kind::{After, Tags},
    plan::{Drift, Fate, FieldDrift, Presence, Rating},
};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr as _;

/// Columns before a field, and before what is said of it.
const INDENT: usize = 6;
const DEEPER: usize = 10;
/// The most columns of a value that stands in a sentence; longer ones are taken apart.
const SENTENCE: usize = 48;

/// Finds the place of a TOML key, or of the closest of the tables around it.
pub(super) type PlaceOf<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Lines, each with the columns by which it hangs when it is broken.
type Page = Vec<(Styled, usize)>;

/// Says how bad it is.
pub(super) const fn rated(rating: Rating) -> (&'static str, Label) {
    match rating {
        Rating::Harmless => ("harmless", Label::Dim),
        Rating::Reverted => ("would be reverted", Label::Update),
        Rating::Security => ("security", Label::Error),
        Rating::DataLost => ("data lost", Label::Error),
    }
}

/// Says what the next apply does.
const fn done(fate: &Fate) -> &'static str {
    match fate {
        Fate::Reverted => "the next apply sets it back",
        Fate::Changed => "the next apply sets what the TOML says",
        Fate::Replaced => "the next apply replaces the resource to have it as the TOML says",
        Fate::Kept => "left alone: ignore_changes",
        Fate::Ignored => "left alone in this run: --ignore",
        Fate::Wanted => "it is what the TOML wants now: nothing will change",
        Fate::AwsDecides => "the TOML leaves it to AWS: nothing will change",
        Fate::Recorded => "AWS moved it: the record follows",
        Fate::Deleted => "the TOML no longer has the resource: the next apply deletes it",
        Fate::Created => "the next apply makes it anew",
        Fate::Forgotten => "the TOML no longer has it: its record is dropped",
        Fate::Lost => "rsds does not make anew what held data: rsds plan says what can be done",
        Fate::Refused => "it is not this environment's: rsds leaves it alone, and makes nothing beside it",
        Fate::Theirs => "rsds did not make it, and leaves it alone: take it away by hand, or put it into the TOML",
        Fate::Unknown => "there is no plan, so nobody knows what the next apply does",
    }
}

fn name(field: &FieldDrift) -> String {
    match &field.key {
        Some(key) => format!("{}.{key}", field.field),
        None => field.field.clone(),
    }
}

/// Writes what became of one resource, below the line that names it.
pub(super) fn lines(address: &Address, drift: &Drift, place: PlaceOf<'_>) -> Page {
    let mut page = Page::new();
    let deeper = |text: String| (Styled::new().text(" ".repeat(DEEPER)).text(text), DEEPER + 2);
    if let Some(fate) = &drift.fate {
        let (word, label) = rated(drift.rating);
        let what = match &drift.presence {
            Presence::There => "there".to_owned(),
            Presence::Gone => "gone from AWS".to_owned(),
            Presence::Another { id, tags } => format!("gone from AWS, and {id} has its name ({})", shown(tags)),
        };
        page.push((Styled::new().text(" ".repeat(INDENT)).text(what).text(": ").label(label, word), DEEPER));
        page.push(deeper(done(fate).to_owned()));
        if let Presence::Another { id, .. } = &drift.presence {
            page.push(deeper(format!("to take it over: rsds import {address} {id}")));
        }
        if !drift.needed_by.is_empty() {
            let needing: Vec<String> = drift.needed_by.iter().map(ToString::to_string).collect();
            page.push(deeper(format!("it is needed by {}", needing.join(", "))));
        }
    }
    for field in &drift.fields {
        let (word, label) = rated(field.rating);
        page.push((Styled::new().text(" ".repeat(INDENT)).text(name(field)).text(": ").label(label, word), DEEPER));
        page.extend(values(field, place).into_iter().map(deeper));
        if !field.impact.is_empty() {
            let line = Styled::new().text(" ".repeat(DEEPER)).label(Label::Warning, format!("! {}", field.impact));
            page.push((line, DEEPER + 2));
        }
    }
    page
}

/// The tags of something that is not ours.
fn shown(tags: &Tags) -> String {
    let all: Vec<String> = tags.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    if all.is_empty() { "no tags".to_owned() } else { format!("tags: {}", all.join(", ")) }
}

/// The three values of a field and what follows from them.
fn values(field: &FieldDrift, place: PlaceOf<'_>) -> Vec<String> {
    let (state, live) = (whole(&field.state), whole(&field.live));
    // What others have put there: nobody else has a word in it.
    if field.state.is_null() && field.config.is_none() && matches!(field.fate, Fate::Theirs | Fate::Ignored) {
        return vec![format!("AWS has {live}"), done(&field.fate).to_owned()];
    }
    let set = if field.fate == Fate::Recorded { "was" } else { "rsds set" };
    let says = said(field, place).map(|says| format!(", {says}")).unwrap_or_default();
    if state.width().max(live.width()) <= SENTENCE {
        return vec![format!("{set} {state}, AWS has {live}{says}: {}", done(&field.fate))];
    }
    let mut out = Vec::new();
    apart("", &field.state, &field.live, &mut |path, state, live| {
        let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
        out.push(format!("{path}{set} {state}, AWS has {live}"));
    });
    out.push(format!("{}: {}", says.trim_start_matches(", "), done(&field.fate)).trim_start_matches(": ").to_owned());
    out
}

/// What the TOML says; nothing where that is not the point.
fn said(field: &FieldDrift, place: PlaceOf<'_>) -> Option<String> {
    let at = field.origin.as_deref().and_then(place).map(|place| format!(" ({place})")).unwrap_or_default();
    let value = match field.config.as_ref()? {
        After::From(refs) => from(refs, true),
        After::Known(value) if whole(value).width() <= SENTENCE => whole(value),
        After::Known(value) if *value == field.state => "what rsds set".to_owned(),
        After::Known(value) if *value == field.live => "what AWS has".to_owned(),
        After::Known(value) => whole(value),
    };
    Some(format!("the TOML says {value}{at}"))
}

/// Goes down to what differs within two values.
fn apart(path: &str, state: &Json, live: &Json, tell: &mut impl FnMut(&str, String, String)) {
    match (state, live) {
        (Json::Object(was), Json::Object(is)) => {
            let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            for key in keys.into_iter().filter(|key| state[*key] != live[*key]) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                apart(&path, &state[key], &live[key], tell);
            }
        }
        (Json::Array(was), Json::Array(is)) if was.len() == is.len() && !was.iter().any(|item| is.contains(item)) => {
            let alone = was.len() == 1;
            for (at, (was, is)) in was.iter().zip(is).enumerate() {
                let path = if alone { path.to_owned() } else { format!("{path}[{at}]") };
                apart(&path, was, is, tell);
            }
        }
        (Json::Array(was), Json::Array(is)) => {
            for item in was.iter().filter(|item| !is.contains(item)) {
                tell(path, whole(item), "it not".to_owned());
            }
            for item in is.iter().filter(|item| !was.contains(item)) {
                tell(path, "nothing".to_owned(), format!("{} besides", whole(item)));
            }
        }
        _ => tell(path, whole(state), whole(live)),
    }
}

/// Says in a line each what became of a resource, for a place where its name stands already.
pub(super) fn brief(drift: &Drift) -> Vec<String> {
    let (word, _) = rated(drift.rating);
    let gone = match &drift.presence {
        Presence::Another { id, tags } => format!("gone from AWS, and {id} has its name ({})", shown(tags)),
        Presence::There | Presence::Gone => "gone from AWS".to_owned(),
    };
    let presence = drift.fate.as_ref().map(|fate| format!("{gone} ({word}): {}", done(fate)));
    let fields = drift.fields.iter().map(|field| {
        let (word, _) = rated(field.rating);
        format!("{} ({word}): {}", name(field), values(field, &|_| None).join("; "))
    });
    presence.into_iter().chain(fields).collect()
}

/// The same for scripts.
pub(super) fn json_of(address: &Address, drift: &Drift, place: PlaceOf<'_>) -> Json {
    let field = |field: &FieldDrift| {
        let mut json = json!({
            "field": field.field,
            "key": field.key,
            "is": field.live,
            "set": field.state,
            "fate": field.fate,
            "rating": field.rating,
            "counts": field.counts(),
            "impact": field.impact,
            "origin": field.origin.as_deref().map(|key| json!({ "key": key, "at": place(key) })),
        });
        match &field.config {
            Some(After::Known(value)) => json["wanted"] = value.clone(),
            Some(After::From(refs)) => json["from"] = json!(refs),
            None => {}
        }
        json
    };
    json!({
        "address": address,
        "kind": drift.kind,
        "id": drift.id,
        "gone": drift.presence != Presence::There,
        "another": match &drift.presence {
            Presence::Another { id, tags } => json!({ "id": id, "tags": tags }),
            Presence::There | Presence::Gone => Json::Null,
        },
        "fate": drift.fate,
        "rating": drift.rating(),
        "counts": drift.counts(),
        "needed_by": drift.needed_by,
        "fields": drift.fields.iter().map(field).collect::<Vec<_>>(),
    })
}
