//! Settings of a bucket: versioning, encryption, public access block, ownership, policy, lifecycle, tags.
//!
//! Called by the core. Every put replaces the whole setting, as in S3. Must never take a value that S3 would refuse.

use super::{AwsError, Encryption, Operation, Reply, Request, Versioning, World, bucket, bucket_mut, malformed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The owner of the bucket owns every object; there are no ACLs.
pub(super) const ENFORCED: &str = "BucketOwnerEnforced";

/// Switches of the public access block.
pub(super) const PUBLIC: [&str; 4] =
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "PutBucketVersioning",
        mutating: true,
        params: &["Bucket", "VersioningConfiguration.Status"],
        run: put_versioning,
    },
    Operation { name: "GetBucketVersioning", mutating: false, params: &["Bucket"], run: get_versioning },
    Operation {
        name: "PutBucketEncryption",
        mutating: true,
        params: &[
            "Bucket",
            "ServerSideEncryptionConfiguration.Rule.ApplyServerSideEncryptionByDefault.SSEAlgorithm",
            "ServerSideEncryptionConfiguration.Rule.ApplyServerSideEncryptionByDefault.KMSMasterKeyID",
            "ServerSideEncryptionConfiguration.Rule.BucketKeyEnabled",
        ],
        run: put_encryption,
    },
    Operation { name: "GetBucketEncryption", mutating: false, params: &["Bucket"], run: get_encryption },
    Operation {
        name: "PutPublicAccessBlock",
        mutating: true,
        params: &[
            "Bucket",
            "PublicAccessBlockConfiguration.BlockPublicAcls",
            "PublicAccessBlockConfiguration.IgnorePublicAcls",
            "PublicAccessBlockConfiguration.BlockPublicPolicy",
            "PublicAccessBlockConfiguration.RestrictPublicBuckets",
        ],
        run: put_public_access,
    },
    Operation { name: "GetPublicAccessBlock", mutating: false, params: &["Bucket"], run: get_public_access },
    Operation { name: "DeletePublicAccessBlock", mutating: true, params: &["Bucket"], run: delete_public_access },
    Operation {
        name: "PutBucketOwnershipControls",
        mutating: true,
        params: &["Bucket", "OwnershipControls.Rule.ObjectOwnership"],
        run: put_ownership,
    },
    Operation { name: "GetBucketOwnershipControls", mutating: false, params: &["Bucket"], run: get_ownership },
    Operation { name: "PutBucketPolicy", mutating: true, params: &["Bucket", "Body"], run: put_policy },
    Operation { name: "GetBucketPolicy", mutating: false, params: &["Bucket"], run: get_policy },
    Operation { name: "DeleteBucketPolicy", mutating: true, params: &["Bucket"], run: delete_policy },
    Operation {
        name: "PutBucketLifecycleConfiguration",
        mutating: true,
        params: &[
            "Bucket",
            "LifecycleConfiguration.Rule.ID",
            "LifecycleConfiguration.Rule.Status",
            "LifecycleConfiguration.Rule.Filter.Prefix",
            "LifecycleConfiguration.Rule.NoncurrentVersionExpiration.NoncurrentDays",
            "LifecycleConfiguration.Rule.NoncurrentVersionExpiration.NewerNoncurrentVersions",
            "LifecycleConfiguration.Rule.AbortIncompleteMultipartUpload.DaysAfterInitiation",
            "LifecycleConfiguration.Rule.Expiration.ExpiredObjectDeleteMarker",
            "x-amz-transition-default-minimum-object-size",
        ],
        run: put_lifecycle,
    },
    Operation { name: "GetBucketLifecycleConfiguration", mutating: false, params: &["Bucket"], run: get_lifecycle },
    Operation {
        name: "PutBucketTagging",
        mutating: true,
        params: &["Bucket", "Tagging.TagSet.Tag.Key", "Tagging.TagSet.Tag.Value"],
        run: put_tags,
    },
    Operation { name: "GetBucketTagging", mutating: false, params: &["Bucket"], run: get_tags },
];

fn done() -> Result<Reply, AwsError> {
    Ok(json!({}))
}

fn root(req: &Request, name: &str) -> Result<Request, AwsError> {
    req.structure(name).ok_or_else(|| malformed(format!("The body must be a {name}")))
}

fn only_rule(root: &Request) -> Result<Request, AwsError> {
    let mut rules = root.list("Rule");
    match (rules.pop(), rules.is_empty()) {
        (Some(rule), true) => Ok(rule),
        _ => Err(malformed("Exactly one Rule is expected")),
    }
}

