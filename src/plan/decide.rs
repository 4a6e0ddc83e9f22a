//! Chooses what happens to each resource, dependencies first, so that every choice knows what it rests on.
//!
//! Called by `cli` and by tests. Pure: the same stack, state, observation and options give the same plan.

use super::{
    Action, Change, FieldChange, Observed, Options, Plan, PlanError, Reason, Work,
    diff::{self, Compared},
    drift::{self, Next},
    ignore::Ignoring,
    lost::{foreign, holds, lost},
    order, protect, refresh,
    select::{Edges, select},
};
use crate::{
    address::Address,
    aws::Fault,
    kind::{After, AnyKind, AnyLive, Changes, Impact, OnChange, Order, OutputRef, Readiness, Step, Tree, When},
    stack::{Stack, Wanted},
    state::{Entry, State, Status},
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Plans: what the stack wants, from what the state remembers and AWS shows.
///
/// Errors: every reason why no plan can be made, all at once.
pub fn plan(stack: &Stack, state: &State, observed: &Observed, options: &Options) -> Result<Plan, Vec<PlanError>> {
    let edges = Edges::of(stack, state);
    let (selected, requested) = select(stack, state, &edges, options)?;
    let ignoring = Ignoring::of(&options.ignore, stack, state)?;
    let decided = decide(stack, state, observed, options, (&selected, &requested), &ignoring);
    let next = Next { stack, changes: &decided.changes, ignoring: &ignoring };
    let drift = match options.destroy {
        true => BTreeMap::new(),
        false => drift::drift(state, observed, &|address| selected.contains(address), Some(&next)),
    };
    if options.refresh_only {
        return refresh::plan(stack, state, observed, &selected, &ignoring, drift);
    }
    let Decided { changes, refresh, errors } = decided;
    if !errors.is_empty() {
        return Err(errors);
    }
    let (ops, longest) = order::order(stack, state, &changes).map_err(|error| vec![error])?;
    let notices = if options.destroy { Vec::new() } else { notices(&changes, observed) };
    Ok(Plan { changes, ops, refresh, longest, notices, drift, ..Plan::default() })
}

/// What an apply would do with each resource, and what stands against it.
struct Decided {
    changes: BTreeMap<Address, Change>,
    refresh: Vec<(Address, Entry)>,
    errors: Vec<PlanError>,
}

fn decide(
    stack: &Stack,
    state: &State,
    observed: &Observed,
    options: &Options,
    (selected, requested): (&BTreeSet<Address>, &BTreeSet<Address>),
    ignoring: &Ignoring,
) -> Decided {
    let mut decider = Decider {
        stack,
        state,
        observed,
        selected,
        requested,
        ignoring,
        changes: BTreeMap::new(),
        refresh: Vec::new(),
        errors: Vec::new(),
    };
    if options.destroy {
        let doomed: Vec<&Address> = state.entries.keys().filter(|address| selected.contains(*address)).collect();
        doomed.into_iter().for_each(|address| decider.unwanted(address, Reason::Destroy));
    } else {
        dependencies_first(stack).into_iter().for_each(|address| decider.wanted(address));
        let removed: Vec<&Address> = state.entries.keys().filter(|a| !stack.wanted.contains_key(*a)).collect();
        let removed = removed.into_iter().filter(|address| selected.contains(*address));
        removed.for_each(|address| decider.unwanted(address, Reason::Removed));
    }
    let Decider { changes, refresh, mut errors, .. } = decider;
    errors.extend(protect::check(&changes, state, options));
    errors.extend(clinging(&changes, state));
    Decided { changes, refresh, errors }
}

/// Collects what kinds have to say of resources that stay.
fn notices(changes: &BTreeMap<Address, Change>, observed: &Observed) -> Vec<(Address, String)> {
    let stays = |change: &&Change| matches!(change.action, Action::NoOp | Action::Update | Action::Resume);
    let notice = |change: &Change| Some((change.address.clone(), change.kind.notice(observed.live(&change.address)?)?));
    changes.values().filter(stays).filter_map(notice).collect()
}

/// Lists the stack's addresses so that each comes after all it depends on.
fn dependencies_first(stack: &Stack) -> Vec<&Address> {
    let needs = |address: &Address| {
        let edges = stack.wanted.get(address).map(Wanted::depends_on).unwrap_or_default().into_iter();
        edges.filter_map(|edge| stack.wanted.get_key_value(&edge.on).map(|(on, _)| on)).collect::<Vec<_>>().into_iter()
    };
    let (mut seen, mut out) = (BTreeSet::new(), Vec::new());
    for address in stack.wanted.keys() {
        // On foot: a chain may be longer than a stack is deep.
        let mut path = if seen.insert(address) { vec![(address, needs(address))] } else { Vec::new() };
        while let Some((address, open)) = path.last_mut() {
            match open.next() {
                Some(on) if seen.insert(on) => path.push((on, needs(on))),
                Some(_) => {}
                None => {
                    out.push(*address);
                    path.pop();
                }
            }
        }
    }
    out
}

/// Finds resources that would go though something that refers to them is left as it is.
fn clinging(changes: &BTreeMap<Address, Change>, state: &State) -> Vec<PlanError> {
    let touched = |address: &Address| changes.get(address).is_some_and(|change| change.action != Action::NoOp);
    let going = |change: &&Change| matches!(change.action, Action::Replace(Order::DeleteFirst) | Action::Delete);
    let mut left: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for (dependant, entry) in state.entries.iter().filter(|(dependant, _)| !touched(dependant)) {
        let values = entry.depends_on.iter().filter(|dependency| dependency.order_only.is_none());
        values.for_each(|dependency| left.entry(&dependency.on).or_default().push(dependant));
    }
    let error = |Change { address, .. }: &Change| {
        let left: Vec<String> = left.get(address)?.iter().map(ToString::to_string).collect();
        Some(PlanError {
            address: Some(address.clone()),
            message: format!("{address} cannot go while {} needs it", left.join(", ")),
            help: format!("add `--target {}`", left.join("` `--target ")),
        })
    };
    changes.values().filter(going).filter_map(error).collect()
}

struct Decider<'a> {
    stack: &'a Stack,
    state: &'a State,
    observed: &'a Observed,
    selected: &'a BTreeSet<Address>,
    requested: &'a BTreeSet<Address>,
    ignoring: &'a Ignoring,
    changes: BTreeMap<Address, Change>,
    refresh: Vec<(Address, Entry)>,
    errors: Vec<PlanError>,
}

