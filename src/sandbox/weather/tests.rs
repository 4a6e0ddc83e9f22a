//! The weather through whole requests: what a client feels of it, and when.

use crate::clock::Clock;
use crate::sandbox::{ACCESS_KEY_ID, AwsError, Fault, How, Lost, Sandbox, Weather};
use bytes::Bytes;
use std::time::Duration;

fn form(service: &str, version: &str, body: &str) -> http::Request<Bytes> {
    let credential = format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY_ID}/20260101/us-west-2/{service}/aws4_request");
    let body = Bytes::from(format!("Version={version}&Action={body}"));
    http::Request::post("/").header("authorization", credential).body(body).unwrap()
}

fn ec2(body: &str) -> http::Request<Bytes> {
    form("ec2", "2016-11-15", body)
}

fn iam(body: &str) -> http::Request<Bytes> {
    form("iam", "2010-05-08", body)
}

/// A sandbox in this weather, and its clock.
fn under(toml: &str) -> (Sandbox, Clock) {
    let clock = Clock::paused("2026-01-01T00:00:00Z".parse().unwrap());
    let sandbox = Sandbox::in_memory(clock.clone());
    sandbox.weather(Weather::parse("weather.toml", toml).unwrap()).unwrap();
    (sandbox, clock)
}

fn told(sandbox: &Sandbox, request: &http::Request<Bytes>) -> String {
    String::from_utf8(sandbox.handle(request).body().to_vec()).unwrap()
}

/// Internet gateways that a look shows.
fn shown(sandbox: &Sandbox) -> usize {
    told(sandbox, &ec2("DescribeInternetGateways")).matches("<internetGatewayId>").count()
}

/// Internet gateways that there are.
fn there(sandbox: &Sandbox) -> usize {
    sandbox.world().ec2.gateways.len()
}

