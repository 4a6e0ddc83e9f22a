//! Turns chosen actions into operations with what each waits for, and finds the chain that takes longest.
//!
//! Called by `decide`; `apply` asks how long the path is that remains after each. A dependant waits for the outputs it names, not for the whole resource; deletion goes by the
//! dependencies the state recorded. Must leave no cycle.

use super::{Action, Change, FieldChange, Plan, PlanError, decide::invalidates};
use crate::{
    address::Address,
    kind::{After, Order, When},
    stack::Stack,
    state::State,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Makes it.
    Create,
    /// Changes it in place.
    Update,
    /// Completes what an earlier run began.
    Resume,
    /// Deletes it.
    Delete,
    /// Deletes its predecessors.
    DeleteDeposed,
    /// Drops it from the state.
    Forget,
    /// Tags what has been recorded as taken over.
    Import,
}

/// How far another operation must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// Its resource has this output.
    Output(String),
    /// It is done.
    Done,
}

/// Something an operation waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Need {
    /// The index of the other operation.
    pub op: usize,
    /// How far it must be.
    pub until: Until,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// The resource.
    pub address: Address,
    /// What is done to it.
    pub verb: Verb,
    /// What it waits for.
    pub needs: Vec<Need>,
    /// How long it typically takes, in seconds.
    pub typical: u32,
}

/// The chain of operations that takes longest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LongestPath {
    /// How long, in seconds.
    pub seconds: u32,
    /// The chain's resources, first to last.
    pub through: Vec<Address>,
}

type Index = BTreeMap<(Address, Verb), usize>;

/// Orders the operations of all changes.
pub(super) fn order(
    stack: &Stack,
    state: &State,
    changes: &BTreeMap<Address, Change>,
) -> Result<(Vec<Op>, LongestPath), PlanError> {
    let mut ops = Vec::new();
    for change in changes.values() {
        let deposed = state.entries.get(&change.address).is_some_and(|entry| !entry.deposed.is_empty());
        let mut verbs = verbs(change.action);
        if deposed && !verbs.contains(&Verb::DeleteDeposed) {
            verbs.push(Verb::DeleteDeposed);
        }
        let op = |verb| Op { address: change.address.clone(), verb, needs: Vec::new(), typical: typical(change, verb) };
        ops.extend(verbs.into_iter().map(op));
    }
    let index: Index = ops.iter().enumerate().map(|(at, op)| ((op.address.clone(), op.verb), at)).collect();
    let graph = Graph { stack, state, changes, index, dependants: dependants(state) };
    let needs: Vec<Vec<Need>> = ops.iter().map(|op| graph.needs(op)).collect();
    for (op, needs) in ops.iter_mut().zip(needs) {
        op.needs = needs;
    }
    take_turns(&mut ops, state, changes);
    let longest = longest_path(&ops, changes)?;
    Ok((ops, longest))
}