/// A choice before it is written down.
struct Choice {
    action: Action,
    reasons: Vec<Reason>,
    fields: Vec<FieldChange>,
    ignored: Vec<FieldChange>,
    work: Work,
}

impl Choice {
    /// A choice about a resource of which nothing is ignored.
    const fn new(action: Action, reasons: Vec<Reason>, fields: Vec<FieldChange>, work: Work) -> Self {
        Self { action, reasons, fields, ignored: Vec::new(), work }
    }
}

impl<'a> Decider<'a> {
    fn wanted(&mut self, address: &Address) {
        let Some(wanted) = self.stack.wanted.get(address) else { return };
        let entry = self.state.entries.get(address);
        let choice = match (entry, self.observed.live(address)) {
            _ if !self.selected.contains(address) => Ok(self.untouched(wanted)),
            (Some(entry), _) if entry.kind != wanted.kind.name() => {
                let message = format!("{address} is recorded as {} and wanted as {}", entry.kind, wanted.kind.name());
                let help = format!("destroy it first: rsds destroy --target {address}");
                self.errors.push(PlanError { address: Some(address.clone()), message, help });
                return;
            }
            (None, _) => Ok(self.create(wanted, vec![Reason::New], wanted.spec.clone(), None)),
            (Some(entry), None) => self.absent(address, wanted, entry),
            (Some(entry), Some(live)) => self.existing(address, wanted, entry, live),
        };
        let choice = choice.and_then(|choice| self.refusal(address, wanted, &choice).map_or(Ok(choice), Err));
        match choice {
            Ok(choice) => self.record(address, wanted.kind, Some(wanted.origin.clone()), choice),
            Err(error) => self.errors.push(error),
        }
    }

