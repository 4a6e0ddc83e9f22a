//! Every field that AWS shows and that can change in place is changed behind rsds's back, through the kind's own calls: the
//! drift shows exactly that, three ways and rated; ignored it stays, otherwise the next apply mends it.

use super::{
    alone::{Hand, value},
    bench::{Bench, touched},
    changes::rows,
    table::{self, Row, To},
};
use crate::harness::destroying;
use rsds::{
    address::Address,
    aws::{KINDS, kind},
    kind::{After, AnyKind, AnyLive, Field, Id, OnChange},
    plan::{Fate, FieldDrift, Options, Plan, Presence, Rating},
    sandbox::World,
    session::Session,
};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// What cannot be bent here: a VPC has one internet gateway, and a password that rsds never sees is asked for.
const NOT_TRIED: [(&str, &str); 3] = [
    ("ec2.route", "gateway"),
    ("redshift-serverless.namespace", "managed_password"),
    ("redshift.cluster", "managed_password"),
];

/// The fields that somebody else can change and a read shows.
fn readable(kind: &dyn AnyKind) -> impl Iterator<Item = Field> {
    kind.fields().into_iter().filter(|field| field.on_change == OnChange::Update && !field.unreadable)
}

/// One change from outside: what was recorded before, and what AWS shows after it.
struct Bent {
    address: Address,
    kind: &'static dyn AnyKind,
    before: Json,
    live: AnyLive,
}

type Values = BTreeMap<(String, Option<String>), (Json, Json)>;

impl Bent {
    /// The values that differ: of what was set, field by field, or key by key.
    fn expected(&self) -> Values {
        let mut all = Values::new();
        for field in self.kind.fields().iter().filter(|field| !field.unreadable) {
            let (before, live) = (&self.before[field.name], &self.live.spec[field.name]);
            let keys = match (field.keyed, before) {
                (true, Json::Object(map)) => map.keys().map(|key| Some(key.clone())).collect(),
                _ => vec![None],
            };
            for key in keys {
                let of = |json: &Json| key.as_ref().map_or_else(|| json.clone(), |key| json[key].clone());
                if of(before) != of(live) && !of(before).is_null() {
                    all.insert((field.name.to_owned(), key.clone()), (of(before), of(live)));
                }
            }
        }
        all
    }

    /// Says what is wrong with the drift that a plan tells.
    fn wrong(&self, plan: &Plan, left_alone: bool) -> Vec<String> {
        let told: Vec<&FieldDrift> =
            plan.drift.get(&self.address).into_iter().flat_map(|drift| &drift.fields).collect();
        let told: Vec<&FieldDrift> = told.into_iter().filter(|field| field.field != "outputs").collect();
        let values = told.iter().map(|f| ((f.field.clone(), f.key.clone()), (f.state.clone(), f.live.clone())));
        let (values, expected): (Values, Values) = (values.collect(), self.expected());
        let mut wrong = Vec::new();
        if values != expected {
            wrong.push(format!("{}: {values:?} drifts, not {expected:?}", self.address));
        }
        for FieldDrift { field, key, state, config, fate, rating, .. } in told {
            let of = self.kind.fields().into_iter().find(|of| of.name == field).unwrap();
            let bad = of.guards.concerns(key.as_deref());
            let right = match (bad, left_alone) {
                (true, _) => Rating::Security,
                (false, true) => Rating::Harmless,
                (false, false) => Rating::Reverted,
            };
            let done = if left_alone { Fate::Ignored } else { Fate::Reverted };
            if (rating, fate) != (&right, &done) || *config != Some(After::Known(state.clone())) {
                wrong.push(format!("{} {field} {key:?}: {rating:?}, {fate:?}, {config:?} for {state}", self.address));
            }
        }
        wrong
    }
}

/// The rows that somebody else may carry out: AWS knows of them.
fn from_outside(subject: table::Subject, kind: &dyn AnyKind) -> Vec<Row> {
    let readable: BTreeSet<&str> = readable(kind).map(|field| field.name).collect();
    let mut all = rows(subject);
    // A tag that nobody asked about is nobody's drift: one that rsds set is.
    all.retain(|row| matches!(row.to, To::Value(_)) && !row.silent && readable.contains(row.field));
    all
}

