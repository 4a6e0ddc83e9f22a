//! Snapshots of namespaces: create, read, delete, and the final one of a namespace that goes.
//!
//! Called by the core and by DeleteNamespace. Source: aws-facts.md 6.5. Must never outlive its retention in an answer.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::sql::Catalogue;
use super::name::check_snapshot_name;
use super::namespace::{self, AWS_OWNED_KEY, Namespace};
use super::{
    AwsError, Operation, Reply, Request, SNAPSHOT_CREATES, World, conflict, invalid, listing, moment, not_found,
    operation_running, tag,
};

/// Days of retention a snapshot can have; absent is forever.
const RETENTION_DAYS: std::ops::RangeInclusive<i64> = 1..=3653;

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Name, unique in the region.
    pub name: String,
    /// ARN; it holds a UUID, not the name.
    pub arn: String,
    /// Name of its namespace, which may be gone.
    pub namespace: String,
    /// ARN of its namespace.
    pub namespace_arn: String,
    /// Admin of the namespace when it was taken.
    pub admin: String,
    /// First database of the namespace when it was taken.
    #[serde(default)]
    pub database: String,
    /// What its databases held; none where no statement had reached them.
    #[serde(default)]
    pub catalogue: Option<Catalogue>,
    /// Customer key that encrypts it.
    pub key: Option<String>,
    /// When it was taken.
    pub created: Timestamp,
    /// When `CREATING` becomes `AVAILABLE`.
    pub available_at: Timestamp,
    /// Days until it goes; none is never.
    pub retention: Option<i64>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateSnapshot",
        mutating: true,
        params: &["namespaceName", "snapshotName", "retentionPeriod", "tags.key", "tags.value"],
        run: create_snapshot,
    },
    Operation {
        name: "GetSnapshot",
        mutating: false,
        params: &["snapshotName", "snapshotArn", "ownerAccount"],
        run: get_snapshot,
    },
    Operation {
        name: "ListSnapshots",
        mutating: false,
        params: &["namespaceName", "namespaceArn", "ownerAccount", "startTime", "endTime", "maxResults", "nextToken"],
        run: list_snapshots,
    },
    Operation { name: "DeleteSnapshot", mutating: true, params: &["snapshotName"], run: delete_snapshot },
];

impl Snapshot {
    fn ends(&self) -> Option<Timestamp> {
        let days = self.retention?;
        self.created.checked_add(SignedDuration::from_hours(24 * days)).ok()
    }

    /// Whether its retention has not run out.
    pub(super) fn exists(&self, now: Timestamp) -> bool {
        super::exists(self.ends(), now)
    }

    /// Whether it can be restored.
    pub(in crate::sandbox) fn is_available(&self, now: Timestamp) -> bool {
        self.available_at <= now && self.exists(now)
    }

    pub(super) fn render(&self, world: &World, now: Timestamp) -> Reply {
        let remaining = self.ends().map(|end| end.duration_since(now).as_hours() / 24);
        json!({
            "snapshotName": self.name,
            "snapshotArn": self.arn,
            "namespaceName": self.namespace,
            "namespaceArn": self.namespace_arn,
            "adminUsername": self.admin,
            "kmsKeyId": self.key.as_deref().unwrap_or(AWS_OWNED_KEY),
            "ownerAccount": world.account,
            "snapshotCreateTime": moment(self.created),
            "snapshotRetentionPeriod": self.retention.unwrap_or(-1),
            "snapshotRetentionStartTime": moment(self.created),
            "snapshotRemainingDays": remaining.unwrap_or(-1),
            "status": if self.is_available(now) { "AVAILABLE" } else { "CREATING" },
        })
    }
}

/// Days of retention of a call, checked.
pub(super) fn read_retention(req: &Request, member: &str) -> Result<Option<i64>, AwsError> {
    match req.opt_int(member)? {
        None | Some(-1) => Ok(None),
        Some(days) if RETENTION_DAYS.contains(&days) => Ok(Some(days)),
        Some(days) => Err(invalid(format!("The value {days} of {member} is not between 1 and 3653 days, nor -1"))),
    }
}

/// Takes a snapshot of a namespace; the name must be free.
pub(super) fn take<'a>(
    world: &'a mut World,
    now: Timestamp,
    namespace: &Namespace,
    name: &str,
    retention: Option<i64>,
) -> Result<&'a Snapshot, AwsError> {
    check_snapshot_name(name)?;
    if world.serverless.snapshots.get(name).is_some_and(|snapshot| snapshot.exists(now)) {
        return Err(conflict(format!("The snapshot {name} already exists.")));
    }
    let id = world.uuid();
    let snapshot = Snapshot {
        name: name.to_owned(),
        arn: world.arn("redshift-serverless", &format!("snapshot/{id}")),
        namespace: namespace.name.clone(),
        namespace_arn: namespace.arn.clone(),
        admin: namespace.admin.clone(),
        database: namespace.database.clone(),
        catalogue: world.sql.catalogues.get(&namespace.id).cloned(),
        key: namespace.key.clone(),
        created: now,
        available_at: now + SNAPSHOT_CREATES,
        retention,
    };
    Ok(world.serverless.snapshots.entry(name.to_owned()).insert_entry(snapshot).into_mut())
}

