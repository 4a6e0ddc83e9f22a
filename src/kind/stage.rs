//! The two stages of a spec, and the typed references that tell them apart.
//!
//! A `Spec<Draft>` may hold references to outputs of other resources; a `Spec<Known>` cannot, and only `Known`
//! reaches an AWS call. Called by `stack` (which writes drafts) and by every kind. Must never resolve anything itself.

use crate::address::Address;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt::Debug, marker::PhantomData};

/// Anything a spec field or an output may hold.
pub trait Value: Serialize + DeserializeOwned + Clone + Debug + Ord + Send + Sync + 'static {}
impl<T: Serialize + DeserializeOwned + Clone + Debug + Ord + Send + Sync + 'static> Value for T {}

/// How far a spec is from AWS: with references, or with values only.
pub trait Stage: Clone + Debug + Send + Sync + 'static {
    /// The form a field of type `T` has at this stage.
    type In<T: Value>: Value;
}

/// The stage that may hold references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {}

/// The stage that holds values only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {}

impl Stage for Draft {
    type In<T: Value> = In<T>;
}
impl Stage for Known {
    type In<T: Value> = T;
}

/// Names one output of one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutputRef {
    /// The resource that has the output.
    pub address: Address,
    /// The output's name.
    pub output: String,
}

impl std::fmt::Display for OutputRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.address, self.output)
    }
}

/// The name under which a reference announces itself to the serialiser of `tree`, and under which the reader of `draft`
/// gives it back: references are told by type,
/// so that a user's map with any key whatever stays a map.
pub(super) const REFERENCE: &str = "rsds::OutputRef";

/// A field of a draft: a value, or a reference to one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum In<T> {
    /// The value of another resource's output, known when that resource has it.
    Ref(OutputRef),
    /// A value known now.
    Literal(T),
}

impl<T> From<T> for In<T> {
    fn from(value: T) -> Self {
        Self::Literal(value)
    }
}

impl<T: Into<String>> In<T> {
    /// The same as plain text: an identifier where any text is taken.
    pub fn into_text(self) -> In<String> {
        match self {
            Self::Ref(of) => In::Ref(of),
            Self::Literal(value) => In::Literal(value.into()),
        }
    }
}

impl<T: Serialize> Serialize for In<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Ref(of) => serializer.serialize_newtype_struct(REFERENCE, of),
            Self::Literal(value) => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for In<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(REFERENCE, InVisitor(PhantomData))
    }
}

struct InVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InVisitor<T> {
    type Value = In<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a value")
    }
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<In<T>, D::Error> {
        T::deserialize(deserializer).map(In::Literal)
    }
    /// Only the reader of `draft` calls this, and only for references.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<In<T>, A::Error> {
        OutputRef::deserialize(MapAccessDeserializer::new(map)).map(In::Ref)
    }
}

/// A resource of the stack, typed by its kind: the only source of references.
pub struct Handle<K> {
    address: Address,
    kind: PhantomData<fn() -> K>,
}

impl<K> Handle<K> {
    /// Made by `Stack::add` alone.
    pub(crate) fn new(address: Address) -> Self {
        Self { address, kind: PhantomData }
    }

    /// Returns the resource's address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Refers to an output; called by the methods that `outputs!` writes.
    pub(crate) fn output<T>(&self, output: &str) -> In<T> {
        In::Ref(OutputRef { address: self.address.clone(), output: output.to_owned() })
    }
}

impl<K> Clone for Handle<K> {
    fn clone(&self) -> Self {
        Self::new(self.address.clone())
    }
}

/// When an output exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As soon as AWS answers the create call (names, ids, ARNs).
    AtOnce,
    /// When the resource has settled (endpoints, addresses).
    Ready,
    /// When the resource has settled, or never (the secret of a password AWS does not manage).
    Maybe,
}

/// One declared output of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Its name, as references and `rsds output` show it.
    pub name: &'static str,
    /// When it exists.
    pub when: When,
}

/// What `outputs!` implements: the table of a kind's outputs.
pub trait OutputSet: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static {
    /// All outputs, in order of declaration.
    const ALL: &'static [Output];
}

/// Declares a kind's outputs: the struct, its table, and a typed reference per output on `Handle<Kind>`.
/// Outputs under `ready` are `Option`s: AWS does not know them before the resource has settled. Those under `maybe`,
/// which may be left out, have no reference: nobody can wait for what may never come.
#[macro_export]
macro_rules! outputs {
    ($kind:ident => $(#[$doc:meta])* $name:ident {
        at_once { $($(#[$odoc:meta])* $once:ident : $oty:ty),* $(,)? }
        ready { $($(#[$rdoc:meta])* $ready:ident : $rty:ty),* $(,)? }
        $(maybe { $($(#[$mdoc:meta])* $maybe:ident : $mty:ty),* $(,)? })?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$odoc])* pub $once: $oty,)*
            $($(#[$rdoc])* #[serde(default)] pub $ready: Option<$rty>,)*
            $($($(#[$mdoc])* #[serde(default)] pub $maybe: Option<$mty>,)*)?
        }
        impl $crate::kind::OutputSet for $name {
            const ALL: &'static [$crate::kind::Output] = &[
                $($crate::kind::Output { name: stringify!($once), when: $crate::kind::When::AtOnce },)*
                $($crate::kind::Output { name: stringify!($ready), when: $crate::kind::When::Ready },)*
                $($($crate::kind::Output { name: stringify!($maybe), when: $crate::kind::When::Maybe },)*)?
            ];
        }
        impl $crate::kind::Handle<$kind> {
            $($(#[$odoc])* pub fn $once(&self) -> $crate::kind::In<$oty> { self.output(stringify!($once)) })*
            $($(#[$rdoc])* pub fn $ready(&self) -> $crate::kind::In<$rty> { self.output(stringify!($ready)) })*
        }
    };
}

/// Declares a newtype for an AWS identifier, so that one kind of id cannot stand for another.
#[macro_export]
macro_rules! identifier {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
        impl $name {
            /// Returns the text AWS knows it by.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl From<&str> for $name { fn from(text: &str) -> Self { Self(text.to_owned()) } }
        impl From<String> for $name { fn from(text: String) -> Self { Self(text) } }
        impl From<$name> for String { fn from(id: $name) -> Self { id.0 } }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(&self.0) }
        }
    )*};
}
