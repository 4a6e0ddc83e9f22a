//! What all views of the graph draw: components with their resources, and the dependencies between them.
//!
//! Made of the desired graph and of a plan that would create it, which knows what a target brings along and which chain
//! takes longest. Pure. Rules of security groups and associations of route tables are many and say little: unless
//! details are wanted they are folded into what they belong to.

use crate::{
    address::Address,
    config::Config,
    plan::{LongestPath, Plan},
    stack::{Stack, Wanted},
    state::State,
    ui::order::{by_component, pieces},
};
use std::collections::{BTreeMap, BTreeSet};

/// What is folded: the kind, and the field that refers to what it belongs to.
const FOLDED: [(&str, &str); 2] =
    [("ec2.security-group-rule", "group"), ("ec2.route-table-association", "route_table")];

/// One resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its address.
    pub address: Address,
    /// Its kind: `ec2.vpc`.
    pub kind: &'static str,
    /// The TOML key it comes from.
    pub origin: String,
    /// What the state says of it: `ready`, `tainted`; none when it is not recorded.
    pub status: Option<String>,
    /// How long its creation typically takes, in seconds.
    pub typical: u32,
    /// What is folded into it.
    pub folded: Vec<Address>,
}

impl Node {
    /// Says how many resources of which sort are folded into it: `3 rules`; none when there are none.
    pub(super) fn folded_words(&self) -> Option<String> {
        let noun = if self.kind == "ec2.route-table" { "association" } else { "rule" };
        (!self.folded.is_empty()).then(|| crate::ui::words::count(self.folded.len(), noun))
    }
}

/// One component: `networking`, `consumer-analytics-2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// The group of a reader: `consumer-analytics`.
    pub group: Option<String>,
    /// Its resources, those that need no other of the component first.
    pub nodes: Vec<Node>,
}

impl Part {
    /// Returns the box it is drawn in with others: its group's, or its own.
    pub(super) fn cluster(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.name)
    }

    /// Returns how many resources it has, folded ones too.
    pub(super) fn size(&self) -> usize {
        self.nodes.iter().map(|node| 1 + node.folded.len()).sum()
    }
}

/// A dependency: `to` needs `from`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What is needed.
    pub from: Address,
    /// What needs it.
    pub to: Address,
    /// The outputs of `from` that flow into `to`; none when it only comes after.
    pub outputs: BTreeSet<String>,
    /// Why it comes after, where no value says so.
    pub reasons: BTreeSet<String>,
}

impl Edge {
    /// Tells whether no value flows.
    pub fn order_only(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Says what the edge is about: the outputs, or the reason.
    pub(super) fn words(&self) -> String {
        let all = if self.order_only() { &self.reasons } else { &self.outputs };
        all.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// The whole graph, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The region.
    pub region: String,
    /// The components, in the order data flows.
    pub parts: Vec<Part>,
    /// The dependencies, by what needs, then what is needed.
    pub edges: Vec<Edge>,
    /// The chain whose creation takes longest.
    pub longest: LongestPath,
}

impl Diagram {
    /// Makes the diagram of what `creation` would create of `stack`; `details` unfolds rules and associations.
    pub fn of(config: &Config, stack: &Stack, creation: &Plan, state: &State, details: bool) -> Self {
        let picked: BTreeSet<&Address> = creation.touched().map(|change| &change.address).collect();
        let wanted = || stack.wanted.iter().filter(|(address, _)| picked.contains(address));
        let into: BTreeMap<&Address, Address> = match details {
            true => BTreeMap::new(),
            false => wanted().filter_map(|(address, wanted)| Some((address, owner_of(wanted)?))).collect(),
        };
        let edges = edges(wanted(), &into);
        let node = |(address, wanted): (&Address, &Wanted)| Node {
            address: address.clone(),
            kind: wanted.kind.name(),
            origin: wanted.origin.clone(),
            status: state.entries.get(address).map(|entry| entry.status.word().to_owned()),
            typical: wanted.kind.typical().create,
            folded: into.iter().filter(|(_, owner)| *owner == address).map(|(folded, _)| (*folded).clone()).collect(),
        };
        let shown: Vec<Node> = wanted().filter(|(address, _)| !into.contains_key(address)).map(node).collect();
        let depths = depths(&edges);
        let parts = by_component(shown.iter().map(|node| (&node.address, node)));
        let parts = parts.into_iter().map(|(name, nodes)| {
            let mut nodes: Vec<Node> = nodes.into_iter().map(|(_, node)| node.clone()).collect();
            nodes.sort_by_cached_key(|node| {
                let depth = depths.get(&node.address).copied().unwrap_or_default();
                (depth, pieces(node.address.resource()))
            });
            let group = nodes.first().and_then(|node| node.address.group()).map(str::to_owned);
            Part { name: name.to_owned(), group, nodes }
        });
        Self {
            project: config.project.clone(),
            environment: config.env.clone(),
            region: config.region.clone(),
            parts: parts.collect(),
            edges,
            longest: creation.longest.clone(),
        }
    }

    /// Returns the resources and the components they are in.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.parts.iter().flat_map(|part| &part.nodes)
    }

    /// Returns how many resources there are, folded ones too.
    pub(super) fn size(&self) -> usize {
        self.parts.iter().map(Part::size).sum()
    }

    /// Returns the dependencies within a component.
    pub(super) fn inner<'a>(&'a self, part: &'a Part) -> impl Iterator<Item = &'a Edge> {
        let inside = |address: &Address| address.component() == part.name;
        self.edges.iter().filter(move |edge| inside(&edge.from) && inside(&edge.to))
    }

    /// Groups the parts that are drawn in one box.
    pub(super) fn clusters(&self) -> Vec<(&str, Vec<&Part>)> {
        let mut clusters: Vec<(&str, Vec<&Part>)> = Vec::new();
        for part in &self.parts {
            match clusters.iter_mut().find(|(name, _)| *name == part.cluster()) {
                Some((_, parts)) => parts.push(part),
                None => clusters.push((part.cluster(), vec![part])),
            }
        }
        clusters
    }

    /// Bundles the dependencies between the boxes of `clusters`, by their numbers: from, to, edges.
    pub(super) fn bundles(&self, clusters: &[(&str, Vec<&Part>)]) -> BTreeMap<(usize, usize), Vec<&Edge>> {
        let places = clusters.iter().enumerate();
        let places = places.flat_map(|(at, (_, parts))| parts.iter().map(move |part| (part.name.as_str(), at)));
        let places: BTreeMap<&str, usize> = places.collect();
        let mut bundles: BTreeMap<(usize, usize), Vec<&Edge>> = BTreeMap::new();
        for edge in &self.edges {
            let ends = (places.get(edge.from.component()), places.get(edge.to.component()));
            if let (Some(from), Some(to)) = ends
                && from != to
            {
                bundles.entry((*from, *to)).or_default().push(edge);
            }
        }
        bundles
    }
}

/// Returns what a resource is folded into, if its kind is one of those.
fn owner_of(wanted: &Wanted) -> Option<Address> {
    let (_, field) = FOLDED.iter().find(|(kind, _)| *kind == wanted.kind.name())?;
    let mut found = BTreeSet::new();
    wanted.spec.get(*field)?.references(&mut found);
    found.pop_first().map(|of| of.address)
}

/// Collects the edges; those into something folded go with it, those out of it start at its owner.
fn edges<'a>(wanted: impl Iterator<Item = (&'a Address, &'a Wanted)>, into: &BTreeMap<&Address, Address>) -> Vec<Edge> {
    let mut edges: BTreeMap<(Address, Address), Edge> = BTreeMap::new();
    for (to, wanted) in wanted.filter(|(address, _)| !into.contains_key(address)) {
        let values = wanted.references().into_iter().map(|of| (of.address, Some(of.output), None));
        let orders = wanted.after.iter().map(|(on, why)| (on.clone(), None, Some(why.clone())));
        for (from, output, reason) in values.chain(orders) {
            let from = into.get(&from).cloned().unwrap_or(from);
            if from == *to {
                continue;
            }
            let new =
                || Edge { from: from.clone(), to: to.clone(), outputs: BTreeSet::new(), reasons: BTreeSet::new() };
            let edge = edges.entry((to.clone(), from.clone())).or_insert_with(new);
            edge.outputs.extend(output);
            edge.reasons.extend(reason);
        }
    }
    edges.into_values().collect()
}

