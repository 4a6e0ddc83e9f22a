//! ModifyCluster and ModifyClusterIamRoles.
//!
//! Called by the core. Source: aws-facts.md 4 and 5.3. Must never change zones together with anything else.

use jiff::{SignedDuration, Timestamp};

use super::super::secrets;
use super::cluster::{Cluster, Settings, Stage};
use super::cluster_spec::{self, Admin};
use super::{
    AwsError, ENCRYPTS, MODIFIES, Operation, ROLES, Reply, Request, World, ZONE_CHANGES, cluster, combination, invalid,
    parameter_group, placement, resize, subnet_group,
};

/// Members that a call must hold alone.
const ALONE: [&str; 2] = ["AvailabilityZone", "MultiAZ"];

const MODIFY_PARAMS: &[&str] = &[
    "AllowVersionUpgrade",
    "AutomatedSnapshotRetentionPeriod",
    "AvailabilityZone",
    "AvailabilityZoneRelocation",
    "ClusterIdentifier",
    "ClusterParameterGroupName",
    "ClusterType",
    "Encrypted",
    "EnhancedVpcRouting",
    "ExtraComputeForAutomaticOptimization",
    "IpAddressType",
    "KmsKeyId",
    "MaintenanceTrackName",
    "ManageMasterPassword",
    "ManualSnapshotRetentionPeriod",
    "MasterPasswordSecretKmsKeyId",
    "MasterUserPassword",
    "MultiAZ",
    "NodeType",
    "NumberOfNodes",
    "Port",
    "PreferredMaintenanceWindow",
    "PubliclyAccessible",
    "VpcSecurityGroupIds",
];

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "ModifyCluster", mutating: true, params: MODIFY_PARAMS, run: modify_cluster },
    Operation {
        name: "ModifyClusterIamRoles",
        mutating: true,
        params: &["ClusterIdentifier", "AddIamRoles", "RemoveIamRoles", "DefaultIamRoleArn"],
        run: modify_cluster_iam_roles,
    },
];

fn modify_cluster(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut cluster = cluster::asked(world, req, now)?;
    let given: Vec<&str> =
        MODIFY_PARAMS.iter().copied().filter(|member| *member != "ClusterIdentifier" && req.has(member)).collect();
    if given.is_empty() {
        return Err(combination("No modifications were requested."));
    }
    if let Some(alone) = ALONE.iter().find(|member| given.contains(member) && given.len() > 1) {
        return Err(combination(format!("{alone} can't be modified together with other settings.")));
    }
    cluster.check_available(now)?;
    if req.has("AvailabilityZone") {
        relocate(world, req, now, &mut cluster)?;
    } else if let Some(multi_az) = req.opt_bool("MultiAZ")? {
        spread(world, now, &mut cluster, multi_az)?;
    } else {
        modify_settings(world, req, now, &mut cluster)?;
    }
    Ok(cluster::keep(world, cluster, now))
}

fn relocate(world: &mut World, req: &Request, now: Timestamp, cluster: &mut Cluster) -> Result<(), AwsError> {
    let mut after = cluster.current(now).clone();
    let zone = req.text("AvailabilityZone")?;
    if !after.relocation {
        return Err(AwsError::new(
            "UnsupportedOperation",
            format!("The cluster {} has no Availability Zone relocation.", cluster.name),
        ));
    }
    let old = after.zones();
    if old.contains(&zone) {
        return Err(invalid(format!("The cluster {} is already in {zone}.", cluster.name)));
    }
    let group = subnet_group::find(world, &cluster.subnet_group)?.clone();
    let subnet = placement::subnet(world, now, &group, Some(&zone), &[])?;
    let until = now + ZONE_CHANGES;
    placement::release(world, cluster, &old, until);
    after.interfaces = vec![placement::place(world, until, cluster, &after.groups, subnet)?];
    if after.public {
        placement::publish(world, cluster, &[zone], true);
    }
    cluster.start(now, Stage::Modifying, ZONE_CHANGES, after);
    Ok(())
}