fn millis(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[tokio::test(start_paused = true)]
async fn a_call_arrives_after_half_its_time_and_is_answered_after_all_of_it() {
    let (sandbox, clock) = under("latency = \"31ms\"");
    let asked = tokio::spawn({
        let (sandbox, clock) = (sandbox.clone(), clock.clone());
        async move {
            sandbox.carry(ec2("CreateInternetGateway")).await.unwrap();
            clock.elapsed()
        }
    });
    clock.sleep(millis(14)).await;
    assert_eq!(there(&sandbox), 0);
    clock.sleep(millis(3)).await;
    assert_eq!(there(&sandbox), 1);
    assert_eq!(asked.await.unwrap(), millis(31));
}

#[tokio::test(start_paused = true)]
async fn jitter_is_added_and_bounded() {
    let (sandbox, clock) = under("latency = \"10ms\"\njitter = \"20ms\"");
    let mut took = Vec::new();
    for _ in 0..40 {
        let since = clock.elapsed();
        sandbox.carry(ec2("DescribeVpcs")).await.unwrap();
        took.push(clock.elapsed() - since);
    }
    assert!(took.iter().all(|time| (millis(10)..=millis(30)).contains(time)), "{took:?}");
    assert!(took.iter().max().unwrap().saturating_sub(*took.iter().min().unwrap()) > millis(10), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn calm_weather_changes_nothing_and_takes_no_time() {
    let (calm, clock) = under("preset = \"calm\"\nseed = 5\n");
    let plain = Sandbox::in_memory(clock.clone());
    for request in ["CreateInternetGateway", "DescribeInternetGateways", "CreateVpc&CidrBlock=10.0.0.0/16"].map(ec2) {
        let (one, other) = (calm.carry(request.clone()).await.unwrap(), plain.exchange(&request).unwrap());
        assert_eq!((one.status(), one.headers(), one.body()), (other.status(), other.headers(), other.body()));
    }
    assert_eq!((calm.calls(), calm.world()), (plain.calls(), plain.world()));
    assert_eq!(clock.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_arrives_though_its_client_goes_away() {
    let (sandbox, clock) = under("latency = \"30ms\"");
    drop(sandbox.carry(ec2("CreateInternetGateway")));
    clock.sleep(millis(100)).await;
    assert_eq!(there(&sandbox), 0, "what is never awaited was never sent");
    // Who leaves before it arrives, and who leaves before the answer does.
    for (patience, seen, after) in [(10, 0, 1), (20, 2, 2)] {
        tokio::select! {
            biased;
            _ = sandbox.carry(ec2("CreateInternetGateway")) => panic!("answered too soon"),
            () = clock.sleep(millis(patience)) => {}
        }
        assert_eq!(there(&sandbox), seen);
        clock.sleep(millis(5)).await;
        assert_eq!(there(&sandbox), after);
    }
    assert_eq!(sandbox.calls().iter().filter(|call| call.mutating).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_late_request_lands_at_its_time_and_once() {
    let (sandbox, clock) = under("[lost]\nlate = 1\nlate_by = \"20s\"\n");
    assert_eq!(sandbox.exchange(&ec2("CreateInternetGateway")).unwrap_err(), Lost);
    // One that only reads has nobody left to tell.
    assert_eq!(sandbox.exchange(&ec2("DescribeVpcs")).unwrap_err(), Lost);
    sandbox.weather(Weather::default()).unwrap();
    clock.sleep(millis(19_999)).await;
    assert_eq!(shown(&sandbox), 0);
    clock.sleep(millis(1)).await;
    assert_eq!(shown(&sandbox), 1);
    clock.sleep(millis(60_000)).await;
    assert_eq!((shown(&sandbox), there(&sandbox)), (1, 1));
    let calls: Vec<_> = sandbox.calls().into_iter().filter(|call| call.mutating).map(|call| call.error).collect();
    assert_eq!(calls, [Some("LateRequest".to_owned()), None]);
}

#[tokio::test(start_paused = true)]
async fn an_error_may_come_after_the_work() {
    let (sandbox, _clock) = under("");
    let failed = |how: fn(AwsError) -> How| how(AwsError::new("InternalError", "sorry").status(500));
    sandbox.inject(Fault::once("CreateInternetGateway", 1, failed(How::Error)));
    sandbox.inject(Fault::once("CreateInternetGateway", 2, failed(How::ErrorAfter)));
    for wanted in [0, 1] {
        assert_eq!(sandbox.handle(&ec2("CreateInternetGateway")).status(), 500);
        assert_eq!(there(&sandbox), wanted);
    }
    sandbox.inject(Fault::once("*", 1, failed(How::ErrorAfter)));
    let refused = told(&sandbox, &ec2("DeleteInternetGateway&InternetGatewayId=igw-0"));
    assert!(refused.contains("InvalidInternetGatewayID.NotFound"), "what it refuses it refuses: {refused}");
}

#[tokio::test(start_paused = true)]
async fn a_read_in_the_lag_shows_what_was_and_then_what_is() {
    let (sandbox, clock) = under("[lag]\nec2 = \"10s\"\n");
    let looks = |sandbox: &Sandbox| (0..40).map(|_| shown(sandbox)).sum::<usize>();
    told(&sandbox, &ec2("CreateInternetGateway"));
    assert_eq!((looks(&sandbox), there(&sandbox)), (0, 1), "nobody sees it at once");
    clock.sleep(millis(5_000)).await;
    let half = looks(&sandbox);
    assert!((10..=30).contains(&half), "some see it and some do not: {half} of 40");
    clock.sleep(millis(5_000)).await;
    assert_eq!(looks(&sandbox), 40, "everybody sees it");
    // A deletion shows late, too, and a second change hides only itself.
    told(&sandbox, &ec2("CreateInternetGateway"));
    assert_eq!(looks(&sandbox), 40);
    clock.sleep(millis(10_000)).await;
    assert_eq!(looks(&sandbox), 80);
}

#[tokio::test(start_paused = true)]
async fn other_services_and_other_regions_do_not_lag() {
    let (sandbox, _clock) = under("[lag]\niam = \"10s\"\n");
    told(&sandbox, &ec2("CreateInternetGateway"));
    assert_eq!(shown(&sandbox), 1);
}

const TRUST: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal\
                     %22%3A%7B%22Service%22%3A%22redshift.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";

#[tokio::test(start_paused = true)]
async fn a_change_of_what_was_made_moments_ago_may_not_find_it() {
    let (sandbox, clock) = under("[lag]\niam = \"10s\"\nec2 = \"2s\"\n");
    let role = format!("CreateRole&RoleName=reader&AssumeRolePolicyDocument={TRUST}");
    assert!(told(&sandbox, &iam(&role)).contains("<RoleName>reader"));
    let describe = iam("UpdateRole&RoleName=reader&Description=d");
    assert!(told(&sandbox, &describe).contains("<Code>NoSuchEntity"));
    assert_eq!(sandbox.world().iam.roles.len(), 1);
    // A name that is taken is taken at once.
    assert!(told(&sandbox, &iam(&role)).contains("<Code>EntityAlreadyExists"));
    let id = told(&sandbox, &ec2("CreateInternetGateway"));
    let id = id.split("<internetGatewayId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let delete = ec2(&format!("DeleteInternetGateway&InternetGatewayId={id}"));
    assert!(told(&sandbox, &delete).contains("InvalidInternetGatewayID.NotFound"));
    clock.sleep(millis(10_000)).await;
    assert!(!told(&sandbox, &describe).contains("<Error>") && !told(&sandbox, &delete).contains("<Error>"));
    assert_eq!(there(&sandbox), 0);
}

#[tokio::test(start_paused = true)]
async fn an_empty_bucket_refuses_before_anything_is_done() {
    let (sandbox, clock) = under("[throttle]\nec2 = { rate = 1, burst = 2 }\n");
    let create = || sandbox.handle(&ec2("CreateInternetGateway")).status().as_u16();
    assert_eq!([create(), create(), create()], [200, 200, 503]);
    assert!(told(&sandbox, &ec2("DescribeVpcs")).contains("<Code>RequestLimitExceeded"));
    clock.sleep(millis(1_000)).await;
    assert_eq!([create(), create()], [200, 503]);
    assert_eq!(there(&sandbox), 3);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_is_the_same_weather() {
    let lived = async |seed: u64| {
        let (sandbox, clock) = under("");
        sandbox.weather(Weather::rough(seed)).unwrap();
        for number in 0..150 {
            let calls = [ec2("CreateInternetGateway"), ec2("DescribeInternetGateways"), iam("ListRoles")];
            sandbox.carry(calls[number % 3].clone()).await.ok();
        }
        (sandbox.calls(), sandbox.world(), clock.elapsed())
    };
    let (one, again, other) = (lived(1).await, lived(1).await, lived(2).await);
    assert_eq!(one, again);
    assert_ne!((&one.0, one.2), (&other.0, other.2));
    assert!(one.0.iter().any(|call| call.error.is_some()), "nothing happened in 150 calls of rough weather");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_goes_on_where_it_was_taken() {
    let (sandbox, clock) = under("latency = \"30ms\"\n[lag]\nec2 = \"10s\"\n");
    sandbox.carry(ec2("CreateInternetGateway")).await.unwrap();
    let sent = tokio::spawn({
        let sandbox = sandbox.clone();
        async move { sandbox.carry(ec2("CreateInternetGateway")).await }
    });
    clock.sleep(millis(5)).await;
    let snapshot = sandbox.snapshot();
    assert!(!sent.is_finished() && snapshot.is_same(&sandbox.snapshot()));
    let (later, alone) = (clock.clone(), Sandbox::resume(&snapshot, Clock::paused(snapshot.at())));
    assert_eq!((there(&alone), shown(&alone)), (1, 0), "what lagged lags");
    later.sleep(millis(10)).await;
    assert_eq!(there(&alone), 2, "what was under way arrives");
    later.sleep(millis(10_000)).await;
    assert_eq!(shown(&alone), 2);
    assert_eq!(told(&alone, &ec2("CreateInternetGateway")).matches("<internetGatewayId>").count(), 1);
    assert_eq!((there(&alone), there(&sandbox)), (3, 2), "they are two worlds");
}
