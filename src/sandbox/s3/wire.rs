//! REST with XML: from method, host, path, query, headers and body to an operation and its parameters, and back.
//!
//! Called by the router for every request signed for `s3`. Parameters carry the names of the wire: `Bucket`, `Key`,
//! query keys, lower-case headers, the root element of an XML body, `Body` (base64) for any other. Must never drop
//! what it does not know: that is for the operation's list of parameters to refuse.

use super::super::wire_query::{close, leaf, open};
use super::{AwsError, Reply, SERVICE, body, http_date, malformed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What a path names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Account,
    Bucket,
    Object,
}

/// Method, level, the query key that chooses, the operation.
type Route = (&'static str, Level, Option<&'static str>, &'static str);

// Those with a query key come first: the plain ones would take their calls.
const ROUTES: &[Route] = &[
    ("PUT", Level::Bucket, Some("versioning"), "PutBucketVersioning"),
    ("GET", Level::Bucket, Some("versioning"), "GetBucketVersioning"),
    ("PUT", Level::Bucket, Some("encryption"), "PutBucketEncryption"),
    ("GET", Level::Bucket, Some("encryption"), "GetBucketEncryption"),
    ("PUT", Level::Bucket, Some("publicAccessBlock"), "PutPublicAccessBlock"),
    ("GET", Level::Bucket, Some("publicAccessBlock"), "GetPublicAccessBlock"),
    ("DELETE", Level::Bucket, Some("publicAccessBlock"), "DeletePublicAccessBlock"),
    ("PUT", Level::Bucket, Some("ownershipControls"), "PutBucketOwnershipControls"),
    ("GET", Level::Bucket, Some("ownershipControls"), "GetBucketOwnershipControls"),
    ("PUT", Level::Bucket, Some("policy"), "PutBucketPolicy"),
    ("GET", Level::Bucket, Some("policy"), "GetBucketPolicy"),
    ("DELETE", Level::Bucket, Some("policy"), "DeleteBucketPolicy"),
    ("PUT", Level::Bucket, Some("lifecycle"), "PutBucketLifecycleConfiguration"),
    ("GET", Level::Bucket, Some("lifecycle"), "GetBucketLifecycleConfiguration"),
    ("PUT", Level::Bucket, Some("tagging"), "PutBucketTagging"),
    ("GET", Level::Bucket, Some("tagging"), "GetBucketTagging"),
    ("GET", Level::Bucket, Some("location"), "GetBucketLocation"),
    ("GET", Level::Bucket, Some("list-type"), "ListObjectsV2"),
    ("GET", Level::Bucket, Some("versions"), "ListObjectVersions"),
    ("GET", Level::Account, None, "ListBuckets"),
    ("PUT", Level::Bucket, None, "CreateBucket"),
    ("HEAD", Level::Bucket, None, "HeadBucket"),
    ("DELETE", Level::Bucket, None, "DeleteBucket"),
    ("PUT", Level::Object, None, "PutObject"),
    ("GET", Level::Object, None, "GetObject"),
    ("HEAD", Level::Object, None, "HeadObject"),
    ("DELETE", Level::Object, None, "DeleteObject"),
];

// Of the transport, the signature or the client's own business; what they say about the body is read in `body`.
const UNSAID: [&str; 9] = [
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-region-set",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
];

const SAID: [&str; 8] = [
    "cache-control",
    "content-disposition",
    "content-language",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

// Elements that may come again: lists even when there is one.
const LISTS: [&str; 2] = ["Rule", "Tag"];

/// A request line taken apart.
pub(in super::super) struct Asked {
    /// The operation.
    pub(in super::super) operation: &'static str,
    bucket: String,
    key: String,
    chosen_by: Option<&'static str>,
}

/// Chooses the operation.
pub(in super::super) fn operation(
    http: &http::Request<Bytes>,
    fields: &BTreeMap<String, String>,
) -> Result<Asked, AwsError> {
    let (bucket, key) = addressed(http)?;
    let level = match (bucket.is_empty(), key.is_empty()) {
        (true, _) => Level::Account,
        (false, true) => Level::Bucket,
        (false, false) => Level::Object,
    };
    let fits = |route: &&Route| {
        let (method, at, choice, _) = **route;
        method == http.method().as_str() && at == level && choice.is_none_or(|choice| fields.contains_key(choice))
    };
    let Some((_, _, chosen_by, operation)) = ROUTES.iter().find(fits) else {
        let message = format!("the rsds sandbox does not implement {} {} of s3", http.method(), http.uri());
        return Err(AwsError::new("NotImplemented", message).status(501));
    };
    Ok(Asked { operation, bucket, key, chosen_by: *chosen_by })
}

/// Bucket and key, from the host (`bucket.s3.region.amazonaws.com`, `bucket.localhost`) or from the path.
fn addressed(http: &http::Request<Bytes>) -> Result<(String, String), AwsError> {
    let host = http.headers().get(http::header::HOST).and_then(|host| host.to_str().ok());
    let host = http.uri().host().or(host).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let marks = [".s3.", ".s3-", ".localhost"];
    let in_host = marks.iter().find_map(|mark| host.split_once(mark)).map(|(bucket, _)| bucket);
    let path = http.uri().path().trim_start_matches('/');
    let (bucket, key) = match in_host {
        Some(bucket) => (bucket, path),
        None => path.split_once('/').unwrap_or((path, "")),
    };
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(|text| text.into_owned()).map_err(|_| AwsError::new("InvalidURI", "Couldn't parse the specified URI."))
    };
    Ok((decoded(bucket)?, decoded(key)?))
}

/// The parameters of the call.
pub(in super::super) fn decode(
    asked: &Asked,
    http: &http::Request<Bytes>,
    fields: &BTreeMap<String, String>,
) -> Result<Value, AwsError> {
    let mut params = Map::new();
    for (name, value) in [("Bucket", &asked.bucket), ("Key", &asked.key)] {
        if !value.is_empty() {
            params.insert(name.to_owned(), json!(value));
        }
    }
    let of_listing = ["list-type", "versions"];
    for (name, value) in fields {
        let choice = asked.chosen_by == Some(name.as_str()) && !of_listing.contains(&name.as_str());
        if name != "x-id" && !choice && !name.starts_with("X-Amz-") {
            params.insert(name.clone(), json!(value));
        }
    }
    headers(http.headers(), &mut params);
    let body = body::read(http.headers(), http.body())?;
    let keeps = asked.operation == "PutObject";
    if let Some((name, value)) = body.checksum.filter(|_| keeps) {
        params.insert("checksum".to_owned(), json!({ name: value }));
    }
    if let Some(kind) = http.headers().get(http::header::CONTENT_TYPE).filter(|_| keeps) {
        params.insert("content-type".to_owned(), json!(kind.to_str().unwrap_or_default()));
    }
    if keeps || asked.operation == "PutBucketPolicy" {
        params.insert("Body".to_owned(), json!(STANDARD.encode(&body.bytes)));
    } else if !body.bytes.is_empty() {
        let text = std::str::from_utf8(&body.bytes).map_err(|_| malformed("The body is not UTF-8"))?;
        let document =
            Document::parse(text).map_err(|error| malformed(format!("The XML is not well-formed: {error}")))?;
        let root = document.root_element();
        params.insert(root.tag_name().name().to_owned(), tree(root));
    }
    Ok(Value::Object(params))
}

fn headers(headers: &HeaderMap, params: &mut Map<String, Value>) {
    let mut meta = Map::new();
    for (name, value) in headers {
        let (name, value) = (name.as_str(), json!(String::from_utf8_lossy(value.as_bytes())));
        let checksum = name.starts_with("x-amz-checksum-") && name != "x-amz-checksum-mode";
        if let Some(name) = name.strip_prefix("x-amz-meta-") {
            meta.insert(name.to_owned(), value);
        } else if (name.starts_with("x-amz-") && !checksum && !UNSAID.contains(&name)) || SAID.contains(&name) {
            params.insert(name.to_owned(), value);
        }
    }
    if !meta.is_empty() {
        params.insert("x-amz-meta".to_owned(), Value::Object(meta));
    }
}

fn tree(element: Node<'_, '_>) -> Value {
    let mut members = Map::new();
    for child in element.children().filter(Node::is_element) {
        let (name, value) = (child.tag_name().name(), tree(child));
        if LISTS.contains(&name) {
            let list = members.entry(name).or_insert_with(|| json!([]));
            list.as_array_mut().into_iter().for_each(|list| list.push(value.clone()));
        } else {
            members.insert(name.to_owned(), value);
        }
    }
    match members.is_empty() {
        true => json!(element.text().unwrap_or_default()),
        false => Value::Object(members),
    }
}

/// The whole answer: `status`, `headers`, and `xml` or `body` of a reply, or an error; always with S3's own time.
pub(in super::super) fn rendered(
    method: &Method,
    result: Result<Reply, AwsError>,
    id: &str,
    now: Timestamp,
) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::new());
    let head = method == Method::HEAD;
    match result {
        Ok(reply) => {
            let status = reply.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
            set_status(&mut response, status.unwrap_or(200));
            if let Some(Value::Object(root)) = reply.get("xml") {
                *response.body_mut() = document(root);
                set(&mut response, "content-type", "application/xml");
            }
            for (name, value) in reply.get("headers").and_then(Value::as_object).into_iter().flatten() {
                set(&mut response, name, value.as_str().unwrap_or_default());
            }
            if let Some(body) = reply.get("body").and_then(Value::as_str) {
                *response.body_mut() = STANDARD.decode(body).unwrap_or_default().into();
            }
        }
        Err(error) => {
            set_status(&mut response, error.status);
            for (name, value) in &error.headers {
                set(&mut response, name, value);
            }
            if !head && error.status != 304 {
                let members =
                    json!({ "Error": { "Code": error.code, "Message": error.message, "RequestId": id, "HostId": id } });
                *response.body_mut() = members.as_object().map(document).unwrap_or_default();
                set(&mut response, "content-type", "application/xml");
            }
        }
    }
    set(&mut response, "date", &http_date(now));
    set(&mut response, "x-amz-request-id", id);
    set(&mut response, "x-amz-id-2", id);
    set(&mut response, "server", "AmazonS3");
    response
}

fn set_status(response: &mut http::Response<Bytes>, status: u16) {
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
}

fn set(response: &mut http::Response<Bytes>, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}

fn document(root: &Map<String, Value>) -> Bytes {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    for (name, value) in root {
        if name == "Error" {
            node(&mut xml, name, value);
            continue;
        }
        open(&mut xml, &format!("{name} xmlns=\"http://s3.amazonaws.com/doc/{}/\"", SERVICE.version));
        inside(&mut xml, value);
        close(&mut xml, name);
    }
    xml.into()
}

fn inside(xml: &mut String, value: &Value) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| node(xml, name, member)),
        // The root of a location holds text alone; a region's name needs no escaping.
        Value::String(text) => xml.push_str(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
    }
}

fn node(xml: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => leaf(xml, name, if *truth { "true" } else { "false" }),
        Value::Number(number) => leaf(xml, name, &number.to_string()),
        Value::String(text) => leaf(xml, name, text),
        // Lists are flat: the element comes again.
        Value::Array(list) => list.iter().for_each(|one| node(xml, name, one)),
        Value::Object(_) => {
            open(xml, name);
            inside(xml, value);
            close(xml, name);
        }
    }
}
