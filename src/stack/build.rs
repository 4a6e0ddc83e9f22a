//! Builds the whole graph from the configuration, component by component.
//!
//! Called by `session`. Pure: what must be asked of AWS first comes in as a `Site`.

use super::{Stack, StackDefect, consumers, networking, nlb, producer};
use crate::{aws::Owner, config::typed::Config};

/// Where the estate stands, as far as only AWS or the state can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The zone of each subnet, in order.
    pub zones: Vec<String>,
}

/// Builds the graph.
///
/// Errors: a defect of rsds, never of the TOML, which `config` has validated.
pub fn build(config: &Config, owner: &Owner, site: &Site) -> Result<Stack, StackDefect> {
    let mut stack = Stack::new(owner.clone(), config.tags.clone());
    if let Some(network) = networking::describe(&mut stack, config, site) {
        producer::describe(&mut stack, config, owner, &network);
        let balancer = nlb::describe(&mut stack, config, &network);
        consumers::describe(&mut stack, config, owner, &network, balancer.as_ref());
    }
    stack.finish()
}
