//! Kind `ec2.vpc-endpoint`: a gateway endpoint, the way to S3 that does not cross the internet.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never touch the prefix-list routes that AWS puts into
//! the tables it names, nor its policy.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{RouteTableId, VpcEndpointId, VpcId},
    lookup::{ec2_filters, filter, is_asked, place},
    named, tags,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Tags, Typical,
    Which,
};
use aws_sdk_ec2::types::{self, Filter, ResourceType, VpcEndpointType};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A gateway endpoint of a VPC.
pub struct VpcEndpoint;

/// What a gateway endpoint is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct VpcEndpointSpec<S: Stage> {
    /// The VPC it serves.
    pub vpc: S::In<VpcId>,
    /// The service it leads to: `com.amazonaws.<region>.s3`.
    pub service: String,
    /// The tables that get a route to it.
    pub route_tables: BTreeSet<S::In<RouteTableId>>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(VpcEndpoint =>
    /// What an endpoint offers.
    VpcEndpointOutputs {
        at_once {
            /// The endpoint's id.
            id: VpcEndpointId,
        }
        ready {}
    }
);

/// Tells how far an endpoint is; `None` = gone. AWS spells states in more than one case (aws-facts.md 1.2).
fn readiness(state: &str, reason: Option<&str>) -> Option<Readiness> {
    let state = state.to_ascii_lowercase();
    Some(match state.as_str() {
        "deleted" => return None,
        "available" | "" => Readiness::Ready,
        "deleting" => Readiness::Deleting(state),
        "failed" | "rejected" | "expired" => {
            Readiness::Failed(reason.map_or_else(|| state.clone(), |reason| format!("{state}: {reason}")))
        }
        _ => Readiness::Pending(state),
    })
}

impl VpcEndpoint {
    fn live(endpoint: types::VpcEndpoint) -> Option<Live<Self>> {
        let (id, vpc, service) = (endpoint.vpc_endpoint_id?, endpoint.vpc_id?, endpoint.service_name?);
        let state = endpoint.state.as_ref().map_or("", |state| state.as_str());
        let last_error = endpoint.last_error.and_then(|error| error.message);
        let mut readiness = readiness(state, endpoint.failure_reason.or(last_error).as_deref())?;
        if let Some(other) = endpoint.vpc_endpoint_type.filter(|of| *of != VpcEndpointType::Gateway) {
            readiness = Readiness::Failed(format!("it is of type {}, not Gateway", other.as_str()));
        }
        let spec = VpcEndpointSpec {
            vpc: vpc.into(),
            service,
            route_tables: endpoint.route_table_ids.unwrap_or_default().into_iter().map(Into::into).collect(),
            tags: tags::from_ec2(endpoint.tags.as_deref()),
        };
        Some(Live { outputs: VpcEndpointOutputs { id: id.clone().into() }, id: Id(id), spec, readiness })
    }

    async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Live<Self>>, Fault> {
        let pages = aws.ec2.describe_vpc_endpoints().set_filters(Some(filters)).into_paginator().items().send();
        let endpoints: Vec<_> = pages.collect::<Result<_, _>>().called("ec2:DescribeVpcEndpoints").await?;
        Ok(endpoints.into_iter().filter_map(Self::live).collect())
    }

    /// Adds and removes route tables in one call. Compares with AWS first: adding a table twice is an error, and this
    /// step may be a repetition.
    async fn set_route_tables(aws: &Aws, job: &Job<'_, Self>) -> Result<(), Fault> {
        let live = Self::describe(aws, vec![filter("vpc-endpoint-id", &[job.id.as_str()])]).await?;
        let before = live.first().map_or(&job.before.route_tables, |l| &l.spec.route_tables);
        let wanted = &job.spec.route_tables;
        if before == wanted {
            return Ok(());
        }
        let call = aws
            .ec2
            .modify_vpc_endpoint()
            .vpc_endpoint_id(job.id.as_str())
            .set_add_route_table_ids(difference(wanted, before))
            .set_remove_route_table_ids(difference(before, wanted));
        call.send().called("ec2:ModifyVpcEndpoint").await?;
        Ok(())
    }

    /// Deletes it: AWS reports failures inside a success.
    async fn delete(aws: &Aws, id: &Id) -> Result<(), Fault> {
        const CALL: &str = "ec2:DeleteVpcEndpoints";
        let Some(answer) =
            found(aws.ec2.delete_vpc_endpoints().vpc_endpoint_ids(id.as_str()).send().called(CALL).await)?
        else {
            return Ok(());
        };
        let failed = answer.unsuccessful.unwrap_or_default().into_iter().find_map(|item| item.error);
        let fault = failed.map(|error| {
            let (code, message) = (error.code.unwrap_or_default(), error.message.unwrap_or_default());
            Fault::answered(CALL, &code, &message)
        });
        found(fault.map_or(Ok(()), Err)).map(|_| ())
    }
}

