//! The environments that come with rsds, as a team has them: each is built, is then as it should be, and goes. Where a
//! final snapshot is taken, exactly the snapshots and the keys that encrypt them are left.

use crate::{harness::*, scene::inventory};
use rsds::{kind::Readiness, plan::Options, sandbox::World};
use std::collections::BTreeSet;

/// The keys that encrypt what is kept, of clusters and of namespaces: one a snapshot.
fn keys_of_snapshots(world: &World) -> Vec<String> {
    let of_clusters = world.redshift.snapshots.values().map(|snapshot| snapshot.cluster.settings.key.clone());
    let of_namespaces = world.serverless.snapshots.values().map(|snapshot| snapshot.key.clone());
    of_clusters.chain(of_namespaces).map(|key| key.unwrap()).collect()
}

/// What stands, without what stands none of.
fn standing(world: &World) -> Vec<(&'static str, usize)> {
    inventory(world).into_iter().filter(|(_, count)| *count > 0).collect()
}

async fn lives_and_goes(env: &'static str, readers: usize, snapshots: usize) {
    let mut estate = Estate::shipped(env);
    estate.apply().await;
    estate.settled().await;
    let session = estate.open().await.unwrap();
    let (observed, _) = session.look(&Options::default()).await.unwrap();
    for address in session.state.entries.keys() {
        assert_eq!(observed.live(address).unwrap().readiness, Readiness::Ready, "{address}");
    }
    assert_eq!(session.environment.config.readers().count(), readers);

    estate.set(&["protect.addresses=[]"]);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert!(estate.state().entries.is_empty());
    let world = estate.sandbox.world();
    let keys = keys_of_snapshots(&world);
    assert_eq!(keys.len(), snapshots);
    let kept: BTreeSet<&String> = world.kms.keys.values().filter(|k| k.deletion.is_none()).map(|k| &k.arn).collect();
    assert_eq!(kept, keys.iter().collect());
    let left = [("cluster snapshots", snapshots), ("keys", kept.len())];
    assert_eq!(standing(&world), left.into_iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn dev() {
    lives_and_goes("dev", 1, 0).await;
}

#[tokio::test(start_paused = true)]
async fn staging() {
    lives_and_goes("staging", 2, 1).await;
}

#[tokio::test(start_paused = true)]
async fn prod() {
    lives_and_goes("prod", 3, 1).await;
}

#[tokio::test(start_paused = true)]
async fn prod_is_protected() {
    let mut estate = Estate::shipped("prod");
    estate.apply().await;
    let addresses = estate.open().await.unwrap().environment.config.protect.addresses;
    let protect = select(&addresses.iter().map(String::as_str).collect::<Vec<_>>());
    let protected = |options| Options { protect: protect.clone(), ..options };

    let refusal = estate.refusal(&protected(destroying(&[]))).await;
    for address in ["producer/cluster", "networking/vpc", "nlb/load-balancer"] {
        assert!(refusal.contains(&format!("{address} would be deleted")), "{refusal}");
    }
    let replacing = protected(Options { replace: select(&["nlb/load-balancer"]), ..Options::default() });
    assert!(estate.refusal(&replacing).await.contains("nlb/load-balancer would be replaced"));

    // Readers are free to come and go.
    let outcome = estate.run(&protected(destroying(&["consumer-reporting"]))).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(estate.inventory()["workgroups"], 2);
    estate.converge(&protected(Options::default())).await;
    assert_eq!(estate.inventory()["workgroups"], 3);
}
