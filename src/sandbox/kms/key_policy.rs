//! The one policy of a key (`default`): reading, replacing, and the check that nobody locks himself out.
//!
//! Called through `SERVICE` and by CreateKey. Must never keep a policy that takes PutKeyPolicy away from the caller,
//! unless the caller bypasses the check.

use super::{asked_key, change, listed, not_found};
use crate::sandbox::Operation;
use crate::sandbox::iam::constraint::{DOCUMENT, TextRule};
use crate::sandbox::iam::document::{self, Kind};
use crate::sandbox::iam::{SANDBOX_USER, principal};
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

const NAME: &str = "default";
const LONGEST_BYTES: usize = 32_768;
const LIST_USUAL: usize = 100;
const LIST_MOST: usize = 1000;
const GUARDED_ACTION: &str = "kms:PutKeyPolicy";

const POLICY_NAME: TextRule = TextRule {
    min: 1,
    max: 128,
    pattern: r"[\w]+",
    fits: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
};

/// Operations on key policies.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "GetKeyPolicy", mutating: false, params: &["KeyId", "PolicyName"], run: get_key_policy },
    Operation {
        name: "PutKeyPolicy",
        mutating: true,
        params: &["KeyId", "PolicyName", "Policy", "BypassPolicyLockoutSafetyCheck"],
        run: put_key_policy,
    },
    Operation {
        name: "ListKeyPolicies",
        mutating: false,
        params: &["KeyId", "Limit", "Marker"],
        run: list_key_policies,
    },
];

fn get_key_policy(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    check_name(req)?;
    let key = asked_key(world, req, now)?;
    Ok(json!({"Policy": key.policy, "PolicyName": NAME}))
}

fn put_key_policy(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    check_name(req)?;
    let policy = given(world, now, req)?.ok_or_else(|| req.missing("Policy"))?;
    let id = asked_key(world, req, now)?.id.clone();
    change(world, &id, |key| key.policy = policy);
    Ok(json!({}))
}

fn list_key_policies(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    asked_key(world, req, now)?;
    listed("PolicyNames", vec![json!(NAME)], req, LIST_USUAL, LIST_MOST)
}

fn check_name(req: &Request) -> Result<(), AwsError> {
    match POLICY_NAME.read_opt(req, "PolicyName")? {
        Some(name) if name != NAME => Err(not_found("No such policy exists".into())),
        _ => Ok(()),
    }
}

/// The request's `Policy` in the layout of KMS, after all checks; `None` when there is none.
pub(super) fn given(world: &World, now: Timestamp, req: &Request) -> Result<Option<String>, AwsError> {
    let Some(text) = DOCUMENT.read_opt(req, "Policy")? else {
        return Ok(None);
    };
    if text.len() > LONGEST_BYTES {
        let message = format!("The key policy is longer than {LONGEST_BYTES} bytes");
        return Err(AwsError::new("LimitExceededException", message));
    }
    let document = document::parse(&text, Kind::Key, world, now).map_err(malformed)?;
    let bypass = req.opt_bool("BypassPolicyLockoutSafetyCheck")? == Some(true);
    if !bypass && !stays_manageable(&document, &world.account) {
        let message = "The new key policy will not allow you to update the key policy in the future.";
        return Err(malformed(message.into()));
    }
    Ok(Some(pretty(&document)))
}

/// The policy of a key that was created without one: the account decides by IAM.
pub(super) fn usual(account: &str) -> String {
    pretty(&json!({
        "Id": "key-default-1",
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": principal::root(account)},
            "Action": "kms:*",
            "Resource": "*",
        }],
    }))
}

// KMS answers with its own layout, never with the text that came.
fn pretty(document: &Value) -> String {
    format!("{document:#}")
}

fn malformed(message: String) -> AwsError {
    AwsError::new("MalformedPolicyDocumentException", message)
}

// The caller is the sandbox user, to whom IAM allows everything: a statement for the account's root is enough.
// A statement with a condition is not counted as allowing, but is as denying: the check errs on the careful side.
fn stays_manageable(document: &Value, account: &str) -> bool {
    let holds = |statement: &&Map<String, Value>, effect: &str| {
        statement.get("Effect").and_then(Value::as_str) == Some(effect)
            && covers_caller(statement, account)
            && covers_action(statement)
    };
    let statements = document::statements(document);
    let allowed = statements.iter().any(|s| holds(s, "Allow") && !s.contains_key("Condition"));
    allowed && !statements.iter().any(|s| holds(s, "Deny"))
}

fn covers_caller(statement: &Map<String, Value>, account: &str) -> bool {
    let caller = ["*".to_owned(), principal::root(account), format!("arn:aws:iam::{account}:user/{SANDBOX_USER}")];
    let names_caller = |field: &Value| {
        let names = if field.is_string() { Some(field) } else { field.get("AWS") };
        let names = document::strings(names).unwrap_or_default();
        names.iter().any(|name| caller.iter().any(|c| c == name))
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(field), _) => names_caller(field),
        (None, Some(field)) => !names_caller(field),
        (None, None) => false,
    }
}

