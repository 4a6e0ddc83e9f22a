//! Somebody else changes AWS: the next plan sees it and the next apply mends it; lost data is never made again.

use crate::{harness::*, scene::*};
use rsds::{
    kind::After,
    plan::{Drift, Fate, Options, Presence, Rating, Reason},
    sandbox::World,
};
use serde_json::json;

async fn mended(estate: &mut Estate, edit: impl FnOnce(&mut World), expected: &[&str], why: &Reason) {
    let whole = estate.inventory();
    estate.sandbox.edit(edit).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), expected);
    for line in expected {
        let address = line.split_once(' ').unwrap().1;
        assert_eq!(reasons(&plan, address).first(), Some(why), "{address}");
    }
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}

fn id(estate: &Estate, address: &str) -> String {
    estate.state().entries[&address.parse().unwrap()].id.clone().unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn small_things_are_put_back() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;

    let rule = id(&estate, "networking/producer-ingress-consumers");
    let expected = ["create networking/producer-ingress-consumers"];
    mended(&mut estate, |w| drop(w.ec2.rules.remove(&rule).unwrap()), &expected, &Reason::Gone).await;

    let vpc = id(&estate, "networking/vpc");
    let retag = |w: &mut World| {
        w.ec2.tags.get_mut(&vpc).unwrap().insert("Name".into(), "mine".into());
    };
    mended(&mut estate, retag, &["update networking/vpc"], &Reason::Drifted).await;

    let deregister = |w: &mut World| {
        let group = w.elb.groups.values_mut().next().unwrap();
        let first = group.targets[0].address;
        group.targets.retain(|target| target.address != first);
    };
    estate.sandbox.edit(deregister).unwrap();
    let lines = estate.brief(&Options::default()).await;
    assert!(
        matches!(&lines[..], [line] if line.starts_with("update consumer-") && line.ends_with("/targets")),
        "{lines:?}"
    );
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["targets"], 9);

    let all_of_one = |w: &mut World| {
        let addresses: Vec<_> =
            w.serverless.workgroups["airline-dev-reporting-1"].interfaces.iter().map(|placed| placed.address).collect();
        let group = w.elb.groups.values_mut().next().unwrap();
        group.targets.retain(|target| !addresses.contains(&target.address));
    };
    mended(&mut estate, all_of_one, &["create consumer-reporting-1/targets"], &Reason::Gone).await;

    let capacity = |w: &mut World| {
        w.serverless.workgroups.get_mut("airline-dev-reporting-1").unwrap().max = Some(64);
    };
    mended(&mut estate, capacity, &["update consumer-reporting-1/workgroup"], &Reason::Drifted).await;

    // What somebody adds is not ours to take away.
    let mut others = estate.inventory();
    let extra = |w: &mut World| {
        let rule = w.ec2.rules[&rule_of(w)].clone();
        w.ec2.rules.insert("sgr-0000000000000abcd".into(), rule);
    };
    estate.sandbox.edit(extra).unwrap();
    *others.get_mut("rules").unwrap() += 1;
    estate.settled().await;
    assert_eq!(estate.inventory(), others);
}

fn rule_of(world: &World) -> String {
    world.ec2.rules.keys().next().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_workgroup_that_is_gone_comes_back_with_new_addresses() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    estate.sandbox.edit(remove_workgroup).unwrap();
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(
        brief(&plan),
        ["update consumer-reporting-1/targets", "create consumer-reporting-1/workgroup"],
        "the old addresses are still registered"
    );
    assert_eq!(reasons(&plan, "consumer-reporting-1/workgroup"), [Reason::Gone]);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), whole);
}

fn remove_workgroup(world: &mut World) {
    let name = "airline-dev-reporting-1";
    let gone = world.serverless.workgroups.remove(name).unwrap();
    world.ec2.interfaces.retain(|_, i| !gone.interfaces.iter().any(|placed| placed.address == i.address));
    world.serverless.tags.remove(&gone.arn);
}

