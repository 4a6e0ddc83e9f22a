//! Turns chosen actions into operations with what each waits for, and finds the chain that takes longest.
//!
//! Called by `decide`. A dependant waits for the outputs it names, not for the whole resource; deletion goes by the
//! dependencies the state recorded. Must leave no cycle.

use super::{Action, Change, FieldChange, PlanError, decide::invalidates};
use crate::{
    address::Address,
    kind::{After, Order, Step, When},
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
    let graph = Graph { stack, state, changes, index };
    let needs: Vec<Vec<Need>> = ops.iter().map(|op| graph.needs(op)).collect();
    for (op, needs) in ops.iter_mut().zip(needs) {
        op.needs = needs;
    }
    take_turns(&mut ops, state, changes);
    let longest = longest_path(&ops, changes)?;
    Ok((ops, longest))
}

/// What AWS has only one of: a kind, and the values of its natural key.
type Place = (&'static str, Vec<Json>);

/// Lets a resource that is to be what another one still is (targets of one group, a rule, a name) wait until that one
/// has gone: otherwise the deletion would hit both.
fn take_turns(ops: &mut [Op], state: &State, changes: &BTreeMap<Address, Change>) {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    for (at, op) in ops.iter().enumerate() {
        match op.verb {
            Verb::Create => taken.extend(changes.get(&op.address).and_then(wanted_place).map(|place| (at, place))),
            Verb::Delete | Verb::DeleteDeposed => {
                left.extend(recorded_places(state, &op.address).into_iter().map(|place| (at, place)));
            }
            Verb::Update | Verb::Resume | Verb::Forget | Verb::Import => {}
        }
    }
    for (create, wanted) in taken {
        let theirs = left.iter().filter(|(removal, place)| {
            *place == wanted && ops[*removal].address != ops[create].address && !waits_for(ops, *removal, create)
        });
        let needs: Vec<Need> = theirs.map(|(op, _)| Need { op: *op, until: Until::Done }).collect();
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
    let values = key.iter().map(value).collect::<Option<Vec<_>>>()?;
    (!key.is_empty()).then_some((change.kind.name(), values))
}

/// The places a recorded resource and its predecessors hold.
fn recorded_places(state: &State, address: &Address) -> Vec<Place> {
    let Some(entry) = state.entries.get(address) else { return Vec::new() };
    let Some(kind) = crate::aws::kind(&entry.kind) else { return Vec::new() };
    let deposed = entry.deposed.iter().map(|deposed| &deposed.spec);
    let place = |spec: &Json| (kind.name(), kind.key().iter().map(|field| spec[*field].clone()).collect());
    std::iter::once(&entry.spec).chain(deposed).map(place).collect()
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
            let fields = change.kind.fields();
            let of_field = |name: &String| fields.iter().find(|field| field.name == *name)?.typical;
            let of_step = |step: &Step| step.fields.iter().filter_map(of_field).max().unwrap_or(typical.update);
            change.work.steps.iter().map(of_step).reduce(u32::saturating_add).unwrap_or(typical.update)
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
                &[Verb::Delete, Verb::Forget, Verb::DeleteDeposed, Verb::Update]
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

    fn recorded_dependants<'s>(&'s self, of: &'s Address) -> impl Iterator<Item = &'s Address> {
        let entries = self.state.entries.iter();
        let depends = entries.filter(move |(_, entry)| {
            let deposed = entry.deposed.iter().flat_map(|deposed| &deposed.depends_on);
            entry.depends_on.iter().chain(deposed).any(|dependency| dependency.on == *of)
        });
        depends.map(|(address, _)| address)
    }
}

/// Walks the operations in an order that respects their needs, and follows the slowest chain back.
fn longest_path(ops: &[Op], changes: &BTreeMap<Address, Change>) -> Result<LongestPath, PlanError> {
    let mut ends: Vec<Option<(u32, u32, Option<usize>)>> = vec![None; ops.len()]; // start, end, slowest need
    let mut left = ops.len();
    while left > 0 {
        let before = left;
        for at in 0..ops.len() {
            let needs = &ops[at].needs;
            if ends[at].is_some() || needs.iter().any(|need| ends[need.op].is_none()) {
                continue;
            }
            let reached = |need: &super::Need| {
                let (start, end, _) = ends[need.op].unwrap_or_default();
                match &need.until {
                    Until::Done => end,
                    Until::Output(output) if exists_at_once(changes, &ops[need.op], output) => end.min(start + 1),
                    Until::Output(_) => end,
                }
            };
            let slowest = needs.iter().max_by_key(|need| reached(need));
            let start = slowest.map_or(0, reached);
            ends[at] = Some((start, start.saturating_add(ops[at].typical), slowest.map(|need| need.op)));
            left -= 1;
        }
        if left == before {
            let stuck = ops.iter().zip(&ends).filter(|(_, end)| end.is_none());
            let stuck: Vec<String> = stuck.map(|(op, _)| format!("{:?} {}", op.verb, op.address)).collect();
            return Err(PlanError {
                address: None,
                message: format!("these wait for each other: {}", stuck.join(", ")),
                help: "this is a defect of rsds; please report it".into(),
            });
        }
    }
    let last = (0..ops.len()).max_by_key(|at| (ends[*at].map_or(0, |(_, end, _)| end), std::cmp::Reverse(*at)));
    let seconds = last.and_then(|at| ends[at]).map_or(0, |(_, end, _)| end);
    let (mut through, mut at) = (Vec::new(), last);
    while let Some(op) = at {
        if through.last() != Some(&ops[op].address) {
            through.push(ops[op].address.clone());
        }
        at = ends[op].and_then(|(_, _, slowest)| slowest);
    }
    through.reverse();
    Ok(LongestPath { seconds, through })
}

fn exists_at_once(changes: &BTreeMap<Address, Change>, op: &Op, output: &str) -> bool {
    let Some(change) = changes.get(&op.address) else { return false };
    op.verb == Verb::Create && change.kind.outputs().iter().any(|o| o.name == output && o.when == When::AtOnce)
}
