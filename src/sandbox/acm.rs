//! Certificate Manager: certificates that are there, and what is in them.
//!
//! Called by the core through `SERVICE`, and by other services through `check`. Source: aws-facts.md 12, row 24, and the
//! API model 2015-12-08. Nobody proves a domain here: a region begins with two certificates for `example.com`, and others
//! come by `Sandbox::edit`. Must never hold a private key.

use super::{AwsError, Operation, Protocol, Reply, Request, Service, World};
use crate::dns;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// How long a certificate is good for, as ACM renews it.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(200 * 24);

/// The service as the router knows it.
pub(super) static SERVICE: Service = Service {
    scope: "acm",
    protocol: Protocol::Json11,
    version: "CertificateManager",
    lists: &[],
    operations: &[&[Operation {
        name: "DescribeCertificate",
        mutating: false,
        params: &["CertificateArn"],
        run: describe_certificate,
    }]],
};

/// Certificate Manager of one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acm {
    /// Certificates by id, the end of their ARN.
    pub certificates: BTreeMap<String, Certificate>,
}

/// One certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// The names it stands for, `*` for one label.
    pub names: Vec<String>,
    /// `ISSUED`, `PENDING_VALIDATION` and so on.
    pub status: String,
    /// When it expires; none: ACM renews it in time.
    pub expires: Option<Timestamp>,
}

impl Default for Acm {
    fn default() -> Self {
        let names = ["example.com", "*.example.com", "*.dwh.example.com", "*.bi.example.com"].map(str::to_owned);
        let one = Certificate { names: names.into(), status: "ISSUED".to_owned(), expires: None };
        let ids = ["sandbox-1", "sandbox-2"];
        Self { certificates: ids.map(|id| (id.to_owned(), one.clone())).into() }
    }
}

impl Certificate {
    /// When it expires, as seen from now.
    fn expiry(&self, now: Timestamp) -> Timestamp {
        self.expires.unwrap_or(now + GOOD_FOR)
    }

    fn status(&self, now: Timestamp) -> &str {
        if self.status == "ISSUED" && self.expiry(now) <= now { "EXPIRED" } else { &self.status }
    }
}

fn find<'a>(world: &'a World, arn: &str) -> Option<&'a Certificate> {
    let id = arn.strip_prefix(&world.arn("acm", "certificate/"))?;
    world.acm.certificates.get(id)
}

/// Tells when the certificate expires that a service is to serve under this name.
///
/// Errors: why it cannot, as a sentence.
pub(super) fn check(world: &World, arn: &str, name: &str, now: Timestamp) -> Result<Timestamp, String> {
    let certificate = find(world, arn)
        .ok_or_else(|| format!("The certificate {arn} does not exist in this account in {}.", world.region))?;
    if certificate.status(now) != "ISSUED" {
        return Err(format!("The certificate {arn} is {}.", certificate.status(now)));
    }
    if !certificate.names.iter().any(|of| dns::covers(of, name)) {
        return Err(format!("The certificate {arn} is not for {name}."));
    }
    Ok(certificate.expiry(now))
}

fn describe_certificate(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = req.text("CertificateArn")?;
    let certificate = find(world, &arn)
        .ok_or_else(|| AwsError::new("ResourceNotFoundException", format!("Could not find certificate {arn}.")))?;
    let renewed = certificate.expires.is_none();
    Ok(json!({ "Certificate": {
        "CertificateArn": arn,
        "DomainName": certificate.names.first(),
        "SubjectAlternativeNames": certificate.names,
        "Status": certificate.status(now),
        "Type": if renewed { "AMAZON_ISSUED" } else { "IMPORTED" },
        "NotAfter": certificate.expiry(now).as_second(),
        "RenewalEligibility": if renewed { "ELIGIBLE" } else { "INELIGIBLE" },
    } }))
}
