//! Batched reads: putting what a wide Describe or List call answered in the place of the question it answers.
//!
//! Called by the `read` of every kind. Must never decide on a name alone what belongs to whom.

use super::{Aws, Look, tags};
use crate::kind::{Field, Id, Kind, Known, Live, Other, Tags, Which};
use aws_sdk_ec2::types::Filter;
use std::collections::{BTreeMap, BTreeSet};

/// The most values one EC2 filter takes (aws-facts.md 1).
const FILTER_VALUES: usize = 200;

/// The same where a listing shows all there is in something: what nobody asked for is somebody else's.
pub(super) fn place_within<K: Kind>(
    look: &Look,
    which: &[Which<K>],
    live: impl IntoIterator<Item = Live<K>>,
    fits: impl Fn(&Which<K>, &Live<K>) -> bool,
    within: impl Fn(&K::Spec<Known>) -> &str,
) -> Vec<Option<Live<K>>> {
    let (answers, rest) = placed(which, live, fits);
    let asked: BTreeSet<&str> = which.iter().map(|question| within(&question.spec)).collect();
    for other in rest.into_iter().filter(|other| asked.contains(within(&other.spec))) {
        let shown = serde_json::to_value(&other.spec).unwrap_or_default();
        look.saw(Other { kind: K::NAME, within: within(&other.spec).to_owned(), id: other.id, shown });
    }
    answers
}

/// Gives each question its answer; an answer serves one question only, and a question with a recorded id chooses
/// first: what has been recorded is never what a question without an id is looking for.
pub(super) fn place<K: Kind>(
    which: &[Which<K>],
    live: impl IntoIterator<Item = Live<K>>,
    fits: impl Fn(&Which<K>, &Live<K>) -> bool,
) -> Vec<Option<Live<K>>> {
    placed(which, live, fits).0
}

fn placed<K: Kind>(
    which: &[Which<K>],
    live: impl IntoIterator<Item = Live<K>>,
    fits: impl Fn(&Which<K>, &Live<K>) -> bool,
) -> (Vec<Option<Live<K>>>, Vec<Live<K>>) {
    // One thing may come from two calls, found by id and by tags: it is kept once.
    let mut pool: BTreeMap<Id, Live<K>> = live.into_iter().map(|l| (l.id.clone(), l)).collect();
    let mut places: Vec<(&Which<K>, Option<Live<K>>)> = which.iter().map(|question| (question, None)).collect();
    for recorded in [true, false] {
        for (question, answer) in places.iter_mut().filter(|(question, _)| question.id.is_some() == recorded) {
            let id = pool.iter().find(|(_, l)| fits(question, l)).map(|(id, _)| id.clone());
            *answer = id.and_then(|id| pool.remove(&id));
        }
    }
    (places.into_iter().map(|(_, answer)| answer).collect(), pool.into_values().collect())
}

/// Tells whether `live` is what the question asks for: by id, or, while none is recorded, by ownership tags and
/// natural key (in a replacement the old and the new one carry the same tags).
pub(super) fn is_asked<K: Kind>(aws: &Aws, which: &Which<K>, live: &Live<K>, tags: &Tags) -> bool {
    match &which.id {
        Some(id) => *id == live.id,
        None => aws.owner.owns(&which.address, tags) && same_key::<K>(&which.spec, &live.spec),
    }
}

/// Tells whether two specs agree in every field of the kind's natural key.
pub(super) fn same_key<K: Kind>(one: &K::Spec<Known>, other: &K::Spec<Known>) -> bool {
    let (Ok(one), Ok(other)) = (serde_json::to_value(one), serde_json::to_value(other)) else { return false };
    K::KEY.iter().all(|field| one.get(field) == other.get(field))
}

/// Tells whether what a listing shows is what the question expects: a listing lags, and what it contradicts is asked for
/// directly before it is a difference.
pub(super) fn confirms<K: Kind>(which: &Which<K>, live: &Live<K>) -> bool {
    let (Ok(expected), Ok(shown)) = (serde_json::to_value(&which.spec), serde_json::to_value(&live.spec)) else {
        return false;
    };
    let same = |field: &Field| field.unreadable || expected[field.name] == shown[field.name];
    K::FIELDS.iter().all(same) && tags::hold(&tags::of_spec(&shown), &tags::of_spec(&expected))
}