    /// Says why the kind itself will not have these changes.
    fn refusal(&self, address: &Address, wanted: &Wanted, choice: &Choice) -> Option<PlanError> {
        let after = |tree: &Tree| match tree.resolve(&|of: &OutputRef| self.value_of(of)) {
            Ok(value) => After::Known(value),
            Err(refs) => After::From(refs.into_iter().collect()),
        };
        let anew = matches!(choice.action, Action::Create | Action::Replace(_));
        let changed = |name: &str| choice.fields.iter().any(|change| change.field == name);
        let fields = choice.work.spec.iter().filter(|(name, _)| anew || changed(name));
        let changes = fields.map(|(name, tree)| {
            let before = if anew { Json::Null } else { choice.work.before[name.as_str()].clone() };
            (name.clone(), (before, after(tree)))
        });
        let refusal = wanted.kind.refuse(&Changes(changes.collect()))?;
        let key = wanted.field_origin(refusal.field, None);
        let message = format!("{address}: {} (`{key}`)", refusal.why);
        let help = refusal.help.replace("ADDRESS", &address.to_string());
        Some(PlanError { address: Some(address.clone()), message, help })
    }

    fn record(&mut self, address: &Address, kind: &'static dyn AnyKind, origin: Option<String>, choice: Choice) {
        let Choice { action, reasons, fields, ignored, work } = choice;
        // What stays as it is needs no work, and is most of a plan.
        let work = if action == Action::NoOp { Work::default() } else { work };
        let id = self.state.entries.get(address).and_then(|entry| entry.id.clone());
        let change = Change { address: address.clone(), kind, action, reasons, fields, ignored, id, origin, work };
        self.changes.insert(address.clone(), change);
    }

    fn untouched(&self, wanted: &Wanted) -> Choice {
        let work = Work { spec: wanted.spec.clone(), depends_on: wanted.depends_on(), ..Work::default() };
        Choice::new(Action::NoOp, Vec::new(), Vec::new(), work)
    }

    fn create(
        &self,
        wanted: &Wanted,
        reasons: Vec<Reason>,
        spec: BTreeMap<String, Tree>,
        entry: Option<&Entry>,
    ) -> Choice {
        let value_of = |of: &OutputRef| self.value_of(of);
        let fields = spec.iter().filter_map(|(name, tree)| {
            let after = match tree.resolve(&value_of) {
                Ok(Json::Null) => return None,
                Ok(value) => After::Known(value),
                Err(refs) => After::From(refs.into_iter().collect()),
            };
            Some(FieldChange {
                field: name.clone(),
                key: None,
                before: Json::Null,
                after,
                replaces: false,
                drift: false,
                unreadable: false,
                impact: Impact::default(),
                origin: Some(wanted.field_origin(name, None)),
            })
        });
        let generation = entry.map_or(0, |entry| entry.generation);
        let fields = fields.collect();
        let work = Work { spec, depends_on: wanted.depends_on(), generation, ..Work::default() };
        Choice::new(Action::Create, reasons, fields, work)
    }

    /// It is recorded, and AWS does not have it.
    fn absent(&self, address: &Address, wanted: &Wanted, entry: &Entry) -> Result<Choice, PlanError> {
        if let Some(other) = self.observed.other(address) {
            return Err(foreign(wanted.kind, address, other));
        }
        let given_up = self.requested.contains(address);
        let reason = match &entry.status {
            Status::Creating { .. } | Status::Deleting { .. } => Reason::CutOff(entry.status.word().to_owned()),
            Status::Ready | Status::Updating { .. } | Status::Tainted { .. } => {
                if holds(wanted.kind, self.state, address) && !given_up {
                    return Err(lost(wanted.kind, self.state, address, entry));
                }
                Reason::Gone
            }
        };
        let reasons = [reason].into_iter().chain(given_up.then_some(Reason::Requested)).collect();
        let spec = suffixed(wanted.kind, &wanted.spec, entry.generation);
        Ok(self.create(wanted, reasons, spec, Some(entry)))
    }

