//! `rsds backend create`, through the store: what a bucket is made to be, and what is left to its owner.

use super::*;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ExpirationStatus, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration,
    VersioningConfiguration,
};
use rsds::{
    sandbox::{AwsError, Fault, How},
    state::s3::bucket::{BucketError, Wanted},
};

async fn make(person: &Person) {
    person.store.mend(&person.store.missing().await.unwrap()).await.unwrap();
    assert_eq!(person.store.missing().await.unwrap(), [], "the second run has nothing to do");
}

fn writes(sandbox: &Sandbox) -> Vec<String> {
    sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.operation).collect()
}

#[tokio::test(start_paused = true)]
async fn a_bucket_is_made_and_the_second_time_left_alone() {
    for kms in [None, Some(KMS)] {
        let shared = Shared::empty();
        let ann = shared.person_with("ann", shared.estate.clock.clone(), kms);
        assert_eq!(ann.store.missing().await.unwrap().len(), 7);
        make(&ann).await;
        let wanted = ["CreateBucket", "PutBucketVersioning", "PutBucketPolicy", "PutBucketLifecycleConfiguration"];
        let done = writes(shared.sandbox());
        assert!(wanted.iter().all(|call| done.iter().any(|done| done == call)), "{done:?}");
        let world = shared.sandbox().world_in("aws-global");
        let bucket = &world.s3.buckets[BUCKET];
        assert_eq!((bucket.region.as_str(), bucket.public_access), (REGION, Some([true; 4])));
        assert_eq!((bucket.encryption.key.as_deref(), bucket.encryption.bucket_key), (kms, kms.is_some()));
        assert!(bucket.policy.as_ref().is_some_and(|policy| policy.contains("aws:SecureTransport")));
        assert_eq!(bucket.lifecycle[0]["Filter"]["Prefix"], "rsds/");
        assert_eq!(bucket.lifecycle[0]["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"], "10");
        make(&ann).await;
        assert_eq!(writes(shared.sandbox()), Vec::<String>::new());
        // Another environment of the team in the same bucket.
        ann.save(1).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_differs_is_mended_and_what_others_added_stays() {
    let shared = Shared::new().await;
    let (ann, s3) = (shared.person("ann"), shared.s3().await);
    let off = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(off).send().await.unwrap();
    s3.delete_public_access_block().bucket(BUCKET).send().await.unwrap();
    let theirs = serde_json::json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "Theirs", "Effect": "Deny",
        "Principal": "*", "Action": "s3:DeleteBucket", "Resource": format!("arn:aws:s3:::{BUCKET}") }] });
    s3.put_bucket_policy().bucket(BUCKET).policy(theirs.to_string()).send().await.unwrap();
    let old = NoncurrentVersionExpiration::builder().noncurrent_days(5).build();
    let rule = LifecycleRule::builder().id("theirs").status(ExpirationStatus::Enabled);
    let rule = rule.filter(LifecycleRuleFilter::builder().prefix("logs/").build()).noncurrent_version_expiration(old);
    let rules = aws_sdk_s3::types::BucketLifecycleConfiguration::builder().rules(rule.build().unwrap()).build();
    let put = s3.put_bucket_lifecycle_configuration().bucket(BUCKET).lifecycle_configuration(rules.unwrap());
    put.send().await.unwrap();
    let missing = ann.store.missing().await.unwrap();
    assert_eq!(missing, [Wanted::PublicAccessBlock, Wanted::Versioning, Wanted::TlsOnly, Wanted::Lifecycle]);
    // What the preflight of a state's first apply tells of it.
    let lacks = ["it keeps no old versions", "what is in it can become public"];
    assert_eq!(ann.store.flaws().await.unwrap().unwrap(), lacks);
    make(&ann).await;
    assert_eq!(ann.store.flaws().await.unwrap(), Some(Vec::new()));
    let denied = How::Error(AwsError::new("AccessDenied", "Access Denied").status(403));
    shared.sandbox().inject(Fault::once("s3:GetBucketVersioning", 1, denied));
    let told = ann.store.flaws().await.unwrap().unwrap();
    assert!(told[0].contains("could not be looked at: s3:GetBucketVersioning answered AccessDenied"), "{told:?}");
    let world = shared.sandbox().world_in("aws-global");
    let bucket = &world.s3.buckets[BUCKET];
    assert!(bucket.policy.as_ref().is_some_and(|policy| policy.contains("Theirs")), "{:?}", bucket.policy);
    assert_eq!(bucket.lifecycle.len(), 2);
    // A key is asked for where there was none.
    let with_key = shared.person_with("ann", shared.estate.clock.clone(), Some(KMS));
    assert_eq!(with_key.store.missing().await.unwrap(), [Wanted::Encryption]);
    make(&with_key).await;
    assert_eq!(ann.store.missing().await.unwrap(), [], "without a key in the TOML any encryption is as good");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_and_a_bucket_elsewhere_are_told() {
    let shared = Shared::empty();
    let ann = shared.person("ann");
    let taken = AwsError::new("BucketAlreadyExists", "The requested bucket name is not available.").status(409);
    shared.sandbox().inject(Fault::once("s3:CreateBucket", 1, How::Error(taken)));
    let refused = ann.store.mend(&[Wanted::Bucket]).await.unwrap_err();
    assert!(matches!(refused, BucketError::Foreign(_)), "{refused}");
    shared.sandbox().inject(Fault::once(
        "s3:HeadBucket",
        1,
        How::Error(AwsError::new("AccessDenied", "Access Denied").status(403)),
    ));
    assert!(matches!(ann.store.missing().await, Err(BucketError::Foreign(_))));
    // The estate's own region is another one.
    shared
        .estate
        .connection()
        .s3()
        .await
        .create_bucket()
        .bucket(BUCKET)
        .create_bucket_configuration(
            aws_sdk_s3::types::CreateBucketConfiguration::builder()
                .location_constraint(aws_sdk_s3::types::BucketLocationConstraint::UsWest2)
                .build(),
        )
        .send()
        .await
        .unwrap();
    let elsewhere = ann.store.missing().await.unwrap_err().to_string();
    assert_eq!(elsewhere, format!("the bucket {BUCKET} is in us-west-2, [state] says eu-west-1"));
}

#[tokio::test(start_paused = true)]
async fn every_call_of_the_making_may_fail_once() {
    let shared = Shared::empty();
    make(&shared.person("ann")).await;
    let calls: std::collections::BTreeSet<String> =
        shared.sandbox().take_calls().into_iter().map(|call| call.operation).collect();
    assert!(calls.len() >= 11, "{calls:?}");
    for call in calls {
        // A HEAD has no body, and so no code.
        let (code, status) = if call == "HeadBucket" { ("InternalError", 500) } else { ("OperationAborted", 409) };
        let refusal = AwsError::new(code, "ordered by a test").status(status);
        let mut faults = vec![How::Error(refusal), How::LoseRequest, How::LoseAnswer];
        // A new bucket may show late.
        let late = How::Error(AwsError::new("NoSuchBucket", "ordered by a test").status(404));
        faults.extend((!["HeadBucket", "CreateBucket"].contains(&call.as_str())).then_some(late));
        for how in faults {
            let shared = Shared::empty();
            shared.sandbox().inject(Fault::once(format!("s3:{call}"), 1, how));
            make(&shared.person("ann")).await;
        }
    }
}
