//! Namespaces: create, read, delete; what one is and what state it is in.
//!
//! Called by the core; updates lie in `namespace_update`. Must never keep a password: what is not managed is checked
//! and dropped.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::{iam, kms, secrets};
use super::name::{check_identifier, check_name, check_password};
use super::{
    AwsError, NAMESPACE_CREATES, NAMESPACE_DELETES, Operation, Reply, Request, World, conflict, exists, invalid,
    listing, moment, not_found, operation_running, snapshot, tag,
};

/// What the API answers for a namespace without a customer key (aws-facts.md 6.1).
pub(super) const AWS_OWNED_KEY: &str = "AWS_OWNED_KMS_KEY";
/// Admin name when none is given (6.1).
pub(super) const DEFAULT_ADMIN: &str = "admin";
/// Database when none is given (6.1).
const DEFAULT_DATABASE: &str = "dev";
/// Most roles of a namespace (2).
const MOST_ROLES: usize = 50;
/// Kinds of log a namespace can export (6.1).
const LOGS: [&str; 3] = ["userlog", "connectionlog", "useractivitylog"];

/// A namespace: the storage half of a serverless warehouse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// Name, unique in the region.
    pub name: String,
    /// ARN; it holds the id, not the name.
    pub arn: String,
    /// UUID, as data sharing names it.
    pub id: String,
    /// When it was created.
    pub created: Timestamp,
    /// Until when its own last operation keeps it `MODIFYING`.
    pub busy_until: Timestamp,
    /// When a deletion that has begun is over.
    pub gone_at: Option<Timestamp>,
    /// Name of the first database.
    pub database: String,
    /// Since when that database exists: the first workgroup makes it.
    pub database_since: Option<Timestamp>,
    /// Name of the admin user.
    pub admin: String,
    /// ARN of the managed password's secret; none when the password is not managed.
    pub secret: Option<String>,
    /// ARN of the customer key of that secret.
    pub secret_key: Option<String>,
    /// ARN of the customer key; none is the key AWS owns.
    pub key: Option<String>,
    /// Roles in the order given.
    pub roles: Vec<RoleAttachment>,
    /// The role of `IAM_ROLE default`.
    pub default_role: Option<String>,
    /// Exported logs.
    pub logs: BTreeSet<String>,
    /// When the last restore into it is over.
    #[serde(default)]
    pub restored_at: Option<Timestamp>,
    /// When the exports last changed; none: never since it was created.
    #[serde(default)]
    pub logs_since: Option<Timestamp>,
}

/// A role of a namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleAttachment {
    /// ARN of the role.
    pub arn: String,
    /// When `adding` becomes `in-sync`.
    pub in_sync_at: Timestamp,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateNamespace",
        mutating: true,
        params: &[
            "namespaceName",
            "dbName",
            "adminUsername",
            "adminUserPassword",
            "manageAdminPassword",
            "adminPasswordSecretKmsKeyId",
            "iamRoles",
            "defaultIamRoleArn",
            "kmsKeyId",
            "logExports",
            "tags.key",
            "tags.value",
        ],
        run: create_namespace,
    },
    Operation { name: "GetNamespace", mutating: false, params: &["namespaceName"], run: get_namespace },
    Operation { name: "ListNamespaces", mutating: false, params: &["maxResults", "nextToken"], run: list_namespaces },
    Operation {
        name: "DeleteNamespace",
        mutating: true,
        params: &["namespaceName", "finalSnapshotName", "finalSnapshotRetentionPeriod"],
        run: delete_namespace,
    },
];

/// How the admin logs in: exactly one of the three.
pub(super) enum Admin {
    /// No password: temporary credentials alone.
    None,
    /// A password of the caller's, checked and forgotten.
    Given,
    /// A secret that the service keeps.
    Managed,
}

/// Reads the admin members and their rules; a given password is checked here and goes nowhere.
pub(super) fn read_admin(req: &Request) -> Result<Admin, AwsError> {
    let managed = req.opt_bool("manageAdminPassword")?.unwrap_or(false);
    let username = req.opt_text("adminUsername")?;
    let password = req.opt_text("adminUserPassword")?;
    if let Some(username) = &username {
        check_identifier("adminUsername", username, 127)?;
    }
    if req.has("adminPasswordSecretKmsKeyId") && !managed {
        return Err(invalid("adminPasswordSecretKmsKeyId needs manageAdminPassword to be true"));
    }
    match (managed, username, password) {
        (true, _, Some(_)) => {
            Err(invalid("You can't use adminUserPassword if manageAdminPassword is true. Set one of them."))
        }
        (true, _, None) => Ok(Admin::Managed),
        (false, Some(_), Some(password)) => check_password(&password).map(|()| Admin::Given),
        (false, None, None) => Ok(Admin::None),
        (false, _, _) => Err(invalid("adminUsername and adminUserPassword must be given together")),
    }
}

