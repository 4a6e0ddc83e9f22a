//! Kind `redshift-serverless.custom-domain-association`: a name of one's own for a workgroup, and the certificate that
//! it serves.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent
//! and its workgroup is ours. Must never touch a name in DNS: those are the user's.

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, found},
    ids::{CertificateArn, WorkgroupName},
    lookup::{asks, place},
    named,
};
use crate::{
    dns,
    kind::{Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Typical, Which},
};
use aws_sdk_redshiftserverless::types::Association;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most associations one page holds.
const PAGE: i32 = 100;

/// A custom domain of a workgroup. Its id is made of the workgroup's name and the domain.
pub struct CustomDomain;

/// What a custom domain is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct CustomDomainSpec<S: Stage> {
    /// The domain; a workgroup has one at most, and a domain leads to one workgroup.
    pub name: String,
    /// The workgroup.
    pub workgroup: S::In<WorkgroupName>,
    /// The certificate of ACM that the workgroup serves.
    pub certificate: CertificateArn,
}

crate::outputs!(CustomDomain =>
    /// What a custom domain offers.
    CustomDomainOutputs {
        at_once {
            /// The domain.
            name: String,
        }
        ready {}
    }
);

fn live(shown: Association) -> Option<Live<CustomDomain>> {
    let (name, workgroup) = (shown.custom_domain_name?, shown.workgroup_name?);
    let id = Id::of(&[&workgroup, &name]);
    let certificate = CertificateArn(shown.custom_domain_certificate_arn.unwrap_or_default());
    let outputs = CustomDomainOutputs { name: name.clone() };
    let spec = CustomDomainSpec { name, workgroup: workgroup.into(), certificate };
    Some(Live { id, spec, outputs, readiness: Readiness::Ready })
}

/// Tells whether `live` is the domain asked for: by id, and, while none is recorded, by name at our own workgroup.
fn fits(which: &Which<CustomDomain>, live: &Live<CustomDomain>) -> bool {
    let same = which.spec.name == live.spec.name && which.spec.workgroup == live.spec.workgroup;
    asks(which, live.id.as_str(), same)
}

/// Returns every association of the account in the region.
pub(super) async fn all(aws: &Aws) -> Result<Vec<Association>, Fault> {
    let pages = aws.serverless.list_custom_domain_associations().into_paginator().page_size(PAGE).items().send();
    pages.collect::<Result<_, _>>().called("redshift-serverless:ListCustomDomainAssociations").await
}

/// Tells "the domain is taken, or the workgroup has one" from "the workgroup is busy": AWS answers all with one code
/// (aws-facts.md 0.2).
async fn refused(aws: &Aws, spec: &CustomDomainSpec<Known>, fault: Fault) -> Fault {
    if fault.code != "ConflictException" {
        return fault;
    }
    let taken = |one: &Association| {
        one.custom_domain_name() == Some(&spec.name) || one.workgroup_name() == Some(spec.workgroup.as_str())
    };
    match all(aws).await {
        Ok(all) if all.iter().any(taken) => Fault { class: Class::Exists, ..fault },
        _ => fault,
    }
}

impl Kind for CustomDomain {
    const NAME: &'static str = "redshift-serverless.custom-domain-association";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name").notes("until the new one stands, the workgroup serves the certificate of its endpoint"),
        Field::replaces("workgroup").follows(),
        Field::updates("certificate").security().notes("new connections see the new certificate"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["redshift-serverless:ListCustomDomainAssociations"],
        create: &["redshift-serverless:CreateCustomDomainAssociation", "acm:DescribeCertificate"],
        update: &["redshift-serverless:UpdateCustomDomainAssociation", "acm:DescribeCertificate"],
        delete: &["redshift-serverless:DeleteCustomDomainAssociation"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["name"];
    const TAGGED: bool = false;
    const SHOWS: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "the name of the workgroup and the domain, `<workgroup>|<domain>`";

    type Spec<S: Stage> = CustomDomainSpec<S>;
    type Outputs = CustomDomainOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        dns::fault(name).is_none().then_some(()).ok_or(
            "labels with dots between them, each of up to 63 lower-case letters, digits and dashes, no dash at either \
             end, and up to 253 characters in all",
        )
    }

    fn named(text: &str) -> Option<Named> {
        let (workgroup, name) = named::pair(text, ",")?;
        let fields = [("workgroup", json!(workgroup)), ("name", json!(name))].into();
        Some(Named { id: Some(Id::of(&[workgroup, name])), fields })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let all = all(look).await?;
        Ok(place(which, all.into_iter().filter_map(live), fits))
    }

    async fn create(aws: &Aws, spec: &CustomDomainSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws
            .serverless
            .create_custom_domain_association()
            .workgroup_name(spec.workgroup.as_str())
            .custom_domain_name(&spec.name)
            .custom_domain_certificate_arn(spec.certificate.as_str());
        match call.send().called("redshift-serverless:CreateCustomDomainAssociation").await {
            Ok(_) => Ok(Created {
                id: Id::of(&[spec.workgroup.as_str(), &spec.name]),
                outputs: CustomDomainOutputs { name: spec.name.clone() },
            }),
            Err(fault) => Err(refused(aws, spec, fault).await),
        }
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (workgroup, name) = (job.id.part(0), job.id.part(1));
        match job.step.name.as_str() {
            "set certificate" => {
                let call = aws.serverless.update_custom_domain_association().workgroup_name(workgroup);
                let call = call.custom_domain_name(name).custom_domain_certificate_arn(job.spec.certificate.as_str());
                call.send().called("redshift-serverless:UpdateCustomDomainAssociation").await?;
            }
            "delete" => {
                let call = aws.serverless.delete_custom_domain_association().workgroup_name(workgroup);
                let call = call.custom_domain_name(name);
                found(call.send().called("redshift-serverless:DeleteCustomDomainAssociation").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unrecorded_domain_is_ours_only_at_our_workgroup() {
        let shown = |workgroup: &str| {
            let one = Association::builder().custom_domain_name("a-1.dwh.example.com").workgroup_name(workgroup);
            live(one.custom_domain_certificate_arn("arn:1").build()).unwrap()
        };
        let ours = shown("reader");
        let address = "consumer-a-1/custom-domain".parse().unwrap();
        let mut which = Which::<CustomDomain> { address, id: None, spec: ours.spec.clone(), settling: false };
        assert!(fits(&which, &ours) && !fits(&which, &shown("other")));
        which.id = Some(Id("reader|a-1.dwh.example.com".to_owned()));
        assert!(fits(&which, &ours));
    }
}
