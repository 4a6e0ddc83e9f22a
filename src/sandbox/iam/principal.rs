//! Who a trust or key policy may name: accounts, roles and users that exist, services of AWS.
//!
//! Called by `iam::document`. Must never accept a principal of this account that is not there: that is the error
//! a client meets when it uses a role before IAM knows it.

use super::document::{Kind, strings};
use super::{SANDBOX_USER, usable_role};
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// First labels of the service principals the sandbox knows (`<label>.amazonaws.com`, also with a region between).
const SERVICES: [&str; 34] = [
    "apigateway",
    "athena",
    "autoscaling",
    "backup",
    "batch",
    "cloudformation",
    "cloudtrail",
    "cloudwatch",
    "codebuild",
    "dms",
    "ec2",
    "ecs-tasks",
    "eks",
    "elasticloadbalancing",
    "elasticmapreduce",
    "events",
    "firehose",
    "glue",
    "kinesis",
    "kms",
    "lambda",
    "logs",
    "monitoring.rds",
    "rds",
    "redshift",
    "redshift-serverless",
    "s3",
    "sagemaker",
    "scheduler",
    "scheduler.redshift",
    "secretsmanager",
    "sns",
    "sqs",
    "states",
];

/// Checks a `Principal` or `NotPrincipal` and turns bare account ids into root ARNs; the error names the principal.
pub fn check(principal: &mut Value, kind: Kind, world: &World, now: Timestamp) -> Result<(), String> {
    if principal.as_str() == Some("*") {
        return Ok(());
    }
    let malformed = || format!("Invalid principal in policy: {principal}");
    let fields = principal.as_object().ok_or_else(malformed)?;
    if fields.is_empty() {
        return Err(malformed());
    }
    for (field, value) in fields {
        for name in strings(Some(value)).ok_or_else(malformed)? {
            if !is_known(field, name, kind, world, now) {
                return Err(format!("Invalid principal in policy: \"{field}\":\"{name}\""));
            }
        }
    }
    if let Some(fields) = principal.as_object_mut() {
        name_roots(fields);
    }
    Ok(())
}

/// The root ARN of an account.
pub fn root(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

fn name_roots(fields: &mut Map<String, Value>) {
    let rename = |value: &mut Value| {
        if let Some(account) = value.as_str().filter(|text| is_account(text)) {
            *value = Value::String(root(account));
        }
    };
    match fields.get_mut("AWS") {
        Some(Value::Array(list)) => list.iter_mut().for_each(rename),
        Some(single) => rename(single),
        None => {}
    }
}

fn is_known(field: &str, name: &str, kind: Kind, world: &World, now: Timestamp) -> bool {
    match field {
        "AWS" => name == "*" || is_account(name) || is_known_arn(name, world, now),
        "Service" => is_service(name),
        "Federated" => kind == Kind::Trust && (name.starts_with("arn:aws:iam::") || name.contains('.')),
        _ => false,
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

fn is_known_arn(arn: &str, world: &World, now: Timestamp) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws", service, "", account, rest] = parts.as_slice() else {
        return false;
    };
    if !is_account(account) || rest.contains(['*', '?']) {
        return false;
    }
    let named = rest.split_once('/').is_some_and(|(_, name)| !name.is_empty());
    match (*service, *account == world.account) {
        ("iam", _) if *rest == "root" => true,
        ("iam", true) => *rest == format!("user/{SANDBOX_USER}") || usable_role(world, now, arn).is_some(),
        ("sts", true) => assumed_role_exists(rest, world, now),
        // The principals of other accounts are not in this world: only their shape can be checked.
        ("iam", false) => named && (rest.starts_with("role/") || rest.starts_with("user/")),
        ("sts", false) => named && rest.starts_with("assumed-role/"),
        _ => false,
    }
}

fn assumed_role_exists(rest: &str, world: &World, now: Timestamp) -> bool {
    let parts: Vec<&str> = rest.split('/').collect();
    let ["assumed-role", name, session] = parts.as_slice() else {
        return false;
    };
    !session.is_empty()
        && world.iam.roles.values().any(|role| role.name == *name && world.iam.has_spread(role.created, now))
}

fn is_service(name: &str) -> bool {
    let Some(label) = name.strip_suffix(".amazonaws.com") else {
        return false;
    };
    let regional = label.rsplit_once('.').filter(|(_, region)| is_region(region));
    SERVICES.contains(&regional.map_or(label, |(service, _)| service))
}

// Like us-west-2 or us-gov-east-1; the home region of IAM says nothing about where the service is.
fn is_region(text: &str) -> bool {
    let mut parts = text.rsplit('-');
    let number = parts.next().is_some_and(|part| part.parse::<u8>().is_ok());
    let words: Vec<&str> = parts.collect();
    let word = |part: &&str| part.len() > 1 && part.chars().all(|c| c.is_ascii_lowercase());
    number && (2..=3).contains(&words.len()) && words.iter().all(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_principals_that_exist_are_taken() {
        let world = World::default();
        let account = world.account.clone();
        let accepts = |value: Value| check(&mut value.clone(), Kind::Trust, &world, Timestamp::UNIX_EPOCH).is_ok();
        assert!(accepts(json!({"Service": ["redshift.amazonaws.com", "logs.us-west-2.amazonaws.com"]})));
        assert!(!accepts(json!({"Service": "redshift-servreless.amazonaws.com"})));
        assert!(accepts(json!({"AWS": [account, root(&world.account), "arn:aws:iam::999999999999:role/other"]})));
        assert!(accepts(json!({"AWS": format!("arn:aws:iam::{account}:user/{SANDBOX_USER}")})));
        assert!(!accepts(json!({"AWS": format!("arn:aws:iam::{account}:role/absent")})));
        assert!(!accepts(json!({"AWS": "arn:aws:iam::999999999999:role/a*"})));
        assert!(!accepts(json!({"Aws": "*"})));
        assert!(!accepts(json!({})));
        assert!(!accepts(json!("root")));
    }

    #[test]
    fn account_ids_become_root_arns() {
        let mut value = json!({"AWS": ["123456789012", "*"]});
        check(&mut value, Kind::Key, &World::default(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(value, json!({"AWS": ["arn:aws:iam::123456789012:root", "*"]}));
    }
}
