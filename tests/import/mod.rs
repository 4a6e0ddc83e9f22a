//! `rsds import`: what exists becomes an environment's own, and nothing of it changes but its owner tags.

mod bulk;
pub(crate) mod old;
mod single;

use crate::harness::*;
use rsds::{
    address::Address,
    apply::Outcome,
    import,
    plan::{Adoption, Options},
    sandbox::World,
    state::Store as _,
};
use serde_json::Value as Json;

/// Takes away every tag of rsds, wherever it is.
fn disowned(json: &mut Json) {
    match json {
        Json::Object(map) => {
            map.retain(|key, _| !key.starts_with("rsds:"));
            map.values_mut().for_each(disowned);
            // A thing without tags has no entry in a service's table of them.
            if let Some(Json::Object(tags)) = map.get_mut("tags") {
                tags.retain(|_, of| *of != serde_json::json!({}));
            }
        }
        Json::Array(items) => items.iter_mut().for_each(disowned),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

impl Estate {
    /// The world field by field, but for the tags of rsds.
    pub(crate) fn things(&self) -> Json {
        let mut world = serde_json::to_value(self.sandbox.world()).unwrap();
        disowned(&mut world);
        world
    }

    /// Makes an estate of nobody of it: no tag of rsds is left, and no state.
    pub(crate) async fn disown(&self) {
        let things = self.things();
        self.sandbox.edit(|world: &mut World| *world = serde_json::from_value(things).unwrap()).unwrap();
    }

    /// Forgets one resource.
    pub(crate) async fn forget(&self, address: &str) {
        let mut state = self.state();
        state.entries.remove(&address.parse().unwrap()).unwrap();
        self.store.save(&state).await.unwrap();
    }

    /// Plans to take over one thing.
    pub(crate) async fn adoption(&self, address: &str, text: &str) -> Result<Adoption, String> {
        let session = self.open().await.map_err(|failure| text_of(&failure))?;
        let address: Address = address.parse().unwrap();
        let planned = import::one(&session, &address, text, &Options::default(), self.clock.timestamp()).await;
        planned.map(|(adoption, _)| adoption).map_err(|failure| text_of(&failure))
    }

    /// Takes one thing over.
    pub(crate) async fn import(&mut self, address: &str, text: &str) -> Outcome {
        let adoption = self.adoption(address, text).await.unwrap_or_else(|why| panic!("{address} {text}: {why}"));
        let session = self.open().await.unwrap();
        self.carry_out(session, adoption.plan).await
    }

    /// Tries in vain to take one thing over: the reasons.
    pub(crate) async fn import_refused(&self, address: &str, text: &str) -> String {
        match self.adoption(address, text).await {
            Ok(_) => panic!("{address} {text} can be taken over"),
            Err(why) => why,
        }
    }
}

fn text_of(failure: &rsds::failure::Failure) -> String {
    crate::harness::text(failure)
}
