//! Tags that their own service tells for one object or a few at a time (aws-facts.md 0.3), from one listing of the
//! Resource Groups Tagging API.
//!
//! Called by the kinds of Redshift Serverless, CloudWatch, SNS and Elastic Load Balancing. The listing lags behind its
//! services: it must never be believed where it lacks an object or contradicts what is recorded of it. The kinds ask the
//! service itself then.

use super::{
    Class, Fault, Look, Owner, listener::Listener, load_balancer::LoadBalancer, log_group::LogGroup,
    metric_alarm::MetricAlarm, namespace::Namespace, owned, tags, target_group::TargetGroup, topic::Topic,
    workgroup::Workgroup,
};
use crate::kind::{AnyWhich, Kind, Tags};
use std::{collections::BTreeMap, sync::Arc};

/// The services whose tags are listed.
const SERVICES: [&str; 5] = ["redshift-serverless", "logs", "elasticloadbalancing", "cloudwatch", "sns"];
/// The kinds whose tags cost a call for each object.
const ONE_BY_ONE: [&str; 5] = [Namespace::NAME, Workgroup::NAME, LogGroup::NAME, MetricAlarm::NAME, Topic::NAME];
/// The kinds whose tags cost a call for every twenty objects: no reason to list, but the listing has them.
const BY_TWENTY: [&str; 3] = [LoadBalancer::NAME, TargetGroup::NAME, Listener::NAME];

/// The tags, by ARN, that the listing shows as they are recorded.
#[derive(Debug, Default)]
pub(super) struct Confirmed(BTreeMap<String, Tags>);

impl Confirmed {
    /// Returns an object's tags; `None`: ask its service.
    pub(super) fn of(&self, arn: &str) -> Option<Tags> {
        self.0.get(arn).cloned()
    }
}

fn asked<'a>(look: &'a Look, kinds: &'a [&'static str]) -> impl Iterator<Item = &'a AnyWhich> {
    kinds.iter().flat_map(|kind| look.asked(kind)).filter(|which| !which.settling)
}

/// Lists the tags of what a look asks about, once; nothing where a listing would save no call.
pub(super) async fn confirmed(look: &Look) -> Result<Arc<Confirmed>, Fault> {
    look.once("tags", async {
        if asked(look, &ONE_BY_ONE).nth(1).is_none() {
            return Ok(Confirmed::default());
        }
        let listed = match owned::list(look, &SERVICES).await {
            Err(fault) if matches!(fault.class, Class::Denied | Class::Invalid | Class::Unrecognised) => {
                look.warn(format!(
                    "tags could not be listed, so every object is asked for its own: {fault}; with tag:GetResources a \
                     plan takes fewer calls"
                ));
                return Ok(Confirmed::default());
            }
            listed => listed?,
        };
        let (mut by_id, mut by_address) = (BTreeMap::new(), BTreeMap::new());
        for which in asked(look, &ONE_BY_ONE).chain(asked(look, &BY_TWENTY)) {
            let recorded = tags::of_spec(&which.spec);
            match &which.id {
                Some(id) => by_id.insert(id.0.clone(), recorded),
                None => by_address.insert(which.address.to_string(), recorded),
            };
        }
        let expected = |arn: &str, tags: &Tags| {
            // The id of a log group, an alarm and a topic is its name; of all others, the ARN.
            let end = arn.splitn(6, ':').nth(5);
            let name = end.map(|end| end.split_once(':').map_or(end, |(_, name)| name));
            let of_id = [Some(arn), name].into_iter().flatten().find_map(|id| by_id.get(id));
            of_id.or_else(|| by_address.get(Owner::address(tags)?)).cloned()
        };
        let confirmed = listed.into_iter().filter(|owned| {
            expected(&owned.arn, &owned.tags).is_some_and(|recorded: Tags| tags::hold(&owned.tags, &recorded))
        });
        Ok(Confirmed(confirmed.map(|owned| (owned.arn, owned.tags)).collect()))
    })
    .await
}
