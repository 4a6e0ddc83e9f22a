//! Random lives of an estate: edits, faults, crashes, interrupts and what somebody else does to it, in any order and in any
//! weather. It converges in the end, to what a fresh estate would be, and a destroy leaves nothing.
//!
//! `RSDS_RANDOM_CASES` says how many lives (200), `RSDS_RANDOM_SEED` where they begin: a failure prints both, and the same
//! seed lives the same lives.

use crate::{
    crash::{Cut, Tap},
    harness::*,
    scene::TINY,
};
use proptest::{
    prelude::*,
    sample::select as one_of,
    test_runner::{Config, RngSeed, TestRunner},
};
use rsds::{
    plan::Options,
    sandbox::{AwsError, Fault, How, Weather, ec2},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

const DOMAIN: &str = "nlb.custom_domain={ name = \"dwh.example.com\", \
     certificate_arn = \"arn:aws:acm:us-west-2:123456789012:certificate/sandbox-1\" }";

/// What may be laid over the file.
const EDITS: [&[&str]; 7] = [
    &[],
    &["tags.team=\"data\""],
    &["networking.allowed_cidrs=[\"192.168.0.0/16\", \"10.0.0.0/8\"]", "networking.internet_gateway=true"],
    &["consumers.reporting.query_timeout=\"20m\"", "producer.s3_buckets=[\"lake-*\"]"],
    &["consumers.reporting.count=2"],
    &["consumers.reporting.usage_limit={ period = \"daily\", rpu_hours = 50 }", "nlb.targets=\"endpoint\""],
    &["nlb.port=5440", "consumers.reporting.log_exports=[\"userlog\"]", DOMAIN],
];

/// What may be asked to be replaced.
const REPLACED: [&str; 4] =
    ["nlb/target-group-*", "networking/nlb-security-group", "producer/role", "networking/s3-endpoint"];

/// Where a connection may break, or AWS refuse.
const STRUCK: [&str; 12] = [
    "ec2:CreateVpc",
    "ec2:CreateSubnet",
    "ec2:AuthorizeSecurityGroupIngress",
    "kms:CreateKey",
    "iam:CreateRole",
    "redshift-serverless:CreateNamespace",
    "redshift-serverless:CreateWorkgroup",
    "redshift-serverless:DeleteWorkgroup",
    "elasticloadbalancing:CreateTargetGroup",
    "elasticloadbalancing:RegisterTargets",
    "elasticloadbalancing:CreateListener",
    "ec2:DescribeSecurityGroupRules",
];

#[derive(Clone, Debug)]
enum Event {
    /// The file is edited.
    Edit(usize),
    /// An apply that is cut off at this mutating call: before it, after it, or with it landing late.
    Crash(usize, Cut),
    /// An apply interrupted after so many seconds.
    Interrupt(u64),
    /// An apply in which calls fail once.
    Strike(Vec<(&'static str, Blow)>),
    /// An apply that replaces something.
    Replace(&'static str),
    /// Somebody else takes a part away or changes it.
    Meddle(Meddling),
    /// A reader is destroyed.
    DestroyReader,
}

#[derive(Clone, Copy, Debug)]
enum Blow {
    Refused,
    RequestLost,
    AnswerLost,
}

#[derive(Clone, Copy, Debug)]
enum Meddling {
    Rules,
    Targets,
    Listener,
    Alias,
    Tags,
}

fn event() -> impl Strategy<Value = Event> {
    let cut = one_of(vec![Cut::Before, Cut::After, Cut::Late]);
    let blow = one_of(vec![Blow::Refused, Blow::RequestLost, Blow::AnswerLost]);
    let meddlings = vec![Meddling::Rules, Meddling::Targets, Meddling::Listener, Meddling::Alias, Meddling::Tags];
    prop_oneof![
        3 => (0..EDITS.len()).prop_map(Event::Edit),
        4 => (1..200_usize, cut).prop_map(|(at, cut)| Event::Crash(at, cut)),
        1 => (0..400_u64).prop_map(Event::Interrupt),
        2 => prop::collection::vec((one_of(STRUCK.to_vec()), blow), 1..4).prop_map(Event::Strike),
        1 => one_of(REPLACED.to_vec()).prop_map(Event::Replace),
        2 => one_of(meddlings).prop_map(Event::Meddle),
        1 => Just(Event::DestroyReader),
    ]
}

/// The weather of a life: as often as not calm, else one thing at a time or all of them.
fn weather() -> impl Strategy<Value = Weather> {
    let only = |part: fn(Weather) -> Weather| move |seed| Weather { seed, ..part(Weather::rough(seed)) };
    let day = 0..10_000_u64;
    prop_oneof![
        3 => Just(Weather::default()),
        1 => day.clone().prop_map(only(|Weather { latency, jitter, .. }| Weather { latency, jitter, ..Weather::default() })),
        1 => day.clone().prop_map(only(|Weather { lag, .. }| Weather { lag, ..Weather::default() })),
        1 => day.clone().prop_map(only(|Weather { lost, errors, .. }| Weather { lost, errors, ..Weather::default() })),
        1 => day.prop_map(Weather::rough),
    ]
}

impl Blow {
    fn how(self) -> How {
        match self {
            Self::Refused => How::Error(AwsError::new("AccessDenied", "not authorized").status(403)),
            Self::RequestLost => How::LoseRequest,
            Self::AnswerLost => How::LoseAnswer,
        }
    }
}

/// Takes something away, as somebody else with access to the account would.
async fn meddle(estate: &Estate, meddling: Meddling) {
    let aws = estate.somebody().await;
    let world = estate.sandbox.world();
    match meddling {
        Meddling::Rules => {
            // Those of the group that AWS makes with a VPC are nobody's.
            let ours =
                |rule: &ec2::Rule| world.ec2.groups.get(&rule.group).is_some_and(|group| group.name != "default");
            if let Some((id, rule)) = world.ec2.rules.iter().find(|(_, rule)| ours(rule)) {
                let json = serde_json::to_value(rule).unwrap();
                let group = json["group"].as_str().unwrap();
                match json["egress"].as_bool() {
                    Some(true) => {
                        let call = aws.ec2.revoke_security_group_egress().group_id(group);
                        call.security_group_rule_ids(id).send().await.ok();
                    }
                    Some(false) | None => {
                        let call = aws.ec2.revoke_security_group_ingress().group_id(group);
                        call.security_group_rule_ids(id).send().await.ok();
                    }
                }
            }
        }
        Meddling::Targets => {
            let groups = aws.elb.describe_target_groups().send().await.unwrap().target_groups.unwrap_or_default();
            for arn in groups.iter().filter_map(|group| group.target_group_arn()) {
                let health = aws.elb.describe_target_health().target_group_arn(arn).send().await.unwrap();
                let targets = health.target_health_descriptions.unwrap_or_default();
                if let Some(target) = targets.into_iter().find_map(|one| one.target) {
                    aws.elb.deregister_targets().target_group_arn(arn).targets(target).send().await.unwrap();
                }
            }
        }
        Meddling::Listener => {
            for arn in world.elb.listeners.keys() {
                aws.elb.delete_listener().listener_arn(arn).send().await.ok();
            }
        }
        Meddling::Alias => {
            let aliases = aws.kms.list_aliases().send().await.unwrap().aliases.unwrap_or_default();
            for name in aliases.iter().filter_map(|alias| alias.alias_name()).filter(|n| !n.starts_with("alias/aws/")) {
                aws.kms.delete_alias().alias_name(name).send().await.unwrap();
            }
        }
        Meddling::Tags => {
            if let Some(id) = world.ec2.subnets.keys().next() {
                let tag = aws_sdk_ec2::types::Tag::builder().key("team").value("strangers").build();
                aws.ec2.create_tags().resources(id).tags(tag).send().await.unwrap();
            }
        }
    }
}

/// Lives one life.
async fn live(weather: &Weather, events: &[Event]) -> Result<(), TestCaseError> {
    let mut estate = Estate::bare(TINY);
    estate.sandbox.weather(weather.clone()).unwrap();
    let mut edit = 0;
    for event in events {
        estate.sandbox.disarm();
        let options = match event {
            Event::DestroyReader => destroying(&["consumer-reporting"]),
            Event::Replace(address) => Options { replace: select(&[address]), ..Options::default() },
            _ => Options::default(),
        };
        match event {
            Event::Edit(number) => {
                edit = *number;
                estate.set(EDITS[edit]);
                continue;
            }
            Event::Meddle(meddling) => {
                // What somebody else does is done, whatever it took.
                estate.sandbox.weather(Weather::default()).unwrap();
                meddle(&estate, *meddling).await;
                estate.sandbox.weather(weather.clone()).unwrap();
                continue;
            }
            Event::Strike(blows) => {
                for (operation, blow) in blows {
                    estate.sandbox.inject(Fault::once(*operation, 1, blow.how()));
                }
            }
            Event::Crash(..) | Event::Interrupt(_) | Event::Replace(_) | Event::DestroyReader => {}
        }
        // What is not there cannot be replaced or destroyed: the run is then refused, as it should be.
        let Ok(mut session) = estate.open().await else { continue };
        let Ok(plan) = session.plan(&options, true).await else { continue };
        let plan = Arc::new(plan);
        let (events, _inbox) = tokio::sync::mpsc::unbounded_channel();
        let (flip, interrupt) = watch::channel(None);
        match event {
            Event::Crash(at, cut) => {
                let tap = Tap::deadly(&estate, *at, *cut);
                estate.crashing(&tap, &options).await;
                tap.land(Duration::from_secs(12));
            }
            Event::Interrupt(after) => {
                let (clock, after) = (estate.clock.clone(), Duration::from_secs(*after));
                let user = async {
                    clock.sleep(after).await;
                    flip.send(Some(Duration::from_secs(5))).ok();
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    _ = session.apply(plan, events, interrupt) => {}
                    () = user => {}
                }
            }
            _ => drop(session.apply(plan, events, interrupt).await),
        }
    }
    estate.sandbox.disarm();
    let outcome = estate.run(&Options::default()).await;
    prop_assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.clock.sleep(Duration::from_secs(60)).await;
    let left = estate.brief(&Options::default()).await;
    prop_assert_eq!(left, Vec::<String>::new(), "the plan after the last apply");
    prop_assert_eq!(countable(&estate), fresh(edit).await, "what there is, and what there should be");
    let outcome = estate.run(&destroying(&[])).await;
    prop_assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    prop_assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
    Ok(())
}

/// What there is after an apply that nothing disturbed.
async fn fresh(edit: usize) -> BTreeMap<&'static str, usize> {
    static KNOWN: Mutex<BTreeMap<usize, BTreeMap<&'static str, usize>>> = Mutex::new(BTreeMap::new());
    if let Some(known) = KNOWN.lock().unwrap().get(&edit) {
        return known.clone();
    }
    let mut fresh = Estate::bare(TINY);
    fresh.set(EDITS[edit]);
    fresh.apply().await;
    KNOWN.lock().unwrap().entry(edit).or_insert_with(|| countable(&fresh)).clone()
}

/// What there is; interfaces and secrets come and go with what they belong to.
fn countable(estate: &Estate) -> BTreeMap<&'static str, usize> {
    estate.inventory().into_iter().filter(|(name, _)| *name != "interfaces").collect()
}

#[expect(clippy::disallowed_methods, reason = "the test's own knobs")]
fn knob(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

/// Lives so many of the lives; the nth part of them all.
fn lives_converge(part: u64) {
    let (seed, cases) = (knob("RSDS_RANDOM_SEED", 20_261_125), knob("RSDS_RANDOM_CASES", 200));
    let of_part = RngSeed::Fixed(seed.wrapping_mul(PARTS).wrapping_add(part));
    let config = Config {
        cases: u32::try_from(cases.div_ceil(PARTS)).unwrap(),
        rng_seed: of_part,
        failure_persistence: None,
        max_shrink_iters: 40,
        ..Config::default()
    };
    let lives = (weather(), prop::collection::vec(event(), 1..5));
    let result = TestRunner::new(config).run(&lives, |(weather, events)| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(live(&weather, &events))
    });
    if let Err(error) = result {
        panic!("RSDS_RANDOM_SEED={seed} RSDS_RANDOM_CASES={cases}, part {part}: {error}");
    }
}

/// The lives are shared out, so that they are lived side by side.
const PARTS: u64 = 4;

#[test]
fn random_lives_converge_1() {
    lives_converge(0);
}

#[test]
fn random_lives_converge_2() {
    lives_converge(1);
}

#[test]
fn random_lives_converge_3() {
    lives_converge(2);
}

#[test]
fn random_lives_converge_4() {
    lives_converge(3);
}
