//! How the two things of a plan that are code, not data, are written to a file and found again: a kind by its name, and
//! what a change does to connections by its words.
//!
//! Used by serde for `Plan`. Must never take a word it does not know: another rsds has other kinds.

use crate::{aws::KINDS, kind::AnyKind};
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// A kind, by its name.
pub(super) mod kind {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(kind: &&'static dyn AnyKind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(kind.name())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<&'static dyn AnyKind, D::Error> {
        let name = String::deserialize(from)?;
        crate::aws::kind(&name).ok_or_else(|| D::Error::custom(format!("this rsds has no kind `{name}`")))
    }
}

/// What a change does to connections, in the words of the kinds.
pub(super) fn impact<'de, D: Deserializer<'de>>(from: D) -> Result<&'static str, D::Error> {
    let text = String::deserialize(from)?;
    let mut known = KINDS.iter().flat_map(|kind| kind.fields()).map(|field| field.impact).chain([""]);
    known.find(|impact| *impact == text).ok_or_else(|| D::Error::custom(format!("this rsds does not say `{text}`")))
}
