//! IAM policy documents in one canonical form, so that two documents that mean the same compare equal.
//!
//! Used by the kinds `iam.role` and `iam.role-policy`, and by `stack`, which writes the documents. Must never widen
//! or narrow what a document allows: only spelling and order are folded.

use super::Fault;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::fmt;

/// The version of the policy language every document of rsds is written in.
const VERSION: &str = "2012-10-17";

/// A policy document, normalised: lists instead of single texts, lists and statements sorted, empty `Sid`s dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Json", into = "Json")]
pub struct Policy(Json);

impl Policy {
    /// A trust policy: `services` (`redshift.amazonaws.com`) may assume the role.
    pub fn trust<'a>(services: impl IntoIterator<Item = &'a str>) -> Self {
        let services: Vec<&str> = services.into_iter().collect();
        let statement =
            json!({ "Effect": "Allow", "Principal": { "Service": services }, "Action": ["sts:AssumeRole"] });
        json!({ "Version": VERSION, "Statement": [statement] }).into()
    }

    /// Access to whole S3 buckets, whose names may hold `*`: reading, and with `write` also writing. `partition` is
    /// that of the ARNs (`partition()` tells it). IAM refuses a document without any bucket.
    pub fn s3<'a>(partition: &str, buckets: impl IntoIterator<Item = &'a str>, write: bool) -> Self {
        let buckets: Vec<String> = buckets.into_iter().map(|name| format!("arn:{partition}:s3:::{name}")).collect();
        let objects: Vec<String> = buckets.iter().map(|arn| format!("{arn}/*")).collect();
        let mut on_objects = vec!["s3:GetObject"];
        if write {
            on_objects.extend(["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]);
        }
        let allow = |actions: &[&str], on: &[String]| json!({ "Effect": "Allow", "Action": actions, "Resource": on });
        let statements = [allow(&["s3:GetBucketLocation", "s3:ListBucket"], &buckets), allow(&on_objects, &objects)];
        json!({ "Version": VERSION, "Statement": statements }).into()
    }

    /// These actions on these resources.
    pub fn allow<'a>(actions: &[&str], resources: impl IntoIterator<Item = &'a str>) -> Self {
        let resources: Vec<&str> = resources.into_iter().collect();
        let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": resources });
        json!({ "Version": VERSION, "Statement": [statement] }).into()
    }

    /// Reads a document as IAM answers it: percent-encoded JSON (aws-facts.md 2); plain JSON is read as it is.
    ///
    /// Errors: an incomplete answer of `call` for anything else.
    pub fn parse(call: &str, text: &str) -> Result<Self, Fault> {
        let unreadable = || Fault::incomplete(call, "readable policy document");
        // A document that is not encoded may hold a `%` of its own.
        let plain = text.trim_start().starts_with('{');
        let decoded =
            if plain { text.into() } else { percent_decode_str(text).decode_utf8().map_err(|_| unreadable())? };
        serde_json::from_str::<Json>(&decoded).map(Self::from).map_err(|_| unreadable())
    }
}

/// Writes the document as compact JSON, the form IAM takes it in.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl From<Json> for Policy {
    fn from(document: Json) -> Self {
        let Json::Object(mut document) = document else { return Self(document) };
        if let Some(statements) = document.remove("Statement") {
            let mut statements: Vec<Json> = listed(statements).into_iter().map(statement).collect();
            statements.sort_by_cached_key(Json::to_string);
            statements.dedup();
            document.insert("Statement".to_owned(), Json::Array(statements));
        }
        Self(Json::Object(document))
    }
}

impl From<Policy> for Json {
    fn from(policy: Policy) -> Self {
        policy.0
    }
}

/// Returns the partition of a region's ARNs: `aws`, `aws-cn` or `aws-us-gov`.
pub fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

fn statement(statement: Json) -> Json {
    let Json::Object(fields) = statement else { return statement };
    let fold = |(key, value): (String, Json)| {
        let value = match key.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => texts(value),
            "Principal" | "NotPrincipal" => principal(value),
            "Condition" => each(value, |tests| each(tests, texts)),
            "Sid" if value == "" => return None,
            _ => value,
        };
        Some((key, value))
    };
    Json::Object(fields.into_iter().filter_map(fold).collect())
}