    /// It is recorded, and AWS has it.
    fn existing(
        &mut self,
        address: &Address,
        wanted: &Wanted,
        entry: &Entry,
        live: &AnyLive,
    ) -> Result<Choice, PlanError> {
        let settled = matches!(entry.status, Status::Ready | Status::Updating { .. });
        if let (Readiness::Failed(why), true) = (&live.readiness, settled && wanted.kind.holds_data())
            && !self.requested.contains(address)
        {
            return Err(PlanError {
                address: Some(address.clone()),
                message: format!("{address} holds data and does not work: {why}"),
                help: format!("mend it in AWS, or give its data up: rsds apply --replace {address}"),
            });
        }
        let spec = suffixed(wanted.kind, &wanted.spec, entry.generation);
        let defect = |fault: Fault| PlanError {
            address: Some(address.clone()),
            message: format!("{address}: {}", fault.message),
            help: "this is a defect of rsds; please report it".into(),
        };
        let value_of = |of: &OutputRef| self.value_of(of);
        let compare = |spec: &_| diff::compare(wanted, spec, &entry.spec, &live.spec, &value_of).map_err(defect);
        let whole = compare(&spec)?;
        // What is ignored is still set at creation, and one that was cut off has that before it.
        let creating = matches!(entry.status, Status::Creating { .. });
        let left_alone =
            |field: &str, key: Option<&str>| wanted.ignores(field, key) || self.ignoring.ignores(address, field, key);
        let ignores = |field: &FieldChange| !creating && left_alone(&field.field, field.key.as_deref());
        let ignored: Vec<FieldChange> = whole.fields.iter().filter(|field| ignores(field)).cloned().collect();
        let left = diff::left_alone(&spec, &ignored).map_err(defect)?;
        let Compared { fields, before, wanted: want } = compare(&left)?;
        let mut reasons = self.reasons_to_replace(address, wanted, entry, live, &fields);
        if !reasons.is_empty() {
            // The new one is made as the TOML says, in what is ignored too; only that is never the cause.
            let caused = |field: FieldChange| FieldChange { replaces: field.replaces && !ignores(&field), ..field };
            let fields = whole.fields.into_iter().map(caused).collect();
            return Ok(self.replace(wanted, entry, spec, whole.before, fields, reasons));
        }
        let steps = update_steps(wanted.kind, &fields, &before, &want);
        let depends_on = wanted.depends_on();
        let mut work = Work { spec: left, before, steps, depends_on, generation: entry.generation, ..Work::default() };
        let settled = wanted.kind.outputs().iter().all(|o| o.when != When::Ready || !live.outputs[o.name].is_null());
        match &entry.status {
            Status::Creating { .. } => {
                let mut finish = wanted.kind.finish(&want).map_err(defect)?;
                finish.extend(work.steps.drain(..).filter(|step| !step.fields.is_empty()));
                let mut names = BTreeSet::new();
                finish.retain(|step| names.insert(step.name.clone()));
                work.steps = finish;
                reasons.push(Reason::CutOff("creating".into()));
            }
            Status::Updating { .. } => reasons.push(Reason::CutOff("updating".into())),
            _ if !entry.deposed.is_empty() => reasons.push(Reason::CutOff("replacing".into())),
            _ if matches!(live.readiness, Readiness::Pending(_) | Readiness::Partly(_)) && !settled => {
                reasons.push(Reason::CutOff("settling".into()));
            }
            _ => {}
        }
        if !reasons.is_empty() {
            return Ok(Choice { action: Action::Resume, reasons, fields, ignored, work });
        }
        if !fields.is_empty() {
            let drifted = fields.iter().all(|field| field.drift);
            let reasons = vec![if drifted { Reason::Drifted } else { Reason::Changed }];
            return Ok(Choice { action: Action::Update, reasons, fields, ignored, work });
        }
        self.bring_up_to_date(address, entry, live, want, &work);
        Ok(Choice { action: Action::NoOp, reasons, fields, ignored, work })
    }

