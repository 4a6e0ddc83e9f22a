//! Recovery points, which AWS makes by itself, and restores: what a namespace becomes again.
//!
//! Called by the core. Source: aws-facts.md 6.5 and the API model. A point is made every 30 minutes and kept for a day; which
//! there are follows from the clock. Must never restore into a namespace or workgroup that is not there, or busy.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::{kms, redshift, secrets, sql::Catalogue};
use super::namespace::{self, Namespace};
use super::snapshot::{find as find_snapshot, foreign_account, read_moment, read_retention, take};
use super::{
    AwsError, Operation, RECOVERY_POINT, RESTORES, Reply, Request, World, conflict, invalid, listing, moment,
    not_found, operation_running, snapshot_by_arn, tag,
};
use crate::sandbox::world::{digest, uuid_shape};

/// AWS time between two recovery points.
const EVERY: SignedDuration = SignedDuration::from_mins(30);
/// AWS time one is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "ListRecoveryPoints",
        mutating: false,
        params: &["namespaceName", "namespaceArn", "startTime", "endTime", "maxResults", "nextToken"],
        run: list_recovery_points,
    },
    Operation { name: "GetRecoveryPoint", mutating: false, params: &["recoveryPointId"], run: get_recovery_point },
    Operation {
        name: "ConvertRecoveryPointToSnapshot",
        mutating: true,
        params: &["recoveryPointId", "snapshotName", "retentionPeriod", "tags.key", "tags.value"],
        run: convert,
    },
    Operation {
        name: "RestoreFromRecoveryPoint",
        mutating: true,
        params: &["recoveryPointId", "namespaceName", "workgroupName"],
        run: restore_from_recovery_point,
    },
    Operation {
        name: "RestoreFromSnapshot",
        mutating: true,
        params: &[
            "namespaceName",
            "workgroupName",
            "snapshotName",
            "snapshotArn",
            "ownerAccount",
            "manageAdminPassword",
            "adminPasswordSecretKmsKeyId",
        ],
        run: restore_from_snapshot,
    },
];

/// The moments of the recovery points of a namespace, oldest first; without a workgroup none are made.
fn points(world: &World, namespace: &Namespace, now: Timestamp) -> Vec<Timestamp> {
    let Some(workgroup) = world.serverless.workgroup_of(&namespace.name, now) else { return Vec::new() };
    let first = workgroup.created + RECOVERY_POINT;
    let all = std::iter::successors(Some(first), |last| last.checked_add(EVERY).ok());
    all.take_while(|at| *at <= now).filter(|at| now.duration_since(*at) < KEPT).collect()
}

/// When the last recovery point of a namespace was made, by its UUID.
pub(in crate::sandbox) fn last_recovery_point(world: &World, namespace: &str, now: Timestamp) -> Option<Timestamp> {
    let found = world.serverless.namespaces_at(now).find(|found| found.id == namespace)?;
    points(world, found, now).last().copied()
}

/// Whether a recovery point of that moment would be kept still.
pub(in crate::sandbox) fn is_kept(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < KEPT
}

fn id(namespace: &Namespace, at: Timestamp) -> String {
    uuid_shape(&digest(&format!("{}/{at}", namespace.id)))
}

fn render(world: &World, namespace: &Namespace, at: Timestamp, now: Timestamp) -> Reply {
    json!({
        "recoveryPointId": id(namespace, at),
        "recoveryPointCreateTime": moment(at),
        "totalSizeInMegaBytes": 100.0,
        "namespaceName": namespace.name,
        "namespaceArn": namespace.arn,
        "workgroupName": world.serverless.workgroup_of(&namespace.name, now).map(|workgroup| &workgroup.name),
    })
}

fn list_recovery_points(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (name, arn) = (req.opt_text("namespaceName")?, req.opt_text("namespaceArn")?);
    let (start, end) = (read_moment(req, "startTime")?, read_moment(req, "endTime")?);
    let asked = |namespace: &&Namespace| {
        name.as_ref().is_none_or(|name| *name == namespace.name) && arn.as_ref().is_none_or(|arn| *arn == namespace.arn)
    };
    let within = |at: &Timestamp| start.is_none_or(|start| start <= *at) && end.is_none_or(|end| *at <= end);
    let found = world.serverless.namespaces_at(now).filter(asked).flat_map(|namespace| {
        let its = points(world, namespace, now).into_iter().filter(within);
        its.map(|at| render(world, namespace, at, now)).collect::<Vec<_>>()
    });
    listing("recoveryPoints", found.collect(), req)
}

/// The namespace and the moment of the recovery point a call names.
fn asked(world: &World, req: &Request, now: Timestamp) -> Result<(Namespace, Timestamp), AwsError> {
    let wanted = req.text("recoveryPointId")?;
    let mut all = world
        .serverless
        .namespaces_at(now)
        .flat_map(|namespace| points(world, namespace, now).into_iter().map(move |at| (namespace, at)));
    let found = all.find(|(namespace, at)| id(namespace, *at) == wanted);
    let (namespace, at) = found.ok_or_else(|| not_found(format!("The recovery point {wanted} doesn't exist.")))?;
    Ok((namespace.clone(), at))
}

fn get_recovery_point(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (namespace, at) = asked(world, req, now)?;
    Ok(json!({ "recoveryPoint": render(world, &namespace, at, now) }))
}

