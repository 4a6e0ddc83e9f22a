//! What an apply would do, as the checks look at it: one deed for each creation, change and deletion.
//!
//! Made of the plan; or, while AWS is still being read for one, of the graph and the state, so that what will be asked
//! anyway is asked at the same time. Pure. Must never count a resource that stays as it is.

use crate::{
    address::Address,
    kind::{AnyKind, Order, OutputRef, Tree},
    plan::{Action, Options, Plan},
    stack::{Stack, Wanted},
    state::State,
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doing {
    Create,
    Update,
    /// Completed: whether the creation had come about is not known here.
    Resume,
    Delete,
}

/// One thing the apply would do.
pub(super) struct Deed<'a> {
    pub(super) address: &'a Address,
    pub(super) kind: &'static dyn AnyKind,
    pub(super) doing: Doing,
    /// Whether the resource exists and another takes its place.
    pub(super) replaces: Option<Order>,
    /// The draft wanted; empty in a deletion.
    spec: &'a BTreeMap<String, Tree>,
    wanted: Option<&'a Wanted>,
    /// What is recorded.
    pub(super) recorded: &'a Json,
    /// The fields that change.
    fields: BTreeSet<&'a str>,
    state: &'a State,
}

static NOTHING: BTreeMap<String, Tree> = BTreeMap::new();
static NULL: Json = Json::Null;

impl<'a> Deed<'a> {
    /// A field's value to be, as far as it is known.
    pub(super) fn value(&self, field: &str) -> Option<Json> {
        self.spec.get(field)?.resolve(&|of| recorded(self.state, of)).ok().filter(|value| !value.is_null())
    }

    /// The same as text.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.value(field)?.as_str().map(str::to_owned)
    }

    /// The same as a number; zero where it is not known.
    pub(super) fn number(&self, field: &str) -> u64 {
        self.value(field).and_then(|value| value.as_u64()).unwrap_or_default()
    }

    /// Whether a switch is to be on.
    pub(super) fn is_on(&self, field: &str) -> bool {
        self.value(field).is_some_and(|value| value == true)
    }

    /// Whether a field is to have something, be it known or not.
    pub(super) fn has(&self, field: &str) -> bool {
        match self.spec.get(field) {
            None | Some(Tree::Leaf(Json::Null)) => false,
            Some(Tree::List(items)) => !items.is_empty(),
            Some(Tree::Map(fields)) => !fields.is_empty(),
            Some(Tree::Leaf(_) | Tree::Ref(_)) => true,
        }
    }

    /// The resources that a field refers to.
    pub(super) fn refers_to(&self, field: &str) -> BTreeSet<Address> {
        let mut found = BTreeSet::new();
        if let Some(tree) = self.spec.get(field) {
            tree.references(&mut found);
        }
        found.into_iter().map(|of| of.address).collect()
    }

    /// Whether the field changes.
    pub(super) fn changes(&self, field: &str) -> bool {
        self.doing == Doing::Create || self.fields.contains(field)
    }

    /// The TOML key that a field comes from.
    pub(super) fn key(&self, field: &str) -> String {
        self.wanted.map_or_else(|| crate::stack::section(self.address), |wanted| wanted.field_origin(field, None))
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind.name() == kind
    }
}

/// The value of an output that is recorded.
fn recorded(state: &State, of: &OutputRef) -> Option<Json> {
    let entry = state.entries.get(&of.address)?;
    let output = entry.outputs.get(&of.output).filter(|value| !value.is_null()).cloned();
    output.or_else(|| (of.output == "id").then(|| entry.id.as_ref().map(|id| Json::from(id.as_str()))).flatten())
}

/// Everything the apply would do.
pub(super) struct Outline<'a> {
    pub(super) deeds: Vec<Deed<'a>>,
}

impl<'a> Outline<'a> {
    /// What is certain before AWS is read: what the state does not know is made, and a destroy takes away what it knows.
    /// Nothing where only some resources are picked.
    pub(super) fn expected(stack: &'a Stack, state: &'a State, options: &Options) -> Self {
        let Options { targets, excludes, destroy, refresh_only, .. } = options;
        if *refresh_only || !targets.is_empty() || !excludes.is_empty() {
            return Self { deeds: Vec::new() };
        }
        let fields = BTreeSet::new;
        if *destroy {
            let deed = |(address, entry): (&'a Address, &'a crate::state::Entry)| {
                let (kind, recorded) = (crate::aws::kind(&entry.kind)?, &entry.spec);
                let (doing, spec, fields) = (Doing::Delete, &NOTHING, fields());
                Some(Deed { address, kind, doing, replaces: None, spec, wanted: None, recorded, fields, state })
            };
            return Self { deeds: state.entries.iter().filter_map(deed).collect() };
        }
        let new = stack.wanted.iter().filter(|(address, _)| !state.entries.contains_key(*address));
        let deed = |(address, wanted): (&'a Address, &'a Wanted)| Deed {
            address,
            kind: wanted.kind,
            doing: Doing::Create,
            replaces: None,
            spec: &wanted.spec,
            wanted: Some(wanted),
            recorded: &NULL,
            fields: fields(),
            state,
        };
        Self { deeds: new.map(deed).collect() }
    }

    /// What a plan does.
    pub(super) fn of(plan: &'a Plan, stack: &'a Stack, state: &'a State) -> Self {
        let deeds = plan.changes.values().flat_map(|change| {
            let doings: &[Doing] = match change.action {
                Action::Create => &[Doing::Create],
                Action::Update => &[Doing::Update],
                Action::Resume => &[Doing::Resume],
                Action::Replace(_) => &[Doing::Delete, Doing::Create],
                Action::Delete => &[Doing::Delete],
                Action::Keep | Action::Forget | Action::Refresh | Action::Import | Action::NoOp => &[],
            };
            doings.iter().map(move |doing| Deed {
                address: &change.address,
                kind: change.kind,
                doing: *doing,
                replaces: match change.action {
                    Action::Replace(order) => Some(order),
                    _ => None,
                },
                spec: if *doing == Doing::Delete { &NOTHING } else { &change.work.spec },
                wanted: stack.wanted.get(&change.address),
                recorded: state.entries.get(&change.address).map_or(&NULL, |entry| &entry.spec),
                fields: change.fields.iter().map(|field| field.field.as_str()).collect(),
                state,
            })
        });
        Self { deeds: deeds.collect() }
    }

    /// The deeds of one sort on one kind.
    pub(super) fn these(&self, doing: Doing, kind: &str) -> impl Iterator<Item = &Deed<'a>> {
        self.deeds.iter().filter(move |deed| deed.doing == doing && deed.kind.name() == kind)
    }

    /// The creations of one kind.
    pub(super) fn creations(&self, kind: &str) -> impl Iterator<Item = &Deed<'a>> {
        self.these(Doing::Create, kind)
    }

    /// Whether one is made.
    pub(super) fn creates(&self, kind: &str) -> bool {
        self.creations(kind).next().is_some()
    }
}
