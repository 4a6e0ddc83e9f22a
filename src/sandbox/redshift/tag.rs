//! Tags of everything this service has: CreateTags, DeleteTags, DescribeTags.
//!
//! Called by the core, by the creates, and by every describe (they answer tags inline). Source: aws-facts.md 0.3. Must
//! never tag something that is not there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::select::{TagChoice, listing};
use super::{AwsError, Operation, Redshift, Reply, Request, World, invalid, not_found};

/// Most tags of one resource.
const MOST: usize = 50;

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateTags",
        mutating: true,
        params: &["ResourceName", "Tags.Key", "Tags.Value"],
        run: create_tags,
    },
    Operation { name: "DeleteTags", mutating: true, params: &["ResourceName", "TagKeys"], run: delete_tags },
    Operation {
        name: "DescribeTags",
        mutating: false,
        params: &["ResourceName", "ResourceType", "MaxRecords", "Marker", "TagKeys", "TagValues"],
        run: describe_tags,
    },
];

/// Tags of the call, each checked, no key twice.
pub(super) fn read(req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let refused = |message: String| Err(AwsError::new("InvalidTagFault", message));
    let mut tags = BTreeMap::new();
    for tag in req.list("Tags") {
        let (key, value) = (tag.text("Key")?, tag.opt_text("Value")?.unwrap_or_default());
        let good = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
        let sized = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
        if !sized || !key.chars().all(good) || !value.chars().all(good) {
            return refused(format!("The tag '{key}' has a key or value of the wrong length or characters"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return refused(format!("The tag key '{key}' starts with aws:, which is reserved"));
        }
        if tags.insert(key.clone(), value).is_some() {
            return refused(format!("The tag key '{key}' is given more than once"));
        }
    }
    if tags.len() > MOST { Err(too_many()) } else { Ok(tags) }
}

/// The tags of everything there is by ARN, each resource's where it is kept itself.
type Tags = BTreeMap<String, BTreeMap<String, String>>;

fn is_grant(arn: &str) -> bool {
    arn.contains(":snapshotcopygrant:")
}

fn kept<'a>(world: &'a mut World, arn: &str) -> &'a mut Tags {
    if is_grant(arn) { &mut world.abroad.tags } else { &mut world.redshift.tags }
}

/// The tags of a resource.
pub(super) fn of<'a>(world: &'a World, arn: &str) -> Option<&'a BTreeMap<String, String>> {
    if is_grant(arn) { world.abroad.tags.get(arn) } else { world.redshift.tags.get(arn) }
}

/// Adds tags to a resource; the caller has checked them.
pub(super) fn put(world: &mut World, arn: &str, tags: BTreeMap<String, String>) {
    if !tags.is_empty() {
        kept(world, arn).entry(arn.to_owned()).or_default().extend(tags);
    }
}

/// The tags of a resource as its describe answers them.
pub(super) fn render(redshift: &Redshift, arn: &str) -> Vec<Reply> {
    rendered(redshift.tags.get(arn))
}

/// Tags as a describe answers them.
pub(super) fn rendered(tags: Option<&BTreeMap<String, String>>) -> Vec<Reply> {
    let tags = tags.into_iter().flatten();
    tags.map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn too_many() -> AwsError {
    AwsError::new("TagLimitExceededFault", format!("A resource can have at most {MOST} tags"))
}

/// Everything that can have tags: type and ARN.
fn resources(world: &World, now: Timestamp) -> Vec<(&'static str, String)> {
    let redshift = &world.redshift;
    let named = |kind: &'static str, name: &String| (kind, world.arn("redshift", &format!("{kind}:{name}")));
    let subnets = redshift.subnet_groups.keys().map(|name| named("subnetgroup", name));
    let parameters = redshift.parameter_groups.keys().map(|name| named("parametergroup", name));
    let clusters = redshift.clusters_at(now).map(|cluster| ("cluster", cluster.arn.clone()));
    let limits = redshift.limits_at(now).map(|limit| ("usagelimit", limit.arn.clone()));
    let snapshots = redshift.snapshots.values().filter(|snapshot| snapshot.exists(now));
    let snapshots = snapshots.map(|snapshot| ("snapshot", snapshot.arn.clone()));
    let schedules = redshift.schedules.values().map(|schedule| ("snapshotschedule", schedule.arn.clone()));
    let grants = world.abroad.grants_in(&world.region).map(|grant| ("snapshotcopygrant", grant.arn.clone()));
    subnets.chain(grants).chain(schedules).chain(parameters).chain(clusters).chain(limits).chain(snapshots).collect()
}

fn resource(world: &World, req: &Request, now: Timestamp) -> Result<String, AwsError> {
    let arn = req.text("ResourceName")?;
    if resources(world, now).iter().any(|(_, known)| *known == arn) {
        return Ok(arn);
    }
    Err(not_found("ResourceNotFoundFault", format!("The resource {arn} does not exist")))
}

/// Everything that has tags at that moment, for the tagging API.
pub(in super::super) fn tagged(world: &World, now: Timestamp) -> Vec<(String, BTreeMap<String, String>)> {
    let there = resources(world, now).into_iter();
    there.filter_map(|(_, arn)| of(world, &arn).cloned().map(|tags| (arn, tags))).collect()
}

fn create_tags(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = resource(world, req, now)?;
    let tags = read(req)?;
    if tags.is_empty() {
        return Err(req.missing("Tags"));
    }
    let mut all = of(world, &arn).cloned().unwrap_or_default();
    all.extend(tags.clone());
    if all.len() > MOST {
        return Err(too_many());
    }
    put(world, &arn, tags);
    Ok(json!({}))
}

fn delete_tags(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = resource(world, req, now)?;
    let keys = req.texts("TagKeys")?;
    if keys.is_empty() {
        return Err(req.missing("TagKeys"));
    }
    let all = kept(world, &arn);
    if let Some(tags) = all.get_mut(&arn) {
        tags.retain(|key, _| !keys.contains(key));
    }
    all.retain(|_, tags| !tags.is_empty());
    Ok(json!({}))
}

fn describe_tags(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    const KINDS: [&str; 7] =
        ["cluster", "parametergroup", "snapshot", "snapshotcopygrant", "snapshotschedule", "subnetgroup", "usagelimit"];
    let arn = req.has("ResourceName").then(|| resource(world, req, now)).transpose()?;
    let kind = req.opt_text("ResourceType")?.map(|kind| kind.to_ascii_lowercase().replace(' ', ""));
    if let Some(unknown) = kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
        return Err(invalid(format!("The resource type {unknown} is not one of {}", KINDS.join(", "))));
    }
    let choice = TagChoice::read(req)?;
    let mut found = Vec::new();
    for (known, name) in resources(world, now) {
        if kind.as_ref().is_some_and(|kind| kind != known) || arn.as_ref().is_some_and(|arn| *arn != name) {
            continue;
        }
        let tags = of(world, &name).into_iter().flatten();
        found.extend(tags.filter(|(key, value)| choice.admits(key, value)).map(|(key, value)| {
            json!({ "Tag": { "Key": key, "Value": value }, "ResourceName": name, "ResourceType": known })
        }));
    }
    listing("TaggedResources", found, req)
}
