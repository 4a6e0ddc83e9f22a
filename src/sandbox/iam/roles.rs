//! The roles themselves: create, read, list, update, delete.
//!
//! Called through `SERVICE`. Must never take a policy, boundary or tag list that the operations for these alone
//! would refuse.

use super::constraint::{DOCUMENT, TextRule, int_within};
use super::document::{self, Kind};
use super::{
    DEFAULT_SESSION_SECONDS, ROLE_NAME, Role, boundary_reply, caller, date, encoded, limit, listed, malformed, managed,
    role_of, role_of_mut, tags,
};
use crate::sandbox::Operation;
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

const SESSION_SECONDS: RangeInclusive<i64> = 3600..=43_200;
const TRUST_CHARACTERS: usize = 2048;
const ID_CHARACTERS: usize = 17;

const PATH: TextRule =
    TextRule { min: 1, max: 512, pattern: r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", fits: is_path };
const PATH_PREFIX: TextRule = TextRule {
    min: 1,
    max: 512,
    pattern: r"\u002F[\u0021-\u007F]*",
    fits: |text| text.starts_with('/') && text.chars().all(|c| ('\u{21}'..='\u{7f}').contains(&c)),
};
const DESCRIPTION: TextRule = TextRule {
    min: 0,
    max: 1000,
    pattern: r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*",
    fits: |text| text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{7e}' | '\u{a1}'..='\u{ff}')),
};

/// Operations on roles.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateRole",
        mutating: true,
        params: &[
            "Path",
            "RoleName",
            "AssumeRolePolicyDocument",
            "Description",
            "MaxSessionDuration",
            "PermissionsBoundary",
            "Tags.Key",
            "Tags.Value",
        ],
        run: create_role,
    },
    Operation { name: "GetRole", mutating: false, params: &["RoleName"], run: get_role },
    Operation { name: "ListRoles", mutating: false, params: &["PathPrefix", "Marker", "MaxItems"], run: list_roles },
    Operation {
        name: "UpdateRole",
        mutating: true,
        params: &["RoleName", "Description", "MaxSessionDuration"],
        run: update_role,
    },
    Operation {
        name: "UpdateAssumeRolePolicy",
        mutating: true,
        params: &["RoleName", "PolicyDocument"],
        run: update_assume_role_policy,
    },
    Operation { name: "DeleteRole", mutating: true, params: &["RoleName"], run: delete_role },
];

fn create_role(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = ROLE_NAME.read(req, "RoleName")?;
    let path = PATH.read_opt(req, "Path")?.unwrap_or_else(|| "/".into());
    let description = DESCRIPTION.read_opt(req, "Description")?;
    let max_session = int_within(req, "MaxSessionDuration", SESSION_SECONDS)?.unwrap_or(DEFAULT_SESSION_SECONDS);
    let document = DOCUMENT.read(req, "AssumeRolePolicyDocument")?;
    let tags = tags::merged(&BTreeMap::new(), req)?;
    let key = name.to_ascii_lowercase();
    if world.iam.roles.contains_key(&key) || caller::given_role(world, &name).is_some() {
        let message = format!("Role with name {name} already exists.");
        return Err(AwsError::new("EntityAlreadyExists", message).status(409));
    }
    let trust = checked_trust(world, now, &document)?;
    let boundary = managed::boundary(world, req.opt_text("PermissionsBoundary")?)?;
    let id = world.hex(ID_CHARACTERS).to_ascii_uppercase();
    let role = Role {
        id: format!("AROA{id}"),
        arn: format!("arn:aws:iam::{}:role{path}{name}", world.account),
        name,
        path,
        created: now,
        trust,
        description,
        max_session,
        boundary,
        tags,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        bared: None,
    };
    let reply = full(&role);
    world.iam.roles.insert(key, role);
    Ok(json!({"Role": reply}))
}

fn get_role(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    if let Some(given) = caller::given_role(world, &ROLE_NAME.read(req, "RoleName")?) {
        return Ok(json!({"Role": given}));
    }
    let mut reply = full(role_of(world, req)?);
    reply["RoleLastUsed"] = json!({});
    Ok(json!({"Role": reply}))
}

fn list_roles(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let prefix = PATH_PREFIX.read_opt(req, "PathPrefix")?.unwrap_or_else(|| "/".into());
    let given = caller::given_roles(world);
    let mut found: Vec<&Role> = world.iam.roles.values().chain(&given).collect();
    found.retain(|role| role.path.starts_with(&prefix));
    listed("Roles", found.into_iter().map(brief).collect(), req)
}

fn update_role(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let description = DESCRIPTION.read_opt(req, "Description")?;
    let max_session = int_within(req, "MaxSessionDuration", SESSION_SECONDS)?;
    let role = role_of_mut(world, req)?;
    if let Some(text) = description {
        role.description = (!text.is_empty()).then_some(text);
    }
    role.max_session = max_session.unwrap_or(role.max_session);
    Ok(json!({}))
}

