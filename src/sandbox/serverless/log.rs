//! The logs a namespace exports: where they go, and since when.
//!
//! Called as the world catches up with the time. Source: aws-facts.md 6.1. Must never change the world.

use jiff::Timestamp;

use super::{LOGS_ARRIVE, Namespace, World};

/// Log groups that namespaces have delivered something to by now, each with the time of the first delivery; the logs
/// service makes those that are missing, without retention. A namespace has logs while its workgroup runs, and the first
/// ones arrive some time after that workgroup was ready or the export was switched on.
pub fn arrived_logs(world: &World, now: Timestamp) -> Vec<(Timestamp, String)> {
    let namespaces = world.serverless.namespaces.values().filter(|namespace| namespace.gone_at.is_none());
    namespaces.flat_map(|namespace| of(world, namespace, now)).collect()
}

fn of(world: &World, namespace: &Namespace, now: Timestamp) -> Vec<(Timestamp, String)> {
    let Some(workgroup) = world.serverless.workgroup_of(&namespace.name, now) else { return Vec::new() };
    let begun = namespace.logs_since.unwrap_or(namespace.created).max(workgroup.ready_at);
    let since = begun + LOGS_ARRIVE;
    if workgroup.gone_at.is_some() || now < since {
        return Vec::new();
    }
    namespace.logs.iter().map(|log| (since, format!("/aws/redshift/{}/{log}", namespace.name))).collect()
}
