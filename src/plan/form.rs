//! How what is code in a plan, not data, is written to a file and found again: a kind by its name.
//!
//! Used by serde for `Plan`. Must never take a name it does not know: another rsds has other kinds.

use crate::kind::AnyKind;
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
