//! Picks what a Describe operation answers, by tags, and cuts it into pages.
//!
//! Called by the describes of this service. Source: aws-facts.md 0.3 and 5.1: keys and values of tags match by OR. Must
//! never answer a page of another size than 20 to 100.

use std::collections::BTreeMap;

use serde_json::json;

use super::{AwsError, Reply, Request, invalid, page};

/// Smallest, and largest and usual, page.
const PAGE: (usize, usize) = (20, 100);

/// The tags of a call that an object must have one of.
pub(super) struct TagChoice {
    keys: Vec<String>,
    values: Vec<String>,
}

impl TagChoice {
    /// Reads `TagKeys` and `TagValues`.
    pub(super) fn read(req: &Request) -> Result<Self, AwsError> {
        Ok(Self { keys: req.texts("TagKeys")?, values: req.texts("TagValues")? })
    }

    /// Whether one tag has one of the keys or one of the values; nothing asked for admits every tag.
    pub(super) fn admits(&self, key: &str, value: &str) -> bool {
        self.is_open() || self.keys.iter().any(|asked| asked == key) || self.values.iter().any(|asked| asked == value)
    }

    /// Whether one of the tags fits; nothing asked for admits also what has no tags.
    pub(super) fn admits_any(&self, tags: Option<&BTreeMap<String, String>>) -> bool {
        self.is_open() || tags.into_iter().flatten().any(|(key, value)| self.admits(key, value))
    }

    fn is_open(&self) -> bool {
        self.keys.is_empty() && self.values.is_empty()
    }
}

/// One page of rendered objects under `set`.
pub(super) fn listing(set: &str, items: Vec<Reply>, req: &Request) -> Result<Reply, AwsError> {
    let (items, marker) = page(items, req, "MaxRecords", "Marker", PAGE.1, PAGE.0..=PAGE.1)
        .map_err(|error| if error.code == "ValidationError" { invalid(error.message) } else { error })?;
    Ok(json!({ set: items, "Marker": marker }))
}