fn spread(world: &mut World, now: Timestamp, cluster: &mut Cluster, multi_az: bool) -> Result<(), AwsError> {
    let mut after = cluster.current(now).clone();
    let until = now + ZONE_CHANGES;
    if multi_az && !after.multi_az {
        let group = subnet_group::find(world, &cluster.subnet_group)?.clone();
        cluster_spec::check_multi_az(&group, after.nodes, after.relocation)?;
        let subnet = placement::subnet(world, now, &group, None, &after.zones())?;
        let placed = placement::place(world, until, cluster, &after.groups, subnet)?;
        if after.public {
            placement::publish(world, cluster, std::slice::from_ref(&placed.zone), true);
        }
        after.interfaces.push(placed);
    } else if !multi_az && after.multi_az {
        let second = after.interfaces.split_off(1).into_iter().map(|placed| placed.zone).collect::<Vec<_>>();
        placement::release(world, cluster, &second, until);
        // The service does this without a word (5.3).
        after.relocation = true;
    }
    after.multi_az = multi_az;
    cluster.start(now, Stage::Modifying, ZONE_CHANGES, after);
    Ok(())
}

fn modify_settings(world: &mut World, req: &Request, now: Timestamp, cluster: &mut Cluster) -> Result<(), AwsError> {
    let before = cluster.current(now).clone();
    let mut after = read_settings(world, req, now, cluster, before.clone())?;
    let resized = ["NodeType", "NumberOfNodes", "ClusterType"].iter().any(|member| req.has(member));
    let (mut stage, mut length) = (Stage::Modifying, MODIFIES);
    if (before.encrypted, &before.key) != (after.encrypted, &after.key) {
        length = ENCRYPTS;
    }
    if resized {
        (stage, length) = resize::modify(world, req, now, cluster, &mut after)?;
    }
    let login = cluster_spec::admin(req)?;
    let secret_key = cluster_spec::key(world, now, req, "MasterPasswordSecretKmsKeyId")?;
    let managed = cluster.secret.is_some();
    if matches!(login, Admin::Given) && managed && !req.has("ManageMasterPassword") {
        return Err(combination("You can't use MasterUserPassword while ManageMasterPassword is true."));
    }

    let zones = after.zones();
    if before.public != after.public {
        placement::publish(world, cluster, &zones, after.public);
    }
    placement::regroup(world, cluster, &zones, &after.groups);
    let password = matches!(login, Admin::Given);
    change_login(world, now, cluster, &login, secret_key);
    start(cluster, now, (stage, length), after, password);
    Ok(())
}

fn start(
    cluster: &mut Cluster,
    now: Timestamp,
    (stage, length): (Stage, SignedDuration),
    after: Settings,
    password: bool,
) {
    cluster.start(now, stage, length, after);
    if let Some(task) = &mut cluster.task {
        task.password = password;
    }
}

fn change_login(world: &mut World, now: Timestamp, cluster: &mut Cluster, login: &Admin, key: Option<String>) {
    match (login, cluster.secret.clone()) {
        (Admin::Managed, Some(secret)) => {
            if key.is_some() {
                secrets::rekey_managed(world, now, &secret, key.as_deref());
                cluster.secret_key = key;
            }
        }
        (Admin::Managed, None) => {
            let (arn, name, admin) = (&cluster.arn, &cluster.name, &cluster.admin);
            cluster.secret = Some(secrets::create_managed(world, now, arn, name, admin, key.as_deref()));
            cluster.secret_key = key;
        }
        (Admin::Given, Some(secret)) => {
            secrets::delete_managed(world, &secret);
            (cluster.secret, cluster.secret_key) = (None, None);
        }
        (Admin::Given, None) | (Admin::Unsaid, _) => {}
    }
}

