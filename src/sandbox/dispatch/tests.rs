//! The router and the store through whole HTTP requests.

use super::*;
use crate::sandbox::{ACCESS_KEY_ID, EXPIRED_SESSION_TOKEN};
use std::time::Duration;

fn signed(service: &str, region: &str, key: &str) -> http::request::Builder {
    let credential = format!("AWS4-HMAC-SHA256 Credential={key}/20260101/{region}/{service}/aws4_request, Signature=0");
    http::Request::post("/").header("authorization", credential)
}

fn form(service: &str, version: &str, body: &str) -> http::Request<Bytes> {
    let body = format!("Version={version}&Action={body}");
    signed(service, "us-west-2", ACCESS_KEY_ID).body(Bytes::from(body)).unwrap()
}

fn ec2(body: &str) -> http::Request<Bytes> {
    form("ec2", "2016-11-15", body)
}

fn told(sandbox: &Sandbox, request: &http::Request<Bytes>) -> (u16, String) {
    let response = sandbox.handle(request);
    (response.status().as_u16(), String::from_utf8(response.body().to_vec()).unwrap())
}

fn gateways(sandbox: &Sandbox) -> usize {
    told(sandbox, &ec2("DescribeInternetGateways")).1.matches("<internetGatewayId>").count()
}

#[test]
fn the_caller_is_told_who_they_are() {
    let sandbox = Sandbox::in_memory(Clock::system());
    let (status, body) = told(&sandbox, &form("sts", "2011-06-15", "GetCallerIdentity"));
    assert_eq!(status, 200);
    assert!(body.contains("<Account>123456789012</Account>"), "{body}");
    let get =
        signed("sts", "us-west-2", ACCESS_KEY_ID).method("GET").uri("/?Action=GetCallerIdentity&Version=2011-06-15");
    assert_eq!(told(&sandbox, &get.body(Bytes::new()).unwrap()).0, 200);
    let presigned = format!(
        "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential={ACCESS_KEY_ID}%2F20260101%2Fus-west-2%2Fsts%2Faws4_request"
    );
    assert_eq!(told(&sandbox, &http::Request::get(presigned).body(Bytes::new()).unwrap()).0, 200);
}

#[test]
fn wrong_credentials_are_refused_in_the_words_of_each_protocol() {
    let sandbox = Sandbox::in_memory(Clock::system());
    let cases = [
        ("ec2", "AuthFailure", 401, "ExpiredToken", 403),
        ("sts", "InvalidClientTokenId", 403, "ExpiredToken", 403),
        ("kms", "UnrecognizedClientException", 400, "ExpiredTokenException", 400),
    ];
    for (service, unknown, unknown_status, expired, expired_status) in cases {
        let body = Bytes::from_static(b"Action=GetCallerIdentity&Version=2011-06-15");
        let body = if service == "ec2" { Bytes::from_static(b"Action=DescribeVpcs&Version=2016-11-15") } else { body };
        let send = |key: &str, token: &str| {
            let mut request = signed(service, "us-west-2", key).header("x-amz-security-token", token);
            let json = service == "kms";
            if json {
                request = request.header("x-amz-target", "TrentService.ListKeys");
            }
            told(&sandbox, &request.body(if json { Bytes::from_static(b"{}") } else { body.clone() }).unwrap())
        };
        let (status, text) = send("AKIASOMEBODYELSE0000", "");
        assert!(status == unknown_status && text.contains(unknown), "{service} {status} {text}");
        let (status, text) = send(ACCESS_KEY_ID, EXPIRED_SESSION_TOKEN);
        assert!(status == expired_status && text.contains(expired), "{service} {status} {text}");
    }
    let unsigned =
        http::Request::post("/").body(Bytes::from_static(b"Action=DescribeVpcs&Version=2016-11-15")).unwrap();
    let (status, text) = told(&sandbox, &unsigned);
    assert!(status == 403 && text.contains("<Errors><Error><Code>MissingAuthenticationToken"), "{text}");
}

