//! Snapshot copy grants: the right of Redshift to encrypt, in the region they lie in, what is copied there.
//!
//! Called by the core. Source: aws-facts.md 5.5 and the API reference. Must never let a grant go that a cluster copies by.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::world::{digest, uuid_shape};
use super::select::{TagChoice, listing};
use super::{AwsError, Operation, Reply, Request, World, cluster_spec, name, not_found, tag};

/// Longest name (API reference: 1 to 63 alphanumeric characters or hyphens, in lower case).
const LONGEST: usize = 63;

/// A snapshot copy grant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Its name, unique in the region.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// ARN of the customer key; none is the key AWS manages for Redshift in the region.
    pub key: Option<String>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateSnapshotCopyGrant",
        mutating: true,
        params: &["SnapshotCopyGrantName", "KmsKeyId", "Tags.Key", "Tags.Value"],
        run: create_snapshot_copy_grant,
    },
    Operation {
        name: "DescribeSnapshotCopyGrants",
        mutating: false,
        params: &["SnapshotCopyGrantName", "MaxRecords", "Marker", "TagKeys", "TagValues"],
        run: describe_snapshot_copy_grants,
    },
    Operation {
        name: "DeleteSnapshotCopyGrant",
        mutating: true,
        params: &["SnapshotCopyGrantName"],
        run: delete_snapshot_copy_grant,
    },
];

impl Grant {
    fn render(&self, world: &World) -> Reply {
        // The key that AWS manages is shown like any other.
        let managed = || {
            let id = uuid_shape(&digest(&format!("aws/redshift/{}", world.region)));
            world.arn("kms", &format!("key/{id}"))
        };
        json!({
            "SnapshotCopyGrantName": self.name,
            "KmsKeyId": self.key.clone().unwrap_or_else(managed),
            "Tags": tag::rendered(tag::of(world, &self.arn)),
        })
    }
}

fn find(world: &World, req: &Request) -> Result<Grant, AwsError> {
    let name = req.text("SnapshotCopyGrantName")?;
    let found = world.abroad.grant(&world.region, &name).cloned();
    found.ok_or_else(|| unknown(&name, &world.region))
}

/// The refusal of a grant that is not in that region.
pub(super) fn unknown(name: &str, region: &str) -> AwsError {
    let message = format!("The snapshot copy grant {name} can't be found in {region}.");
    not_found("SnapshotCopyGrantNotFoundFault", message).status(400)
}

fn create_snapshot_copy_grant(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let grant_name = req.text("SnapshotCopyGrantName")?;
    name::check_identifier("SnapshotCopyGrantName", &grant_name, LONGEST)?;
    if grant_name.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(super::invalid(format!("The SnapshotCopyGrantName {grant_name} must be in lower case.")));
    }
    let (key, tags) = (cluster_spec::key(world, now, req, "KmsKeyId")?, tag::read(req)?);
    if world.abroad.grant(&world.region, &grant_name).is_some() {
        let message = format!("The snapshot copy grant {grant_name} already exists.");
        return Err(AwsError::new("SnapshotCopyGrantAlreadyExistsFault", message));
    }
    let grant = Grant { arn: world.arn("redshift", &format!("snapshotcopygrant:{grant_name}")), name: grant_name, key };
    tag::put(world, &grant.arn, tags);
    let reply = grant.render(world);
    world.abroad.grants.entry(world.region.clone()).or_default().insert(grant.name.clone(), grant);
    Ok(json!({ "SnapshotCopyGrant": reply }))
}

fn describe_snapshot_copy_grants(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let choice = TagChoice::read(req)?;
    let found = match req.has("SnapshotCopyGrantName") {
        true => vec![find(world, req)?],
        false => world.abroad.grants_in(&world.region).cloned().collect(),
    };
    let fits = |grant: &Grant| choice.admits_any(tag::of(world, &grant.arn));
    let found = found.into_iter().filter(fits).map(|grant| grant.render(world)).collect();
    listing("SnapshotCopyGrants", found, req)
}

fn delete_snapshot_copy_grant(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let grant = find(world, req)?;
    if let Some(cluster) = world.abroad.user_of(&world.region, &grant.name) {
        let message =
            format!("The snapshot copy grant {} can't be deleted because it is used by {cluster}.", grant.name);
        return Err(AwsError::new("InvalidSnapshotCopyGrantStateFault", message));
    }
    if let Some(here) = world.abroad.grants.get_mut(&world.region) {
        here.remove(&grant.name);
    }
    world.abroad.grants.retain(|_, grants| !grants.is_empty());
    world.abroad.tags.remove(&grant.arn);
    Ok(json!({}))
}