/// Returns the tables of `one` that `other` lacks, if there are any.
fn difference(one: &BTreeSet<RouteTableId>, other: &BTreeSet<RouteTableId>) -> Option<Vec<String>> {
    let ids: Vec<String> = one.difference(other).cloned().map(Into::into).collect();
    (!ids.is_empty()).then_some(ids)
}

impl Kind for VpcEndpoint {
    const NAME: &'static str = "ec2.vpc-endpoint";
    const FIELDS: &'static [Field] = &[
        Field::replaces("vpc"),
        Field::replaces("service"),
        Field::updates("route_tables").reconnects("open connections to the service drop"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["ec2:DescribeVpcEndpoints"],
        create: &["ec2:CreateVpcEndpoint", "ec2:CreateTags"],
        update: &["ec2:DescribeVpcEndpoints", "ec2:ModifyVpcEndpoint", "ec2:CreateTags", "ec2:DeleteTags"],
        delete: &["ec2:DeleteVpcEndpoints"],
    };
    const TYPICAL: Typical = Typical { create: 10, update: 3, delete: 10 };
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["vpc", "service"];
    const NAMED_BY: &'static str = "its id, `vpce-...`";

    type Spec<S: Stage> = VpcEndpointSpec<S>;
    type Outputs = VpcEndpointOutputs;

    fn named(text: &str) -> Option<Named> {
        named::ec2(text, "vpce-")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let mut live = Vec::new();
        for filters in ec2_filters(look, "vpc-endpoint-id", which) {
            live.extend(Self::describe(look, filters).await?);
        }
        Ok(place(which, live, |question, l| {
            // AWS goes on showing an endpoint it deletes, tags and all: a predecessor, not what was just created.
            let predecessor = question.id.is_none() && matches!(l.readiness, Readiness::Deleting(_));
            !predecessor && is_asked(look, question, l, &l.spec.tags)
        }))
    }

    async fn create(aws: &Aws, spec: &VpcEndpointSpec<Known>, token: &str) -> Result<Created<Self>, Fault> {
        let tables = spec.route_tables.iter().cloned().map(Into::into).collect();
        let call = aws
            .ec2
            .create_vpc_endpoint()
            .vpc_endpoint_type(VpcEndpointType::Gateway)
            .vpc_id(spec.vpc.as_str())
            .service_name(&spec.service)
            .set_route_table_ids(Some(tables))
            .client_token(token)
            .tag_specifications(tags::ec2_specification(ResourceType::VpcEndpoint, &spec.tags));
        let answer = call.send().called("ec2:CreateVpcEndpoint").await?;
        let id = answer.vpc_endpoint.and_then(|endpoint| endpoint.vpc_endpoint_id);
        let id = id.ok_or_else(|| Fault::incomplete("ec2:CreateVpcEndpoint", "vpcEndpointId"))?;
        Ok(Created { outputs: VpcEndpointOutputs { id: id.clone().into() }, id: Id(id) })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        match job.step.name.as_str() {
            "set route_tables" => Self::set_route_tables(aws, &job).await?,
            "delete" => Self::delete(aws, job.id).await?,
            _ => tags::run_ec2(aws, job.step, job.id, &job.before.tags, &job.spec.tags).await?,
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_count_in_any_case() {
        assert_eq!(readiness("Available", None), Some(Readiness::Ready));
        assert_eq!(readiness("available", None), Some(Readiness::Ready));
        assert_eq!(readiness("Deleted", None), None);
        assert_eq!(readiness("deleting", None), Some(Readiness::Deleting("deleting".into())));
        assert_eq!(readiness("PendingAcceptance", None), Some(Readiness::Pending("pendingacceptance".into())));
        assert_eq!(readiness("failed", Some("no table")), Some(Readiness::Failed("failed: no table".into())));
    }

    #[test]
    fn only_what_differs_is_sent() {
        let set = |ids: &[&str]| ids.iter().map(|id| RouteTableId::from(*id)).collect::<BTreeSet<_>>();
        assert_eq!(difference(&set(&["a", "b"]), &set(&["b"])), Some(vec!["a".to_owned()]));
        assert_eq!(difference(&set(&["b"]), &set(&["a", "b"])), None, "an empty list is left out of the call");
    }
}