/// Returns how many resources of its own component a resource waits for one after the other.
pub(super) fn depths(edges: &[Edge]) -> BTreeMap<&Address, usize> {
    let mut depths: BTreeMap<&Address, usize> = BTreeMap::new();
    let inner = || edges.iter().filter(|edge| edge.from.component() == edge.to.component());
    // A chain is no longer than there are edges, so that many rounds settle everything.
    for _ in 0..=edges.len() {
        let mut moved = false;
        for edge in inner() {
            let below = depths.get(&edge.from).copied().unwrap_or_default() + 1;
            let depth = depths.entry(&edge.to).or_default();
            moved |= *depth < below;
            *depth = below.max(*depth);
        }
        if !moved {
            break;
        }
    }
    depths
}

/// Writes names in short: `subnet-1`, `subnet-2` and `subnet-3` are `subnet-1..3`. Keeps the order of first names.
pub(super) fn ranges<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut runs: Vec<(&str, u64, u64)> = Vec::new();
    let mut out: Vec<(String, Option<usize>)> = Vec::new();
    for name in names {
        let numbered = name.rsplit_once('-').and_then(|(stem, number)| Some((stem, number.parse::<u64>().ok()?)));
        let Some((stem, number)) = numbered else {
            out.push((name.to_owned(), None));
            continue;
        };
        match runs.iter().position(|(run, _, last)| *run == stem && last + 1 == number) {
            Some(at) => runs[at].2 = number,
            None => {
                out.push((name.to_owned(), Some(runs.len())));
                runs.push((stem, number, number));
            }
        }
    }
    let told = |(name, run): (String, Option<usize>)| match run.map(|at| runs[at]) {
        Some((stem, first, last)) if first < last => format!("{stem}-{first}..{last}"),
        _ => name,
    };
    out.into_iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_names_are_told_as_a_range() {
        let told = ranges(["vpc", "subnet-1", "subnet-2", "listener-5439", "subnet-3", "group"]);
        assert_eq!(told, ["vpc", "subnet-1..3", "listener-5439", "group"]);
    }

    #[test]
    fn rules_fold_into_their_group_unless_details_are_wanted() {
        let (folded, whole) = (super::super::sample::diagram(1, false), super::super::sample::diagram(1, true));
        assert_eq!(folded.size(), whole.size());
        let rules = |diagram: &Diagram| diagram.nodes().filter(|node| node.kind.ends_with("-rule")).count();
        assert_eq!((rules(&folded), rules(&whole) > 5), (0, true));
        let nodes: BTreeSet<&Address> = folded.nodes().map(|node| &node.address).collect();
        assert!(folded.edges.iter().all(|edge| nodes.contains(&edge.from) && nodes.contains(&edge.to)));
        let group: Address = "networking/nlb-security-group".parse().unwrap();
        let targets = "consumer-analytics-1/targets".parse().unwrap();
        let through_rules = folded.edges.iter().find(|edge| edge.from == group && edge.to == targets).unwrap();
        assert!(through_rules.order_only() && through_rules.words().contains("through this rule"));
    }
}
