//! Reads a typed draft back from a tree, references included: the counterpart of the serialiser in `tree`.
//!
//! Called through `AnyKind::redraft`, when the TOML lays fields over those of the stack. Its errors are for people:
//! they say what was expected in their words, not Rust's. Must never make a reference of a value.

use super::{
    stage::REFERENCE,
    tree::{NotASpec, Tree},
};
use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, Expected, IntoDeserializer, Unexpected, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Value as Json;

/// Says why a value does not fit its field: a sentence without the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongValue(String);

impl From<NotASpec> for WrongValue {
    fn from(error: NotASpec) -> Self {
        Self(error.to_string())
    }
}

/// A Rust type in words.
fn plain(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let words = match text.as_str() {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i32" | "i64" => "a whole number",
        "a sequence" => "a list",
        "a map" => "a table",
        _ if text.starts_with("struct ") => "a table",
        _ => return text,
    };
    words.to_owned()
}

fn shown(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(yes) => format!("`{yes}`"),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Str(text) => format!("the string \"{text}\""),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

impl de::Error for WrongValue {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self(format!("expected {}, found {}", plain(expected), shown(found)))
    }
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }
    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("expected {}, found the string \"{variant}\"", listed(expected)))
    }
    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("expected {}, found a key `{field}`", listed(expected)))
    }
    fn missing_field(field: &'static str) -> Self {
        Self(format!("it needs a `{field}`"))
    }
}

/// Reads a draft.
///
/// Errors: the first value that does not fit.
pub(super) fn read<T: DeserializeOwned>(tree: &Tree) -> Result<T, WrongValue> {
    T::deserialize(Reader(tree))
}

/// A tree as serde reads it.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a Tree);

impl<'de> IntoDeserializer<'de, WrongValue> for Reader<'_> {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = WrongValue;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongValue> {
        match self.0 {
            Tree::Leaf(Json::Null) => visitor.visit_unit(),
            Tree::Leaf(Json::Bool(yes)) => visitor.visit_bool(*yes),
            Tree::Leaf(Json::String(text)) => visitor.visit_str(text),
            Tree::Leaf(Json::Number(number)) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Tree::Leaf(json @ (Json::Array(_) | Json::Object(_))) => Reader(&Tree::of(json)?).deserialize_any(visitor),
            Tree::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter().map(Reader))),
            Tree::Map(fields) => {
                visitor.visit_map(MapDeserializer::new(fields.iter().map(|(key, tree)| (key.as_str(), Reader(tree)))))
            }
            Tree::Ref(of) => Err(WrongValue(format!("expected {}, found the value of {of}", plain(&visitor)))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongValue> {
        match self.0 {
            Tree::Leaf(Json::Null) => visitor.visit_none(),
            Tree::Leaf(_) | Tree::List(_) | Tree::Map(_) | Tree::Ref(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, WrongValue> {
        match self.0 {
            Tree::Ref(of) if name == REFERENCE => {
                let fields = [("address", of.address.to_string()), ("output", of.output.clone())];
                visitor.visit_map(MapDeserializer::new(fields.into_iter()))
            }
            Tree::Leaf(_) | Tree::List(_) | Tree::Map(_) | Tree::Ref(_) => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WrongValue> {
        match self.0 {
            Tree::Leaf(Json::String(text)) => visitor.visit_enum(text.as_str().into_deserializer()),
            Tree::Map(fields) => visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(
                fields.iter().map(|(key, tree)| (key.as_str(), Reader(tree))),
            ))),
            Tree::Leaf(_) | Tree::List(_) | Tree::Ref(_) => {
                Err(WrongValue("expected a string, or a table with one key".to_owned()))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        address::Address,
        kind::{In, OutputRef},
    };
    use serde::{Deserialize, Serialize};
    use serde_json::json;
    use std::collections::{BTreeMap, BTreeSet};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "snake_case")]
    enum Peer {
        Any,
        Group(In<String>),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Spec {
        port: u16,
        zone: Option<In<String>>,
        roles: BTreeSet<In<String>>,
        addresses: In<BTreeSet<String>>,
        peers: Vec<Peer>,
        tags: BTreeMap<String, String>,
    }

    fn spec() -> Spec {
        let of = |output: &str| OutputRef { address: Address::new("producer", "role"), output: output.to_owned() };
        Spec {
            port: 5439,
            zone: None,
            roles: BTreeSet::from([In::Ref(of("arn")), In::Literal("b".to_owned())]),
            addresses: In::Ref(of("addresses")),
            peers: vec![Peer::Any, Peer::Group(In::Ref(of("id")))],
            tags: BTreeMap::from([("address".to_owned(), "x".to_owned())]),
        }
    }

    fn with(field: &str, value: Json) -> Result<Spec, String> {
        let Tree::Map(mut fields) = Tree::of(&spec()).unwrap() else { panic!("a spec is a map") };
        fields.insert(field.to_owned(), Tree::of(&value).unwrap());
        read(&Tree::Map(fields)).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn what_was_written_is_read_again() {
        assert_eq!(read::<Spec>(&Tree::of(&spec()).unwrap()).unwrap(), spec());
        // A table with the keys of a reference is a table.
        let table = json!({ "address": "producer/role", "output": "arn" });
        assert!(with("zone", table).unwrap_err().contains("expected a string, found a table"));
        assert_eq!(with("zone", json!("a")).unwrap().zone, Some(In::Literal("a".to_owned())));
    }

    #[test]
    fn errors_are_for_people() {
        let wrong = |field, value| with(field, value).unwrap_err();
        assert_eq!(wrong("port", json!("1")), "expected a whole number from 0 to 65535, found the string \"1\"");
        assert_eq!(wrong("port", json!(70000)), "expected a whole number from 0 to 65535, found the number 70000");
        assert_eq!(wrong("roles", json!("b")), "expected a list, found the string \"b\"");
        assert_eq!(wrong("tags", json!({ "a": true })), "expected a string, found `true`");
        assert_eq!(wrong("peers", json!(["ani"])), "expected `any` or `group`, found the string \"ani\"");
        assert_eq!(wrong("peers", json!([1])), "expected a string, or a table with one key");
    }
}
