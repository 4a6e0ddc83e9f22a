//! Redshift and Elastic Load Balancing work through roles of their own, made by the first cluster, managed endpoint or
//! load balancer of an account, in the caller's name (aws-facts.md 2; 12, row 3).

use super::{Case, Check, Need, permissions};
use crate::preflight::{
    finding::Finding,
    survey::{Ask, Decision},
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static CHECK: Check = Check {
    name: "service-linked-roles",
    title: "Redshift and Elastic Load Balancing have roles of their own, or may get them",
    asks,
    run,
};

/// The role of each service.
pub(super) fn role(service: &str) -> &'static str {
    match service {
        "elasticloadbalancing.amazonaws.com" => "AWSServiceRoleForElasticLoadBalancing",
        _ => "AWSServiceRoleForRedshift",
    }
}

/// The services whose role is missing, with what would make it; nothing while that is not known.
pub(super) fn missing(case: &Case<'_>) -> BTreeMap<&'static str, Need> {
    let mut linking = permissions::linking(case);
    let roles = case.facts.things(&Ask::Roles);
    linking.retain(|service, _| {
        case.facts.get(&Ask::Roles).is_some() && !roles.iter().any(|known| known.name == role(service))
    });
    linking
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    (!permissions::linking(case).is_empty()).then(|| BTreeSet::from([Ask::Roles]))
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let may = |service: &str| match permissions::is_root(case) {
        true => Some(Decision::Allowed),
        false => permissions::may_link(case, service),
    };
    let told = |(service, need): (&str, Need)| {
        let decision = may(service);
        if decision == Some(Decision::Allowed) {
            return None;
        }
        let (role, addresses) = (role(service), need.0.into_iter().map(|(address, _)| address).collect());
        let problem = match decision {
            None => {
                format!("{service} has no role of its own here yet, and whether the caller may make it is not known")
            }
            Some(_) => format!("{service} has no role of its own here yet, and the caller may not make it"),
        };
        Some(
            Finding::error(addresses, problem)
                .sure(matches!(decision, Some(Decision::Denied | Decision::NotAllowed)))
                .values(format!("no role {role}"), format!("the role, or iam:CreateServiceLinkedRole for {service}"))
                .call("iam:CreateServiceLinkedRole")
                .help(format!("have it made once: aws iam create-service-linked-role --aws-service-name {service}")),
        )
    };
    missing(case).into_iter().filter_map(told).collect()
}
