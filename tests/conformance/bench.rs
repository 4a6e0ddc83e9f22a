//! An estate that holds, beside what its TOML asks for, resources to try each kind on.

use super::table::{self, Given, To};
use crate::harness::Estate;
use rsds::{
    address::Address,
    apply::Outcome,
    aws::{Owner, kind},
    kind::{AnyKind, AnyLive, AnyWhich, OutputRef, Tree},
    plan::{self, Options, Plan, PlanError},
    sandbox::Call,
    session::Session,
    stack::{Stack, Wanted},
    state::State,
};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// One field of one resource, and what it is to be instead.
pub(crate) type Edit = (Address, &'static str, To);

/// An estate on the bench.
pub(crate) struct Bench {
    pub(crate) estate: Estate,
    /// Changes laid over the stack, in order.
    pub(crate) edits: Vec<Edit>,
}

/// Reads an address.
pub(crate) fn at(text: &str) -> Address {
    text.parse().unwrap()
}

/// Tells an SDK call as an IAM action.
pub(crate) fn action(call: &Call) -> String {
    // CloudWatch signs with the name it had first.
    let service = if call.service == "monitoring" { "cloudwatch" } else { &*call.service };
    format!("{service}:{}", call.operation)
}

/// Makes a tree of JSON in which `@<address>.<output>` is a reference.
pub(crate) fn tree(json: &Json) -> Tree {
    match json {
        Json::Array(items) => Tree::List(items.iter().map(tree).collect()),
        Json::Object(fields) => Tree::Map(fields.iter().map(|(key, value)| (key.clone(), tree(value))).collect()),
        Json::String(text) if text.starts_with('@') => {
            let (address, output) = text[1..].rsplit_once('.').unwrap();
            Tree::Ref(OutputRef { address: at(address), output: output.to_owned() }.into())
        }
        leaf => Tree::Leaf(leaf.clone()),
    }
}

fn wanted(given: &Given, owner: &Owner) -> Wanted {
    let kind = kind(given.kind).unwrap_or_else(|| panic!("no kind {}", given.kind));
    let Tree::Map(mut spec) = tree(&given.spec) else { panic!("{} has no fields", given.address) };
    if kind.tagged() {
        spec.insert("tags".to_owned(), tree(&json!(owner.tags(&at(given.address)))));
    }
    let after = given.after.iter().map(|on| (at(on), "as in the estate".to_owned())).collect();
    let (made_after, ignored) = (BTreeSet::new(), BTreeSet::new());
    Wanted { kind, spec, after, made_after, origin: "test".to_owned(), field_origins: BTreeMap::new(), ignored }
}

impl To {
    fn lay_over(&self, field: &mut Tree) {
        match (self, field) {
            (Self::Value(json), field) => *field = tree(json),
            (Self::Tag(value), Tree::Map(tags)) => {
                tags.remove("probe");
                tags.extend(value.map(|value| ("probe".to_owned(), tree(&json!(value)))));
            }
            (Self::Tag(_), field) => panic!("no tags: {field:?}"),
            (Self::Replaced { .. } | Self::Refused(_), _) => {}
        }
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        let estate = Estate::unkind(table::ESTATE);
        estate.keep(table::KEPT, "boss");
        Self { estate, edits: Vec::new() }
    }

    /// A bench with everything on it made and settled.
    pub(crate) async fn ready() -> Self {
        let mut bench = Self::new();
        bench.apply(&Options::default()).await;
        // What a grant in the other region may name.
        let abroad = bench.estate.somebody().await.elsewhere(table::ABROAD);
        abroad.kms.create_key().send().await.unwrap();
        bench
    }

    pub(crate) async fn stack(&self, session: &Session) -> Stack {
        let mut stack = session.stack().await.unwrap();
        for given in table::spares().into_iter().chain(table::subjects().into_iter().map(|subject| subject.given)) {
            let other = stack.wanted.insert(at(given.address), wanted(&given, &session.aws.owner));
            assert!(other.is_none(), "{} twice", given.address);
        }
        for (address, field, to) in &self.edits {
            let wanted = stack.wanted.get_mut(address).unwrap();
            let of = format!("{address} has no field {field}");
            to.lay_over(wanted.spec.get_mut(*field).unwrap_or_else(|| panic!("{of}")));
        }
        stack
    }

    pub(crate) async fn open(&self) -> Session {
        self.estate.open().await.unwrap()
    }

    pub(crate) async fn plan(&self, session: &Session, options: &Options) -> Plan {
        let stack = self.stack(session).await;
        let (observed, _) = plan::observe(&session.aws, &session.state).await.unwrap();
        plan::plan(&stack, &session.state, &observed, options).unwrap_or_else(|errors| panic!("{errors:#?}"))
    }

    /// Plans in vain: the reasons.
    pub(crate) async fn refusal(&self) -> Vec<PlanError> {
        let session = self.open().await;
        let stack = self.stack(&session).await;
        let (observed, _) = plan::observe(&session.aws, &session.state).await.unwrap();
        let planned = plan::plan(&stack, &session.state, &observed, &Options::default());
        planned.err().unwrap_or_else(|| panic!("a plan was made in spite of {:?}", self.edits))
    }

    pub(crate) async fn carry_out(&mut self, session: Session, plan: Plan) -> Outcome {
        let outcome = self.estate.carry_out(session, plan).await;
        assert!(outcome.is_complete(), "{:#?} skipped {:?}", outcome.failed, outcome.skipped);
        outcome
    }

    pub(crate) async fn apply(&mut self, options: &Options) -> Outcome {
        let session = self.open().await;
        let plan = self.plan(&session, options).await;
        self.carry_out(session, plan).await
    }

    /// What is left of an estate that was destroyed, and was not there before.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        self.estate.sandbox.edit(|world| world.serverless.snapshots.remove(table::KEPT)).unwrap();
        self.estate.sandbox.leftovers()
    }

    /// Demands that a plan has nothing to do.
    pub(crate) async fn settled(&self, when: &str) {
        let session = self.open().await;
        let plan = self.plan(&session, &Options::default()).await;
        assert!(plan.is_empty(), "{when}: {}", touched(&plan).join("\n"));
    }

    pub(crate) fn state(&self) -> State {
        self.estate.state()
    }
}

