//! The form of the producer that is a provisioned cluster: its subnet group, its parameters, its logs, its limits and its
//! schedules.
//!
//! Called by `producer`, which gives it the key. Must never hold what a serverless producer has too.

use super::{Component, access, networking::Network, warehouse};
use crate::{
    aws::{
        Owner,
        cluster::{Cluster, ClusterSpec},
        cluster_logging::{ClusterLogging, ClusterLoggingSpec},
        cluster_parameter_group::{ClusterParameterGroup, ClusterParameterGroupSpec},
        cluster_scheduled_action::{Act, ClusterScheduledAction, ClusterScheduledActionSpec},
        cluster_subnet_group::{ClusterSubnetGroup, ClusterSubnetGroupSpec},
        cluster_usage_limit::{ClusterUsageLimit, ClusterUsageLimitSpec},
        ids::KeyArn,
        policy::partition,
        snapshot_copy::{SnapshotCopy, SnapshotCopySpec},
        snapshot_copy_grant::{SnapshotCopyGrant, SnapshotCopyGrantSpec},
        snapshot_schedule::{SnapshotSchedule, SnapshotScheduleSpec},
        snapshot_schedule_association::{SnapshotScheduleAssociation, SnapshotScheduleAssociationSpec},
    },
    config::typed::{self, AdminPassword, BreachAction, Config, LimitedFeature},
    kind::{Handle, In, Tags},
};
use std::collections::{BTreeMap, BTreeSet};

/// The principal that may take a cluster's role on (aws-facts.md 2).
const REDSHIFT: &str = "redshift.amazonaws.com";
/// The family of parameters that every version of a cluster knows (aws-facts.md 5.2).
const FAMILY: &str = "redshift-1.0";
/// The parameter that keeps logins from going over the wire in clear text; in a group of one's own AWS leaves it off.
const REQUIRE_SSL: &str = "require_ssl";

/// Describes the cluster within the producer's component.
pub(super) fn describe(
    part: &mut Component<'_>,
    config: &Config,
    owner: &Owner,
    network: &Network,
    wanted: &typed::Cluster,
    key: In<KeyArn>,
) -> Handle<Cluster> {
    let (producer, name) = (&config.producer, part.physical_name("cluster", config.producer_name()));
    let role = access::role(part, owner, &config.producer_name(), &[REDSHIFT]);
    let policy = access::buckets(part, config, &role, &producer.s3_buckets, true);
    let subnet_group = subnet_group(part, config, network);
    let parameter_group = parameter_group(part, config);
    let cluster = part.add::<Cluster>(
        "cluster",
        ClusterSpec {
            name: name.as_str().into(),
            database: producer.database.clone(),
            admin_username: producer.admin_username.clone(),
            managed_password: producer.admin_password == AdminPassword::Managed,
            node_type: wanted.node_type.clone(),
            node_count: wanted.node_count,
            port: producer.port,
            kms_key: Some(key),
            subnet_group: subnet_group.name(),
            parameter_group: parameter_group.name(),
            security_groups: BTreeSet::from([network.producer_group.id()]),
            roles: BTreeSet::from([role.arn()]),
            default_role: Some(role.arn()),
            enhanced_vpc_routing: producer.enhanced_vpc_routing,
            publicly_accessible: producer.publicly_accessible,
            multi_az: wanted.multi_az,
            availability_zone_relocation: wanted.availability_zone_relocation,
            maintenance_window: wanted.maintenance_window.clone(),
            snapshot_retention: warehouse::days(producer.snapshot_retention),
            final_snapshot: producer.final_snapshot,
            snapshot: producer.restore.clone(),
            tags: Tags::new(),
        },
    );
    part.comes_from(&cluster, "managed_password", "producer.admin_password");
    part.comes_from(&cluster, "kms_key", "producer.kms_key_arn");
    part.comes_from(&cluster, "snapshot", "producer.restore.snapshot");
    part.after(&cluster, &parameter_group, "parameters that are set before a cluster starts need no reboot");
    if let Some(policy) = policy {
        part.after(&cluster, &policy, "a policy before its use");
    }
    if producer.publicly_accessible {
        part.after_all(&cluster, &network.way_out, "a public endpoint needs the route to the internet");
    }
    logging(part, config, &cluster);
    usage_limits(part, config, &cluster);
    snapshots(part, config, &cluster);
    copies(part, config, &cluster);
    if let Some(pause) = &wanted.pause {
        schedules(part, config, owner, &cluster, pause);
    }
    cluster
}

fn subnet_group(part: &mut Component<'_>, config: &Config, network: &Network) -> Handle<ClusterSubnetGroup> {
    let spec = ClusterSubnetGroupSpec {
        name: config.producer_name().as_str().into(),
        description: format!("rsds: subnets of {}", config.producer_name()),
        vpc: network.vpc.clone(),
        subnets: network.subnet_ids(),
        tags: Tags::new(),
    };
    part.add::<ClusterSubnetGroup>("subnet-group", spec)
}

fn parameter_group(part: &mut Component<'_>, config: &Config) -> Handle<ClusterParameterGroup> {
    let mut parameters = BTreeMap::from([(REQUIRE_SSL.to_owned(), "true".to_owned())]);
    parameters.extend(config.producer.parameters.clone());
    let spec = ClusterParameterGroupSpec {
        name: config.producer_name().as_str().into(),
        family: FAMILY.to_owned(),
        description: format!("rsds: parameters of {}", config.producer_name()),
        parameters,
        tags: Tags::new(),
    };
    part.add::<ClusterParameterGroup>("parameter-group", spec)
}

