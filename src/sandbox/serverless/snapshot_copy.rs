//! Configurations that copy a namespace's snapshots to another region: done when answered.
//!
//! Called by the core. Source: aws-facts.md 6.5 and the API model. Nothing arrives in the other region: only that it is
//! asked for is kept. Must never hold two configurations of one namespace (no source tells of a second).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::ec2;
use super::{
    AwsError, Operation, Reply, Request, World, conflict, invalid, listing, namespace, not_found, operation_running,
};

/// A configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SnapshotCopy {
    /// UUID.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Name of its namespace.
    pub namespace: String,
    /// The other region.
    pub region: String,
    /// Days that copies are kept there; -1 is for ever.
    pub retention: i64,
    /// ARN of the key there; none is one of AWS's own.
    pub key: Option<String>,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateSnapshotCopyConfiguration",
        mutating: true,
        params: &["namespaceName", "destinationRegion", "snapshotRetentionPeriod", "destinationKmsKeyId"],
        run: create_snapshot_copy_configuration,
    },
    Operation {
        name: "ListSnapshotCopyConfigurations",
        mutating: false,
        params: &["namespaceName", "maxResults", "nextToken"],
        run: list_snapshot_copy_configurations,
    },
    Operation {
        name: "UpdateSnapshotCopyConfiguration",
        mutating: true,
        params: &["snapshotCopyConfigurationId", "snapshotRetentionPeriod"],
        run: update_snapshot_copy_configuration,
    },
    Operation {
        name: "DeleteSnapshotCopyConfiguration",
        mutating: true,
        params: &["snapshotCopyConfigurationId"],
        run: delete_snapshot_copy_configuration,
    },
];

impl SnapshotCopy {
    fn render(&self) -> Reply {
        json!({
            "snapshotCopyConfigurationId": self.id,
            "snapshotCopyConfigurationArn": self.arn,
            "namespaceName": self.namespace,
            "destinationRegion": self.region,
            "destinationKmsKeyId": self.key,
            "snapshotRetentionPeriod": self.retention,
        })
    }
}

fn find(world: &World, req: &Request) -> Result<SnapshotCopy, AwsError> {
    let id = req.text("snapshotCopyConfigurationId")?;
    let found = world.serverless.copies.get(&id).cloned();
    found.ok_or_else(|| not_found(format!("The snapshot copy configuration {id} doesn't exist.")))
}

fn kept(world: &mut World, copy: SnapshotCopy) -> Reply {
    let reply = json!({ "snapshotCopyConfiguration": copy.render() });
    world.serverless.copies.insert(copy.id.clone(), copy);
    reply
}

fn retention(req: &Request) -> Result<Option<i64>, AwsError> {
    match req.opt_int("snapshotRetentionPeriod")? {
        Some(days) if days != -1 && !(1..=3653).contains(&days) => {
            Err(invalid(format!("The retention period {days} is neither -1 nor between 1 and 3653 days.")))
        }
        days => Ok(days),
    }
}

/// The key is one of the other region, which alone knows more of it.
fn key(world: &World, req: &Request, region: &str) -> Result<Option<String>, AwsError> {
    let Some(key) = req.opt_text("destinationKmsKeyId")? else { return Ok(None) };
    let there = format!("arn:aws:kms:{region}:{}:key/", world.account);
    match key.strip_prefix(&there).is_some_and(|id| !id.is_empty()) {
        true => Ok(Some(key)),
        false => Err(invalid(format!("The KMS key {key} isn't one of {region}."))),
    }
}