fn put_versioning(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let status = match root(req, "VersioningConfiguration")?.text("Status")?.as_str() {
        "Enabled" => Versioning::Enabled,
        "Suspended" => Versioning::Suspended,
        other => return Err(malformed(format!("{other} is no status of versioning"))),
    };
    bucket_mut(world, req)?.versioning = Some(status);
    done()
}

fn get_versioning(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    Ok(json!({ "xml": { "VersioningConfiguration": { "Status": bucket(world, req)?.versioning } } }))
}

/// The ARN of a key that is given as S3 takes it: an ARN, an id or an alias.
pub(super) fn key_arn(world: &World, req: &Request, given: &str) -> Result<String, AwsError> {
    let (account, region) = (&world.account, &req.region);
    if !given.starts_with("arn:") {
        let kind = if given.starts_with("alias/") { "" } else { "key/" };
        return Ok(format!("arn:aws:kms:{region}:{account}:{kind}{given}"));
    }
    match given.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "kms", there, _, _] if there == region.as_str() => Ok(given.to_owned()),
        _ => Err(AwsError::new("KMS.NotFoundException", format!("Invalid arn {given}: no key in {region}"))),
    }
}

fn put_encryption(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let rule = only_rule(&root(req, "ServerSideEncryptionConfiguration")?)?;
    let default = root(&rule, "ApplyServerSideEncryptionByDefault")?;
    let bucket_key = rule.opt_bool("BucketKeyEnabled")?.unwrap_or(false);
    let key = default.opt_text("KMSMasterKeyID")?;
    let (algorithm, key) = match (default.text("SSEAlgorithm")?.as_str(), key) {
        ("AES256", None) => ("AES256", None),
        ("AES256", Some(_)) => return Err(malformed("KMSMasterKeyID goes with aws:kms")),
        ("aws:kms", key) => ("aws:kms", Some(key_arn(world, req, key.as_deref().unwrap_or("alias/aws/s3"))?)),
        (other, _) => return Err(malformed(format!("the rsds sandbox does not implement the algorithm {other}"))),
    };
    bucket_mut(world, req)?.encryption = Encryption { algorithm: algorithm.to_owned(), key, bucket_key };
    done()
}

fn get_encryption(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let found = &bucket(world, req)?.encryption;
    Ok(json!({ "xml": { "ServerSideEncryptionConfiguration": { "Rule": [{
        "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": found.algorithm, "KMSMasterKeyID": found.key },
        "BucketKeyEnabled": found.bucket_key }] } } }))
}

fn put_public_access(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let asked = root(req, "PublicAccessBlockConfiguration")?;
    let mut switches = [false; 4];
    for (switch, name) in switches.iter_mut().zip(PUBLIC) {
        *switch = asked.opt_bool(name)?.unwrap_or(false);
    }
    bucket_mut(world, req)?.public_access = Some(switches);
    done()
}

fn get_public_access(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let Some(switches) = bucket(world, req)?.public_access else {
        let message = "The public access block configuration was not found";
        return Err(AwsError::new("NoSuchPublicAccessBlockConfiguration", message).status(404));
    };
    let shown: Map<String, Value> =
        PUBLIC.iter().zip(switches).map(|(name, on)| ((*name).to_owned(), json!(on))).collect();
    Ok(json!({ "xml": { "PublicAccessBlockConfiguration": shown } }))
}

fn delete_public_access(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    bucket_mut(world, req)?.public_access = None;
    Ok(json!({ "status": 204 }))
}

fn put_ownership(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let asked = only_rule(&root(req, "OwnershipControls")?)?.text("ObjectOwnership")?;
    if ![ENFORCED, "BucketOwnerPreferred", "ObjectWriter"].contains(&asked.as_str()) {
        return Err(malformed(format!("{asked} is no ownership of objects")));
    }
    bucket_mut(world, req)?.ownership = Some(asked);
    done()
}

fn get_ownership(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let Some(ownership) = &bucket(world, req)?.ownership else {
        let message = "The bucket ownership controls were not found";
        return Err(AwsError::new("OwnershipControlsNotFoundError", message).status(404));
    };
    Ok(json!({ "xml": { "OwnershipControls": { "Rule": [{ "ObjectOwnership": ownership }] } } }))
}

