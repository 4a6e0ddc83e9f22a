//! The bucket for shared states: what it should be like, what of that it is not, and the calls between the two.
//!
//! Called by `rsds backend create`. Adds to a bucket that is there and takes nothing away: statements and rules of
//! others stay as they are. Must never touch a bucket that is not the caller's, nor weaken one.

use super::{
    S3Store,
    objects::{Objects, PATIENCE, REGION},
};
use crate::aws::{Class, Fault, fault::Called as _};
use aws_sdk_s3::{
    error::SdkError,
    operation::head_bucket::HeadBucketError,
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
        CreateBucketConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
        NoncurrentVersionExpiration, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
        PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
        ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
    },
};
use serde::Serialize;
use serde_json::{Value as Json, json};

/// The IAM actions of `rsds backend create`.
pub const ACTIONS: [&str; 14] = [
    "s3:CreateBucket",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:ListBucket",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
];

/// Name of the policy statement that refuses what does not come over TLS.
const TLS_ONLY: &str = "RsdsTlsOnly";
/// Days after which an old version may go, and how many newer ones must be there.
const OLD_AFTER: i32 = 90;
const OLD_KEPT: i32 = 10;
const UPLOADS_AFTER: i32 = 7;

/// One thing that the bucket should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// It is there.
    Bucket,
    /// Nothing in it can become public.
    PublicAccessBlock,
    /// Its owner owns every object.
    Ownership,
    /// Old versions are kept.
    Versioning,
    /// Everything in it is encrypted, by the key named.
    Encryption,
    /// It answers over TLS alone.
    TlsOnly,
    /// Old versions go some time, but never the last ten.
    Lifecycle,
}

/// All but the bucket itself, in the order in which they are set.
const SETTINGS: [Wanted; 6] = [
    Wanted::PublicAccessBlock,
    Wanted::Ownership,
    Wanted::Versioning,
    Wanted::Encryption,
    Wanted::TlsOnly,
    Wanted::Lifecycle,
];

impl Wanted {
    /// Says what it means for the bucket.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Bucket => "make the bucket",
            Self::PublicAccessBlock => "block public access",
            Self::Ownership => "let its owner own every object (no ACLs)",
            Self::Versioning => "keep old versions",
            Self::Encryption => "encrypt everything in it",
            Self::TlsOnly => "refuse what does not come over TLS",
            Self::Lifecycle => "let old versions go after 90 days, but never the last 10",
        }
    }
}

/// Says why a bucket cannot be looked at or made.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The name is taken.
    #[error("the bucket {0} belongs to somebody else, or these credentials may not see it")]
    Foreign(String),
    /// It is somewhere else.
    #[error("the bucket {bucket} is in {there}, [state] says {here}")]
    Elsewhere {
        /// The bucket.
        bucket: String,
        /// Where it is.
        there: String,
        /// Where it should be.
        here: String,
    },
    /// A call failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl S3Store {
    /// Looks at the bucket and tells what it should be and is not.
    pub async fn missing(&self) -> Result<Vec<Wanted>, BucketError> {
        if !self.objects.has_bucket().await? {
            return Ok([&[Wanted::Bucket], SETTINGS.as_slice()].concat());
        }
        let mut missing = Vec::new();
        for setting in SETTINGS {
            let differs = async || self.objects.differs(setting).await.map_err(late);
            if self.objects.patiently(PATIENCE, differs).await? {
                missing.push(setting);
            }
        }
        Ok(missing)
    }

    /// Makes it what it should be; what is so already is left alone.
    pub async fn mend(&self, missing: &[Wanted]) -> Result<(), BucketError> {
        for wanted in missing {
            // A new bucket has some of it from the start, and a lost answer may have been a success.
            let mend = async || match *wanted {
                Wanted::Bucket => self.objects.create_bucket().await,
                setting if self.objects.differs(setting).await.map_err(late)? => {
                    self.objects.set(setting).await.map_err(late)
                }
                _ => Ok(()),
            };
            self.objects.patiently(PATIENCE, mend).await.map_err(|fault| match fault.code.as_str() {
                "BucketAlreadyExists" => BucketError::Foreign(self.objects.place.bucket.clone()),
                _ => fault.into(),
            })?;
        }
        Ok(())
    }
}

