//! A cluster that is made from a snapshot (aws-facts.md 5.3, 6.5): the call in the place of CreateCluster, and what it leaves to
//! be done.
//!
//! Called by the kind `redshift.cluster`. Must never restore over a cluster that stands: AWS cannot, and a new one in its
//! place is for a person to ask for.

use super::{
    Aws, Fault,
    cluster::{ClusterSpec, texts},
    fault::Called,
    number, tags,
};
use crate::kind::{Known, Step};

/// Sends the one call that makes it. The request names neither database nor admin, and takes no tags.
pub(super) async fn send(aws: &Aws, spec: &ClusterSpec<Known>, snapshot: &str) -> Result<(), Fault> {
    let call = aws.redshift.restore_from_cluster_snapshot().cluster_identifier(spec.name.as_str());
    let call = match account(snapshot) {
        Some(account) => {
            call.snapshot_arn(snapshot).set_owner_account((account != aws.account).then(|| account.to_owned()))
        }
        None => call.snapshot_identifier(snapshot),
    };
    let call = call
        .set_manage_master_password(spec.managed_password.then_some(true))
        .node_type(&spec.node_type)
        .number_of_nodes(number::sent(spec.node_count))
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
        .automated_snapshot_retention_period(number::sent(spec.snapshot_retention));
    call.send().called("redshift:RestoreFromClusterSnapshot").await?;
    Ok(())
}

/// Returns the account of a snapshot that is named by its ARN.
pub(crate) fn account(snapshot: &str) -> Option<&str> {
    snapshot.starts_with("arn:").then(|| snapshot.split(':').nth(4)).flatten()
}

/// Names the steps after the call: its tags, which say whose it is, first of all.
pub(super) fn finish(spec: &ClusterSpec<Known>) -> Vec<Step> {
    let tags = Step { fields: vec!["tags".to_owned()], ..Step::new(tags::SET_TAGS) };
    spec.snapshot.iter().map(|_| tags.clone()).collect()
}

/// Tells whether what has no tags yet is what the call has made: it lies in the subnet group, and has the parameters, that
/// are the estate's own.
pub(super) fn unmarked(asked: &ClusterSpec<Known>, shown: &ClusterSpec<Known>) -> bool {
    let place = |spec: &ClusterSpec<Known>| (spec.subnet_group.clone(), spec.parameter_group.clone());
    asked.snapshot.is_some() && place(asked) == place(shown)
}