/// ARN of a customer key that can be used now; the literal of the AWS-owned key and absence are none.
pub(super) fn read_key(world: &World, now: Timestamp, req: &Request, member: &str) -> Result<Option<String>, AwsError> {
    match req.opt_text(member)?.filter(|id| id != AWS_OWNED_KEY) {
        None => Ok(None),
        Some(id) => kms::usable_key(world, now, &id).map(Some).map_err(|error| {
            invalid(format!("The KMS key '{id}' of {member} can't be used: {} ({})", error.message, error.code))
        }),
    }
}

/// Roles of the call in the order given; each must exist, and IAM have told of it.
pub(super) fn read_roles(world: &World, now: Timestamp, req: &Request) -> Result<Vec<String>, AwsError> {
    let roles = req.texts("iamRoles")?;
    if roles.iter().collect::<BTreeSet<_>>().len() != roles.len() {
        return Err(invalid("The list of IAM roles names a role twice"));
    }
    if roles.len() > MOST_ROLES {
        return Err(invalid(format!("A namespace can have at most {MOST_ROLES} IAM roles")));
    }
    if let Some(unknown) = roles.iter().find(|arn| iam::usable_role(world, now, arn).is_none()) {
        return Err(invalid(format!("Redshift Serverless is not authorized to assume the IAM role {unknown}")));
    }
    Ok(roles)
}

/// Refuses a default role that is not among the namespace's roles.
pub(super) fn check_default_role<'a>(
    default_role: Option<&str>,
    mut roles: impl Iterator<Item = &'a str>,
) -> Result<(), AwsError> {
    match default_role {
        Some(role) if !roles.any(|arn| arn == role) => {
            Err(invalid(format!("The default IAM role {role} must be one of the namespace's IAM roles")))
        }
        _ => Ok(()),
    }
}

/// Log exports of the call.
pub(super) fn read_logs(req: &Request) -> Result<BTreeSet<String>, AwsError> {
    let logs = req.texts("logExports")?;
    if let Some(unknown) = logs.iter().find(|log| !LOGS.contains(&log.as_str())) {
        return Err(invalid(format!("The log export '{unknown}' is not one of {}", LOGS.join(", "))));
    }
    Ok(logs.into_iter().collect())
}

/// The namespace of a call, or its not-found error.
pub(super) fn find<'a>(world: &'a World, name: &str, now: Timestamp) -> Result<&'a Namespace, AwsError> {
    world.serverless.namespace(name, now).ok_or_else(|| not_found(format!("The namespace {name} doesn't exist.")))
}

impl Namespace {
    /// Whether nothing runs on it or on its workgroup.
    pub(super) fn is_idle(&self, world: &World, now: Timestamp) -> bool {
        self.status(world, now) == "AVAILABLE"
    }

    /// `AVAILABLE`, `MODIFYING` (also while its workgroup is busy) or `DELETING`.
    pub fn status(&self, world: &World, now: Timestamp) -> &'static str {
        let workgroup_busy =
            || world.serverless.workgroup_of(&self.name, now).is_some_and(|workgroup| workgroup.is_busy(now));
        if self.gone_at.is_some() {
            "DELETING"
        } else if now < self.busy_until || workgroup_busy() {
            "MODIFYING"
        } else {
            "AVAILABLE"
        }
    }

    /// Whether its databases are being replaced.
    pub(in crate::sandbox) fn is_restoring(&self, now: Timestamp) -> bool {
        self.restored_at.is_some_and(|at| now < at)
    }

    fn database(&self, now: Timestamp) -> Option<&str> {
        self.database_since.is_some_and(|since| since <= now).then_some(self.database.as_str())
    }

    /// The object as Get and List answer it: no tags, roles as text, no password.
    pub(super) fn render(&self, world: &World, now: Timestamp) -> Reply {
        let roles: Vec<String> = self.roles.iter().map(|role| role.render(now)).collect();
        json!({
            "namespaceName": self.name,
            "namespaceArn": self.arn,
            "namespaceId": self.id,
            "creationDate": moment(self.created),
            "status": self.status(world, now),
            "dbName": self.database(now),
            "adminUsername": self.admin,
            "adminPasswordSecretArn": self.secret,
            "adminPasswordSecretKmsKeyId": self.secret_key,
            "kmsKeyId": self.key.as_deref().unwrap_or(AWS_OWNED_KEY),
            "iamRoles": roles,
            "defaultIamRoleArn": self.default_role,
            "logExports": self.logs,
        })
    }
}

