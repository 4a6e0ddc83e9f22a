//! Snapshot schedules and the clusters that go by them: create, describe, modify, delete, ModifyClusterSnapshotSchedule.
//!
//! Called by the core. Source: aws-facts.md 5.6. Automated snapshots are not kept here, so none are taken. Must never let
//! a schedule go that a cluster still has.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::select::{TagChoice, listing};
use super::{AwsError, Operation, Reply, Request, SCHEDULES, World, cluster, invalid, name, not_found, tag};
use crate::schedule::Schedule;

/// Longest name. No source tells AWS's own.
const LONGEST: usize = 63;

/// A snapshot schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SnapshotSchedule {
    /// Its name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// When.
    pub definitions: BTreeSet<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The clusters that go by it, by name, those that are gone included.
    pub clusters: BTreeMap<String, Association>,
}

/// A cluster on a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// Until when it is `MODIFYING`.
    pub until: Timestamp,
    /// Whether it is taken off by then.
    pub leaves: bool,
}

impl Association {
    fn exists(&self, now: Timestamp) -> bool {
        !self.leaves || now < self.until
    }
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateSnapshotSchedule",
        mutating: true,
        params: &["ScheduleDefinitions", "ScheduleIdentifier", "ScheduleDescription", "Tags.Key", "Tags.Value"],
        run: create_snapshot_schedule,
    },
    Operation {
        name: "DescribeSnapshotSchedules",
        mutating: false,
        params: &["ClusterIdentifier", "ScheduleIdentifier", "TagKeys", "TagValues", "MaxRecords", "Marker"],
        run: describe_snapshot_schedules,
    },
    Operation {
        name: "ModifySnapshotSchedule",
        mutating: true,
        params: &["ScheduleIdentifier", "ScheduleDefinitions"],
        run: modify_snapshot_schedule,
    },
    Operation {
        name: "DeleteSnapshotSchedule",
        mutating: true,
        params: &["ScheduleIdentifier"],
        run: delete_snapshot_schedule,
    },
    Operation {
        name: "ModifyClusterSnapshotSchedule",
        mutating: true,
        params: &["ClusterIdentifier", "ScheduleIdentifier", "DisassociateSchedule"],
        run: modify_cluster_snapshot_schedule,
    },
];

impl SnapshotSchedule {
    /// The clusters that go by it at that moment.
    fn clusters_at<'a>(
        &'a self,
        world: &'a World,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'a String, &'a Association)> {
        let there = move |name: &String| world.redshift.cluster(name, now).is_some();
        self.clusters.iter().filter(move |(name, association)| association.exists(now) && there(name))
    }

    fn is_busy(&self, world: &World, now: Timestamp) -> bool {
        self.clusters_at(world, now).any(|(_, association)| now < association.until)
    }

    fn render(&self, world: &World, now: Timestamp) -> Reply {
        let clusters: Vec<Reply> = self
            .clusters_at(world, now)
            .map(|(name, association)| {
                let state = if now < association.until { "MODIFYING" } else { "ACTIVE" };
                json!({ "ClusterIdentifier": name, "ScheduleAssociationState": state })
            })
            .collect();
        json!({
            "ScheduleIdentifier": self.name,
            "ScheduleDefinitions": self.definitions,
            "ScheduleDescription": self.description,
            "AssociatedClusterCount": clusters.len(),
            "AssociatedClusters": clusters,
            "Tags": tag::render(&world.redshift, &self.arn),
        })
    }
}

fn definitions(req: &Request) -> Result<BTreeSet<String>, AwsError> {
    let all: BTreeSet<String> = req.texts("ScheduleDefinitions")?.into_iter().collect();
    if all.is_empty() {
        return Err(req.missing("ScheduleDefinitions"));
    }
    for text in &all {
        let refused =
            |why: &str| AwsError::new("InvalidSchedule", format!("The schedule you submitted isn't valid: {why}"));
        match Schedule::parse(text).map_err(|why| refused(&why))? {
            Schedule::At(_) => return Err(refused("a snapshot schedule takes rate or cron")),
            cron if cron.is_dense() => return Err(refused("it runs more than once an hour")),
            Schedule::Cron(_) | Schedule::Rate(_) => {}
        }
    }
    Ok(all)
}

fn find(world: &World, req: &Request) -> Result<SnapshotSchedule, AwsError> {
    let name = req.text("ScheduleIdentifier")?;
    let found = world.redshift.schedules.get(&name).cloned();
    found.ok_or_else(|| not_found("SnapshotScheduleNotFound", format!("The snapshot schedule {name} can't be found.")))
}

