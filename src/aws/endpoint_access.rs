//! Kind `redshift-serverless.endpoint-access`: a managed endpoint of a workgroup, with one address of its own.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent
//! and its workgroup is ours. Must never send a value AWS shows already.

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, found},
    ids::{SecurityGroupId, SubnetId, WorkgroupName},
    lookup::place,
    named,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Step, Typical, Which,
};
use aws_sdk_redshiftserverless::types::{self, EndpointAccess as AwsEndpoint};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, net::IpAddr};

/// The longest name (aws-facts.md 6.3).
const LONGEST_NAME: usize = 30;
/// The most endpoints one page holds.
const PAGE: i32 = 100;
const DELETING: &str = "DELETING";

/// A managed endpoint. Its id is its ARN, which another endpoint of the same name does not share.
pub struct EndpointAccess;

/// What a managed endpoint is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct EndpointAccessSpec<S: Stage> {
    /// Its name, unique in account and region, at most 30 characters.
    pub name: String,
    /// The workgroup it leads to.
    pub workgroup: S::In<WorkgroupName>,
    /// The subnets it may lie in; AWS picks one of them.
    pub subnets: BTreeSet<S::In<SubnetId>>,
    /// The security groups of its address.
    pub security_groups: BTreeSet<S::In<SecurityGroupId>>,
}

crate::outputs!(EndpointAccess =>
    /// What a managed endpoint offers.
    EndpointAccessOutputs {
        at_once {}
        ready {
            /// The host name clients dial.
            endpoint: String,
            /// Its private addresses: one today.
            addresses: BTreeSet<IpAddr>,
        }
    }
);

fn addresses(shown: &AwsEndpoint) -> BTreeSet<IpAddr> {
    let interfaces = shown.vpc_endpoint().map(types::VpcEndpoint::network_interfaces).unwrap_or_default();
    interfaces.iter().filter_map(|interface| interface.private_ip_address()?.parse().ok()).collect()
}

fn live(shown: &AwsEndpoint) -> Result<Live<EndpointAccess>, Fault> {
    let missing = |what| Fault::incomplete("redshift-serverless:ListEndpointAccess", what);
    let arn = shown.endpoint_arn().ok_or_else(|| missing("endpointArn"))?;
    let (host, addresses) = (shown.address().map(str::to_owned), addresses(shown));
    let readiness = match shown.endpoint_status() {
        Some(DELETING) => Readiness::Deleting(DELETING.to_owned()),
        Some("ACTIVE") if host.is_some() && !addresses.is_empty() => Readiness::Ready,
        Some("ACTIVE") => Readiness::Pending("ACTIVE, no address yet".to_owned()),
        status => Readiness::Pending(status.unwrap_or("CREATING").to_owned()),
    };
    let groups = shown.vpc_security_groups().iter().filter_map(|group| group.vpc_security_group_id());
    let spec = EndpointAccessSpec {
        name: shown.endpoint_name().ok_or_else(|| missing("endpointName"))?.to_owned(),
        workgroup: shown.workgroup_name().unwrap_or_default().into(),
        subnets: shown.subnet_ids().iter().map(|id| SubnetId(id.clone())).collect(),
        security_groups: groups.map(SecurityGroupId::from).collect(),
    };
    let outputs = EndpointAccessOutputs { endpoint: host, addresses: (!addresses.is_empty()).then_some(addresses) };
    Ok(Live { id: Id(arn.to_owned()), spec, outputs, readiness })
}

/// Tells whether `live` is the endpoint asked for: by id, and, while none is recorded, by name at our own workgroup.
fn fits(which: &Which<EndpointAccess>, live: &Live<EndpointAccess>) -> bool {
    match &which.id {
        Some(id) => *id == live.id,
        None => which.spec.name == live.spec.name && which.spec.workgroup == live.spec.workgroup,
    }
}

impl EndpointAccess {
    async fn get(aws: &Aws, name: &str) -> Result<Option<AwsEndpoint>, Fault> {
        let get = aws.serverless.get_endpoint_access().endpoint_name(name);
        let answer = found(get.send().called("redshift-serverless:GetEndpointAccess").await)?;
        Ok(answer.and_then(|answer| answer.endpoint))
    }

    /// Tells "the name is taken" from "the workgroup is busy": AWS answers both with one code (aws-facts.md 0.2).
    async fn refused(aws: &Aws, name: &str, fault: Fault) -> Fault {
        if fault.code != "ConflictException" {
            return fault;
        }
        match Self::get(aws, name).await {
            Ok(Some(taken)) if taken.endpoint_status() != Some(DELETING) => Fault { class: Class::Exists, ..fault },
            _ => fault,
        }
    }

