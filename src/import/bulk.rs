//! A whole old estate at once: from a Terraform state to an environment file whose plan is empty, proven against AWS.
//!
//! Called by `cli::import` and by tests. It sends no mutating call and writes no file. Must never call a plan empty that
//! was not made.

use super::{
    Ground,
    file::File,
    look,
    survey::{Assigned, Layout, LiveRule},
    tfstate::TfState,
};
use crate::{
    address::Address,
    aws::{security_group_rule::SecurityGroupRule, tags},
    config,
    failure::Failure,
    kind::{AnyLive, Named},
    plan::{Adoption, Observed, Options, PlanError, Seen},
    session::Session,
    stack::Stack,
    state::{Entry, State, Status},
};
use jiff::Timestamp;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};

/// After so many rounds without an end something goes in a circle.
const ROUNDS: usize = 12;

/// An old estate, ready to be taken over.
pub struct Takeover {
    /// The plan that takes over, and what would be left to do: nothing, where a file is written.
    pub adoption: Adoption,
    /// What AWS shows of it.
    pub observed: Observed,
    /// The file; none where there is one already.
    pub file: Option<(String, File)>,
    /// Where each thing stood in the old code.
    pub from: BTreeMap<Address, BTreeSet<String>>,
    /// What stays as it is, by its old address, and why.
    pub left: BTreeMap<String, String>,
}

/// What a takeover is made from.
pub struct Estate<'a> {
    /// The old state.
    pub old: &'a TfState,
    /// What it is made of.
    pub layout: Layout,
    /// The file's name as people see it, and its first lines.
    pub name: String,
    /// What its first lines say.
    pub heading: String,
}

/// Reads the rules of all security groups in the old state: in it they come in three forms, two of them without ids.
pub async fn rules(session: &Session, old: &TfState) -> Result<Vec<LiveRule>, Failure> {
    let groups = old.of("aws_security_group").filter_map(|of| of.text("id"));
    Ok(SecurityGroupRule::of_groups(&session.aws, groups).await?)
}

impl Estate<'_> {
    /// Writes, in thought, a file whose plan is empty once everything is taken over: what the plain keys cannot say is
    /// added until nothing differs. The session's environment is then that file's.
    ///
    /// Errors: the file cannot be; AWS cannot be read; something would still be changed.
    pub async fn written(self, session: &mut Session, now: Timestamp) -> Result<Takeover, Failure> {
        let mut file = File::of(&self.layout);
        let (mut found, mut asked) = (BTreeMap::new(), BTreeSet::new());
        let mut place = provisional(&session.state, &self.layout.assigned);
        let env = session.environment.config.env.clone();
        for round in 0..ROUNDS {
            let text = file.text(&self.heading);
            session.environment = config::load_text(&self.name, &text, &env)?;
            let ground = ground(session, &place).await?;
            let questions = self.questions(&ground.stack, &asked);
            asked.extend(questions.keys().cloned());
            found.extend(look(&session.aws, &ground.stack, &place, &questions).await?);
            let wanted = |address: &Address| ground.stack.wanted.contains_key(address);
            let taken: BTreeMap<Address, AnyLive> = found
                .iter()
                .filter(|(address, _)| wanted(address))
                .map(|(a, live)| (a.clone(), live.clone()))
                .collect();
            let before = file.clone();
            if round == 0 {
                file.tag_all(&common_tags(&taken));
            }
            leave_out(&mut file, &ground.stack, &taken);
            let adoption = ground.adopt(session, &taken, &Options::default(), now)?;
            for (address, different) in &adoption.differs {
                let Some(wanted) = ground.stack.wanted.get(address) else { continue };
                different.iter().for_each(|change| file.settle(address, wanted, change));
            }
            if file == before {
                let takeover = self.takeover(adoption, taken, Some((text, file)), &ground.stack);
                return takeover.proven();
            }
            place = adoption.after;
        }
        Err(Failure::new(
            "the old estate and its file do not come to agree".to_owned(),
            "this is a defect of rsds; please report it with the types of resources in the state",
        ))
    }

    /// Plans to take over what stands under addresses that the session's own file asks for.
    pub async fn recorded(self, session: &Session, options: &Options, now: Timestamp) -> Result<Takeover, Failure> {
        let place = provisional(&session.state, &self.layout.assigned);
        let ground = ground(session, &place).await?;
        let questions = self.questions(&ground.stack, &BTreeSet::new());
        let mut found = look(&session.aws, &ground.stack, &place, &questions).await?;
        // An earlier run may have got this far.
        found.retain(|address, live| {
            let done = |entry: &Entry| entry.id.as_ref() == Some(&live.id) && entry.status == Status::Ready;
            !session.state.entries.get(address).is_some_and(done)
        });
        let adoption = ground.adopt(session, &found, options, now)?;
        Ok(self.takeover(adoption, found, None, &ground.stack))
    }

    fn questions(&self, stack: &Stack, asked: &BTreeSet<Address>) -> BTreeMap<Address, Named> {
        let fits = |address: &Address, of: &Assigned| {
            let kind = stack.wanted.get(address).map(|wanted| wanted.kind.name());
            kind == Some(of.kind) && !asked.contains(address)
        };
        let assigned = self.layout.assigned.iter().filter(|(address, of)| fits(address, of));
        assigned.map(|(address, of)| (address.clone(), of.named.clone())).collect()
    }

    fn takeover(
        self,
        adoption: Adoption,
        found: BTreeMap<Address, AnyLive>,
        file: Option<(String, File)>,
        stack: &Stack,
    ) -> Takeover {
        let Layout { assigned, mut left, .. } = self.layout;
        let mut from = BTreeMap::new();
        for (address, of) in assigned {
            let why = match (found.contains_key(&address), stack.wanted.contains_key(&address)) {
                (true, _) => {
                    from.insert(address, of.from);
                    continue;
                }
                (false, true) if adoption.after.entries.contains_key(&address) => continue,
                (false, true) => format!("AWS has it no more, where {address} would be"),
                (false, false) => format!("the file asks for no {address}: it stays as it is"),
            };
            left.extend(of.from.into_iter().map(|address| (address, why.clone())));
        }
        let observed = Observed(found.into_iter().map(|(address, live)| (address, Seen::Live(live))).collect());
        Takeover { adoption, observed, file, from, left }
    }
}