/// Builds the filters of EC2 Describe calls that find all of `which`: by id where ids are recorded (`id_filter`
/// names the filter), by ownership tags for the rest. One call per element.
pub(super) fn ec2_filters<K: Kind>(aws: &Aws, id_filter: &str, which: &[Which<K>]) -> Vec<Vec<Filter>> {
    let mut calls = ec2_filters_by(id_filter, which.iter().filter_map(|w| w.id.as_ref()).map(Id::as_str));
    if which.iter().any(|w| w.id.is_none()) {
        calls.push(ec2_owned(aws));
    }
    calls
}

/// Builds the filters of one EC2 Describe call that finds everything with the owner's tags.
pub(super) fn ec2_owned(aws: &Aws) -> Vec<Filter> {
    aws.owner.filters().iter().map(|(key, value)| filter(&format!("tag:{key}"), &[value])).collect()
}

/// Builds the filters of EC2 Describe calls that find everything with one of `values`. One call per element.
pub(super) fn ec2_filters_by<'a>(name: &str, values: impl Iterator<Item = &'a str>) -> Vec<Vec<Filter>> {
    let values: Vec<&str> = values.collect::<BTreeSet<_>>().into_iter().collect();
    values.chunks(FILTER_VALUES).map(|some| vec![filter(name, some)]).collect()
}

/// Tells whether the question asks for the thing with this id, or, while none is recorded, for the one with the same
/// natural key. A name is no ownership: the engine checks that on the live tags.
pub(super) fn asks<K: Kind>(which: &Which<K>, id: &str, same_key: bool) -> bool {
    which.id.as_ref().map_or(same_key, |recorded| recorded.as_str() == id)
}

/// Builds one EC2 filter.
pub(super) fn filter(name: &str, values: &[&str]) -> Filter {
    let values = values.iter().map(|v| (*v).to_owned()).collect();
    Filter::builder().name(name).set_values(Some(values)).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        address::Address,
        aws::{
            subnet::{Subnet, SubnetSpec},
            vpc::{Vpc, VpcOutputs, VpcSpec},
        },
        kind::Readiness,
    };

    fn vpc() -> VpcSpec {
        VpcSpec { cidr: "10.0.0.0/16".parse().unwrap(), dns_support: true, dns_hostnames: true, tags: Tags::new() }
    }

    fn live(id: &str) -> Live<Vpc> {
        let outputs = VpcOutputs { id: id.into() };
        Live { id: Id(id.into()), spec: vpc(), outputs, readiness: Readiness::Ready }
    }

    fn which(id: Option<&str>) -> Which<Vpc> {
        Which {
            address: Address::new("networking", "vpc"),
            id: id.map(|id| Id(id.into())),
            spec: vpc(),
            settling: false,
        }
    }

    #[test]
    fn a_recorded_id_chooses_before_a_question_by_tags() {
        let fits = |w: &Which<Vpc>, l: &Live<Vpc>| w.id.as_ref().is_none_or(|id| *id == l.id);
        let seen_twice = ["vpc-1", "vpc-2", "vpc-1"].map(live);
        let answers = place(&[which(None), which(Some("vpc-1")), which(None)], seen_twice, fits);
        let ids: Vec<_> = answers.iter().map(|l| l.as_ref().map(|l| l.id.as_str())).collect();
        assert_eq!(ids, [Some("vpc-2"), Some("vpc-1"), None]);
    }

    #[test]
    fn the_natural_key_tells_old_from_new() {
        let spec = |cidr: &str, zone: &str| SubnetSpec::<Known> {
            vpc: "vpc-1".into(),
            cidr: cidr.parse().unwrap(),
            zone: zone.into(),
            tags: Tags::new(),
        };
        assert!(same_key::<Subnet>(&spec("10.0.0.0/24", "a"), &spec("10.0.0.0/24", "b")));
        assert!(!same_key::<Subnet>(&spec("10.0.0.0/24", "a"), &spec("10.0.1.0/24", "a")));
    }

    #[test]
    fn filters_hold_each_value_once_and_no_more_than_aws_takes() {
        let names: Vec<String> = (0..201).map(|n| format!("id-{n}")).collect();
        let twice = names.iter().chain(&names).map(String::as_str);
        let sizes: Vec<_> = ec2_filters_by("x", twice).iter().map(|call| call[0].values().len()).collect();
        assert_eq!(sizes, [200, 1]);
        assert!(ec2_filters_by("x", std::iter::empty()).is_empty());
    }
}