#[test]
fn what_is_not_implemented_is_refused_by_name() {
    let sandbox = Sandbox::in_memory(Clock::system());
    let refusals = [
        (form("sqs", "x", "y"), "the service sqs;"),
        (ec2("RunInstances"), "ec2:RunInstances<"),
        (ec2("CreateInternetGateway&Colour=red"), "the parameter Colour of ec2:CreateInternetGateway<"),
        (ec2("CreateInternetGateway&TagSpecification.1.Colour=red"), "the parameter TagSpecification.Colour of"),
        (form("ec2", "2014-01-01", "DescribeVpcs"), "version '2014-01-01' of ec2<"),
    ];
    for (request, what) in refusals {
        let (status, text) = told(&sandbox, &request);
        assert!(status >= 400 && text.contains(&format!("the rsds sandbox does not implement {what}")), "{text}");
    }
    assert_eq!(gateways(&sandbox), 0);
}

#[test]
fn undeclared_paths_are_found_and_empty_parents_are_not() {
    let declared = ["Tags.Key", "Name"];
    let unknown = |params| undeclared(&params, "", &declared);
    assert_eq!(unknown(serde_json::json!({"Tags": [], "Name": "x"})), None);
    assert_eq!(unknown(serde_json::json!({"Tags": "", "Name": null})), None);
    assert_eq!(unknown(serde_json::json!({"Tags": [{"Key": "a"}, {"Value": "b"}]})).as_deref(), Some("Tags.Value"));
    assert_eq!(unknown(serde_json::json!({"Tags": "x"})).as_deref(), Some("Tags"));
    assert_eq!(unknown(serde_json::json!({"Nam": ""})).as_deref(), Some("Nam"));
}

#[test]
fn a_directory_keeps_the_world_and_shares_it() {
    let dir = tempfile::tempdir().unwrap();
    let one = Sandbox::open(dir.path(), Clock::system()).unwrap();
    let two = Sandbox::open(dir.path(), Clock::system()).unwrap();
    for expected in 1..=5 {
        let writer = if expected % 2 == 0 { &one } else { &two };
        assert_eq!(told(writer, &ec2("CreateInternetGateway")).0, 200);
        assert_eq!((gateways(&one), gateways(&two)), (expected, expected));
    }
    let before = one.world();
    drop((one, two));
    let three = Sandbox::open(dir.path(), Clock::system()).unwrap();
    assert_eq!(three.world(), before);
    Sandbox::reset(dir.path()).unwrap();
    assert_eq!(gateways(&three), 0);
    assert!(three.leftovers().is_empty());
}

#[test]
fn a_damaged_world_is_an_error_not_an_empty_world() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::open(dir.path(), Clock::system()).unwrap();
    assert_eq!(told(&sandbox, &ec2("CreateInternetGateway")).0, 200);
    let file = dir.path().join("world.json");
    let text = std::fs::read_to_string(&file).unwrap();
    for damage in [&text[..text.len() / 2], "{}", "{\"format\": 2}"] {
        std::fs::write(&file, damage).unwrap();
        let (status, answer) = told(&sandbox, &ec2("CreateInternetGateway"));
        assert!(status == 400 && answer.contains("SandboxStorageFailure"), "{answer}");
        let error = Sandbox::open(dir.path(), Clock::system()).unwrap_err();
        assert!(error.to_string().contains("world.json cannot be read"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), damage);
    }
}

#[test]
fn a_lost_request_changes_nothing_and_a_lost_answer_everything() {
    let sandbox = Sandbox::in_memory(Clock::system());
    sandbox.inject(Fault::once("CreateInternetGateway", 1, How::LoseRequest));
    sandbox.inject(Fault::once("ec2:CreateInternetGateway", 2, How::LoseAnswer));
    sandbox.inject(Fault::once("CreateInternetGateway", 3, How::Error(AwsError::new("Busy", "later").status(503))));
    assert_eq!(sandbox.exchange(&ec2("CreateInternetGateway")).unwrap_err(), Lost);
    assert_eq!(gateways(&sandbox), 0);
    assert_eq!(sandbox.exchange(&ec2("CreateInternetGateway")).unwrap_err(), Lost);
    assert_eq!(gateways(&sandbox), 1);
    assert_eq!(told(&sandbox, &ec2("CreateInternetGateway")).0, 503);
    assert_eq!(told(&sandbox, &ec2("CreateInternetGateway")).0, 200);
    assert_eq!(gateways(&sandbox), 2);
    let errors: Vec<_> = sandbox.take_calls().into_iter().filter(|call| call.mutating).map(|call| call.error).collect();
    let text = |code: &str| Some(code.to_owned());
    assert_eq!(errors, [text("LostRequest"), text("LostAnswer"), text("Busy"), None]);
    assert!(sandbox.calls().is_empty());
}