fn update_assume_role_policy(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let document = DOCUMENT.read(req, "PolicyDocument")?;
    role_of(world, req)?;
    let trust = checked_trust(world, now, &document)?;
    role_of_mut(world, req)?.trust = trust;
    Ok(json!({}))
}

fn delete_role(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let role = role_of(world, req)?;
    let conflict = |message: &str| Err(AwsError::new("DeleteConflict", message).status(409));
    if !role.attached.is_empty() {
        return conflict("Cannot delete entity, must detach all policies first.");
    }
    if !role.inline.is_empty() {
        return conflict("Cannot delete entity, must delete policies first.");
    }
    // What was taken away a moment ago still counts.
    if role.bared.is_some_and(|bared| !world.iam.has_spread(bared, now)) {
        return conflict("Cannot delete entity, must detach all policies first.");
    }
    let key = role.name.to_ascii_lowercase();
    world.iam.roles.remove(&key);
    Ok(json!({}))
}

// IAM keeps a trust policy parsed, not as the text that came: it answers with its own spacing and order.
fn checked_trust(world: &World, now: Timestamp, text: &str) -> Result<String, AwsError> {
    let value = document::parse(text, Kind::Trust, world, now).map_err(malformed)?;
    if document::size(text) > TRUST_CHARACTERS {
        return Err(limit("ACLSizePerRole", TRUST_CHARACTERS));
    }
    Ok(value.to_string())
}

// What ListRoles gives: no tags, no boundary, no last use.
fn brief(role: &Role) -> Value {
    json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": date(role.created),
        "AssumeRolePolicyDocument": encoded(&role.trust),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
    })
}

fn full(role: &Role) -> Value {
    let mut reply = brief(role);
    reply["PermissionsBoundary"] = boundary_reply(role);
    // A role without tags has no `Tags` element at all.
    if !role.tags.is_empty() {
        reply["Tags"] = tags::reply(&role.tags).into();
    }
    reply
}

