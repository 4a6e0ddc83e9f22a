//! Builds the whole graph from the configuration, component by component.
//!
//! Called by `session`. Pure: what must be asked of AWS first comes in as a `Site`.

use super::{Existing, Stack, consumers, graph::Flaws, networking, nlb, overrides::Misfit, producer};
use crate::{
    aws::Owner,
    config::{Diagnostic, Environment, Problems, diagnostic},
};

/// Where the estate stands, as far as only AWS or the state can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The zone of each new subnet, in order; empty where existing ones are used.
    pub zones: Vec<String>,
    /// The network that the TOML names; `None` where it makes one.
    pub existing: Option<Existing>,
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
        let balancer = nlb::describe(&mut stack, config, &network);
        consumers::describe(&mut stack, config, owner, &network, balancer.as_ref());
    }
    stack.finish().map_err(|flaws| explain(environment, flaws))
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
