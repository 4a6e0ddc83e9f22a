//! A lost state, made anew from the ownership tags of what is there.
//!
//! Called by `rsds state rebuild`, which shows what came of it, asks and writes. Must never write, nor record what the
//! tags do not say is this environment's.

use super::{
    Session, begun,
    unknown::{by_lineage, told},
};
use crate::{
    address::Address,
    aws::{
        Connection, Owner,
        owned::{self, Owned},
    },
    config::Environment,
    failure::Failure,
    plan::{Found, find, is_recorded},
    state::{Present, State, Store},
};
use std::{collections::BTreeMap, sync::Arc};

/// A state made anew, and all that could not be decided.
pub struct Rebuilt {
    /// The state; its serial is the writer's business.
    pub state: State,
    /// What is there now.
    pub present: Present,
    /// What the TOML asks for and AWS does not have, with what is known about that.
    pub absent: BTreeMap<Address, String>,
    /// What carries our tags and has no place in the TOML.
    pub undecided: Vec<Undecided>,
    /// Fields that AWS never shows, believed to be as the TOML says.
    pub assumed: Vec<(Address, &'static str)>,
    /// What carries the tags of other states of this environment, by lineage.
    pub others: BTreeMap<String, usize>,
    /// Backups that carry our tags: they stay what they are.
    pub backups: Vec<String>,
    /// What is worth knowing about how AWS was read.
    pub warnings: Vec<String>,
}

/// A resource that carries our tags and has no place in the TOML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// Its ARN.
    pub arn: String,
    /// The address its tags name.
    pub address: String,
    /// Why it was not decided.
    pub why: &'static str,
}

/// Makes the state of an environment anew. Without a `lineage` there must be only one in the tags.
///
/// Errors: nothing carries the tags; several lineages do and none was chosen; AWS cannot be read.
pub async fn rebuild(
    environment: Environment,
    connection: Connection,
    store: Arc<dyn Store>,
    lineage: Option<&str>,
) -> Result<Rebuilt, Failure> {
    let present = Present::of(store.as_ref()).await?;
    let clock = connection.clock.clone();
    let aws = connection.open(Owner::of(&environment.config, "")).await?;
    let state = begun(&environment.config, Some(String::new()));
    let mut session = Session { environment, state, aws, run: None, preflight: true, unsaved: None, store, clock };
    session.check_place().await?;
    let mut all = owned::tagged(&session.aws, session.environment.config.copies_to()).await?;
    all.extend(owned::roles(&session.aws).await?);
    let lineage = session.chosen(&all, lineage)?;
    let (ours, others): (Vec<Owned>, Vec<Owned>) = all.into_iter().partition(|owned| owned.lineage() == lineage);
    session.state.lineage.clone_from(&lineage);
    session.aws.owner.lineage = lineage;
    let (backups, ours): (Vec<Owned>, Vec<Owned>) = ours.into_iter().partition(Owned::is_backup);
    let stack = session.stack().await?;
    let Found { entries, absent, assumed, warnings } = find(&session.aws, &stack, &ours).await?;
    let state = State { entries, ..session.placed() };
    let undecided = ours.iter().filter_map(|owned| {
        let address = owned.address().unwrap_or_default().to_owned();
        let parsed = address.parse::<Address>().ok();
        let why = match &parsed {
            Some(address) if is_recorded(&state, &owned.arn, address) => return None,
            Some(address) if state.entries.contains_key(address) => "another one is at its address",
            Some(address) if stack.wanted.contains_key(address) => "it is not as the TOML says",
            Some(_) | None => "the TOML has no such address",
        };
        Some(Undecided { arn: owned.arn.clone(), address, why })
    });
    let undecided = undecided.collect();
    let others = by_lineage(&others).into_iter().map(|(lineage, count)| (lineage.to_owned(), count)).collect();
    let warnings = warnings.into_iter().collect();
    let backups = backups.into_iter().map(|owned| owned.arn).collect();
    Ok(Rebuilt { state, present, absent, undecided, assumed, others, backups, warnings })
}

impl Session {
    /// The lineage to go by: the one asked for, or the only one there is.
    fn chosen(&self, all: &[Owned], asked: Option<&str>) -> Result<String, Failure> {
        let standing = all.iter().filter(|owned| !owned.is_backup() && !owned.lineage().is_empty());
        let standing: Vec<Owned> = standing.cloned().collect();
        let lineages = by_lineage(&standing);
        let environment = format!("{}-{}", self.aws.owner.project, self.aws.owner.environment);
        let place = format!("account {}, {}", self.aws.account, self.aws.region);
        match (asked, lineages.keys().next()) {
            (_, None) => Err(Failure::new(
                format!("nothing in {place} carries the tags of {environment}: there is no state to make of it"),
                "check the account (AWS_PROFILE) and the TOML's `region`; what is not there is built by: rsds apply",
            )),
            (Some(asked), Some(_)) if lineages.contains_key(asked) => Ok(asked.to_owned()),
            (None, Some(only)) if lineages.len() == 1 => Ok((*only).to_owned()),
            (Some(asked), Some(_)) => Err(Failure::new(
                format!("nothing of {environment} in {place} carries lineage {asked}; there is {}", told(&lineages)),
                "choose one of these: rsds state rebuild --lineage LINEAGE",
            )),
            (None, Some(_)) => Err(Failure::new(
                format!("the resources of {environment} in {place} are of several states: {}", told(&lineages)),
                "choose whose state to make anew; what is of the other stays as it is: rsds state rebuild --lineage \
                 LINEAGE",
            )),
        }
    }
}