/// Changes one field of each subject: the row of this round, if it changes anything; none when there are no more rows.
async fn bend(bench: &Bench, round: usize) -> Option<Vec<(Bent, &'static str)>> {
    let (state, session) = (bench.state(), bench.open().await);
    let (mut all, mut more) = (Vec::new(), false);
    for subject in table::subjects() {
        let mut hand = Hand::of(subject.given.address, &state, &session.aws, bench);
        let (before, kind, address) = (hand.spec.clone(), hand.kind, subject.given.address);
        let mut rows = from_outside(subject, kind);
        if kind.tagged() {
            let mut tags = before["tags"].clone();
            tags["rsds:address"] = json!("somebody/else");
            rows.push(Row { field: "tags", to: To::Value(tags), with: Vec::new(), silent: false, followers: &[] });
        }
        let Some(mut row) = rows.into_iter().nth(round) else { continue };
        more = true;
        if row.field == "addresses" {
            // What is registered besides is not theirs: somebody else can only take addresses out.
            row.to = To::Value(json!([before["addresses"][0]]));
        }
        if row.field == "default_role" && row.with.is_empty() {
            // The default is one of the roles.
            row.with.push(("roles", json!(["@spare/role-1.arn", "@spare/role-2.arn"])));
        }
        if value(&row, &before, &state) == before[row.field] {
            continue;
        }
        hand.update(&row, &state).await;
        // As the next plan will look: by what is recorded.
        let live = Hand::of(address, &state, &session.aws, bench).settle().await;
        all.push((Bent { address: hand.address.clone(), kind, before, live }, row.field));
    }
    more.then_some(all)
}

#[tokio::test(start_paused = true)]
async fn each_field_bent_from_outside_is_told_rated_and_mended() {
    let mut bench = Bench::ready().await;
    let mut swept: BTreeSet<(&str, &str)> = BTreeSet::new();
    let refresh = Options { refresh_only: true, ..Options::default() };
    for round in 0.. {
        let Some(bent) = bend(&bench, round).await else { break };
        if bent.is_empty() {
            continue;
        }
        swept.extend(bent.iter().map(|(bent, field)| (bent.kind.name(), *field)));
        println!(
            "round {round}: {:?}",
            bent.iter().map(|(bent, field)| format!("{} {field}", bent.kind.name())).collect::<Vec<_>>()
        );
        let session = bench.open().await;
        let told = bench.plan(&session, &refresh).await;
        let mut wrong: Vec<String> = bent.iter().flat_map(|(bent, _)| bent.wrong(&told, false)).collect();
        let meant: BTreeSet<&Address> = bent.iter().map(|(bent, _)| &bent.address).collect();
        let more = told.drift.iter().filter(|(address, drift)| {
            !meant.contains(address) && drift.fields.iter().any(|field| field.field != "outputs")
        });
        wrong.extend(more.map(|(address, drift)| format!("{address} drifts, too: {drift:#?}")));
        assert_eq!(told.has_drifted(), !bent.is_empty(), "round {round}");

        let every =
            bent.iter().flat_map(|(bent, _)| bent.expected().into_keys().map(|(field, _)| (&bent.address, field)));
        // Whose resource it is may not be ignored, whatever else of its tags is.
        let ignored: BTreeSet<String> =
            every.filter(|(_, field)| field != "tags").map(|(address, field)| format!("{address}.{field}")).collect();
        let ignore: Vec<_> = ignored.iter().map(|text| text.parse().unwrap()).collect();
        let told = bench.plan(&session, &Options { ignore: ignore.clone(), ..refresh.clone() }).await;
        let tagged = |bent: &Bent| bent.expected().keys().any(|(field, _)| field == "tags");
        wrong.extend(bent.iter().filter(|(bent, _)| !tagged(bent)).flat_map(|(bent, _)| bent.wrong(&told, true)));
        let counted: BTreeSet<&Address> = told
            .drift
            .iter()
            .filter(|(_, drift)| drift.fields.iter().any(|f| f.counts() && f.field != "outputs"))
            .map(|(a, _)| a)
            .collect();
        let right: BTreeSet<&Address> =
            bent.iter().filter(|(bent, _)| tagged(bent)).map(|(bent, _)| &bent.address).collect();
        assert_eq!(counted, right, "round {round}: what is ignored does not count");
        for (address, entry) in &told.refresh {
            let ours = bent.iter().find(|(bent, _)| bent.address == *address && !tagged(bent));
            assert!(
                ours.is_none_or(|(bent, _)| *entry.spec == bent.before),
                "round {round}: the record of {address} follows"
            );
        }
        let plan = bench.plan(&session, &Options { ignore, ..Options::default() }).await;
        let stray = plan.touched().filter(|change| !right.contains(&change.address)).count();
        assert!(wrong.is_empty() && stray == 0, "round {round}:\n{}\n{}", wrong.join("\n"), touched(&plan).join("\n"));

        bench.apply(&Options::default()).await;
        bench.settled(&format!("after round {round}")).await;
    }
    println!("{} pairs of kind and field bent from outside", swept.len());
    let all = KINDS.iter().flat_map(|kind| readable(*kind).map(|field| (kind.name(), field.name)));
    let left: Vec<(&str, &str)> = all.filter(|pair| !swept.contains(pair)).collect();
    assert_eq!(left, NOT_TRIED, "nobody bent these");
}

