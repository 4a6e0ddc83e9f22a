//! The critical path of a plan, from its needs and from how long AWS takes.

use super::wire::{Effect, Lingering, cluster_id, target_id};
use jiff::SignedDuration;
use rsds::{
    address::Address,
    kind::When,
    plan::{Need, Op, Plan, Until, Verb},
    state::{Entry, State},
};
use std::{collections::BTreeMap, fmt};

/// What the path is computed from.
pub(super) struct Course<'a> {
    pub(super) plan: &'a Plan,
    pub(super) before: &'a State,
    pub(super) after: &'a State,
    pub(super) effects: &'a BTreeMap<String, Vec<Effect>>,
}

/// The critical path: how long it is, in seconds, and through what it goes.
pub(super) struct Path {
    pub(super) seconds: f64,
    /// Each operation's resource, and when it is done.
    through: Vec<(Address, f64)>,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let through: Vec<String> = self.through.iter().map(|(at, done)| format!("{at} ({done:.1} s)")).collect();
        write!(f, "{:.1} s through {}", self.seconds, through.join(" -> "))
    }
}

impl Course<'_> {
    /// The entries whose objects an operation works on.
    fn objects(&self, op: &Op) -> Vec<String> {
        let (before, after) = (self.before.entries.get(&op.address), self.after.entries.get(&op.address));
        match op.verb {
            Verb::Create => after.map(ids).unwrap_or_default(),
            Verb::Update | Verb::Resume | Verb::Import => before.into_iter().chain(after).flat_map(ids).collect(),
            Verb::Delete => before.map(ids).unwrap_or_default(),
            Verb::DeleteDeposed => {
                let now = after.map(ids).unwrap_or_default();
                before.map(ids).unwrap_or_default().into_iter().filter(|id| !now.contains(id)).collect()
            }
            Verb::Forget => Vec::new(),
        }
    }

    fn effects(&self, op: &Op) -> impl Iterator<Item = &Effect> {
        self.objects(op).into_iter().filter_map(|id| self.effects.get(&id)).flatten()
    }

    /// How long AWS is busy with an operation: its calls one after the other; of several objects of one call the slowest.
    fn lasts(&self, op: &Op) -> SignedDuration {
        let of_object = |id: String| self.effects.get(&id).into_iter().flatten().map(|effect| effect.lasts).sum();
        self.objects(op).into_iter().map(of_object).max().unwrap_or_default()
    }

    fn lag(&self, need: &Need) -> SignedDuration {
        let op = &self.plan.ops[need.op];
        let at_once = |output: &String| {
            let outputs = self.plan.changes[&op.address].kind.outputs();
            outputs.iter().any(|o| o.name == *output && o.when == When::AtOnce)
        };
        match &need.until {
            Until::Output(output) if at_once(output) => SignedDuration::ZERO,
            Until::Output(_) | Until::Done => self.lasts(op),
        }
    }

    /// Walks the graph.
    pub(super) fn critical(&self) -> Path {
        let ops = &self.plan.ops;
        // When each can start, when it is done, and what decided it.
        let mut times: Vec<Option<(SignedDuration, SignedDuration, Option<usize>)>> = vec![None; ops.len()];
        let mut released: Vec<(usize, SignedDuration, Lingering)> = Vec::new();
        for at in self.in_order() {
            let op = &ops[at];
            let met = |need: &Need| times[need.op].unwrap().0 + self.lag(need);
            let slowest = op.needs.iter().max_by_key(|need| met(need));
            let start = slowest.map_or(SignedDuration::ZERO, met);
            let mut decided = slowest.map(|need| need.op);
            let mut sent = start;
            if op.verb == Verb::Delete {
                let ids = self.objects(op);
                for (owner, gone, interface) in &released {
                    let holds = ids.iter().any(|id| interface.subnet == *id || interface.groups.contains(id));
                    if holds && *gone > sent {
                        (sent, decided) = (*gone, Some(*owner));
                    }
                }
            }
            for effect in self.effects(op) {
                released.extend(effect.lingering.iter().map(|l| (at, sent + l.lasts, l.clone())));
            }
            times[at] = Some((sent, sent + self.lasts(op), decided));
        }
        let end = |at: &usize| times[*at].unwrap().1;
        let last = (0..ops.len()).max_by_key(end);
        let mut through: Vec<(Address, f64)> = Vec::new();
        let mut at = last;
        while let Some(op) = at {
            through.push((ops[op].address.clone(), end(&op).as_secs_f64()));
            at = times[op].unwrap().2;
        }
        through.reverse();
        Path { seconds: last.map_or(0.0, |at| end(&at).as_secs_f64()), through }
    }

    /// The operations, each after what it needs.
    fn in_order(&self) -> Vec<usize> {
        let ops = &self.plan.ops;
        let (mut done, mut order) = (vec![false; ops.len()], Vec::new());
        while order.len() < ops.len() {
            let free = |at: &usize| !done[*at] && ops[*at].needs.iter().all(|need| done[need.op]);
            let ready: Vec<usize> = (0..ops.len()).filter(free).collect();
            assert!(!ready.is_empty(), "a cycle");
            ready.iter().for_each(|at| done[*at] = true);
            order.extend(ready);
        }
        order
    }
}

/// The ids AWS knows an entry's objects by.
fn ids(entry: &Entry) -> Vec<String> {
    let Some(id) = &entry.id else { return Vec::new() };
    match entry.kind.as_str() {
        "redshift.cluster" => vec![cluster_id(id.as_str())],
        "elasticloadbalancing.targets" => {
            let port = id.part(1).parse().unwrap();
            id.part(2).split(',').map(|address| target_id(id.part(0), port, address)).collect()
        }
        _ => vec![id.to_string()],
    }
}
