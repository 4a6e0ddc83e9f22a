//! What became different since a plan was made: in AWS field by field, and in what would be done.
//!
//! Called by `session` before a saved plan is carried out, and when the answer to the question came late. Pure. Must
//! never let a plan through that would do anything else than the one that was shown.

use super::{Plan, PlanError, Planned, Seen, refresh::managed};
use crate::{address::Address, kind::AnyLive, state::State};
use serde_json::{Map, Value as Json, json};
use std::{collections::BTreeSet, fmt};

/// One value that is not what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Moved {
    /// The resource.
    pub address: Address,
    /// The field, down to the key that differs.
    pub what: String,
    /// What it was when the plan was made; null = unset.
    pub then: Json,
    /// What it is now; null = unset.
    pub now: Json,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, what, then, now } = self;
        let shown = |value: &Json| if value.is_null() { "unset".to_owned() } else { value.to_string() };
        write!(f, "{address}: {what} was {} when planned and is {} now", shown(then), shown(now))
    }
}

impl From<Moved> for PlanError {
    fn from(moved: Moved) -> Self {
        Self { message: moved.to_string(), address: Some(moved.address), help: String::new() }
    }
}

/// What became different since a plan was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Since {
    /// What forbids to carry the plan out.
    pub against: Vec<Moved>,
    /// What changes nothing of what would be done.
    pub harmless: Vec<Moved>,
}

/// Compares a plan with the one that the same wishes give now. `recorded` is the state both were made from.
pub fn moved(then: &Planned, now: &Planned, recorded: &State) -> Since {
    let mut since = Since::default();
    let addresses: BTreeSet<&Address> = then.observed.0.keys().chain(now.observed.0.keys()).collect();
    for address in addresses {
        let (was, is) = (then.observed.0.get(address), now.observed.0.get(address));
        if was == is {
            continue;
        }
        let mut found = Found { address, into: Vec::new() };
        match (live(was), live(is)) {
            (Some(was), Some(is)) => {
                found.differ("id", &json!(was.id), &json!(is.id));
                let of_ours = |live: &AnyLive| match recorded.entries.get(address) {
                    Some(entry) => crate::aws::kind(&entry.kind)
                        .map_or_else(|| live.spec.clone(), |kind| managed(kind, &entry.spec, &live.spec)),
                    None => live.spec.clone(),
                };
                found.differ("", &of_ours(was), &of_ours(is));
                since.against.append(&mut found.into);
                found.differ("readiness", &json!(was.readiness), &json!(is.readiness));
                found.differ("outputs", &was.outputs, &is.outputs);
                since.harmless.append(&mut found.into);
            }
            (was, is) => {
                found.differ("in AWS it", &presence(was), &presence(is));
                since.against.append(&mut found.into);
            }
        }
    }
    if since.against.is_empty() {
        since.against = of_plans(&then.plan, &now.plan);
    }
    since
}

fn live(seen: Option<&Seen>) -> Option<&AnyLive> {
    match seen {
        Some(Seen::Live(live)) => Some(live),
        Some(Seen::Absent | Seen::Other(_)) | None => None,
    }
}

fn presence(live: Option<&AnyLive>) -> Json {
    json!(if live.is_some() { "present" } else { "absent" })
}

/// The differences of one resource.
struct Found<'a> {
    address: &'a Address,
    into: Vec<Moved>,
}

impl Found<'_> {
    /// Goes down to the keys that differ; lists are compared as a whole.
    fn differ(&mut self, what: &str, then: &Json, now: &Json) {
        if then == now {
            return;
        }
        if let (Json::Object(was), Json::Object(is)) = (then, now) {
            let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            for key in keys {
                let path = if what.is_empty() { key.clone() } else { format!("{what}.{key}") };
                self.differ(&path, &then[key], &now[key]);
            }
            return;
        }
        let (address, what) = (self.address.clone(), what.to_owned());
        self.into.push(Moved { address, what, then: then.clone(), now: now.clone() });
    }
}

/// How one plan differs from another: what would be done, not what is merely recorded.
fn of_plans(then: &Plan, now: &Plan) -> Vec<Moved> {
    let (before, after) = (substance(then), substance(now));
    if before == after {
        return Vec::new();
    }
    let mut moved = Vec::new();
    let addresses: BTreeSet<&Address> = then.changes.keys().chain(now.changes.keys()).collect();
    for address in addresses {
        let mut found = Found { address, into: Vec::new() };
        found.differ("plan", &before[&address.to_string()], &after[&address.to_string()]);
        moved.append(&mut found.into);
    }
    moved
}

