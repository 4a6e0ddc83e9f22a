//! Compares one resource three ways: what the TOML wants, what the state recorded, what AWS shows.
//!
//! Called by `decide` and `adopt`, and by `apply` for what an earlier run left behind. Values are compared resolved and normalised, over all fields of the kind. Must never call a
//! field changed because AWS shows something nobody asked about.

use super::FieldChange;
use crate::{
    aws::Fault,
    kind::{After, AnyKind, Changes, Field, OnChange, OutputRef, Step, Tree},
    stack::Wanted,
};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// The value an output has, if it is known.
pub(super) type ValueOf<'a> = &'a dyn Fn(&OutputRef) -> Option<Json>;

/// The result of a comparison.
pub(super) struct Compared {
    /// What differs.
    pub(super) fields: Vec<FieldChange>,
    /// What is there now, reduced to what rsds manages.
    pub(super) before: Json,
    /// What is wanted, where it is known; unknown fields hold what is there now.
    pub(super) wanted: Json,
}

/// Compares `spec` with `recorded` and `live`.
pub(super) fn compare(
    wanted: &Wanted,
    spec: &BTreeMap<String, Tree>,
    recorded: &Json,
    live: &Json,
    value_of: ValueOf<'_>,
) -> Result<Compared, Fault> {
    let kind = wanted.kind;
    let fields = kind.fields();
    let (want, unknown) = resolve(kind, &fields, spec, recorded, live, value_of)?;
    let (mut changes, mut before) = (Vec::new(), Map::new());
    for field in &fields {
        let side = Side {
            field,
            want: &want[field.name],
            recorded: &recorded[field.name],
            have: if field.unreadable { &recorded[field.name] } else { &live[field.name] },
            whole: (live, &want),
        };
        before.insert(field.name.to_owned(), side.managed());
        match unknown.get(field.name) {
            Some(refs) => {
                let after = After::From(refs.iter().cloned().collect());
                changes.push(side.change(None, side.managed(), after, wanted));
            }
            None => side.compare(&mut changes, wanted),
        }
    }
    Ok(Compared { fields: changes, before: Json::Object(before), wanted: want })
}

/// How something that an earlier run asked for with other values departs from what is wanted now.
pub(crate) struct Departure {
    /// What is there, reduced to what is wanted.
    pub(crate) before: Json,
    /// The steps that mend it in place.
    pub(crate) steps: Vec<Step>,
    /// The fields that only a replacement mends.
    pub(crate) replaces: Vec<&'static str>,
}

/// Compares what is wanted, all of it known, with what AWS shows of something that was made for an earlier run.
pub(crate) fn departure(kind: &dyn AnyKind, want: &Json, live: &Json) -> Departure {
    let (mut before, mut changes, mut replaces) = (Map::new(), BTreeMap::new(), Vec::new());
    let whole = (live, want);
    for field in &kind.fields() {
        let want = &want[field.name];
        let have = if field.unreadable { want } else { &live[field.name] };
        let there = Side { field, want, recorded: &Json::Null, have, whole }.managed();
        if there != *want && field.on_change == OnChange::Update {
            changes.insert(field.name.to_owned(), (there.clone(), After::Known(want.clone())));
        } else if there != *want && !there.is_null() && there != "" {
            // What is not there yet, the steps of creation bring.
            replaces.push(field.name);
        }
        before.insert(field.name.to_owned(), there);
    }
    let steps = if changes.is_empty() { Vec::new() } else { kind.update(&Changes(changes)) };
    Departure { before: Json::Object(before), steps, replaces }
}

/// Returns the spec to record of something that is taken over: the live values of what the TOML asks for, and of what AWS
/// never shows the TOML's own.
pub(super) fn taken_over(wanted: &Wanted, live: &Json, value_of: ValueOf<'_>) -> Result<Json, Fault> {
    let nothing = Json::Object(Map::new());
    let want = compare(wanted, &wanted.spec, &nothing, live, value_of)?.wanted;
    let unreadable = wanted.kind.fields().into_iter().filter(|field| field.unreadable);
    let recorded = unreadable.map(|field| (field.name.to_owned(), want[field.name].clone()));
    Ok(compare(wanted, &wanted.spec, &Json::Object(recorded.collect()), live, value_of)?.before)
}

