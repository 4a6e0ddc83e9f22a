//! The fields of a change, one row each: what is set, what turns into what, what comes from elsewhere.
//!
//! Called by `human`. A creation's values may be shortened (with `…`); values that change never are.

use super::super::value::{compact, whole};
use crate::{
    kind::{After, OutputRef},
    plan::{Action, Change, FieldChange},
};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr as _;

/// What a row shows of its field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown {
    /// A value that is set.
    Is(String),
    /// A value in the place of another.
    Turns(String, String),
    /// A value that is known later, in the place of one that is there.
    Comes(Option<String>, String),
    /// An element of a list that goes.
    Loses(String),
    /// An element of a list that is new.
    Gains(String),
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row<'a> {
    /// The field, with the key within it.
    pub(super) name: String,
    /// What is shown of it.
    pub(super) shown: Shown,
    /// The change it shows.
    pub(super) of: &'a FieldChange,
}

impl Row<'_> {
    /// Returns what must be known about the field besides its values.
    pub(super) fn marks(&self, action: Action) -> Vec<&'static str> {
        let marks = [
            (self.of.replaces && matches!(action, Action::Replace(_)), "[replaces]"),
            (self.of.drift, "[drift]"),
            (self.of.unreadable && action != Action::Create, "[not readable: compared with the state]"),
        ];
        marks.into_iter().filter(|(holds, _)| *holds).map(|(_, mark)| mark).collect()
    }
}

/// Returns the rows of a change; `room` is the columns a row may take before it is broken up.
pub(super) fn rows(change: &Change, verbose: bool, room: usize) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for field in &change.fields {
        let name = name(field);
        let mut add = |name: String, shown| rows.push(Row { name, shown, of: field });
        match (&field.after, change.action) {
            (After::From(refs), _) => {
                let before = (!field.before.is_null()).then(|| whole(&field.before));
                add(name, Shown::Comes(before, from(refs, verbose)));
            }
            (After::Known(Json::Object(tags)), Action::Create) if field.field == "tags" && !verbose => {
                add(name, Shown::Is(tags.len().to_string()));
            }
            (After::Known(value), Action::Create) => {
                let room = if verbose { usize::MAX } else { room.saturating_sub(name.width() + 2).max(20) };
                add(name, Shown::Is(compact(value, room)));
            }
            (After::Known(after), _) => turns(name, &field.before, after, room, &mut add),
        }
    }
    rows
}

/// Names a field, with the key within it.
pub(super) fn name(field: &FieldChange) -> String {
    match &field.key {
        Some(key) => format!("{}.{key}", field.field),
        None => field.field.clone(),
    }
}

/// Names where values come from; a long list is cut unless everything is wanted.
pub(in super::super) fn from(refs: &[OutputRef], verbose: bool) -> String {
    let shown = if verbose || refs.len() <= 3 { refs.len() } else { 2 };
    let named: Vec<String> = refs.iter().take(shown).map(ToString::to_string).collect();
    let more = refs.len() - shown;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("from {}{more}", named.join(", "))
}

/// One row if it fits; otherwise one for each key or element that differs.
fn turns(name: String, before: &Json, after: &Json, room: usize, add: &mut impl FnMut(String, Shown)) {
    let (old, new) = (whole(before), whole(after));
    let fits = name.width() + old.width() + new.width() + 6 <= room;
    match (before, after) {
        _ if fits => add(name, Shown::Turns(old, new)),
        (Json::Object(before), Json::Object(after)) => {
            for key in keys(before, after) {
                let side = |map: &Map<String, Json>| map.get(key).cloned().unwrap_or_default();
                let (before, after) = (side(before), side(after));
                if before != after {
                    turns(format!("{name}.{key}"), &before, &after, room, add);
                }
            }
        }
        (Json::Array(old_items), Json::Array(new_items)) => {
            let lost: Vec<&Json> = old_items.iter().filter(|item| !new_items.contains(item)).collect();
            let gained: Vec<&Json> = new_items.iter().filter(|item| !old_items.contains(item)).collect();
            if lost.is_empty() && gained.is_empty() {
                add(name, Shown::Turns(old, new));
                return;
            }
            lost.into_iter().for_each(|item| add(name.clone(), Shown::Loses(whole(item))));
            gained.into_iter().for_each(|item| add(name.clone(), Shown::Gains(whole(item))));
        }
        _ => add(name, Shown::Turns(old, new)),
    }
}

fn keys<'a>(before: &'a Map<String, Json>, after: &'a Map<String, Json>) -> BTreeSet<&'a String> {
    before.keys().chain(after.keys()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample::{change, known};
    use serde_json::json;

    #[test]
    fn long_changes_are_taken_apart_and_never_cut() {
        let policy =
            |action: &str| json!({ "Version": "2012-10-17", "Statement": { "Action": action, "Effect": "Allow" } });
        let list = |last: &str| json!(["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb", last]);
        let fields = vec![
            known("policy", policy("s3:GetObject"), policy("s3:PutObject")),
            known("subnets", list("subnet-0c"), list("subnet-0d")),
        ];
        let change = change("networking/vpc", Action::Update, &[], fields);
        let rows: Vec<(String, Shown)> =
            rows(&change, false, 60).into_iter().map(|row| (row.name, row.shown)).collect();
        let expected = [
            ("policy.Statement.Action", Shown::Turns("s3:GetObject".into(), "s3:PutObject".into())),
            ("subnets", Shown::Loses("subnet-0c".into())),
            ("subnets", Shown::Gains("subnet-0d".into())),
        ];
        assert_eq!(rows, expected.map(|(name, shown)| (name.to_owned(), shown)));
    }

    #[test]
    fn many_sources_are_counted() {
        let refs: Vec<OutputRef> = (1..=5)
            .map(|n| OutputRef {
                address: crate::address::Address::new("networking", format!("subnet-{n}")),
                output: "id".into(),
            })
            .collect();
        assert_eq!(from(&refs, false), "from networking/subnet-1 id, networking/subnet-2 id and 3 more");
        assert_eq!(from(&refs[..1], false), "from networking/subnet-1 id");
    }
}
