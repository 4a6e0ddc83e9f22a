//! One decoded call, its typed readers, its answer, its error, and pagination.
//!
//! Called by every operation of every service. Must never know a service: what a missing or wrong parameter is
//! called depends on the protocol alone.

use super::Protocol;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::ops::RangeInclusive;

/// Response members by wire name; arrays become `<item>` or `<member>`, null members are left out.
pub type Reply = Value;

/// A refusal by AWS: wire code, message, HTTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// Wire code, e.g. `InvalidVpcID.NotFound`.
    pub code: String,
    /// The sentence beside the code.
    pub message: String,
    /// HTTP status; 400 unless set.
    pub status: u16,
    /// Headers of the refusal, for REST services.
    pub headers: Vec<(&'static str, String)>,
}

impl AwsError {
    /// An error with HTTP status 400.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: 400, headers: Vec::new() }
    }

    /// The same error with another HTTP status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same error with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Parameters of one call, decoded from either protocol into one JSON tree.
/// Query: numeric keys become arrays, `member` is dropped, leaves are strings.
#[derive(Debug, Clone)]
pub struct Request {
    /// SigV4 scope of the service.
    pub service: &'static str,
    /// Operation name as on the wire, e.g. `CreateVpc`.
    pub operation: String,
    /// The parameters, an object.
    pub params: Value,
    /// Twelve-digit account of the caller.
    pub account: String,
    /// Region of the SigV4 scope.
    pub region: String,
    /// Protocol the call came in.
    pub protocol: Protocol,
}

impl Request {
    /// Text of a required parameter.
    pub fn text(&self, name: &str) -> Result<String, AwsError> {
        self.opt_text(name)?.ok_or_else(|| self.missing(name))
    }

    /// Text of a parameter, if it is there.
    pub fn opt_text(&self, name: &str) -> Result<Option<String>, AwsError> {
        self.value(name).map(|value| scalar(value).ok_or_else(|| self.wrong(name, "a string"))).transpose()
    }

    /// Whole number of a required parameter.
    pub fn int(&self, name: &str) -> Result<i64, AwsError> {
        self.opt_int(name)?.ok_or_else(|| self.missing(name))
    }

    /// Whole number of a parameter, if it is there.
    pub fn opt_int(&self, name: &str) -> Result<Option<i64>, AwsError> {
        self.parsed(name, "an integer", |text| text.parse().ok())
    }

    /// Truth value of a parameter, if it is there (`true` or `false` in any case).
    pub fn opt_bool(&self, name: &str) -> Result<Option<bool>, AwsError> {
        self.parsed(name, "a boolean", |text| text.to_ascii_lowercase().parse().ok())
    }

