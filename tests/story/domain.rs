//! A domain of one's own: each consumer behind the balancer has a name under it, and all of them one certificate.

use crate::{harness::*, scene::*};
use rsds::{
    apply::Event,
    kind::Disruption,
    plan::{Options, Reason},
    sandbox::{AwsError, Fault, How, World},
    stack::outputs::outputs,
};
use serde_json::Value as Json;

const NAME: &str = "nlb.custom_domain.name=\"dwh.example.com\"";
const ARN: &str = "arn:aws:acm:us-west-2:123456789012:certificate";

fn certificate(id: &str) -> String {
    format!("nlb.custom_domain.certificate_arn=\"{ARN}/{id}\"")
}

/// The `TWO` estate with the domain.
fn with_domain() -> Estate {
    let mut estate = Estate::new(TWO);
    estate.set(&[NAME, &certificate("sandbox-1")]);
    estate
}

/// The domains there are: name, workgroup, end of the certificate.
fn domains(world: &World) -> Vec<(String, String, String)> {
    let end = |arn: &str| arn.rsplit('/').next().unwrap().to_owned();
    let all = world.serverless.custom_domains.values();
    all.map(|one| (one.name.clone(), one.workgroup.clone(), end(&one.certificate))).collect()
}

fn three(domain: &str, certificate: &str) -> Vec<(String, String, String)> {
    let one = |reader: &&str| (format!("{reader}.{domain}"), format!("airline-dev-{reader}"), certificate.to_owned());
    ["analytics-1", "analytics-2", "reporting-1"].iter().map(one).collect()
}

fn changes(estate: &Estate) -> Vec<String> {
    estate.sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.operation).collect()
}

async fn shown(estate: &Estate) -> std::collections::BTreeMap<String, Json> {
    outputs(&estate.open().await.unwrap().environment.config, &estate.state())
}

