//! Kind `redshift.cluster`: a provisioned RA3 cluster, its databases and the addresses clients reach it by.
//!
//! Driven by `plan` and `apply` through the list of kinds; what AWS shows of one is read in `cluster_shown`, the steps
//! of a change are in `cluster_change`. Must never see an admin password (AWS keeps it in a secret of its own, or someone
//! else does), nor touch what lies inside the databases.

use super::{
    Aws, Class, Fault, Look,
    cluster_change::{self, CLASSIC, CLASSIC_SECONDS, ELASTIC_SECONDS},
    cluster_restore,
    cluster_shown::{final_snapshot, outputs, readiness, spec},
    fault::{Called, found},
    ids::{
        ClusterArn, ClusterName, ClusterParameterGroupName, ClusterSubnetGroupName, KeyArn, NamespaceArn, NamespaceId,
        RoleArn, SecretArn, SecurityGroupId,
    },
    lookup::{asks, place},
    named, naming, number, redshift,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Impact, Job, Kind, Known, Live, Named, Readiness, Refusal, Stage, Step, Tags,
    Typical, Which,
};
use aws_sdk_redshift::types;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

/// A provisioned cluster. Its id is its identifier.
pub struct Cluster;

/// What a cluster is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct ClusterSpec<S: Stage> {
    /// Its identifier, unique per account and region.
    pub name: ClusterName,
    /// The first database.
    pub database: String,
    /// The admin user.
    pub admin_username: String,
    /// Whether AWS makes and keeps the admin password; otherwise someone else does.
    pub managed_password: bool,
    /// The node type, such as `ra3.xlplus`.
    pub node_type: String,
    /// How many nodes it has; in each of two zones if it is in two.
    pub node_count: u32,
    /// The port it listens on: 5431-5455 or 8191-8215.
    pub port: u16,
    /// The key its data is encrypted with; AWS's own when absent.
    pub kms_key: Option<S::In<KeyArn>>,
    /// The subnets it may lie in.
    pub subnet_group: S::In<ClusterSubnetGroupName>,
    /// Its database parameters.
    pub parameter_group: S::In<ClusterParameterGroupName>,
    /// The security groups of its addresses.
    pub security_groups: BTreeSet<S::In<SecurityGroupId>>,
    /// The roles its statements may use.
    pub roles: BTreeSet<S::In<RoleArn>>,
    /// The role that statements use which name none; one of `roles`.
    pub default_role: Option<S::In<RoleArn>>,
    /// Whether its traffic to other services stays in the VPC.
    pub enhanced_vpc_routing: bool,
    /// Whether it has a public address too.
    pub publicly_accessible: bool,
    /// Whether it runs in two zones at once.
    pub multi_az: bool,
    /// Whether AWS may move it to another zone; AWS decides when absent.
    #[serde(default)]
    pub availability_zone_relocation: Option<bool>,
    /// When AWS may work on it, `ddd:hh:mm-ddd:hh:mm` in UTC; AWS decides when absent.
    #[serde(default)]
    pub maintenance_window: Option<String>,
    /// For how many days automated snapshots are kept.
    pub snapshot_retention: u32,
    /// Whether its deletion leaves a snapshot, `<name>-final-<8 hex digits of its namespace id>`, and
    /// `-2` and so on after it where that is taken. AWS knows nothing of it.
    pub final_snapshot: bool,
    /// The snapshot it is made from, by name or ARN; none: it is made empty. Its first database and its admin are then
    /// the snapshot's.
    #[serde(default)]
    pub snapshot: Option<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Cluster =>
    /// What a cluster offers.
    ClusterOutputs {
        at_once {
            /// The cluster's ARN; it holds the name.
            arn: ClusterArn,
        }
        ready {
            /// The cluster's name, which logging and limits go by: available first.
            name: ClusterName,
            /// The host name clients dial.
            endpoint: String,
            /// The private addresses: of its endpoint in the VPC, or of its nodes.
            addresses: BTreeSet<IpAddr>,
            /// The namespace's id, which data sharing goes by.
            namespace_id: NamespaceId,
            /// The namespace's ARN.
            namespace_arn: NamespaceArn,
            /// AWS's word on its parameters: `in-sync`, or `pending-reboot` when static ones wait for one.
            parameter_status: String,
        }
        maybe {
            /// The secret AWS keeps the admin password in, if AWS keeps it.
            admin_secret: SecretArn,
        }
    }
);

