//! No state, and resources that carry this environment's tags: somebody else has the state, or it is lost.
//!
//! Called by `session` when it opens without a state: one call then, none otherwise. Must never let a second estate be
//! built beside the first.

use super::Session;
use crate::{
    aws::{Fault, owned::Owned},
    failure::Failure,
    state::last_good,
};
use std::collections::BTreeMap;

impl Session {
    /// Refuses to go on without the state of what is there: what carries the tags, as far as it could be read.
    pub(super) async fn check_that_nothing_is_there(&self, found: Result<Vec<Owned>, Fault>) -> Result<(), Failure> {
        let environment = format!("{}-{}", self.aws.owner.project, self.aws.owner.environment);
        let found = found.map_err(|fault| match Failure::from(fault) {
            Failure::Other { message, help, exit } => {
                let message = format!(
                    "there is no state, and whether AWS has resources of {environment} is not known: {message}"
                );
                Failure::Other { message, help, exit }
            }
            other => other,
        })?;
        let found: Vec<Owned> = found.into_iter().filter(|owned| !owned.is_backup()).collect();
        if found.is_empty() {
            return Ok(());
        }
        let place = self.store.place();
        let what = crate::ui::count(found.len(), "resource");
        let message = format!(
            "there is no state at {place}, but AWS has {what} with the tags of {environment} ({}): nothing is built \
             beside them",
            told(&by_lineage(&found))
        );
        let own = |state: &crate::state::State| {
            state.project == self.aws.owner.project && state.environment == self.aws.owner.environment
        };
        let elsewhere = "if the state is kept elsewhere, fetch it there (rsds state pull) and bring it here (rsds state \
                         push FILE); if it is lost: rsds state rebuild";
        let help = match last_good(self.store.as_ref(), own).await {
            Some(name) => format!("the last state here was {name}: rsds state history --restore {name}; {elsewhere}"),
            None => elsewhere.to_owned(),
        };
        Err(Failure::new(message, help))
    }
}

/// Counts resources by lineage.
pub(super) fn by_lineage(found: &[Owned]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for owned in found {
        *counts.entry(owned.lineage()).or_default() += 1;
    }
    counts
}

/// Tells lineages in words: `lineage a`, or `lineages a (12), b (1)`.
pub(super) fn told(lineages: &BTreeMap<&str, usize>) -> String {
    let all: Vec<String> = match lineages.len() {
        1 => return format!("lineage {}", lineages.keys().next().unwrap_or(&"")),
        _ => lineages.iter().map(|(lineage, count)| format!("{lineage} ({count})")).collect(),
    };
    format!("lineages {}", all.join(", "))
}
