//! A cluster as the service answers it.
//!
//! Called by every operation that answers a cluster. Source: aws-facts.md 5.3 and the API model. Must never show a
//! password.

use jiff::Timestamp;
use serde_json::{Map, json};

use super::cluster::{Cluster, Settings, Stage};
use super::{Reply, VERSION, World, moment, node, parameter_group, snapshot_copy, tag};

/// The revision of the version that runs on a cluster of this sandbox.
const REVISION: &str = "140000";

/// The object as Describe and the changes answer it, tags included.
pub(super) fn render(cluster: &Cluster, world: &World, now: Timestamp) -> Reply {
    let current = cluster.current(now);
    let coming = cluster.running(now).map_or(current, |task| &task.after);
    let mut reply = shape(cluster, world, now);
    let mut more = settings(current);
    more.append(&mut fleet(cluster, world, now));
    more.insert("VpcSecurityGroups".to_owned(), joined(&current.groups, &coming.groups, security_group));
    more.insert("IamRoles".to_owned(), joined(&current.roles, &coming.roles, role));
    more.insert("PendingModifiedValues".to_owned(), pending(cluster, now));
    more.insert("ClusterParameterGroups".to_owned(), parameters(cluster, world, now));
    more.insert("AvailabilityZoneRelocationStatus".to_owned(), json!(relocation(current, coming)));
    reply.append(&mut more);
    Reply::Object(reply)
}

fn object(value: Reply) -> Map<String, Reply> {
    match value {
        Reply::Object(members) => members,
        _ => Map::new(),
    }
}

/// What never changes, and the state.
fn shape(cluster: &Cluster, world: &World, now: Timestamp) -> Map<String, Reply> {
    object(json!({
        "ClusterIdentifier": cluster.name,
        "ClusterStatus": cluster.status(now),
        "ClusterAvailabilityStatus": availability(cluster, now),
        "MasterUsername": cluster.admin,
        "MasterPasswordSecretArn": cluster.secret,
        "MasterPasswordSecretKmsKeyId": cluster.secret_key,
        "DBName": cluster.database,
        "ClusterCreateTime": moment(cluster.created),
        "ClusterSecurityGroups": [],
        "ClusterSubnetGroupName": cluster.subnet_group,
        "VpcId": cluster.vpc,
        "ClusterVersion": VERSION,
        "ClusterRevisionNumber": REVISION,
        "ClusterNamespaceArn": world.arn("redshift", &format!("namespace:{}", cluster.namespace)),
        "IpAddressType": "ipv4",
        "PendingActions": [],
        "DeferredMaintenanceWindows": [],
        "AquaConfiguration": { "AquaStatus": "disabled", "AquaConfigurationStatus": "auto" },
        "ClusterSnapshotCopyStatus": snapshot_copy::shown(world, cluster),
        "Tags": tag::render(&world.redshift, &cluster.arn),
    }))
}

fn availability(cluster: &Cluster, now: Timestamp) -> &'static str {
    match (&cluster.removal, cluster.running(now).map(|task| task.stage)) {
        (None, Some(Stage::Creating | Stage::Modifying | Stage::ElasticResize | Stage::ClassicResize)) => "Modifying",
        (None, None) if !cluster.current(now).paused => "Available",
        _ => "Unavailable",
    }
}

fn settings(settings: &Settings) -> Map<String, Reply> {
    object(json!({
        "NodeType": settings.node_type,
        "NumberOfNodes": settings.nodes,
        "AvailabilityZone": settings.interfaces.first().map(|placed| &placed.zone),
        "AutomatedSnapshotRetentionPeriod": settings.automated_retention,
        "ManualSnapshotRetentionPeriod": settings.manual_retention.unwrap_or(-1),
        "PreferredMaintenanceWindow": settings.window,
        "MaintenanceTrackName": settings.track,
        "AllowVersionUpgrade": settings.upgrade,
        "PubliclyAccessible": settings.public,
        "EnhancedVpcRouting": settings.routing,
        "Encrypted": settings.encrypted,
        "KmsKeyId": settings.key,
        "MultiAZ": if settings.multi_az { "Enabled" } else { "Disabled" },
        "DefaultIamRoleArn": settings.default_role,
        "ExtraComputeForAutomaticOptimization": if settings.extra_compute { "enabled" } else { "disabled" },
    }))
}

/// Endpoint, nodes and what a resize can do; nothing of it while the cluster is being created.
fn fleet(cluster: &Cluster, world: &World, now: Timestamp) -> Map<String, Reply> {
    let task = cluster.running(now);
    if task.is_some_and(|task| task.stage == Stage::Creating) {
        return object(json!({ "ClusterNodes": [] }));
    }
    let current = cluster.current(now);
    let interfaces = current.interfaces.iter().map(|placed| {
        json!({
            "NetworkInterfaceId": placed.interface,
            "SubnetId": placed.subnet,
            "PrivateIpAddress": placed.address.to_string(),
            "AvailabilityZone": placed.zone,
        })
    });
    let interfaces: Vec<Reply> = interfaces.collect();
    let resize = task.and_then(|task| match task.stage {
        Stage::ElasticResize => Some("ElasticResize"),
        Stage::ClassicResize => Some("ClassicResize"),
        _ => None,
    });
    let second = current
        .interfaces
        .get(1)
        .map(|placed| json!({ "AvailabilityZone": placed.zone, "ClusterNodes": nodes(current, world, 1) }));
    let node = node::find(&current.node_type).ok();
    let elastic = node.map(|node| node.elastic(current.nodes).filter(|count| *count != current.nodes));
    let elastic: Option<Vec<String>> = elastic.map(|counts| counts.map(|count| count.to_string()).collect());
    object(json!({
        "Endpoint": {
            "Address": format!("{}.{}.{}.redshift.amazonaws.com", cluster.name, cluster.label, world.region),
            "Port": current.port,
            "VpcEndpoints": [{
                "VpcEndpointId": cluster.endpoint_id,
                "VpcId": cluster.vpc,
                "NetworkInterfaces": interfaces,
            }],
        },
        "ClusterNodes": nodes(current, world, 0),
        "MultiAZSecondary": second,
        "ElasticResizeNumberOfNodeOptions": elastic.map(|counts| format!("[{}]", counts.join(","))),
        "TotalStorageCapacityInMegaBytes": node.map(|node| node.capacity(current.nodes)),
        "ResizeInfo": resize.map(|kind| json!({ "ResizeType": kind, "AllowCancelResize": false })),
    }))
}

