//! The grammar of policy documents: identity policies and trust policies of IAM, key policies of KMS.
//!
//! Called by the operations of `iam` and `kms` that take a document. Must never decide on permissions
//! (the lockout check of KMS is in `kms::policy`) and never change the world.

use super::principal;
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

const VERSIONS: [&str; 2] = ["2008-10-17", "2012-10-17"];
const STATEMENT_FIELDS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
const OPERATORS: [&str; 27] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnEquals",
    "ArnLike",
    "ArnNotEquals",
    "ArnNotLike",
    "Null",
];
const TRUST_ACTIONS: [&str; 7] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoot",
    "sts:SetSourceIdentity",
    "sts:SetContext",
    "sts:TagSession",
];
const SYNTAX: &str = "Syntax errors in policy.";

/// Where the document is going to be attached; decides which statement fields must or must not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A policy of a role: resources, no principals.
    Identity,
    /// Who may assume a role: principals, no resources, `sts:` actions only.
    Trust,
    /// A KMS key policy: principals and resources.
    Key,
}

/// Parses and checks a document: the JSON with account ids in principals turned into root ARNs, as AWS keeps it.
/// The error is the sentence of `MalformedPolicyDocument`.
pub fn parse(text: &str, kind: Kind, world: &World, now: Timestamp) -> Result<Value, String> {
    let mut value: Value = serde_json::from_str(text).map_err(|_| unreadable(kind))?;
    let fields = value.as_object_mut().ok_or_else(|| unreadable(kind))?;
    check_top(fields)?;
    let mut sids = BTreeSet::new();
    for statement in statements_mut(fields)? {
        check_statement(statement, kind, world, now, &mut sids)?;
    }
    Ok(value)
}

/// The statements of a parsed document (one object or a list of them).
pub fn statements(document: &Value) -> Vec<&Map<String, Value>> {
    elements(document.get("Statement")).into_iter().filter_map(Value::as_object).collect()
}

/// The strings of a field that may be one string or a list; `None` for any other shape or an empty list.
pub fn strings(field: Option<&Value>) -> Option<Vec<&str>> {
    let texts = elements(field).into_iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
    (!texts.is_empty()).then_some(texts)
}

/// Characters that count against the policy quotas: all but white space.
pub fn size(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

fn elements(field: Option<&Value>) -> Vec<&Value> {
    match field {
        None => Vec::new(),
        Some(Value::Array(list)) => list.iter().collect(),
        Some(single) => vec![single],
    }
}

fn unreadable(kind: Kind) -> String {
    match kind {
        Kind::Identity => SYNTAX.into(),
        Kind::Trust | Kind::Key => "This policy contains invalid Json".into(),
    }
}

fn check_top(fields: &Map<String, Value>) -> Result<(), String> {
    let known = ["Version", "Id", "Statement"];
    if fields.keys().any(|field| !known.contains(&field.as_str())) {
        return Err(SYNTAX.into());
    }
    if fields.get("Id").is_some_and(|id| !id.is_string()) {
        return Err(SYNTAX.into());
    }
    match fields.get("Version").map(Value::as_str) {
        None => Ok(()),
        Some(Some(version)) if VERSIONS.contains(&version) => Ok(()),
        Some(_) => Err(format!("The policy must contain a valid version string: {}", VERSIONS.join(" or "))),
    }
}

fn statements_mut(fields: &mut Map<String, Value>) -> Result<Vec<&mut Map<String, Value>>, String> {
    let list = match fields.get_mut("Statement") {
        Some(Value::Array(list)) => list.iter_mut().map(Value::as_object_mut).collect(),
        Some(single) => single.as_object_mut().map(|single| vec![single]),
        None => None,
    };
    list.filter(|list: &Vec<_>| !list.is_empty()).ok_or_else(|| SYNTAX.to_owned())
}

fn check_statement(
    statement: &mut Map<String, Value>,
    kind: Kind,
    world: &World,
    now: Timestamp,
    sids: &mut BTreeSet<String>,
) -> Result<(), String> {
    if statement.keys().any(|field| !STATEMENT_FIELDS.contains(&field.as_str())) {
        return Err(SYNTAX.into());
    }
    check_sid(statement.get("Sid"), kind, sids)?;
    match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow" | "Deny") => {}
        Some(other) => return Err(format!("Invalid effect: {other}")),
        None => return Err("Missing required field Effect".into()),
    }
    check_actions(statement, kind)?;
    check_resources(statement, kind)?;
    check_condition(statement.get("Condition"))?;
    check_principals(statement, kind, world, now)
}

