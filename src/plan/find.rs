//! Finds in AWS what the stack wants, without any record of it: parents first, so that what hangs on them is found
//! through them, each by its natural key and its tags.
//!
//! Called by `session` to make a lost state anew. Must never take what does not carry the environment's tags, or hangs on
//! nothing that does.

use super::{ObserveError, decide::suffixed, refresh::managed};
use crate::{
    address::Address,
    aws::{Aws, Fault, Look, owned::Owned, tags},
    kind::{AnyKind, AnyLive, AnyWhich, Id, OutputRef, Tree},
    stack::{Stack, Wanted},
    state::{Deposed, Entry, State, Status},
};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// How often a name may have been suffixed by replacements, where AWS does not tell the names there are.
const GENERATIONS: u32 = 9;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What the stack wants and AWS has, as records.
    pub entries: BTreeMap<Address, Entry>,
    /// What the stack wants and AWS does not have, with what is known about that.
    pub absent: BTreeMap<Address, String>,
    /// Fields that AWS never shows, believed to be as the TOML says.
    pub assumed: Vec<(Address, &'static str)>,
    /// What is worth knowing about how it was read.
    pub warnings: BTreeSet<String>,
}

/// Looks for everything the stack wants. `owned` is what carries the environment's tags.
pub async fn find(aws: &Aws, stack: &Stack, owned: &[Owned]) -> Result<Found, ObserveError> {
    let mut search = Search { aws, stack, owned, found: Found::default(), foreign: BTreeMap::new() };
    let mut open: BTreeSet<&Address> = stack.wanted.keys().collect();
    while !open.is_empty() {
        let waits = |address: &Address| {
            let references = stack.wanted.get(address).map(Wanted::references).unwrap_or_default();
            references.iter().any(|of| open.contains(&of.address))
        };
        let (rest, ready): (BTreeSet<_>, BTreeSet<_>) = open.iter().copied().partition(|address| waits(address));
        if ready.is_empty() {
            break;
        }
        search.wave(&ready).await?;
        open = rest;
    }
    Ok(search.found)
}

struct Search<'a> {
    aws: &'a Aws,
    stack: &'a Stack,
    owned: &'a [Owned],
    found: Found,
    /// What has the name of a wanted resource, and not our tags.
    foreign: BTreeMap<&'a Address, Id>,
}

/// One way in which a wanted resource may be there.
#[derive(Clone)]
struct Candidate<'a> {
    address: &'a Address,
    wanted: &'a Wanted,
    /// What it would be like.
    spec: Json,
    /// How often its name would have been suffixed.
    generation: u32,
    /// Its id, where only its tags tell what it is.
    id: Option<Id>,
}

/// A candidate that is there, and ours.
struct Hit<'a> {
    candidate: Candidate<'a>,
    live: AnyLive,
}

impl<'a> Search<'a> {
    /// Looks for resources whose parents have all been looked for.
    async fn wave(&mut self, ready: &BTreeSet<&'a Address>) -> Result<(), ObserveError> {
        let mut candidates = Vec::new();
        for &address in ready {
            let Some(wanted) = self.stack.wanted.get(address) else { continue };
            match self.known(wanted) {
                Ok(specs) => candidates.extend(self.named(address, wanted, specs)),
                Err(why) => drop(self.found.absent.insert(address.clone(), why)),
            }
        }
        let mut hits = self.read(candidates.clone()).await?;
        let mut more = self.tagged(&candidates, &hits);
        more.retain(|candidate| !candidate.wanted.kind.key().is_empty() || candidate.id.is_some());
        hits.extend(self.read(more).await?);
        let mut by_address: BTreeMap<&Address, Vec<Hit<'_>>> = BTreeMap::new();
        for hit in hits {
            by_address.entry(hit.candidate.address).or_default().push(hit);
        }
        let looked: BTreeSet<&Address> = candidates.iter().map(|candidate| candidate.address).collect();
        for address in looked {
            self.settle(address, by_address.remove(address).unwrap_or_default());
        }
        Ok(())
    }