/// Everything of a plan that an apply goes by, resource by resource. Records that are brought up to date on the way are
/// left out, unless the plan is about nothing else.
fn substance(plan: &Plan) -> Json {
    let mut all = Map::new();
    for (address, change) in &plan.changes {
        let ops: Vec<Json> = plan.ops.iter().filter(|op| op.address == *address).map(|op| waits(plan, op)).collect();
        let record = plan.refresh.iter().find(|(of, _)| plan.refresh_only && of == address).map(|(_, entry)| entry);
        all.insert(address.to_string(), json!({ "change": change, "operations": ops, "record": record }));
    }
    Json::Object(all)
}

/// An operation by what it waits for rather than by numbers in a list.
fn waits(plan: &Plan, op: &super::Op) -> Json {
    let on = |need: &super::Need| plan.ops.get(need.op).map(|of| json!([of.address, of.verb, need.until]));
    json!({ "verb": op.verb, "waits_for": op.needs.iter().map(on).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kind::{Id, Readiness},
        plan::{Action, Change, Observed, Work},
        state::{Entry, Status},
    };
    use std::collections::BTreeMap;

    fn address() -> Address {
        Address::new("networking", "vpc")
    }

    /// A plan that does this to a VPC.
    fn plan(action: Action) -> Plan {
        let change = Change {
            address: address(),
            kind: crate::aws::kind("ec2.vpc").unwrap(),
            action,
            reasons: vec![],
            fields: vec![],
            ignored: vec![],
            id: None,
            origin: None,
            work: Work::default(),
        };
        let changes = BTreeMap::from([(address(), change)]);
        Plan { changes, ..Plan::default() }
    }

    /// The same, with AWS showing this spec and these outputs.
    fn planned(spec: &Json, outputs: &Json, action: Action) -> Planned {
        let (spec, outputs) = (spec.clone(), outputs.clone());
        let live = AnyLive { id: Id("vpc-1".into()), spec, outputs, readiness: Readiness::Ready, others: Vec::new() };
        Planned { plan: plan(action), observed: Observed([(address(), Seen::Live(live))].into()) }
    }

    fn recorded() -> State {
        let entry = Entry {
            kind: "ec2.vpc".into(),
            status: Status::Ready,
            id: Some(Id("vpc-1".into())),
            spec: json!({ "cidr": "a", "tags": { "team": "data" } }).into(),
            outputs: Map::new(),
            depends_on: vec![],
            generation: 0,
            deposed: vec![],
        };
        let mut state = State::pristine("airline", "dev", "l".into());
        state.entries.insert(address(), entry);
        state
    }

    fn since(spec: &Json, outputs: &Json, action: Action) -> (Vec<String>, Vec<String>) {
        let then = planned(&json!({ "cidr": "a", "tags": { "team": "data" } }), &json!({ "id": "1" }), Action::Update);
        let Since { against, harmless } = moved(&then, &planned(spec, outputs, action), &recorded());
        let words = |moved: Vec<Moved>| moved.iter().map(ToString::to_string).collect();
        (words(against), words(harmless))
    }

    #[test]
    fn only_what_is_ours_or_changes_the_work_counts() {
        let (same, outputs) = (json!({ "cidr": "a", "tags": { "team": "data" } }), json!({ "id": "1" }));
        assert_eq!(since(&same, &outputs, Action::Update), (vec![], vec![]));
        let others = json!({ "cidr": "a", "tags": { "team": "data", "cost": "7" } });
        assert_eq!(since(&others, &outputs, Action::Update), (vec![], vec![]), "somebody else's tag");
        let ours = json!({ "cidr": "a", "tags": { "team": "ops" } });
        let said = r#"networking/vpc: tags.team was "data" when planned and is "ops" now"#;
        assert_eq!(since(&ours, &outputs, Action::Update), (vec![said.to_owned()], vec![]));
        let said = r#"networking/vpc: outputs.id was "1" when planned and is "2" now"#;
        assert_eq!(since(&same, &json!({ "id": "2" }), Action::Update), (vec![], vec![said.to_owned()]));
        let said = r#"networking/vpc: plan.change.action was "update" when planned and is "delete" now"#;
        assert_eq!(since(&same, &outputs, Action::Delete), (vec![said.to_owned()], vec![]));
    }

    #[test]
    fn gone_is_said_as_such() {
        let then = planned(&json!({ "cidr": "a" }), &Json::Null, Action::Update);
        let gone = Planned { observed: Observed([(address(), Seen::Absent)].into()), plan: plan(Action::Update) };
        let said = moved(&then, &gone, &recorded()).against[0].to_string();
        assert_eq!(said, r#"networking/vpc: in AWS it was "present" when planned and is "absent" now"#);
    }
}