#[test]
fn regions_are_apart() {
    let sandbox = Sandbox::in_memory(Clock::system());
    assert_eq!(told(&sandbox, &ec2("CreateInternetGateway")).0, 200);
    let elsewhere = signed("ec2", "eu-west-1", ACCESS_KEY_ID)
        .body(Bytes::from_static(b"Action=DescribeInternetGateways&Version=2016-11-15"))
        .unwrap();
    assert!(!told(&sandbox, &elsewhere).1.contains("igw-"));
    assert_eq!(sandbox.leftovers(), ["us-west-2/ec2"]);
    assert_eq!(sandbox.world_in("eu-west-1"), World::new("eu-west-1"));
}

#[test]
fn a_refused_edit_or_call_leaves_the_world_alone() {
    let sandbox = Sandbox::in_memory(Clock::system());
    let before = sandbox.world();
    let state = &mut *sandbox.state();
    let refused: Result<(), AwsError> = sandbox.change(state, "us-west-2", |world, _| {
        world.hex(17);
        Err(AwsError::new("No", "no"))
    });
    assert_eq!(refused.unwrap_err().code, "No");
    assert_eq!(state.store.copy("us-west-2"), before);
}

#[tokio::test(start_paused = true)]
async fn world_time_is_the_clocks_time_and_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let clock = Clock::paused(epoch);
    let sandbox = Sandbox::open(dir.path(), clock.clone()).unwrap();
    clock.sleep(Duration::from_secs(300)).await;
    sandbox.edit(|world| world.hex(1)).unwrap();
    clock.sleep(Duration::from_secs(60)).await;
    let again = Sandbox::open(dir.path(), clock).unwrap();
    for each in [&sandbox, &again] {
        assert_eq!(each.now().duration_since(epoch).as_secs(), 360);
    }
    let earlier = Sandbox::open(dir.path(), Clock::paused(epoch)).unwrap();
    assert_eq!(earlier.now().duration_since(epoch).as_secs(), 360, "the wall clock ran backwards, the world does not");
}

#[test]
fn what_was_seen_at_one_speed_stays_at_another() {
    let dir = tempfile::tempdir().unwrap();
    let at = |rate| Sandbox::open(dir.path(), Clock::scaled(rate)).unwrap();
    let fast = at(1e9);
    assert_eq!(told(&fast, &ec2("CreateInternetGateway")).0, 200);
    // Reading moves nothing but time: no change marks the moment.
    assert_eq!(gateways(&fast), 1);
    let seen = fast.state().store.seen();
    let slow = at(0.001);
    let looks = [seen, slow.now(), fast.now(), slow.now()];
    assert!(looks.is_sorted(), "each goes on from what the other saw: {looks:?}");
    Sandbox::reset(dir.path()).unwrap();
    let wall = Clock::system().timestamp();
    assert!(at(1.0).now().duration_since(wall).as_hours() < 1, "a new world begins now");
}

#[test]
fn a_scaled_clock_speeds_the_world_up() {
    let clock = Clock::scaled(3600.0);
    let sandbox = Sandbox::in_memory(clock);
    let start = sandbox.now();
    let real = std::thread::spawn(|| std::sync::mpsc::channel::<()>().1.recv_timeout(Duration::from_millis(50)));
    assert!(real.join().unwrap().is_err());
    assert!(sandbox.now().duration_since(start).as_secs() >= 100);
}