/// What AWS has only one of: a kind, and the values of its natural key as JSON.
type Place = (&'static str, String);

/// Lets a resource that is to be what another one still is (targets of one group, a rule, a name) wait until that one
/// has gone: otherwise the deletion would hit both.
fn take_turns(ops: &mut [Op], state: &State, changes: &BTreeMap<Address, Change>) {
    let (mut taken, mut left) = (Vec::new(), BTreeMap::<Place, Vec<usize>>::new());
    for (at, op) in ops.iter().enumerate() {
        match op.verb {
            Verb::Create => taken.extend(changes.get(&op.address).and_then(wanted_place).map(|place| (at, place))),
            Verb::Delete | Verb::DeleteDeposed => {
                let places = recorded_places(state, &op.address).into_iter();
                places.for_each(|place| left.entry(place).or_default().push(at));
            }
            Verb::Update | Verb::Resume | Verb::Forget | Verb::Import => {}
        }
    }
    for (create, wanted) in taken {
        let theirs = left
            .get(&wanted)
            .into_iter()
            .flatten()
            .filter(|removal| ops[**removal].address != ops[create].address && !waits_for(ops, **removal, create));
        let needs: Vec<Need> = theirs.map(|op| Need { op: *op, until: Until::Done }).collect();
        ops[create].needs.extend(needs);
        ops[create].needs.sort();
        ops[create].needs.dedup();
    }
}

/// The place a new resource takes, if it is known already.
fn wanted_place(change: &Change) -> Option<Place> {
    let value = |field: &&str| match change.fields.iter().find(|c| c.field == *field && c.key.is_none()) {
        Some(FieldChange { after: After::Known(value), .. }) => Some(value.clone()),
        Some(FieldChange { after: After::From(_), .. }) => None,
        None => Some(change.work.before[*field].clone()),
    };
    let key = change.kind.key();
    let values = key.iter().map(value).collect::<Option<Json>>()?;
    (!key.is_empty()).then(|| (change.kind.name(), values.to_string()))
}

/// The places a recorded resource and its predecessors hold.
fn recorded_places(state: &State, address: &Address) -> Vec<Place> {
    let Some(entry) = state.entries.get(address) else { return Vec::new() };
    let Some(kind) = crate::aws::kind(&entry.kind) else { return Vec::new() };
    let deposed = entry.deposed.iter().map(|deposed| &deposed.spec);
    let values = |spec: &Json| kind.key().iter().map(|field| spec[*field].clone()).collect::<Json>();
    let place = |spec: &Json| (kind.name(), values(spec).to_string());
    std::iter::once(&entry.spec).chain(deposed).map(|spec| place(spec)).collect()
}

/// Tells whether operation `this` waits for operation `that`, through others too.
fn waits_for(ops: &[Op], this: usize, that: usize) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([this]), vec![this]);
    while let Some(at) = open.pop() {
        if at == that {
            return true;
        }
        open.extend(ops[at].needs.iter().map(|need| need.op).filter(|op| seen.insert(*op)));
    }
    false
}

fn verbs(action: Action) -> Vec<Verb> {
    match action {
        Action::Create => vec![Verb::Create],
        Action::Update => vec![Verb::Update],
        Action::Resume => vec![Verb::Resume],
        Action::Replace(Order::DeleteFirst) => vec![Verb::Delete, Verb::Create],
        Action::Replace(Order::CreateFirst) => vec![Verb::Create, Verb::DeleteDeposed],
        Action::Delete => vec![Verb::Delete],
        Action::Keep | Action::Forget => vec![Verb::Forget],
        Action::Import => vec![Verb::Import],
        Action::NoOp | Action::Refresh => Vec::new(),
    }
}

fn typical(change: &Change, verb: Verb) -> u32 {
    let typical = change.kind.typical();
    match verb {
        Verb::Create => typical.create,
        Verb::Update | Verb::Resume => {
            let steps = change.sequence().into_iter().map(|stage| stage.typical_seconds);
            // What AWS knows nothing of is only recorded; what was left half-way is waited for.
            let none = if change.action == Action::Update { 0 } else { typical.update };
            steps.reduce(u32::saturating_add).unwrap_or(none)
        }
        Verb::Delete | Verb::DeleteDeposed => typical.delete,
        Verb::Forget => 0,
        Verb::Import => 1,
    }
}

struct Graph<'a> {
    stack: &'a Stack,
    state: &'a State,
    changes: &'a BTreeMap<Address, Change>,
    index: Index,
    dependants: Dependants<'a>,
}

/// What is recorded as depending on each resource, in person or by its predecessors.
type Dependants<'a> = BTreeMap<&'a Address, BTreeSet<&'a Address>>;

fn dependants(state: &State) -> Dependants<'_> {
    let mut all = Dependants::new();
    for (address, entry) in &state.entries {
        let deposed = entry.deposed.iter().flat_map(|deposed| &deposed.depends_on);
        for dependency in entry.depends_on.iter().chain(deposed) {
            all.entry(&dependency.on).or_default().insert(address);
        }
    }
    all
}

