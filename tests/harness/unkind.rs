//! An AWS that keeps only what it promises: between the SDK and the sandbox, it shuffles sets, adds members nobody knows,
//! spells policies anew, and changes the case of what is compared without it.
//!
//! What it does follows from the answer and a counter, so that a run is the same every time. It never touches errors,
//! nor a map whose keys are free.

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use roxmltree::{Document, Node};
use rsds::sandbox::{Protocol, SERVICES, Sandbox, Service};
use serde_json::{Map, Value as Json, json};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// The sandbox behind such a wire.
#[derive(Clone)]
pub(crate) struct Unkind {
    sandbox: Sandbox,
    answers: Arc<AtomicU64>,
}

impl fmt::Debug for Unkind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unkind")
    }
}

impl Unkind {
    pub(crate) fn wire(sandbox: &Sandbox) -> SharedHttpClient {
        SharedHttpClient::new(Self { sandbox: sandbox.clone(), answers: Arc::default() })
    }
}

impl HttpClient for Unkind {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Unkind {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let unkind = self.clone();
        HttpConnectorFuture::new(async move {
            let signed = request.headers().get("authorization").unwrap_or_default().to_owned();
            let service = SERVICES.iter().find(|service| signed.contains(&format!("/{}/aws4_request", service.scope)));
            let answer = HttpConnector::call(&unkind.sandbox, request).await?;
            let seed = unkind.answers.fetch_add(1, Ordering::Relaxed);
            Ok(match service {
                Some(service) if answer.status().as_u16() == 200 => respelled(answer, service, seed),
                Some(_) | None => answer,
            })
        })
    }
}

fn respelled(mut answer: HttpResponse, service: &Service, seed: u64) -> HttpResponse {
    let text = answer.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let text = match service.protocol {
        // Neither has a spelling of its own that text could hold.
        Protocol::RestXml | Protocol::Cbor => return answer,
        Protocol::Json10 | Protocol::Json11 => json_text(text, seed),
        Protocol::Ec2 | Protocol::Query => xml_text(text, service, seed),
    };
    answer.headers_mut().remove("content-length");
    *answer.body_mut() = SdkBody::from(text);
    answer
}

/// A small generator of our own: the same order in every run.
struct Lot(u64);

impl Lot {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            let with = usize::try_from(self.next()).unwrap() % (at + 1);
            all.swap(at, with);
        }
    }
}

fn json_text(text: &str, seed: u64) -> String {
    let answer: Json = serde_json::from_str(text).unwrap();
    json_members(answer, &mut Lot(seed)).to_string()
}

fn json_members(value: Json, lot: &mut Lot) -> Json {
    match value {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.into_iter().map(|item| json_members(item, lot)).collect();
            lot.shuffle(&mut items);
            Json::Array(items)
        }
        Json::Object(members) => {
            let member = |(name, value): (String, Json)| match (name.as_str(), value) {
                // Its keys are free.
                ("tags" | "VersionIdsToStages", map @ Json::Object(_)) => (name, map),
                // Rows are a set; their columns are none, and each is exactly one value.
                ("Records", Json::Array(mut rows)) => {
                    lot.shuffle(&mut rows);
                    (name, Json::Array(rows))
                }
                // Unions: exactly one member of theirs is there, by the API model.
                ("schedule" | "targetAction", Json::Object(one)) => {
                    let one = one.into_iter().map(|(which, value)| (which, json_members(value, lot)));
                    (name, Json::Object(one.collect()))
                }
                (_, value) => (name, json_members(value, lot)),
            };
            let mut members: Map<String, Json> = members.into_iter().map(member).collect();
            members.insert("addedLater".to_owned(), json!({ "deep": [1, { "deeper": null }], "word": "new" }));
            Json::Object(members)
        }
        leaf => leaf,
    }
}

fn xml_text(text: &str, service: &Service, seed: u64) -> String {
    let document = Document::parse(text).unwrap();
    let mut out = String::new();
    // The outermost elements of the query protocol are its own, not the service's.
    let outer = if service.protocol == Protocol::Query { 1 } else { 0 };
    element(document.root_element(), service, outer, &mut Lot(seed), &mut out);
    out
}

