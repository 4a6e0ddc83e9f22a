//! Who calls which service in which region, read from the SigV4 scope of a request.
//!
//! Called by the router. Must never verify or keep a signature: the sandbox has one user and no secret to protect, so
//! any secret key is as good as any other.

use super::world::ACCOUNT;
use super::{AwsError, Protocol, Service};
use http::{HeaderMap, header::AUTHORIZATION};
use std::collections::BTreeMap;

/// Access key id of the sandbox's user, for the client's static credentials.
pub const ACCESS_KEY_ID: &str = "AKIASANDBOX000000000";
/// Secret key that goes with it; signatures are not verified.
pub const SECRET_ACCESS_KEY: &str = "the-sandbox-has-no-secrets";
/// Session token that the sandbox treats as expired.
pub const EXPIRED_SESSION_TOKEN: &str = "expired";
/// ARN of the sandbox's user.
pub const USER_ARN: &str = "arn:aws:iam::123456789012:user/sandbox";
/// Unique id of the sandbox's user.
pub const USER_ID: &str = "AIDASANDBOX0000000000";

/// The readable part of a signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub access_key: String,
    pub region: String,
    pub service: String,
    pub session_token: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    Missing,
    Malformed(String),
}

/// Reads the scope from the `Authorization` header, else from a presigned query.
pub(super) fn scope(headers: &HeaderMap, query: &BTreeMap<String, String>) -> Result<Scope, Unsigned> {
    let header = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let (credential, token) = match header {
        Some(text) => (
            credential_field(text).ok_or_else(|| {
                Unsigned::Malformed("Authorization header requires 'Credential' parameter of AWS4-HMAC-SHA256".into())
            })?,
            headers.get("x-amz-security-token").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned),
        ),
        None => (
            query.get("X-Amz-Credential").ok_or(Unsigned::Missing)?.as_str(),
            query.get("X-Amz-Security-Token").cloned(),
        ),
    };
    let parts: Vec<&str> = credential.split('/').collect();
    let [access_key, _date, region, service, "aws4_request"] = parts[..] else {
        return Err(Unsigned::Malformed(
            "Credential must have five slash-delimited elements: ACCESSKEY/DATE/REGION/SERVICE/aws4_request".into(),
        ));
    };
    Ok(Scope { access_key: access_key.into(), region: region.into(), service: service.into(), session_token: token })
}

fn credential_field(header: &str) -> Option<&str> {
    header.strip_prefix("AWS4-HMAC-SHA256")?.split(',').find_map(|field| field.trim().strip_prefix("Credential="))
}

/// The account behind the scope, or the refusal in the service's own words.
pub(super) fn account(scope: &Scope, service: &Service) -> Result<&'static str, AwsError> {
    if scope.access_key != ACCESS_KEY_ID {
        return Err(unknown_key(service.protocol));
    }
    if scope.session_token.as_deref() == Some(EXPIRED_SESSION_TOKEN) {
        return Err(expired(service.protocol));
    }
    Ok(ACCOUNT)
}

fn unknown_key(protocol: Protocol) -> AwsError {
    let message = "The security token included in the request is invalid.";
    match protocol {
        Protocol::Ec2 => {
            AwsError::new("AuthFailure", "AWS was not able to validate the provided access credentials").status(401)
        }
        Protocol::Query | Protocol::Cbor => AwsError::new("InvalidClientTokenId", message).status(403),
        Protocol::RestXml => {
            let message = "The AWS Access Key Id you provided does not exist in our records.";
            AwsError::new("InvalidAccessKeyId", message).status(403)
        }
        Protocol::Json10 | Protocol::Json11 => AwsError::new("UnrecognizedClientException", message),
    }
}

fn expired(protocol: Protocol) -> AwsError {
    let message = "The security token included in the request is expired";
    match protocol {
        Protocol::Ec2 | Protocol::Query | Protocol::Cbor => AwsError::new("ExpiredToken", message).status(403),
        Protocol::RestXml => AwsError::new("ExpiredToken", "The provided token has expired."),
        Protocol::Json10 | Protocol::Json11 => AwsError::new("ExpiredTokenException", message),
    }
}

/// The refusal of a request without a readable signature.
pub(super) fn unsigned(unsigned: Unsigned, protocol: Protocol) -> AwsError {
    let json = matches!(protocol, Protocol::Json10 | Protocol::Json11);
    let suffix = if json { "Exception" } else { "" };
    match unsigned {
        Unsigned::Missing => {
            AwsError::new(format!("MissingAuthenticationToken{suffix}"), "Request is missing Authentication Token")
                .status(if json { 400 } else { 403 })
        }
        Unsigned::Malformed(why) => AwsError::new(format!("IncompleteSignature{suffix}"), why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn scope_is_read_from_header_and_from_presigned_query() {
        let mut headers = HeaderMap::new();
        let text =
            "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=0";
        headers.insert(AUTHORIZATION, HeaderValue::from_static(text));
        let from_header = scope(&headers, &BTreeMap::new()).unwrap();
        let query =
            BTreeMap::from([("X-Amz-Credential".to_owned(), "AK/20260101/eu-west-1/kms/aws4_request".to_owned())]);
        assert_eq!(from_header, scope(&HeaderMap::new(), &query).unwrap());
        assert_eq!((from_header.region.as_str(), from_header.service.as_str()), ("eu-west-1", "kms"));
        assert_eq!(scope(&HeaderMap::new(), &BTreeMap::new()), Err(Unsigned::Missing));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic eDp5"));
        assert!(matches!(scope(&headers, &BTreeMap::new()), Err(Unsigned::Malformed(_))));
    }
}
