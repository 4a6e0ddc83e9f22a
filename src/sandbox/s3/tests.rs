//! S3 through the SDK's own client, over the in-process door: what it sends is what is understood.

use crate::clock::Clock;
use crate::sandbox::{ACCESS_KEY_ID, Fault, How, SECRET_ACCESS_KEY, Sandbox};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ServerSideEncryption,
    VersioningConfiguration,
};
use std::time::Duration;

const KEY: &str = "rsds/air line/dev/state.json";

fn client(sandbox: &Sandbox, clock: &Clock, region: &str, path_style: bool) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(sandbox.http_client())
        .time_source(clock.clone())
        .sleep_impl(clock.clone())
        .force_path_style(path_style)
        .build();
    Client::from_conf(config)
}

fn refusal<T, E>(result: Result<T, SdkError<E>>) -> (u16, String)
where
    T: std::fmt::Debug,
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::fmt::Debug,
{
    match result.unwrap_err() {
        SdkError::ServiceError(error) => {
            (error.raw().status().as_u16(), error.err().code().unwrap_or_default().to_owned())
        }
        other => panic!("no refusal: {other:?}"),
    }
}

fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn bucket(s3: &Client, versioned: bool) {
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    s3.create_bucket().bucket("acme-state").create_bucket_configuration(place).send().await.unwrap();
    if versioned {
        let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        s3.put_bucket_versioning().bucket("acme-state").versioning_configuration(on).send().await.unwrap();
    }
}

fn put(s3: &Client, body: &str) -> aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder {
    s3.put_object().bucket("acme-state").key(KEY).body(ByteStream::from(body.as_bytes().to_vec()))
}

