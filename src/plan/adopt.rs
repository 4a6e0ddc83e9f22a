//! The plan of an import: what exists is recorded with the values it has, then tagged as owned; nothing else of it is
//! touched. And the plan that an apply would make afterwards, which tells how it differs from the TOML.
//!
//! Called by `import`. Pure. Must never take over what belongs to another environment, nor what is recorded already.

use super::{Action, Change, FieldChange, Observed, Op, Options, Plan, PlanError, Seen, Verb, Work, decide, diff};
use crate::{
    address::{Address, Selector},
    aws::{Fault, Owner, tags},
    kind::{After, AnyLive, Changes, Impact, OutputRef, Readiness, Tags, Tree},
    stack::{Stack, Wanted},
    state::{Entry, State, Status},
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// What an import does, and what would be left to do after it.
pub struct Adoption {
    /// The plan that takes over.
    pub plan: Plan,
    /// The plan that an apply would make then, or why there is none.
    pub then: Result<Plan, Vec<PlanError>>,
    /// The state that there is then.
    pub after: State,
    /// How each of what is taken over differs from the TOML, but for what `ignore_changes` leaves alone.
    pub differs: BTreeMap<Address, Vec<FieldChange>>,
}

/// What an import rests on.
pub struct Grounds<'a> {
    /// What is wanted.
    pub stack: &'a Stack,
    /// What is recorded.
    pub state: &'a State,
    /// What AWS shows of what is recorded.
    pub observed: &'a Observed,
    /// Whose it is to be.
    pub owner: &'a Owner,
    /// When the intent is recorded.
    pub now: Timestamp,
}

