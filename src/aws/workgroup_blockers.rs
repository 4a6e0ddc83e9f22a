//! What keeps a workgroup from being deleted: its managed endpoints, and its custom domain (aws-facts.md 6.2).
//!
//! Called by `workgroup` after AWS has refused a deletion. Must never decide how long anything is waited for.

use super::{Aws, Fault, custom_domain, fault::Called};
use crate::kind::Blocker;
use aws_sdk_redshiftserverless::types::{Association, EndpointAccess};

fn endpoint(shown: &EndpointAccess) -> Blocker {
    let status = shown.endpoint_status().unwrap_or_default();
    Blocker::new(shown.endpoint_name().unwrap_or_default(), format!("its managed endpoint, {status}"))
        .marked(shown.endpoint_arn().map(str::to_owned))
        .passing(status == "DELETING")
}

fn domain(shown: &Association) -> Blocker {
    Blocker::new(shown.custom_domain_name().unwrap_or_default(), "its custom domain")
}

/// Returns what holds each of these workgroups.
pub(super) async fn of(aws: &Aws, workgroups: impl Iterator<Item = &str>) -> Result<Vec<Vec<Blocker>>, Fault> {
    let pages = aws.serverless.list_endpoint_access().into_paginator().items().send();
    let endpoints = pages.collect::<Result<Vec<_>, _>>().called("redshift-serverless:ListEndpointAccess");
    let (endpoints, domains) = tokio::try_join!(endpoints, custom_domain::all(aws))?;
    let held = |name: &str| {
        let endpoints = endpoints.iter().filter(|one| one.workgroup_name() == Some(name)).map(endpoint);
        let domains = domains.iter().filter(|one| one.workgroup_name() == Some(name)).map(domain);
        endpoints.chain(domains).collect()
    };
    Ok(workgroups.map(held).collect())
}
