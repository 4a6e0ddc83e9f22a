//! Builds the whole graph from the configuration, component by component.
//!
//! Called by `session`. Pure: what must be asked of AWS first comes in as a `Site`.

use super::{Existing, Stack, consumers, graph::Flaws, networking, nlb, overrides::Misfit, producer};
use crate::{
    aws::Owner,
    config::{
        Config, Diagnostic, Environment, Problems, diagnostic,
        typed::{Vpc, Zones},
    },
};
use std::collections::BTreeSet;

/// Where the estate stands, as far as only AWS or the state can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The zone of each new subnet, in order; empty where existing ones are used.
    pub zones: Vec<String>,
    /// The network that the TOML names; `None` where it makes one.
    pub existing: Option<Existing>,
}

impl Site {
    /// A place for a graph that is only looked at: zones by their usual names, and of an existing network only that it
    /// is there.
    fn assumed(config: &Config) -> Self {
        let zones = match &config.networking.zones {
            Zones::Names(names) => names.clone(),
            Zones::Count(count) => {
                ('a'..).zip(0..*count).map(|(letter, _)| format!("{}{letter}", config.region)).collect()
            }
        };
        let existing = match config.networking.vpc {
            Vpc::New(_) => None,
            Vpc::Id(_) | Vpc::Name(_) => {
                Some(Existing { vpc: "vpc-0".into(), subnets: BTreeSet::new(), internet_gateway: None })
            }
        };
        Self { zones, existing }
    }
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
        producer::describe(&mut stack, config, owner, &network);
        let ports = nlb::describe(&mut stack, config, &network);
        consumers::describe(&mut stack, config, owner, &network, &ports);
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
    let (project, environment_name) = (config.project.clone(), config.env.clone());
    let owner = Owner { project, environment: environment_name, lineage: String::new() };
    build(environment, &owner, &Site::assumed(config)).map(drop)
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