/// `"*"` and `{"AWS": "*"}` are the same principal.
fn principal(principal: Json) -> Json {
    match principal {
        Json::String(all) => json!({ "AWS": [all] }),
        by_type => each(by_type, texts),
    }
}

/// Folds every value of a map; anything else stays as it is.
fn each(map: Json, fold: impl Fn(Json) -> Json) -> Json {
    match map {
        Json::Object(map) => Json::Object(map.into_iter().map(|(key, value)| (key, fold(value))).collect()),
        other => other,
    }
}

/// Returns a sorted list of texts without repetitions: policy values are sets, and `true` means `"true"`.
fn texts(values: Json) -> Json {
    let text = |value: Json| match value {
        Json::Bool(flag) => Json::String(flag.to_string()),
        Json::Number(number) => Json::String(number.to_string()),
        other => other,
    };
    let mut values: Vec<Json> = listed(values).into_iter().map(text).collect();
    values.sort_by_cached_key(Json::to_string);
    values.dedup();
    Json::Array(values)
}

fn listed(values: Json) -> Vec<Json> {
    match values {
        Json::Array(values) => values,
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_document_in_other_words_is_equal() {
        let stored = json!({
            "Statement": { "Sid": "", "Action": "sts:AssumeRole", "Effect": "Allow",
                "Principal": { "Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"] } },
            "Version": "2012-10-17",
        });
        let ours = Policy::trust(["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"]);
        assert_eq!(Policy::from(stored), ours);
        let less = Policy::trust(["redshift.amazonaws.com"]);
        assert_ne!(less, ours);
    }

    #[test]
    fn statements_conditions_and_principals_fold() {
        let allow = |sid: &str| json!({ "Sid": sid, "Effect": "Allow", "Action": ["b", "a"], "Resource": "*" });
        let deny = json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": ["*"],
            "Condition": { "Bool": { "aws:SecureTransport": false } } });
        let folded = json!({ "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": ["*"], "Resource": "*",
            "Condition": { "Bool": { "aws:SecureTransport": ["false"] } } });
        let one = Policy::from(json!({ "Version": "2012-10-17", "Statement": [allow("x"), deny] }));
        let other = Policy::from(json!({ "Version": "2012-10-17", "Statement": [folded, allow("x")] }));
        assert_eq!(one, other);
        let renamed = Policy::from(json!({ "Version": "2012-10-17", "Statement": [deny_first(&one), allow("y")] }));
        assert_ne!(one, renamed);
    }

    fn deny_first(policy: &Policy) -> Json {
        let statements = policy.0["Statement"].as_array().unwrap();
        statements.iter().find(|s| s["Effect"] == "Deny").unwrap().clone()
    }

    #[test]
    fn documents_come_percent_encoded_and_survive_the_round_trip() {
        let ours = Policy::s3("aws", ["lake-*", "exports"], true);
        let plain = ours.to_string();
        let encoded = percent_encoding::utf8_percent_encode(&plain, percent_encoding::NON_ALPHANUMERIC).to_string();
        assert_eq!(Policy::parse("iam:GetRolePolicy", &encoded).unwrap(), ours);
        assert_eq!(Policy::parse("iam:GetRolePolicy", &plain).unwrap(), ours);
        let plain = r#"{"Statement":{"Resource":"arn:aws:s3:::a%2Fb"}}"#;
        assert!(Policy::parse("iam:GetRolePolicy", plain).unwrap().to_string().contains("a%2Fb"));
        assert!(Policy::parse("iam:GetRolePolicy", "%7Bbroken").is_err());
        let state = serde_json::to_value(&ours).unwrap();
        assert_eq!(serde_json::from_value::<Policy>(state).unwrap(), ours);
    }

    #[test]
    fn reading_grants_no_writing() {
        let read = Policy::s3("aws-cn", ["lake"], false).to_string();
        assert!(read.contains("arn:aws-cn:s3:::lake/*") && read.contains(r#""arn:aws-cn:s3:::lake""#));
        assert!(!read.contains("Put") && !read.contains("Abort"));
        assert!(Policy::s3("aws", ["lake"], true).to_string().contains("s3:PutObject"));
    }

    #[test]
    fn regions_lie_in_partitions() {
        assert_eq!(
            ["eu-west-1", "us-east-1", "cn-north-1", "us-gov-west-1"].map(partition),
            ["aws", "aws", "aws-cn", "aws-us-gov"]
        );
    }
}