/// The settings after the call, the nodes aside.
fn read_settings(
    world: &World,
    req: &Request,
    now: Timestamp,
    cluster: &Cluster,
    mut after: Settings,
) -> Result<Settings, AwsError> {
    cluster_spec::address_type(req)?;
    if req.has("VpcSecurityGroupIds") {
        after.groups = cluster_spec::groups(world, &cluster.vpc, req)?;
    }
    if let Some(group) = req.opt_text("ClusterParameterGroupName")? {
        after.parameter_group = parameter_group::find(world, &group)?.name;
    }
    if let Some(public) = req.opt_bool("PubliclyAccessible")? {
        if public {
            cluster_spec::check_public(world, &cluster.vpc)?;
        }
        after.public = public;
    }
    if let Some(relocation) = req.opt_bool("AvailabilityZoneRelocation")? {
        if relocation && after.multi_az {
            return Err(combination("A cluster can't have both Multi-AZ and Availability Zone relocation."));
        }
        after.relocation = relocation;
    }
    read_key(world, req, now, &mut after)?;
    after.automated_retention = cluster_spec::automated_retention(req)?.unwrap_or(after.automated_retention);
    let manual = cluster_spec::manual_retention(req, "ManualSnapshotRetentionPeriod")?;
    after.manual_retention = manual.unwrap_or(after.manual_retention);
    after.window = cluster_spec::window(req)?.unwrap_or(after.window);
    after.track = cluster_spec::track(req)?.unwrap_or(after.track);
    after.upgrade = req.opt_bool("AllowVersionUpgrade")?.unwrap_or(after.upgrade);
    after.routing = req.opt_bool("EnhancedVpcRouting")?.unwrap_or(after.routing);
    after.port = cluster_spec::port(req)?.unwrap_or(after.port);
    after.extra_compute = req.opt_bool("ExtraComputeForAutomaticOptimization")?.unwrap_or(after.extra_compute);
    Ok(after)
}

/// Encryption with that key; without a key, with the one AWS owns.
fn read_key(world: &World, req: &Request, now: Timestamp, after: &mut Settings) -> Result<(), AwsError> {
    let encrypted = req.opt_bool("Encrypted")?;
    let key = cluster_spec::key(world, now, req, "KmsKeyId")?;
    match (encrypted, key) {
        (Some(false), Some(_)) => return Err(combination("KmsKeyId can't be given when Encrypted is false.")),
        (None, Some(_)) if !after.encrypted => return Err(combination("KmsKeyId needs Encrypted to be true.")),
        (None, None) => {}
        (encrypted, key) => (after.encrypted, after.key) = (encrypted.unwrap_or(true), key),
    }
    Ok(())
}

fn modify_cluster_iam_roles(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut cluster = cluster::asked(world, req, now)?;
    let (add, remove) = (req.texts("AddIamRoles")?, req.texts("RemoveIamRoles")?);
    let default_role = req.opt_text("DefaultIamRoleArn")?;
    if add.is_empty() && remove.is_empty() && default_role.is_none() {
        return Err(combination("No modifications were requested."));
    }
    cluster.check_available(now)?;
    let mut after = cluster.current(now).clone();
    if let Some(unknown) = remove.iter().find(|arn| !after.roles.contains(arn)) {
        return Err(invalid(format!("The IAM role {unknown} is not associated with the cluster {}.", cluster.name)));
    }
    if let Some(both) = add.iter().find(|arn| remove.contains(arn)) {
        return Err(combination(format!("The IAM role {both} is to be both added and removed.")));
    }
    if let Some(known) = add.iter().find(|arn| after.roles.contains(arn)) {
        return Err(invalid(format!("The IAM role {known} is already associated with the cluster {}.", cluster.name)));
    }
    after.roles.retain(|arn| !remove.contains(arn));
    cluster_spec::check_roles(world, now, &add, after.roles.len() + add.len())?;
    after.roles.extend(add);
    after.default_role = match default_role {
        Some(role) => Some(role).filter(|role| !role.is_empty()),
        None => after.default_role.filter(|role| after.roles.contains(role)),
    };
    cluster_spec::check_default_role(after.default_role.as_deref(), &after.roles)?;
    cluster.start(now, Stage::Modifying, ROLES, after);
    Ok(cluster::keep(world, cluster, now))
}
