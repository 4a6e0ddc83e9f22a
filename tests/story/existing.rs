//! Estates in networks that exist: what is chosen, what is refused, and that nothing of the network ever changes.

use crate::{harness::*, land::Land, scene::*};
use rsds::{
    config::Severity,
    plan::{Action, Options, Plan},
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The `SMALL` estate with these lines for its network.
fn placed(network: &str) -> String {
    let (before, rest) = SMALL.split_once("vpc_cidr = \"10.50.0.0/16\"\n").unwrap();
    format!("{before}{network}\n{}", rest.replace("internet_gateway = true\n", ""))
}

fn in_vpc(land: &Land, more: &str) -> String {
    placed(&format!("vpc_id = \"{}\"\n{more}", land.vpc))
}

fn listing(land: &Land, names: &[&str]) -> String {
    in_vpc(land, &format!("subnet_ids = {:?}", land.ids(names)))
}

/// The subnets that the load balancer and every workgroup are put into: everywhere the same.
fn chosen(plan: &Plan) -> Vec<String> {
    let mut all: Vec<Vec<String>> = plan
        .changes
        .values()
        .filter_map(|change| change.work.spec.get("subnets"))
        .map(|tree| serde_json::from_value(tree.resolve(&|_| None).unwrap()).unwrap())
        .collect();
    all.dedup();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn sorted(ids: Vec<&str>) -> Vec<String> {
    let mut ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    ids.sort();
    ids
}

/// An estate whose file says nothing yet of a network.
fn blank() -> Estate {
    Estate::new(SMALL)
}

async fn comes_and_goes(estate: &mut Estate, toml: &str) {
    let before = estate.networks();
    estate.write(toml);
    estate.converge(&Options::default()).await;
    goes(estate, &before).await;
}

/// Destroys, and demands that the networks are what they were.
async fn goes(estate: &mut Estate, before: &BTreeMap<&str, Json>) {
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert!(estate.state().entries.is_empty());
    for (what, now) in estate.networks() {
        assert_eq!(now, before[what], "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_subnet_per_zone_by_name_and_by_id() {
    let mut estate = blank();
    let mut land = estate.land("analytics", &["a", "a2", "b", "c", "d"]).await;
    estate.land("other", &["a"]).await;
    estate.crowd(land.subnet("a"), 100);
    // The largest of them is another environment's, which may take it away.
    estate.subnet(&mut land, "b2", 23).await;
    let theirs = [("rsds:project", "railway"), ("rsds:environment", "dev")];
    let tags = theirs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    estate.sandbox.edit(|world| world.ec2.tags.insert(land.subnet("b2").to_owned(), tags)).unwrap();
    for toml in [placed("vpc_name = \"analytics\""), in_vpc(&land, "")] {
        estate.write(&toml);
        let plan = estate.plan(&Options::default()).await.unwrap();
        assert_eq!(chosen(&plan), sorted(land.ids(&["a2", "b", "c"])), "most free addresses, then zones by name");
        let networking: Vec<_> = plan.changes.keys().filter(|address| address.component() == "networking").collect();
        assert!(
            networking
                .iter()
                .all(|address| address.resource().contains("security-group") || address.resource().contains("gress")),
            "{networking:?}"
        );
        assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
    }
    comes_and_goes(&mut estate, &in_vpc(&land, "")).await;
}

#[tokio::test(start_paused = true)]
async fn the_subnets_that_are_listed() {
    let mut estate = blank();
    let land = estate.land("analytics", &["a", "a2", "b", "c", "d"]).await;
    let before = estate.networks();
    estate.write(&listing(&land, &["d", "a2", "b"]));
    estate.converge(&Options::default()).await;
    let wanted = sorted(land.ids(&["a2", "b", "d"]));
    let outputs = rsds::stack::outputs::outputs(&estate.open().await.unwrap().environment.config, &estate.state());
    assert_eq!((&outputs["vpc_id"], &outputs["subnet_ids"]), (&json!(land.vpc), &json!(wanted)));
    // Another list moves everything; taking the list away leaves it there.
    estate.write(&listing(&land, &["d", "a", "b"]));
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(chosen(&plan), sorted(land.ids(&["a", "b", "d"])));
    estate.converge(&Options::default()).await;
    estate.write(&in_vpc(&land, ""));
    estate.settled().await;
    goes(&mut estate, &before).await;
}

#[tokio::test(start_paused = true)]
async fn what_stands_does_not_move() {
    let mut estate = blank();
    let mut land = estate.land("analytics", &["b", "c", "d"]).await;
    estate.write(&placed("vpc_name = \"analytics\""));
    estate.converge(&Options::default()).await;
    let wanted = sorted(land.ids(&["b", "c", "d"]));
    // A better subnet in each zone, a zone that comes first, a namesake.
    for name in ["a", "b2", "c2", "d2"] {
        estate.subnet(&mut land, name, 23 + u8::from(name == "a")).await;
    }
    estate.land("analytics", &["a", "b", "c"]).await;
    estate.settled().await;
    // More readers go where the others are.
    estate.set(&["consumers.reporting.count=2"]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(chosen(&plan), wanted);
    // One zone more is one subnet more.
    estate.set(&["networking.availability_zones=4"]);
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(chosen(&plan), sorted(land.ids(&["a", "b", "c", "d"])));
    // Addresses that the estate itself uses are not asked for again.
    estate.set(&[]);
    for name in ["b", "c", "d"] {
        let now = estate.sandbox.now();
        let free = rsds::sandbox::ec2::free_addresses(&estate.sandbox.world(), land.subnet(name), now);
        estate.crowd(land.subnet(name), 251 + 2 - free);
    }
    estate.settled().await;
    estate.set(&["consumers.reporting.count=2"]);
    let why = estate.refusal(&Options::default()).await;
    assert!(
        why.contains("has 2 free addresses, and this estate needs 11 there (11 for consumer-reporting-2)"),
        "{why}"
    );
    assert!(why.contains(land.subnet("b")) && !why.contains(land.subnet("b2")), "it does not go elsewhere: {why}");
}

#[tokio::test(start_paused = true)]
async fn a_subnet_that_is_gone() {
    let mut estate = blank();
    let mut land = estate.land("analytics", &["a", "b", "c"]).await;
    estate.write(&in_vpc(&land, ""));
    estate.converge(&Options::default()).await;
    estate.subnet(&mut land, "c2", 24).await;
    let gone = land.subnet("c").to_owned();
    estate.sandbox.edit(|world| world.ec2.subnets.remove(&gone)).unwrap();
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains(&format!("{gone} is gone from {}", land.vpc)), "{why}");
    assert!(why.contains("nlb/load-balancer") && why.contains("consumer-reporting-1/workgroup"), "{why}");
    assert!(why.contains("dev.toml:5") && why.contains("subnet_ids = [...]"), "{why}");
    let list = format!("subnet_ids = {:?}", [land.subnet("a"), land.subnet("b"), &gone]);
    estate.write(&in_vpc(&land, &list));
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains(&format!("{gone} is gone, and ")) && why.contains("networking.subnet_ids[2]"), "{why}");
    // The way out that the message names.
    estate.write(&listing(&land, &["a", "b", "c2"]));
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(chosen(&plan), sorted(land.ids(&["a", "b", "c2"])));
    // A destroy asks nothing of the network.
    estate.write(&in_vpc(&land, ""));
    assert!(estate.plan(&destroying(&[])).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn new_subnets_in_it() {
    let cidrs = "subnet_cidrs = [\"10.80.100.0/24\", \"10.80.101.0/24\", \"10.80.102.0/24\"]";
    let mut estate = blank();
    let land = estate.land("analytics", &["a", "b"]).await;
    comes_and_goes(&mut estate, &in_vpc(&land, cidrs)).await;
    // A gateway of their own where the VPC has none.
    let public = in_vpc(&land, &format!("{cidrs}\ninternet_gateway = true"));
    let public = public.replace("[nlb]", "publicly_accessible = true\n[nlb]\ninternal = false");
    comes_and_goes(&mut estate, &public).await;
    estate.write(&public);
    estate.converge(&Options::default()).await;
    assert!(estate.state().entries.contains_key(&"networking/internet-gateway".parse().unwrap()));
    estate.settled().await;
    assert!(estate.run(&destroying(&[])).await.is_complete());
    // The VPC's own one where it has.
    let gateway = estate.open_up(&land, false).await;
    comes_and_goes(&mut estate, &public).await;
    estate.converge(&Options::default()).await;
    let state = estate.state();
    assert!(!state.entries.contains_key(&"networking/internet-gateway".parse().unwrap()));
    assert_eq!(state.entries[&"networking/public-route".parse().unwrap()].spec["gateway"], gateway);
    let outputs = rsds::stack::outputs::outputs(&estate.open().await.unwrap().environment.config, &state);
    assert_eq!(outputs["vpc_id"], land.vpc.as_str());
    assert_eq!(outputs["subnet_ids"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn ranges_that_do_not_fit() {
    let estate = blank();
    let land = estate.land("analytics", &["a", "b"]).await;
    estate.write(&in_vpc(&land, "subnet_cidrs = [\n\"10.81.0.0/24\",\n\"10.80.0.0/23\",\n\"10.80.200.0/24\"]"));
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains(&format!("`10.81.0.0/24` is outside the ranges of {}: 10.80.0.0/16", land.vpc)), "{why}");
    assert!(why.contains("dev.toml:7") && why.contains("`10.80.2.0/24` is free"), "{why}");
    estate.write(&in_vpc(&land, "subnet_cidrs = [\n\"10.80.9.0/24\",\n\"10.80.0.0/23\",\n\"10.80.8.0/24\"]"));
    let why = estate.refusal(&Options::default()).await;
    let taken = format!("`10.80.0.0/23` overlaps {} (10.80.0.0/24)", land.subnet("a"));
    assert!(why.contains(&taken) && why.contains("dev.toml:8") && why.contains("`10.80.2.0/23` is free"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn vpcs_that_are_not_there() {
    let estate = blank();
    estate.write(&placed("vpc_name = \"analytics\""));
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("no VPC in us-west-2 has the Name tag `analytics`"), "{why}");
    assert!(why.contains("this account has no VPC there") && why.contains("dev.toml:5:12"), "{why}");
    let one = estate.land("analytics", &[]).await;
    let two = estate.land("analytics", &[]).await;
    let why = estate.refusal(&Options::default()).await;
    let mut ids = [one.vpc.as_str(), &two.vpc];
    ids.sort_unstable();
    assert!(why.contains(&format!("2 VPCs have this Name tag: {}", ids.join(", "))), "{why}");
    assert!(why.contains(&format!("vpc_id = \"{}\"", ids[0])), "{why}");
    estate.write(&placed("vpc_name = \"analytiks\""));
    assert!(estate.refusal(&Options::default()).await.contains("did you mean `analytics`?"));
    estate.write(&placed("vpc_id = \"vpc-00000000\""));
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("there is no such VPC") && why.contains(&format!("{} (analytics)", two.vpc)), "{why}");
    assert!(estate.sandbox.world().elb.balancers.is_empty() && estate.store.last().is_none());
}

#[tokio::test(start_paused = true)]
async fn subnets_that_do_not_fit() {
    let estate = blank();
    let land = estate.land("analytics", &["a", "a2", "a3", "b", "c"]).await;
    let other = estate.land("other", &["c"]).await;
    estate.write(&listing(&land, &["a", "a2", "a3"]));
    let why = estate.refusal(&Options::default()).await;
    for name in ["a2", "a3"] {
        assert!(why.contains(&format!("{} is in us-west-2a, where ", land.subnet(name))), "{why}");
    }
    assert!(why.contains(&format!("{} in us-west-2b", land.subnet("b"))), "it says what there is: {why}");

    estate.crowd(land.subnet("b"), 2);
    let list = [land.subnet("a"), land.subnet("b"), other.subnet("c"), "subnet-00000000"];
    estate.write(&in_vpc(&land, &format!("subnet_ids = {list:?}")));
    let why = estate.refusal(&Options::default()).await;
    for part in [
        format!("networking.subnet_ids[1]: {} has 2 free addresses, and this estate needs 29 there", land.subnet("b")),
        "(8 for the load balancer, 10 for the producer, 11 for consumer-reporting-1)".to_owned(),
        format!("networking.subnet_ids[2]: {} is in {}, not in {}", other.subnet("c"), other.vpc, land.vpc),
        "networking.subnet_ids[3]: there is no subnet subnet-00000000".to_owned(),
        "dev.toml:6:".to_owned(),
    ] {
        assert!(why.contains(&part), "no {part:?} in\n{why}");
    }
    estate.write(&in_vpc(&land, ""));
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("in 2 availability zones (us-west-2a, us-west-2c), and 3 are needed"), "{why}");
    assert!(why.contains(&format!("us-west-2b: {} has 2 free addresses", land.subnet("b"))), "{why}");
    let zones = "availability_zones = [\"us-west-2a\", \"us-west-2c\", \"us-west-2d\"]";
    estate.write(&in_vpc(&land, zones));
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("networking.availability_zones[2]") && why.contains("no subnet in us-west-2d"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn what_is_public_needs_a_way_in() {
    let mut estate = blank();
    let land = estate.land("analytics", &["a", "b", "c"]).await;
    let public = in_vpc(&land, "").replace("[nlb]", "publicly_accessible = true\n[nlb]\ninternal = false");
    estate.write(&public);
    let why = estate.refusal(&Options::default()).await;
    for key in ["consumers.reporting.publicly_accessible", "nlb.internal"] {
        let said = format!("{key}: reachable from outside needs an internet gateway, and {} has none", land.vpc);
        assert!(why.contains(&said), "{why}");
    }
    let gateway = estate.open_up(&land, false).await;
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("in 0 availability zones, and 3 are needed"), "{why}");
    assert!(why.contains("has no route to the internet gateway"), "{why}");
    let ec2 = estate.somebody().await.ec2;
    let tables = ec2.describe_route_tables().send().await.unwrap().route_tables.unwrap();
    let route = ec2.create_route().route_table_id(tables[0].route_table_id().unwrap()).gateway_id(gateway);
    route.destination_cidr_block("0.0.0.0/0").send().await.unwrap();
    comes_and_goes(&mut estate, &public).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_worth_knowing_about_it() {
    let estate = blank();
    let land = estate.land("analytics", &["a", "b", "c"]).await;
    let vpc = land.vpc.clone();
    estate
        .sandbox
        .edit(|world| {
            world.ec2.endpoints.clear();
            world.ec2.vpcs.get_mut(&vpc).unwrap().dns_hostnames = false;
        })
        .unwrap();
    estate.write(&in_vpc(&land, ""));
    let plan = estate.plan(&Options::default()).await.unwrap();
    let said: Vec<String> = plan.warnings.iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|text| text.contains("enableDnsHostnames off")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("to S3: COPY and UNLOAD will hang")), "{said:?}");
    assert!(plan.warnings.iter().all(|warning| warning.severity == Severity::Warning));
    estate.write(&in_vpc(&land, "").replace("base_capacity", "enhanced_vpc_routing = false\nbase_capacity"));
    assert_eq!(estate.plan(&Options::default()).await.unwrap().warnings.len(), 1, "nothing is routed through it");
}

#[tokio::test(start_paused = true)]
async fn a_move_into_it_is_a_replacement() {
    let mut estate = blank();
    estate.converge(&Options::default()).await;
    let land = estate.land("analytics", &["a", "b", "c"]).await;
    let own = estate.state().entries[&"networking/vpc".parse().unwrap()].id.clone().unwrap();
    estate.write(&placed(&format!("vpc_id = \"{own}\"")));
    let why = estate.refusal(&Options::default()).await;
    assert!(why.contains("is the VPC that rsds made for this environment"), "{why}");

    estate.write(&in_vpc(&land, ""));
    let protected = Options { protect: select(&["producer"]), ..Options::default() };
    let why = estate.refusal(&protected).await;
    assert!(why.contains("producer/workgroup would be replaced, and it is protected"), "{why}");
    let plan = estate.plan(&Options::default()).await.unwrap();
    let action = |address: &str| plan.changes[&address.parse().unwrap()].action;
    assert_eq!(action("networking/vpc"), Action::Delete);
    assert!(matches!(action("producer/workgroup"), Action::Replace(_)));
    assert_eq!(action("producer/namespace"), Action::NoOp, "data stays where it is");
    estate.converge(&Options::default()).await;
    assert!(!estate.sandbox.world().ec2.vpcs.contains_key(own.as_str()));
    // And out of it again.
    estate.write(SMALL);
    estate.converge(&Options::default()).await;
    assert!(estate.run(&destroying(&[])).await.is_complete());
    assert_eq!(estate.sandbox.world().ec2.vpcs.keys().collect::<Vec<_>>(), [&land.vpc]);
}