impl Graph<'_> {
    fn at(&self, address: &Address, verb: Verb) -> Option<usize> {
        self.index.get(&(address.clone(), verb)).copied()
    }

    /// The operation that brings about what the stack wants of `address`.
    fn making(&self, address: &Address) -> Option<usize> {
        [Verb::Create, Verb::Update, Verb::Resume].into_iter().find_map(|verb| self.at(address, verb))
    }

    fn needs(&self, op: &Op) -> Vec<Need> {
        let mut needs = Vec::new();
        match op.verb {
            Verb::Create | Verb::Update | Verb::Resume => self.needs_of_making(op, &mut needs),
            Verb::Delete => self.needs_of_deletion(op, &mut needs),
            Verb::DeleteDeposed => self.needs_of_deposed(op, &mut needs),
            Verb::Forget | Verb::Import => {}
        }
        needs.sort();
        needs.dedup();
        needs
    }

    fn needs_of_making(&self, op: &Op, needs: &mut Vec<Need>) {
        let Some(wanted) = self.stack.wanted.get(&op.address) else { return };
        for of in wanted.references() {
            let Some(at) = self.making(&of.address) else { continue };
            let settled = self
                .changes
                .get(&of.address)
                .is_some_and(|change| change.action == Action::Update && !invalidates(change, &of.output));
            if !settled {
                needs.push(Need { op: at, until: Until::Output(of.output) });
            }
        }
        for on in wanted.after.keys() {
            needs.extend(self.making(on).map(|op| Need { op, until: Until::Done }));
        }
        // Half of a replacement that deletes first.
        if op.verb == Verb::Create {
            let made = wanted.made_after.iter().filter_map(|on| self.at(on, Verb::Create));
            needs.extend(made.map(|op| Need { op, until: Until::Done }));
            needs.extend(self.at(&op.address, Verb::Delete).map(|op| Need { op, until: Until::Done }));
        }
    }

    /// A deletion waits until everything recorded as depending on the resource has let go of it.
    fn needs_of_deletion(&self, op: &Op, needs: &mut Vec<Need>) {
        let replaced = self.changes.get(&op.address).is_some_and(|c| c.action != Action::Delete);
        for dependant in self.recorded_dependants(&op.address) {
            // Where a new one follows in the same place, dependants that change in place wait for it instead.
            let lets_go: &[Verb] = if replaced {
                &[Verb::Delete, Verb::Forget]
            } else {
                &[Verb::Delete, Verb::Forget, Verb::DeleteDeposed, Verb::Update, Verb::Resume]
            };
            let done = lets_go.iter().filter_map(|verb| self.at(dependant, *verb));
            needs.extend(done.map(|op| Need { op, until: Until::Done }));
        }
        // Predecessors left by an interrupted replacement go first.
        let deposed = self.at(&op.address, Verb::DeleteDeposed);
        needs.extend(deposed.map(|op| Need { op, until: Until::Done }));
    }

    /// A predecessor goes when its successor stands and everything that used it uses the successor.
    fn needs_of_deposed(&self, op: &Op, needs: &mut Vec<Need>) {
        let mut wait = |at: Option<usize>| needs.extend(at.map(|op| Need { op, until: Until::Done }));
        wait(self.making(&op.address));
        for dependant in self.recorded_dependants(&op.address) {
            wait(self.making(dependant));
            wait(self.at(dependant, Verb::Delete));
            wait(self.at(dependant, Verb::DeleteDeposed));
        }
        // What it shares a replaced resource with moves over first: old targets go after the listener has turned.
        let recorded = self.state.entries.get(&op.address);
        let replaced = recorded.into_iter().flat_map(|entry| &entry.depends_on).filter(|dependency| {
            let change = self.changes.get(&dependency.on);
            change.is_some_and(|c| c.action == Action::Replace(Order::CreateFirst))
        });
        for dependency in replaced {
            for sibling in self.recorded_dependants(&dependency.on).filter(|sibling| **sibling != op.address) {
                wait(self.making(sibling));
            }
        }
    }

    fn recorded_dependants(&self, of: &Address) -> impl Iterator<Item = &Address> {
        self.dependants.get(of).into_iter().flatten().copied()
    }
}