#[tokio::test(start_paused = true)]
async fn data_that_is_gone_is_an_error() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    estate
        .sandbox
        .edit(|world| {
            remove_workgroup(world);
            world.serverless.namespaces.remove("airline-dev-reporting-1").unwrap();
        })
        .unwrap();
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("consumer-reporting-1/namespace held data and is gone from AWS"), "{why}");
    assert!(why.contains("rsds destroy --target consumer-reporting-1/namespace"), "{why}");
    // Nothing else of the estate is stopped from being planned without it, and the way out that is named works.
    let outcome = estate.run(&destroying(&["consumer-reporting-1/namespace"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory()["namespaces"], 4);
}

fn refreshing(ignore: &[&str]) -> Options {
    let ignore = ignore.iter().map(|text| text.parse().unwrap()).collect();
    Options { refresh_only: true, ignore, ..Options::default() }
}

async fn drift(estate: &Estate, options: &Options, address: &str) -> Option<Drift> {
    estate.plan(options).await.unwrap().drift.remove(&address.parse().unwrap())
}

const WORKGROUP: &str = "consumer-reporting-1/workgroup";

/// Sets the most RPUs and lets the public in, behind rsds's back.
fn bend(world: &mut World) {
    let workgroup = world.serverless.workgroups.get_mut("airline-dev-reporting-1").unwrap();
    workgroup.max = Some(64);
    workgroup.parameters.insert("max_query_execution_time".to_owned(), "0".to_owned());
}

#[tokio::test(start_paused = true)]
async fn what_becomes_of_a_difference_follows_from_the_third_side() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    assert!(estate.plan(&refreshing(&[])).await.unwrap().drift.is_empty());
    estate.sandbox.edit(bend).unwrap();
    let max = async |estate: &Estate, options: &Options| {
        let fields = drift(estate, options, WORKGROUP).await.unwrap().fields;
        fields.into_iter().find(|field| field.field == "max_capacity").unwrap()
    };

    let field = max(&estate, &refreshing(&[])).await;
    assert_eq!((field.state, field.live, field.config), (json!(16), json!(64), Some(After::Known(json!(16)))));
    assert_eq!((field.fate, field.rating), (Fate::Reverted, Rating::Reverted));

    // The TOML wants something else again, or just what somebody made of it.
    estate.set(&["consumers.reporting.max_capacity=32"]);
    let field = max(&estate, &refreshing(&[])).await;
    assert_eq!((field.fate, field.config), (Fate::Changed, Some(After::Known(json!(32)))));
    estate.set(&["consumers.reporting.max_capacity=64"]);
    let field = max(&estate, &refreshing(&[])).await;
    assert_eq!((field.fate, field.rating), (Fate::Wanted, Rating::Harmless));

    // It is gone from the TOML altogether.
    estate.write(&without_reporting());
    estate.set(&[]);
    let field = max(&estate, &refreshing(&[])).await;
    assert_eq!((field.fate, field.config), (Fate::Deleted, None));

    // The file says to leave it, or the run does.
    estate.write(&format!("{TWO}[resources.\"{WORKGROUP}\"]\nignore_changes = [\"max_capacity\"]\n"));
    assert_eq!(max(&estate, &refreshing(&[])).await.fate, Fate::Kept);
    estate.write(TWO);
    let all = refreshing(&["consumer-reporting.max_capacity", "*/workgroup.parameters.max_query_execution_time"]);
    let plan = estate.plan(&all).await.unwrap();
    assert!(!plan.has_drifted() && plan.refresh.is_empty(), "what is left alone is not taken over either");
    assert_eq!(max(&estate, &all).await.fate, Fate::Ignored);
    let one = refreshing(&["consumer-reporting.max_capacity"]);
    assert!(estate.plan(&one).await.unwrap().has_drifted());

    // An apply leaves it, too, and mends the rest.
    let leaving = Options { refresh_only: false, ..one };
    assert_eq!(estate.brief(&leaving).await, [format!("update {WORKGROUP}")]);
    let outcome = estate.run(&leaving).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.world().serverless.workgroups["airline-dev-reporting-1"].max, Some(64));
    assert!(estate.brief(&leaving).await.is_empty());
    assert_eq!(estate.brief(&Options::default()).await, [format!("update {WORKGROUP}")]);
    estate.converge(&Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_ignored_is_said_all_at_once() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let why =
        estate.refusal(&refreshing(&["networking/vpc.tgas", "nlb/listner-5439.port", "*.tags.rsds:address"])).await;
    for said in [
        "--ignore networking/vpc.tgas: networking/vpc (ec2.vpc) has no field `tgas`\ndid you mean `tags`?",
        "--ignore nlb/listner-5439.port: it matches no resource\nnear: nlb/listener-5439",
        "the tag `rsds:address` says whose a resource is",
    ] {
        assert!(why.contains(said), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_told_with_what_needs_it() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    estate.sandbox.edit(remove_workgroup).unwrap();
    let gone = drift(&estate, &refreshing(&[]), WORKGROUP).await.unwrap();
    assert_eq!((gone.presence, gone.fate, gone.rating), (Presence::Gone, Some(Fate::Created), Rating::Reverted));
    assert_eq!(gone.needed_by, ["consumer-reporting-1/targets".parse().unwrap()]);
}

#[tokio::test(start_paused = true)]
async fn lost_data_can_be_given_up_in_so_many_words() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let whole = estate.inventory();
    let namespace = "consumer-reporting-1/namespace";
    estate
        .sandbox
        .edit(|world| {
            remove_workgroup(world);
            world.serverless.namespaces.remove("airline-dev-reporting-1").unwrap();
        })
        .unwrap();
    let why = estate.refusal(&Options::default()).await;
    for way in [
        "aws redshift-serverless list-snapshots --namespace-name airline-dev-reporting-1",
        "rsds import consumer-reporting-1/namespace ID",
        "rsds apply --replace consumer-reporting-1/namespace",
    ] {
        assert!(why.contains(way), "{why}");
    }
    estate.converge(&Options { replace: select(&[namespace]), ..Options::default() }).await;
    // The admin password of the lost one stays with its secret.
    let counts = |of: &str| of != "secrets";
    let kept = |all: std::collections::BTreeMap<&'static str, usize>| {
        all.into_iter().filter(|(of, _)| counts(of)).collect::<Vec<_>>()
    };
    assert_eq!(kept(estate.inventory()), kept(whole));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_data_needs_is_not_made_anew() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let key = id(&estate, "producer/key");
    let pending = estate.clock.timestamp() + std::time::Duration::from_secs(86_400 * 30);
    estate.sandbox.edit(|world| world.kms.keys.get_mut(&key).unwrap().deletion = Some(pending)).unwrap();
    let why = estate.refusal(&Options::default()).await;
    assert!(
        why.contains("producer/key is gone from AWS, and the data of producer/namespace cannot be read without it"),
        "{why}"
    );
    assert!(why.contains(&format!("aws kms cancel-key-deletion --key-id {key}")), "{why}");
    // Given back, it is as it was.
    estate.sandbox.edit(|world| world.kms.keys.get_mut(&key).unwrap().deletion = None).unwrap();
    estate.settled().await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_made_anew_is_taken_over_by_the_command_the_plan_names() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let (group, log) = ("networking/consumer-security-group", "consumer-reporting-1/role");
    // A role of the same name without our tags, and a group of the same name with another id.
    let role = id(&estate, log);
    let old = id(&estate, group);
    estate
        .sandbox
        .edit(|world| {
            world.iam.roles.values_mut().find(|of| of.name == role).unwrap().tags =
                [("team".into(), "bi".into())].into();
            let moved = world.ec2.groups.remove(&old).unwrap();
            world.ec2.tags.remove(&old);
            world.ec2.groups.insert("sg-0000000000000beef".to_owned(), moved);
        })
        .unwrap();
    let why = estate.refusal(&Options::default()).await;
    assert!(
        why.contains(&format!(
            "{log} is gone, and {role} has its name and is not this environment's; its tags: team = bi"
        )),
        "{why}"
    );
    assert!(why.contains(&format!("rsds import {log} {role};")), "{why}");
    assert!(why.contains(&format!("rsds import {group} sg-0000000000000beef;")), "{why}");
    let session = estate.open().await.unwrap();
    let (observed, plan) = session.look(&Options::default()).await.unwrap();
    let report = rsds::status::Report::of(&session.state, &observed, &plan);
    let said = report.resources[&group.parse().unwrap()].said.clone().unwrap();
    assert!(said.contains("sg-0000000000000beef has its name"), "{said}");
    assert!(report.has_drifted());
    for (address, id) in [(log, role.as_str()), (group, "sg-0000000000000beef")] {
        let outcome = estate.import(address, id).await;
        assert!(outcome.is_complete(), "{address}: {:#?}", outcome.failed);
    }
    let state = estate.state();
    assert_eq!(state.entries[&group.parse().unwrap()].id.as_ref().unwrap().as_str(), "sg-0000000000000beef");
}