fn covers_action(statement: &Map<String, Value>) -> bool {
    let matched = |field: &str| {
        document::strings(statement.get(field)).map(|patterns| patterns.iter().any(|p| matches_action(p)))
    };
    matched("Action").or_else(|| matched("NotAction").map(|hit| !hit)).unwrap_or(false)
}

fn matches_action(pattern: &str) -> bool {
    let lower = |text: &str| text.to_ascii_lowercase().into_bytes();
    glob(&lower(pattern), &lower(GUARDED_ACTION))
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, rest) => rest.is_none(),
        (Some((b'*', rest)), _) => glob(rest, text) || text.split_first().is_some_and(|(_, text)| glob(pattern, text)),
        (Some((b'?', rest)), Some((_, text))) => glob(rest, text),
        (Some((letter, rest)), Some((other, text))) => letter == other && glob(rest, text),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kms::testing::Bench;

    const ROOT: &str = "arn:aws:iam::123456789012:root";

    fn statement(effect: &str, principal: Value, action: Value) -> Value {
        json!({"Effect": effect, "Principal": principal, "Action": action, "Resource": "*"})
    }

    fn policy(statements: &[Value]) -> Value {
        json!({"Version": "2012-10-17", "Statement": statements})
    }

    #[test]
    fn the_lockout_check_wants_the_caller_to_keep_put_key_policy() {
        let allow = |action: Value| statement("Allow", json!({"AWS": ROOT}), action);
        let user = json!({"AWS": "arn:aws:iam::123456789012:user/sandbox"});
        let service = json!({"Service": "redshift.amazonaws.com"});
        let safe = |statements: &[Value]| stays_manageable(&policy(statements), "123456789012");
        assert!(safe(&[allow(json!("kms:*"))]));
        assert!(safe(&[statement("Allow", user, json!(["kms:Get*", "kms:Put?eyPolicy"]))]));
        assert!(!safe(&[allow(json!("kms:Describe*"))]));
        assert!(!safe(&[statement("Allow", service, json!("kms:*"))]));
        assert!(!safe(&[allow(json!("kms:*")), statement("Deny", json!("*"), json!("kms:Put*"))]));
        let mut conditional = allow(json!("kms:*"));
        conditional["Condition"] = json!({"StringEquals": {"kms:ViaService": "redshift.us-west-2.amazonaws.com"}});
        assert!(!safe(&[conditional]));
    }

    #[test]
    fn a_policy_is_replaced_and_read_in_the_layout_of_kms() {
        let mut bench = Bench::new();
        let id = bench.key();
        let read = bench.call("GetKeyPolicy", json!({"KeyId": id, "PolicyName": "default"})).unwrap();
        let usual: Value = serde_json::from_str(read["Policy"].as_str().unwrap()).unwrap();
        assert_eq!(usual["Statement"][0]["Principal"]["AWS"], ROOT);
        let new = policy(&[statement("Allow", json!({"AWS": "123456789012"}), json!("kms:*"))]);
        let put = |policy: &Value| json!({"KeyId": id, "Policy": policy.to_string()});
        bench.call("PutKeyPolicy", put(&new)).unwrap();
        let read = bench.call("GetKeyPolicy", json!({"KeyId": id})).unwrap();
        let text = read["Policy"].as_str().unwrap();
        assert!(text.contains(ROOT) && text.contains("\n  "), "{text}");
        let locked = policy(&[statement("Allow", json!({"AWS": ROOT}), json!("kms:Describe*"))]);
        assert_eq!(bench.code("PutKeyPolicy", put(&locked)), "MalformedPolicyDocumentException");
        let mut bypass = put(&locked);
        bypass["BypassPolicyLockoutSafetyCheck"] = json!(true);
        bench.call("PutKeyPolicy", bypass).unwrap();
        let absent = json!({"AWS": [ROOT, "arn:aws:iam::123456789012:role/absent"]});
        let absent = policy(&[statement("Allow", absent, json!("kms:*"))]);
        assert_eq!(bench.code("PutKeyPolicy", put(&absent)), "MalformedPolicyDocumentException");
        assert_eq!(bench.code("GetKeyPolicy", json!({"KeyId": id, "PolicyName": "other"})), "NotFoundException");
        let names = bench.call("ListKeyPolicies", json!({"KeyId": id})).unwrap();
        assert_eq!(names["PolicyNames"], json!(["default"]));
        let long = json!({"KeyId": id, "Policy": " ".repeat(40_000)});
        assert_eq!(bench.code("PutKeyPolicy", long), "LimitExceededException");
    }
}