/// Returns the operations in an order that respects their needs.
///
/// Errors: those that wait for each other, and what waits for them.
fn in_order(ops: &[Op]) -> Result<Vec<usize>, Vec<usize>> {
    let mut unmet: Vec<usize> = ops.iter().map(|op| op.needs.len()).collect();
    let mut waiting = vec![Vec::new(); ops.len()];
    for (at, op) in ops.iter().enumerate() {
        op.needs.iter().for_each(|need| waiting[need.op].push(at));
    }
    let mut order: Vec<usize> = (0..ops.len()).filter(|at| unmet[*at] == 0).collect();
    let mut next = 0;
    while let Some(done) = order.get(next) {
        for at in &waiting[*done] {
            unmet[*at] -= 1;
            if unmet[*at] == 0 {
                order.push(*at);
            }
        }
        next += 1;
    }
    match order.len() == ops.len() {
        true => Ok(order),
        false => Err((0..ops.len()).filter(|at| unmet[*at] > 0).collect()),
    }
}

/// How long after the start of an operation a need of it is met, typically, in seconds.
fn lag(ops: &[Op], changes: &BTreeMap<Address, Change>, need: &Need) -> u32 {
    let op = &ops[need.op];
    match &need.until {
        Until::Output(output) if exists_at_once(changes, op, output) => op.typical.min(1),
        Until::Output(_) | Until::Done => op.typical,
    }
}

/// Says of each operation how long it and the longest chain after it typically take, in seconds.
pub fn remaining(plan: &Plan) -> Vec<u32> {
    let mut remaining: Vec<u32> = plan.ops.iter().map(|op| op.typical).collect();
    for at in in_order(&plan.ops).unwrap_or_default().into_iter().rev() {
        for need in &plan.ops[at].needs {
            let through = lag(&plan.ops, &plan.changes, need).saturating_add(remaining[at]);
            remaining[need.op] = remaining[need.op].max(through);
        }
    }
    remaining
}

/// When an operation begins, in seconds from the start, and the slowest that it waits for.
type Begin = (u32, Option<usize>);

/// Says of each operation when it typically begins.
fn begins(ops: &[Op], changes: &BTreeMap<Address, Change>, order: Vec<usize>) -> Vec<Begin> {
    let mut begins: Vec<Begin> = vec![(0, None); ops.len()];
    for at in order {
        let reached = |need: &&Need| begins[need.op].0.saturating_add(lag(ops, changes, need));
        let slowest = ops[at].needs.iter().max_by_key(reached);
        begins[at] = slowest.map_or((0, None), |need| (reached(&need), Some(need.op)));
    }
    begins
}

/// Tells when each operation of a plan begins, in seconds from the start, by typical durations.
pub fn starts(plan: &Plan) -> BTreeMap<(Address, Verb), u32> {
    let begins = begins(&plan.ops, &plan.changes, in_order(&plan.ops).unwrap_or_default());
    plan.ops.iter().zip(begins).map(|(op, (start, _))| ((op.address.clone(), op.verb), start)).collect()
}

/// Walks the operations in an order that respects their needs, and follows the slowest chain back.
fn longest_path(ops: &[Op], changes: &BTreeMap<Address, Change>) -> Result<LongestPath, PlanError> {
    let order = in_order(ops).map_err(|stuck| {
        let stuck: Vec<String> = stuck.iter().map(|at| format!("{:?} {}", ops[*at].verb, ops[*at].address)).collect();
        PlanError {
            address: None,
            message: format!("these wait for each other: {}", stuck.join(", ")),
            help: "this is a defect of rsds; please report it".into(),
        }
    })?;
    let starts = begins(ops, changes, order);
    let end = |at: usize| starts[at].0.saturating_add(ops[at].typical);
    let last = (0..ops.len()).max_by_key(|at| (end(*at), std::cmp::Reverse(*at)));
    let seconds = last.map_or(0, end);
    let (mut through, mut at) = (Vec::new(), last);
    while let Some(op) = at {
        if through.last() != Some(&ops[op].address) {
            through.push(ops[op].address.clone());
        }
        at = starts[op].1;
    }
    through.reverse();
    Ok(LongestPath { seconds, through })
}

/// Tells whether the output is there as soon as AWS has answered, or has been there since an earlier run.
fn exists_at_once(changes: &BTreeMap<Address, Change>, op: &Op, output: &str) -> bool {
    let Some(change) = changes.get(&op.address) else { return false };
    matches!(op.verb, Verb::Create | Verb::Resume)
        && change.kind.outputs().iter().any(|o| o.name == output && o.when == When::AtOnce)
}