fn check_sid(sid: Option<&Value>, kind: Kind, sids: &mut BTreeSet<String>) -> Result<(), String> {
    let Some(sid) = sid else { return Ok(()) };
    let sid = sid.as_str().ok_or(SYNTAX)?;
    if kind != Kind::Key && !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*".into());
    }
    if !sid.is_empty() && !sids.insert(sid.to_owned()) {
        return Err("Statement IDs (SID) in a single policy must be unique.".into());
    }
    Ok(())
}

// Exactly one of `name` and `Not<name>`, a string or a list of strings that is not empty.
fn one_of<'a>(statement: &'a Map<String, Value>, name: &str, absent: &str) -> Result<Vec<&'a str>, String> {
    let (plain, negated) = (statement.get(name), statement.get(format!("Not{name}").as_str()));
    match (plain, negated) {
        (None, None) => Err(absent.into()),
        (Some(_), Some(_)) => Err(SYNTAX.into()),
        (field, None) | (None, field) => strings(field).ok_or_else(|| SYNTAX.into()),
    }
}

fn check_actions(statement: &Map<String, Value>, kind: Kind) -> Result<(), String> {
    for action in one_of(statement, "Action", "Policy statement must contain actions.")? {
        if kind == Kind::Trust && !is_trust_action(action) {
            return Err("AssumeRole policy may only specify STS AssumeRole actions.".into());
        }
        if !is_action(action) {
            return Err("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into());
        }
    }
    Ok(())
}

fn is_trust_action(action: &str) -> bool {
    action.eq_ignore_ascii_case("sts:*") || TRUST_ACTIONS.iter().any(|known| known.eq_ignore_ascii_case(action))
}

fn is_action(action: &str) -> bool {
    let Some((vendor, name)) = action.split_once(':') else {
        return action == "*";
    };
    let word = |text: &str, extra: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    word(vendor, "-") && word(name, "*?")
}

fn check_resources(statement: &Map<String, Value>, kind: Kind) -> Result<(), String> {
    if kind == Kind::Trust {
        let prohibited = ["Resource", "NotResource"].into_iter().find(|field| statement.contains_key(*field));
        return prohibited.map_or(Ok(()), |field| Err(format!("Has prohibited field {field}")));
    }
    for resource in one_of(statement, "Resource", "Policy statement must contain resources.")? {
        if resource == "*" {
            continue;
        }
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        let ["arn", partition, vendor, _, _, name] = parts.as_slice() else {
            return Err(format!("Resource {resource} must be in ARN format or \"*\"."));
        };
        if !["aws", "aws-cn", "aws-us-gov", "*"].contains(partition) {
            return Err(format!("Partition \"{partition}\" is not valid for resource \"{resource}\"."));
        }
        if vendor.is_empty() || vendor.contains(['*', '?']) || name.is_empty() {
            return Err("Resource vendor must be fully qualified and cannot contain regexes.".into());
        }
    }
    Ok(())
}

fn check_condition(condition: Option<&Value>) -> Result<(), String> {
    let Some(condition) = condition else {
        return Ok(());
    };
    for (operator, keys) in condition.as_object().ok_or(SYNTAX)? {
        if !is_operator(operator) {
            return Err(format!("Invalid Condition type : {operator}."));
        }
        for (key, values) in keys.as_object().ok_or(SYNTAX)? {
            if !key.contains(':') {
                return Err("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".into());
            }
            let plain = |value: &Value| value.is_string() || value.is_boolean() || value.is_number();
            if !elements(Some(values)).into_iter().all(plain) {
                return Err(SYNTAX.into());
            }
        }
    }
    Ok(())
}

fn is_operator(text: &str) -> bool {
    let single = text.strip_prefix("ForAnyValue:").or_else(|| text.strip_prefix("ForAllValues:")).unwrap_or(text);
    let bare = single.strip_suffix("IfExists").unwrap_or(single);
    // Null has no IfExists form.
    OPERATORS.contains(&bare) && !(bare == "Null" && bare != single)
}

fn check_principals(
    statement: &mut Map<String, Value>,
    kind: Kind,
    world: &World,
    now: Timestamp,
) -> Result<(), String> {
    let given: Vec<&str> =
        ["Principal", "NotPrincipal"].into_iter().filter(|field| statement.contains_key(*field)).collect();
    match (kind, given.as_slice()) {
        (Kind::Identity, []) => Ok(()),
        (Kind::Identity, _) => Err("Policy document should not specify a principal.".into()),
        (Kind::Trust | Kind::Key, [field]) => {
            let field = (*field).to_owned();
            let value = statement.get_mut(field.as_str()).ok_or(SYNTAX)?;
            principal::check(value, kind, world, now)
        }
        (Kind::Trust | Kind::Key, []) => Err("Missing required field Principal".into()),
        (Kind::Trust | Kind::Key, _) => Err(SYNTAX.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn refusal(document: &Value, kind: Kind) -> String {
        parse(&document.to_string(), kind, &World::default(), NOW).unwrap_err()
    }

    fn identity(change: impl FnOnce(&mut Map<String, Value>)) -> Value {
        let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        change(statement.as_object_mut().unwrap());
        json!({"Version": "2012-10-17", "Statement": [statement]})
    }

    #[test]
    fn identity_policies_follow_the_grammar() {
        let world = World::default();
        let plain = identity(|_| ());
        assert!(parse(&plain.to_string(), Kind::Identity, &world, NOW).is_ok());
        let condition = identity(|s| {
            s.insert("Condition".into(), json!({"ForAnyValue:StringLikeIfExists": {"s3:prefix": ["a", "b"]}}));
        });
        assert!(parse(&condition.to_string(), Kind::Identity, &world, NOW).is_ok());
        let cases: [(&str, Value, &str); 9] = [
            ("Action", json!("GetObject"), "prefaced by a vendor"),
            ("Action", json!([]), "Syntax"),
            ("Resource", json!("bucket/*"), "must be in ARN format"),
            ("Resource", json!("arn:amazon:s3:::x"), "Partition"),
            ("Effect", json!("allow"), "Invalid effect"),
            ("Sid", json!("with space"), "alpha-numeric"),
            ("Principal", json!("*"), "should not specify a principal"),
            ("NotAction", json!("s3:*"), "Syntax"),
            ("Condition", json!({"StringIs": {"a:b": "c"}}), "Invalid Condition type"),
        ];
        for (field, value, expected) in cases {
            let document = identity(|s| {
                s.insert(field.into(), value);
            });
            let message = refusal(&document, Kind::Identity);
            assert!(message.contains(expected), "{field}: {message}");
        }
        assert_eq!(refusal(&json!({"Statement": []}), Kind::Identity), SYNTAX);
        assert_eq!(refusal(&json!({"Statement": ["x"]}), Kind::Identity), SYNTAX);
        assert_eq!(refusal(&json!({"Statement": {}, "Foo": 1}), Kind::Identity), SYNTAX);
        assert!(refusal(&json!({"Version": "2012", "Statement": {}}), Kind::Identity).contains("version"));
    }

    #[test]
    fn sids_are_unique_and_a_single_statement_needs_no_list() {
        let one = json!({"Sid": "A", "Effect": "Deny", "Action": "*", "Resource": "*"});
        let world = World::default();
        let single = json!({"Statement": one});
        assert!(parse(&single.to_string(), Kind::Identity, &world, NOW).is_ok());
        let twice = json!({"Statement": [one, one]});
        assert!(refusal(&twice, Kind::Identity).contains("unique"));
    }

    #[test]
    fn trust_policies_take_sts_actions_and_no_resource() {
        let trust = |action: &str| {
            json!({"Statement": [{"Effect": "Allow", "Action": action,
                "Principal": {"Service": "redshift.amazonaws.com"}}]})
        };
        let world = World::default();
        let good = trust("sts:AssumeRole").to_string();
        assert!(parse(&good, Kind::Trust, &world, NOW).is_ok());
        assert!(refusal(&trust("s3:GetObject"), Kind::Trust).contains("STS AssumeRole"));
        let mut with_resource = trust("sts:AssumeRole");
        with_resource["Statement"][0]["Resource"] = json!("*");
        assert_eq!(refusal(&with_resource, Kind::Trust), "Has prohibited field Resource");
        assert!(parse("{", Kind::Trust, &world, NOW).unwrap_err().contains("invalid Json"));
    }
}