    /// List of strings; empty when absent.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, AwsError> {
        self.elements(name)
            .ok_or_else(|| self.wrong(name, "a list"))?
            .iter()
            .map(|value| scalar(value).ok_or_else(|| self.wrong(name, "a list of strings")))
            .collect()
    }

    /// List of structures, each as a sub-request with its own parameters; empty when absent.
    pub fn list(&self, name: &str) -> Vec<Self> {
        let elements = self.elements(name).unwrap_or(&[]);
        elements.iter().map(|value| self.sub(value)).collect()
    }

    /// One nested structure as a sub-request, if it is there.
    pub fn structure(&self, name: &str) -> Option<Self> {
        self.value(name).filter(|value| value.is_object()).map(|value| self.sub(value))
    }

    /// Whether the parameter was given at all (null counts as not given).
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The error of a required parameter that is not there, in the words of the protocol.
    pub fn missing(&self, name: &str) -> AwsError {
        match self.protocol {
            Protocol::Ec2 => {
                AwsError::new("MissingParameter", format!("The request must contain the parameter {name}"))
            }
            Protocol::Query | Protocol::Cbor => AwsError::new(
                "ValidationError",
                format!(
                    "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
                ),
            ),
            Protocol::RestXml => AwsError::new("MalformedXML", format!("The request must contain {name}")),
            Protocol::Json10 | Protocol::Json11 => AwsError::new(
                "ValidationException",
                format!(
                    "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
                ),
            ),
        }
    }

    /// The error of a parameter with a value that cannot be, in the words of the protocol.
    pub fn invalid(&self, message: impl Into<String>) -> AwsError {
        let code = match self.protocol {
            Protocol::Ec2 => "InvalidParameterValue",
            Protocol::Query | Protocol::Cbor => "ValidationError",
            Protocol::RestXml => "InvalidArgument",
            Protocol::Json10 | Protocol::Json11 => "ValidationException",
        };
        AwsError::new(code, message)
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.params.get(name).filter(|value| !value.is_null())
    }

    // `Name=` is how the query protocols spell an empty list.
    fn elements(&self, name: &str) -> Option<&[Value]> {
        match self.value(name) {
            None => Some(&[]),
            Some(Value::Array(elements)) => Some(elements),
            Some(Value::String(text)) if text.is_empty() => Some(&[]),
            Some(_) => None,
        }
    }

    fn sub(&self, params: &Value) -> Self {
        Self {
            params: params.clone(),
            operation: self.operation.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            ..*self
        }
    }

    fn parsed<T>(
        &self,
        name: &str,
        wanted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, AwsError> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        scalar(value).and_then(|text| parse(&text)).map(Some).ok_or_else(|| self.wrong(name, wanted))
    }

    fn wrong(&self, name: &str, wanted: &str) -> AwsError {
        let value = self.params.get(name).unwrap_or(&Value::Null);
        let message = format!("Invalid value {value} for parameter {name}: {wanted} is expected");
        match self.protocol {
            Protocol::Ec2 => AwsError::new("InvalidParameterValue", message),
            Protocol::Query => AwsError::new("MalformedInput", message),
            Protocol::RestXml => AwsError::new("InvalidArgument", message),
            Protocol::Json10 | Protocol::Json11 | Protocol::Cbor => AwsError::new("SerializationException", message),
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Cuts one page out of `items`: (the page, the token of the next one).
/// The size comes from `size_param` (must lie in `range`), else `default`; a token is only good for its own operation.
pub fn page(
    items: Vec<Reply>,
    req: &Request,
    size_param: &str,
    token_param: &str,
    default: usize,
    range: RangeInclusive<usize>,
) -> Result<(Vec<Reply>, Option<String>), AwsError> {
    let size = page_size(req, size_param, default, &range)?;
    let start = match req.opt_text(token_param)? {
        Some(token) => token_offset(&token, &req.operation)
            .filter(|offset| *offset <= items.len())
            .ok_or_else(|| req.invalid(format!("The value of {token_param} is not a valid token")))?,
        None => 0,
    };
    let end = items.len().min(start.saturating_add(size));
    let next = (end < items.len()).then(|| URL_SAFE_NO_PAD.encode(format!("{}:{end}", req.operation)));
    let page = items.into_iter().skip(start).take(size).collect();
    Ok((page, next))
}

fn page_size(
    req: &Request,
    size_param: &str,
    default: usize,
    range: &RangeInclusive<usize>,
) -> Result<usize, AwsError> {
    let Some(asked) = req.opt_int(size_param)? else {
        return Ok(default);
    };
    usize::try_from(asked).ok().filter(|size| range.contains(size)).ok_or_else(|| {
        req.invalid(format!(
            "Value ( {asked} ) for parameter {size_param} is invalid. Expecting a value between {} and {}.",
            range.start(),
            range.end()
        ))
    })
}

fn token_offset(token: &str, operation: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (owner, offset) = text.split_once(':')?;
    (owner == operation).then(|| offset.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(params: Value) -> Request {
        Request {
            service: "ec2",
            operation: "DescribeThings".into(),
            params,
            account: "123456789012".into(),
            region: "us-west-2".into(),
            protocol: Protocol::Ec2,
        }
    }

    #[test]
    fn readers_take_text_and_json_alike_and_refuse_other_shapes() {
        let req = request(json!({"A": "7", "B": 7, "C": "True", "D": false, "E": [], "F": ""}));
        assert_eq!(req.int("A").unwrap(), req.int("B").unwrap());
        assert_eq!((req.opt_bool("C").unwrap(), req.opt_bool("D").unwrap()), (Some(true), Some(false)));
        assert!(req.texts("F").unwrap().is_empty());
        assert_eq!(req.text("E").unwrap_err().code, "InvalidParameterValue");
        assert_eq!(req.text("Z").unwrap_err().code, "MissingParameter");
        assert_eq!(req.opt_int("C").unwrap_err().code, "InvalidParameterValue");
        assert!(req.texts("A").is_err());
    }

    #[test]
    fn pages_join_to_the_whole_and_bad_sizes_and_tokens_are_refused() {
        let items: Vec<Reply> = (0..12).map(|n| json!(n)).collect();
        let mut params = json!({"MaxResults": "5"});
        let mut seen = Vec::new();
        loop {
            let req = request(params.clone());
            let (part, next) = page(items.clone(), &req, "MaxResults", "NextToken", 1000, 5..=1000).unwrap();
            seen.extend(part);
            let Some(next) = next else { break };
            params["NextToken"] = json!(next);
        }
        assert_eq!(seen, items);
        for bad in [json!({"MaxResults": 4}), json!({"MaxResults": -1}), json!({"NextToken": "x"})] {
            let req = request(bad);
            assert!(page(items.clone(), &req, "MaxResults", "NextToken", 10, 5..=1000).is_err());
        }
    }
}