impl Objects {
    async fn has_bucket(&self) -> Result<bool, BucketError> {
        let bucket = &self.place.bucket;
        let head = async || {
            let sent = self.client().await?.head_bucket().bucket(bucket).send().await;
            // The region of a bucket that is elsewhere stands in a header alone.
            let there = region_of(sent.as_ref().err());
            match std::future::ready(sent).called("s3:HeadBucket").await {
                Ok(_) => Ok((true, None)),
                Err(fault) if fault.is_not_found() => Ok((false, None)),
                Err(fault) if there.is_some() && fault.class != Class::Denied => Ok((true, there)),
                Err(fault) => Err(fault),
            }
        };
        match self.patiently(PATIENCE, head).await {
            Ok((there, None)) => Ok(there),
            Ok((_, Some(there))) => {
                Err(BucketError::Elsewhere { bucket: bucket.clone(), there, here: self.place.region.clone() })
            }
            Err(fault) if fault.class == Class::Denied => Err(BucketError::Foreign(bucket.clone())),
            Err(fault) => Err(fault.into()),
        }
    }

    async fn create_bucket(&self) -> Result<(), Fault> {
        let mut create = self.client().await?.create_bucket().bucket(&self.place.bucket);
        // The oldest region is the one that has no name here.
        if self.place.region != "us-east-1" {
            let region = BucketLocationConstraint::from(self.place.region.as_str());
            create = create
                .create_bucket_configuration(CreateBucketConfiguration::builder().location_constraint(region).build());
        }
        match create.send().called("s3:CreateBucket").await {
            Err(fault) if fault.code != "BucketAlreadyOwnedByYou" => Err(fault),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn differs(&self, setting: Wanted) -> Result<bool, Fault> {
        let (s3, bucket) = (self.client().await?, &self.place.bucket);
        Ok(match setting {
            Wanted::Bucket => false,
            Wanted::PublicAccessBlock => {
                let get = s3.get_public_access_block().bucket(bucket).send().called("s3:GetBucketPublicAccessBlock");
                let block = there_is(get.await)?.and_then(|answer| answer.public_access_block_configuration);
                block != Some(no_public_access())
            }
            Wanted::Ownership => {
                let get = s3.get_bucket_ownership_controls().bucket(bucket).send();
                let controls = there_is(get.called("s3:GetBucketOwnershipControls").await)?;
                let rules = controls.and_then(|answer| answer.ownership_controls).map(|controls| controls.rules);
                let enforced =
                    |rule: &OwnershipControlsRule| rule.object_ownership == ObjectOwnership::BucketOwnerEnforced;
                !rules.unwrap_or_default().iter().any(enforced)
            }
            Wanted::Versioning => {
                let get = s3.get_bucket_versioning().bucket(bucket).send().called("s3:GetBucketVersioning");
                get.await?.status != Some(BucketVersioningStatus::Enabled)
            }
            Wanted::Encryption => {
                let get = s3.get_bucket_encryption().bucket(bucket).send().called("s3:GetEncryptionConfiguration");
                let rules = there_is(get.await)?.and_then(|answer| answer.server_side_encryption_configuration);
                !rules
                    .map(|configuration| configuration.rules)
                    .unwrap_or_default()
                    .iter()
                    .any(|rule| self.encrypts(rule))
            }
            Wanted::TlsOnly => self.policy_with_mine().await?.is_some(),
            Wanted::Lifecycle => self.rules_with_mine().await?.is_some(),
        })
    }

    /// Says what it lacks to keep a state well, or why nobody can tell.
    pub(super) async fn flaws(&self) -> Vec<String> {
        const KEEPING: [(Wanted, &str); 3] = [
            (Wanted::Versioning, "it keeps no old versions"),
            (Wanted::PublicAccessBlock, "what is in it can become public"),
            (Wanted::Encryption, "it does not encrypt what is in it"),
        ];
        let looks = KEEPING.map(|(setting, lacks)| async move {
            match self.differs(setting).await {
                Ok(true) => Some(lacks.to_owned()),
                Ok(false) => None,
                Err(fault) => Some(format!("it could not be looked at: {fault}")),
            }
        });
        futures_util::future::join_all(looks).await.into_iter().flatten().collect()
    }

    async fn set(&self, setting: Wanted) -> Result<(), Fault> {
        let (s3, bucket) = (self.client().await?, &self.place.bucket);
        match setting {
            Wanted::Bucket => Ok(()),
            Wanted::PublicAccessBlock => {
                let put = s3.put_public_access_block().bucket(bucket);
                let put = put.public_access_block_configuration(no_public_access()).send();
                put.called("s3:PutBucketPublicAccessBlock").await.map(drop)
            }
            Wanted::Ownership => {
                let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced);
                let controls = OwnershipControls::builder().rules(built(rule.build())?).build();
                let put = s3.put_bucket_ownership_controls().bucket(bucket).ownership_controls(built(controls)?).send();
                put.called("s3:PutBucketOwnershipControls").await.map(drop)
            }
            Wanted::Versioning => {
                let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
                let put = s3.put_bucket_versioning().bucket(bucket).versioning_configuration(on).send();
                put.called("s3:PutBucketVersioning").await.map(drop)
            }
            Wanted::Encryption => {
                let put = s3.put_bucket_encryption().bucket(bucket);
                let put = put.server_side_encryption_configuration(self.encryption()?).send();
                put.called("s3:PutEncryptionConfiguration").await.map(drop)
            }
            Wanted::TlsOnly => {
                let Some(policy) = self.policy_with_mine().await? else { return Ok(()) };
                let put = s3.put_bucket_policy().bucket(bucket).policy(policy.to_string()).send();
                put.called("s3:PutBucketPolicy").await.map(drop)
            }
            Wanted::Lifecycle => {
                let Some(rules) = self.rules_with_mine().await? else { return Ok(()) };
                let rules = built(BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build())?;
                let put = s3.put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(rules).send();
                put.called("s3:PutLifecycleConfiguration").await.map(drop)
            }
        }
    }

    /// Whether a rule of the bucket is what [state] asks for. Without a key there, any encryption is as good.
    fn encrypts(&self, rule: &ServerSideEncryptionRule) -> bool {
        let Some(default) = &rule.apply_server_side_encryption_by_default else { return false };
        let Some(key) = &self.place.kms_key_id else { return true };
        let is_key = |there: &String| {
            there == key
                || there.rsplit_once(":key/").is_some_and(|(_, id)| id == key)
                || there.rsplit_once(':').is_some_and(|(_, alias)| alias == key)
        };
        default.sse_algorithm == ServerSideEncryption::AwsKms
            && default.kms_master_key_id.as_ref().is_some_and(is_key)
            && rule.bucket_key_enabled == Some(true)
    }

    fn encryption(&self) -> Result<ServerSideEncryptionConfiguration, Fault> {
        let key = self.place.kms_key_id.clone();
        let algorithm = if key.is_some() { ServerSideEncryption::AwsKms } else { ServerSideEncryption::Aes256 };
        let default = ServerSideEncryptionByDefault::builder();
        let default = default.sse_algorithm(algorithm).set_kms_master_key_id(key.clone()).build();
        let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(built(default)?);
        let rule = rule.bucket_key_enabled(key.is_some()).build();
        built(ServerSideEncryptionConfiguration::builder().rules(rule).build())
    }

    /// The bucket's policy with our statement in it; none when it is there already.
    async fn policy_with_mine(&self) -> Result<Option<Json>, Fault> {
        let (bucket, region) = (&self.place.bucket, &self.place.region);
        let partition = match region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let arn = format!("arn:{partition}:s3:::{bucket}");
        let mine = json!({
            "Sid": TLS_ONLY, "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        });
        let get = self.client().await?.get_bucket_policy().bucket(bucket).send();
        let there = there_is(get.called("s3:GetBucketPolicy").await)?.and_then(|answer| answer.policy);
        let there = there.map(|text| serde_json::from_str::<Json>(&text)).transpose();
        let there = there.map_err(|error| Fault::incomplete("s3:GetBucketPolicy", &format!("policy: {error}")))?;
        let mut policy = there.unwrap_or_else(|| json!({ "Version": "2012-10-17", "Statement": [] }));
        let mut statements = match policy["Statement"].take() {
            Json::Array(statements) => statements,
            Json::Null => Vec::new(),
            one => vec![one],
        };
        // AWS may show a list of one as the one.
        let says_so = |statement: &Json| {
            statement["Effect"] == "Deny"
                && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
                && (statement["Principal"] == "*" || statement["Principal"]["AWS"] == "*")
                && (statement["Action"] == "s3:*" || statement["Action"] == json!(["s3:*"]))
                && statement["Resource"].as_array().is_some_and(|there| {
                    [arn.clone(), format!("{arn}/*")].iter().all(|wanted| there.iter().any(|arn| arn == wanted))
                })
        };
        if statements.iter().any(says_so) {
            return Ok(None);
        }
        statements.retain(|statement| statement["Sid"] != TLS_ONLY);
        statements.push(mine);
        policy["Statement"] = Json::Array(statements);
        Ok(Some(policy))
    }

    /// The bucket's rules with ours among them; none when it is there already.
    async fn rules_with_mine(&self) -> Result<Option<Vec<LifecycleRule>>, Fault> {
        let get = self.client().await?.get_bucket_lifecycle_configuration().bucket(&self.place.bucket).send();
        let there = there_is(get.called("s3:GetLifecycleConfiguration").await)?;
        let mut rules = there.and_then(|answer| answer.rules).unwrap_or_default();
        // What else the bucket holds is not rsds's to forget.
        let prefix = self.place.key.split_once('/').map_or(self.place.key.clone(), |(first, _)| format!("{first}/"));
        let id = format!("rsds-old-versions-of-{}", prefix.trim_end_matches('/'));
        let old = NoncurrentVersionExpiration::builder().noncurrent_days(OLD_AFTER).newer_noncurrent_versions(OLD_KEPT);
        let uploads = AbortIncompleteMultipartUpload::builder().days_after_initiation(UPLOADS_AFTER);
        let rule = LifecycleRule::builder()
            .id(&id)
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
            .noncurrent_version_expiration(old.build())
            .abort_incomplete_multipart_upload(uploads.build())
            .expiration(LifecycleExpiration::builder().expired_object_delete_marker(true).build());
        let mine = built(rule.build())?;
        // AWS may show more of a rule than was asked for.
        let says_so = |rule: &LifecycleRule| {
            rule.status == mine.status
                && rule.filter == mine.filter
                && rule.noncurrent_version_expiration == mine.noncurrent_version_expiration
                && rule.abort_incomplete_multipart_upload == mine.abort_incomplete_multipart_upload
                && rule.expiration.as_ref().and_then(|expiration| expiration.expired_object_delete_marker) == Some(true)
        };
        if rules.iter().any(says_so) {
            return Ok(None);
        }
        rules.retain(|rule| rule.id.as_ref() != Some(&id));
        rules.push(mine);
        Ok(Some(rules))
    }
}

/// A setting that may not be there. A bucket that was just made may itself show late: that is no missing setting, and
/// must not be taken for a policy or rules that nobody has written.
fn there_is<T>(result: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(fault) if fault.is_not_found() && fault.code != "NoSuchBucket" => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Says of a bucket that is not there that it may be at the next look.
fn late(fault: Fault) -> Fault {
    if fault.code == "NoSuchBucket" { Fault { class: Class::Busy, ..fault } } else { fault }
}

fn no_public_access() -> PublicAccessBlockConfiguration {
    let block = PublicAccessBlockConfiguration::builder().block_public_acls(true).ignore_public_acls(true);
    block.block_public_policy(true).restrict_public_buckets(true).build()
}

fn region_of(error: Option<&SdkError<HeadBucketError>>) -> Option<String> {
    let raw = error?.raw_response()?;
    matches!(raw.status().as_u16(), 301 | 400).then(|| raw.headers().get(REGION).map(str::to_owned))?
}

fn built<T, E: std::error::Error>(result: Result<T, E>) -> Result<T, Fault> {
    result.map_err(|error| Fault::internal(error.to_string()))
}