    /// The specs a wanted resource may have, by how often its name was suffixed.
    fn known(&self, wanted: &Wanted) -> Result<Vec<(u32, Json)>, String> {
        let value_of = |of: &OutputRef| {
            let value = self.found.entries.get(&of.address)?.outputs.get(&of.output)?;
            (!value.is_null()).then(|| value.clone())
        };
        let generations = if wanted.kind.suffixed().is_some() { 0..=GENERATIONS } else { 0..=0 };
        let spec = |generation| {
            let mut spec = Map::new();
            for (field, tree) in suffixed(wanted.kind, &wanted.spec, generation) {
                let value = tree.resolve(&value_of).map_err(|missing| {
                    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                    format!("it hangs on {}, which is not there", missing.join(", "))
                })?;
                spec.insert(field, value);
            }
            let spec = wanted.kind.normalise(Json::Object(spec)).map_err(|fault: Fault| fault.message)?;
            Ok((generation, spec))
        };
        generations.map(spec).collect()
    }

    /// The candidates by name. Where the ARNs tell the names there are, only those are asked for.
    fn named(&self, address: &'a Address, wanted: &'a Wanted, specs: Vec<(u32, Json)>) -> Vec<Candidate<'a>> {
        let field = wanted.kind.suffixed().map_or("", |(field, _)| field);
        let arns: Vec<&str> = self.of(address).map(|owned| owned.arn.as_str()).collect();
        let tells = |spec: &Json| {
            let name = spec[field].as_str().unwrap_or_default();
            arns.iter().any(|arn| arn.split([':', '/']).any(|part| part == name))
        };
        let told = specs.iter().any(|(_, spec)| tells(spec));
        let asked = specs.into_iter().filter(|(_, spec)| !told || tells(spec));
        asked.map(|(generation, spec)| Candidate { address, wanted, spec, generation, id: None }).collect()
    }

    /// What carries an address as its tag.
    fn of(&self, address: &Address) -> impl Iterator<Item = &'a Owned> {
        let address = address.to_string();
        self.owned.iter().filter(move |owned| owned.address() == Some(address.as_str()))
    }

    /// The candidates that only their tags tell: their natural key is not what the TOML says any more.
    fn tagged(&self, candidates: &[Candidate<'a>], hits: &[Hit<'a>]) -> Vec<Candidate<'a>> {
        let mut seen = BTreeSet::new();
        let first = candidates.iter().filter(|candidate| seen.insert(candidate.address));
        let mut more = Vec::new();
        for candidate in first {
            let ids = self.of(candidate.address).filter_map(|owned| candidate.wanted.kind.named(&owned.arn)?.id);
            let known = |id: &Id| hits.iter().any(|hit| hit.live.id == *id);
            more.extend(ids.filter(|id| !known(id)).map(|id| Candidate { id: Some(id), ..candidate.clone() }));
        }
        more
    }

    /// Reads candidates, one batched read a kind, and keeps those that are ours.
    async fn read(&mut self, candidates: Vec<Candidate<'a>>) -> Result<Vec<Hit<'a>>, ObserveError> {
        let (mut look, mut by_kind) = (Look::new(self.aws), BTreeMap::<&str, Vec<Candidate<'_>>>::new());
        for candidate in candidates {
            let Candidate { address, wanted, spec, id, .. } = &candidate;
            let (address, id, spec) = ((*address).clone(), id.clone(), spec.clone().into());
            look.ask(wanted.kind, AnyWhich { address, id, spec, settling: false });
            by_kind.entry(wanted.kind.name()).or_default().push(candidate);
        }
        let answers = look.answers().await?;
        self.found.warnings.extend(look.warnings());
        let asked = answers
            .into_iter()
            .flat_map(|(kind, lives)| by_kind.remove(kind).unwrap_or_default().into_iter().zip(lives));
        let hits: Vec<Hit<'_>> = asked.filter_map(|(candidate, live)| Some(Hit { candidate, live: live? })).collect();
        let (ours, foreign): (Vec<_>, Vec<_>) = hits.into_iter().partition(|hit| self.is_ours(hit));
        self.foreign.extend(foreign.into_iter().map(|hit| (hit.candidate.address, hit.live.id)));
        Ok(ours)
    }

    /// Tells whether a resource carries our tags, or, where it cannot, hangs on what does.
    fn is_ours(&self, Hit { candidate, live }: &Hit<'_>) -> bool {
        let Candidate { address, wanted, spec, .. } = candidate;
        if wanted.kind.tagged() {
            return self.aws.owner.owns(address, &tags::of_spec(&live.spec));
        }
        let refers = |tree: &Tree| {
            let mut references = BTreeSet::new();
            tree.references(&mut references);
            !references.is_empty()
        };
        let mut parents = wanted.spec.iter().filter(|(_, tree)| refers(tree));
        parents.any(|(field, _)| spec[field] == live.spec[field])
    }

    /// Records what was found of one address: the latest is it, the others are its predecessors.
    fn settle(&mut self, address: &Address, mut hits: Vec<Hit<'_>>) {
        // By name before by tags alone, the highest suffix first.
        hits.sort_by_key(|hit| (hit.candidate.id.is_some(), std::cmp::Reverse(hit.candidate.generation)));
        let ambiguous = hits.len() > 1 && hits.iter().all(|hit| hit.candidate.id.is_some());
        let untaggable = self.stack.wanted.get(address).is_some_and(|wanted| !wanted.kind.tagged());
        let mut hits = hits.into_iter();
        let Some(Hit { candidate, live }) = hits.next().filter(|_| !ambiguous) else {
            let why = match (ambiguous, self.foreign.get(address)) {
                (true, _) => "several carry its address, and none is as the TOML says".to_owned(),
                (false, Some(id)) => format!("{id} is there, and is not this environment's by its tags"),
                (false, None) if untaggable => "its parents have none that is as the TOML says".to_owned(),
                (false, None) => String::new(),
            };
            self.found.absent.insert(address.clone(), why);
            return;
        };
        let Candidate { wanted, spec, generation, .. } = candidate;
        let kind = wanted.kind;
        let depends_on = wanted.depends_on();
        let deposed = hits.filter(|_| !kind.holds_data()).map(|hit| Deposed {
            id: hit.live.id,
            spec: managed(kind, &hit.candidate.spec, &hit.live.spec).into(),
            depends_on: depends_on.clone(),
        });
        let deposed = deposed.collect();
        let entry = Entry {
            kind: kind.name().to_owned(),
            status: Status::Ready,
            spec: managed(kind, &spec, &live.spec).into(),
            outputs: live.outputs.as_object().cloned().unwrap_or_default(),
            id: Some(live.id),
            depends_on,
            generation,
            deposed,
        };
        self.found.assumed.extend(unreadable(kind, &entry.spec).map(|field| (address.clone(), field)));
        self.found.entries.insert(address.clone(), entry);
    }
}

/// The fields of a record that AWS never shows.
fn unreadable(kind: &dyn AnyKind, spec: &Json) -> impl Iterator<Item = &'static str> {
    let hidden = kind.fields().into_iter().filter(|field| field.unreadable);
    hidden.filter(|field| !spec[field.name].is_null()).map(|field| field.name)
}

/// Tells whether a record, or one of its predecessors, is what has this ARN.
pub fn is_recorded(state: &State, arn: &str, address: &Address) -> bool {
    let Some(entry) = state.entries.get(address) else { return false };
    let named = crate::aws::kind(&entry.kind).and_then(|kind| kind.named(arn)?.id);
    named.is_some_and(|id| entry.id.as_ref() == Some(&id) || entry.deposed.iter().any(|old| old.id == id))
}
