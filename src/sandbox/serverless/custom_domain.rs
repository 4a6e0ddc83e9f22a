//! Custom domains of workgroups: a name and the certificate that is served under it; done when answered.
//!
//! Called by the core. Source: aws-facts.md 6.7 and 13. Must never hold two domains of one workgroup, nor one domain of
//! two workgroups.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::dns;

use super::super::acm;
use super::{
    AwsError, Operation, Reply, Request, World, conflict, invalid, listing, moment, not_found, operation_running,
    workgroup,
};

/// The association of a domain with a workgroup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomDomain {
    /// The domain, unique in the region.
    pub name: String,
    /// Name of its workgroup.
    pub workgroup: String,
    /// ARN of the certificate.
    pub certificate: String,
    /// When the certificate expires.
    pub expires: Timestamp,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateCustomDomainAssociation",
        mutating: true,
        params: &["workgroupName", "customDomainName", "customDomainCertificateArn"],
        run: create_custom_domain_association,
    },
    Operation {
        name: "GetCustomDomainAssociation",
        mutating: false,
        params: &["workgroupName", "customDomainName"],
        run: get_custom_domain_association,
    },
    Operation {
        name: "ListCustomDomainAssociations",
        mutating: false,
        params: &["customDomainName", "customDomainCertificateArn", "maxResults", "nextToken"],
        run: list_custom_domain_associations,
    },
    Operation {
        name: "UpdateCustomDomainAssociation",
        mutating: true,
        params: &["workgroupName", "customDomainName", "customDomainCertificateArn"],
        run: update_custom_domain_association,
    },
    Operation {
        name: "DeleteCustomDomainAssociation",
        mutating: true,
        params: &["workgroupName", "customDomainName"],
        run: delete_custom_domain_association,
    },
];

impl CustomDomain {
    fn render(&self) -> Reply {
        json!({
            "workgroupName": self.workgroup,
            "customDomainName": self.name,
            "customDomainCertificateArn": self.certificate,
            "customDomainCertificateExpiryTime": moment(self.expires),
        })
    }
}

/// The domain of a workgroup.
pub(super) fn of<'a>(world: &'a World, workgroup: &str) -> Option<&'a CustomDomain> {
    world.serverless.custom_domains.values().find(|domain| domain.workgroup == workgroup)
}

fn find<'a>(world: &'a World, req: &Request) -> Result<&'a CustomDomain, AwsError> {
    let (workgroup, name) = (req.text("workgroupName")?, req.text("customDomainName")?);
    let domain = world.serverless.custom_domains.get(&name).filter(|domain| domain.workgroup == workgroup);
    domain.ok_or_else(|| {
        not_found(format!("The custom domain association {name} of the workgroup {workgroup} doesn't exist."))
    })
}

fn read_name(req: &Request) -> Result<String, AwsError> {
    let name = req.text("customDomainName")?;
    match dns::fault(&name.to_lowercase()) {
        None => Ok(name),
        Some(_) => Err(invalid(format!("The custom domain name {name} is not valid."))),
    }
}

/// The certificate to be served under this name, and when it expires: ACM's are good in their own account and region
/// alone.
fn read_certificate(world: &World, req: &Request, name: &str, now: Timestamp) -> Result<(String, Timestamp), AwsError> {
    let arn = req.text("customDomainCertificateArn")?;
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "acm", region, account, rest] if rest.starts_with("certificate/") => {
            if *region != world.region || *account != world.account {
                return Err(invalid(format!("The certificate {arn} must be in this account and in {}.", world.region)));
            }
            let expires = acm::check(world, &arn, name, now).map_err(invalid)?;
            Ok((arn, expires))
        }
        _ => Err(invalid(format!("{arn} is not the ARN of a certificate."))),
    }
}

fn create_custom_domain_association(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = read_name(req)?;
    let (certificate, expires) = read_certificate(world, req, &name, now)?;
    let workgroup = workgroup::find(world, &req.text("workgroupName")?, now)?;
    if let Some(taken) = world.serverless.custom_domains.get(&name) {
        return Err(conflict(format!(
            "The custom domain {name} is already associated with the workgroup {}.",
            taken.workgroup
        )));
    }
    if let Some(other) = of(world, &workgroup.name) {
        return Err(conflict(format!(
            "The workgroup {} already has the custom domain {}.",
            workgroup.name, other.name
        )));
    }
    if workgroup.is_busy(now) {
        return Err(operation_running("workgroup", "associating a custom domain with"));
    }
    let workgroup = workgroup.name.clone();
    let domain = CustomDomain { name: name.clone(), workgroup, certificate, expires };
    let reply = domain.render();
    world.serverless.custom_domains.insert(name, domain);
    Ok(reply)
}

