//! What was given is read back, many at once, with the actions that were declared.

use super::{
    bench::{Bench, action, declared, differences, of_kind, questions},
    changes::names,
    table::{self, Per},
};
use crate::harness::{Estate, destroying, kinds};
use rsds::{
    aws::{KINDS, Look, kind},
    kind::{AnyKind, Readiness, When},
    sandbox::Call,
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test(start_paused = true)]
async fn every_kind_comes_from_the_toml() {
    let mut there: BTreeSet<&str> = BTreeSet::new();
    for toml in [table::ESTATE, table::CLUSTER_ESTATE] {
        let stack = Estate::new(toml).open().await.unwrap().stack().await.unwrap();
        there.extend(stack.wanted.values().map(|wanted| wanted.kind.name()));
    }
    let missing: Vec<&str> = kinds().into_iter().filter(|name| !there.contains(name)).collect();
    assert_eq!(missing, [""; 0], "the TOML asks for none of these");
}

#[test]
fn outputs_are_declared_as_they_come() {
    for kind in KINDS.iter().filter(|kind| !kind.settles()) {
        let late = kind.outputs().iter().any(|output| output.when != When::AtOnce);
        assert!(!late, "{} does not settle, so nobody would wait for its late outputs", kind.name());
    }
}

/// Demands that AWS shows every recorded resource as it was given, ready and with all its outputs.
pub(crate) async fn reads_back(estate: &Estate) {
    let (state, session) = (estate.state(), estate.open().await.unwrap());
    for kind in KINDS {
        let addresses = of_kind(&state, *kind);
        let answers = Look::at(&session.aws, *kind, questions(&state, &addresses)).answer(*kind).await.unwrap();
        for (address, live) in addresses.iter().zip(answers) {
            let (entry, live) = (&state.entries[address], live.unwrap_or_else(|| panic!("{address} is not there")));
            assert_eq!(differences(*kind, &entry.spec, &live), [""; 0], "{address}");
            assert_eq!(Some(&live.id), entry.id.as_ref(), "{address}");
            assert_eq!(live.readiness, Readiness::Ready, "{address}");
            assert_eq!(live.outputs, Json::Object(entry.outputs.clone()), "{address}");
            let certain = kind.outputs().iter().filter(|output| output.when != When::Maybe);
            let missing = certain.filter(|output| live.outputs[output.name].is_null());
            assert_eq!(missing.map(|output| output.name).collect::<Vec<_>>(), [""; 0], "{address}");
        }
    }
}

fn counted(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    calls.iter().for_each(|call| *counts.entry(action(call)).or_default() += 1);
    counts
}

/// How often an action is called for these resources, by the table; what it does not name is called once.
fn expected(kind: &dyn AnyKind, action: &str, specs: &[&Json]) -> Option<usize> {
    let parents = |field: &str| specs.iter().map(|s| s[field].to_string()).collect::<BTreeSet<_>>().len();
    Some(match table::per_object(kind.name()).iter().find(|(call, _, _)| *call == action) {
        None => 1,
        Some((_, Per::Object(times), _)) => specs.len() * times,
        Some((_, Per::Alone, _)) => usize::from(specs.len() == 1),
        Some((_, Per::Parent(field), _)) => parents(field),
        Some((_, Per::Parents(times, field), _)) => times * parents(field),
        Some((_, Per::Polled, _)) => return None,
    })
}

fn miscounted(kind: &dyn AnyKind, n: usize, specs: &[&Json], calls: &[Call]) -> Vec<String> {
    let counts = counted(calls).into_iter();
    let wrong = counts.filter_map(|(call, times)| {
        let right = expected(kind, &call, specs)?;
        (times != right).then(|| format!("{}: {call} {times} times for {n}, not {right}", kind.name()))
    });
    wrong.collect()
}

/// Reads one and three of each kind; three must cost the calls of one, but for what the table names.
async fn three_cost_the_calls_of_one(bench: &Bench) {
    let (state, session) = (bench.state(), bench.open().await);
    let sandbox = &bench.estate.sandbox;
    let mut wrong = Vec::new();
    for kind in KINDS {
        let addresses = of_kind(&state, *kind);
        assert!(addresses.len() >= 3, "{}: only {addresses:?}", kind.name());
        for n in [1, 3] {
            // The last ones: what the test put there, with parents of their own.
            let some = &addresses[addresses.len() - n..];
            sandbox.take_calls();
            Look::at(&session.aws, *kind, questions(&state, some)).answer(*kind).await.unwrap();
            let specs: Vec<&Json> = some.iter().map(|address| &*state.entries[address].spec).collect();
            wrong.extend(miscounted(*kind, n, &specs, &sandbox.take_calls()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The calls every run makes, whatever it is about, and those that spare others where they are allowed.
const COMMON: [&str; 5] = [
    "sts:GetCallerIdentity",
    "ec2:DescribeAvailabilityZones",
    "tagging:GetResources",
    "iam:ListRoles",
    "iam:GetAccountAuthorizationDetails",
];

fn all_calls_are_declared(calls: &[Call]) {
    let all: BTreeSet<String> = KINDS.iter().flat_map(|kind| declared(*kind)).collect();
    let calls: BTreeSet<String> = calls.iter().map(action).collect();
    let undeclared: Vec<&String> =
        calls.iter().filter(|call| !all.contains(*call) && !COMMON.contains(&call.as_str())).collect();
    assert!(undeclared.is_empty(), "no kind declares {undeclared:?}");
}

fn the_fields_are_those_of_the_spec(bench: &Bench) {
    for (address, entry) in bench.state().entries {
        let Json::Object(spec) = &*entry.spec else { panic!("{address}: {}", entry.spec) };
        let keys: BTreeSet<&str> = spec.keys().map(String::as_str).collect();
        assert_eq!(keys, names(kind(&entry.kind).unwrap()), "{address}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_given_is_read_back_at_one_cost_with_declared_actions() {
    let mut bench = Bench::ready().await;
    bench.settled("after the first apply").await;
    reads_back(&bench.estate).await;
    the_fields_are_those_of_the_spec(&bench);
    let mut calls = bench.estate.sandbox.take_calls();
    three_cost_the_calls_of_one(&bench).await;
    let outcome = bench.estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    // Redshift itself made log groups for what the spare clusters export.
    assert_eq!(bench.leftovers(), ["us-east-1/kms", "us-west-2/logs"]);
    calls.extend(bench.estate.sandbox.take_calls());
    all_calls_are_declared(&calls);
}