async fn text(s3: &Client) -> String {
    let found = s3.get_object().bucket("acme-state").key(KEY).send().await.unwrap();
    String::from_utf8(found.body.collect().await.unwrap().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn conditions_hold_in_both_styles() {
    for path_style in [false, true] {
        let clock = Clock::paused("2026-01-01T00:00:00Z".parse().unwrap());
        let sandbox = Sandbox::in_memory(clock.clone());
        let s3 = client(&sandbox, &clock, "eu-west-1", path_style);
        assert_eq!(refusal(put(&s3, "0").send().await), code(404, "NoSuchBucket"));
        bucket(&s3, true).await;
        assert_eq!(refusal(put(&s3, "0").if_match("\"x\"").send().await), code(404, "NoSuchKey"));
        let one = put(&s3, "1").if_none_match("*").send().await.unwrap();
        let etag = one.e_tag().unwrap().to_owned();
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        assert_eq!(refusal(put(&s3, "2").if_none_match("*").send().await), code(412, "PreconditionFailed"));
        let two = put(&s3, "2").if_match(&etag).send().await.unwrap();
        assert_ne!(one.version_id(), two.version_id());
        assert_eq!(refusal(put(&s3, "3").if_match(&etag).send().await), code(412, "PreconditionFailed"));
        assert_eq!(text(&s3).await, "2");
        let delete = || s3.delete_object().bucket("acme-state").key(KEY);
        assert_eq!(refusal(delete().if_match(&etag).send().await), code(412, "PreconditionFailed"));
        let gone = delete().if_match(two.e_tag().unwrap()).send().await.unwrap();
        assert_eq!(gone.delete_marker(), Some(true));
        let get = || s3.get_object().bucket("acme-state").key(KEY);
        assert_eq!(refusal(get().send().await), code(404, "NoSuchKey"));
        assert_eq!(refusal(put(&s3, "3").if_match("*").send().await), code(404, "NoSuchKey"));
        let old = get().version_id(one.version_id().unwrap()).send().await.unwrap();
        assert_eq!(&old.body.collect().await.unwrap().to_vec(), b"1");
        put(&s3, "3").if_none_match("*").send().await.unwrap();
        let versions = s3.list_object_versions().bucket("acme-state").prefix("rsds/air line/").send().await.unwrap();
        assert_eq!((versions.versions().len(), versions.delete_markers().len()), (3, 1));
        assert_eq!(versions.versions()[0].is_latest(), Some(true));
        assert_eq!(sandbox.leftovers(), ["aws-global/s3"]);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_both_lists_join_to_the_whole() {
    let clock = Clock::paused("2026-01-01T00:00:00Z".parse().unwrap());
    let sandbox = Sandbox::in_memory(clock.clone());
    let s3 = client(&sandbox, &clock, "eu-west-1", false);
    bucket(&s3, true).await;
    for n in 0..7 {
        for _ in 0..2 {
            let body = ByteStream::from_static(b"x");
            s3.put_object().bucket("acme-state").key(format!("h/{n}")).body(body).send().await.unwrap();
        }
    }
    let mut keys = Vec::new();
    let mut token = None;
    loop {
        let list = s3.list_objects_v2().bucket("acme-state").prefix("h/").max_keys(3).set_continuation_token(token);
        let page = list.send().await.unwrap();
        keys.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        token = page.next_continuation_token().map(ToOwned::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(keys, (0..7).map(|n| format!("h/{n}")).collect::<Vec<_>>());
    let folded = s3.list_objects_v2().bucket("acme-state").delimiter("/").send().await.unwrap();
    assert_eq!(folded.common_prefixes()[0].prefix(), Some("h/"));
    assert!(folded.contents().is_empty());
    let (mut seen, mut key, mut id) = (0, None, None);
    loop {
        let list = s3.list_object_versions().bucket("acme-state").max_keys(5);
        let page = list.set_key_marker(key).set_version_id_marker(id).send().await.unwrap();
        seen += page.versions().len();
        key = page.next_key_marker().map(ToOwned::to_owned);
        id = page.next_version_id_marker().map(ToOwned::to_owned);
        if key.is_none() {
            break;
        }
    }
    assert_eq!(seen, 14);
}

#[tokio::test(start_paused = true)]
async fn every_answer_tells_the_time_and_encryption_is_kept() {
    let clock = Clock::paused("2026-01-01T00:00:00Z".parse().unwrap());
    let sandbox = Sandbox::in_memory(clock.clone());
    let s3 = client(&sandbox, &clock, "eu-west-1", false);
    bucket(&s3, false).await;
    let key = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-8444-555555555555";
    let made = put(&s3, "1").server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key).send().await;
    assert_eq!(made.unwrap().ssekms_key_id(), Some(key));
    clock.sleep(Duration::from_secs(90)).await;
    let head = s3.head_object().bucket("acme-state").key(KEY).send().await.unwrap();
    assert_eq!((head.content_length(), head.ssekms_key_id()), (Some(1), Some(key)));
    assert_eq!(head.last_modified().unwrap().secs(), 1_767_225_600);
    let error = s3.head_object().bucket("acme-state").key("none").send().await.unwrap_err();
    let raw = error.raw_response().unwrap();
    assert_eq!(raw.headers().get("date"), Some("Thu, 01 Jan 2026 00:01:30 GMT"));
    assert!(error.into_service_error().is_not_found());
    let elsewhere = key.replace("eu-west-1", "us-east-1");
    let refused = put(&s3, "2").server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(elsewhere);
    assert_eq!(refusal(refused.send().await), code(400, "KMS.NotFoundException"));
    let there = client(&sandbox, &clock, "us-east-1", false);
    let error = put(&there, "2").send().await.unwrap_err();
    assert_eq!(error.raw_response().unwrap().headers().get("x-amz-bucket-region"), Some("eu-west-1"));
    assert_eq!(error.code(), Some("PermanentRedirect"));
}

#[tokio::test(start_paused = true)]
async fn names_of_others_own_names_and_bad_ones_are_told_apart() {
    let clock = Clock::paused("2026-01-01T00:00:00Z".parse().unwrap());
    let sandbox = Sandbox::in_memory(clock.clone());
    let s3 = client(&sandbox, &clock, "eu-west-1", true);
    bucket(&s3, false).await;
    let make = async |name: &str| {
        let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
        refusal(s3.create_bucket().bucket(name).create_bucket_configuration(place).send().await)
    };
    assert_eq!(make("acme-state").await, code(409, "BucketAlreadyOwnedByYou"));
    assert_eq!(make("terraform-state").await, code(409, "BucketAlreadyExists"));
    assert_eq!(make("Acme_State").await, code(400, "InvalidBucketName"));
    assert_eq!(
        refusal(s3.create_bucket().bucket("acme-other").send().await),
        code(400, "IllegalLocationConstraintException")
    );
    assert_eq!(refusal(s3.head_bucket().bucket("terraform-state").send().await).0, 403);
    assert!(s3.head_bucket().bucket("nothing-here").send().await.unwrap_err().into_service_error().is_not_found());
    assert_eq!(s3.list_buckets().send().await.unwrap().buckets().len(), 1);
    put(&s3, "1").send().await.unwrap();
    assert_eq!(refusal(s3.delete_bucket().bucket("acme-state").send().await), code(409, "BucketNotEmpty"));
    s3.delete_object().bucket("acme-state").key(KEY).send().await.unwrap();
    s3.delete_bucket().bucket("acme-state").send().await.unwrap();
    assert!(sandbox.leftovers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn faults_hit_and_what_is_not_known_is_refused() {
    let clock = Clock::paused("2026-01-01T00:00:00Z".parse().unwrap());
    let sandbox = Sandbox::in_memory(clock.clone());
    let s3 = client(&sandbox, &clock, "eu-west-1", false);
    bucket(&s3, false).await;
    sandbox.inject(Fault::once("s3:PutObject", 1, How::LoseAnswer));
    assert!(matches!(put(&s3, "1").send().await.unwrap_err(), SdkError::DispatchFailure(_)));
    assert_eq!(text(&s3).await, "1");
    let tagged = put(&s3, "2").tagging("a=b").send().await;
    assert_eq!(refusal(tagged), code(400, "NotImplemented"));
    assert_eq!(refusal(s3.get_bucket_acl().bucket("acme-state").send().await).0, 501);
    let last = sandbox.calls().pop().unwrap();
    assert_eq!((last.service.as_str(), last.mutating), ("s3", false));
}
