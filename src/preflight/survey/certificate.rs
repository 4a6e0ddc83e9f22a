//! What Certificate Manager tells of a certificate.
//!
//! Called by `survey`. Must never judge it.

use super::Fact;
use crate::{
    aws::{
        Aws, Fault,
        fault::{Called, found},
    },
    dns,
};
use aws_sdk_acm::types::{CertificateDetail, RenewalEligibility};
use std::collections::BTreeSet;

const SECONDS_A_DAY: i64 = 86_400;

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::preflight) struct Certificate {
    pub(in crate::preflight) status: String,
    /// The names it stands for.
    pub(in crate::preflight) names: BTreeSet<String>,
    /// Whether ACM renews it by itself.
    pub(in crate::preflight) renewed: bool,
    /// How many whole days it is good for, by AWS's clock; none: it has no end yet.
    pub(in crate::preflight) days_left: Option<i64>,
}

impl Certificate {
    /// Whether it stands for that host.
    pub(in crate::preflight) fn is_for(&self, host: &str) -> bool {
        self.names.iter().any(|name| dns::covers(name, host))
    }

    /// Its names, one after the other.
    pub(in crate::preflight) fn listed(&self) -> String {
        self.names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

pub(super) async fn described(aws: &Aws, arn: &str) -> Result<Fact, Fault> {
    let call = aws.acm.describe_certificate().certificate_arn(arn);
    let answer = found(call.send().called("acm:DescribeCertificate").await)?;
    let now = aws.traffic.date().as_second();
    Ok(answer.and_then(|answer| answer.certificate).map_or(Fact::Nothing, |of| Fact::Certificate(certificate(of, now))))
}

fn certificate(of: CertificateDetail, now: i64) -> Certificate {
    Certificate {
        status: of.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        names: of.domain_name.into_iter().chain(of.subject_alternative_names.unwrap_or_default()).collect(),
        renewed: of.renewal_eligibility == Some(RenewalEligibility::Eligible),
        days_left: of.not_after.map(|end| (end.secs() - now).div_euclid(SECONDS_A_DAY)),
    }
}
