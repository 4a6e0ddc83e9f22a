//! What a bucket holds: ListObjectsV2 and ListObjectVersions.
//!
//! Called by the core. Must never show a delete marker as an object, nor skip anything between two pages.

use super::{AwsError, Operation, Reply, Request, Version, World, bucket, stamp};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const PAGE: usize = 1000;
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b'*');

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "ListObjectsV2",
        mutating: false,
        params: &[
            "Bucket",
            "list-type",
            "prefix",
            "delimiter",
            "max-keys",
            "continuation-token",
            "start-after",
            "encoding-type",
        ],
        run: list_objects,
    },
    Operation {
        name: "ListObjectVersions",
        mutating: false,
        params: &[
            "Bucket",
            "versions",
            "prefix",
            "delimiter",
            "max-keys",
            "key-marker",
            "version-id-marker",
            "encoding-type",
        ],
        run: list_versions,
    },
];

/// What both lists are asked.
struct Asked {
    prefix: String,
    delimiter: Option<String>,
    most: usize,
    url: bool,
}

impl Asked {
    fn read(req: &Request) -> Result<Self, AwsError> {
        let encoding = req.opt_text("encoding-type")?;
        if encoding.as_deref().is_some_and(|encoding| encoding != "url") {
            return Err(AwsError::new("InvalidArgument", "Invalid Encoding Method specified in Request"));
        }
        let most = req.opt_int("max-keys")?.unwrap_or(PAGE as i64);
        let most = usize::try_from(most).map_err(|_| {
            AwsError::new("InvalidArgument", "Argument maxKeys must be an integer between 0 and 2147483647")
        })?;
        Ok(Self {
            prefix: req.opt_text("prefix")?.unwrap_or_default(),
            delimiter: req.opt_text("delimiter")?.filter(|text| !text.is_empty()),
            most: most.min(PAGE),
            url: encoding.is_some(),
        })
    }

    fn text(&self, key: &str) -> String {
        if self.url { utf8_percent_encode(key, ENCODED).to_string() } else { key.to_owned() }
    }

    /// The common prefix that stands for a key, if a delimiter cuts it.
    fn folder(&self, key: &str) -> Option<String> {
        let delimiter = self.delimiter.as_deref()?;
        let rest = key.strip_prefix(&self.prefix)?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(format!("{}{}", self.prefix, &rest[..end]))
    }

    fn common(&self, folders: &[String]) -> Vec<Value> {
        folders.iter().map(|folder| json!({ "Prefix": self.text(folder) })).collect()
    }
}

fn list_objects(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let asked = Asked::read(req)?;
    let after = match req.opt_text("continuation-token")? {
        Some(token) => {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            bytes.ok_or_else(|| AwsError::new("InvalidArgument", "The continuation token provided is incorrect"))?
        }
        None => req.opt_text("start-after")?.unwrap_or_default(),
    };
    let found = bucket(world, req)?;
    let (mut contents, mut folders, mut last, mut more) = (Vec::new(), Vec::<String>::new(), String::new(), false);
    for (key, versions) in &found.objects {
        let Some(version) = versions.last().filter(|version| !version.marker) else { continue };
        if !key.starts_with(&asked.prefix) || *key <= after {
            continue;
        }
        let folder = asked.folder(key);
        // A page that ended in a folder goes on behind all of it.
        if folder.as_ref().is_some_and(|folder| folders.last() == Some(folder) || after.starts_with(folder.as_str())) {
            last.clone_from(key);
            continue;
        }
        if contents.len() + folders.len() == asked.most {
            more = true;
            break;
        }
        last.clone_from(key);
        match folder {
            Some(folder) => folders.push(folder),
            None => contents.push(json!({
                "Key": asked.text(key),
                "LastModified": stamp(version.modified),
                "ETag": version.etag,
                "Size": version.body.0.len(),
                "StorageClass": "STANDARD",
            })),
        }
    }
    Ok(json!({ "xml": { "ListBucketResult": {
        "Name": req.text("Bucket")?,
        "Prefix": asked.text(&asked.prefix),
        "KeyCount": contents.len() + folders.len(),
        "MaxKeys": asked.most,
        "IsTruncated": more,
        "NextContinuationToken": more.then(|| URL_SAFE_NO_PAD.encode(&last)),
        "EncodingType": asked.url.then_some("url"),
        "Contents": contents,
        "CommonPrefixes": asked.common(&folders),
    } } }))
}

fn list_versions(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let asked = Asked::read(req)?;
    let key_marker = req.opt_text("key-marker")?.unwrap_or_default();
    let id_marker = req.opt_text("version-id-marker")?;
    if id_marker.is_some() && key_marker.is_empty() {
        return Err(AwsError::new("InvalidArgument", "A version-id marker cannot be specified without a key marker."));
    }
    let found = bucket(world, req)?;
    // Newest first within a key.
    let all = found.objects.iter().filter(|(key, _)| key.starts_with(&asked.prefix)).flat_map(|(key, versions)| {
        let newest = versions.len().saturating_sub(1);
        versions.iter().enumerate().rev().map(move |(at, version)| (key, version, at == newest))
    });
    let mut passed = id_marker.is_none();
    let (mut versions, mut markers, mut folders) = (Vec::new(), Vec::new(), Vec::<String>::new());
    let (mut last, mut more) = (None, false);
    for (key, version, latest) in all {
        if *key < key_marker || (*key == key_marker && (id_marker.is_none() || !passed)) {
            passed |= *key == key_marker && id_marker.as_ref() == Some(&version.id);
            continue;
        }
        let folder = asked.folder(key);
        if folder.as_ref().is_some_and(|f| folders.last() == Some(f) || key_marker.starts_with(f.as_str())) {
            continue;
        }
        if versions.len() + markers.len() + folders.len() == asked.most {
            more = true;
            break;
        }
        last = Some((key.clone(), version.id.clone()));
        match folder {
            Some(folder) => folders.push(folder),
            None if version.marker => markers.push(entry(&asked, key, version, latest)),
            None => versions.push(entry(&asked, key, version, latest)),
        }
    }
    let next = last.filter(|_| more);
    Ok(json!({ "xml": { "ListVersionsResult": {
        "Name": req.text("Bucket")?,
        "Prefix": asked.text(&asked.prefix),
        "KeyMarker": asked.text(&key_marker),
        "MaxKeys": asked.most,
        "IsTruncated": more,
        "NextKeyMarker": next.as_ref().map(|(key, _)| asked.text(key)),
        "NextVersionIdMarker": next.as_ref().map(|(_, id)| id),
        "EncodingType": asked.url.then_some("url"),
        "Version": versions,
        "DeleteMarker": markers,
        "CommonPrefixes": asked.common(&folders),
    } } }))
}

fn entry(asked: &Asked, key: &str, version: &Version, latest: bool) -> Value {
    let mut shown = json!({
        "Key": asked.text(key),
        "VersionId": version.id,
        "IsLatest": latest,
        "LastModified": stamp(version.modified),
    });
    if !version.marker {
        shown["ETag"] = json!(version.etag);
        shown["Size"] = json!(version.body.0.len());
        shown["StorageClass"] = json!("STANDARD");
    }
    shown
}
