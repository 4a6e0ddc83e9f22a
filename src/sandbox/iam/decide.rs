//! What identity policies say of an action: allowed, denied by a statement, or by none allowing it.
//!
//! Called by `caller` and `simulate`. Knows the operators on strings and ARNs; a statement with another one applies to
//! nothing. Must never allow what a matching statement denies.

use super::document::{statements, strings};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Condition keys with their values.
pub(super) type Context = BTreeMap<String, Vec<String>>;

/// The outcome for one action on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Allowed,
    /// A statement denies it.
    Explicit,
    /// No statement allows it.
    Implicit,
}

/// Decides. Without a resource, an allowing statement about any resource will do, and a denying one must be about all.
/// Without a context, conditions are taken for met.
pub(super) fn decide(policies: &[String], action: &str, resource: Option<&str>, context: Option<&Context>) -> Decision {
    let documents: Vec<Value> = policies.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    let all = || documents.iter().flat_map(statements);
    let is =
        |statement: &Map<String, Value>, effect: &str| statement.get("Effect").and_then(Value::as_str) == Some(effect);
    let applies = |statement: &Map<String, Value>, deny: bool| {
        names(statement, "Action", action, true)
            && met(statement, context)
            && match resource {
                Some(resource) => names(statement, "Resource", resource, false),
                None if deny => strings(statement.get("Resource")).is_some_and(|all| all.contains(&"*")),
                None => true,
            }
    };
    if all().any(|statement| is(statement, "Deny") && applies(statement, true)) {
        Decision::Explicit
    } else if all().any(|statement| is(statement, "Allow") && applies(statement, false)) {
        Decision::Allowed
    } else {
        Decision::Implicit
    }
}

/// The condition keys of statements about the action whose values nobody gave.
pub(super) fn missing(policies: &[String], action: &str, context: &Context) -> Vec<String> {
    let documents: Vec<Value> = policies.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    let about = documents.iter().flat_map(statements).filter(|statement| names(statement, "Action", action, true));
    let keys = about
        .filter_map(|statement| statement.get("Condition")?.as_object())
        .flat_map(|operators| operators.values().filter_map(Value::as_object).flat_map(|keys| keys.keys().cloned()));
    let mut missing: Vec<String> = keys.filter(|key| value(context, key).is_none()).collect();
    missing.sort();
    missing.dedup();
    missing
}

fn names(statement: &Map<String, Value>, field: &str, text: &str, any_case: bool) -> bool {
    let fits = |pattern: &&str| match any_case {
        true => like(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase()),
        false => like(pattern, text),
    };
    match strings(statement.get(field)) {
        Some(patterns) => patterns.iter().any(fits),
        None => strings(statement.get(&format!("Not{field}"))).is_some_and(|not| !not.iter().any(fits)),
    }
}

fn met(statement: &Map<String, Value>, context: Option<&Context>) -> bool {
    let (Some(context), Some(operators)) = (context, statement.get("Condition").and_then(Value::as_object)) else {
        return true;
    };
    operators.iter().all(|(operator, keys)| {
        keys.as_object().is_some_and(|keys| {
            keys.iter().all(|(key, wanted)| {
                strings(Some(wanted)).is_some_and(|wanted| holds(operator, value(context, key), &wanted))
            })
        })
    })
}

fn value<'a>(context: &'a Context, key: &str) -> Option<&'a Vec<String>> {
    context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, values)| values)
}

fn holds(operator: &str, values: Option<&Vec<String>>, wanted: &[&str]) -> bool {
    let (operator, if_exists) = operator.strip_suffix("IfExists").map_or((operator, false), |plain| (plain, true));
    let operator = operator.rsplit(':').next().unwrap_or(operator);
    let Some(values) = values else { return if_exists || operator.contains("Not") };
    let any = |test: &dyn Fn(&str, &str) -> bool| values.iter().any(|value| wanted.iter().any(|w| test(w, value)));
    match operator {
        "StringEquals" | "ArnEquals" => any(&|wanted, value| wanted == value),
        "StringEqualsIgnoreCase" => any(&str::eq_ignore_ascii_case),
        "StringLike" | "ArnLike" => any(&like),
        "StringNotEquals" | "ArnNotEquals" => !any(&|wanted, value| wanted == value),
        "StringNotLike" | "ArnNotLike" => !any(&like),
        _ => false,
    }
}

/// Whether the text fits a pattern with `*` and `?`.
fn like(pattern: &str, text: &str) -> bool {
    let mut pattern_chars = pattern.chars();
    match pattern_chars.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern_chars.as_str();
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(rest, &text[at..]))
        }
        Some(sign) => {
            let mut text_chars = text.chars();
            text_chars.next().is_some_and(|c| sign == '?' || sign == c)
                && like(pattern_chars.as_str(), text_chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn policy(statements: Value) -> Vec<String> {
        vec![json!({ "Version": "2012-10-17", "Statement": statements }).to_string()]
    }

    #[test]
    fn a_denying_statement_wins() {
        let all = policy(json!([
            { "Effect": "Allow", "Action": "ec2:*", "Resource": "*" },
            { "Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*" },
            { "Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::1:role/rsds/*" },
            { "Effect": "Deny", "NotAction": ["ec2:*", "iam:*"], "Resource": "*" },
        ]));
        let asked = |action, resource| decide(&all, action, resource, None);
        assert_eq!(asked("ec2:createsubnet", Some("*")), Decision::Allowed);
        assert_eq!(asked("ec2:CreateVpc", Some("*")), Decision::Explicit);
        assert_eq!(asked("ec2:CreateVpc", None), Decision::Explicit);
        assert_eq!(asked("iam:CreateRole", Some("*")), Decision::Implicit);
        assert_eq!(asked("iam:CreateRole", None), Decision::Allowed);
        assert_eq!(asked("iam:CreateRole", Some("arn:aws:iam::1:role/rsds/a/b")), Decision::Allowed);
        assert_eq!(asked("kms:CreateKey", Some("*")), Decision::Explicit);
    }

    #[test]
    fn conditions_are_met_by_the_context() {
        let all = policy(json!({ "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
            "Condition": { "StringLike": { "iam:PassedToService": "redshift*" } } }));
        let context = |service: &str| Context::from([("iam:PassedToService".to_owned(), vec![service.to_owned()])]);
        let asked = |context: &Context| decide(&all, "iam:PassRole", Some("*"), Some(context));
        assert_eq!(asked(&context("redshift.amazonaws.com")), Decision::Allowed);
        assert_eq!(asked(&context("ec2.amazonaws.com")), Decision::Implicit);
        assert_eq!(asked(&Context::new()), Decision::Implicit);
        assert_eq!(missing(&all, "iam:PassRole", &Context::new()), ["iam:PassedToService"]);
    }
}