fn element(node: Node<'_, '_>, service: &Service, outer: u8, lot: &mut Lot, out: &mut String) {
    let name = node.tag_name().name();
    let space = node.tag_name().namespace().filter(|_| node.parent().is_some_and(|parent| parent.is_root()));
    out.push_str(&space.map_or_else(|| format!("<{name}>"), |space| format!("<{name} xmlns=\"{space}\">")));
    let mut children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
    let of_list = service.list(name).answered;
    if children.is_empty() {
        out.push_str(&escaped(&leaf(node, node.text().unwrap_or_default())));
    } else if children.iter().all(|child| child.tag_name().name() == of_list) {
        lot.shuffle(&mut children);
        children.into_iter().for_each(|child| element(child, service, 0, lot, out));
    } else {
        children.into_iter().for_each(|child| element(child, service, outer.saturating_sub(1), lot, out));
        if outer == 0 && name != "ResponseMetadata" {
            out.push_str("<addedLater><deep><member>1</member></deep><word>new</word></addedLater>");
        }
    }
    out.extend(["</", name, ">"]);
}

/// A value in other words.
fn leaf(node: Node<'_, '_>, text: &str) -> String {
    let beside = |name: &str| node.parent().is_some_and(|p| p.children().any(|other| other.tag_name().name() == name));
    match node.tag_name().name() {
        "AssumeRolePolicyDocument" | "PolicyDocument" => policy(text),
        // EC2 has `available` and `Available` (aws-facts.md 1.2).
        "state" if text == "available" && beside("vpcEndpointId") => "Available".to_owned(),
        // Booleans of a parameter group compare without case (aws-facts.md 5.2).
        "ParameterValue" if matches!(text, "true" | "false") => text.to_uppercase(),
        "PreferredMaintenanceWindow" => text.to_uppercase(),
        _ => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#xD;")
}

/// A policy that means the same: lists of one as single texts, lists turned around, indented, all of it encoded.
fn policy(text: &str) -> String {
    let plain = percent_decode_str(text).decode_utf8().unwrap();
    let document: Json = serde_json::from_str(&plain).unwrap();
    let pretty = serde_json::to_string_pretty(&turned(document)).unwrap();
    utf8_percent_encode(&pretty, NON_ALPHANUMERIC).to_string()
}

fn turned(value: Json) -> Json {
    match value {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.into_iter().rev().map(turned).collect();
            if items.len() == 1 { items.remove(0) } else { Json::Array(items) }
        }
        Json::Object(members) => Json::Object(members.into_iter().map(|(name, value)| (name, turned(value))).collect()),
        leaf => leaf,
    }
}

#[test]
fn answers_say_the_same_in_other_words() {
    let iam = SERVICES.iter().find(|service| service.scope == "iam").unwrap();
    let policy = r#"{"Statement":[{"Action":["b","a"],"Resource":["x"]}]}"#;
    let encoded = utf8_percent_encode(policy, NON_ALPHANUMERIC);
    let given = format!(
        "<GetXResponse xmlns=\"u\"><GetXResult><Role><PolicyDocument>{encoded}</PolicyDocument><T><member>1</member>\
         <member>2</member><member>3</member></T></Role></GetXResult><ResponseMetadata><RequestId>r</RequestId>\
         </ResponseMetadata></GetXResponse>"
    );
    let texts: Vec<String> = (0..8).map(|seed| xml_text(&given, iam, seed)).collect();
    let orders: std::collections::BTreeSet<&String> = texts.iter().collect();
    assert!(orders.len() > 1, "always the same order");
    for text in &texts {
        let document = Document::parse(text).unwrap();
        let named = |name: &str| document.descendants().filter(|n| n.tag_name().name() == name).count();
        assert_eq!((named("member"), named("RequestId"), named("addedLater")), (5, 1, 2), "{text}");
        let found = document.descendants().find(|n| n.tag_name().name() == "PolicyDocument").unwrap();
        let plain = percent_decode_str(found.text().unwrap()).decode_utf8().unwrap();
        let policy: Json = serde_json::from_str(&plain).unwrap();
        assert_eq!(policy, json!({ "Statement": { "Action": ["a", "b"], "Resource": "x" } }));
    }
    let answer: Json = serde_json::from_str(&json_text(r#"{"a":[{"b":1}],"tags":{"k":"v"}}"#, 1)).unwrap();
    assert_eq!((&answer["a"][0]["b"], &answer["tags"]), (&json!(1), &json!({ "k": "v" })));
    assert!(answer["a"][0]["addedLater"].is_object() && answer["addedLater"].is_object());
}