/// The snapshot with that ARN.
pub(in crate::sandbox) fn snapshot_by_arn<'a>(world: &'a World, arn: &str, now: Timestamp) -> Option<&'a Snapshot> {
    world.serverless.snapshots.values().find(|snapshot| snapshot.arn == arn && snapshot.exists(now))
}

pub(super) fn find<'a>(world: &'a World, name: &str, now: Timestamp) -> Result<&'a Snapshot, AwsError> {
    let snapshot = world.serverless.snapshots.get(name).filter(|snapshot| snapshot.exists(now));
    snapshot.ok_or_else(|| not_found(format!("The snapshot {name} doesn't exist.")))
}

fn create_snapshot(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let namespace = namespace::find(world, &req.text("namespaceName")?, now)?.clone();
    let name = req.text("snapshotName")?;
    let retention = read_retention(req, "retentionPeriod")?;
    let tags = tag::read(req)?;
    if world.serverless.workgroup_of(&namespace.name, now).is_none() {
        return Err(invalid(format!("The namespace {} has no workgroup that could take a snapshot.", namespace.name)));
    }
    if !namespace.is_idle(world, now) {
        return Err(operation_running("namespace", "updating"));
    }
    let snapshot = take(world, now, &namespace, &name, retention)?.clone();
    tag::put(world, &snapshot.arn, tags);
    Ok(json!({ "snapshot": snapshot.render(world, now) }))
}

fn get_snapshot(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    foreign_account(world, req)?;
    let snapshot = match (req.opt_text("snapshotName")?, req.opt_text("snapshotArn")?) {
        (Some(name), None) => find(world, &name, now)?,
        (None, Some(arn)) => {
            snapshot_by_arn(world, &arn, now).ok_or_else(|| not_found(format!("The snapshot {arn} doesn't exist.")))?
        }
        _ => return Err(invalid("Specify either snapshotName or snapshotArn.")),
    };
    Ok(json!({ "snapshot": snapshot.render(world, now) }))
}

fn list_snapshots(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    foreign_account(world, req)?;
    let (name, arn) = (req.opt_text("namespaceName")?, req.opt_text("namespaceArn")?);
    let (start, end) = (read_moment(req, "startTime")?, read_moment(req, "endTime")?);
    let wanted = |snapshot: &&Snapshot| {
        snapshot.exists(now)
            && name.as_ref().is_none_or(|name| *name == snapshot.namespace)
            && arn.as_ref().is_none_or(|arn| *arn == snapshot.namespace_arn)
            && start.is_none_or(|start| start <= snapshot.created)
            && end.is_none_or(|end| snapshot.created <= end)
    };
    let found = world.serverless.snapshots.values().filter(wanted);
    listing("snapshots", found.map(|snapshot| snapshot.render(world, now)).collect(), req)
}

pub(super) fn foreign_account(world: &World, req: &Request) -> Result<(), AwsError> {
    match req.opt_text("ownerAccount")? {
        Some(account) if account != world.account => {
            Err(not_found(format!("The account {account} shares no snapshots with this one.")))
        }
        _ => Ok(()),
    }
}

// awsJson writes a moment as seconds since 1970, with or without a fraction.
pub(super) fn read_moment(req: &Request, member: &str) -> Result<Option<Timestamp>, AwsError> {
    let Some(text) = req.opt_text(member)? else { return Ok(None) };
    let seconds = match req.params.get(member) {
        Some(Value::Number(number)) => number.as_f64(),
        _ => text.parse().ok(),
    };
    let at = seconds.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
    let at = at.and_then(|since| Timestamp::from_duration(since).ok());
    at.map(Some).ok_or_else(|| invalid(format!("The value {text} of {member} is not a timestamp")))
}

fn delete_snapshot(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let snapshot = find(world, &req.text("snapshotName")?, now)?.clone();
    if !snapshot.is_available(now) {
        return Err(conflict(format!("The snapshot {} is still being created.", snapshot.name)));
    }
    world.serverless.snapshots.remove(&snapshot.name);
    world.serverless.sweep(now);
    let mut reply = snapshot.render(world, now);
    if let Some(status) = reply.get_mut("status") {
        *status = json!("DELETED");
    }
    Ok(json!({ "snapshot": reply }))
}