fn create_snapshot_copy_configuration(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (name, region) = (req.text("namespaceName")?, req.text("destinationRegion")?);
    let (retention, key) = (retention(req)?.unwrap_or(-1), key(world, req, &region)?);
    if region == world.region || ec2::region(&region) != Some(true) {
        return Err(invalid(format!("Snapshots in {} can't be copied to {region}.", world.region)));
    }
    let idle = namespace::find(world, &name, now)?.is_idle(world, now);
    if let Some(there) = world.serverless.copies.values().find(|copy| copy.namespace == name) {
        return Err(conflict(format!("Snapshots of the namespace {name} are copied to {} already.", there.region)));
    }
    if !idle {
        return Err(operation_running("namespace", "copying the snapshots of"));
    }
    let id = world.uuid();
    let arn = world.arn("redshift-serverless", &format!("snapshotcopyconfiguration/{id}"));
    Ok(kept(world, SnapshotCopy { id, arn, namespace: name, region, retention, key }))
}

fn list_snapshot_copy_configurations(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = req.opt_text("namespaceName")?;
    let all = world.serverless.copies.values();
    let all = all.filter(|copy| name.as_ref().is_none_or(|name| copy.namespace == *name));
    listing("snapshotCopyConfigurations", all.map(SnapshotCopy::render).collect(), req)
}

fn update_snapshot_copy_configuration(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let copy = find(world, req)?;
    let retention = retention(req)?.unwrap_or(copy.retention);
    Ok(kept(world, SnapshotCopy { retention, ..copy }))
}

fn delete_snapshot_copy_configuration(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let copy = find(world, req)?;
    world.serverless.copies.remove(&copy.id);
    Ok(json!({ "snapshotCopyConfiguration": copy.render() }))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use super::*;

    fn copy(more: Reply) -> Reply {
        let mut params = json!({ "namespaceName": "reader", "destinationRegion": "us-east-1" });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    }

    #[test]
    fn a_namespace_copies_to_one_other_region_and_only_the_retention_changes() {
        const CREATE: &str = "CreateSnapshotCopyConfiguration";
        let mut bench = Bench::new();
        assert_eq!(bench.refused(CREATE, copy(json!({}))).0, "ResourceNotFoundException");
        bench.serverless("CreateNamespace", json!({ "namespaceName": "reader" }));
        assert_eq!(bench.refused(CREATE, copy(json!({}))).0, "ConflictException");
        bench.pass(60);
        for bad in [
            json!({ "destinationRegion": "us-west-2" }),
            json!({ "destinationRegion": "mars" }),
            json!({ "snapshotRetentionPeriod": 0 }),
            json!({ "destinationKmsKeyId": "arn:aws:kms:us-west-2:123456789012:key/k-1" }),
        ] {
            assert_eq!(bench.refused(CREATE, copy(bad)).0, "ValidationException");
        }
        let made = bench.serverless(CREATE, copy(json!({ "snapshotRetentionPeriod": 7 })));
        let id = made["snapshotCopyConfiguration"]["snapshotCopyConfigurationId"].clone();
        let other = copy(json!({ "destinationRegion": "eu-west-1" }));
        assert_eq!(bench.refused(CREATE, other).0, "ConflictException");
        let days = json!({ "snapshotCopyConfigurationId": id, "snapshotRetentionPeriod": 3 });
        bench.serverless("UpdateSnapshotCopyConfiguration", days.clone());
        let all = bench.serverless("ListSnapshotCopyConfigurations", json!({}))["snapshotCopyConfigurations"].clone();
        assert_eq!(
            (&all[0]["snapshotRetentionPeriod"], &all[0]["destinationRegion"]),
            (&json!(3), &json!("us-east-1"))
        );
        bench.serverless("DeleteSnapshotCopyConfiguration", json!({ "snapshotCopyConfigurationId": id }));
        assert_eq!(bench.refused("UpdateSnapshotCopyConfiguration", days).0, "ResourceNotFoundException");

        // It goes with its namespace.
        bench.serverless(CREATE, copy(json!({})));
        bench.serverless("DeleteNamespace", json!({ "namespaceName": "reader" }));
        bench.pass(3600);
        let all = bench.serverless("ListSnapshotCopyConfigurations", json!({}));
        assert_eq!(all["snapshotCopyConfigurations"], json!([]));
    }
}
