//! Objects: put, get, head, delete; versions and delete markers.
//!
//! Called by the core. Must never write over what a condition forbids, nor keep two current versions of a key.

use super::super::world::digest;
use super::settings::key_arn;
use super::{
    AwsError, Blob, Encryption, Operation, Reply, Request, Version, Versioning, World, bucket, bucket_mut, conditional,
    http_date, no_key,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const SSE: &str = "x-amz-server-side-encryption";
const SSE_KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const SSE_BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";
const VERSION: &str = "x-amz-version-id";
const MARKER: &str = "x-amz-delete-marker";

/// Id of a version made outside versioning.
const NULL: &str = "null";

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "PutObject",
        mutating: true,
        params: &[
            "Bucket",
            "Key",
            "Body",
            "checksum.*",
            "x-amz-meta.*",
            "content-type",
            "if-match",
            "if-none-match",
            SSE,
            SSE_KEY,
            SSE_BUCKET_KEY,
        ],
        run: put_object,
    },
    Operation {
        name: "GetObject",
        mutating: false,
        params: &["Bucket", "Key", "versionId", "if-match", "if-none-match", "x-amz-checksum-mode"],
        run: get_object,
    },
    Operation {
        name: "HeadObject",
        mutating: false,
        params: &["Bucket", "Key", "versionId", "if-match", "if-none-match", "x-amz-checksum-mode"],
        run: head_object,
    },
    Operation {
        name: "DeleteObject",
        mutating: true,
        params: &["Bucket", "Key", "versionId", "if-match"],
        run: delete_object,
    },
];

fn encryption(world: &World, req: &Request, default: &Encryption) -> Result<Encryption, AwsError> {
    let (key, bucket_key) = (req.opt_text(SSE_KEY)?, req.opt_bool(SSE_BUCKET_KEY)?);
    let bad = |why: &str| AwsError::new("InvalidArgument", why);
    match req.opt_text(SSE)?.as_deref() {
        None if key.is_none() => Ok(default.clone()),
        Some("AES256") if key.is_none() => {
            Ok(Encryption { algorithm: "AES256".to_owned(), key: None, bucket_key: false })
        }
        Some("aws:kms") => Ok(Encryption {
            algorithm: "aws:kms".to_owned(),
            key: Some(key_arn(world, req, key.as_deref().unwrap_or("alias/aws/s3"))?),
            bucket_key: bucket_key.unwrap_or(default.bucket_key),
        }),
        None | Some("AES256") => Err(bad("A key goes with the encryption aws:kms alone")),
        Some(other) => Err(bad(&format!("the rsds sandbox does not implement the encryption {other}"))),
    }
}

fn encryption_headers(found: &Encryption, headers: &mut Map<String, Value>) {
    headers.insert(SSE.to_owned(), json!(found.algorithm));
    if let Some(key) = &found.key {
        headers.insert(SSE_KEY.to_owned(), json!(key));
    }
    if found.bucket_key {
        headers.insert(SSE_BUCKET_KEY.to_owned(), json!("true"));
    }
}