    /// Nothing changes in AWS, but the record may lag: outputs AWS has moved, keys the TOML dropped.
    fn bring_up_to_date(&mut self, address: &Address, entry: &Entry, live: &AnyLive, want: Json, work: &Work) {
        let mut fresh = entry.clone();
        fresh.spec = want.into();
        fresh.depends_on.clone_from(&work.depends_on);
        if let Json::Object(outputs) = &live.outputs {
            let asleep = matches!(live.readiness, Readiness::Dormant(_));
            // What a sleeping resource does not show, it has again when it wakes.
            let shown = outputs.iter().filter(|(_, value)| !asleep || !value.is_null());
            let shown = shown.map(|(name, value)| (name.clone(), value.clone()));
            match asleep {
                true => fresh.outputs.extend(shown),
                false => fresh.outputs = shown.collect(),
            }
        }
        if fresh != *entry {
            self.refresh.push((address.clone(), fresh));
        }
    }

    fn reasons_to_replace(
        &self,
        address: &Address,
        wanted: &Wanted,
        entry: &Entry,
        live: &AnyLive,
        fields: &[FieldChange],
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        match (&entry.status, &live.readiness) {
            (Status::Deleting { .. }, _) | (_, Readiness::Deleting(_)) => {
                reasons.push(Reason::CutOff("deleting".into()));
            }
            (Status::Tainted { why }, _) | (_, Readiness::Failed(why)) => reasons.push(Reason::Broken(why.clone())),
            (Status::Creating { .. } | Status::Ready | Status::Updating { .. }, _) => {}
        }
        if self.requested.contains(address) {
            reasons.push(Reason::Requested);
        }
        let immutable = fields.iter().filter(|field| field.replaces);
        for field in immutable {
            // A reference that is unknown because its resource is replaced: name the resource, it is the cause.
            let replaced = match &field.after {
                After::From(refs) => refs.iter().find(|of| self.is_replaced(&of.address)),
                After::Known(_) => None,
            };
            reasons.push(match replaced {
                Some(of) => Reason::Follows(of.address.clone()),
                None => Reason::Immutable(field.field.clone()),
            });
        }
        let followed = wanted.kind.fields().into_iter().filter(|field| field.follows);
        for field in followed {
            let mut refs = BTreeSet::new();
            wanted.spec.get(field.name).into_iter().for_each(|tree| tree.references(&mut refs));
            let replaced = refs
                .into_iter()
                .map(|of| of.address)
                .find(|on| self.changes.get(on).is_some_and(|c| c.action == Action::Replace(Order::DeleteFirst)));
            reasons.extend(replaced.map(Reason::Follows));
        }
        let mut seen = Vec::new();
        reasons.retain(|reason| {
            !seen.contains(reason) && {
                seen.push(reason.clone());
                true
            }
        });
        reasons
    }

