//! awsJson 1.0 and 1.1: body to tree, tree to body.
//!
//! Called by the router. Must never know an operation.

use super::{AwsError, Reply};
use serde_json::{Value, json};

/// The parameters; an empty body counts as an empty object.
pub(super) fn decode(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(body) {
        Ok(params @ Value::Object(_)) => Ok(params),
        Ok(_) => Err(AwsError::new("SerializationException", "Start of structure or map found where not expected")),
        Err(error) => Err(AwsError::new("SerializationException", format!("The request body is not JSON: {error}"))),
    }
}

/// The body of an answer, null members left out.
pub(super) fn answer(mut reply: Reply) -> String {
    prune(&mut reply);
    match reply {
        Value::Null => "{}".to_owned(),
        other => other.to_string(),
    }
}

/// The body of an error.
pub(super) fn error(error: &AwsError) -> String {
    json!({"__type": error.code, "message": error.message}).to_string()
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(prune);
        }
        Value::Array(elements) => elements.iter_mut().for_each(prune),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_go_in_and_out() {
        assert_eq!(decode(b"{\"a\":[1]}").unwrap(), json!({"a": [1]}));
        assert_eq!(decode(b"").unwrap(), json!({}));
        assert_eq!(decode(b"[1]").unwrap_err().code, "SerializationException");
        assert_eq!(decode(b"{").unwrap_err().code, "SerializationException");
        assert_eq!(answer(json!({"a": {"b": null, "c": 1}, "d": null})), "{\"a\":{\"c\":1}}");
        assert_eq!(answer(Value::Null), "{}");
    }
}