/// Plans to take over what was found, each as the address it stands under.
///
/// Errors: everything that cannot be taken over, all at once.
pub fn adopt(
    grounds: &Grounds<'_>,
    found: &BTreeMap<Address, AnyLive>,
    options: &Options,
) -> Result<Adoption, Vec<PlanError>> {
    let mut errors: Vec<PlanError> =
        found.iter().filter_map(|(address, live)| grounds.refusal(address, live)).collect();
    let mut taken = BTreeMap::new();
    for (address, live) in found {
        let of = grounds.stack.wanted.get(address).map(|wanted| (wanted.kind.name(), &live.id));
        if let Some(first) = of.and_then(|of| taken.insert(of, address)) {
            errors.push(error(address, format!("{} would be both {first} and {address}", live.id), "name it once"));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let (mut plan, mut state, mut observed) = (Plan::default(), grounds.state.clone(), grounds.observed.clone());
    let mut differs = BTreeMap::new();
    for (address, live) in found {
        let Some(wanted) = grounds.stack.wanted.get(address) else { continue };
        let Taken { change, intent, done, tags } =
            grounds.take(address, wanted, live, found).map_err(|fault| vec![defect(address, &fault)])?;
        plan.ops.push(Op { address: address.clone(), verb: Verb::Import, needs: Vec::new(), typical: 1 });
        plan.refresh.push((address.clone(), intent));
        plan.changes.insert(address.clone(), change);
        state.entries.insert(address.clone(), done);
        let mut live = live.clone();
        if wanted.kind.tagged() {
            live.spec["tags"] = json!(tags);
        }
        let different = grounds.differences(wanted, &state.entries[address].spec, &live.spec, found);
        let mut different = different.map_err(|fault| vec![defect(address, &fault)])?;
        different.retain(|change| !wanted.ignores(&change.field, change.key.as_deref()));
        differs.insert(address.clone(), different);
        observed.0.insert(address.clone(), Seen::Live(live));
    }
    let then = decide::plan(grounds.stack, &state, &observed, options);
    Ok(Adoption { plan, then, after: state, differs })
}

fn error(address: &Address, message: String, help: impl Into<String>) -> PlanError {
    PlanError { address: Some(address.clone()), message, help: help.into() }
}

fn defect(address: &Address, fault: &Fault) -> PlanError {
    error(address, format!("{address}: {}", fault.message), "this is a defect of rsds; please report it")
}

/// One resource taken over.
struct Taken {
    change: Change,
    /// The record that stands before the tag call.
    intent: Entry,
    /// The record that stands in the end.
    done: Entry,
    /// The tags it then has, other people's too.
    tags: Tags,
}

impl Grounds<'_> {
    /// Says why something cannot be taken over.
    fn refusal(&self, address: &Address, live: &AnyLive) -> Option<PlanError> {
        let Some(wanted) = self.stack.wanted.get(address) else { return Some(unknown(self.stack, address)) };
        let (kind, id) = (wanted.kind.name(), &live.id);
        let recorded = self.state.entries.get(address);
        let refused = |why: String, help: String| Some(error(address, why, help));
        match recorded {
            Some(Entry { id: Some(was), status: Status::Updating { .. }, .. }) if was == id => {}
            // What was recorded is gone: this takes its place.
            Some(Entry { id: Some(_), status: Status::Ready | Status::Updating { .. }, deposed, .. })
                if deposed.is_empty() && self.is_gone(address) => {}
            Some(Entry { id: Some(was), .. }) if was == id => {
                let help = "there is nothing to take over; how it differs from the TOML: rsds plan";
                return refused(format!("{address} is recorded already: it is {id}"), help.to_owned());
            }
            // A creation that met what is there already: nothing came of it.
            Some(Entry { id: None, status: Status::Creating { .. }, deposed, .. })
                if deposed.is_empty() && self.observed.live(address).is_none() => {}
            Some(entry) => {
                let was = entry.id.as_ref().map_or_else(|| entry.status.word().to_owned(), |id| format!("as {id}"));
                let help = format!("to forget that one without deleting it: rsds state rm {address}");
                return refused(format!("{address} is recorded already, {was}, and would be {id}"), help);
            }
            None => {}
        }
        let others = self.state.entries.iter().filter(|(other, entry)| *other != address && entry.kind == kind);
        let holds = |entry: &Entry| entry.id.iter().chain(entry.deposed.iter().map(|old| &old.id)).any(|of| of == id);
        if let Some((other, _)) = others.into_iter().find(|(_, entry)| holds(entry)) {
            let help = format!("it cannot be two things; to call it something else: rsds state mv {other} {address}");
            return refused(format!("{id} is recorded as {other}"), help);
        }
        if let Some(other) = self.owner.other(address, &tags::of_spec(&live.spec)) {
            let help = "rsds takes nothing from anybody: let that environment go of it first (rsds state rm there, then \
                        remove its rsds: tags)";
            return refused(format!("{id} belongs to {other}"), help.to_owned());
        }
        match &live.readiness {
            Readiness::Failed(why) => refused(
                format!("{id} cannot be {address}: {why}"),
                "name one that works, or let rsds make one".to_owned(),
            ),
            Readiness::Deleting(status) => {
                refused(format!("{id} is being deleted ({status})"), "let rsds make a new one: rsds apply".to_owned())
            }
            Readiness::Ready | Readiness::Dormant(_) | Readiness::Pending(_) | Readiness::Partly(_) => None,
        }
    }

    /// Tells whether a complete look did not find what is recorded.
    fn is_gone(&self, address: &Address) -> bool {
        matches!(self.observed.0.get(address), Some(Seen::Absent | Seen::Other(_)))
    }

    /// Returns the value of an output, as what was found or what is recorded has it.
    fn value_of(&self, of: &OutputRef, found: &BTreeMap<Address, AnyLive>) -> Option<Json> {
        let shown = found.get(&of.address).map(|live| live.outputs[&of.output].clone());
        shown.filter(|value| !value.is_null()).or_else(|| self.state.output(&of.address, &of.output).cloned())
    }

    fn differences(
        &self,
        wanted: &Wanted,
        recorded: &Json,
        live: &Json,
        found: &BTreeMap<Address, AnyLive>,
    ) -> Result<Vec<FieldChange>, Fault> {
        let value_of = |of: &OutputRef| self.value_of(of, found);
        Ok(diff::compare(wanted, &wanted.spec, recorded, live, &value_of)?.fields)
    }

    fn take(
        &self,
        address: &Address,
        wanted: &Wanted,
        live: &AnyLive,
        found: &BTreeMap<Address, AnyLive>,
    ) -> Result<Taken, Fault> {
        let kind = wanted.kind;
        let before = diff::taken_over(wanted, &live.spec, &|of| self.value_of(of, found))?;
        let (was, owned) = (tags::of_spec(&before), self.owner.tags(address));
        let shown = tags::of_spec(&live.spec);
        let (mut spec, mut tags, mut fields) = (before.clone(), shown.clone(), Vec::new());
        if kind.tagged() {
            tags.extend(owned.clone());
            let mut managed = was.clone();
            managed.extend(owned.clone());
            spec["tags"] = json!(managed);
            let written = owned.iter().filter(|(key, value)| shown.get(*key) != Some(*value));
            fields.extend(written.map(|(key, value)| written_tag(key, shown.get(key), value)));
        }
        let steps = match fields.is_empty() {
            true => Vec::new(),
            false => kind.update(&Changes(
                [("tags".to_owned(), (json!(was), After::Known(json!(tags::of_spec(&spec)))))].into(),
            )),
        };
        let status = match steps.first() {
            Some(step) => Status::Updating { step: Some(step.name.clone()), since: self.now },
            None => Status::Ready,
        };
        let depends_on = wanted.depends_on();
        let intent = Entry {
            kind: kind.name().to_owned(),
            status,
            id: Some(live.id.clone()),
            spec: before.clone().into(),
            outputs: live.outputs.as_object().cloned().unwrap_or_default(),
            depends_on: depends_on.clone(),
            generation: 0,
            deposed: Vec::new(),
        };
        let done = Entry { status: Status::Ready, spec: spec.clone().into(), ..intent.clone() };
        let work = Work { spec: as_draft(&spec)?, before, steps, depends_on, ..Work::default() };
        let change = Change {
            address: address.clone(),
            kind,
            action: Action::Import,
            reasons: Vec::new(),
            fields,
            ignored: Vec::new(),
            id: Some(live.id.clone()),
            origin: Some(wanted.origin.clone()),
            work,
        };
        Ok(Taken { change, intent, done, tags })
    }
}

fn written_tag(key: &str, before: Option<&String>, after: &str) -> FieldChange {
    FieldChange {
        field: "tags".to_owned(),
        key: Some(key.to_owned()),
        before: json!(before),
        after: After::Known(json!(after)),
        replaces: false,
        drift: false,
        unreadable: false,
        impact: Impact::default(),
        origin: None,
    }
}

/// A spec all of whose values are known, as operations take it.
fn as_draft(spec: &Json) -> Result<BTreeMap<String, Tree>, Fault> {
    let fields: &Map<String, Json> =
        spec.as_object().ok_or_else(|| Fault::internal("a spec must be a structure".to_owned()))?;
    let tree = |value: &Json| Tree::of(value).map_err(|e| Fault::internal(e.to_string()));
    fields.iter().map(|(name, value)| Ok((name.clone(), tree(value)?))).collect()
}

/// Says that the TOML asks for no such thing, and what somebody may have meant.
pub fn unknown(stack: &Stack, address: &Address) -> PlanError {
    let near = address.to_string().parse::<Selector>().map(|selector| selector.near(stack.wanted.keys()));
    let near: BTreeSet<String> = near.unwrap_or_default().into_iter().filter(|name| name.contains('/')).collect();
    let help = match near.is_empty() {
        true => "rsds plan lists what the TOML asks for".to_owned(),
        false => format!("near: {}", Vec::from_iter(near).join(", ")),
    };
    error(address, format!("the TOML asks for no resource {address}"), help)
}
