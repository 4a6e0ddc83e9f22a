//! The component `producer`: the warehouse that takes the writes, its key and its role.
//!
//! Called by `build`. Its key and its role are the same whether it is serverless or a cluster: they survive a switch.

use super::{
    Component, Stack, access, cluster,
    monitoring::Watch,
    networking::Network,
    sharing::Place,
    warehouse::{self, Budget, Described, Warehouse},
};
use crate::{
    aws::{
        Owner,
        alias::{Alias, AliasSpec},
        ids::KeyArn,
        key::{Key, KeySpec},
        namespace::Namespace,
        policy::partition,
        scheduled_action::{ScheduledAction, ScheduledActionSpec},
        serverless_snapshot_copy::{ServerlessSnapshotCopy, ServerlessSnapshotCopySpec},
        workgroup::Workgroup,
    },
    config::typed::{AdminPassword, Capacity, Config, ProducerKind},
    kind::{Handle, In, Tags},
};

/// Describes the producer. Answers where statements can be sent, if they can.
pub(super) fn describe<'a>(
    stack: &mut Stack,
    config: &'a Config,
    owner: &Owner,
    network: &Network,
    watch: &Watch<'_>,
    shared: bool,
) -> Option<Place<'a>> {
    let mut part = stack.component("producer", "producer");
    let key = key(&mut part, config);
    let managed = config.producer.admin_password == AdminPassword::Managed;
    let ((namespace, arn), compute, open) = match &config.producer.kind {
        // Without a secret there is no way in that may share (aws-facts.md 11); what has been shared stays.
        ProducerKind::Serverless(capacity) => {
            let Described { namespace, runs, .. } =
                serverless(&mut part, config, owner, network, watch, (*capacity, key));
            ((namespace.id(), namespace.arn()), runs, managed || shared)
        }
        ProducerKind::Cluster(wanted) => {
            let cluster = cluster::describe(&mut part, config, owner, network, wanted, key);
            watch.cluster(&mut part, &cluster);
            ((cluster.namespace_id(), cluster.namespace_arn()), cluster.address().clone(), true)
        }
    };
    let database = config.producer.database.as_str();
    open.then(|| Place { component: "producer".to_owned(), namespace, arn, database, compute })
}

/// Describes the key, which is the same for both forms of the producer; returns the user's own if there is one.
fn key(part: &mut Component<'_>, config: &Config) -> In<KeyArn> {
    let producer = &config.producer;
    if let Some(arn) = &producer.kms_key_arn {
        return In::Literal(arn.as_str().into());
    }
    // The final snapshot is encrypted with the key: where one will be taken, the key outlives the estate.
    let retain = producer.final_snapshot;
    let description = format!("rsds: data of {}", config.producer_name());
    let spec = KeySpec { description, rotation: true, enabled: true, retain, tags: Tags::new() };
    let key = part.add::<Key>("key", spec);
    part.comes_from(&key, "retain", "producer.final_snapshot");
    let alias = AliasSpec { name: format!("alias/{}", config.producer_name()), key: key.arn() };
    part.add::<Alias>("key-alias", alias);
    key.arn()
}

fn serverless(
    part: &mut Component<'_>,
    config: &Config,
    owner: &Owner,
    network: &Network,
    watch: &Watch<'_>,
    (capacity, key): (Capacity, In<KeyArn>),
) -> Described {
    let (producer, name) = (&config.producer, config.producer_name());
    let warehouse = Warehouse {
        name: name.clone(),
        capacity,
        database: &producer.database,
        admin_username: &producer.admin_username,
        managed_password: producer.admin_password == AdminPassword::Managed,
        kms_key: Some(key),
        s3_buckets: &producer.s3_buckets,
        writes_to_s3: true,
        all_commands: false,
        log_exports: &producer.logging,
        log_retention: producer.log_retention,
        final_snapshot: producer.final_snapshot,
        restore: producer.restore.as_ref(),
        parameters: producer.parameters.clone(),
        port: producer.port,
        enhanced_vpc_routing: producer.enhanced_vpc_routing,
        publicly_accessible: producer.publicly_accessible,
        security_group: &network.producer_group,
    };
    let described = warehouse::describe(part, config, owner, network, warehouse);
    let Described { namespace, workgroup, .. } = &described;
    name_keys(part, namespace);
    for (index, limit) in producer.usage_limits.iter().enumerate() {
        let resource = format!("usage-limit-{}-{}", limit.feature.as_str(), limit.period.as_str());
        let budget = Budget { period: limit.period, rpu_hours: limit.amount, action: limit.action };
        let (key, of) = (format!("producer.usage_limits[{index}]"), (name.as_str(), resource.as_str()));
        warehouse::usage_limit(part, watch, of, workgroup, budget, (&key, "amount"));
    }
    watch.workgroup(part, &name, workgroup, capacity, None);
    watch.storage(part, namespace);
    snapshots(part, config, owner, namespace, workgroup);
    copies(part, config, &described);
    described
}

/// Describes when snapshots of it are taken.
fn snapshots(
    part: &mut Component<'_>,
    config: &Config,
    owner: &Owner,
    namespace: &Handle<Namespace>,
    workgroup: &Handle<Workgroup>,
) {
    let (producer, name) = (&config.producer, config.producer_name());
    let Some(when) = &producer.snapshot_schedule else { return };
    // ARNs of namespaces and snapshots hold UUIDs (aws-facts.md 6): no right is narrower before both are there.
    let arn = format!("arn:{}:redshift-serverless:{}:*:*", partition(&config.region), config.region);
    let rights = ["redshift-serverless:CreateSnapshot", "redshift-serverless:TagResource"];
    let (role, policy) = access::scheduler(part, owner, &name, &rights, &arn);
    let spec = ScheduledActionSpec {
        name: format!("{name}-snapshot"),
        namespace: namespace.name(),
        schedule: when.clone(),
        role: role.arn(),
        prefix: part.physical_name("namespace", name.as_str()),
        retention: warehouse::days(producer.snapshot_retention),
        description: format!("rsds: snapshots of {name}"),
        enabled: true,
    };
    let scheduled = part.add::<ScheduledAction>("snapshot-schedule", spec);
    part.comes_from(&scheduled, "schedule", "producer.snapshot_schedule");
    part.comes_from(&scheduled, "retention", "producer.snapshot_retention");
    part.after(&scheduled, &policy, "a right before its use");
    part.after(&scheduled, workgroup, "only a namespace with a workgroup takes snapshots");
}

/// Describes where its snapshots are copied to.
fn copies(part: &mut Component<'_>, config: &Config, described: &Described) {
    let Some(copy) = &config.producer.snapshot_copy else { return };
    let spec = ServerlessSnapshotCopySpec {
        namespace: described.namespace.name(),
        region: copy.region.clone(),
        retention: warehouse::days(copy.retention),
        kms_key: copy.kms_key_arn.as_deref().map(KeyArn::from),
    };
    let copying = part.add::<ServerlessSnapshotCopy>("snapshot-copy", spec);
    part.after_address(&copying, &described.runs, "a namespace takes one change at a time");
    for (field, key) in [("region", "region"), ("retention", "retention"), ("kms_key", "kms_key_arn")] {
        part.comes_from(&copying, field, &format!("producer.snapshot_copy.{key}"));
    }
}

fn name_keys(part: &mut Component<'_>, namespace: &Handle<Namespace>) {
    part.comes_from(namespace, "managed_password", "producer.admin_password");
    part.comes_from(namespace, "kms_key", "producer.kms_key_arn");
    part.comes_from(namespace, "log_exports", "producer.logging");
}
