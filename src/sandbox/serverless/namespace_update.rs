//! UpdateNamespace: one group of settings per call, and never a call that changes nothing.
//!
//! Called by the core. Source: aws-facts.md 6.1. Must never accept two groups at once.

use jiff::Timestamp;
use serde_json::json;

use super::super::secrets;
use super::namespace::{self, Admin, Namespace, RoleAttachment};
use super::{AwsError, NAMESPACE_UPDATES, Operation, Reply, Request, World, invalid, operation_running};

/// The groups of members that go together; a call may hold members of one group only.
const GROUPS: [&[&str]; 4] = [
    &["manageAdminPassword", "adminUsername", "adminUserPassword", "adminPasswordSecretKmsKeyId"],
    &["iamRoles", "defaultIamRoleArn"],
    &["kmsKeyId"],
    &["logExports"],
];

pub(super) static OPERATIONS: &[Operation] = &[Operation {
    name: "UpdateNamespace",
    mutating: true,
    params: &[
        "namespaceName",
        "manageAdminPassword",
        "adminUsername",
        "adminUserPassword",
        "adminPasswordSecretKmsKeyId",
        "iamRoles",
        "defaultIamRoleArn",
        "kmsKeyId",
        "logExports",
    ],
    run: update_namespace,
}];

fn update_namespace(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("namespaceName")?;
    let before = namespace::find(world, &name, now)?.clone();
    let group = one_group(req)?;
    if !before.is_idle(world, now) {
        return Err(operation_running("namespace", "updating"));
    }
    let mut after = before.clone();
    let until = now + NAMESPACE_UPDATES;
    let written = match group {
        0 => update_admin(world, req, now, &mut after)?,
        1 => update_roles(world, req, now, &mut after).map(|()| false)?,
        2 => update_key(world, req, now, &mut after).map(|()| false)?,
        _ => {
            after.logs = namespace::read_logs(req)?;
            if after.logs != before.logs {
                after.logs_since = Some(now);
            }
            false
        }
    };
    if after == before && !written {
        return Err(invalid(format!("The namespace {name} already has these settings. There is nothing to update.")));
    }
    after.busy_until = until;
    world.serverless.namespaces.insert(name, after.clone());
    Ok(json!({ "namespace": after.render(world, now) }))
}

fn one_group(req: &Request) -> Result<usize, AwsError> {
    let given = |members: &&[&str]| members.iter().any(|member| req.has(member));
    let groups: Vec<usize> = (0..GROUPS.len()).filter(|at| GROUPS.get(*at).is_some_and(given)).collect();
    match groups.as_slice() {
        [group] => Ok(*group),
        [] => Err(invalid("The request changes nothing: specify at least one parameter to update.")),
        _ => Err(invalid(
            "You can update only one of the admin credentials, the IAM roles, the KMS key or the log exports in one \
             request.",
        )),
    }
}

/// Tells whether something changed that no reader can see: a given password.
fn update_admin(world: &mut World, req: &Request, now: Timestamp, after: &mut Namespace) -> Result<bool, AwsError> {
    let old = (after.secret.clone(), after.admin.clone());
    // The key alone may be changed while the password is managed.
    let others = ["manageAdminPassword", "adminUsername", "adminUserPassword"];
    let key_only = after.secret.is_some() && !others.iter().any(|member| req.has(member));
    let admin = if key_only { Admin::Managed } else { namespace::read_admin(req)? };
    let secret_key = namespace::read_key(world, now, req, "adminPasswordSecretKmsKeyId")?;
    match admin {
        Admin::None => {
            if after.secret.is_some() {
                return Err(invalid("adminUsername and adminUserPassword must be given to stop managing the password"));
            }
            Ok(false)
        }
        Admin::Given => {
            after.admin = req.text("adminUsername")?;
            after.secret_key = None;
            if let Some(secret) = after.secret.take() {
                secrets::delete_managed(world, &secret);
            }
            Ok(true)
        }
        Admin::Managed => {
            if let Some(username) = req.opt_text("adminUsername")? {
                after.admin = username;
            }
            let (arn, name, user) = (after.arn.clone(), after.name.clone(), after.admin.clone());
            match old {
                (Some(secret), username) if username == user => {
                    if req.has("adminPasswordSecretKmsKeyId") {
                        secrets::rekey_managed(world, now, &secret, secret_key.as_deref());
                        after.secret_key = secret_key;
                    }
                }
                (old_secret, _) => {
                    if let Some(secret) = old_secret {
                        secrets::delete_managed(world, &secret);
                    }
                    let created = secrets::create_managed(world, now, &arn, &name, &user, secret_key.as_deref());
                    (after.secret, after.secret_key) = (Some(created), secret_key);
                }
            }
            Ok(false)
        }
    }
}

fn update_roles(world: &World, req: &Request, now: Timestamp, after: &mut Namespace) -> Result<(), AwsError> {
    if req.has("iamRoles") {
        let wanted = namespace::read_roles(world, now, req)?;
        if wanted.is_empty() && !after.roles.is_empty() {
            return Err(invalid("The IAM roles of a namespace can't be removed completely once they are set."));
        }
        let known = std::mem::take(&mut after.roles);
        let attach = |arn: String| {
            let kept = known.iter().find(|role| role.arn == arn).cloned();
            kept.unwrap_or(RoleAttachment { arn, in_sync_at: now + NAMESPACE_UPDATES })
        };
        after.roles = wanted.into_iter().map(attach).collect();
    }
    if let Some(role) = req.opt_text("defaultIamRoleArn")? {
        after.default_role = Some(role).filter(|role| !role.is_empty());
    }
    namespace::check_default_role(after.default_role.as_deref(), after.roles.iter().map(|role| role.arn.as_str()))
}

fn update_key(world: &World, req: &Request, now: Timestamp, after: &mut Namespace) -> Result<(), AwsError> {
    let key = namespace::read_key(world, now, req, "kmsKeyId")?;
    if key.is_none() && after.key.is_some() {
        return Err(invalid("A namespace with a customer managed key can't go back to the key that AWS owns."));
    }
    if key != after.key && world.serverless.workgroup_of(&after.name, now).is_none() {
        return Err(invalid("The KMS key can be changed only while the namespace has an available workgroup."));
    }
    after.key = key;
    Ok(())
}