/// Returns the draft with what is there now in the place of what is ignored, so that nothing about it changes and the
/// record follows AWS.
pub(super) fn left_alone(
    spec: &BTreeMap<String, Tree>,
    ignored: &[FieldChange],
) -> Result<BTreeMap<String, Tree>, Fault> {
    let mut left = spec.clone();
    for FieldChange { field, key, before, .. } in ignored {
        let there = Tree::of(before).map_err(|e| Fault::internal(e.to_string()))?;
        match (key, left.get_mut(field)) {
            (None, _) => drop(left.insert(field.clone(), there)),
            (Some(key), Some(Tree::Map(entries))) if before.is_null() => drop(entries.remove(key)),
            (Some(key), Some(Tree::Map(entries))) => drop(entries.insert(key.clone(), there)),
            (Some(_), _) => {}
        }
    }
    Ok(left)
}

/// Resolves every field it can and normalises the whole; fields that cannot be known yet come back by name, and
/// hold in the result what is there now, so that the whole still has its type.
fn resolve(
    kind: &dyn AnyKind,
    fields: &[Field],
    spec: &BTreeMap<String, Tree>,
    recorded: &Json,
    live: &Json,
    value_of: ValueOf<'_>,
) -> Result<(Json, BTreeMap<&'static str, BTreeSet<OutputRef>>), Fault> {
    let (mut want, mut unknown) = (Map::new(), BTreeMap::new());
    for field in fields {
        let Some(tree) = spec.get(field.name) else { continue };
        let mut value = tree.resolve(value_of).unwrap_or_else(|refs| {
            unknown.insert(field.name, refs);
            if field.unreadable { recorded[field.name].clone() } else { live[field.name].clone() }
        });
        if field.once && value.is_null() {
            value = recorded[field.name].clone();
        }
        want.insert(field.name.to_owned(), value);
    }
    Ok((kind.normalise(Json::Object(want))?, unknown))
}

/// One field seen from three sides.
struct Side<'a> {
    field: &'a Field,
    want: &'a Json,
    recorded: &'a Json,
    have: &'a Json,
    /// All of what is there and all of what is wanted.
    whole: (&'a Json, &'a Json),
}

impl Side<'_> {
    /// What is there now, without what nobody asked about.
    fn managed(&self) -> Json {
        match (self.field.keyed, self.have) {
            (true, Json::Object(have)) => {
                let asked = |key: &str| self.want.get(key).is_some() || self.recorded.get(key).is_some();
                Json::Object(have.iter().filter(|(key, _)| asked(key)).map(|(k, v)| (k.clone(), v.clone())).collect())
            }
            // Unset in the TOML and never set by rsds: AWS decides.
            _ if self.want.is_null() && self.recorded.is_null() => Json::Null,
            _ => self.have.clone(),
        }
    }

    fn compare(&self, changes: &mut Vec<FieldChange>, wanted: &Wanted) {
        let have = self.managed();
        if !self.field.keyed {
            if *self.want != have {
                changes.push(self.change(None, have, After::Known(self.want.clone()), wanted));
            }
            return;
        }
        let keys = |json: &Json| json.as_object().map(|m| m.keys().cloned().collect::<BTreeSet<_>>());
        let (of_want, of_have) = (keys(self.want).unwrap_or_default(), keys(&have).unwrap_or_default());
        for key in of_want.union(&of_have) {
            let (want, have) = (&self.want[key], &have[key]);
            if want != have {
                changes.push(self.change(Some(key.clone()), have.clone(), After::Known(want.clone()), wanted));
            }
        }
    }

    fn change(&self, key: Option<String>, before: Json, after: After, wanted: &Wanted) -> FieldChange {
        let recorded = key.as_ref().map_or(self.recorded, |key| &self.recorded[key]);
        let drift = !self.field.unreadable && matches!(&after, After::Known(value) if value == recorded);
        let (live, want) = self.whole;
        let impact = wanted.kind.impact(self.field, key.as_deref(), live, want);
        FieldChange {
            field: self.field.name.to_owned(),
            origin: Some(wanted.field_origin(self.field.name, key.as_deref())),
            key,
            before,
            after,
            replaces: self.field.on_change == OnChange::Replace,
            drift,
            unreadable: self.field.unreadable,
            impact,
        }
    }
}
