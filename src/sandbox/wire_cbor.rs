//! Smithy RPC v2 with CBOR bodies: body to tree, tree to body.
//!
//! Called by the router. Must never know an operation. JSON has no moments: an operation answers one with `moment`, and
//! it goes out as CBOR's own (tag 1).

use super::{AwsError, Reply};
use jiff::Timestamp;
use minicbor::{
    Decoder, Encoder,
    data::{IanaTag, Type},
    decode::Error as Unreadable,
    encode::Error as Unwritable,
};
use serde_json::{Map, Value, json};
use std::convert::Infallible;

/// The one key of a moment in an answer's tree.
const MOMENT: &str = "seconds since 1970";
/// How deep a body may be nested.
const DEEPEST: usize = 16;

/// The path of an operation: `/service/<version>/operation/<name>`, taken apart.
pub(super) fn addressed(path: &str) -> Option<(&str, &str)> {
    let (version, operation) = path.strip_prefix("/service/")?.split_once("/operation/")?;
    (!version.contains('/') && !operation.contains('/')).then_some((version, operation))
}

/// A moment as an operation answers it.
pub(super) fn moment(at: Timestamp) -> Reply {
    json!({ MOMENT: at.as_second() })
}

/// The parameters; an empty body counts as an empty object.
pub(super) fn decode(body: &[u8]) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    let mut decoder = Decoder::new(body);
    let read = value(&mut decoder, 0).map_err(|error| refusal(&format!("The request body is not CBOR: {error}")))?;
    match read {
        _ if decoder.position() != body.len() => Err(refusal("There is something after the end of the request body")),
        params @ Value::Object(_) => Ok(params),
        _ => Err(refusal("Start of structure or map found where not expected")),
    }
}

fn refusal(message: &str) -> AwsError {
    AwsError::new("SerializationException", message)
}

fn value(from: &mut Decoder<'_>, depth: usize) -> Result<Value, Unreadable> {
    if depth > DEEPEST {
        return Err(Unreadable::message("it is nested too deeply"));
    }
    match from.datatype()? {
        Type::Bool => from.bool().map(Value::from),
        Type::Null => from.null().map(|()| Value::Null),
        Type::Undefined => from.undefined().map(|()| Value::Null),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => from.u64().map(Value::from),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => from.i64().map(Value::from),
        Type::F16 => from.f16().map(Value::from),
        Type::F32 => from.f32().map(Value::from),
        Type::F64 => from.f64().map(Value::from),
        Type::String => from.str().map(Value::from),
        Type::StringIndef => from.str_iter()?.collect::<Result<String, _>>().map(Value::from),
        Type::Tag => {
            from.tag()?;
            value(from, depth + 1)
        }
        Type::Array | Type::ArrayIndef => {
            let mut left = from.array()?;
            let mut elements = Vec::new();
            while more(from, &mut left)? {
                elements.push(value(from, depth + 1)?);
            }
            Ok(Value::Array(elements))
        }
        Type::Map | Type::MapIndef => {
            let mut left = from.map()?;
            let mut members = Map::new();
            while more(from, &mut left)? {
                let name = from.str()?.to_owned();
                members.insert(name, value(from, depth + 1)?);
            }
            Ok(Value::Object(members))
        }
        other => Err(Unreadable::type_mismatch(other)),
    }
}

/// Whether another element follows; the end of what has no length is taken off.
fn more(from: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, Unreadable> {
    match left {
        Some(left) => {
            let is = *left > 0;
            *left = left.saturating_sub(1);
            Ok(is)
        }
        None if from.datatype()? == Type::Break => from.skip().map(|()| false),
        None => Ok(true),
    }
}

/// The body of an answer, null members left out.
pub(super) fn answer(reply: &Reply) -> Vec<u8> {
    let empty = json!({});
    written(if reply.is_null() { &empty } else { reply })
}

/// The body of an error.
pub(super) fn error(error: &AwsError) -> Vec<u8> {
    written(&json!({ "__type": error.code, "message": error.message }))
}

fn written(tree: &Value) -> Vec<u8> {
    let mut body = Vec::new();
    match write(&mut Encoder::new(&mut body), tree) {
        // Writing to memory cannot fail.
        Ok(()) | Err(_) => body,
    }
}

fn write(to: &mut Encoder<&mut Vec<u8>>, tree: &Value) -> Result<(), Unwritable<Infallible>> {
    match tree {
        Value::Null => to.null()?,
        Value::Bool(truth) => to.bool(*truth)?,
        Value::String(text) => to.str(text)?,
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => to.u64(number)?,
            (None, Some(number)) => to.i64(number)?,
            (None, None) => to.f64(number.as_f64().unwrap_or(f64::NAN))?,
        },
        Value::Array(elements) => {
            to.array(elements.len() as u64)?;
            return elements.iter().try_for_each(|element| write(to, element));
        }
        Value::Object(members) => {
            if let Some(seconds) = members.get(MOMENT) {
                to.tag(IanaTag::Timestamp)?;
                return write(to, seconds);
            }
            let members = || members.iter().filter(|(_, member)| !member.is_null());
            to.map(members().count() as u64)?;
            return members().try_for_each(|(name, member)| {
                to.str(name)?;
                write(to, member)
            });
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_go_in_and_out() {
        let tree = json!({ "a": [1, -2, 1.5, true, "x"], "b": { "c": {} }, "d": 80.0 });
        assert_eq!(decode(&answer(&tree)).unwrap(), tree);
        assert_eq!(decode(b"").unwrap(), json!({}));
        assert_eq!(decode(&answer(&Value::Null)).unwrap(), json!({}));
        assert_eq!(decode(&answer(&json!({ "a": null, "b": 1 }))).unwrap(), json!({ "b": 1 }));
        // As the SDK writes it: a map without a length.
        assert_eq!(decode(b"\xbf\x61a\x9f\x01\xff\xff").unwrap(), json!({ "a": [1] }));
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let moment = answer(&json!({ "at": moment(at) }));
        assert_eq!(moment[4], 0xc1, "a moment has tag 1");
        assert_eq!(decode(&moment).unwrap(), json!({ "at": 1_700_000_000 }));
    }

    #[test]
    fn what_is_no_body_is_refused() {
        let deep = [vec![0x81; 40], vec![0x01]].concat();
        for bad in [&b"\x81\x01"[..], b"\xa1\x61a", b"\xbf", b"\xa0\xa0", b"\xa1\x01\x01", b"{\"a\":1}", &deep] {
            assert_eq!(decode(bad).unwrap_err().code, "SerializationException", "{bad:?}");
        }
    }

    #[test]
    fn an_operation_is_a_path() {
        assert_eq!(addressed("/service/S/operation/PutX"), Some(("S", "PutX")));
        assert_eq!(addressed("/service/S/operation/PutX/more"), None);
        assert_eq!(addressed("/"), None);
    }
}