/// Reads every cluster of the region, once a look: what hangs on clusters is shown with them.
pub(super) async fn all(look: &Look) -> Result<Arc<Vec<types::Cluster>>, Fault> {
    look.once("redshift:DescribeClusters", async {
        let pages = look.redshift.describe_clusters().max_records(redshift::PAGE).into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().called("redshift:DescribeClusters").await
    })
    .await
}

/// Reads one cluster; `None` if it is gone.
pub(super) async fn describe(aws: &Aws, name: &str) -> Result<Option<types::Cluster>, Fault> {
    let call = aws.redshift.describe_clusters().cluster_identifier(name);
    let answer = found(call.send().called("redshift:DescribeClusters").await)?;
    Ok(answer.and_then(|answer| answer.clusters.unwrap_or_default().into_iter().next()))
}

/// Reads the names of the manual snapshots of a cluster, and of its predecessors of that name.
async fn snapshots(aws: &Aws, name: &str) -> Result<BTreeSet<String>, Fault> {
    let call = aws.redshift.describe_cluster_snapshots().cluster_identifier(name).max_records(redshift::PAGE);
    let pages = call.into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift:DescribeClusterSnapshots").await?;
    Ok(all.into_iter().filter_map(|snapshot| snapshot.snapshot_identifier).collect())
}

/// Tells a cluster that is busy, and soon is not, from one that is paused: AWS refuses a change of either with one
/// code, and for the latter it is of no use to ask again.
pub(super) async fn refused(aws: &Aws, name: &str, fault: Fault) -> Fault {
    if fault.code != "InvalidClusterState" {
        return fault;
    }
    match describe(aws, name).await {
        Ok(Some(cluster)) if cluster.cluster_status() == Some("paused") => {
            let message = format!("{} The cluster is paused: {}", fault.message, resume(name));
            Fault { class: Class::Invalid, message, ..fault }
        }
        _ => fault,
    }
}

fn resume(name: &str) -> String {
    format!("wake {name} first: rsds resume")
}

impl Cluster {
    fn live(aws: &Aws, shown: &types::Cluster, recorded: Option<&ClusterSpec<Known>>) -> Live<Self> {
        let name = shown.cluster_identifier().unwrap_or_default();
        let arn = redshift::arn(aws, "cluster", name);
        let mut spec = spec(shown, &arn, recorded);
        // A cluster without an endpoint (new, or asleep) shows no port.
        if let (0, Some(recorded)) = (spec.port, recorded) {
            spec.port = recorded.port;
        }
        let readiness = readiness(shown, recorded.is_some_and(|spec| spec.managed_password));
        Live { id: Id(name.to_owned()), spec, outputs: outputs(shown, arn.into()), readiness }
    }

    /// Deletes the cluster, unless that is under way or done.
    async fn delete(aws: &Aws, name: &str, spec: &ClusterSpec<Known>) -> Result<(), Fault> {
        let Some(shown) = describe(aws, name).await? else { return Ok(()) };
        if matches!(readiness(&shown, false), Readiness::Deleting(_)) {
            return Ok(());
        }
        let call = aws.redshift.delete_cluster().cluster_identifier(name);
        let call = match (spec.final_snapshot, shown.cluster_namespace_arn()) {
            (false, _) => call.skip_final_cluster_snapshot(true),
            (true, Some(arn)) => {
                let snapshot = redshift::unused(final_snapshot(name, arn), &snapshots(aws, name).await?);
                call.final_cluster_snapshot_identifier(snapshot)
            }
            (true, None) => return Err(Fault::incomplete("redshift:DescribeClusters", "ClusterNamespaceArn")),
        };
        found(call.send().called("redshift:DeleteCluster").await)?;
        Ok(())
    }
}

/// Returns the type AWS calls a cluster of so many nodes, and the number it then wants (aws-facts.md 5.3).
pub(super) fn size(nodes: u32) -> (&'static str, Option<i32>) {
    if nodes == 1 { ("single-node", None) } else { ("multi-node", Some(number::sent(nodes))) }
}

/// The texts of a list that a call takes; none where it would be empty.
pub(super) fn texts<T: ToString>(ids: &BTreeSet<T>) -> Option<Vec<String>> {
    Some(ids.iter().map(ToString::to_string).collect()).filter(|ids: &Vec<String>| !ids.is_empty())
}