/// Kinds that AWS knows by a name and nothing else: one made anew by hand is the same to everybody.
const NAMED_ALONE: [&str; 8] = [
    "kms.alias",
    "iam.role-policy",
    "redshift.datashare",
    "redshift.database-role",
    "redshift.database-user",
    "redshift.scheduled-action",
    "redshift-serverless.scheduled-action",
    "redshift-serverless.custom-domain-association",
];

/// Deletes a subject by hand and makes it anew without tags, as somebody in the console would.
async fn made_anew(bench: &Bench, session: &Session, subject: table::Subject) -> Option<(Address, Id)> {
    let of = kind(subject.given.kind).unwrap();
    if !of.key().contains(&"name") || NAMED_ALONE.contains(&of.name()) {
        return None;
    }
    let state = &session.state;
    for holder in subject.held_by {
        let mut holder = Hand::of(holder, state, &session.aws, bench);
        holder.remove().await;
        holder.gone().await;
    }
    let mut hand = Hand::of(subject.given.address, state, &session.aws, bench);
    hand.remove().await;
    hand.gone().await;
    if of.tagged() {
        // Tags of their own: AWS itself makes things without any.
        hand.spec["tags"] = json!({ "team": "bi" });
    }
    let (id, _) = hand.create("99999999-2222-4333-8444-555555555555").await.unwrap();
    hand.id = id;
    let spec = hand.spec.clone();
    for step in of.finish(&spec).unwrap() {
        hand.run(&step, &spec).await;
    }
    hand.settle().await;
    Some((hand.address.clone(), hand.id.clone()))
}

/// What there is, without the statements that were run to ask about it.
fn of_aws(bench: &Bench) -> World {
    let world = bench.estate.sandbox.world();
    World { data_api: Default::default(), counter: 0, ..world }
}

#[tokio::test(start_paused = true)]
async fn a_namesake_made_by_hand_is_named_and_never_touched() {
    let mut bench = Bench::ready().await;
    let session = bench.open().await;
    let mut made: BTreeMap<Address, Id> = BTreeMap::new();
    for subject in table::subjects() {
        made.extend(made_anew(&bench, &session, subject).await);
    }
    assert_eq!(made.len(), 16, "{made:?}");
    let errors = bench.refusal().await;
    let world = of_aws(&bench);
    for (address, id) in &made {
        let error = errors.iter().find(|error| error.address.as_ref() == Some(address));
        let error = error.unwrap_or_else(|| panic!("{address} may be made beside {id}: {errors:#?}"));
        assert!(error.message.contains(&format!("{id} has its ")), "{}", error.message);
        assert!(error.help.contains(&format!("rsds import {address} {id};")), "{}", error.help);
    }
    let told = bench.plan(&session, &Options { refresh_only: true, ..Options::default() }).await;
    for (address, id) in &made {
        let Presence::Another { id: of, .. } = &told.drift[address].presence else {
            panic!("{:?}", told.drift[address])
        };
        assert_eq!(of, id, "{address}");
        assert!(told.refresh.iter().all(|(of, _)| of != address) && told.ops.iter().all(|op| op.address != *address));
    }
    assert_eq!(of_aws(&bench), world, "a plan changes nothing");
    bench.apply(&destroying(&["subject"])).await;
    let after = bench.open().await;
    assert!(made.keys().all(|address| !after.state.entries.contains_key(address)), "their records are dropped");
    for (address, id) in &made {
        let mut hand = Hand::of(&address.to_string(), &session.state, &after.aws, &bench);
        hand.id = id.clone();
        assert!(hand.read().await.is_some(), "{address}: {id} was deleted");
    }
}

/// The list that `docs/drift.md` is written from.
#[test]
fn what_concerns_protection() {
    let mut all: Vec<String> = Vec::new();
    for kind in KINDS {
        let guarded = kind.fields().into_iter().filter_map(|field| match field.guards {
            rsds::kind::Guards::Nothing => None,
            rsds::kind::Guards::All => Some(field.name.to_owned()),
            rsds::kind::Guards::Keys(_) if field.name == "tags" => None,
            rsds::kind::Guards::Keys(keys) => Some(format!("{}.{{{}}}", field.name, keys.join(","))),
        });
        let guarded: Vec<String> = guarded.collect();
        let gone = if kind.guards() { " (and its absence)" } else { "" };
        if !guarded.is_empty() {
            all.push(format!("{}: {}{gone}", kind.name(), guarded.join(", ")));
        }
    }
    insta::assert_snapshot!(all.join("\n"));
}
