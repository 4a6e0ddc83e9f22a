//! One resource at a time.

use crate::{harness::*, scene::*};
use rsds::{
    plan::{Action, Adoption, Options, Reason},
    sandbox::World,
    state::{Entry, Status, Store as _},
};
use serde_json::{Value as Json, json};

/// What a person types for it: not what rsds records, where the two differ.
fn typed(entry: &Entry) -> String {
    let (id, spec) = (entry.id.clone().unwrap(), |field: &str| entry.spec[field].as_str().unwrap().to_owned());
    match entry.kind.as_str() {
        "ec2.route" => format!("{}_{}", id.part(0), id.part(1)),
        "ec2.route-table-association" => format!("{}/{}", spec("subnet"), spec("route_table")),
        "iam.role-policy" => format!("{}:{}", id.part(0), id.part(1)),
        "iam.role-policy-attachment" => format!("{}/{}", id.part(0), id.part(1)),
        "redshift-serverless.namespace"
        | "redshift-serverless.workgroup"
        | "redshift-serverless.endpoint-access"
        | "elasticloadbalancing.load-balancer"
        | "elasticloadbalancing.target-group" => spec("name"),
        "redshift-serverless.custom-domain-association" => format!("{},{}", spec("workgroup"), spec("name")),
        "redshift.cluster" | "redshift.parameter-group" => entry.outputs["arn"].as_str().unwrap().to_owned(),
        "elasticloadbalancing.targets" => id.part(0).to_owned(),
        _ => id.0,
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_rsds_makes_it_can_take_over_by_the_name_aws_has_for_it() {
    for toml in [&format!("{SMALL}{OWN_DOMAIN}{COPIED}"), SMALL_CLUSTER] {
        let mut estate = Estate::new(toml);
        estate.converge(&Options::default()).await;
        let before = estate.state();
        estate.disown().await;
        let things = estate.things();
        for (address, entry) in &before.entries {
            let address = address.to_string();
            estate.forget(&address).await;
            let text = typed(entry);
            let adoption =
                estate.adoption(&address, &text).await.unwrap_or_else(|why| panic!("{address} {text}: {why}"));
            // What `state rm` prints takes it back, too.
            let recorded = entry.id.clone().unwrap();
            let same =
                estate.adoption(&address, recorded.as_str()).await.unwrap_or_else(|why| panic!("{address}: {why}"));
            let id = |adoption: &Adoption| adoption.plan.changes[&address.parse().unwrap()].id.clone();
            assert_eq!(id(&same), id(&adoption), "{address}");
            let parsed: rsds::address::Address = address.parse().unwrap();
            match adoption.then {
                // The rest is recorded and has lost its tags: that is mended, by no more than tags.
                Ok(then) => assert_eq!(then.changes[&parsed].action, Action::NoOp, "{address}"),
                // But for what AWS knows by its name alone: without tags it may be somebody else's.
                Err(errors) => {
                    assert!(errors.iter().all(|error| error.address.as_ref() != Some(&parsed)), "{errors:?}");
                }
            }
            let outcome = estate.import(&address, &text).await;
            assert!(outcome.is_complete(), "{address}: {:#?}", outcome.failed);
            // Nothing was asked before: there is nothing to outwait.
            assert!(outcome.seconds < 10.0, "{address}: {} s", outcome.seconds);
            assert_eq!(estate.state().entries[&address.parse().unwrap()], *entry, "{address}");
        }
        let mut now = estate.things();
        // The one thing that a sandbox remembers besides: when it was asked.
        let same = |json: &mut Json| json.as_object_mut().map(|map| map.remove("serial"));
        let mut things = things;
        same(&mut now);
        same(&mut things);
        assert_eq!(now, things, "but for owner tags nothing is another");
        estate.settled().await;
        // It is an environment's own in every way.
        let outcome = estate.run(&destroying(&[])).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
    }
}

const WORKGROUP: &str = "consumer-reporting-1/workgroup";
const NAME: &str = "airline-dev-reporting-1";

/// An estate one resource of which nobody remembers, and that carries no tags of rsds.
async fn orphan() -> Estate {
    let mut estate = Estate::new(SMALL);
    estate.converge(&Options::default()).await;
    estate.forget(WORKGROUP).await;
    estate.sandbox.edit(|world| own_tags(world).retain(|key, _| !key.starts_with("rsds:"))).unwrap();
    estate
}

fn own_tags(world: &mut World) -> &mut std::collections::BTreeMap<String, String> {
    let arn = world.serverless.workgroups[NAME].arn.clone();
    world.serverless.tags.entry(arn).or_default()
}

#[tokio::test(start_paused = true)]
async fn what_differs_from_the_toml_is_told_and_left_alone() {
    let mut estate = orphan().await;
    let toml = SMALL
        .replace("max_capacity = 16\ndatabase = \"reporting_db\"", "max_capacity = 32\ndatabase = \"reporting_db\"");
    estate.write(&toml);
    estate.sandbox.edit(|world| drop(own_tags(world).insert("Name".to_owned(), "old".to_owned()))).unwrap();
    let adoption = estate.adoption(WORKGROUP, NAME).await.unwrap();
    let change = &adoption.plan.changes[&WORKGROUP.parse().unwrap()];
    let written: Vec<&str> = change.fields.iter().map(|field| field.key.as_deref().unwrap()).collect();
    assert_eq!(written, ["rsds:address", "rsds:environment", "rsds:lineage", "rsds:project"]);
    let then = adoption.then.unwrap();
    let differs: Vec<String> = then.changes[&WORKGROUP.parse().unwrap()]
        .fields
        .iter()
        .map(|field| field.key.clone().unwrap_or_else(|| field.field.clone()))
        .collect();
    assert_eq!(differs, ["max_capacity", "Name"]);

    let outcome = estate.import(WORKGROUP, NAME).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    let tags = own_tags(&mut estate.sandbox.world()).clone();
    assert_eq!((tags["Name"].as_str(), tags["rsds:address"].as_str()), ("old", WORKGROUP));
    assert_eq!(estate.sandbox.world().serverless.workgroups[NAME].max, Some(16));
    assert_eq!(estate.state().entries[&WORKGROUP.parse().unwrap()].spec["max_capacity"], json!(16));
    assert_eq!(estate.brief(&Options::default()).await, [format!("update {WORKGROUP}")]);
    estate.converge(&Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn an_import_that_is_cut_off_is_recorded_and_goes_on() {
    let mut estate = orphan().await;
    estate.sandbox.inject(denied("TagResource"));
    let outcome = estate.import(WORKGROUP, NAME).await;
    assert_eq!(outcome.failed.len(), 1);
    let entry = estate.state().entries[&WORKGROUP.parse().unwrap()].clone();
    assert!(matches!(entry.status, Status::Updating { .. }) && entry.id.is_some(), "{entry:?}");
    assert!(own_tags(&mut estate.sandbox.world()).keys().all(|key| !key.starts_with("rsds:")));
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(
        (brief(&plan), reasons(&plan, WORKGROUP)[0].clone()),
        (vec![format!("resume {WORKGROUP}")], Reason::CutOff("updating".to_owned()))
    );
    // The same command goes on, too.
    let outcome = estate.import(WORKGROUP, NAME).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.settled().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_that_is_not_free_or_not_fit() {
    let estate = orphan().await;
    let refused = |address: &'static str, text: &str| {
        let (estate, text) = (&estate, text.to_owned());
        async move { estate.import_refused(address, &text).await }
    };
    let why = refused("consumer-reporting-2/workgroup", NAME).await;
    assert!(why.contains("asks for no resource consumer-reporting-2/workgroup"), "{why}");
    assert!(why.contains("near: consumer-reporting-1/workgroup"), "{why}");
    let why = refused(WORKGROUP, "nobody").await;
    assert!(why.contains("has no redshift-serverless.workgroup `nobody` in us-west-2"), "{why}");
    let why = refused(WORKGROUP, "arn:aws:redshift-serverless:us-west-2:123456789012:namespace/x").await;
    assert!(why.contains("names no redshift-serverless.workgroup") && why.contains("its name or ARN"), "{why}");
    let why = refused("networking/vpc", "subnet-1").await;
    assert!(why.contains("`subnet-1` names no ec2.vpc"), "{why}");
    // Recorded, as itself and as something else.
    let vpc = estate.state().entries[&"networking/vpc".parse().unwrap()].id.clone().unwrap();
    let why = refused("networking/vpc", vpc.as_str()).await;
    assert!(why.contains("is recorded already: it is vpc-"), "{why}");
    let group = estate.state().entries[&"networking/nlb-security-group".parse().unwrap()].id.clone().unwrap();
    let why = refused("networking/producer-security-group", group.as_str()).await;
    assert!(why.contains("is recorded already, as sg-") && why.contains("rsds state rm"), "{why}");
    estate.forget("networking/producer-security-group").await;
    let why = refused("networking/producer-security-group", group.as_str()).await;
    assert!(why.contains("is recorded as networking/nlb-security-group"), "{why}");
    // Somebody's.
    let owned = |project: &'static str, lineage: &'static str, address: &'static str| {
        let owned = [
            ("rsds:project", project),
            ("rsds:environment", "dev"),
            ("rsds:lineage", lineage),
            ("rsds:address", address),
        ];
        estate.sandbox.edit(|world| {
            own_tags(world).extend(owned.map(|(key, value)| (key.to_owned(), value.to_owned())));
        })
    };
    owned("freight", "l", WORKGROUP).unwrap();
    let why = refused(WORKGROUP, NAME).await;
    assert!(
        why.contains("belongs to consumer-reporting-1/workgroup of freight-dev, another environment of rsds"),
        "{why}"
    );
    owned("airline", "l", WORKGROUP).unwrap();
    let why = refused(WORKGROUP, NAME).await;
    assert!(why.contains("of another state of airline-dev"), "{why}");
    let lineage: &'static str = estate.state().lineage.clone().leak();
    owned("airline", lineage, "producer/workgroup").unwrap();
    let why = refused(WORKGROUP, NAME).await;
    assert!(why.contains("belongs to producer/workgroup of this very environment"), "{why}");
    // Its own, of which the record was lost: nothing is left to tag.
    owned("airline", lineage, WORKGROUP).unwrap();
    let adoption = estate.adoption(WORKGROUP, NAME).await.unwrap();
    assert!(adoption.plan.changes[&WORKGROUP.parse().unwrap()].fields.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_of_a_creation_is_taken_over_by_the_command_of_the_error() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let (logs, name) = (estate.somebody().await.logs, "/aws/redshift/airline-dev-reporting-1/userlog");
    logs.create_log_group().log_group_name(name).send().await.unwrap();
    estate.set(&["consumers.reporting.log_exports=[\"userlog\"]", "consumers.reporting.log_retention=\"30d\""]);
    let outcome = estate.run(&Options::default()).await;
    let command = format!("rsds import consumer-reporting-1/log-group-userlog {name}");
    let said = outcome.failed[0].2.to_string();
    assert!(said.contains("is not owned by this environment") && said.ends_with(&command), "{said}");
    let said = estate.refusal(&Options::default()).await;
    assert!(said.contains(&command), "the next plan says the same: {said}");
    let outcome = estate.import("consumer-reporting-1/log-group-userlog", name).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.converge(&Options::default()).await;
    // A creation that was cut off and did succeed is no room for another.
    let mut state = estate.state();
    let entry = state.entries.get_mut(&WORKGROUP.parse().unwrap()).unwrap();
    let since = estate.clock.timestamp();
    (entry.id, entry.status) = (None, Status::Creating { token: "t".to_owned(), since, step: None });
    estate.store.save(&state).await.unwrap();
    let why = estate.import_refused(WORKGROUP, "airline-dev-analytics-1").await;
    assert!(why.contains("is recorded already, creating"), "{why}");
}
