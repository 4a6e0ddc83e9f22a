//! Faults: every mutating call of an apply and of a destroy fails once in every way there is. What can be borne is
//! borne; what cannot stops precisely that resource and what needs it, and the next run completes.

use crate::{harness::*, scene::*};
use rsds::{
    apply::{Outcome, Trouble},
    aws::Class,
    plan::{Options, Plan},
    sandbox::{AwsError, Fault, How},
    state::Store,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The estates that are swept: together they have every kind.
const SWEPT: [&str; 2] = [SMALL, SMALL_CLUSTER];

/// The mutating operations since the last look, as `service:Operation`.
fn mutations(estate: &Estate) -> BTreeSet<String> {
    let calls = estate.sandbox.take_calls().into_iter().filter(|call| call.mutating);
    calls.map(|call| format!("{}:{}", call.service, call.operation)).collect()
}

fn throttled(operation: &str) -> How {
    let code = if operation.starts_with("ec2:") { "RequestLimitExceeded" } else { "ThrottlingException" };
    How::Error(AwsError::new(code, "Rate exceeded"))
}

fn failed(operation: &str) -> How {
    let code = if operation.starts_with("ec2:") { "InternalError" } else { "InternalFailure" };
    How::Error(AwsError::new(code, "We encountered an internal error").status(500))
}

fn refused(operation: &str) -> How {
    let code = match operation.split_once(':').unwrap().0 {
        "ec2" => "UnauthorizedOperation",
        "kms" | "redshift-serverless" => "AccessDeniedException",
        _ => "AccessDenied",
    };
    How::Error(AwsError::new(code, "You are not authorized to perform this operation").status(403))
}

/// An uninterrupted life: what stands in its middle, and the calls of its two halves.
struct Reference {
    inventory: BTreeMap<&'static str, usize>,
    applying: BTreeSet<String>,
    destroying: BTreeSet<String>,
}

async fn reference(toml: &str) -> Reference {
    let mut estate = Estate::bare(toml);
    estate.apply().await;
    let (inventory, applying) = (estate.inventory(), mutations(&estate));
    estate.sandbox.take_calls();
    estate.run(&destroying(&[])).await;
    Reference { inventory, applying, destroying: mutations(&estate) }
}

#[tokio::test(start_paused = true)]
async fn every_kind_is_swept() {
    let mut there = BTreeSet::new();
    for toml in SWEPT {
        let stack = Estate::bare(toml).open().await.unwrap().stack().await.unwrap();
        there.extend(stack.wanted.values().map(|wanted| wanted.kind.name()));
    }
    assert_eq!(there, super::harness::kinds().into_iter().collect());
}

fn gone(estate: &Estate) {
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
    let left: Vec<_> = estate.inventory().into_iter().filter(|(_, count)| *count > 0).collect();
    assert_eq!(left, []);
    assert!(estate.state().entries.is_empty());
}

/// Every operation fails once in this way, and nobody notices.
async fn borne(how: impl Fn(&str) -> How) {
    for toml in SWEPT {
        borne_by(toml, &how).await;
    }
}

async fn borne_by(toml: &str, how: &impl Fn(&str) -> How) {
    let reference = reference(toml).await;
    let mut estate = Estate::bare(toml);
    for operation in &reference.applying {
        estate.sandbox.inject(Fault::once(operation, 1, how(operation)));
    }
    estate.apply().await;
    estate.settled().await;
    assert_eq!(estate.inventory(), reference.inventory);
    hit_all(&estate, &reference.applying);
    for operation in &reference.destroying {
        estate.sandbox.inject(Fault::once(operation, 1, how(operation)));
    }
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    hit_all(&estate, &reference.destroying);
    gone(&estate);
}

fn hit_all(estate: &Estate, operations: &BTreeSet<String>) {
    let hit = estate.sandbox.take_calls().into_iter().filter(|call| call.error.is_some());
    let hit: BTreeSet<String> = hit.map(|call| format!("{}:{}", call.service, call.operation)).collect();
    assert!(operations.is_subset(&hit), "not hit: {:?}", operations.difference(&hit).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn throttling_is_borne() {
    borne(throttled).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_is_asked_again() {
    borne(failed).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_arrived_is_sent_again() {
    borne(|_| How::LoseRequest).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_doubles_nothing() {
    borne(|_| How::LoseAnswer).await;
}

/// The operations that only read since the last look.
fn reads(estate: &Estate) -> BTreeSet<String> {
    let calls = estate.sandbox.take_calls().into_iter().filter(|call| !call.mutating);
    calls.map(|call| format!("{}:{}", call.service, call.operation)).collect()
}

/// What has been created and cannot be read again is on record: the next run goes on from there.
#[tokio::test(start_paused = true)]
async fn reads_that_fail_after_a_create_orphan_nothing() {
    for toml in SWEPT {
        let mut reference = Estate::bare(toml);
        let (session, plan) =
            reference.ready(&Options::default(), Arc::clone(&reference.store) as Arc<dyn Store>).await;
        reference.sandbox.take_calls();
        let plan = Arc::into_inner(plan).unwrap();
        reference.carry_out(session, plan).await;
        let (inventory, operations) = (reference.inventory(), reads(&reference));
        for operation in operations {
            for how in [refused(&operation), How::LoseAnswer] {
                let mut estate = Estate::bare(toml);
                let store = Arc::clone(&estate.store) as Arc<dyn Store>;
                let (session, plan) = estate.ready(&Options::default(), store).await;
                let fault = Fault { operation: operation.clone(), nth: 1, times: usize::MAX, how };
                estate.sandbox.inject(fault);
                estate.carry_out(session, Arc::into_inner(plan).unwrap()).await;
                estate.sandbox.disarm();
                estate.converge(&Options::default()).await;
                assert_eq!(estate.inventory(), inventory, "{operation}");
            }
        }
    }
}

/// Every failure is the one ordered, and what was not started waited for one.
fn precise(plan: &Plan, outcome: &Outcome) -> Vec<String> {
    let mut calls = Vec::new();
    for (address, _, trouble) in &outcome.failed {
        let Trouble::Aws { fault, tries, .. } = trouble else { panic!("{address}: {trouble:?}") };
        assert_eq!((fault.class, *tries), (Class::Denied, 1), "{address}");
        assert!(
            fault.request_id.is_some() && fault.code.starts_with("AccessDenied") | fault.code.starts_with("Unauth")
        );
        assert!(fault.to_string().contains(fault.request_id.as_ref().unwrap()), "{fault}");
        calls.push(fault.call.clone());
    }
    let failed: BTreeSet<_> = outcome.failed.iter().map(|(address, verb, _)| (address.clone(), *verb)).collect();
    let done: BTreeSet<_> = outcome.done.iter().cloned().collect();
    let mut stopped: BTreeSet<usize> = (0..plan.ops.len())
        .filter(|at| failed.contains(&(plan.ops[*at].address.clone(), plan.ops[*at].verb)))
        .collect();
    loop {
        let more: Vec<usize> = (0..plan.ops.len())
            .filter(|at| !stopped.contains(at) && plan.ops[*at].needs.iter().any(|need| stopped.contains(&need.op)))
            .collect();
        if more.is_empty() {
            break;
        }
        stopped.extend(more);
    }
    for (at, op) in plan.ops.iter().enumerate() {
        let free = done.contains(&(op.address.clone(), op.verb)) || stopped.contains(&at);
        assert!(free, "{:?} {} was not done though nothing it needs failed", op.verb, op.address);
    }
    calls
}

/// Every operation is refused once: each run fails on precisely those it comes across, until one completes.
async fn refused_until_done(estate: &mut Estate, options: &Options, operations: &BTreeSet<String>) {
    for operation in operations {
        estate.sandbox.inject(Fault::once(operation, 1, refused(operation)));
    }
    let mut refused = Vec::new();
    for _ in 0..20 {
        let plan = estate.plan(options).await.unwrap();
        let outcome = estate.run(options).await;
        refused.extend(precise(&plan, &outcome));
        if outcome.is_complete() {
            refused.sort();
            assert_eq!(refused, operations.iter().cloned().collect::<Vec<_>>());
            return;
        }
    }
    panic!("no end after {refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stops_precisely_what_needs_it() {
    for toml in SWEPT {
        let reference = reference(toml).await;
        let mut estate = Estate::bare(toml);
        refused_until_done(&mut estate, &Options::default(), &reference.applying).await;
        estate.settled().await;
        assert_eq!(estate.inventory(), reference.inventory);
        refused_until_done(&mut estate, &destroying(&[]), &reference.destroying).await;
        gone(&estate);
    }
}

/// A fault that never ends is given up on, named, and forgotten when it is over.
async fn given_up(operation: &str, how: How, class: Class, enough: u32) {
    let mut estate = Estate::bare(SMALL);
    estate.sandbox.inject(Fault { operation: operation.into(), nth: 1, times: usize::MAX, how });
    let outcome = estate.run(&Options::default()).await;
    assert!(!outcome.failed.is_empty());
    for (address, _, trouble) in &outcome.failed {
        let Trouble::Aws { fault, tries, .. } = trouble else { panic!("{address}: {trouble:?}") };
        assert_eq!((fault.call.as_str(), fault.class), (operation, class));
        assert!(*tries >= enough, "{tries}");
    }
    estate.sandbox.disarm();
    estate.converge(&Options::default()).await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    gone(&estate);
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_is_given_up() {
    given_up("kms:CreateKey", throttled("kms:CreateKey"), Class::Throttled, 30).await;
}

#[tokio::test(start_paused = true)]
async fn requests_lost_without_end_are_given_up() {
    given_up("redshift-serverless:CreateNamespace", How::LoseRequest, Class::Transient, 1).await;
}