fn get_custom_domain_association(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    Ok(find(world, req)?.render())
}

fn list_custom_domain_associations(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (name, certificate) = (req.opt_text("customDomainName")?, req.opt_text("customDomainCertificateArn")?);
    let asked = |domain: &&CustomDomain| {
        name.as_ref().is_none_or(|name| domain.name == *name)
            && certificate.as_ref().is_none_or(|certificate| domain.certificate == *certificate)
    };
    let all = world.serverless.custom_domains.values().filter(asked).map(CustomDomain::render).collect();
    listing("associations", all, req)
}

fn update_custom_domain_association(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let domain = find(world, req)?;
    let (certificate, expires) = read_certificate(world, req, &domain.name, now)?;
    let domain = CustomDomain { certificate, expires, ..domain.clone() };
    let reply = domain.render();
    world.serverless.custom_domains.insert(domain.name.clone(), domain);
    Ok(reply)
}

fn delete_custom_domain_association(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = find(world, req)?.name.clone();
    world.serverless.custom_domains.remove(&name);
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

    const CERTIFICATE: &str = "arn:aws:acm:us-west-2:123456789012:certificate/sandbox-1";

    fn domain(name: &str) -> Reply {
        json!({ "workgroupName": "reader", "customDomainName": name, "customDomainCertificateArn": CERTIFICATE })
    }

    #[test]
    fn a_workgroup_has_one_domain_and_keeps_it_until_it_is_taken_away() {
        let mut bench = Bench::new();
        assert_eq!(
            bench.refused("CreateCustomDomainAssociation", domain("a.example.com")).0,
            "ResourceNotFoundException"
        );
        bench.serverless("CreateNamespace", json!({ "namespaceName": "reader" }));
        bench.pass(5);
        let workgroup = bench.workgroup_params(json!({}));
        bench.serverless("CreateWorkgroup", workgroup);
        assert_eq!(bench.refused("CreateCustomDomainAssociation", domain("a.example.com")).0, "ConflictException");
        bench.pass(330);
        assert_eq!(bench.workgroup()["customDomainName"], json!(null));
        bench.serverless("CreateCustomDomainAssociation", domain("a.example.com"));
        for taken in ["a.example.com", "b.example.com"] {
            assert_eq!(bench.refused("CreateCustomDomainAssociation", domain(taken)).0, "ConflictException");
        }
        let shown = bench.workgroup();
        assert_eq!(shown["customDomainName"], "a.example.com");
        assert_eq!(shown["customDomainCertificateArn"], CERTIFICATE);
        assert_eq!(bench.refused("DeleteWorkgroup", json!({ "workgroupName": "reader" })).0, "ConflictException");
        let named = json!({ "workgroupName": "reader", "customDomainName": "a.example.com" });
        bench.serverless("DeleteCustomDomainAssociation", named.clone());
        assert_eq!(bench.refused("GetCustomDomainAssociation", named).0, "ResourceNotFoundException");
        bench.serverless("DeleteWorkgroup", json!({ "workgroupName": "reader" }));
    }

    #[test]
    fn only_the_certificate_changes_and_it_is_of_this_region() {
        let mut bench = Bench::new();
        bench.reader();
        let mut made = domain("a.example.com");
        for (member, bad) in [
            ("customDomainName", json!("localhost")),
            ("customDomainName", json!("-a.example.com")),
            ("customDomainName", json!(format!("{}.example.com", "a".repeat(64)))),
            ("customDomainCertificateArn", json!(CERTIFICATE.replace("us-west-2", "us-east-1"))),
            ("customDomainCertificateArn", json!(CERTIFICATE.replace("123456789012", "210987654321"))),
            ("customDomainCertificateArn", json!(CERTIFICATE.replace(":acm:", ":iam:"))),
        ] {
            let mut params = made.clone();
            params[member] = bad;
            assert_eq!(bench.refused("CreateCustomDomainAssociation", params).0, "ValidationException");
        }
        bench.serverless("CreateCustomDomainAssociation", made.clone());
        made["customDomainCertificateArn"] = json!(CERTIFICATE.replace("-1", "-2"));
        bench.serverless("UpdateCustomDomainAssociation", made.clone());
        let all = bench.serverless("ListCustomDomainAssociations", json!({}));
        assert_eq!(all["associations"][0]["customDomainCertificateArn"], made["customDomainCertificateArn"]);
        let other =
            bench.serverless("ListCustomDomainAssociations", json!({ "customDomainCertificateArn": CERTIFICATE }));
        assert_eq!(other["associations"], json!([]));
        made["customDomainName"] = json!("b.example.com");
        assert_eq!(bench.refused("UpdateCustomDomainAssociation", made).0, "ResourceNotFoundException");
    }
}