    /// Tells whether what is there must let go before something below it can be made anew: in person, or through what is
    /// taken away and waits for it.
    fn rests_on_gap(&self, entry: &Entry) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![entry]);
        while let Some(entry) = open.pop() {
            for on in entry.depends_on.iter().map(|dependency| &dependency.on) {
                if self.changes.get(on).is_some_and(|change| change.action == Action::Replace(Order::DeleteFirst)) {
                    return true;
                }
                if !self.stack.wanted.contains_key(on) && seen.insert(on) {
                    open.extend(self.state.entries.get(on));
                }
            }
        }
        false
    }

    fn is_replaced(&self, address: &Address) -> bool {
        self.changes.get(address).is_some_and(|change| matches!(change.action, Action::Replace(_)))
    }

    fn replace(
        &self,
        wanted: &Wanted,
        entry: &Entry,
        spec: BTreeMap<String, Tree>,
        before: Json,
        fields: Vec<FieldChange>,
        reasons: Vec<Reason>,
    ) -> Choice {
        let kind = wanted.kind;
        let key_changes = kind.key().is_empty() || fields.iter().any(|f| kind.key().contains(&f.field.as_str()));
        let rests_on_gap = self.rests_on_gap(entry);
        // A predecessor is remembered by its id: what has none yet is found and deleted first.
        let going = entry.id.is_none() || reasons.iter().any(|reason| matches!(reason, Reason::CutOff(_)));
        let beside = key_changes || kind.suffixed().is_some();
        let order = match kind.replace() {
            Order::CreateFirst if beside && !rests_on_gap && !going => Order::CreateFirst,
            Order::CreateFirst | Order::DeleteFirst => Order::DeleteFirst,
        };
        let (generation, spec) = match order {
            Order::CreateFirst if !key_changes => {
                (entry.generation + 1, suffixed(kind, &wanted.spec, entry.generation + 1))
            }
            Order::CreateFirst | Order::DeleteFirst => (entry.generation, spec),
        };
        let removal = kind.remove(&entry.spec).unwrap_or_default();
        let work = Work { spec, before, steps: Vec::new(), removal, depends_on: wanted.depends_on(), generation };
        Choice::new(Action::Replace(order), reasons, fields, work)
    }

    /// It is recorded and not wanted.
    fn unwanted(&mut self, address: &Address, reason: Reason) {
        let Some(entry) = self.state.entries.get(address) else { return };
        let Some(kind) = crate::aws::kind(&entry.kind) else { return };
        let removal = kind.remove(&entry.spec).unwrap_or_default();
        let warehouse = self.warehouse_that_goes(kind, entry, reason == Reason::Destroy).cloned();
        let cut_off = matches!(entry.status, Status::Creating { .. });
        let (action, reasons) = match self.observed.live(address) {
            // AWS takes it away with its warehouse, which may sleep: no statement is needed.
            _ if warehouse.is_some() => {
                (Action::Forget, std::iter::once(reason).chain(warehouse.map(Reason::GoesWith)).collect())
            }
            // What was being created may land yet: apply looks again before it says that nothing is there.
            None if cut_off && !removal.is_empty() => (Action::Delete, vec![reason, Reason::CutOff("creating".into())]),
            None if entry.deposed.is_empty() => {
                let other = self.observed.other(address).map(|other| Reason::Foreign(other.id.to_string()));
                (Action::Forget, vec![reason, other.unwrap_or(Reason::Gone)])
            }
            _ if removal.is_empty() && kind.keeps_data_readable() => (Action::Keep, vec![reason, Reason::NeededByData]),
            // What has been done is history; what is half-way is not.
            _ if removal.is_empty() && cut_off && !self.goes_below(entry, reason == Reason::Destroy) => {
                self.errors.push(PlanError {
                    address: Some(address.clone()),
                    message: format!("{address} is half-way, and would be left so"),
                    help: "leave it in the TOML and apply: once it is done, it may be taken out".to_owned(),
                });
                return;
            }
            _ if removal.is_empty() => (Action::Forget, vec![reason]),
            _ => (Action::Delete, vec![reason]),
        };
        let work = Work { removal, depends_on: entry.depends_on.clone(), ..Work::default() };
        let origin = self.stack.wanted.get(address).map(|wanted| wanted.origin.clone());
        self.record(address, kind, origin, Choice::new(action, reasons, Vec::new(), work));
    }

    /// Tells whether a recorded resource goes, in a destroy or because the TOML no longer has it.
    fn goes(&self, address: &Address, destroy: bool) -> bool {
        self.selected.contains(address) && (destroy || !self.stack.wanted.contains_key(address))
    }

    /// Tells whether something that a resource was made of goes, too.
    fn goes_below(&self, entry: &Entry, destroy: bool) -> bool {
        let mut values = entry.depends_on.iter().filter(|dependency| dependency.order_only.is_none());
        values.any(|dependency| self.goes(&dependency.on, destroy))
    }

    /// Returns the warehouse of what lives inside one, if it goes too.
    fn warehouse_that_goes(&self, kind: &dyn AnyKind, entry: &Entry, destroy: bool) -> Option<&Address> {
        // What only refers to a warehouse (an association) has none that it lives in, and is undone by itself.
        let home = entry.spec.get("warehouse").filter(|home| home.is_string())?;
        let is_it = |on: &Address| {
            let outputs = self.state.entries.get(on).map(|warehouse| &warehouse.outputs);
            outputs.is_some_and(|outputs| outputs.values().any(|value| value == home))
        };
        let mut of = entry.depends_on.iter().filter_map(|dependency| self.state.entries.get_key_value(&dependency.on));
        of.find(|(on, _)| kind.inside() && self.goes(on, destroy) && is_it(on)).map(|(on, _)| on)
    }

    /// Returns an output's value if it is known and will stay what it is.
    fn value_of(&self, of: &OutputRef) -> Option<Json> {
        if let Some(change) = self.changes.get(&of.address) {
            match change.action {
                Action::Create | Action::Replace(_) => return None,
                Action::Update | Action::Resume if invalidates(change, &of.output) => return None,
                Action::Update
                | Action::Resume
                | Action::NoOp
                | Action::Delete
                | Action::Keep
                | Action::Forget
                | Action::Refresh
                | Action::Import => {}
            }
        }
        let live = self.observed.live(&of.address).map(|live| live.outputs[&of.output].clone());
        live.filter(|v| !v.is_null()).or_else(|| self.state.output(&of.address, &of.output).cloned())
    }
}

