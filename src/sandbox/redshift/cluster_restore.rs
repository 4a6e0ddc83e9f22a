//! RestoreFromClusterSnapshot: a new cluster that holds what a snapshot holds.
//!
//! Called by the core. Source: aws-facts.md 5.3 and 10.5 and the API model: the request names no database and no admin
//! (they are the snapshot's), and has no tags. Must never change the snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::{kms, serverless, sql::Catalogue};
use super::cluster::{Cluster, Settings};
use super::cluster_create::{Birth, make, read_settings};
use super::cluster_spec::{self, Admin};
use super::{
    AwsError, Operation, RESTORES, Reply, Request, World, cluster, combination, invalid, not_found, snapshot,
    subnet_group,
};

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "RestoreFromClusterSnapshot",
    mutating: true,
    params: &[
        "AllowVersionUpgrade",
        "AutomatedSnapshotRetentionPeriod",
        "AvailabilityZone",
        "AvailabilityZoneRelocation",
        "ClusterIdentifier",
        "ClusterParameterGroupName",
        "ClusterSubnetGroupName",
        "DefaultIamRoleArn",
        "Encrypted",
        "EnhancedVpcRouting",
        "IamRoles",
        "IpAddressType",
        "KmsKeyId",
        "MaintenanceTrackName",
        "ManageMasterPassword",
        "ManualSnapshotRetentionPeriod",
        "MasterPasswordSecretKmsKeyId",
        "MultiAZ",
        "NodeType",
        "NumberOfNodes",
        "OwnerAccount",
        "Port",
        "PreferredMaintenanceWindow",
        "PubliclyAccessible",
        "SnapshotArn",
        "SnapshotClusterIdentifier",
        "SnapshotIdentifier",
        "VpcSecurityGroupIds",
    ],
    run: restore_from_cluster_snapshot,
}];

/// What a snapshot of either service gives a cluster.
struct Source {
    name: String,
    database: String,
    admin: String,
    key: Option<String>,
    available: bool,
    catalogue: Option<Catalogue>,
    /// The cluster it was taken of, and its settings then.
    of: Option<(Cluster, Settings)>,
}

fn source(world: &World, req: &Request, now: Timestamp) -> Result<Source, AwsError> {
    let unknown = |text: &str| not_found("ClusterSnapshotNotFound", format!("Snapshot {text} not found."));
    if let Some(account) = req.opt_text("OwnerAccount")?.filter(|account| *account != world.account) {
        return Err(unknown(&format!("of the account {account}")));
    }
    let found = match (req.opt_text("SnapshotIdentifier")?, req.opt_text("SnapshotArn")?) {
        (Some(name), None) => snapshot::find(world, &name, now)?,
        (None, Some(arn)) if arn.contains(":redshift-serverless:") => {
            let found = serverless::snapshot_by_arn(world, &arn, now).ok_or_else(|| unknown(&arn))?;
            return Ok(Source {
                name: found.name.clone(),
                database: found.database.clone(),
                admin: found.admin.clone(),
                key: found.key.clone(),
                available: found.is_available(now),
                catalogue: found.catalogue.clone(),
                of: None,
            });
        }
        (None, Some(arn)) => {
            let mut all = world.redshift.snapshots.values().filter(|snapshot| snapshot.exists(now));
            all.find(|snapshot| snapshot.arn == arn).ok_or_else(|| unknown(&arn))?
        }
        _ => return Err(combination("Specify either SnapshotIdentifier or SnapshotArn.")),
    };
    if let Some(of) = req.opt_text("SnapshotClusterIdentifier")?.filter(|of| *of != found.cluster.name) {
        return Err(unknown(&format!("{} of the cluster {of}", found.name)));
    }
    let settings = found.cluster.current(found.created).clone();
    Ok(Source {
        name: found.name.clone(),
        database: found.cluster.database.clone(),
        admin: found.cluster.admin.clone(),
        key: settings.key.clone(),
        available: found.available_at <= now,
        catalogue: found.catalogue.clone(),
        of: Some(((*found.cluster).clone(), settings)),
    })
}

fn restore_from_cluster_snapshot(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = cluster_spec::identifier(req)?;
    if world.redshift.cluster(&name, now).is_some() {
        return Err(AwsError::new("ClusterAlreadyExists", format!("Cluster {name} already exists.")));
    }
    let source = source(world, req, now)?;
    if !source.available {
        let message = format!("The snapshot {} is still being created.", source.name);
        return Err(AwsError::new("InvalidClusterSnapshotState", message));
    }
    if let Some(key) = &source.key {
        kms::usable_key(world, now, key).map_err(|error| {
            invalid(format!("The KMS key '{key}' of the snapshot can't be used: {}", error.message))
        })?;
    }
    let login = match cluster_spec::admin(req)? {
        Admin::Managed => Admin::Managed,
        // The password that the snapshot's admin had.
        Admin::Unsaid | Admin::Given => Admin::Given,
    };
    let secret_key = cluster_spec::key(world, now, req, "MasterPasswordSecretKmsKeyId")?;
    cluster_spec::address_type(req)?;
    let like = source.of.as_ref().map(|(_, settings)| settings);
    let group = match (req.opt_text("ClusterSubnetGroupName")?, &source.of) {
        (Some(group), _) => subnet_group::find(world, &group)?.clone(),
        (None, Some((of, _))) => subnet_group::find(world, &of.subnet_group)?.clone(),
        (None, None) => return Err(subnet_group::no_default()),
    };
    let settings = read_settings(world, req, now, &group, like)?;
    let (database, admin, tags) = (source.database, source.admin, BTreeMap::new());
    let birth = Birth { name, database, admin, login, secret_key, tags, length: RESTORES };
    let cluster = make(world, req, now, (group, settings), birth)?;
    if let Some(catalogue) = source.catalogue {
        world.sql.catalogues.insert(cluster.namespace.clone(), catalogue.restored(None));
    }
    Ok(cluster::keep(world, cluster, now))
}