impl Kind for Cluster {
    const NAME: &'static str = "redshift.cluster";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("database"),
        Field::replaces("admin_username"),
        Field::updates("managed_password").security().reconnects("the admin password changes"),
        Field::updates("node_type").takes(CLASSIC_SECONDS).invalidates(&["addresses"]).outage(CLASSIC),
        Field::updates("node_count")
            .takes(ELASTIC_SECONDS)
            .invalidates(&["addresses"])
            .outage("an elastic resize: connections drop, and consumers cannot read for some minutes"),
        Field::updates("port").restarts("clients must dial the new port"),
        Field::updates("kms_key")
            .security()
            .takes(1200)
            .reconnects("the data is encrypted anew in the background, for hours"),
        Field::replaces("subnet_group").follows(),
        Field::updates("parameter_group")
            .security()
            .notes("static parameters take effect when the cluster is rebooted"),
        Field::updates("security_groups").security().reconnects("clients the new groups do not admit lose access"),
        Field::updates("roles").security(),
        Field::updates("default_role").security(),
        Field::updates("enhanced_vpc_routing").security().reconnects("connections drop"),
        Field::updates("publicly_accessible").security().invalidates(&["addresses"]).reconnects("connections drop"),
        Field::updates("multi_az").invalidates(&["addresses"]).restarts("connections drop"),
        Field::updates("availability_zone_relocation").invalidates(&["addresses"]).notes("it stays where it is"),
        Field::updates("maintenance_window"),
        Field::updates("snapshot_retention").security(),
        Field::updates("final_snapshot").unreadable(),
        Field::updates("snapshot").once(),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift:DescribeClusters"],
        create: &[
            "redshift:CreateCluster",
            "redshift:RestoreFromClusterSnapshot",
            "redshift:CreateTags",
            "ec2:DescribeVpcs",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAddresses",
            "ec2:DescribeInternetGateways",
            "iam:CreateServiceLinkedRole",
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "secretsmanager:CreateSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetRandomPassword",
            "secretsmanager:RotateSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UpdateSecret",
        ],
        update: &[
            "redshift:ModifyCluster",
            "redshift:ModifyClusterIamRoles",
            "redshift:ResizeCluster",
            "redshift:CreateTags",
            "redshift:DeleteTags",
            "ec2:DescribeSecurityGroups",
            "iam:PassRole",
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "secretsmanager:CreateSecret",
            "secretsmanager:GetRandomPassword",
            "secretsmanager:TagResource",
        ],
        delete: &[
            "redshift:DeleteCluster",
            "redshift:CreateClusterSnapshot",
            "redshift:DescribeClusterSnapshots",
            "secretsmanager:DeleteSecret",
            "kms:RetireGrant",
        ],
    };
    const TYPICAL: Typical = Typical { create: 360, update: 120, delete: 240 };
    const LONGEST: u32 = 24 * 60 * 60;
    const STABLE_READS: u32 = 2;
    const CARRIES: bool = true;
    const KEY: &'static [&'static str] = &["name"];
    const HOLDS_DATA: bool = true;
    const RECOVERY: &'static [&'static str] = &[
        "to see whether there are snapshots: aws redshift describe-cluster-snapshots --cluster-identifier NAME",
        "to have it made from one: rsds apply --replace ADDRESS --set producer.restore.snapshot=SNAPSHOT",
    ];
    const SHOWS: &'static [&'static str] = &["endpoint", "port", "node_type", "node_count", "parameter_status"];
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = ClusterSpec<S>;
    type Outputs = ClusterOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::provisioned(name, 63)
    }

    fn named(text: &str) -> Option<Named> {
        named::name(text, "redshift", "cluster:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let all = all(look).await?;
        let live = all.iter().map(|shown| {
            let name = shown.cluster_identifier().unwrap_or_default();
            let question = which.iter().find(|question| asks(question, name, question.spec.name.as_str() == name));
            Self::live(look, shown, question.map(|question| &question.spec))
        });
        Ok(place(which, live, |question, l| asks(question, l.id.as_str(), question.spec.name == l.spec.name)))
    }

    fn refuse(changes: &Changes) -> Option<Refusal> {
        let command = "aws redshift modify-cluster --no-manage-master-password --master-user-password ... \
                       --cluster-identifier NAME";
        redshift::refuse_password(changes, command).or_else(|| redshift::refuse_restore(changes, "cluster"))
    }

    fn notice(outputs: &ClusterOutputs, readiness: &Readiness) -> Option<String> {
        let name = outputs.name.as_ref().map_or("", ClusterName::as_str);
        match (readiness, outputs.parameter_status.as_deref()) {
            (Readiness::Dormant(_), _) => Some(format!("it is paused, and changes to it wait: {}", resume(name))),
            (_, Some("pending-reboot")) => Some(format!(
                "static parameters wait for a reboot, which drops connections: aws redshift reboot-cluster \
                 --cluster-identifier {name}"
            )),
            _ => None,
        }
    }

    fn unmarked(asked: &ClusterSpec<Known>, shown: &ClusterSpec<Known>) -> bool {
        cluster_restore::unmarked(asked, shown)
    }

    async fn create(aws: &Aws, spec: &ClusterSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let name = spec.name.as_str();
        let none = types::Cluster::builder().build();
        let made =
            Created { id: Id(name.to_owned()), outputs: outputs(&none, redshift::arn(aws, "cluster", name).into()) };
        if let Some(snapshot) = &spec.snapshot {
            cluster_restore::send(aws, spec, snapshot).await?;
            return Ok(made);
        }
        let (cluster_type, nodes) = size(spec.node_count);
        let call = aws
            .redshift
            .create_cluster()
            .cluster_identifier(spec.name.as_str())
            .db_name(&spec.database)
            .master_username(&spec.admin_username)
            .manage_master_password(spec.managed_password)
            .cluster_type(cluster_type)
            .node_type(&spec.node_type)
            .set_number_of_nodes(nodes)
            .port(spec.port.into())
            .encrypted(true)
            .set_kms_key_id(spec.kms_key.clone().map(String::from))
            .cluster_subnet_group_name(spec.subnet_group.as_str())
            .cluster_parameter_group_name(spec.parameter_group.as_str())
            .set_vpc_security_group_ids(texts(&spec.security_groups))
            .set_iam_roles(texts(&spec.roles))
            .set_default_iam_role_arn(spec.default_role.clone().map(String::from))
            .enhanced_vpc_routing(spec.enhanced_vpc_routing)
            .publicly_accessible(spec.publicly_accessible)
            .multi_az(spec.multi_az)
            .set_availability_zone_relocation(spec.availability_zone_relocation)
            .set_preferred_maintenance_window(spec.maintenance_window.clone())
            .automated_snapshot_retention_period(number::sent(spec.snapshot_retention))
            .set_tags(Some(redshift::tag_list(&spec.tags)));
        call.send().called("redshift:CreateCluster").await?;
        Ok(made)
    }

    fn finish(spec: &ClusterSpec<Known>) -> Vec<Step> {
        cluster_restore::finish(spec)
    }

    fn impact(field: &Field, _: Option<&str>, before: &Json, after: &Json) -> Impact {
        cluster_change::impact(field, before, after)
    }

    fn update(changes: &Changes) -> Vec<Step> {
        cluster_change::steps(changes)
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let name = job.id.as_str();
        let done = match job.step.name.as_str() {
            "delete" => Self::delete(aws, name, job.spec).await,
            _ => cluster_change::run(aws, &job).await,
        };
        match done {
            Ok(()) => Ok(None),
            Err(fault) => Err(refused(aws, name, fault).await),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_redshift::types::ClusterParameterGroupStatus;

    #[test]
    fn pauses_and_reboots_are_told() {
        let status = ClusterParameterGroupStatus::builder().parameter_apply_status("pending-reboot").build();
        let cluster = || types::Cluster::builder().cluster_identifier("dw");
        let shown = outputs(&cluster().cluster_parameter_groups(status).build(), "arn".into());
        assert!(Cluster::notice(&shown, &Readiness::Ready).unwrap().contains("reboot-cluster --cluster-identifier dw"));
        let asleep = Cluster::notice(&shown, &Readiness::Dormant("paused".to_owned())).unwrap();
        assert!(asleep.contains("wake dw first: rsds resume"), "{asleep}");
        let quiet = outputs(&cluster().build(), "arn".into());
        assert_eq!(Cluster::notice(&quiet, &Readiness::Ready), None);
    }
}
