//! `rsds state rebuild`: over whole estates the state is what it was, and what cannot be decided is said.

use super::*;
use rsds::state::{Entry, State};
use std::collections::{BTreeMap, BTreeSet};

/// Says how a rebuilt record differs from the one that was lost; nothing where it does not.
fn differs(was: &Entry, is: Option<&Entry>) -> Option<String> {
    let Some(is) = is else { return Some("not found".to_owned()) };
    let json = |entry: &Entry| serde_json::to_value(entry).unwrap();
    let (was, is) = (json(was), json(is));
    let fields = was.as_object().unwrap().keys().filter(|field| was[*field] != is[*field]);
    let told: Vec<String> = fields.map(|field| format!("{field}: {} is now {}", was[field], is[field])).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn kinds_of(state: &State) -> BTreeSet<String> {
    state.entries.values().map(|entry| entry.kind.clone()).collect()
}

/// Loses the state and makes it anew; returns the kinds there were, and every difference.
async fn swept(estate: &mut Estate) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let (kinds, differences, _) = swept_whole(estate).await;
    (kinds, differences)
}

/// The same, with the fields that had to be taken on trust: `kms.key retain`.
async fn swept_whole(estate: &mut Estate) -> (BTreeSet<String>, BTreeMap<String, String>, BTreeSet<String>) {
    estate.converge(&Options::default()).await;
    let was = estate.state();
    estate.lose();
    let rebuilt = estate.rebuild().await;
    let is = estate.state();
    assert_eq!((&is.lineage, &is.account, &is.region), (&was.lineage, &was.account, &was.region));
    assert!(rebuilt.undecided.is_empty() && rebuilt.others.is_empty(), "{:?}", rebuilt.undecided);
    assert!(is.entries.keys().all(|address| was.entries.contains_key(address)));
    let differences = was.entries.iter().filter_map(|(address, entry)| {
        Some((format!("{address} ({})", entry.kind), differs(entry, is.entries.get(address))?))
    });
    let differences = differences.collect();
    estate.settled().await;
    let trusted = rebuilt.assumed.iter().map(|(address, field)| format!("{} {field}", was.entries[address].kind));
    (kinds_of(&was), differences, trusted.collect())
}

#[tokio::test(start_paused = true)]
async fn every_kind_comes_back_as_it_was() {
    let mut seen = BTreeSet::new();
    let (mut lost, mut trusted) = (BTreeMap::new(), BTreeSet::new());
    let mut estates = Vec::from([TWO, SMALL_SHARING, SMALL_CLUSTER].map(Estate::new));
    estates.extend(["dev", "staging", "prod"].map(Estate::shipped));
    for estate in &mut estates {
        let (kinds, differences, on_trust) = swept_whole(estate).await;
        seen.extend(kinds);
        lost.extend(differences);
        trusted.extend(on_trust);
    }
    let mut restored = Estate::new(SMALL_SHARING);
    restored.keep("kept", "awsuser");
    restored.set(&["producer.restore.snapshot=kept"]);
    let (kinds_of_it, differences, on_trust) = swept_whole(&mut restored).await;
    seen.extend(kinds_of_it);
    lost.extend(differences);
    trusted.extend(on_trust);
    let (of, all) = (seen.len(), kinds().len());
    println!("rebuild: {of} of {all} kinds seen, {} records differ, taken on trust: {trusted:?}", lost.len());
    assert_eq!(lost, BTreeMap::new());
    assert_eq!(seen, kinds().into_iter().map(str::to_owned).collect());
}

#[tokio::test(start_paused = true)]
async fn suffixed_names_are_found_and_their_generation_is_remembered() {
    let mut estate = Estate::new(SMALL);
    estate.apply().await;
    let all = ["consumer-reporting-1/role", "consumer-reporting-1/endpoint", "networking/nlb-security-group"];
    let replacing = Options { replace: select(&all), ..Options::default() };
    for _ in 0..2 {
        estate.converge(&replacing).await;
    }
    let (_, differences) = swept(&mut estate).await;
    assert_eq!(differences, BTreeMap::new());
    let role = &estate.state().entries[&"consumer-reporting-1/role".parse().unwrap()];
    assert_eq!((role.generation, role.id.as_ref().unwrap().as_str()), (2, "airline-dev-reporting-1-r2"));
}

