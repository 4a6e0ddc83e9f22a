//! What a role may do: inline policies, attached managed policies, the permissions boundary.
//!
//! Called through `SERVICE`. Must never evaluate a policy: the sandbox user may do everything.

use super::constraint::{DOCUMENT, TextRule, is_name};
use super::document::{self, Kind};
use super::{Role, attached_reply, encoded, limit, listed, malformed, managed, no_such, role_of, role_of_mut};
use crate::sandbox::Operation;
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};

const INLINE_CHARACTERS: usize = 10_240;
const ATTACHED: usize = 10;

const POLICY_NAME: TextRule = TextRule { min: 1, max: 128, pattern: r"[\w+=,.@-]+", fits: is_name };
const POLICY_PATH: TextRule = TextRule {
    min: 1,
    max: 512,
    pattern: r"((/[A-Za-z0-9\.,\+@=_-]+)*)/",
    fits: |text| text.starts_with('/') && text.ends_with('/') && !text.contains("//"),
};

/// Operations on the policies of a role.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "PutRolePolicy",
        mutating: true,
        params: &["RoleName", "PolicyName", "PolicyDocument"],
        run: put_role_policy,
    },
    Operation { name: "GetRolePolicy", mutating: false, params: &["RoleName", "PolicyName"], run: get_role_policy },
    Operation {
        name: "ListRolePolicies",
        mutating: false,
        params: &["RoleName", "Marker", "MaxItems"],
        run: list_role_policies,
    },
    Operation {
        name: "DeleteRolePolicy",
        mutating: true,
        params: &["RoleName", "PolicyName"],
        run: delete_role_policy,
    },
    Operation { name: "AttachRolePolicy", mutating: true, params: &["RoleName", "PolicyArn"], run: attach_role_policy },
    Operation { name: "DetachRolePolicy", mutating: true, params: &["RoleName", "PolicyArn"], run: detach_role_policy },
    Operation {
        name: "ListAttachedRolePolicies",
        mutating: false,
        params: &["RoleName", "PathPrefix", "Marker", "MaxItems"],
        run: list_attached_role_policies,
    },
    Operation {
        name: "PutRolePermissionsBoundary",
        mutating: true,
        params: &["RoleName", "PermissionsBoundary"],
        run: put_role_permissions_boundary,
    },
    Operation {
        name: "DeleteRolePermissionsBoundary",
        mutating: true,
        params: &["RoleName"],
        run: delete_role_permissions_boundary,
    },
];

fn put_role_policy(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = POLICY_NAME.read(req, "PolicyName")?;
    let text = DOCUMENT.read(req, "PolicyDocument")?;
    let role = role_of(world, req)?;
    document::parse(&text, Kind::Identity, world, now).map_err(malformed)?;
    let others = role.inline.iter().filter(|(other, _)| **other != name);
    let taken: usize = others.map(|(_, other)| document::size(other)).sum();
    if taken + document::size(&text) > INLINE_CHARACTERS {
        let message = format!("Maximum policy size of {INLINE_CHARACTERS} bytes exceeded for role {}", role.name);
        return Err(AwsError::new("LimitExceeded", message).status(409));
    }
    role_of_mut(world, req)?.inline.insert(name, text);
    Ok(json!({}))
}

fn get_role_policy(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (role, name) = inline_of(world, req)?;
    Ok(json!({
        "RoleName": role.name,
        "PolicyName": name,
        "PolicyDocument": role.inline.get(&name).map(|text| encoded(text)),
    }))
}

fn list_role_policies(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let names = role_of(world, req)?.inline.keys();
    listed("PolicyNames", names.map(|name| json!(name)).collect(), req)
}

fn delete_role_policy(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (_, name) = inline_of(world, req)?;
    let role = role_of_mut(world, req)?;
    role.inline.remove(&name);
    role.bared = Some(now);
    Ok(json!({}))
}

fn inline_of<'a>(world: &'a World, req: &Request) -> Result<(&'a Role, String), AwsError> {
    let name = POLICY_NAME.read(req, "PolicyName")?;
    let role = role_of(world, req)?;
    if role.inline.contains_key(&name) {
        return Ok((role, name));
    }
    Err(no_such(format!("The role policy with name {name} cannot be found.")))
}

fn attach_role_policy(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let arn = req.text("PolicyArn")?;
    managed::check_arn(&arn)?;
    let role = role_of(world, req)?;
    if !managed::exists(world, &arn) {
        return Err(no_such(format!("Policy {arn} does not exist or is not attachable.")));
    }
    if !role.attached.contains(&arn) && role.attached.len() >= ATTACHED {
        return Err(limit("PoliciesPerRole", ATTACHED));
    }
    role_of_mut(world, req)?.attached.insert(arn);
    Ok(json!({}))
}

fn detach_role_policy(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = req.text("PolicyArn")?;
    managed::check_arn(&arn)?;
    let role = role_of_mut(world, req)?;
    if role.attached.remove(&arn) {
        role.bared = Some(now);
        return Ok(json!({}));
    }
    Err(no_such(format!("Policy {arn} was not found.")))
}

