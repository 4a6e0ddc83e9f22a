//! What the TOML asks for, as a graph of resources: one file a component, `graph` the graph itself, `build` the whole.
//! `existing` chooses what is used of a network that exists; `outputs` is what people and programs get out of the
//! estate; `datashares` the SQL of the data sharing; `overrides` lays `[resources]` over single resources.
//!
//! Called by `session` between config and plan. Must do no I/O.

mod access;
mod build;
mod cluster;
mod consumers;
pub mod datashares;
pub mod existing;
mod graph;
mod monitoring;
mod networking;
mod nlb;
pub mod outputs;
mod overrides;
mod producer;
mod recorded;
mod sharing;
pub(crate) mod users;
mod warehouse;

pub use build::{Site, StackError, build, check, recorded_zones};
pub use existing::Existing;
pub use graph::{Component, Stack, Wanted};
pub use overrides::{Ignored, ignores};

use crate::address::Address;

/// Returns the TOML table a resource comes from: `consumers.analytics` of `consumer-analytics-2/workgroup`.
pub fn section(address: &Address) -> String {
    let named = [("datashare-", "datashares"), ("user-", "users")].into_iter().find_map(|(prefix, table)| {
        let name = address.component().strip_prefix(prefix)?;
        Some(format!("{table}.{}", name.replace('.', "$")))
    });
    if let Some(section) = named {
        return section;
    }
    match address.group().and_then(|group| group.strip_prefix("consumer-")) {
        Some(group) => format!("consumers.{group}"),
        None => address.component().to_owned(),
    }
}