fn logging(part: &mut Component<'_>, config: &Config, cluster: &Handle<Cluster>) {
    let producer = &config.producer;
    if producer.logging.is_empty() {
        return;
    }
    let log_exports = producer.logging.iter().map(|log| log.as_str().to_owned()).collect();
    let logging = part.add::<ClusterLogging>("logging", ClusterLoggingSpec { cluster: cluster.name(), log_exports });
    part.comes_from(&logging, "log_exports", "producer.logging");
    let prefix = format!("/aws/redshift/cluster/{}", part.physical_name("cluster", config.producer_name()));
    for group in warehouse::log_groups(part, &prefix, &producer.logging, producer.log_retention) {
        part.after(&logging, &group, "a log group before Redshift makes one that keeps its logs for ever");
        part.after(cluster, &group, "a cluster delivers logs until it is gone");
    }
}

fn usage_limits(part: &mut Component<'_>, config: &Config, cluster: &Handle<Cluster>) {
    for (index, limit) in config.producer.usage_limits.iter().enumerate() {
        let (feature, period) = (limit.feature.as_str(), limit.period.as_str());
        let limit_type = if limit.feature == LimitedFeature::ConcurrencyScaling { "time" } else { "data-scanned" };
        let breach_action = match limit.action {
            BreachAction::Deactivate => "disable",
            action => action.as_str(),
        };
        let spec = ClusterUsageLimitSpec {
            cluster: cluster.name(),
            feature: feature.to_owned(),
            limit_type: limit_type.to_owned(),
            period: period.to_owned(),
            amount: limit.amount,
            breach_action: breach_action.to_owned(),
            tags: Tags::new(),
        };
        let limit = part.add::<ClusterUsageLimit>(&format!("usage-limit-{feature}-{period}"), spec);
        let origin = format!("producer.usage_limits[{index}]");
        for (field, key) in
            [("feature", "feature"), ("period", "period"), ("amount", "amount"), ("breach_action", "action")]
        {
            part.comes_from(&limit, field, &format!("{origin}.{key}"));
        }
    }
}

/// Describes when the cluster sleeps.
fn schedules(
    part: &mut Component<'_>,
    config: &Config,
    owner: &Owner,
    cluster: &Handle<Cluster>,
    pause: &typed::Pause,
) {
    let producer = config.producer_name();
    let (region, name) = (&config.region, part.physical_name("cluster", producer.as_str()));
    // A role acts in its own account alone, whichever that is.
    let arn = format!("arn:{}:redshift:{region}:*:cluster:{name}", partition(region));
    let rights = ["redshift:PauseCluster", "redshift:ResumeCluster"];
    let (role, policy) = access::scheduler(part, owner, &producer, &rights, &arn);
    let both = [
        ("pause", Act::PauseCluster, &pause.stop, "producer.pause.stop"),
        ("resume", Act::ResumeCluster, &pause.start, "producer.pause.start"),
    ];
    for (resource, action, schedule, key) in both {
        let spec = ClusterScheduledActionSpec {
            name: format!("{producer}-{resource}"),
            action,
            cluster: cluster.name(),
            schedule: schedule.clone(),
            role: role.arn(),
            description: format!("rsds: {resource}s {producer}"),
            enabled: true,
        };
        let scheduled = part.add::<ClusterScheduledAction>(resource, spec);
        part.comes_from(&scheduled, "schedule", key);
        part.after(&scheduled, &policy, "a right before its use");
    }
}

/// Describes when snapshots of it are taken.
fn snapshots(part: &mut Component<'_>, config: &Config, cluster: &Handle<Cluster>) {
    let Some(when) = &config.producer.snapshot_schedule else { return };
    let spec = SnapshotScheduleSpec {
        name: config.producer_name().as_str().into(),
        definitions: BTreeSet::from([when.clone()]),
        description: format!("rsds: snapshots of {}", config.producer_name()),
        tags: Tags::new(),
    };
    let schedule = part.add::<SnapshotSchedule>("snapshot-schedule", spec);
    part.comes_from(&schedule, "definitions", "producer.snapshot_schedule");
    let spec = SnapshotScheduleAssociationSpec { cluster: cluster.name(), schedule: schedule.name() };
    part.add::<SnapshotScheduleAssociation>("snapshot-schedule-association", spec);
}

/// Describes where its snapshots are copied to. A cluster is always encrypted here, so that needs a grant there.
fn copies(part: &mut Component<'_>, config: &Config, cluster: &Handle<Cluster>) {
    let Some(copy) = &config.producer.snapshot_copy else { return };
    let spec = SnapshotCopyGrantSpec {
        name: config.producer_name().as_str().into(),
        region: copy.region.clone(),
        kms_key: copy.kms_key_arn.as_deref().map(KeyArn::from),
        tags: Tags::new(),
    };
    let grant = part.add::<SnapshotCopyGrant>("snapshot-copy-grant", spec);
    part.comes_from(&grant, "region", "producer.snapshot_copy.region");
    part.comes_from(&grant, "kms_key", "producer.snapshot_copy.kms_key_arn");
    part.after(&grant, cluster, "nothing in another region before there is something to copy");
    let spec = SnapshotCopySpec {
        cluster: cluster.name(),
        region: copy.region.clone(),
        retention: warehouse::days(copy.retention),
        grant: grant.name(),
    };
    let copying = part.add::<SnapshotCopy>("snapshot-copy", spec);
    part.comes_from(&copying, "region", "producer.snapshot_copy.region");
    part.comes_from(&copying, "retention", "producer.snapshot_copy.retention");
}
