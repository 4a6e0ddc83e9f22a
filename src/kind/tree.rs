//! A draft spec as a tree that remembers which leaves are references.
//!
//! Called by `stack` when a resource is added and by `plan` and `apply` when references get their values.
//! Must never guess a reference from the shape of a value: `In::Ref` announces itself by type.

use super::stage::{OutputRef, REFERENCE};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// A JSON-like tree whose leaves may be references.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// Null, a boolean, a number or a text.
    Leaf(Json),
    /// A list or a set.
    List(Vec<Self>),
    /// A map or a structure.
    Map(BTreeMap<String, Self>),
    /// The value of another resource's output.
    Ref(Box<OutputRef>),
}

/// Says that a value has no place in a tree (a map with keys that are no text, a number that is no JSON number).
#[derive(Debug, thiserror::Error)]
#[error("not a spec value: {0}")]
pub struct NotASpec(String);

impl ser::Error for NotASpec {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl Tree {
    /// Builds the tree of a spec.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, NotASpec> {
        value.serialize(Planter)
    }

    /// Collects the references in it.
    pub fn references(&self, into: &mut BTreeSet<OutputRef>) {
        match self {
            Self::Leaf(_) => {}
            Self::List(items) => items.iter().for_each(|item| item.references(into)),
            Self::Map(fields) => fields.values().for_each(|field| field.references(into)),
            Self::Ref(of) => {
                into.insert(OutputRef::clone(of));
            }
        }
    }

    /// Puts values in the place of references, or returns the references that have none yet.
    pub fn resolve(&self, value_of: &dyn Fn(&OutputRef) -> Option<Json>) -> Result<Json, BTreeSet<OutputRef>> {
        let mut missing = BTreeSet::new();
        let json = self.fill(value_of, &mut missing);
        if missing.is_empty() { Ok(json) } else { Err(missing) }
    }

    fn fill(&self, value_of: &dyn Fn(&OutputRef) -> Option<Json>, missing: &mut BTreeSet<OutputRef>) -> Json {
        match self {
            Self::Leaf(json) => json.clone(),
            Self::List(items) => items.iter().map(|item| item.fill(value_of, missing)).collect(),
            Self::Map(fields) => {
                let filled = fields.iter().map(|(key, tree)| (key.clone(), tree.fill(value_of, missing)));
                Json::Object(filled.collect())
            }
            Self::Ref(of) => value_of(of).unwrap_or_else(|| {
                missing.insert(OutputRef::clone(of));
                Json::Null
            }),
        }
    }
}

struct Planter;

/// A list or a map being collected.
struct Bed {
    variant: Option<&'static str>,
    items: Vec<Tree>,
    fields: BTreeMap<String, Tree>,
    key: Option<String>,
}

impl Bed {
    fn new(variant: Option<&'static str>) -> Self {
        Self { variant, items: Vec::new(), fields: BTreeMap::new(), key: None }
    }