#[tokio::test(start_paused = true)]
async fn a_domain_comes_changes_and_goes() {
    let mut estate = with_domain();
    estate.converge(&Options::default()).await;
    assert_eq!(domains(&estate.sandbox.world()), three("dwh.example.com", "sandbox-1"));

    // Another certificate takes its place; no connection notices.
    estate.set(&[NAME, &certificate("sandbox-2")]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    let all = ["analytics-1", "analytics-2", "reporting-1"];
    assert_eq!(brief(&plan), all.map(|reader| format!("update consumer-{reader}/custom-domain")));
    let change = &plan.changes[&"consumer-reporting-1/custom-domain".parse().unwrap()];
    assert_eq!(change.fields[0].origin.as_deref(), Some("nlb.custom_domain.certificate_arn"));
    assert!(change.fields.iter().all(|field| field.impact.disruption == Disruption::None));
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(changes(&estate), ["UpdateCustomDomainAssociation"; 3]);
    assert_eq!(domains(&estate.sandbox.world()), three("dwh.example.com", "sandbox-2"));

    // A workgroup has one domain: the old one goes first.
    estate.set(&["nlb.custom_domain.name=\"bi.example.com\"", &certificate("sandbox-2")]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(brief(&plan), all.map(|reader| format!("replace consumer-{reader}/custom-domain")));
    assert_eq!(reasons(&plan, "consumer-reporting-1/custom-domain"), [Reason::Immutable("name".into())]);
    estate.sandbox.take_calls();
    estate.converge(&Options::default()).await;
    assert_eq!(changes(&estate).iter().filter(|call| *call == "DeleteCustomDomainAssociation").count(), 3);
    assert_eq!(domains(&estate.sandbox.world()), three("bi.example.com", "sandbox-2"));

    estate.set(&[]);
    assert_eq!(
        estate.brief(&Options::default()).await,
        all.map(|reader| format!("delete consumer-{reader}/custom-domain"))
    );
    estate.converge(&Options::default()).await;
    assert_eq!(domains(&estate.sandbox.world()), []);
}

#[tokio::test(start_paused = true)]
async fn a_consumer_brings_its_name_and_takes_it_away() {
    let mut estate = with_domain();
    estate.converge(&Options::default()).await;
    estate.set(&[NAME, &certificate("sandbox-1"), "consumers.reporting.count=2"]);
    estate.converge(&Options::default()).await;
    let names = |estate: &Estate| domains(&estate.sandbox.world()).into_iter().map(|one| one.0).collect::<Vec<_>>();
    assert!(names(&estate).contains(&"reporting-2.dwh.example.com".to_owned()), "{:?}", names(&estate));

    let outcome = estate.run(&destroying(&["consumer-reporting"])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(names(&estate), ["analytics-1.dwh.example.com", "analytics-2.dwh.example.com"]);
    let gone = |resource: &str| {
        let of = |address: &rsds::address::Address| {
            address.component() == "consumer-reporting-1" && address.resource() == resource
        };
        estate.moment(|event| matches!(event, Event::Step { address, step } if of(address) && step == "delete"))
    };
    assert!(gone("custom-domain") < gone("workgroup"));

    // Not behind the balancer, a reader has none.
    estate.set(&[NAME, &certificate("sandbox-1"), "consumers.reporting.behind_nlb=false"]);
    estate.converge(&Options::default()).await;
    assert_eq!(names(&estate).len(), 2);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_workgroup_made_anew_gets_its_name_again() {
    let mut estate = with_domain();
    estate.converge(&Options::default()).await;
    let replace = Options { replace: select(&["consumer-reporting-1/workgroup"]), ..Options::default() };
    assert!(estate.brief(&replace).await.contains(&"replace consumer-reporting-1/custom-domain".to_owned()));
    estate.converge(&replace).await;
    assert_eq!(domains(&estate.sandbox.world()), three("dwh.example.com", "sandbox-1"));
}

#[tokio::test(start_paused = true)]
async fn names_that_change_places_wait_for_each_other() {
    let mut estate = with_domain();
    let pinned = |reader: &str, name: &str| {
        format!("resources.\"consumer-{reader}/custom-domain\".name=\"{name}.dwh.example.com\"")
    };
    let (own, shared) = (certificate("sandbox-1"), NAME.to_owned());
    let sets = |one: &str, other: &str| {
        [shared.clone(), own.clone(), pinned("analytics-1", one), pinned("reporting-1", other)]
    };
    let set = |estate: &mut Estate, sets: &[String]| estate.set(&sets.iter().map(String::as_str).collect::<Vec<_>>());
    set(&mut estate, &sets("red", "blue"));
    estate.converge(&Options::default()).await;
    set(&mut estate, &sets("blue", "red"));
    estate.converge(&Options::default()).await;
    let red = &estate.sandbox.world().serverless.custom_domains["red.dwh.example.com"].workgroup;
    assert_eq!(red, "airline-dev-reporting-1");
    set(&mut estate, &sets("red", "red"));
    let said = estate.refusal(&Options::default()).await;
    assert!(said.contains("consumer-analytics-1/custom-domain would have the same name"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_did_by_hand_is_put_right() {
    let mut estate = with_domain();
    estate.converge(&Options::default()).await;
    let aws = estate.somebody().await;
    let (workgroup, name) = ("airline-dev-reporting-1", "reporting-1.dwh.example.com");
    let call = aws.serverless.delete_custom_domain_association().workgroup_name(workgroup);
    call.custom_domain_name(name).send().await.unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["create consumer-reporting-1/custom-domain"]);
    estate.converge(&Options::default()).await;

    let call = aws.serverless.update_custom_domain_association().workgroup_name(workgroup);
    let call = call.custom_domain_name(name).custom_domain_certificate_arn(format!("{ARN}/sandbox-2"));
    call.send().await.unwrap();
    assert_eq!(estate.brief(&Options::default()).await, ["update consumer-reporting-1/custom-domain"]);
    estate.converge(&Options::default()).await;
    assert_eq!(domains(&estate.sandbox.world()), three("dwh.example.com", "sandbox-1"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_is_told_and_left_alone() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let aws = estate.somebody().await;
    let call = aws.serverless.create_custom_domain_association().workgroup_name("airline-dev-reporting-1");
    let call = call.custom_domain_name("theirs.example.com").custom_domain_certificate_arn(format!("{ARN}/sandbox-2"));
    call.send().await.unwrap();
    // A workgroup has one domain, and theirs is not taken away.
    estate.set(&[NAME, &certificate("sandbox-1")]);
    let outcome = estate.run(&Options::default()).await;
    let failed: Vec<String> = outcome.failed.iter().map(|(address, ..)| address.to_string()).collect();
    assert_eq!(failed, ["consumer-reporting-1/custom-domain"]);
    let said = format!("{:?}", outcome.failed[0]);
    assert!(said.contains("already has the custom domain theirs.example.com"), "{said}");
    // Nor does the workgroup go, which has it: who holds it is named.
    let outcome = estate.run(&destroying(&["consumer-reporting"])).await;
    let said = format!("{:?}", outcome.failed);
    assert!(said.contains("theirs.example.com") && said.contains("its custom domain"), "{said}");
    let call = aws.serverless.delete_custom_domain_association().workgroup_name("airline-dev-reporting-1");
    call.custom_domain_name("theirs.example.com").send().await.unwrap();
    estate.converge(&Options::default()).await;
    assert_eq!(domains(&estate.sandbox.world()), three("dwh.example.com", "sandbox-1"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_lost_makes_no_second_domain_and_a_busy_workgroup_is_waited_for() {
    let mut estate = with_domain();
    let call = "redshift-serverless:CreateCustomDomainAssociation";
    estate.sandbox.inject(Fault::once(call, 1, How::LoseAnswer));
    let busy = AwsError::new("ConflictException", "There is an operation running on the workgroup.").status(400);
    estate.sandbox.inject(Fault::once(call, 3, How::Error(busy)));
    estate.converge(&Options::default()).await;
    assert_eq!(estate.sandbox.disarm(), Vec::<String>::new());
    assert_eq!(domains(&estate.sandbox.world()), three("dwh.example.com", "sandbox-1"));
}

#[tokio::test(start_paused = true)]
async fn outputs_say_what_tls_checks_and_why() {
    let mut estate = Estate::new(TWO);
    estate.converge(&Options::default()).await;
    let psql = |all: &std::collections::BTreeMap<String, Json>, name: &str| {
        all["connection_strings"][name]["psql"].as_str().unwrap_or_default().to_owned()
    };
    let before = shown(&estate).await;
    assert_eq!(before["tls"]["sslmode"], "verify-ca");
    assert!(before["tls"]["why"].as_str().unwrap().contains("not the load balancer"), "{}", before["tls"]);
    assert!(psql(&before, "nlb/reporting_db").contains("sslmode=verify-ca"));
    assert!(psql(&before, "consumer-reporting-1").contains("sslmode=verify-full"));
    assert_eq!(before["consumers"]["consumer-reporting-1"]["custom_domain"], Json::Null);

    estate.set(&[NAME, &certificate("sandbox-1")]);
    assert_eq!(shown(&estate).await, before, "as long as nothing stands");
    estate.converge(&Options::default()).await;
    let after = shown(&estate).await;
    let host = after["nlb_dns_name"].as_str().unwrap();
    assert_eq!(after["tls"]["dns"], format!("dwh.example.com CNAME {host}"));
    let (why, test) = (after["tls"]["why"].as_str().unwrap(), after["tls"]["test"].as_str().unwrap());
    assert!(why.contains("not confirmed"), "{why}");
    assert!(test.contains(&format!("-connect {host}:5439 -servername dwh.example.com")), "{test}");
    // What surely works stays: by the balancer's name, and by that of an endpoint, which no longer names itself.
    assert_eq!(psql(&after, "nlb/reporting_db"), psql(&before, "nlb/reporting_db"));
    assert!(psql(&after, "consumer-reporting-1").contains("sslmode=verify-ca"));
    assert!(psql(&after, "producer").contains("sslmode=verify-full"));
    let own = psql(&after, "custom-domain/reporting_db");
    assert!(own.contains("host=dwh.example.com port=5439") && own.contains("sslmode=verify-full"), "{own}");
    assert_eq!(after["consumers"]["consumer-reporting-1"]["custom_domain"], "reporting-1.dwh.example.com");

    // One consumer without its name, and no client may rely on it.
    let call = estate.somebody().await.serverless.delete_custom_domain_association();
    let call = call.workgroup_name("airline-dev-reporting-1").custom_domain_name("reporting-1.dwh.example.com");
    call.send().await.unwrap();
    let outcome = estate.run(&Options { refresh_only: true, ..Options::default() }).await;
    assert!(outcome.is_complete());
    assert_eq!(shown(&estate).await["tls"], before["tls"]);
}
