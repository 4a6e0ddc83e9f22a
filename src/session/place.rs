//! Whether the state is the one that this run is about: its environment, account, region, and the lineage of what is in
//! AWS.
//!
//! Called by `session` when it opens and when it has read AWS. A state that is another's is never written over or planned
//! from; the last one in the history that fits is offered.

use super::Session;
use crate::{
    aws::{Owner, tags},
    config::typed::Config,
    failure::Failure,
    plan::Observed,
    state::{State, Store, last_good},
};
use std::collections::BTreeMap;

/// A refusal that offers the newest former state that fits, if there is one.
async fn refusal(store: &dyn Store, message: String, else_: String, fits: impl Fn(&State) -> bool) -> Failure {
    let help = match last_good(store, fits).await {
        Some(name) => format!("{else_}; the last state that fits is {name}: rsds state history --restore {name}"),
        None => else_,
    };
    Failure::new(message, help)
}

/// Refuses a state of another project or environment.
pub(super) async fn check_environment(state: &State, config: &Config, store: &dyn Store) -> Result<(), Failure> {
    let fits = |state: &State| state.project == config.project && state.environment == config.env;
    if state.entries.is_empty() || fits(state) {
        return Ok(());
    }
    let message = format!(
        "the state belongs to {}-{}: {} is that of another environment than {}-{}",
        state.project,
        state.environment,
        store.place(),
        config.project,
        config.env
    );
    let help = match state.environment == config.env {
        true => "the TOML's `project` must not change while resources exist: destroy them first, or change it back",
        false => "nothing was touched; put this environment's own state there: rsds state push FILE",
    };
    Err(refusal(store, message, help.to_owned(), fits).await)
}

impl Session {
    /// Refuses to touch an account or a region other than the one meant.
    pub(super) async fn check_place(&self) -> Result<(), Failure> {
        let (config, aws) = (&self.environment.config, &self.aws);
        if let Some(account) = config.account.as_ref().filter(|account| **account != aws.account) {
            return Err(Failure::new(
                format!(
                    "the credentials belong to account {} ({}), the TOML names account {account}",
                    aws.account, aws.caller
                ),
                "nothing was touched; switch credentials (AWS_PROFILE) or correct `account`",
            ));
        }
        if self.state.entries.is_empty() {
            return Ok(());
        }
        let here = |was: &Option<String>, is: &str| was.as_deref().is_none_or(|was| was == is);
        let fits = |state: &State| {
            let of_environment = state.project == config.project && state.environment == config.env;
            of_environment && here(&state.account, &aws.account) && here(&state.region, &aws.region)
        };
        let places = [("account", &self.state.account, &aws.account), ("region", &self.state.region, &aws.region)];
        for (what, was, is) in places {
            if let Some(was) = was.as_ref().filter(|was| *was != is) {
                let message = format!("the state holds resources in {what} {was}, this run is for {what} {is}");
                let help = format!("go back to {what} {was}, or destroy them there first");
                return Err(refusal(self.store.as_ref(), message, help, fits).await);
            }
        }
        Ok(())
    }

    /// Refuses to plan from a state whose resources carry the lineage of another one: that one knows more of them.
    pub(super) async fn check_lineage(&self, observed: &Observed) -> Result<(), Failure> {
        let ours = &self.aws.owner;
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        for address in self.state.entries.keys() {
            let Some(live) = observed.live(address) else { continue };
            let tags = tags::of_spec(&live.spec);
            let of_environment = Owner::maker(&tags) == Some(format!("{}-{}", ours.project, ours.environment));
            if let Some(lineage) = Owner::lineage(&tags).filter(|lineage| of_environment && *lineage != ours.lineage) {
                *others.entry(lineage.to_owned()).or_default() += 1;
            }
        }
        let Some((lineage, count)) = others.into_iter().max_by_key(|(_, count)| *count) else { return Ok(()) };
        let what = crate::ui::count(count, "resource");
        let message = format!(
            "the state at {} has lineage {}, but {what} it names carry lineage {lineage}: it is not the state they were \
             made with",
            self.store.place(),
            ours.lineage
        );
        let help = format!(
            "nothing was touched; bring that state: rsds state push FILE, or make it anew from the tags: rsds state \
             rebuild --lineage {lineage}"
        );
        Err(refusal(self.store.as_ref(), message, help, |state| state.lineage == lineage).await)
    }
}
