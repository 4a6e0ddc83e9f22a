//! Each kind alone, without plan and apply: what its calls are, and what they do when they are sent twice.

use super::{
    bench::{Bench, action, at, differences, tree},
    changes::rows,
    table::{self, Again, Row, Subject, To},
};
use rsds::{
    address::Address,
    aws::{Aws, Class, Fault, Look, kind},
    clock::Clock,
    kind::{After, AnyJob, AnyKind, AnyLive, AnyWhich, Changes, Id, OnChange, OutputRef, Readiness, Step, When},
    sandbox::Sandbox,
    state::State,
};
use serde_json::{Value as Json, json};
use std::{collections::BTreeSet, time::Duration};

const PATIENCE: usize = 3000;
const PAUSE: Duration = Duration::from_secs(5);

/// One resource in the hands of the test.
pub(super) struct Hand<'a> {
    pub(super) kind: &'static dyn AnyKind,
    pub(super) address: Address,
    pub(super) id: Id,
    pub(super) spec: Json,
    aws: &'a Aws,
    clock: &'a Clock,
    sandbox: &'a Sandbox,
}

impl<'a> Hand<'a> {
    pub(super) fn of(address: &str, state: &State, aws: &'a Aws, bench: &'a Bench) -> Self {
        let entry = &state.entries[&at(address)];
        let (clock, sandbox) = (&bench.estate.clock, &bench.estate.sandbox);
        let (id, spec) = (entry.id.clone().unwrap(), Json::clone(&entry.spec));
        Self { kind: kind(&entry.kind).unwrap(), address: at(address), id, spec, aws, clock, sandbox }
    }

    pub(super) async fn read(&self) -> Option<AnyLive> {
        let which = AnyWhich {
            address: self.address.clone(),
            id: Some(self.id.clone()),
            spec: self.spec.clone().into(),
            settling: false,
        };
        Look::at(self.aws, self.kind, vec![which]).answer(self.kind).await.unwrap().pop().flatten()
    }

    pub(super) async fn settle(&self) -> AnyLive {
        let certain = || self.kind.outputs().iter().filter(|output| output.when != When::Maybe);
        let late = |live: &AnyLive| certain().any(|output| live.outputs[output.name].is_null());
        let mut stable = 0;
        for _ in 0..PATIENCE {
            match self.read().await {
                Some(live) if live.readiness == Readiness::Ready && !late(&live) => {
                    stable += 1;
                    if stable >= self.kind.stable_reads() {
                        return live;
                    }
                }
                Some(AnyLive { readiness: Readiness::Failed(why), .. }) => panic!("{}: {why}", self.address),
                _ => stable = 0,
            }
            self.clock.sleep(PAUSE).await;
        }
        panic!("{} does not settle: {:?}", self.address, self.read().await)
    }

    /// Sends a step as often as it takes: what is busy or not visible yet is asked again.
    pub(super) async fn run(&mut self, step: &Step, before: &Json) {
        if step.settled {
            self.settle().await;
        }
        for _ in 0..PATIENCE {
            let job = AnyJob { step, id: &self.id, before, spec: &self.spec };
            match self.kind.run(self.aws, job).await {
                Ok(new) => {
                    self.id = new.unwrap_or_else(|| self.id.clone());
                    return;
                }
                Err(fault) if matches!(fault.class, Class::Busy | Class::Propagating | Class::NotFound) => {
                    self.clock.sleep(PAUSE).await;
                }
                Err(fault) => panic!("{} {}: {fault}", self.address, step.name),
            }
        }
        panic!("{} {}: for ever busy", self.address, step.name)
    }

    pub(super) async fn update(&mut self, row: &Row, state: &State) {
        let before = self.spec.clone();
        let fields = std::iter::once((row.field, value(row, &before, state)));
        let with = row.with.iter().map(|(field, json)| (*field, resolved(json, state)));
        let mut wanted = before.clone();
        fields.chain(with).for_each(|(field, json)| wanted[field] = json);
        self.spec = self.kind.normalise(wanted).unwrap();
        let differs = self.kind.fields().into_iter().filter(|field| before[field.name] != self.spec[field.name]);
        let change = |name: &str| (before[name].clone(), After::Known(self.spec[name].clone()));
        let changes = Changes(differs.map(|field| (field.name.to_owned(), change(field.name))).collect());
        assert!(changes.has(row.field), "{} {}: no change", self.address, row.field);
        for step in self.kind.update(&changes) {
            self.run(&step, &before).await;
        }
        let live = self.settle().await;
        assert_eq!(differences(self.kind, &self.spec, &live), [""; 0], "{} {}", self.address, row.field);
    }

    pub(super) async fn remove(&mut self) {
        let spec = self.spec.clone();
        let steps = self.kind.remove(&spec).unwrap();
        assert!(!steps.is_empty(), "{} has no way out", self.address);
        for step in steps {
            self.run(&step, &spec).await;
        }
    }

    pub(super) async fn gone(&self) {
        for _ in 0..PATIENCE {
            if self.read().await.is_none() {
                return;
            }
            self.clock.sleep(PAUSE).await;
        }
        panic!("{} does not go: {:?}", self.address, self.read().await)
    }

