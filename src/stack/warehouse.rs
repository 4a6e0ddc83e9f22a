//! What a serverless producer and every consumer have alike: a role, a namespace and a workgroup.
//!
//! Called by `producer` and `consumers`. Must never hold what only one of them has.

use super::{Component, access, monitoring::Watch, networking::Network};
use crate::{
    address::Address,
    aws::{
        Owner,
        ids::{KeyArn, PolicyArn},
        log_group::{LogGroup, LogGroupSpec},
        namespace::{Namespace, NamespaceSpec},
        policy::partition,
        restore::{Restore, RestoreSpec},
        role_policy_attachment::{RolePolicyAttachment, RolePolicyAttachmentSpec},
        security_group::SecurityGroup,
        usage_limit::{UsageLimit, UsageLimitSpec},
        workgroup::{Workgroup, WorkgroupSpec},
    },
    config::typed::{BreachAction, Capacity, Config, LimitedFeature, LogExport, Period},
    kind::{Handle, In, Tags},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The principals that may take a serverless warehouse's role on (aws-facts.md 2).
const REDSHIFT: [&str; 2] = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"];

const SECONDS_A_DAY: u64 = 86_400;

/// Returns how many whole days a retention has.
pub(super) fn days(kept: Duration) -> u32 {
    u32::try_from(kept.as_secs() / SECONDS_A_DAY).unwrap_or(u32::MAX)
}

/// A serverless warehouse to be described.
pub(super) struct Warehouse<'a> {
    pub(super) name: String,
    pub(super) capacity: Capacity,
    pub(super) database: &'a str,
    pub(super) admin_username: &'a str,
    pub(super) managed_password: bool,
    pub(super) kms_key: Option<In<KeyArn>>,
    pub(super) s3_buckets: &'a [String],
    pub(super) writes_to_s3: bool,
    /// Whether the role has `AmazonRedshiftAllCommandsFullAccess`.
    pub(super) all_commands: bool,
    pub(super) log_exports: &'a [LogExport],
    pub(super) log_retention: Option<Duration>,
    pub(super) final_snapshot: bool,
    pub(super) restore: Option<&'a String>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) port: u16,
    pub(super) enhanced_vpc_routing: bool,
    pub(super) publicly_accessible: bool,
    pub(super) security_group: &'a Handle<SecurityGroup>,
}

/// What of a warehouse others hang on.
pub(super) struct Described {
    pub(super) namespace: Handle<Namespace>,
    pub(super) workgroup: Handle<Workgroup>,
    /// What must be done before a statement finds what it is about.
    pub(super) runs: Address,
}

/// Describes the warehouse within its component.
pub(super) fn describe(
    part: &mut Component<'_>,
    config: &Config,
    owner: &Owner,
    network: &Network,
    warehouse: Warehouse<'_>,
) -> Described {
    let role = access::role(part, owner, &warehouse.name, &REDSHIFT);
    let partition = partition(&config.region);
    let namespace = part.add::<Namespace>(
        "namespace",
        NamespaceSpec {
            name: warehouse.name.as_str().into(),
            database: warehouse.database.to_owned(),
            admin_username: warehouse.admin_username.to_owned(),
            managed_password: warehouse.managed_password,
            kms_key: warehouse.kms_key,
            roles: BTreeSet::from([role.arn()]),
            default_role: Some(role.arn()),
            log_exports: warehouse.log_exports.iter().map(|export| export.as_str().to_owned()).collect(),
            final_snapshot: warehouse.final_snapshot,
            snapshot: warehouse.restore.cloned(),
            tags: Tags::new(),
        },
    );
    let prefix = format!("/aws/redshift/{}", part.physical_name("namespace", warehouse.name.as_str()));
    for group in log_groups(part, &prefix, warehouse.log_exports, warehouse.log_retention) {
        part.after(&namespace, &group, "a log group before Redshift makes one that keeps its logs for ever");
    }
    let policy = access::buckets(part, config, &role, warehouse.s3_buckets, warehouse.writes_to_s3);
    if let Some(policy) = policy {
        part.after(&namespace, &policy, "a policy before its use");
    }
    if warehouse.all_commands {
        let arn = format!("arn:{partition}:iam::aws:policy/AmazonRedshiftAllCommandsFullAccess");
        let spec = RolePolicyAttachmentSpec { role: role.name(), policy: PolicyArn(arn) };
        let attachment = part.add::<RolePolicyAttachment>("role-policy-attachment", spec);
        part.after(&namespace, &attachment, "a policy before its use");
    }
    let workgroup = part.add::<Workgroup>(
        "workgroup",
        WorkgroupSpec {
            name: warehouse.name.as_str().into(),
            namespace: namespace.name(),
            base_capacity: warehouse.capacity.base,
            max_capacity: warehouse.capacity.max,
            parameters: warehouse.parameters,
            vpc: network.vpc.clone(),
            subnets: network.subnet_ids(),
            security_groups: BTreeSet::from([warehouse.security_group.id()]),
            port: warehouse.port,
            enhanced_vpc_routing: warehouse.enhanced_vpc_routing,
            publicly_accessible: warehouse.publicly_accessible,
            tags: Tags::new(),
        },
    );
    network.name_keys(part, &workgroup);
    if warehouse.publicly_accessible {
        part.after_all(&workgroup, &network.way_out, "a public endpoint needs the route to the internet");
    }
    let restore = warehouse.restore.map(|snapshot| {
        restore(part, (&namespace, &workgroup), snapshot, warehouse.managed_password).address().clone()
    });
    let runs = restore.unwrap_or_else(|| workgroup.address().clone());
    Described { namespace, workgroup, runs }
}