    /// Sends the security groups, unless AWS shows them already: a step may run twice, a change may not.
    async fn set_security_groups(aws: &Aws, spec: &EndpointAccessSpec<Known>) -> Result<(), Fault> {
        let shown = Self::get(aws, &spec.name).await?;
        if let Some(shown) = shown
            && live(&shown)?.spec.security_groups == spec.security_groups
        {
            return Ok(());
        }
        let groups = spec.security_groups.iter().cloned().map(String::from).collect();
        let call = aws.serverless.update_endpoint_access().endpoint_name(&spec.name);
        let call = call.set_vpc_security_group_ids(Some(groups));
        call.send().called("redshift-serverless:UpdateEndpointAccess").await?;
        Ok(())
    }
}

impl Kind for EndpointAccess {
    const NAME: &'static str = "redshift-serverless.endpoint-access";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("workgroup").follows(),
        Field::replaces("subnets").follows(),
        Field::updates("security_groups").security().reconnects("clients the new groups do not admit lose access"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift-serverless:ListEndpointAccess"],
        create: &[
            "redshift-serverless:CreateEndpointAccess",
            "redshift-serverless:GetEndpointAccess",
            "redshift-serverless:ListWorkgroups",
            "ec2:CreateVpcEndpoint",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
        ],
        update: &[
            "redshift-serverless:GetEndpointAccess",
            "redshift-serverless:UpdateEndpointAccess",
            "ec2:ModifyVpcEndpoint",
        ],
        delete: &["redshift-serverless:DeleteEndpointAccess", "ec2:DeleteVpcEndpoints"],
    };
    const TYPICAL: Typical = Typical { create: 180, update: 60, delete: 120 };
    const CARRIES: bool = true;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["name"];
    const SUFFIXED: Option<(&'static str, usize)> = Some(("name", LONGEST_NAME));
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = EndpointAccessSpec<S>;
    type Outputs = EndpointAccessOutputs;

    fn named(text: &str) -> Option<Named> {
        // IAM's reference has one word for it, what AWS answers another.
        let other = || named::arn(text, "redshift-serverless", "endpointaccess/");
        other().or_else(|| named::arn_or_name(text, "redshift-serverless", "managedvpcendpoint/"))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let pages = look.serverless.list_endpoint_access().into_paginator().page_size(PAGE).items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().called("redshift-serverless:ListEndpointAccess").await?;
        let all = all.iter().map(live).collect::<Result<Vec<_>, _>>()?;
        Ok(place(which, all, fits))
    }

    async fn create(aws: &Aws, spec: &EndpointAccessSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        const CALL: &str = "redshift-serverless:CreateEndpointAccess";
        let call = aws
            .serverless
            .create_endpoint_access()
            .endpoint_name(&spec.name)
            .workgroup_name(spec.workgroup.as_str())
            .set_subnet_ids(Some(spec.subnets.iter().cloned().map(String::from).collect()))
            .set_vpc_security_group_ids(Some(spec.security_groups.iter().cloned().map(String::from).collect()));
        let answer = match call.send().called(CALL).await {
            Ok(answer) => answer,
            Err(fault) => return Err(Self::refused(aws, &spec.name, fault).await),
        };
        let arn = answer.endpoint.and_then(|endpoint| endpoint.endpoint_arn);
        let id = Id(arn.ok_or_else(|| Fault::incomplete(CALL, "endpointArn"))?);
        Ok(Created { id, outputs: EndpointAccessOutputs { endpoint: None, addresses: None } })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        changes.fields().map(|field| Step::set(field).settled()).collect()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        match job.step.name.as_str() {
            "set security_groups" => Self::set_security_groups(aws, job.spec).await?,
            "delete" => {
                let call = aws.serverless.delete_endpoint_access().endpoint_name(&job.spec.name);
                found(call.send().called("redshift-serverless:DeleteEndpointAccess").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(arn: &str, workgroup: &str) -> Live<EndpointAccess> {
        let interface = types::NetworkInterface::builder().private_ip_address("10.0.1.7").build();
        let vpc = types::VpcEndpoint::builder().network_interfaces(interface).build();
        let endpoint = AwsEndpoint::builder().endpoint_arn(arn).endpoint_name("reader").workgroup_name(workgroup);
        let endpoint = endpoint.endpoint_status("ACTIVE").address("reader-endpoint-1.example").vpc_endpoint(vpc);
        live(&endpoint.build()).unwrap()
    }

    #[test]
    fn an_unrecorded_endpoint_is_ours_only_at_our_workgroup() {
        let ours = shown("arn:1", "reader");
        assert_eq!(ours.readiness, Readiness::Ready);
        let address = "consumer-a-1/endpoint".parse().unwrap();
        let mut which = Which::<EndpointAccess> { address, id: None, spec: ours.spec.clone(), settling: false };
        assert!(fits(&which, &ours) && !fits(&which, &shown("arn:1", "other")));
        which.id = Some(Id("arn:1".to_owned()));
        assert!(fits(&which, &ours) && !fits(&which, &shown("arn:2", "reader")), "another of the same name is not it");
    }
}
