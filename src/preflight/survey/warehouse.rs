//! Questions about Redshift, provisioned and serverless.
//!
//! Called by `Ask::answer`. Must only ever read.

use super::{Fact, Thing, named, things};
use crate::aws::{Aws, Fault, fault::Called};
use std::collections::BTreeSet;

/// The most objects Redshift tells on one page.
const PAGE: i32 = 100;

pub(super) async fn namespaces(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.serverless.list_namespaces().max_results(PAGE).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift-serverless:ListNamespaces").await?;
    Ok(things(all.into_iter().map(|namespace| named(namespace.namespace_name))))
}

/// Each with its base capacity.
pub(super) async fn workgroups(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.serverless.list_workgroups().max_results(PAGE).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift-serverless:ListWorkgroups").await?;
    Ok(things(all.into_iter().map(|workgroup| {
        let amount = workgroup.base_capacity.and_then(|base| base.try_into().ok()).unwrap_or_default();
        Some(Thing { name: workgroup.workgroup_name?, of: workgroup.namespace_name.unwrap_or_default(), amount })
    })))
}

pub(super) async fn endpoints(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.serverless.list_endpoint_access().max_results(PAGE).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift-serverless:ListEndpointAccess").await?;
    Ok(things(all.into_iter().map(|endpoint| named(endpoint.endpoint_name))))
}

/// Each with its nodes, twice those of a cluster in two zones.
pub(super) async fn clusters(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.redshift.describe_clusters().max_records(PAGE).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift:DescribeClusters").await?;
    Ok(things(all.into_iter().map(|cluster| {
        let nodes: u64 = cluster.number_of_nodes.and_then(|nodes| nodes.try_into().ok()).unwrap_or_default();
        let twice = cluster.multi_az.is_some_and(|mode| mode.eq_ignore_ascii_case("enabled"));
        let of = cluster.vpc_id.unwrap_or_default();
        Some(Thing { name: cluster.cluster_identifier?, of, amount: if twice { 2 * nodes } else { nodes } })
    })))
}

pub(super) async fn subnet_groups(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.redshift.describe_cluster_subnet_groups().max_records(PAGE).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift:DescribeClusterSubnetGroups").await?;
    Ok(things(all.into_iter().map(|group| named(group.cluster_subnet_group_name))))
}

/// Those that AWS brings along (`default.…`) do not count.
pub(super) async fn parameter_groups(aws: &Aws) -> Result<Fact, Fault> {
    let pages = aws.redshift.describe_cluster_parameter_groups().max_records(PAGE).into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift:DescribeClusterParameterGroups").await?;
    let own =
        all.into_iter().filter_map(|group| group.parameter_group_name).filter(|name| !name.starts_with("default."));
    Ok(things(own.map(|name| named(Some(name)))))
}

pub(super) async fn cluster_snapshots(aws: &Aws) -> Result<Fact, Fault> {
    let call = aws.redshift.describe_cluster_snapshots().snapshot_type("manual").max_records(PAGE);
    let pages = call.into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift:DescribeClusterSnapshots").await?;
    Ok(things(all.into_iter().map(|snapshot| named(snapshot.snapshot_identifier))))
}

/// The zones in which a node type can be had, each once; `of` says for how many nodes.
pub(super) async fn node_type(aws: &Aws, name: &str) -> Result<Fact, Fault> {
    let call = aws.redshift.describe_orderable_cluster_options().node_type(name).max_records(PAGE);
    let pages = call.into_paginator().items().send();
    let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift:DescribeOrderableClusterOptions").await?;
    let offers: BTreeSet<(String, String)> = all
        .into_iter()
        .flat_map(|option| {
            let of = option.cluster_type.unwrap_or_default();
            let zones = option.availability_zones.unwrap_or_default();
            zones.into_iter().filter_map(move |zone| Some((zone.name?, of.clone())))
        })
        .collect();
    Ok(things(offers.into_iter().map(|(name, of)| Some(Thing { name, of, amount: 0 }))))
}
