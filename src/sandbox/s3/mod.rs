//! S3 of the sandbox: buckets, their settings, and objects with their versions; conditional requests.
//!
//! Called by the sandbox core (through [`SERVICE`]) for every request signed for `s3`. Buckets belong to the account
//! and not to a region's world: each has a home region and answers there alone. Bucket policies are kept and shown,
//! not evaluated. Source of every rule: aws-facts.md 9 and the API model 2006-03-01. It must never look at the wall
//! clock (the time comes in with the call) nor change the world before every check has passed.

mod blob;
mod body;
mod bucket;
mod conditional;
mod lifecycle;
mod list;
mod object;
mod settings;
#[cfg(test)]
mod tests;
pub(super) mod wire;

use super::request::{AwsError, Reply, Request};
use super::world::World;
use super::{Operation, Protocol, Service};
use blob::Blob;
use jiff::Timestamp;
pub use lifecycle::expire;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The service as the core routes it: REST with XML bodies.
pub static SERVICE: Service = Service {
    scope: "s3",
    protocol: Protocol::RestXml,
    version: "2006-03-01",
    lists: &[],
    operations: &[bucket::OPERATIONS, settings::OPERATIONS, object::OPERATIONS, list::OPERATIONS],
};

/// Names that everybody thought of first: their buckets are somebody else's.
const TAKEN: [&str; 5] = ["bucket", "example", "state", "terraform-state", "test"];

/// All buckets of the account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct S3 {
    /// Buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
}

impl S3 {
    /// Tells whether no bucket is left.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }
}

/// One bucket; its name is its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Where it is.
    pub region: String,
    /// When it was made.
    pub created: Timestamp,
    /// Whether objects keep their old versions; none until it was first asked for.
    pub versioning: Option<Versioning>,
    /// What encrypts an object that does not say so itself.
    pub encryption: Encryption,
    /// The four switches of the public access block, in the order of `settings::PUBLIC`; none when it was taken away.
    pub public_access: Option<[bool; 4]>,
    /// Who owns the objects, e.g. `BucketOwnerEnforced`.
    pub ownership: Option<String>,
    /// The policy as given.
    pub policy: Option<String>,
    /// Rules of the lifecycle, as given.
    pub lifecycle: Vec<Value>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Versions of every key, oldest first; the last one is the current one.
    pub objects: BTreeMap<String, Vec<Version>>,
}

/// Whether objects keep their old versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// They do.
    Enabled,
    /// They do no longer.
    Suspended,
}

/// How an object is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// `AES256` or `aws:kms`.
    pub algorithm: String,
    /// ARN of the key, with `aws:kms`.
    pub key: Option<String>,
    /// Whether a key of the bucket stands between, with `aws:kms`.
    pub bucket_key: bool,
}

/// One version of an object, or a delete marker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Id; `null` outside versioning.
    pub id: String,
    /// Whether it says that the object is gone.
    pub marker: bool,
    /// When it was written.
    pub modified: Timestamp,
    /// ETag, quotes included; empty for a marker.
    pub etag: String,
    /// What it holds.
    pub body: Blob,
    /// How it is encrypted.
    pub encryption: Encryption,
    /// Headers kept with it: content type, user metadata, checksum.
    pub headers: BTreeMap<String, String>,
}

impl Bucket {
    /// The current version of a key, unless that is a delete marker.
    pub fn current(&self, key: &str) -> Option<&Version> {
        self.objects.get(key)?.last().filter(|version| !version.marker)
    }
}

/// The name of the bucket that the call is about, which is the caller's and in the region asked.
fn named(world: &World, req: &Request) -> Result<String, AwsError> {
    let name = req.text("Bucket")?;
    if TAKEN.contains(&name.as_str()) {
        return Err(AwsError::new("AccessDenied", "Access Denied").status(403));
    }
    let Some(bucket) = world.s3.buckets.get(&name) else {
        return Err(no_bucket());
    };
    if bucket.region != req.region {
        let message = format!(
            "The bucket you are attempting to access must be addressed using the specified endpoint: it is in {}.",
            bucket.region
        );
        return Err(AwsError::new("PermanentRedirect", message)
            .status(301)
            .header("x-amz-bucket-region", bucket.region.clone()));
    }
    Ok(name)
}

fn bucket<'a>(world: &'a World, req: &Request) -> Result<&'a Bucket, AwsError> {
    let name = named(world, req)?;
    world.s3.buckets.get(&name).ok_or_else(no_bucket)
}

fn bucket_mut<'a>(world: &'a mut World, req: &Request) -> Result<&'a mut Bucket, AwsError> {
    let name = named(world, req)?;
    world.s3.buckets.get_mut(&name).ok_or_else(no_bucket)
}

fn no_bucket() -> AwsError {
    AwsError::new("NoSuchBucket", "The specified bucket does not exist").status(404)
}

fn no_key() -> AwsError {
    AwsError::new("NoSuchKey", "The specified key does not exist.").status(404)
}

fn malformed(message: impl Into<String>) -> AwsError {
    AwsError::new("MalformedXML", message)
}

/// As S3 writes times inside XML.
fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// As HTTP writes times in headers: to the second.
pub(super) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