#[tokio::test(start_paused = true)]
async fn older_halves_of_replacements_are_found_and_go_with_the_next_apply() {
    let mut estate = Estate::new(SMALL);
    estate.apply().await;
    let before = estate.inventory();
    estate.sandbox.inject(denied("DeleteRole"));
    let replacing = Options { replace: select(&["consumer-reporting-1/role"]), ..Options::default() };
    assert!(!estate.run(&replacing).await.is_complete());
    let role = "consumer-reporting-1/role".parse().unwrap();
    let deposed = estate.state().entries[&role].deposed.clone();
    assert_eq!(deposed.len(), 1);
    estate.lose();
    estate.rebuild().await;
    assert_eq!(estate.state().entries[&role].deposed, deposed);
    estate.converge(&Options::default()).await;
    assert_eq!(estate.inventory(), before);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_place_in_the_toml_is_named() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    let before = estate.inventory();
    estate.lose();
    estate.write(&without_reporting());
    let rebuilt = estate.rebuild().await;
    let named: BTreeSet<&str> = rebuilt.undecided.iter().map(|of| of.address.as_str()).collect();
    assert!(
        named.contains("consumer-reporting-1/namespace") && named.contains("consumer-reporting-1/role"),
        "{named:?}"
    );
    assert!(named.iter().all(|address| address.starts_with("consumer-reporting-1/")), "{named:?}");
    assert!(
        rebuilt.undecided.iter().all(|of| of.arn.starts_with("arn:aws:") && of.why == "the TOML has no such address")
    );
    estate.settled().await;
    assert_eq!(estate.inventory(), before, "nothing undecided was touched");
    // It is put back, and found.
    estate.write(TWO);
    assert!(estate.rebuild().await.undecided.is_empty());
    estate.settled().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_toml_shows_in_the_plan_not_in_what_is_found() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    estate.lose();
    estate.set(&["consumers.reporting.max_capacity=32", "networking.allowed_cidrs=[\"10.1.0.0/16\"]"]);
    let rebuilt = estate.rebuild().await;
    let address = "consumer-reporting-1/workgroup".parse().unwrap();
    assert_eq!(rebuilt.state.entries[&address].spec["max_capacity"], 16, "as it is in AWS");
    let brief = estate.brief(&Options::default()).await;
    assert!(brief.contains(&"update consumer-reporting-1/workgroup".to_owned()), "{brief:?}");
}

/// What no longer is where the TOML has it is found by its tags alone, and the plan says what becomes of it.
#[tokio::test(start_paused = true)]
async fn what_the_toml_wants_elsewhere_is_found_by_its_tags() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    let was = estate.state();
    estate.lose();
    estate.set(&["networking.vpc_cidr=10.60.0.0/16"]);
    let rebuilt = estate.rebuild().await;
    assert!(rebuilt.undecided.is_empty(), "{:?}", rebuilt.undecided);
    let known =
        |state: &State| state.entries.iter().map(|(a, e)| (a.clone(), e.id.clone())).collect::<BTreeMap<_, _>>();
    assert_eq!(known(&rebuilt.state), known(&was));
    assert!(estate.brief(&Options::default()).await.contains(&"replace networking/vpc".to_owned()));
    estate.set(&[]);
    estate.settled().await;
}

#[tokio::test(start_paused = true)]
async fn in_a_network_of_somebody_else() {
    let mut estate = Estate::new(SMALL);
    let land = estate.land("shared", &["a", "a2", "b", "c", "d"]).await;
    let (before, rest) = SMALL.split_once("vpc_cidr = \"10.50.0.0/16\"\n").unwrap();
    let more = rest.replace("internet_gateway = true\n", "");
    for network in ["", "subnet_cidrs = [\"10.80.20.0/24\", \"10.80.21.0/24\", \"10.80.22.0/24\"]\n"] {
        estate.write(&format!("{before}vpc_id = \"{}\"\n{network}{more}", land.vpc));
        let (_, differences) = swept(&mut estate).await;
        assert_eq!(differences, BTreeMap::new());
        let outcome = estate.run(&destroying(&[])).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    }
}

