//! Can the certificate be served that the TOML names? (aws-facts.md 12, row 24: issued, of this region, for every name, not
//! about to expire.)

use super::{Case, Check};
use crate::{
    plan::Verb,
    preflight::{
        finding::Finding,
        outline::{Deed, Doing},
        survey::{Ask, Certificate, Fact},
    },
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static CHECK: Check =
    Check { name: "certificates", title: "certificates are issued, for every name, and for some time yet", asks, run };

const KEY: &str = "nlb.custom_domain.certificate_arn";
/// With fewer days left, somebody has to do something: ACM renews earlier what it can renew.
const SOON: i64 = 30;

/// What is to serve a certificate from now on, by the certificate.
fn served<'a>(case: &'a Case<'_>) -> BTreeMap<String, Vec<&'a Deed<'a>>> {
    let deeds = case.outline.deeds.iter().filter(|deed| matches!(deed.doing, Doing::Create | Doing::Update));
    let mut served = BTreeMap::<String, Vec<&Deed<'_>>>::new();
    for deed in deeds.filter(|deed| deed.changes("certificate")) {
        if let Some(arn) = deed.text("certificate") {
            served.entry(arn).or_default().push(deed);
        }
    }
    served
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let asks: BTreeSet<Ask> = served(case).into_keys().map(Ask::Certificate).collect();
    (!asks.is_empty()).then_some(asks)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    served(case).into_iter().flat_map(|(arn, deeds)| wrong(case, &arn, &deeds)).collect()
}

/// A problem of these deeds.
fn error(deeds: &[&Deed<'_>], problem: &str) -> Finding {
    let (call, verb) = match deeds.first().map(|deed| deed.doing) {
        Some(Doing::Update) => ("redshift-serverless:UpdateCustomDomainAssociation", Verb::Update),
        _ => ("redshift-serverless:CreateCustomDomainAssociation", Verb::Create),
    };
    let addresses = deeds.iter().map(|deed| deed.address.clone()).collect();
    let key = deeds.first().map_or_else(|| KEY.to_owned(), |deed| deed.key("certificate"));
    Finding::error(addresses, problem).call(call).by(verb).key(key)
}

fn wrong(case: &Case<'_>, arn: &str, deeds: &[&Deed<'_>]) -> Vec<Finding> {
    let certificate = match case.facts.get(&Ask::Certificate(arn.to_owned())) {
        Some(Fact::Certificate(certificate)) => certificate,
        Some(Fact::Nothing) => {
            let finding = error(deeds, "the certificate that it is to serve is not there");
            let help =
                "request one from ACM in the estate's region, or name one that is there: aws acm list-certificates";
            return vec![
                finding.values(format!("{arn} is not there"), "a certificate of this account and region").help(help),
            ];
        }
        _ => return Vec::new(),
    };
    if certificate.status != "ISSUED" {
        let finding = error(deeds, "the certificate that it is to serve is not issued");
        let help = match certificate.status.as_str() {
            "PENDING_VALIDATION" => {
                format!("put its records into DNS (aws acm describe-certificate --certificate-arn {arn}), and wait")
            }
            _ => "request another from ACM".to_owned(),
        };
        let found = format!("{arn} is {}", certificate.status);
        return vec![finding.values(found, "a certificate that is ISSUED").help(help)];
    }
    let unnamed = unnamed(certificate, deeds);
    let shared = case.environment.config.nlb.custom_domain.as_ref().map(|domain| domain.name.as_str());
    let shared = shared.filter(|name| !certificate.is_for(name));
    [
        unnamed,
        shared.map(|name| shared_unnamed(certificate, deeds, name)),
        certificate
            .days_left
            .filter(|days| *days < SOON && !certificate.renewed)
            .map(|days| expiring(arn, days, deeds)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The consumers' own names that it does not stand for.
fn unnamed(certificate: &Certificate, deeds: &[&Deed<'_>]) -> Option<Finding> {
    let name = |deed: &Deed<'_>| deed.text("name");
    let uncovered = |deed: &&&Deed<'_>| name(deed).is_some_and(|name| !certificate.is_for(&name));
    let deeds: Vec<&Deed<'_>> = deeds.iter().filter(uncovered).copied().collect();
    let needed = name(deeds.first()?)?;
    let finding = error(&deeds, "the certificate that it is to serve is not for its name");
    let help = "a certificate for the name that clients use and for `*.` before it stands for all of them";
    Some(finding.values(certificate.listed(), needed).help(help))
}

/// The name that clients use is not in it: the call succeeds, and clients that compare names do not connect.
fn shared_unnamed(certificate: &Certificate, deeds: &[&Deed<'_>], name: &str) -> Finding {
    let problem = "the certificate is not for the name that clients use, and `sslmode=verify-full` fails by that name";
    let help = "a wildcard stands for one label: `*.dwh.example.com` is not for `dwh.example.com`; request both names";
    error(deeds, problem).sure(false).call("").values(certificate.listed(), name).help(help)
}

fn expiring(arn: &str, days: i64, deeds: &[&Deed<'_>]) -> Finding {
    let found = format!("{arn} expires in {} days", days.max(0));
    let help = "ACM does not renew it by itself: import the next one under the same ARN, or have ACM issue one";
    let finding = error(deeds, "the certificate is about to expire, and clients then no longer connect");
    finding.sure(false).call("").values(found, format!("at least {SOON} days")).help(help)
}