fn put_policy(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let bad = |why: &str| AwsError::new("MalformedPolicy", why);
    let bytes = STANDARD.decode(req.text("Body")?).map_err(|_| bad("Policies must be valid JSON"))?;
    let text = String::from_utf8(bytes).map_err(|_| bad("Policies must be valid JSON"))?;
    let policy: Value = serde_json::from_str(&text).map_err(|_| bad("Policies must be valid JSON"))?;
    let name = req.text("Bucket")?;
    let arn = format!("arn:aws:s3:::{name}");
    let statements = policy.get("Statement").and_then(Value::as_array).filter(|list| !list.is_empty());
    for statement in statements.ok_or_else(|| bad("Missing required field Statement"))? {
        for field in ["Effect", "Principal", "Action", "Resource"] {
            if statement.get(field).is_none() {
                return Err(bad(&format!("Missing required field {field}")));
            }
        }
        let resources = match &statement["Resource"] {
            Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
            other => Vec::from_iter(other.as_str()),
        };
        let mine = |resource: &&str| **resource == arn || resource.starts_with(&format!("{arn}/"));
        if resources.is_empty() || !resources.iter().all(mine) {
            return Err(bad("Policy has invalid resource"));
        }
    }
    bucket_mut(world, req)?.policy = Some(text);
    Ok(json!({ "status": 204 }))
}

fn get_policy(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    match &bucket(world, req)?.policy {
        Some(policy) => {
            Ok(json!({ "body": STANDARD.encode(policy), "headers": { "content-type": "application/json" } }))
        }
        None => Err(AwsError::new("NoSuchBucketPolicy", "The bucket policy does not exist").status(404)),
    }
}

fn delete_policy(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    bucket_mut(world, req)?.policy = None;
    Ok(json!({ "status": 204 }))
}

fn put_lifecycle(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    if req
        .opt_text("x-amz-transition-default-minimum-object-size")?
        .is_some_and(|size| size != "all_storage_classes_128K")
    {
        return Err(malformed("the rsds sandbox has no transitions"));
    }
    let rules = root(req, "LifecycleConfiguration")?.list("Rule");
    if rules.is_empty() {
        return Err(malformed("At least one Rule is expected"));
    }
    for rule in &rules {
        if !["Enabled", "Disabled"].contains(&rule.text("Status")?.as_str()) {
            return Err(malformed("Status is Enabled or Disabled"));
        }
        if rule.params.get("Filter").is_none() {
            return Err(malformed("A Rule needs a Filter"));
        }
        let old = rule.structure("NoncurrentVersionExpiration");
        if let Some(old) = &old {
            positive(old.int("NoncurrentDays")?, i64::MAX)?;
            positive(old.opt_int("NewerNoncurrentVersions")?.unwrap_or(1), 100)?;
        }
        let abort = rule.structure("AbortIncompleteMultipartUpload");
        if let Some(abort) = &abort {
            positive(abort.int("DaysAfterInitiation")?, i64::MAX)?;
        }
        if old.is_none() && abort.is_none() && rule.structure("Expiration").is_none() {
            return Err(AwsError::new("InvalidRequest", "At least one action needs to be specified in a rule."));
        }
    }
    bucket_mut(world, req)?.lifecycle = rules.into_iter().map(|rule| rule.params).collect();
    done()
}

fn positive(number: i64, most: i64) -> Result<(), AwsError> {
    let fits = (1..=most).contains(&number);
    fits.then_some(()).ok_or_else(|| AwsError::new("InvalidArgument", format!("{number} is not between 1 and {most}")))
}

fn get_lifecycle(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let rules = &bucket(world, req)?.lifecycle;
    if rules.is_empty() {
        let message = "The lifecycle configuration does not exist";
        return Err(AwsError::new("NoSuchLifecycleConfiguration", message).status(404));
    }
    Ok(json!({ "xml": { "LifecycleConfiguration": { "Rule": rules } } }))
}

fn put_tags(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let set = root(&root(req, "Tagging")?, "TagSet")?.list("Tag");
    let tags = set.iter().map(|tag| Ok((tag.text("Key")?, tag.opt_text("Value")?.unwrap_or_default())));
    bucket_mut(world, req)?.tags = tags.collect::<Result<_, AwsError>>()?;
    Ok(json!({ "status": 204 }))
}

fn get_tags(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let tags = &bucket(world, req)?.tags;
    if tags.is_empty() {
        return Err(AwsError::new("NoSuchTagSet", "The TagSet does not exist").status(404));
    }
    let shown: Vec<Value> = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(json!({ "xml": { "Tagging": { "TagSet": { "Tag": shown } } } }))
}