fn is_path(text: &str) -> bool {
    text == "/"
        || (text.len() > 2
            && text.starts_with('/')
            && text.ends_with('/')
            && text.chars().all(|c| ('\u{21}'..='\u{7e}').contains(&c)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::iam::testing::{Bench, decoded, trust};
    use jiff::SignedDuration;

    #[test]
    fn a_role_reads_back_as_created_and_updated() {
        let mut bench = Bench::new();
        let params = json!({"RoleName": "dev-producer", "Path": "/rsds/", "MaxSessionDuration": "7200",
            "Description": "COPY", "AssumeRolePolicyDocument": trust("redshift.amazonaws.com"),
            "PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess",
            "Tags": [{"Key": "Team", "Value": ""}]});
        let made = bench.call("CreateRole", params).unwrap();
        assert_eq!(made["Role"]["Arn"], "arn:aws:iam::123456789012:role/rsds/dev-producer");
        assert_eq!(made["Role"]["CreateDate"], "2030-01-02T03:04:05Z");
        let document = made["Role"]["AssumeRolePolicyDocument"].as_str().unwrap();
        assert!(document.starts_with("%7B%22Statement%22%3A%5B"), "{document}");
        bench.call("UpdateRole", json!({"RoleName": "dev-producer", "MaxSessionDuration": "3600"})).unwrap();
        let other = trust("redshift-serverless.amazonaws.com");
        bench.call("UpdateAssumeRolePolicy", json!({"RoleName": "dev-producer", "PolicyDocument": other})).unwrap();
        let role = bench.call("GetRole", json!({"RoleName": "dev-producer"})).unwrap()["Role"].clone();
        assert_eq!((&role["MaxSessionDuration"], &role["Description"]), (&json!(3600), &json!("COPY")));
        assert_eq!(role["Tags"], json!([{"Key": "Team", "Value": ""}]));
        let principal = &decoded(&role["AssumeRolePolicyDocument"])["Statement"][0]["Principal"];
        assert_eq!(principal["Service"], "redshift-serverless.amazonaws.com");
        let arn = role["Arn"].as_str().unwrap();
        let kept = crate::sandbox::iam::role(&bench.world, arn).unwrap();
        assert!(kept.trusts("redshift-serverless.amazonaws.com") && !kept.trusts("redshift.amazonaws.com"));
        let listed = bench.call("ListRoles", json!({"PathPrefix": "/rsds/"})).unwrap();
        assert!(listed["Roles"][0].get("Tags").is_none());
        assert_eq!(listed["IsTruncated"], false);
        assert_eq!(bench.call("ListRoles", json!({"PathPrefix": "/x"})).unwrap()["Roles"], json!([]));
    }

    #[test]
    fn what_cannot_be_created_is_refused() {
        let mut bench = Bench::new();
        bench.role("Reader");
        let exists = ("EntityAlreadyExists".to_owned(), 409);
        let good = trust("redshift.amazonaws.com");
        let with = |name: &str, value: Value| {
            let mut params = json!({"RoleName": "new", "AssumeRolePolicyDocument": good});
            params[name] = value;
            params
        };
        assert_eq!(bench.code("CreateRole", with("RoleName", json!("rEADER"))), exists);
        let cases = [
            ("RoleName", json!("a b"), "ValidationError"),
            ("RoleName", json!("x".repeat(65)), "ValidationError"),
            ("Path", json!("rsds"), "ValidationError"),
            ("Description", json!("x".repeat(1001)), "ValidationError"),
            ("MaxSessionDuration", json!("3599"), "ValidationError"),
            ("AssumeRolePolicyDocument", json!("{"), "MalformedPolicyDocument"),
            ("AssumeRolePolicyDocument", json!(trust("redsift.amazonaws.com")), "MalformedPolicyDocument"),
            ("PermissionsBoundary", json!("arn:aws:iam::aws:policy/Absent"), "NoSuchEntity"),
            ("PermissionsBoundary", json!("arn:aws:s3:::a-bucket-somewhere"), "InvalidInput"),
            ("Tags", json!([{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]), "InvalidInput"),
            ("Tags", json!([{"Key": "aws:x", "Value": "1"}]), "InvalidInput"),
        ];
        for (name, value, code) in cases {
            assert_eq!(bench.code("CreateRole", with(name, value.clone())).0, code, "{name} {value}");
        }
        let mut long: Value = serde_json::from_str(&good).unwrap();
        long["Statement"][0]["Action"] = json!(vec!["sts:AssumeRole"; 150]);
        let long = long.to_string();
        let code = bench.code("CreateRole", with("AssumeRolePolicyDocument", json!(long)));
        assert_eq!(code, ("LimitExceeded".to_owned(), 409));
        assert_eq!(bench.code("GetRole", json!({"RoleName": "new"})), ("NoSuchEntity".to_owned(), 404));
    }

    #[test]
    fn a_role_with_policies_stays() {
        let mut bench = Bench::new();
        bench.role("busy");
        let arn = "arn:aws:iam::aws:policy/AmazonRedshiftAllCommandsFullAccess";
        bench.call("AttachRolePolicy", json!({"RoleName": "busy", "PolicyArn": arn})).unwrap();
        let conflict = ("DeleteConflict".to_owned(), 409);
        assert_eq!(bench.code("DeleteRole", json!({"RoleName": "busy"})), conflict);
        bench.call("DetachRolePolicy", json!({"RoleName": "busy", "PolicyArn": arn})).unwrap();
        bench.call("DeleteRole", json!({"RoleName": "busy"})).unwrap();
        assert!(bench.world.iam.is_empty());
        assert_eq!(bench.code("DeleteRole", json!({"RoleName": "busy"})).0, "NoSuchEntity");
    }

    #[test]
    fn what_is_written_spreads_in_its_own_time() {
        let mut bench = Bench::new();
        bench.world.iam.propagation = 10;
        let arn = bench.role("fresh")["Role"]["Arn"].as_str().unwrap().to_owned();
        let policy = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
        let trusting =
            json!({"Statement": [{"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}]});
        let second = json!({"RoleName": "second", "AssumeRolePolicyDocument": trusting.to_string()});
        let early = bench.call("CreateRole", second.clone()).unwrap_err();
        assert_eq!(early.code, "MalformedPolicyDocument");
        assert!(early.message.starts_with("Invalid principal in policy"), "{}", early.message);
        assert!(crate::sandbox::iam::usable_role(&bench.world, bench.now, &arn).is_none());
        bench.now += SignedDuration::from_secs(10);
        bench.call("CreateRole", second).unwrap();
        assert!(crate::sandbox::iam::usable_role(&bench.world, bench.now, &arn).is_some());

        bench.call("AttachRolePolicy", json!({"RoleName": "fresh", "PolicyArn": policy})).unwrap();
        bench.call("DetachRolePolicy", json!({"RoleName": "fresh", "PolicyArn": policy})).unwrap();
        let conflict = ("DeleteConflict".to_owned(), 409);
        assert_eq!(bench.code("DeleteRole", json!({"RoleName": "fresh"})), conflict);
        bench.now += SignedDuration::from_secs(10);
        bench.call("DeleteRole", json!({"RoleName": "fresh"})).unwrap();
    }

    #[test]
    fn listing_goes_page_by_page() {
        let mut bench = Bench::new();
        for n in 0..5 {
            bench.role(&format!("r{n}"));
        }
        let first = bench.call("ListRoles", json!({"MaxItems": "3"})).unwrap();
        assert_eq!((first["Roles"].as_array().unwrap().len(), &first["IsTruncated"]), (3, &json!(true)));
        let rest = bench.call("ListRoles", json!({"MaxItems": "3", "Marker": first["Marker"]})).unwrap();
        assert_eq!(rest["Roles"][1]["RoleName"], "r4");
        assert_eq!((&rest["IsTruncated"], &rest["Marker"]), (&json!(false), &Value::Null));
        assert_eq!(bench.code("ListRoles", json!({"MaxItems": "0"})).0, "ValidationError");
    }
}