/// Headers that are kept with the object.
fn kept_headers(req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut kept = BTreeMap::new();
    kept.insert(
        "content-type".to_owned(),
        req.opt_text("content-type")?.unwrap_or_else(|| "binary/octet-stream".to_owned()),
    );
    for (group, prefix) in [("x-amz-meta", "x-amz-meta-"), ("checksum", "")] {
        for (name, value) in req.params.get(group).and_then(Value::as_object).into_iter().flatten() {
            kept.insert(format!("{prefix}{name}"), value.as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(kept)
}

fn put_object(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let key = req.text("Key")?;
    if key.len() > 1024 {
        return Err(AwsError::new("KeyTooLongError", "Your key is too long"));
    }
    let found = bucket(world, req)?;
    let versioning = found.versioning;
    conditional::write(req, found.current(&key))?;
    let encryption = encryption(world, req, &found.encryption)?;
    let sent = STANDARD.decode(req.opt_text("Body")?.unwrap_or_default());
    let body = Bytes::from(sent.map_err(|_| AwsError::new("IncompleteBody", "The body could not be read"))?);
    let headers = kept_headers(req)?;
    // The same bytes have the same ETag, unless a key of KMS encrypts them.
    let etag = match encryption.key {
        Some(_) => world.hex(32),
        None => digest(&STANDARD.encode(&body))[..32].to_owned(),
    };
    let id = if versioning == Some(Versioning::Enabled) { world.hex(32) } else { NULL.to_owned() };
    let version = Version {
        id: id.clone(),
        marker: false,
        modified: now,
        etag: format!("\"{etag}\""),
        body: Blob(body),
        encryption,
        headers,
    };
    let mut answer = Map::new();
    answer.insert("ETag".to_owned(), json!(version.etag));
    encryption_headers(&version.encryption, &mut answer);
    if versioning.is_some() {
        answer.insert(VERSION.to_owned(), json!(id));
    }
    let versions = bucket_mut(world, req)?.objects.entry(key).or_default();
    versions.retain(|old| old.id != id);
    versions.push(version);
    Ok(json!({ "headers": answer }))
}

/// The version that the call is about, which is no delete marker.
fn shown<'a>(world: &'a World, req: &Request) -> Result<&'a Version, AwsError> {
    let versions = bucket(world, req)?.objects.get(&req.text("Key")?).map(Vec::as_slice).unwrap_or_default();
    match req.opt_text("versionId")? {
        None => match versions.last() {
            None => Err(no_key()),
            Some(marker) if marker.marker => {
                Err(no_key().header(MARKER, "true".to_owned()).header(VERSION, marker.id.clone()))
            }
            Some(version) => Ok(version),
        },
        Some(id) => match versions.iter().find(|version| version.id == id) {
            None => Err(AwsError::new("NoSuchVersion", "The specified version does not exist.").status(404)),
            Some(marker) if marker.marker => {
                let message = "The specified method is not allowed against this resource.";
                Err(AwsError::new("MethodNotAllowed", message).status(405).header(MARKER, "true".to_owned()))
            }
            Some(version) => Ok(version),
        },
    }
}

fn head(world: &World, req: &Request) -> Result<(Map<String, Value>, Bytes), AwsError> {
    let version = shown(world, req)?;
    conditional::read(req, version)?;
    let checksums = req.opt_text("x-amz-checksum-mode")?.is_some();
    let mut headers: Map<String, Value> = version
        .headers
        .iter()
        .filter(|(name, _)| checksums || !name.starts_with("x-amz-checksum-"))
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    headers.insert("ETag".to_owned(), json!(version.etag));
    headers.insert("Last-Modified".to_owned(), json!(http_date(version.modified)));
    headers.insert("accept-ranges".to_owned(), json!("bytes"));
    encryption_headers(&version.encryption, &mut headers);
    if bucket(world, req)?.versioning.is_some() {
        headers.insert(VERSION.to_owned(), json!(version.id));
    }
    Ok((headers, version.body.0.clone()))
}

fn get_object(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (headers, body) = head(world, req)?;
    Ok(json!({ "headers": headers, "body": STANDARD.encode(body) }))
}

fn head_object(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let (mut headers, body) = head(world, req)?;
    headers.insert("content-length".to_owned(), json!(body.len().to_string()));
    Ok(json!({ "headers": headers }))
}

fn delete_object(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let key = req.text("Key")?;
    let found = bucket(world, req)?;
    let versioning = found.versioning;
    let (there, wanted) = (found.current(&key), req.opt_text("versionId")?);
    conditional::delete(req, there)?;
    let mut headers = Map::new();
    if let Some(id) = wanted {
        let objects = &mut bucket_mut(world, req)?.objects;
        let versions = objects.entry(key.clone()).or_default();
        if versions.iter().any(|version| version.id == id && version.marker) {
            headers.insert(MARKER.to_owned(), json!("true"));
        }
        headers.insert(VERSION.to_owned(), json!(id));
        versions.retain(|version| version.id != id);
        objects.retain(|_, versions| !versions.is_empty());
    } else if let Some(versioning) = versioning {
        let id = if versioning == Versioning::Enabled { world.hex(32) } else { NULL.to_owned() };
        headers.insert(MARKER.to_owned(), json!("true"));
        headers.insert(VERSION.to_owned(), json!(id));
        let bucket = bucket_mut(world, req)?;
        let versions = bucket.objects.entry(key).or_default();
        versions.retain(|old| old.id != id);
        versions.push(Version {
            id,
            marker: true,
            modified: now,
            etag: String::new(),
            body: Blob::default(),
            encryption: bucket.encryption.clone(),
            headers: BTreeMap::new(),
        });
    } else {
        bucket_mut(world, req)?.objects.remove(&key);
    }
    Ok(json!({ "status": 204, "headers": headers }))
}