/// Says what a plan touches.
pub(crate) fn touched(plan: &Plan) -> Vec<String> {
    plan.touched().map(|c| format!("{:?} {} {:?} {:#?}", c.action, c.address, c.reasons, c.fields)).collect()
}

/// The questions that ask for recorded resources.
pub(crate) fn questions(state: &State, addresses: &[Address]) -> Vec<AnyWhich> {
    let question = |address: &Address| {
        let entry = &state.entries[address];
        AnyWhich { address: address.clone(), id: entry.id.clone(), spec: entry.spec.clone(), settling: false }
    };
    addresses.iter().map(question).collect()
}

/// The recorded resources of a kind.
pub(crate) fn of_kind(state: &State, kind: &dyn AnyKind) -> Vec<Address> {
    let entries = state.entries.iter().filter(|(_, entry)| entry.kind == kind.name());
    entries.map(|(address, _)| address.clone()).collect()
}

/// Says in which fields a live resource differs from what was wanted: what AWS never shows, and keys of keyed maps
/// that nobody asked about, left out. It does not use the plan's comparison.
pub(crate) fn differences(kind: &dyn AnyKind, wanted: &Json, live: &AnyLive) -> Vec<String> {
    let mut found = Vec::new();
    for field in kind.fields().iter().filter(|field| !field.unreadable) {
        let (want, have) = (&wanted[field.name], &live.spec[field.name]);
        let equal = match (field.keyed, want, have) {
            (true, Json::Object(want), Json::Object(have)) => want.iter().all(|(k, v)| have.get(k) == Some(v)),
            (_, Json::Null, _) => true,
            _ => want == have,
        };
        if !equal {
            found.push(format!("{}: wanted {want}, got {have}", field.name));
        }
    }
    found
}

/// Every action the kinds declare.
pub(crate) fn declared(kind: &dyn AnyKind) -> BTreeSet<String> {
    let actions = kind.actions();
    let all = [actions.read, actions.create, actions.update, actions.delete];
    all.into_iter().flatten().map(|action| (*action).to_owned()).collect()
}
