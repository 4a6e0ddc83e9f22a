//! What the databases know of the warehouses they are in: serverless and provisioned ones alike.
//!
//! Called by [`super::run`], the Data API and the data shares of the `redshift` service. Must never change anything.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::sandbox::World;

/// A warehouse as a client of its databases sees it.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Warehouse {
    /// Identifier of the cluster, or name of the workgroup; a namespace without a workgroup has none.
    pub name: Option<String>,
    /// ARN of the cluster or workgroup.
    pub arn: String,
    /// Whether it is provisioned.
    pub cluster: bool,
    /// The namespace's UUID.
    pub namespace: String,
    /// First database.
    pub database: String,
    /// Admin user.
    pub admin: String,
    /// ARN of the admin's managed secret.
    pub secret: Option<String>,
    /// Whether clients outside the VPC can reach it.
    pub public: bool,
    /// Whether its data is encrypted.
    pub encrypted: bool,
    /// Its status in lower case.
    pub status: String,
    /// Whether it can run statements.
    pub runs: bool,
    /// Whether others can read what it shares.
    pub readable: bool,
}

/// Every warehouse of the region.
pub(in crate::sandbox) fn warehouses(world: &World, now: Timestamp) -> Vec<Warehouse> {
    let clusters = world.redshift.clusters_at(now).map(|cluster| {
        let settings = cluster.current(now);
        let status = cluster.status(now);
        Warehouse {
            name: Some(cluster.name.clone()),
            arn: cluster.arn.clone(),
            cluster: true,
            namespace: cluster.namespace.clone(),
            database: cluster.database.clone(),
            admin: cluster.admin.clone(),
            secret: cluster.secret.clone(),
            public: settings.public,
            encrypted: settings.encrypted,
            status: status.to_owned(),
            // A change of settings leaves the databases running.
            runs: matches!(status, "available" | "modifying" | "final-snapshot"),
            readable: matches!(status, "available" | "modifying" | "final-snapshot"),
        }
    });
    let namespaces = world.serverless.namespaces_at(now).map(|namespace| {
        let workgroup = world.serverless.workgroup_of(&namespace.name, now);
        let status = workgroup.map_or("absent".to_owned(), |workgroup| workgroup.status(now).to_lowercase());
        Warehouse {
            name: workgroup.map(|workgroup| workgroup.name.clone()),
            arn: workgroup.map(|workgroup| workgroup.arn.clone()).unwrap_or_default(),
            cluster: false,
            namespace: namespace.id.clone(),
            database: namespace.database.clone(),
            admin: namespace.admin.clone(),
            secret: namespace.secret.clone(),
            public: workgroup.is_some_and(|workgroup| workgroup.public),
            encrypted: true,
            runs: matches!(status.as_str(), "available" | "modifying") && !namespace.is_restoring(now),
            status,
            readable: namespace.gone_at.is_none() && !namespace.is_restoring(now),
        }
    });
    clusters.chain(namespaces).collect()
}

/// The UUID of every namespace there is.
pub(super) fn namespaces(world: &World, now: Timestamp) -> BTreeSet<String> {
    let clusters = world.redshift.clusters_at(now).map(|cluster| cluster.namespace.clone());
    clusters.chain(world.serverless.namespaces_at(now).map(|namespace| namespace.id.clone())).collect()
}
