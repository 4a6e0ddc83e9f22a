//! Takes existing resources over: finds what a person names, plans to record and tag it, and tells what would be left to
//! do.
//!
//! Called by `cli::import` and by tests; `plan::adopt` makes the plan, `apply` carries it out. Must never send a mutating
//! call.

pub mod bulk;
pub mod file;
pub mod survey;
pub mod tfstate;

use crate::{
    address::Address,
    aws::{Aws, Fault, Look},
    failure::Failure,
    kind::{AnyKind, AnyLive, AnyWhich, Named, OutputRef, Tree},
    plan::{Adoption, Grounds, ObserveError, Observed, Options, PlanError, adopt, observe, unknown},
    session::Session,
    stack::{Stack, Wanted},
    state::State,
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// What an import was planned from.
pub struct Ground {
    /// What is wanted.
    pub stack: Stack,
    /// What AWS shows of what is recorded.
    pub observed: Observed,
}

impl Ground {
    /// Builds what is wanted and looks at what is recorded; that `address` is taken is no failure: it is to be taken over.
    pub async fn of(session: &Session, address: &Address) -> Result<Self, Failure> {
        let stack = session.stack().await?;
        let (observed, _) = match observe(&session.aws, &session.state).await {
            Err(ObserveError::Foreign { address: taken, .. }) if taken == *address => {
                let mut rest = session.state.clone();
                rest.entries.remove(address);
                observe(&session.aws, &rest).await?
            }
            observed => observed?,
        };
        Ok(Self { stack, observed })
    }

    /// Plans to take over what was found.
    pub fn adopt(
        &self,
        session: &Session,
        found: &BTreeMap<Address, AnyLive>,
        options: &Options,
        now: Timestamp,
    ) -> Result<Adoption, Failure> {
        let Session { state, aws, .. } = session;
        let grounds = Grounds { stack: &self.stack, state, observed: &self.observed, owner: &aws.owner, now };
        Ok(adopt(&grounds, found, options)?)
    }
}

/// Plans to take over the one thing that `text` names, as `address`; the second part is what AWS shows of it.
///
/// Errors: there is no such thing, or it cannot be taken over.
pub async fn one(
    session: &Session,
    address: &Address,
    text: &str,
    options: &Options,
    now: Timestamp,
) -> Result<(Adoption, Observed), Failure> {
    let ground = Ground::of(session, address).await?;
    let Some(wanted) = ground.stack.wanted.get(address) else {
        return Err(vec![unknown(&ground.stack, address)].into());
    };
    let Some(named) = wanted.kind.named(text) else { return Err(misnamed(address, wanted.kind, text)) };
    let asked = BTreeMap::from([(address.clone(), named)]);
    let found = look(&session.aws, &ground.stack, &session.state, &asked).await?;
    if found.is_empty() {
        return Err(absent(&session.aws, address, wanted, text, &session.state));
    }
    let adoption = ground.adopt(session, &found, options, now)?;
    let seen = found.into_iter().map(|(address, live)| (address, crate::plan::Seen::Live(live))).collect();
    Ok((adoption, Observed(seen)))
}

fn refusal(address: &Address, message: String, help: String) -> Failure {
    vec![PlanError { address: Some(address.clone()), message, help }].into()
}

fn misnamed(address: &Address, kind: &dyn AnyKind, text: &str) -> Failure {
    let message = format!("`{text}` names no {}", kind.name());
    refusal(address, message, format!("{address} is named by {}", kind.named_by()))
}

fn absent(aws: &Aws, address: &Address, wanted: &Wanted, text: &str, state: &State) -> Failure {
    let message = format!("account {} has no {} `{text}` in {}", aws.account, wanted.kind.name(), aws.region);
    let unknown: BTreeSet<String> = wanted
        .references()
        .into_iter()
        .filter(|of| state.output(&of.address, &of.output).is_none())
        .map(|of| of.address.to_string())
        .collect();
    let help = match unknown.is_empty() {
        true => format!("check the account and the region; {address} is named by {}", wanted.kind.named_by()),
        // A child may be known through its parents alone.
        false => {
            format!("check the name; if it hangs on them, import these first: {}", Vec::from_iter(unknown).join(", "))
        }
    };
    refusal(address, message, help)
}

/// Reads what is named: one batched read a kind. What AWS does not have is left out of the answer.
pub async fn look(
    aws: &Aws,
    stack: &Stack,
    state: &State,
    asked: &BTreeMap<Address, Named>,
) -> Result<BTreeMap<Address, AnyLive>, Failure> {
    let (mut look, mut by_kind) = (Look::new(aws), BTreeMap::<&str, Vec<(&Address, &Named)>>::new());
    for (address, named) in asked {
        let Some(wanted) = stack.wanted.get(address) else { continue };
        let (id, spec) = (named.id.clone(), question(wanted, named, state)?.into());
        look.ask(wanted.kind, AnyWhich { address: address.clone(), id, spec, settling: false });
        by_kind.entry(wanted.kind.name()).or_default().push((address, named));
    }
    let answers = look.answers().await.map_err(|unread| unread.fault)?;
    // A kind that finds by a parent does not look at the id.
    let right = |named: &Named, live: &AnyLive| named.id.as_ref().is_none_or(|id| *id == live.id);
    let named =
        answers.into_iter().flat_map(|(kind, lives)| by_kind.remove(kind).unwrap_or_default().into_iter().zip(lives));
    Ok(named
        .filter_map(|((address, named), live)| Some((address.clone(), live.filter(|live| right(named, live))?)))
        .collect())
}

/// The spec of a question: as the TOML has it, with what the name says; what hangs on resources that nobody knows yet is
/// left blank.
fn question(wanted: &Wanted, named: &Named, state: &State) -> Result<Json, Fault> {
    let kind = wanted.kind;
    let value_of = |of: &OutputRef| state.output(&of.address, &of.output).cloned();
    let mut spec = Map::new();
    for (field, tree) in &wanted.spec {
        let value = match named.fields.get(field.as_str()) {
            Some(value) => value.clone(),
            None => tree.resolve(&value_of).unwrap_or_else(|_| blank(kind, wanted, field)),
        };
        spec.insert(field.clone(), value);
    }
    kind.normalise(Json::Object(spec))
}

/// Nothing, in the form that the field takes.
fn blank(kind: &dyn AnyKind, wanted: &Wanted, field: &str) -> Json {
    let fits = |value: &Json| {
        let mut spec = wanted.spec.clone();
        Tree::of(value).ok().map(|tree| spec.insert(field.to_owned(), tree));
        kind.redraft(&Tree::Map(spec)).is_ok()
    };
    [json!([]), json!(""), Json::Null].into_iter().find(fits).unwrap_or_else(|| {
        let nobody = |_: &OutputRef| Some(json!(""));
        wanted.spec.get(field).and_then(|tree| tree.resolve(&nobody).ok()).unwrap_or_default()
    })
}
