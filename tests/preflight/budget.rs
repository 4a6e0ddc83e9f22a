//! What preflight costs, in calls: exact, and the same for two consumers and for a hundred.

use super::Scene;
use crate::scene::*;
use rsds::{plan::Options, sandbox::iam::Caller};
use serde_json::json;

/// The most calls for any estate, further pages aside.
const MOST: usize = 26;

/// The calls of a plan, those of its preflight, and how many of these ask for further pages.
async fn calls(scene: &mut Scene, options: &Options) -> (usize, usize) {
    let mut count = Vec::new();
    for preflight in [false, true] {
        scene.estate.preflight = preflight;
        scene.estate.sandbox.take_calls();
        scene.estate.plan(options).await.unwrap();
        count.push(scene.estate.sandbox.take_calls().len());
    }
    (count[0], count[1] - count[0])
}

#[tokio::test(start_paused = true)]
async fn of_fresh_plans() {
    let mut found = Vec::new();
    for (name, toml) in [("tiny", TINY), ("small", SMALL), ("cluster", SMALL_CLUSTER), ("full", FULL)] {
        let mut scene = Scene::of(toml).await;
        found.push((name, calls(&mut scene, &Options::default()).await.1));
    }
    assert!(found.iter().all(|(_, calls)| *calls <= MOST), "{found:?}");
    assert_eq!(found, [("tiny", 15), ("small", 17), ("cluster", 17), ("full", 23)]);
}

#[tokio::test(start_paused = true)]
async fn of_the_worst_case() {
    let mut scene = Scene::of(FULL)
        .await
        .with(&["consumers.analytics.publicly_accessible=true", "datashares.airline_share.publicly_accessible=true"]);
    let allowed = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" },
        { "Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::123456789012:role/*" },
    ] });
    let (path, name, session) = ("/sso/".to_owned(), "admin".to_owned(), "me".to_owned());
    scene = scene.edit(|world| {
        world.iam.caller = Caller::Role { path, name, session };
        world.iam.policies = vec![allowed.to_string()];
    });
    let cost = calls(&mut scene, &Options::default()).await.1;
    assert_eq!(cost, MOST);
}

#[tokio::test(start_paused = true)]
async fn of_more_and_more_consumers() {
    let mut found = Vec::new();
    for consumers in [2, 10, 50, 100] {
        let networks = "networking.subnet_cidrs=[\"10.50.0.0/19\", \"10.50.32.0/19\", \"10.50.64.0/19\"]";
        let count = format!("consumers.reporting.count={consumers}");
        let mut scene = Scene::of(SMALL).await.with(&[&count, networks]);
        found.push(calls(&mut scene, &Options::default()).await.1);
    }
    assert!(found.iter().all(|calls| *calls == found[0] && *calls <= MOST), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_changes_asks_nothing() {
    let mut scene = Scene::built(FULL).await;
    assert_eq!(calls(&mut scene, &Options::default()).await.1, 0);
}