/// The nodes of one zone; only the leader (or the only node) has an address in the VPC.
fn nodes(settings: &Settings, world: &World, zone: usize) -> Vec<Reply> {
    let placed = settings.interfaces.get(zone);
    let public =
        placed.and_then(|placed| world.ec2.interfaces.get(&placed.interface)).and_then(|eni| eni.public_address);
    let leader = json!({
        "NodeRole": if settings.nodes == 1 { "SHARED" } else { "LEADER" },
        "PrivateIPAddress": placed.map(|placed| placed.address.to_string()),
        "PublicIPAddress": public.map(|address| address.to_string()),
    });
    let others = if settings.nodes == 1 { 0 } else { settings.nodes };
    let compute = (0..others).map(|number| json!({ "NodeRole": format!("COMPUTE-{number}") }));
    std::iter::once(leader).chain(compute).collect()
}

/// Members of two lists: of both, only of the one to come, only of the one that goes.
fn joined(current: &[String], coming: &[String], render: fn(&str, &str) -> Reply) -> Reply {
    let kept = |name: &String| if coming.contains(name) { "in-sync" } else { "removing" };
    let old = current.iter().map(|name| render(name, kept(name)));
    let new = coming.iter().filter(|name| !current.contains(name)).map(|name| render(name, "adding"));
    old.chain(new).collect()
}

fn security_group(id: &str, status: &str) -> Reply {
    json!({ "VpcSecurityGroupId": id, "Status": if status == "in-sync" { "active" } else { status } })
}

fn role(arn: &str, status: &str) -> Reply {
    json!({ "IamRoleArn": arn, "ApplyStatus": status })
}

fn relocation(current: &Settings, coming: &Settings) -> &'static str {
    match (current.relocation, coming.relocation) {
        (true, true) => "enabled",
        (false, false) => "disabled",
        (false, true) => "pending_enabling",
        (true, false) => "pending_disabling",
    }
}

fn pending(cluster: &Cluster, now: Timestamp) -> Reply {
    let Some(task) = cluster.running(now).filter(|task| task.stage != Stage::Creating) else {
        return json!({});
    };
    let (old, new) = (&cluster.settings, &task.after);
    let encryption = (old.encrypted != new.encrypted).then_some(if new.encrypted { "KMS" } else { "None" });
    json!({
        "MasterUserPassword": task.password.then_some("****"),
        "NodeType": (old.node_type != new.node_type).then_some(&new.node_type),
        "NumberOfNodes": (old.nodes != new.nodes).then_some(new.nodes),
        "ClusterType": ((old.nodes == 1) != (new.nodes == 1)).then_some(cluster_type(new.nodes)),
        "AutomatedSnapshotRetentionPeriod":
            (old.automated_retention != new.automated_retention).then_some(new.automated_retention),
        "PubliclyAccessible": (old.public != new.public).then_some(new.public),
        "EnhancedVpcRouting": (old.routing != new.routing).then_some(new.routing),
        "MaintenanceTrackName": (old.track != new.track).then_some(&new.track),
        "EncryptionType": encryption,
    })
}

fn cluster_type(nodes: i64) -> &'static str {
    if nodes == 1 { "single-node" } else { "multi-node" }
}

/// Which parameters are in effect: `in-sync`, `applying` while the running task brings them, else `pending-reboot`.
fn parameters(cluster: &Cluster, world: &World, now: Timestamp) -> Reply {
    let current = cluster.current(now);
    let coming = cluster.running(now).map(|task| &task.after);
    let name = &coming.unwrap_or(current).parameter_group;
    let wanted = parameter_group::find(world, name).map(|group| group.values()).unwrap_or_default();
    let holds = |settings: &Settings, parameter: &str, value: &String| {
        settings.applied.group == *name && settings.applied.values.get(parameter) == Some(value)
    };
    let status = |(parameter, value): (&String, &String)| {
        if holds(current, parameter, value) {
            "in-sync"
        } else if coming.is_some_and(|settings| holds(settings, parameter, value)) {
            "applying"
        } else {
            "pending-reboot"
        }
    };
    let all: Vec<(&String, &str)> = wanted.iter().map(|pair| (pair.0, status(pair))).collect();
    let whole = ["pending-reboot", "applying"].into_iter().find(|state| all.iter().any(|(_, one)| one == state));
    let list = all.iter().map(|(name, state)| json!({ "ParameterName": name, "ParameterApplyStatus": state }));
    json!([{
        "ParameterGroupName": name,
        "ParameterApplyStatus": whole.unwrap_or("in-sync"),
        "ClusterParameterStatusList": list.collect::<Vec<_>>(),
    }])
}
