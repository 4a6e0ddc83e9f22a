//! How people name what exists: ids, names and ARNs, turned into what a kind's `read` goes by.
//!
//! Called by the `named` of every kind, for `rsds import`. Must never ask AWS, nor take an ARN of one kind for another's.

use super::sql::guid;
use crate::kind::{Id, Named};
use serde_json::Value as Json;

/// Names one by its id.
pub(super) fn id(id: impl Into<String>) -> Named {
    Named { id: Some(Id(id.into())), ..Named::default() }
}

/// Names one by a field that AWS finds it by, mostly its name.
pub(super) fn field(field: &'static str, value: impl Into<Json>) -> Named {
    Named { id: None, fields: [(field, value.into())].into() }
}

/// Returns what an ARN says after its account, if `text` is an ARN of this service; none if it is of another.
fn of_arn<'a>(text: &'a str, service: &str) -> Option<&'a str> {
    let mut parts = text.splitn(6, ':');
    let (arn, _, of) = (parts.next()?, parts.next()?, parts.next()?);
    (arn == "arn" && of == service).then(|| parts.nth(2)).flatten()
}

/// Tells a name from an ARN, a path, or nothing at all.
fn plain(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty() && !text.starts_with("arn:") && !text.contains(['/', '|', ' ']))
}

/// Names what EC2 knows by an id of this beginning, alone or at the end of an ARN.
pub(super) fn ec2(text: &str, prefix: &str) -> Option<Named> {
    let bare = of_arn(text, "ec2").and_then(|rest| rest.rsplit('/').next()).unwrap_or(text);
    let fits = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric());
    bare.strip_prefix(prefix).is_some_and(fits).then(|| id(bare))
}

/// Names what has its name for its id, alone or at the end of an ARN whose resource begins like this.
pub(super) fn name(text: &str, service: &str, resource: &str) -> Option<Named> {
    match of_arn(text, service).and_then(|rest| rest.strip_prefix(resource)) {
        Some(rest) => rest.rsplit('/').next().filter(|name| !name.is_empty()).map(id),
        None => plain(text).map(id),
    }
}

/// Names what has its ARN for its id and is found by its name too.
pub(super) fn arn_or_name(text: &str, service: &str, resource: &str) -> Option<Named> {
    arn(text, service, resource).or_else(|| plain(text).map(|name| field("name", name)))
}

/// Names what has its ARN for its id.
pub(super) fn arn(text: &str, service: &str, resource: &str) -> Option<Named> {
    of_arn(text, service).is_some_and(|rest| rest.starts_with(resource)).then(|| id(text))
}

/// Names what lives inside a warehouse by the GUID of its namespace and its own name.
pub(super) fn inside(text: &str) -> Option<Named> {
    let (namespace, name) = text.split_once('|')?;
    (guid(namespace).is_some() && !name.is_empty()).then(|| id(text))
}

/// Names what is known by two texts, put together by rsds (`|`) or by `terraform import` (`sign`).
pub(super) fn pair<'a>(text: &'a str, sign: &str) -> Option<(&'a str, &'a str)> {
    let (one, other) = text.split_once('|').or_else(|| text.split_once(sign))?;
    (!one.is_empty() && !other.is_empty()).then_some((one, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(named: Option<Named>) -> Option<String> {
        named?.id.map(|id| id.0)
    }

    #[test]
    fn an_arn_of_another_kind_is_no_name() {
        let vpc = "arn:aws:ec2:us-west-2:123456789012:vpc/vpc-0a";
        assert_eq!(ids(ec2(vpc, "vpc-")).as_deref(), Some("vpc-0a"));
        assert_eq!(ids(ec2("subnet-0a", "vpc-")), None);
        assert_eq!(ids(ec2("vpc-", "vpc-")), None);
        let role = "arn:aws:iam::123456789012:role/service/Airline";
        assert_eq!(ids(name(role, "iam", "role/")).as_deref(), Some("Airline"));
        assert_eq!(ids(name("arn:aws:iam::123456789012:user/Airline", "iam", "role/")), None);
        let nlb = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/net/a/1";
        assert_eq!(ids(arn(nlb, "elasticloadbalancing", "loadbalancer/net/")).as_deref(), Some(nlb));
        assert_eq!(ids(arn(nlb, "elasticloadbalancing", "targetgroup/")), None);
    }

    #[test]
    fn a_plain_name_is_looked_for_by_name() {
        let named = arn_or_name("airline-nlb", "elasticloadbalancing", "loadbalancer/net/").unwrap();
        assert_eq!((named.id, &named.fields["name"]), (None, &Json::from("airline-nlb")));
        assert!(arn_or_name("net/airline-nlb", "elasticloadbalancing", "loadbalancer/net/").is_none());
        assert_eq!(pair("Airline:lake", ":"), Some(("Airline", "lake")));
        assert_eq!(pair("Airline|lake", ":"), Some(("Airline", "lake")));
        assert_eq!(pair(":lake", ":"), None);
    }
}