    pub(super) async fn create(&self, token: &str) -> Result<(Id, Json), Fault> {
        for _ in 0..PATIENCE {
            match self.kind.create(self.aws, &self.spec, token).await {
                Err(fault) if matches!(fault.class, Class::Busy | Class::Propagating | Class::NotFound) => {
                    self.clock.sleep(PAUSE).await;
                }
                answer => return answer,
            }
        }
        panic!("{}: for ever busy", self.address)
    }

    /// Says which calls since the last look none of these lists declares.
    fn undeclared(&self, doing: &str, declared: &[&[&str]]) -> Vec<String> {
        let declared: BTreeSet<&str> = declared.iter().flat_map(|list| list.iter().copied()).collect();
        let calls: BTreeSet<String> = self.sandbox.take_calls().iter().map(action).collect();
        let missing = calls.into_iter().filter(|call| !declared.contains(call.as_str()));
        missing.map(|call| format!("{} {doing}: {call}", self.kind.name())).collect()
    }
}

fn resolved(json: &Json, state: &State) -> Json {
    let value_of = |of: &OutputRef| state.output(&of.address, &of.output).cloned();
    tree(json).resolve(&value_of).unwrap()
}

pub(super) fn value(row: &Row, before: &Json, state: &State) -> Json {
    match &row.to {
        To::Value(json) => resolved(json, state),
        To::Tag(value) => {
            let mut tags = before[row.field].clone();
            let map = tags.as_object_mut().unwrap();
            map.remove("probe");
            map.extend(value.map(|value| ("probe".to_owned(), json!(value))));
            tags
        }
        To::Refused(json) => panic!("{} is refused: {json}", row.field),
        To::Replaced { fact, .. } => panic!("{} cannot be tried alone: {fact}", row.field),
    }
}

/// Updates the subject's fields one by one, deletes it twice, creates it twice.
async fn try_out(subject: Subject, bench: &Bench, aws: &Aws, state: &State) -> Vec<String> {
    let mut hand = Hand::of(subject.given.address, state, aws, bench);
    let (actions, fields) = (hand.kind.actions(), hand.kind.fields());
    let updates = |name: &str| fields.iter().any(|f| f.name == name && f.on_change == OnChange::Update);
    hand.sandbox.take_calls();
    hand.read().await;
    let mut wrong = hand.undeclared("read", &[actions.read]);
    let (again, held_by) = (subject.again, subject.held_by);
    let alone = |row: &&Row| !matches!(row.to, To::Replaced { .. } | To::Refused(_));
    for row in rows(subject).iter().filter(alone).filter(|row| updates(row.field)) {
        hand.update(row, state).await;
    }
    wrong.extend(hand.undeclared("update", &[actions.read, actions.update]));
    for holder in held_by {
        let mut holder = Hand::of(holder, state, aws, bench);
        holder.remove().await;
        holder.gone().await;
    }
    if hand.kind.remove(&hand.spec).unwrap().is_empty() {
        // What has been done stays done, and is not done again.
        let fault = hand.create("11111111-2222-4333-8444-555555555555").await.unwrap_err();
        assert_eq!((fault.class, again), (Class::Exists, Again::Refused), "{fault:?}");
        return wrong;
    }
    hand.sandbox.take_calls();
    hand.remove().await;
    hand.gone().await;
    hand.remove().await;
    wrong.extend(hand.undeclared("delete", &[actions.read, actions.delete]));
    wrong.extend(create_twice(&mut hand, again).await);
    wrong
}

async fn create_twice(hand: &mut Hand<'_>, again: Again) -> Vec<String> {
    let name = hand.kind.name();
    let token = "11111111-2222-4333-8444-555555555555";
    let (id, outputs) = hand.create(token).await.unwrap_or_else(|fault| panic!("{name}: {fault}"));
    let missing = hand.kind.outputs().iter().filter(|o| o.when == When::AtOnce && outputs[o.name].is_null());
    let mut wrong: Vec<String> =
        missing.map(|output| format!("{name}: {} is not there at once", output.name)).collect();
    let answer = match hand.kind.create(hand.aws, &hand.spec, token).await {
        Ok((same, _)) if same == id => Again::Same,
        Ok(_) => Again::Another,
        Err(fault) if matches!(fault.class, Class::Exists | Class::Busy | Class::Invalid) => Again::Refused,
        Err(fault) => panic!("{name}: the second create answers {fault:?}"),
    };
    if answer != again {
        wrong.push(format!("{name}: the second create is {answer:?}, not {again:?}"));
    }
    hand.id = id;
    let spec = hand.spec.clone();
    for step in hand.kind.finish(&spec).unwrap() {
        hand.run(&step, &spec).await;
    }
    wrong.extend(hand.undeclared("create", &[hand.kind.actions().read, hand.kind.actions().create]));
    let live = hand.settle().await;
    wrong.extend(differences(hand.kind, &spec, &live).into_iter().map(|d| format!("{name} created: {d}")));
    wrong
}

#[tokio::test(start_paused = true)]
async fn each_kind_keeps_its_word_alone() {
    let bench = Bench::ready().await;
    let (state, session) = (bench.state(), bench.open().await);
    let mut wrong = Vec::new();
    for subject in table::subjects() {
        wrong.extend(try_out(subject, &bench, &session.aws, &state).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