fn kept(world: &mut World, schedule: SnapshotSchedule, now: Timestamp) -> Reply {
    let reply = schedule.render(world, now);
    world.redshift.schedules.insert(schedule.name.clone(), schedule);
    reply
}

fn check_settled(world: &World, schedule: &SnapshotSchedule, now: Timestamp) -> Result<(), AwsError> {
    if !schedule.is_busy(world, now) {
        return Ok(());
    }
    let message = format!("The snapshot schedule {} is already being updated.", schedule.name);
    Err(AwsError::new("SnapshotScheduleUpdateInProgress", message))
}

fn create_snapshot_schedule(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let schedule_name = req.text("ScheduleIdentifier")?;
    name::check_identifier("ScheduleIdentifier", &schedule_name, LONGEST)?;
    if schedule_name.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(invalid(format!("The ScheduleIdentifier {schedule_name} must be in lower case.")));
    }
    let (definitions, tags) = (definitions(req)?, tag::read(req)?);
    if world.redshift.schedules.contains_key(&schedule_name) {
        let message = format!("The snapshot schedule {schedule_name} already exists.");
        return Err(AwsError::new("SnapshotScheduleAlreadyExists", message));
    }
    let schedule = SnapshotSchedule {
        arn: world.arn("redshift", &format!("snapshotschedule:{schedule_name}")),
        name: schedule_name,
        definitions,
        description: req.opt_text("ScheduleDescription")?.filter(|text| !text.is_empty()),
        clusters: BTreeMap::new(),
    };
    tag::put(world, &schedule.arn, tags);
    Ok(kept(world, schedule, now))
}

fn describe_snapshot_schedules(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let tags = TagChoice::read(req)?;
    let asked = req.has("ScheduleIdentifier").then(|| find(world, req)).transpose()?;
    let cluster = req.has("ClusterIdentifier").then(|| cluster::asked(world, req, now)).transpose()?;
    let fits = |schedule: &&SnapshotSchedule| {
        asked.as_ref().is_none_or(|asked| asked.name == schedule.name)
            && cluster.as_ref().is_none_or(|of| schedule.clusters_at(world, now).any(|(name, _)| *name == of.name))
            && tags.admits_any(world.redshift.tags.get(&schedule.arn))
    };
    let found = world.redshift.schedules.values().filter(fits).map(|schedule| schedule.render(world, now)).collect();
    listing("SnapshotSchedules", found, req)
}

fn modify_snapshot_schedule(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let mut schedule = find(world, req)?;
    let definitions = definitions(req)?;
    check_settled(world, &schedule, now)?;
    schedule.definitions = definitions;
    let clusters: Vec<String> = schedule.clusters_at(world, now).map(|(name, _)| name.clone()).collect();
    let until = now + SCHEDULES;
    schedule.clusters = clusters.into_iter().map(|name| (name, Association { until, leaves: false })).collect();
    Ok(kept(world, schedule, now))
}

fn delete_snapshot_schedule(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let schedule = find(world, req)?;
    if let Some((name, _)) = schedule.clusters_at(world, now).next() {
        let message = format!("The snapshot schedule {} is associated with the cluster {name}.", schedule.name);
        return Err(AwsError::new("InvalidClusterSnapshotScheduleState", message));
    }
    world.redshift.schedules.remove(&schedule.name);
    world.redshift.tags.remove(&schedule.arn);
    Ok(json!({}))
}

fn modify_cluster_snapshot_schedule(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let cluster = cluster::asked(world, req, now)?;
    let mut schedule = find(world, req)?;
    let leaves = req.opt_bool("DisassociateSchedule")?.unwrap_or(false);
    cluster.check_available(now)?;
    let there = schedule.clusters_at(world, now).find(|(name, _)| **name == cluster.name).map(|(_, of)| of.clone());
    // What is so already, or on its way, stays as it is.
    if there.as_ref().is_some_and(|there| there.leaves == leaves) || there.is_none() && leaves {
        return Ok(json!({}));
    }
    check_settled(world, &schedule, now)?;
    for other in world.redshift.schedules.values_mut().filter(|other| other.name != schedule.name) {
        other.clusters.remove(&cluster.name);
    }
    schedule.clusters.insert(cluster.name, Association { until: now + SCHEDULES, leaves });
    kept(world, schedule, now);
    Ok(json!({}))
}