impl Takeover {
    /// Returns itself if nothing is left to do afterwards.
    fn proven(self) -> Result<Self, Failure> {
        match &self.adoption.then {
            Ok(plan) if plan.is_empty() => Ok(self),
            Ok(plan) => {
                let left = plan.touched().map(|change| {
                    let fields: BTreeSet<&str> = change.fields.iter().map(|field| field.field.as_str()).collect();
                    let fields = Vec::from_iter(fields).join(", ");
                    PlanError {
                        address: Some(change.address.clone()),
                        message: format!("{} would still be changed ({:?}: {fields})", change.address, change.action),
                        help: String::new(),
                    }
                });
                let mut errors: Vec<PlanError> = left.collect();
                errors.push(PlanError {
                    address: None,
                    message: "no file says all of this estate, so none was written".to_owned(),
                    help: "take what works over one by one (rsds import ADDRESS ID), and please report this".to_owned(),
                });
                Err(Failure::Plan(errors))
            }
            Err(errors) => Err(Failure::Plan(errors.clone())),
        }
    }
}

/// Builds what is wanted where what is to be taken over counts as there.
async fn ground(session: &Session, place: &State) -> Result<Ground, Failure> {
    Ok(Ground {
        stack: session.stack_at(place).await?,
        observed: crate::plan::observe(&session.aws, &session.state).await?.0,
    })
}

/// The state as if everything were recorded already: a place is chosen by what stands in it.
fn provisional(state: &State, assigned: &BTreeMap<Address, Assigned>) -> State {
    let mut state = state.clone();
    for (address, of) in assigned {
        let entry = || Entry {
            kind: of.kind.to_owned(),
            status: Status::Ready,
            id: of.named.id.clone(),
            spec: of.facts.clone().into(),
            outputs: Map::new(),
            depends_on: Vec::new(),
            generation: 0,
            deposed: Vec::new(),
        };
        state.entries.entry(address.clone()).or_insert_with(entry);
    }
    state
}

/// The tags that everything that can have tags has.
fn common_tags(found: &BTreeMap<Address, AnyLive>) -> BTreeMap<String, String> {
    let tagged = found.values().filter(|live| live.spec.get("tags").is_some()).map(|live| tags::of_spec(&live.spec));
    let common =
        tagged.reduce(|one, other| one.into_iter().filter(|(key, value)| other.get(key) == Some(value)).collect());
    let mut common = common.unwrap_or_default();
    common.retain(|key, _| key != "Name" && !key.starts_with("rsds:"));
    common
}

/// Leaves out what the old estate has not got, and says of what names it what AWS shows there.
fn leave_out(file: &mut File, stack: &Stack, found: &BTreeMap<Address, AnyLive>) {
    for address in stack.wanted.keys().filter(|address| !found.contains_key(*address)) {
        file.leave_out(address);
    }
    for (address, live) in found {
        let Some(wanted) = stack.wanted.get(address) else { continue };
        for (field, tree) in &wanted.spec {
            let mut named = BTreeSet::new();
            tree.references(&mut named);
            let gone = named.iter().any(|of| !found.contains_key(&of.address));
            let shown = &live.spec[field];
            // What it can do without it does without by itself.
            if gone && !shown.is_null() && *shown != serde_json::json!([]) {
                file.pin(address, wanted, field, shown);
            }
        }
    }
}