impl RoleAttachment {
    fn render(&self, now: Timestamp) -> String {
        let status = if now < self.in_sync_at { "adding" } else { "in-sync" };
        format!("IamRole(applyStatus={status}, iamRoleArn={})", self.arn)
    }
}

fn create_namespace(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("namespaceName")?;
    check_name("namespaceName", &name)?;
    let database = req.opt_text("dbName")?.unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
    check_identifier("dbName", &database, 64)?;
    let admin = read_admin(req)?;
    let username = req.opt_text("adminUsername")?.unwrap_or_else(|| DEFAULT_ADMIN.to_owned());
    let roles = read_roles(world, now, req)?;
    let default_role = req.opt_text("defaultIamRoleArn")?.filter(|role| !role.is_empty());
    check_default_role(default_role.as_deref(), roles.iter().map(String::as_str))?;
    let key = read_key(world, now, req, "kmsKeyId")?;
    let secret_key = read_key(world, now, req, "adminPasswordSecretKmsKeyId")?;
    let logs = read_logs(req)?;
    let tags = tag::read(req)?;
    if world.serverless.namespace(&name, now).is_some() {
        return Err(conflict(format!("The namespace {name} already exists.")));
    }
    world.serverless.sweep(now);
    let id = world.uuid();
    let arn = world.arn("redshift-serverless", &format!("namespace/{id}"));
    let secret = matches!(admin, Admin::Managed)
        .then(|| secrets::create_managed(world, now, &arn, &name, &username, secret_key.as_deref()));
    let busy_until = now + NAMESPACE_CREATES;
    let namespace = Namespace {
        name: name.clone(),
        arn: arn.clone(),
        id,
        created: now,
        busy_until,
        gone_at: None,
        database,
        database_since: None,
        admin: username,
        secret,
        secret_key,
        key,
        roles: roles.into_iter().map(|arn| RoleAttachment { arn, in_sync_at: busy_until }).collect(),
        default_role,
        logs,
        restored_at: None,
        logs_since: None,
    };
    let reply = namespace.render(world, now);
    world.serverless.namespaces.insert(name, namespace);
    tag::put(world, &arn, tags);
    Ok(json!({ "namespace": reply }))
}

fn get_namespace(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let namespace = find(world, &req.text("namespaceName")?, now)?;
    Ok(json!({ "namespace": namespace.render(world, now) }))
}

fn list_namespaces(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let all = world.serverless.namespaces.values();
    let items = all.filter(|namespace| exists(namespace.gone_at, now)).map(|namespace| namespace.render(world, now));
    listing("namespaces", items.collect(), req)
}

fn delete_namespace(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("namespaceName")?;
    let mut namespace = find(world, &name, now)?.clone();
    if let Some(workgroup) = world.serverless.workgroup_of(&name, now) {
        return Err(conflict(format!(
            "The namespace {name} can't be deleted because the workgroup {} is associated with it.",
            workgroup.name
        )));
    }
    if !namespace.is_idle(world, now) {
        return Err(operation_running("namespace", "deleting"));
    }
    let retention = snapshot::read_retention(req, "finalSnapshotRetentionPeriod")?;
    match req.opt_text("finalSnapshotName")? {
        Some(snapshot_name) => snapshot::take(world, now, &namespace, &snapshot_name, retention).map(drop)?,
        None if retention.is_some() => {
            return Err(invalid("finalSnapshotRetentionPeriod needs finalSnapshotName"));
        }
        None => {}
    }
    world.serverless.copies.retain(|_, copy| copy.namespace != name);
    namespace.gone_at = Some(now + NAMESPACE_DELETES);
    if let Some(secret) = &namespace.secret {
        secrets::delete_managed(world, secret);
    }
    let reply = namespace.render(world, now);
    world.serverless.namespaces.insert(name, namespace);
    Ok(json!({ "namespace": reply }))
}