    fn wrap(variant: Option<&'static str>, tree: Tree) -> Tree {
        match variant {
            Some(name) => Tree::Map(BTreeMap::from([(name.to_owned(), tree)])),
            None => tree,
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotASpec> {
        self.items.push(Tree::of(value)?);
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), NotASpec> {
        self.fields.insert(key.to_owned(), Tree::of(value)?);
        Ok(())
    }

    fn list(self) -> Tree {
        Self::wrap(self.variant, Tree::List(self.items))
    }

    fn map(self) -> Tree {
        Self::wrap(self.variant, Tree::Map(self.fields))
    }
}

macro_rules! leaves {
    ($($method:ident($type:ty)),* $(,)?) => {$(
        fn $method(self, value: $type) -> Result<Tree, NotASpec> {
            serde_json::to_value(value).map(Tree::Leaf).map_err(|e| NotASpec(e.to_string()))
        }
    )*};
}

impl Serializer for Planter {
    type Ok = Tree;
    type Error = NotASpec;
    type SerializeSeq = Bed;
    type SerializeTuple = Bed;
    type SerializeTupleStruct = Bed;
    type SerializeTupleVariant = Bed;
    type SerializeMap = Bed;
    type SerializeStruct = Bed;
    type SerializeStructVariant = Bed;

    leaves!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_f32(f32),
        serialize_f64(f64),
        serialize_char(char),
        serialize_str(&str),
        serialize_bytes(&[u8]),
    );

    fn serialize_none(self) -> Result<Tree, NotASpec> {
        Ok(Tree::Leaf(Json::Null))
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, NotASpec> {
        Tree::of(value)
    }
    fn serialize_unit(self) -> Result<Tree, NotASpec> {
        Ok(Tree::Leaf(Json::Null))
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, NotASpec> {
        Ok(Tree::Leaf(Json::Null))
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Tree, NotASpec> {
        Ok(Tree::Leaf(Json::from(variant)))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<Tree, NotASpec> {
        if name != REFERENCE {
            return Tree::of(value);
        }
        let json = serde_json::to_value(value).map_err(|e| NotASpec(e.to_string()))?;
        serde_json::from_value(json).map(Tree::Ref).map_err(|e| NotASpec(e.to_string()))
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, NotASpec> {
        Ok(Bed::wrap(Some(variant), Tree::of(value)?))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Bed, NotASpec> {
        Ok(Bed::new(None))
    }
    fn serialize_tuple(self, _: usize) -> Result<Bed, NotASpec> {
        Ok(Bed::new(None))
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Bed, NotASpec> {
        Ok(Bed::new(None))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Bed, NotASpec> {
        Ok(Bed::new(Some(variant)))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Bed, NotASpec> {
        Ok(Bed::new(None))
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Bed, NotASpec> {
        Ok(Bed::new(None))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Bed, NotASpec> {
        Ok(Bed::new(Some(variant)))
    }
}

macro_rules! lists {
    ($($trait:ident::$method:ident),* $(,)?) => {$(
        impl ser::$trait for Bed {
            type Ok = Tree;
            type Error = NotASpec;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotASpec> { self.item(value) }
            fn end(self) -> Result<Tree, NotASpec> { Ok(self.list()) }
        }
    )*};
}
lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
);

macro_rules! structs {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Bed {
            type Ok = Tree;
            type Error = NotASpec;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NotASpec> {
                self.field(key, value)
            }
            fn end(self) -> Result<Tree, NotASpec> { Ok(self.map()) }
        }
    )*};
}
structs!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Bed {
    type Ok = Tree;
    type Error = NotASpec;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotASpec> {
        match Tree::of(key)? {
            Tree::Leaf(Json::String(text)) => self.key = Some(text),
            Tree::Leaf(other) => self.key = Some(other.to_string()),
            Tree::List(_) | Tree::Map(_) | Tree::Ref(_) => return Err(NotASpec("a key must be a text".into())),
        }
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotASpec> {
        let key = self.key.take().ok_or_else(|| NotASpec("a value without a key".into()))?;
        self.field(&key, value)
    }
    fn end(self) -> Result<Tree, NotASpec> {
        Ok(self.map())
    }
}

/// The only key of a reference in a saved tree; keys of maps that begin with its sign get a second one.
const FROM: &str = "$from";

impl Serialize for Tree {
    /// Writes a tree so that it can be read back: a reference reads `{"$from": {"address", "output"}}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf(json) => json.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Map(fields) => {
                let escaped = |key: &str| if key.starts_with('$') { format!("${key}") } else { key.to_owned() };
                serializer.collect_map(fields.iter().map(|(key, tree)| (escaped(key), tree)))
            }
            Self::Ref(of) => serializer.collect_map([(FROM, of)]),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::saved(Json::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Tree {
    fn saved(json: Json) -> serde_json::Result<Self> {
        Ok(match json {
            Json::Object(mut map) => match map.remove(FROM) {
                Some(of) => Self::Ref(serde_json::from_value(of)?),
                None => {
                    let plain = |key: String| key.strip_prefix("$$").map_or(key.clone(), |rest| format!("${rest}"));
                    let fields = map.into_iter().map(|(key, value)| Ok((plain(key), Self::saved(value)?)));
                    Self::Map(fields.collect::<serde_json::Result<_>>()?)
                }
            },
            Json::Array(items) => Self::List(items.into_iter().map(Self::saved).collect::<Result<_, _>>()?),
            leaf => Self::Leaf(leaf),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::In;
    use serde_json::json;

    #[derive(Serialize)]
    struct Spec {
        name: String,
        roles: BTreeSet<In<String>>,
        tags: BTreeMap<String, String>,
        none: Option<u32>,
    }

    fn spec() -> Tree {
        let of = OutputRef { address: Address::new("producer", "role"), output: "arn".into() };
        let tags = BTreeMap::from([("$ref".to_owned(), "mine".to_owned()), ("from".to_owned(), "x".to_owned())]);
        let roles = BTreeSet::from([In::Ref(of), In::Literal("b".to_owned())]);
        Tree::of(&Spec { name: "n".into(), roles, tags, none: None }).unwrap()
    }
    use crate::address::Address;

    #[test]
    fn only_typed_references_are_references() {
        let mut found = BTreeSet::new();
        spec().references(&mut found);
        assert_eq!(found.len(), 1, "a tag named $ref stays a tag: {found:?}");
    }

    #[test]
    fn what_is_saved_is_read_back() {
        let saved = serde_json::to_value(spec()).unwrap();
        assert_eq!(saved["roles"][0], json!({ "$from": { "address": "producer/role", "output": "arn" } }));
        assert_eq!(saved["tags"]["$$ref"], "mine");
        assert_eq!(serde_json::from_value::<Tree>(saved).unwrap(), spec());
    }

    #[test]
    fn resolving_fills_or_names_what_is_missing() {
        let missing = spec().resolve(&|_| None).unwrap_err();
        assert_eq!(missing.first().unwrap().to_string(), "producer/role arn");
        let known = spec().resolve(&|_| Some(json!("a"))).unwrap();
        assert_eq!(known["roles"], json!(["a", "b"]));
        assert_eq!(known["none"], Json::Null);
        assert_eq!(known["tags"]["$ref"], "mine");
    }
}