/// A snapshot of what a namespace was at that moment.
fn convert(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (namespace, at) = asked(world, req, now)?;
    let (name, retention) = (req.text("snapshotName")?, read_retention(req, "retentionPeriod")?);
    let tags = tag::read(req)?;
    let snapshot = take(world, now, &namespace, &name, retention)?.clone();
    tag::put(world, &snapshot.arn, tags);
    let catalogue = world.sql.at(&namespace.id, at);
    if let Some(kept) = world.serverless.snapshots.get_mut(&name) {
        kept.catalogue = catalogue;
    }
    Ok(json!({ "snapshot": snapshot.render(world, now) }))
}

fn restore_from_recovery_point(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let wanted = req.text("recoveryPointId")?;
    let (of, at) = asked(world, req, now)?;
    let target = target(world, req, now)?;
    if of.id != target.id {
        return Err(invalid(format!("The recovery point {wanted} is not one of the namespace {}.", target.name)));
    }
    let catalogue = world.sql.at(&of.id, at);
    let namespace = put(world, now, target, catalogue);
    Ok(json!({ "recoveryPointId": wanted, "namespace": namespace.render(world, now) }))
}

/// Where a restore goes: a namespace and its own workgroup, neither of them busy.
fn target(world: &World, req: &Request, now: Timestamp) -> Result<Namespace, AwsError> {
    let namespace = namespace::find(world, &req.text("namespaceName")?, now)?.clone();
    let workgroup = req.text("workgroupName")?;
    match world.serverless.workgroup(&workgroup, now) {
        None => return Err(not_found(format!("The workgroup {workgroup} doesn't exist."))),
        Some(found) if found.namespace != namespace.name => {
            return Err(invalid(format!("The workgroup {workgroup} is not associated with {}.", namespace.name)));
        }
        Some(_) => {}
    }
    if !namespace.is_idle(world, now) {
        return Err(operation_running("namespace", "restoring"));
    }
    Ok(namespace)
}

/// Replaces everything that is inside a namespace.
fn put(world: &mut World, now: Timestamp, mut namespace: Namespace, from: Option<Catalogue>) -> Namespace {
    namespace.busy_until = now + RESTORES;
    namespace.restored_at = Some(now + RESTORES);
    if let Some(point) = points(world, &namespace, now).last() {
        world.sql.keep(&namespace.id, *point, now);
    }
    let fresh = || Catalogue::new(&namespace.database, &namespace.admin);
    let restored = from.unwrap_or_else(fresh).restored(world.sql.catalogues.get(&namespace.id));
    world.sql.catalogues.insert(namespace.id.clone(), restored);
    world.serverless.namespaces.insert(namespace.name.clone(), namespace.clone());
    namespace
}

/// What a snapshot of either service brings.
struct Source {
    name: String,
    database: String,
    admin: String,
    key: Option<String>,
    available: bool,
    catalogue: Option<Catalogue>,
}

impl From<(&super::Snapshot, Timestamp)> for Source {
    fn from((found, now): (&super::Snapshot, Timestamp)) -> Self {
        Self {
            name: found.name.clone(),
            database: found.database.clone(),
            admin: found.admin.clone(),
            key: found.key.clone(),
            available: found.is_available(now),
            catalogue: found.catalogue.clone(),
        }
    }
}

fn source(world: &World, req: &Request, now: Timestamp) -> Result<Source, AwsError> {
    foreign_account(world, req)?;
    match (req.opt_text("snapshotName")?, req.opt_text("snapshotArn")?) {
        (Some(name), None) => Ok((find_snapshot(world, &name, now)?, now).into()),
        (None, Some(arn)) => {
            if let Some(found) = snapshot_by_arn(world, &arn, now) {
                return Ok((found, now).into());
            }
            let mut all = world.redshift.snapshots.values();
            let found: Option<&redshift::Snapshot> = all.find(|snapshot| snapshot.arn == arn && snapshot.exists(now));
            let found = found.ok_or_else(|| not_found(format!("The snapshot {arn} doesn't exist.")))?;
            Ok(Source {
                name: found.name.clone(),
                database: found.cluster.database.clone(),
                admin: found.cluster.admin.clone(),
                key: found.cluster.current(found.created).key.clone(),
                available: found.available_at <= now,
                catalogue: found.catalogue.clone(),
            })
        }
        _ => Err(invalid("Specify either snapshotName or snapshotArn.")),
    }
}

fn restore_from_snapshot(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut namespace = target(world, req, now)?;
    let source = source(world, req, now)?;
    if !source.available {
        return Err(conflict(format!("The snapshot {} is still being created.", source.name)));
    }
    if let Some(key) = &source.key {
        kms::usable_key(world, now, key).map_err(|error| {
            invalid(format!("The KMS key '{key}' of the snapshot can't be used: {}", error.message))
        })?;
    }
    let managed = req.opt_bool("manageAdminPassword")?.unwrap_or(false);
    namespace.admin = source.admin;
    if !source.database.is_empty() {
        namespace.database = source.database;
    }
    // Unless it is to be managed, the admin has the password that it had then.
    match (managed, namespace.secret.take()) {
        (false, None) => {}
        (false, Some(secret)) => secrets::delete_managed(world, &secret),
        (true, Some(secret)) => namespace.secret = Some(secret),
        (true, None) => {
            let secret = secrets::create_managed(world, now, &namespace.arn, &namespace.name, &namespace.admin, None);
            namespace.secret = Some(secret);
        }
    }
    let namespace = put(world, now, namespace, source.catalogue);
    let account = world.account.clone();
    Ok(json!({
        "snapshotName": source.name, "ownerAccount": account, "namespace": namespace.render(world, now),
    }))
}
