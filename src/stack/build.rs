//! Builds the whole graph from the configuration, component by component.
//!
//! Called by `session`. Pure: what must be asked of AWS first comes in as a `Site`.

use super::{
    Existing, Stack, consumers, existing, graph::Flaws, monitoring, networking, nlb, overrides::Misfit, producer,
    sharing, users,
};
use crate::{
    address::Address,
    aws::{Owner, datashare::Datashare},
    config::{
        Config, Diagnostic, Environment, Problems, diagnostic,
        typed::{Vpc, Zones},
    },
    kind::Kind as _,
    state::State,
};
use std::collections::BTreeMap;

/// Where the estate stands, as far as only AWS or the state can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The zone of each new subnet, in order; empty where existing ones are used.
    pub zones: Vec<String>,
    /// The network that the TOML names; `None` where it makes one.
    pub existing: Option<Existing>,
    /// Whether the state holds data shares: they stay, though no way leads into their producer any more.
    pub shared: bool,
    /// How often the password of each user has been changed, or is to have been.
    pub rotations: BTreeMap<String, u32>,
}

impl Site {
    /// How often the password of each user has been changed, and once more for those of `rotate`.
    pub fn rotations(config: &Config, state: &State, rotate: &[String]) -> BTreeMap<String, u32> {
        let recorded = |user: &str| {
            let entry = state.entries.get(&users::secret(user));
            let times = entry.and_then(|entry| entry.spec["rotations"].as_u64()).unwrap_or_default();
            u32::try_from(times).unwrap_or_default()
        };
        let users = config.users.keys();
        users.map(|user| (user.clone(), recorded(user) + u32::from(rotate.contains(user)))).collect()
    }

    /// Tells whether the state holds data shares.
    pub fn shares(state: &State) -> bool {
        state.entries.values().any(|entry| entry.kind == Datashare::NAME)
    }

    /// The place as the TOML and the state know it, for a graph that is only looked at. A zone that neither knows is
    /// called `zone-<n>`; of an existing network it has what stands in it.
    pub fn recorded(config: &Config, state: &State) -> Self {
        let network = &config.networking;
        let zones = recorded_zones(config, state).into_iter().zip(1..);
        let zones = zones.map(|(zone, number)| zone.unwrap_or_else(|| format!("zone-{number}")));
        let zones = if network.uses_existing_subnets() { Vec::new() } else { zones.collect() };
        let existing = (!matches!(network.vpc, Vpc::New(_))).then(|| existing::believed(state));
        let rotations = Self::rotations(config, state, &[]);
        Self { zones, existing, shared: Self::shares(state), rotations }
    }
}

/// Returns the zone of each subnet, as far as the TOML names it or the state knows it.
pub fn recorded_zones(config: &Config, state: &State) -> Vec<Option<String>> {
    let wanted = match &config.networking.zones {
        Zones::Names(names) => return names.iter().cloned().map(Some).collect(),
        Zones::Count(count) => *count,
    };
    let recorded = |n: u32| {
        let entry = state.entries.get(&Address::new("networking", format!("subnet-{n}")))?;
        entry.spec["zone"].as_str().map(str::to_owned)
    };
    (1..=wanted).map(recorded).collect()
}

/// Why there is no graph.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// `[resources]` does not fit the graph: every problem, with its place.
    #[error(transparent)]
    Config(#[from] Problems),
    /// rsds itself built a graph that cannot be.
    #[error("defect in the stack: {0}")]
    Defect(String),
}

/// Builds the graph.
///
/// Errors: what is wrong with `[resources]`, all at once; or a defect of rsds. Everything else `config` has validated.
pub fn build(environment: &Environment, owner: &Owner, site: &Site) -> Result<Stack, StackError> {
    let config = &environment.config;
    let mut stack = Stack::new(owner.clone(), config);
    if let Some(network) = networking::describe(&mut stack, config, site) {
        let watch = monitoring::describe(&mut stack, config);
        let producer = producer::describe(&mut stack, config, owner, &network, &watch, site.shared);
        let ports = nlb::describe(&mut stack, config, &network, &watch);
        let readers = consumers::describe(&mut stack, config, owner, &network, &watch, &ports);
        let passwords = users::describe(&mut stack, config, &site.rotations);
        sharing::describe(&mut stack, config, producer.as_ref(), &readers, &passwords);
    }
    stack.finish().map_err(|flaws| explain(environment, flaws))
}

/// Checks whether `[resources]` fits the graph, as far as that can be known without AWS. While the TOML asks for what is
/// not built yet, nobody knows what there will be.
///
/// Errors: as of `build`.
pub fn check(environment: &Environment) -> Result<(), StackError> {
    let config = &environment.config;
    if !environment.unsupported.is_empty() {
        return Ok(());
    }
    let nothing = State::pristine(&config.project, &config.env, String::new());
    build(environment, &Owner::of(config, &nothing.lineage), &Site::recorded(config, &nothing)).map(drop)
}

fn explain(environment: &Environment, Flaws { defects, misfits }: Flaws) -> StackError {
    if misfits.is_empty() {
        return StackError::Defect(defects.join("; "));
    }
    let told = |Misfit { key, spot, message, help }: Misfit| environment.error(&key, spot, message).maybe_help(help);
    let mut problems: Vec<Diagnostic> = misfits.into_iter().map(told).collect();
    diagnostic::sort(&mut problems);
    Problems(problems).into()
}