/// Describes what it is filled from. That is once and for all: a snapshot that the TOML no longer names leaves nothing to do.
fn restore(
    part: &mut Component<'_>,
    (namespace, workgroup): (&Handle<Namespace>, &Handle<Workgroup>),
    snapshot: &str,
    managed_password: bool,
) -> Handle<Restore> {
    let spec = RestoreSpec {
        namespace: namespace.arn(),
        namespace_name: namespace.name(),
        workgroup: workgroup.name(),
        snapshot: snapshot.to_owned(),
        managed_password,
    };
    let restore = part.add::<Restore>("restore", spec);
    part.after(&restore, workgroup, "a namespace is restored through its workgroup");
    let key = format!("{}.restore.snapshot", part.origin());
    part.comes_from(namespace, "snapshot", &key);
    part.comes_from(&restore, "snapshot", &key);
    restore
}

/// Describes one log group for each exported log, `<prefix>/<log>`: to be there before what exports to it.
pub(super) fn log_groups(
    part: &mut Component<'_>,
    prefix: &str,
    exports: &[LogExport],
    retention: Option<Duration>,
) -> Vec<Handle<LogGroup>> {
    let origin = format!("{}.log_retention", part.origin());
    let days = retention.and_then(|kept| i32::try_from(days(kept)).ok());
    let group = |export: &LogExport| {
        let log = export.as_str();
        let spec = LogGroupSpec { name: format!("{prefix}/{log}"), retention_days: days, tags: Tags::new() };
        let group = part.add::<LogGroup>(&format!("log-group-{log}"), spec);
        part.comes_from(&group, "retention_days", &origin);
        group
    };
    exports.iter().map(group).collect()
}

/// What a workgroup may use.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    pub(super) period: Period,
    pub(super) rpu_hours: u32,
    pub(super) action: BreachAction,
}

/// Describes the budget of a workgroup, and the alarm on it. `key` is the TOML table it comes from, in which the amount is
/// called `amount`.
pub(super) fn usage_limit(
    part: &mut Component<'_>,
    watch: &Watch<'_>,
    (warehouse, resource): (&str, &str),
    workgroup: &Handle<Workgroup>,
    budget: Budget,
    (key, amount): (&str, &str),
) {
    let spec = UsageLimitSpec {
        workgroup: workgroup.arn(),
        usage_type: LimitedFeature::ServerlessCompute.as_str().to_owned(),
        period: budget.period.as_str().to_owned(),
        amount: budget.rpu_hours.into(),
        breach_action: budget.action.as_str().to_owned(),
    };
    let limit = part.add::<UsageLimit>(resource, spec);
    for (field, name) in [("period", "period"), ("amount", amount), ("breach_action", "action")] {
        part.comes_from(&limit, field, &format!("{key}.{name}"));
    }
    watch.usage_limit(part, warehouse, resource, workgroup, (&limit, budget));
}
