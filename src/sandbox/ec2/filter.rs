//! Filters of the describe calls: parsing, wildcards, and the match against the answer's own members.
//!
//! Called by describe.rs, tag.rs and zone.rs. It must never let an unknown filter pass: that would answer everything.

use serde_json::Value;

use super::{AwsError, Reply, Request, invalid};

/// The most values one call may give over all its filters (aws-facts.md 1).
const VALUES_PER_CALL: usize = 200;
/// The name that stands for `tag:KEY` in a table of filters.
pub(super) const TAG: &str = "tag:";

/// A filter's name and the dotted path of the answer's members it looks at; an empty path never matches, because no
/// object of the sandbox has what the filter asks for.
pub(super) type Known = (&'static str, &'static str);

/// One filter of a call: any of its values may match.
pub(super) struct Filter {
    look: Look,
    values: Vec<Vec<Glyph>>,
}

enum Look {
    Path(&'static str),
    Tag(String),
}

/// Reads the filters of a call, refusing those not in `known`.
pub(super) fn parse(req: &Request, known: &[Known]) -> Result<Vec<Filter>, AwsError> {
    let mut total = 0;
    let mut filters = Vec::new();
    for given in req.list("Filter") {
        let name = given.text("Name")?;
        let values = given.texts("Value")?;
        if values.is_empty() {
            return Err(invalid(format!("The filter '{name}' has no values")));
        }
        total += values.len();
        filters.push(Filter { look: look(&name, known)?, values: values.iter().map(|value| glyphs(value)).collect() });
    }
    if total > VALUES_PER_CALL {
        return Err(AwsError::new(
            "FilterLimitExceeded",
            format!("The maximum number of filter values specified on a single call is {VALUES_PER_CALL}"),
        ));
    }
    Ok(filters)
}

fn look(name: &str, known: &[Known]) -> Result<Look, AwsError> {
    let unknown = || invalid(format!("The filter '{name}' is invalid"));
    if let Some(key) = name.strip_prefix(TAG) {
        let takes_tags = known.iter().any(|(known, _)| *known == TAG);
        return if takes_tags && !key.is_empty() { Ok(Look::Tag(key.to_owned())) } else { Err(unknown()) };
    }
    let (_, path) = known.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
    Ok(Look::Path(path))
}

impl Filter {
    /// Tells whether one object of an answer passes.
    pub(super) fn admits(&self, object: &Reply) -> bool {
        let found = match &self.look {
            Look::Path("") => Vec::new(),
            Look::Path(path) => texts_at(object, path),
            Look::Tag(key) => tag_values(object, key),
        };
        found.iter().any(|text| self.values.iter().any(|pattern| fits(pattern, text)))
    }
}

/// Collects the leaves under a dotted path as text, going into every element of the lists on the way.
fn texts_at(value: &Value, path: &str) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| texts_at(item, path)).collect(),
        Value::Object(members) => {
            let (head, rest) = path.split_once('.').unwrap_or((path, ""));
            members.get(head).map(|member| texts_at(member, rest)).unwrap_or_default()
        }
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
    }
}

/// The values of tag `key`: of the object's tag set, or of the object itself where it is a tag (`DescribeTags`).
fn tag_values(object: &Reply, key: &str) -> Vec<String> {
    let tags = match object.get("tagSet") {
        Some(Value::Array(tags)) => tags.as_slice(),
        _ => std::slice::from_ref(object),
    };
    tags.iter()
        .filter(|tag| tag.get("key").and_then(Value::as_str) == Some(key))
        .flat_map(|tag| texts_at(tag, "value"))
        .collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Glyph {
    Any,
    One,
    Just(char),
}

/// Splits a filter value into `*`, `?` and plain characters; a backslash takes the next one literally.
fn glyphs(pattern: &str) -> Vec<Glyph> {
    let mut chars = pattern.chars();
    let mut out = Vec::new();
    while let Some(c) = chars.next() {
        out.push(match c {
            '*' => Glyph::Any,
            '?' => Glyph::One,
            '\\' => Glyph::Just(chars.next().unwrap_or('\\')),
            plain => Glyph::Just(plain),
        });
    }
    out
}

fn fits(pattern: &[Glyph], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // reach[i]: the pattern so far can end after i characters.
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    for glyph in pattern {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = match glyph {
                Glyph::Any => reach[end] || (end > 0 && next[end - 1]),
                Glyph::One => end > 0 && reach[end - 1],
                Glyph::Just(c) => end > 0 && reach[end - 1] && text[end - 1] == *c,
            };
        }
        reach = next;
    }
    reach[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_like_aws() {
        let cases = [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("ELB net/*/?", "ELB net/x/y/z", true),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("Prod", "prod", false),
            ("", "x", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(fits(&glyphs(pattern), text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn paths_go_through_lists() {
        let object = serde_json::json!({"a": [{"b": [{"c": 1}, {"c": true}]}, {"b": []}]});
        assert_eq!(texts_at(&object, "a.b.c"), ["1", "true"]);
        assert!(texts_at(&object, "a.x").is_empty());
    }
}