/// A state that knows of another lineage than AWS shows plans nothing.
#[tokio::test(start_paused = true)]
async fn a_state_of_another_lineage_is_refused() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    let state = estate.state();
    estate.store.save(&State { lineage: "another".into(), ..state.clone() }).await.unwrap();
    let refusal = estate.refusal(&Options::default()).await;
    assert!(refusal.contains("has lineage another") && refusal.contains(&state.lineage), "{refusal}");
    assert!(refusal.contains("rsds state rebuild --lineage"), "{refusal}");
}

/// What cannot be tagged is looked for as the TOML has it: with another TOML it is missed, and that is said.
#[tokio::test(start_paused = true)]
async fn an_untaggable_child_that_the_toml_wants_otherwise_is_said_to_be_missing() {
    let mut estate = Estate::new(SMALL);
    estate.apply().await;
    estate.lose();
    estate.set(&["consumers.reporting.usage_limit.rpu_hours=200"]);
    let rebuilt = estate.rebuild().await;
    let limit = "consumer-reporting-1/usage-limit".parse().unwrap();
    assert_eq!(rebuilt.absent.keys().collect::<Vec<_>>(), [&limit]);
    assert_eq!(rebuilt.absent[&limit], "its parents have none that is as the TOML says");
}

#[tokio::test(start_paused = true)]
async fn what_an_apply_left_half_done_is_found_and_completed() {
    let mut whole = Estate::new(SMALL);
    whole.apply().await;
    for operation in ["CreateWorkgroup", "CreateListener", "AttachInternetGateway", "EnableKeyRotation"] {
        let mut estate = Estate::new(SMALL);
        estate.sandbox.inject(denied(operation));
        assert!(!estate.run(&Options::default()).await.is_complete());
        estate.lose();
        estate.rebuild().await;
        estate.converge(&Options::default()).await;
        assert_eq!(estate.inventory(), whole.inventory(), "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_lineages_people_choose() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    let lineage = estate.state().lineage;
    estate.retag(|tags| {
        if tags["rsds:address"].as_str().unwrap().starts_with("nlb/") {
            tags.insert("rsds:lineage".to_owned(), "another".into());
        }
    });
    estate.lose();
    let refusal = text(&estate.rebuilt(None).await.err().unwrap());
    assert!(refusal.contains("another (3)") && refusal.contains(&lineage), "{refusal}");
    assert!(refusal.contains("rsds state rebuild --lineage"), "{refusal}");
    let refusal = text(&estate.rebuilt(Some("third")).await.err().unwrap());
    assert!(refusal.contains("carries lineage third"), "{refusal}");
    let rebuilt = estate.rebuilt(Some(&lineage)).await.unwrap_or_else(|failure| panic!("{}", text(&failure)));
    assert_eq!(rebuilt.others, BTreeMap::from([("another".to_owned(), 3)]));
    assert!(rebuilt.state.entries.keys().all(|address| address.component() != "nlb"), "never what is another's");
    assert!(rebuilt.absent.contains_key(&"nlb/load-balancer".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn what_lacks_our_tags_is_never_taken() {
    let mut estate = Estate::new(SMALL);
    estate.apply().await;
    estate.retag(|tags| {
        if tags["rsds:address"].as_str().unwrap().starts_with("consumer-reporting-1/") {
            tags.retain(|key, _| !key.starts_with("rsds:"));
        }
    });
    estate.lose();
    let rebuilt = estate.rebuild().await;
    let taken = rebuilt.state.entries.keys().filter(|address| address.component() == "consumer-reporting-1");
    // Nor what hangs on it: endpoint, budget, policies, targets.
    assert_eq!(taken.count(), 0, "{:?}", rebuilt.absent);
    assert!(rebuilt.absent.len() >= 6, "{:?}", rebuilt.absent);
    let why = |address: &str| rebuilt.absent[&address.parse().unwrap()].as_str();
    assert!(
        why("consumer-reporting-1/role").contains("airline-dev-reporting-1 is there, and is not this environment's")
    );
    assert!(why("consumer-reporting-1/targets").contains("it hangs on consumer-reporting-1/endpoint"));
    assert!(rebuilt.undecided.is_empty());
}

#[tokio::test(start_paused = true)]
async fn with_nothing_there_there_is_nothing_to_make() {
    let estate = Estate::new(TWO);
    let refusal = text(&estate.rebuilt(None).await.err().unwrap());
    assert!(refusal.contains("carries the tags of airline-dev") && refusal.contains("rsds apply"), "{refusal}");
}
