//! Plans that wait: in a file, or for an answer. What they rest on is looked at again before anything is done.

use crate::{harness::*, scene::*};
use rsds::{
    plan::{Options, Reason, Saved},
    sandbox::World,
    session::Session,
    state::Store,
};
use std::{sync::Arc, time::Duration};

const AGAIN: &str = "rsds plan --out FILE";

fn capacity(world: &mut World, max: i64) {
    world.serverless.workgroups.get_mut("airline-dev-reporting-1").unwrap().max = Some(max);
}

impl Estate {
    /// Plans into the text of a file and reads it back.
    async fn saved(&self, options: &Options, refresh: bool) -> Saved {
        let session = self.open().await.unwrap();
        let planned = session.prepare(options, refresh).await.unwrap_or_else(|failure| panic!("{}", text(&failure)));
        Saved::parse(&session.save(planned, options, refresh).unwrap().to_text().unwrap()).unwrap()
    }

    /// Opens the environment for a saved plan.
    async fn open_for(&self, saved: &Saved) -> Session {
        let environment = rsds::config::load(self.dir.path(), self.env, &saved.sets).unwrap();
        let (store, lineage) = (Arc::clone(&self.store) as Arc<dyn Store>, Some(saved.binding.lineage.clone()));
        Session::open_as(environment, self.connection(), store, lineage).await.unwrap()
    }

    /// Does a saved plan, and demands that all of it was done.
    async fn redeem(&mut self, saved: &Saved) {
        let session = self.open_for(saved).await;
        let redeemed = session.redeem(saved, &saved.options, AGAIN).await;
        let (plan, _) = redeemed.unwrap_or_else(|failure| panic!("{}", text(&failure)));
        let outcome = self.carry_out(session, plan).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    }