fn list_attached_role_policies(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let prefix = POLICY_PATH.read_opt(req, "PathPrefix")?.unwrap_or_else(|| "/".into());
    let attached = role_of(world, req)?.attached.iter();
    let found: Vec<Value> =
        attached.filter(|arn| managed::path(arn).starts_with(&prefix)).map(|arn| attached_reply(arn)).collect();
    listed("AttachedPolicies", found, req)
}

fn put_role_permissions_boundary(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    role_of(world, req)?;
    let boundary = managed::boundary(world, Some(req.text("PermissionsBoundary")?))?;
    role_of_mut(world, req)?.boundary = boundary;
    Ok(json!({}))
}

fn delete_role_permissions_boundary(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let role = role_of_mut(world, req)?;
    if role.boundary.take().is_some() {
        return Ok(json!({}));
    }
    let message = format!("Role {} does not have a permission boundary.", role.name);
    Err(no_such(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::iam::testing::{Bench, decoded};

    fn policy(resource: &str) -> String {
        json!({"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [resource]}]}).to_string()
    }

    fn put(name: &str, text: &str) -> Value {
        json!({"RoleName": "r", "PolicyName": name, "PolicyDocument": text})
    }

    #[test]
    fn inline_policies_are_upserts_within_the_quota() {
        let mut bench = Bench::new();
        bench.role("r");
        bench.call("PutRolePolicy", put("s3", &policy("*"))).unwrap();
        let long = policy(&format!("arn:aws:s3:::{}", "x".repeat(6000)));
        bench.call("PutRolePolicy", put("s3", &long)).unwrap();
        assert_eq!(bench.code("PutRolePolicy", put("more", &long)), ("LimitExceeded".to_owned(), 409));
        let spaced = policy("arn:aws:s3:::b/*").replace(':', &format!(":{}", " ".repeat(4000)));
        assert_eq!(bench.code("PutRolePolicy", put("more", &spaced)).0, "MalformedPolicyDocument");
        assert_eq!(bench.code("PutRolePolicy", put("more", "[]")).0, "MalformedPolicyDocument");
        let read = bench.call("GetRolePolicy", json!({"RoleName": "r", "PolicyName": "s3"})).unwrap();
        assert_eq!(
            decoded(&read["PolicyDocument"]).to_string(),
            serde_json::from_str::<Value>(&long).unwrap().to_string()
        );
        let names = bench.call("ListRolePolicies", json!({"RoleName": "r"})).unwrap();
        assert_eq!(names["PolicyNames"], json!(["s3"]));
        assert_eq!(bench.code("DeleteRole", json!({"RoleName": "r"})).0, "DeleteConflict");
        bench.call("DeleteRolePolicy", json!({"RoleName": "r", "PolicyName": "s3"})).unwrap();
        let gone = bench.code("DeleteRolePolicy", json!({"RoleName": "r", "PolicyName": "s3"}));
        assert_eq!(gone, ("NoSuchEntity".to_owned(), 404));
    }

    #[test]
    fn attaching_is_idempotent_and_stops_at_ten() {
        let mut bench = Bench::new();
        bench.role("r");
        let arn = |n: usize| format!("arn:aws:iam::123456789012:policy/team/p{n}");
        bench.world.iam.managed_policies.extend((0..11).map(arn));
        let of = |n: usize| json!({"RoleName": "r", "PolicyArn": arn(n)});
        for n in 0..10 {
            bench.call("AttachRolePolicy", of(n)).unwrap();
        }
        bench.call("AttachRolePolicy", of(3)).unwrap();
        assert_eq!(bench.code("AttachRolePolicy", of(10)), ("LimitExceeded".to_owned(), 409));
        assert_eq!(bench.code("DetachRolePolicy", of(10)), ("NoSuchEntity".to_owned(), 404));
        assert_eq!(bench.code("AttachRolePolicy", of(12)).0, "NoSuchEntity");
        let wrong = json!({"RoleName": "r", "PolicyArn": "AmazonS3ReadOnlyAccess"});
        assert_eq!(bench.code("AttachRolePolicy", wrong).0, "InvalidInput");
        let listed = |prefix: &str| json!({"RoleName": "r", "PathPrefix": prefix});
        let team = bench.call("ListAttachedRolePolicies", listed("/team/")).unwrap();
        assert_eq!(team["AttachedPolicies"][0], json!({"PolicyName": "p0", "PolicyArn": arn(0)}));
        let none = bench.call("ListAttachedRolePolicies", listed("/other/")).unwrap();
        assert_eq!(none["AttachedPolicies"], json!([]));
    }

    #[test]
    fn a_boundary_comes_and_goes() {
        let mut bench = Bench::new();
        bench.role("r");
        let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        bench.call("PutRolePermissionsBoundary", json!({"RoleName": "r", "PermissionsBoundary": arn})).unwrap();
        let role = bench.call("GetRole", json!({"RoleName": "r"})).unwrap();
        assert_eq!(role["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"], arn);
        bench.call("DeleteRolePermissionsBoundary", json!({"RoleName": "r"})).unwrap();
        assert_eq!(bench.code("DeleteRolePermissionsBoundary", json!({"RoleName": "r"})).0, "NoSuchEntity");
    }
}