/// Tells whether a change makes an output of its resource unknown again.
pub(crate) fn invalidates(change: &Change, output: &str) -> bool {
    let fields = change.kind.fields();
    let changed = |name: &str| change.fields.iter().any(|field| field.field == name);
    fields.iter().any(|field| field.invalidates.contains(&output) && changed(field.name))
}

/// Names the update steps of the fields that change in place.
fn update_steps(kind: &dyn AnyKind, fields: &[FieldChange], before: &Json, want: &Json) -> Vec<Step> {
    let in_place: BTreeSet<&str> = kind
        .fields()
        .iter()
        .filter(|field| field.on_change == OnChange::Update)
        .map(|field| field.name)
        .filter(|name| fields.iter().any(|change| change.field == *name))
        .collect();
    if in_place.is_empty() {
        return Vec::new();
    }
    let change = |name: &str| {
        let unknown = fields.iter().find(|c| c.field == name && matches!(c.after, After::From(_)));
        let after = unknown.map_or_else(|| After::Known(want[name].clone()), |c| c.after.clone());
        (name.to_owned(), (before[name].clone(), after))
    };
    kind.update(&Changes(in_place.into_iter().map(change).collect()))
}

/// Gives the name field its suffix, cut so that the whole keeps within AWS's limit.
pub(super) fn suffixed(kind: &dyn AnyKind, spec: &BTreeMap<String, Tree>, generation: u32) -> BTreeMap<String, Tree> {
    let mut spec = spec.clone();
    if let (Some((field, longest)), 1..) = (kind.suffixed(), generation)
        && let Some(Tree::Leaf(Json::String(name))) = spec.get_mut(field)
    {
        let suffix = format!("-r{generation}");
        name.truncate(longest.saturating_sub(suffix.len()));
        name.truncate(name.trim_end_matches('-').len());
        name.push_str(&suffix);
    }
    spec
}