/// What somebody has put into what is ours is told as a matter of security, left alone, and can be said to be known.
#[tokio::test(start_paused = true)]
async fn what_others_put_into_ours_is_told() {
    // So many roles that they are listed: a few are read one by one, and what else such a one has does not show.
    let mut estate = Estate::new(FULL);
    estate.set(&["consumers.analytics.count=4"]);
    estate.converge(&Options::default()).await;
    let refresh = Options { refresh_only: true, ..Options::default() };
    assert!(estate.plan(&refresh).await.unwrap().drift.is_empty(), "what AWS itself puts there is nobody's");

    let aws = estate.somebody().await;
    let (group, role) = (id(&estate, "networking/consumer-security-group"), id(&estate, "consumer-reporting-1/role"));
    let (balancer, target) = (id(&estate, "nlb/load-balancer"), id(&estate, "nlb/target-group-5439"));
    let role = role.rsplit('/').next().unwrap().to_owned();
    let (table, gateway) = (id(&estate, "networking/route-table"), id(&estate, "networking/internet-gateway"));
    let anybody = aws_sdk_ec2::types::IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let ssh =
        aws_sdk_ec2::types::IpPermission::builder().ip_protocol("tcp").from_port(22).to_port(22).ip_ranges(anybody);
    aws.ec2.authorize_security_group_ingress().group_id(&group).ip_permissions(ssh.build()).send().await.unwrap();
    let route = aws.ec2.create_route().route_table_id(&table).destination_cidr_block("203.0.113.0/24");
    route.gateway_id(&gateway).send().await.unwrap();
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let policy = aws.iam.put_role_policy().role_name(&role).policy_name("theirs").policy_document(all);
    policy.send().await.unwrap();
    let attach = aws.iam.attach_role_policy().role_name(&role).policy_arn("arn:aws:iam::aws:policy/ReadOnlyAccess");
    attach.send().await.unwrap();
    let action = aws_sdk_elasticloadbalancingv2::types::Action::builder().r#type("forward".into());
    let listener = aws.elb.create_listener().load_balancer_arn(&balancer).port(5999).protocol("TCP".into());
    listener.default_actions(action.target_group_arn(&target).build()).send().await.unwrap();

    let told = |drift: &std::collections::BTreeMap<rsds::address::Address, Drift>| -> Vec<String> {
        let fields = drift.iter().flat_map(|(address, drift)| drift.fields.iter().map(move |field| (address, field)));
        fields
            .map(|(address, field)| {
                assert_eq!((field.field.as_str(), field.rating), ("others", Rating::Security), "{field:?}");
                let kind = field.live.as_object().unwrap().keys().next().unwrap();
                format!("{address} {kind} {:?}", field.fate)
            })
            .collect()
    };
    let expected = [
        "consumer-reporting-1/role iam.role-policy Theirs",
        "consumer-reporting-1/role iam.role-policy-attachment Theirs",
        "networking/consumer-security-group ec2.security-group-rule Theirs",
        "networking/route-table ec2.route Theirs",
        "nlb/load-balancer elasticloadbalancing.listener Theirs",
    ];
    let drift = estate.plan(&refresh).await.unwrap().drift;
    let mut found = told(&drift);
    found.sort();
    assert_eq!(found, expected);
    assert!(drift.values().all(|drift| drift.counts() && drift.rating() == Rating::Security));
    // It is nothing that a plan would change.
    estate.settled().await;

    let ignore = ["*.others"].iter().map(|text| text.parse().unwrap()).collect();
    let known = estate.plan(&Options { ignore, ..refresh }).await.unwrap().drift;
    assert!(known.values().all(|drift| !drift.counts()), "{:?}", told(&known));
}
