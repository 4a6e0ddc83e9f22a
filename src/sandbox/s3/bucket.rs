//! Buckets: make, look for, list, delete; where one is.
//!
//! Called by the core. Must never make a bucket under a name that somebody has.

use super::settings::ENFORCED;
use super::{AwsError, Bucket, Encryption, Operation, Reply, Request, TAKEN, World, bucket, malformed, named, stamp};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The region whose name no location constraint carries.
const FIRST_REGION: &str = "us-east-1";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "ListBuckets", mutating: false, params: &[], run: list_buckets },
    Operation {
        name: "CreateBucket",
        mutating: true,
        params: &["Bucket", "CreateBucketConfiguration.LocationConstraint", "x-amz-object-ownership"],
        run: create_bucket,
    },
    Operation { name: "HeadBucket", mutating: false, params: &["Bucket"], run: head_bucket },
    Operation { name: "GetBucketLocation", mutating: false, params: &["Bucket"], run: get_bucket_location },
    Operation { name: "DeleteBucket", mutating: true, params: &["Bucket"], run: delete_bucket },
];

fn list_buckets(world: &mut World, _: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let buckets = world.s3.buckets.iter();
    let shown: Vec<Value> = buckets
        .map(|(name, bucket)| {
            json!({ "Name": name, "CreationDate": stamp(bucket.created), "BucketRegion": bucket.region })
        })
        .collect();
    Ok(json!({ "xml": { "ListAllMyBucketsResult": {
        "Owner": { "ID": world.account }, "Buckets": { "Bucket": shown } } } }))
}

fn is_name(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
        && edge(name.chars().next())
        && edge(name.chars().last())
        && !name.contains("..")
}

fn create_bucket(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = req.text("Bucket")?;
    if !is_name(&name) {
        return Err(AwsError::new("InvalidBucketName", "The specified bucket is not valid."));
    }
    let asked = req.structure("CreateBucketConfiguration").map(|inner| inner.opt_text("LocationConstraint"));
    let asked = asked.transpose()?.flatten().unwrap_or_else(|| FIRST_REGION.to_owned());
    if asked != req.region {
        let message = format!(
            "The {asked} location constraint is incompatible for the region specific endpoint this request was sent to."
        );
        return Err(AwsError::new("IllegalLocationConstraintException", message));
    }
    let ownership = req.opt_text("x-amz-object-ownership")?.unwrap_or_else(|| ENFORCED.to_owned());
    if ownership != ENFORCED {
        return Err(malformed("the rsds sandbox has buckets whose owner owns every object, and no other"));
    }
    if TAKEN.contains(&name.as_str()) {
        let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                       system. Please select a different name and try again.";
        return Err(AwsError::new("BucketAlreadyExists", message).status(409));
    }
    let location = json!({ "headers": { "Location": format!("/{name}") } });
    if let Some(mine) = world.s3.buckets.get(&name) {
        // The oldest region answers as if it had just been made.
        if mine.region == FIRST_REGION && req.region == FIRST_REGION {
            return Ok(location);
        }
        let message = "Your previous request to create the named bucket succeeded and you already own it.";
        return Err(AwsError::new("BucketAlreadyOwnedByYou", message).status(409));
    }
    let made = Bucket {
        region: req.region.clone(),
        created: now,
        versioning: None,
        encryption: Encryption { algorithm: "AES256".to_owned(), key: None, bucket_key: false },
        public_access: Some([true; 4]),
        ownership: Some(ownership),
        policy: None,
        lifecycle: Vec::new(),
        tags: BTreeMap::new(),
        objects: BTreeMap::new(),
    };
    world.s3.buckets.insert(name, made);
    Ok(location)
}

fn head_bucket(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let bucket = bucket(world, req)?;
    Ok(json!({ "headers": { "x-amz-bucket-region": bucket.region } }))
}

fn get_bucket_location(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let bucket = bucket(world, req)?;
    let region = Some(bucket.region.as_str()).filter(|region| *region != FIRST_REGION);
    Ok(json!({ "xml": { "LocationConstraint": region.unwrap_or_default() } }))
}

fn delete_bucket(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = named(world, req)?;
    if !bucket(world, req)?.objects.is_empty() {
        let message = "The bucket you tried to delete is not empty. You must delete all versions in the bucket.";
        return Err(AwsError::new("BucketNotEmpty", message).status(409));
    }
    world.s3.buckets.remove(&name);
    Ok(json!({ "status": 204 }))
}