    /// The reasons against a saved plan.
    async fn refused(&self, saved: &Saved) -> String {
        let redeemed = self.open_for(saved).await.redeem(saved, &saved.options, AGAIN).await;
        match redeemed {
            Ok((plan, _)) => panic!("it was taken: {:?}", brief(&plan)),
            Err(failure) => text(&failure),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_sort_of_plan_survives_its_file() {
    let mut estate = Estate::shipped("dev");
    let fresh = estate.saved(&Options::default(), true).await;
    estate.redeem(&fresh).await;
    estate.settled().await;
    estate.write(TWO);
    let turned = estate.saved(&Options::default(), true).await;
    estate.redeem(&turned).await;
    estate.settled().await;
    let replacing = Options { replace: select(&["nlb", "consumer-reporting"]), ..Options::default() };
    let replaced = estate.saved(&replacing, true).await;
    estate.redeem(&replaced).await;
    estate.settled().await;
    let part = estate.saved(&destroying(&["consumer-reporting"]), true).await;
    estate.redeem(&part).await;
    let believed = estate.saved(&Options::default(), false).await;
    estate.redeem(&believed).await;
    estate.settled().await;
    let rest = estate.saved(&destroying(&[]), true).await;
    estate.redeem(&rest).await;
    assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn outputs_that_move_without_changing_the_work_do_no_harm() {
    let mut estate = Estate::new(SMALL);
    estate.converge(&Options::default()).await;
    estate.set(&["nlb.idle_timeout=\"400s\""]);
    let saved = estate.saved(&Options::default(), true).await;
    let rename = |world: &mut World| world.elb.balancers.values_mut().for_each(|lb| lb.dns = "moved.example".into());
    estate.sandbox.edit(rename).unwrap();
    let session = estate.open_for(&saved).await;
    let (_, moved) = session.redeem(&saved, &saved.options, AGAIN).await.unwrap_or_else(|_| panic!("refused"));
    let moved: Vec<String> = moved.iter().map(ToString::to_string).collect();
    assert!(matches!(&moved[..], [one] if one.starts_with("nlb/load-balancer: outputs.dns_name was ")), "{moved:?}");
    estate.redeem(&saved).await;
    estate.settled().await;
    assert_eq!(estate.state().output(&"nlb/load-balancer".parse().unwrap(), "dns_name").unwrap(), "moved.example");
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_believed_the_state_is_held_against_aws() {
    let mut estate = Estate::new(SMALL);
    estate.converge(&Options::default()).await;
    estate.set(&["consumers.reporting.query_timeout=\"20m\""]);
    estate.sandbox.edit(|world| capacity(world, 24)).unwrap();
    let saved = estate.saved(&Options::default(), false).await;
    assert!(!saved.refreshed);
    let why = estate.refused(&saved).await;
    assert!(why.contains("max_capacity was 16 when planned and is 24 now"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn another_place_or_state_is_another_plan() {
    let mut estate = Estate::new(SMALL);
    let saved = estate.saved(&Options::default(), true).await;
    estate.region = "eu-west-1".to_owned();
    let why = estate.refused(&saved).await;
    assert!(why.contains("made for region us-west-2, this is region eu-west-1"), "{why}");
    estate.region = "us-west-2".to_owned();
    // A state has begun in between, by another hand.
    assert!(estate.run(&targeted(&["networking/vpc"])).await.is_complete());
    let why = estate.refused(&saved).await;
    assert!(why.contains(&format!("made for the state {}", saved.binding.lineage)), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_late_yes_is_to_what_is_there_now() {
    let mut estate = Estate::new(SMALL);
    estate.converge(&Options::default()).await;
    estate.set(&["consumers.reporting.query_timeout=\"20m\""]);
    let options = Options::default();
    let session = estate.open().await.unwrap();
    let asked = estate.clock.timestamp();
    let shown = session.prepare(&options, true).await.unwrap();
    estate.sandbox.edit(|world| capacity(world, 24)).unwrap();
    estate.clock.sleep(Duration::from_secs(300)).await;
    let calls = estate.sandbox.calls().len();
    assert!(session.agreed(shown, &options, asked, "rsds apply").await.is_ok(), "five minutes are soon enough");
    assert_eq!(estate.sandbox.calls().len(), calls);

    estate.sandbox.edit(|world| capacity(world, 16)).unwrap();
    let shown = session.prepare(&options, true).await.unwrap();
    estate.sandbox.edit(|world| capacity(world, 24)).unwrap();
    estate.clock.sleep(Duration::from_secs(1)).await;
    let why = text(&session.agreed(shown, &options, asked, "rsds apply").await.err().unwrap());
    assert!(why.contains("consumer-reporting-1/workgroup: max_capacity was 16 when planned and is 24 now"), "{why}");
    assert!(why.contains("nothing was changed") && why.contains("rsds apply"), "{why}");

    estate.sandbox.edit(|world| capacity(world, 16)).unwrap();
    let shown = session.prepare(&options, true).await.unwrap();
    estate.clock.sleep(Duration::from_secs(3600)).await;
    let (plan, _) = session.agreed(shown, &options, asked, "rsds apply").await.unwrap();
    assert_eq!(brief(&plan), ["update consumer-reporting-1/workgroup"]);
    let outcome = estate.carry_out(session, plan).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    estate.settled().await;
}

#[tokio::test(start_paused = true)]
async fn the_state_follows_aws_and_nothing_else_does() {
    let mut estate = Estate::new(SMALL);
    estate.converge(&Options::default()).await;
    let only = Options { refresh_only: true, ..Options::default() };
    assert!(estate.brief(&only).await.is_empty());
    let rule = "networking/producer-ingress-consumers";
    let gone = estate.state().entries[&rule.parse().unwrap()].id.clone().unwrap().to_string();
    estate
        .sandbox
        .edit(|world| {
            capacity(world, 24);
            world.ec2.rules.remove(&gone).unwrap();
        })
        .unwrap();
    let world = estate.sandbox.world();
    let found = ["refresh consumer-reporting-1/workgroup".to_owned(), format!("forget {rule}")];
    assert_eq!(estate.brief(&only).await, found);
    let outcome = estate.run(&only).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.sandbox.world(), world);
    assert!(estate.brief(&only).await.is_empty());
    let state = estate.state();
    assert!(!state.entries.contains_key(&rule.parse().unwrap()));
    assert_eq!(state.entries[&"consumer-reporting-1/workgroup".parse().unwrap()].spec["max_capacity"], 24);
    // What the TOML wants is a change now, no drift.
    let plan = estate.plan(&Options::default()).await.unwrap();
    assert_eq!(reasons(&plan, "consumer-reporting-1/workgroup"), [Reason::Changed]);
    estate.converge(&Options::default()).await;
    // Data that is gone does not silently leave the state.
    estate.sandbox.edit(|world| drop(world.serverless.namespaces.remove("airline-dev-reporting-1").unwrap())).unwrap();
    assert!(estate.refusal(&only).await.contains("consumer-reporting-1/namespace held data and is gone from AWS"));
}
