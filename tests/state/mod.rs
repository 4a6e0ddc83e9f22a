//! Lost states: nothing is built beside what is there, and the tags bring the state back.

mod formats;
mod rebuild;

use crate::{harness::*, scene::*};
use rsds::{
    address::Address,
    config,
    failure::Failure,
    plan::Options,
    sandbox::World,
    session::{self, Rebuilt},
    state::{Store, mend::moved},
};
use serde_json::Value as Json;
use std::sync::Arc;

impl Estate {
    /// Loses the state, history and all.
    pub(crate) fn lose(&mut self) {
        self.store = Arc::default();
    }

    async fn rebuilt(&self, lineage: Option<&str>) -> Result<Rebuilt, Failure> {
        let environment = config::load(self.dir.path(), self.env, &self.sets)?;
        session::rebuild(environment, self.connection(), Arc::clone(&self.store) as Arc<dyn Store>, lineage).await
    }

    /// Makes the state anew and writes it.
    pub(crate) async fn rebuild(&self) -> Rebuilt {
        let rebuilt = self.rebuilt(None).await.unwrap_or_else(|failure| panic!("{}", text(&failure)));
        rebuilt.present.replace(self.store.as_ref(), rebuilt.state.clone(), None).await.unwrap();
        rebuilt
    }

    /// Changes tags wherever they are in the world.
    fn retag(&self, change: impl Fn(&mut serde_json::Map<String, Json>)) {
        fn visit(json: &mut Json, change: &dyn Fn(&mut serde_json::Map<String, Json>)) {
            match json {
                Json::Object(map) if map.contains_key("rsds:address") => change(map),
                Json::Object(map) => map.values_mut().for_each(|value| visit(value, change)),
                Json::Array(items) => items.iter_mut().for_each(|item| visit(item, change)),
                _ => {}
            }
        }
        let mut world = serde_json::to_value(self.sandbox.world()).unwrap();
        visit(&mut world, &change);
        self.sandbox.edit(|there: &mut World| *there = serde_json::from_value(world).unwrap()).unwrap();
    }

    async fn unopened(&self) -> String {
        self.open().await.err().map(|failure| text(&failure)).unwrap_or_else(|| panic!("it was opened"))
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_built_beside_what_is_there() {
    let mut estate = Estate::new(TWO);
    estate.apply().await;
    let (before, lineage) = (estate.inventory(), estate.state().lineage);
    estate.lose();
    let refusal = estate.unopened().await;
    assert!(refusal.contains("there is no state at memory, but AWS has "), "{refusal}");
    for named in [lineage.as_str(), "airline-dev", "rsds state pull", "rsds state push", "rsds state rebuild"] {
        assert!(refusal.contains(named), "no {named} in {refusal}");
    }
    assert_eq!(estate.inventory(), before);
    estate.rebuild().await;
    estate.settled().await;
}

#[tokio::test(start_paused = true)]
async fn the_look_is_one_call_and_only_without_a_state() {
    let mut estate = Estate::new(TWO);
    estate.open().await.unwrap();
    let calls = |estate: &Estate| estate.sandbox.take_calls().iter().filter(|c| c.operation == "GetResources").count();
    assert_eq!(calls(&estate), 1);
    estate.apply().await;
    assert_eq!(calls(&estate), 1);
    // A refresh lists the tags of what is recorded, and looks for nothing else.
    estate.settled().await;
    assert_eq!(calls(&estate), 1);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_denied_names_its_action() {
    let estate = Estate::new(TWO);
    estate.sandbox.inject(denied("GetResources"));
    let refusal = estate.unopened().await;
    assert!(refusal.contains("whether AWS has resources of airline-dev is not known"), "{refusal}");
    assert!(refusal.contains("the caller needs the action tag:GetResources"), "{refusal}");
}

/// What was destroyed does not stand in the way: keys that wait for their end, and backups.
#[tokio::test(start_paused = true)]
async fn what_only_waits_for_its_end_is_not_there() {
    let mut estate = Estate::new(SMALL);
    estate.apply().await;
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert!(estate.sandbox.world().kms.keys.values().all(|key| key.deletion.is_some()));
    estate.lose();
    estate.converge(&Options::default()).await;
}

/// A moved entry is still read by its id, whatever address its tags carry.
#[tokio::test(start_paused = true)]
async fn every_kind_is_found_under_its_new_address() {
    for toml in [SMALL, SMALL_CLUSTER] {
        let mut estate = Estate::new(toml);
        estate.apply().await;
        let state = estate.state();
        let renamed = |address: &Address| Address::new(address.component(), format!("{}-x", address.resource()));
        let pairs = state.entries.keys().map(|address| (address.clone(), renamed(address))).collect();
        let next = moved(&state, &pairs);
        assert!(
            next.entries.values().flat_map(|entry| &entry.depends_on).all(|edge| next.entries.contains_key(&edge.on))
        );
        estate.store.save(&next).await.unwrap();
        let session = estate.open().await.unwrap();
        let (observed, _) = session.look(&Options::default()).await.unwrap();
        for (address, entry) in &next.entries {
            let live = observed.live(address).unwrap_or_else(|| panic!("{address} is not found"));
            assert_eq!(Some(&live.id), entry.id.as_ref(), "{address}");
        }
        // Moved back, nothing is left to do.
        let back = pairs.into_iter().map(|(from, to)| (to, from)).collect();
        estate.store.save(&moved(&next, &back)).await.unwrap();
        estate.settled().await;
    }
}
