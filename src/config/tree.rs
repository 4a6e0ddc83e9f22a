//! The spanned tree of values: read from TOML, merged over one another, each node knowing its origin.
//! Used by loading, checking and conversion. It knows nothing of what keys mean, and never fails on odd text.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::diagnostic::Diagnostic;
use super::source::{Origin, Source};

/// One value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// What it is.
    pub value: Value,
    /// Where the value stands; for a table, where its name stands.
    pub origin: Origin,
    /// Where its key stands; the value's own place inside lists.
    pub key: Origin,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Int(i64),
    /// A number TOML allows and rsds has no use for: a float, or an integer beyond 64 bits.
    Number(String),
    /// A boolean.
    Bool(bool),
    /// A date or time.
    Datetime(String),
    /// An array.
    List(Vec<Node>),
    /// A table.
    Table(BTreeMap<String, Node>),
}

impl Value {
    /// Returns the TOML name of the type, with its article.
    #[must_use]
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Int(_) => "an integer",
            Self::Number(_) => "a number",
            Self::Bool(_) => "a boolean",
            Self::Datetime(_) => "a date",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
        }
    }

    /// Returns the value when it is a number, with decimals or without.
    #[must_use]
    pub(super) fn decimal(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Number(text) => text.replace('_', "").parse().ok(),
            _ => None,
        }
    }

    /// Returns the value as JSON.
    #[must_use]
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Datetime(text) => text.clone().into(),
            Self::Int(number) => (*number).into(),
            Self::Bool(yes) => (*yes).into(),
            Self::List(items) => items.iter().map(|item| item.value.to_json()).collect(),
            Self::Table(table) => table.iter().map(|(name, node)| (name.clone(), node.value.to_json())).collect(),
        }
    }
}

impl Node {
    /// Returns an empty table without an origin: the root.
    #[must_use]
    pub(super) const fn root() -> Self {
        Self { value: Value::Table(BTreeMap::new()), origin: Origin::Default, key: Origin::Default }
    }

    /// Returns the entries when this is a table.
    #[must_use]
    pub(super) const fn table(&self) -> Option<&BTreeMap<String, Self>> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Returns the node called `name` in this table.
    #[must_use]
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.table()?.get(name)
    }

    /// Returns the text when this is a string.
    #[must_use]
    pub(super) const fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// Returns the items when this is an array.
    #[must_use]
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// Lays `over` on this: tables merge, everything else replaces.
    pub(super) fn merge(&mut self, over: Self) {
        if let (Value::Table(under), Value::Table(_)) = (&mut self.value, &over.value) {
            let Value::Table(entries) = over.value else { return };
            for (name, node) in entries {
                match under.get_mut(&name) {
                    Some(old) => old.merge(node),
                    None => drop(under.insert(name, node)),
                }
            }
            // `--set` changes one value inside a table; the table itself is still where the file has it.
            if !matches!(over.key, Origin::Set { .. }) {
                self.origin = over.origin;
                self.key = over.key;
            }
        } else {
            *self = over;
        }
    }
}

/// Reads a whole TOML text; every syntax error becomes a diagnostic.
///
/// # Errors
/// Returns all syntax errors of the text.
pub(super) fn parse(source: &Arc<Source>) -> Result<Node, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| syntax_error(source, error)).collect());
    }
    let root = Origin::new(source, 0..0);
    Ok(Node { value: from_table(source, 0, table.into_inner()), origin: root.clone(), key: root })
}

/// Reads one TOML value that stands in `source` from `offset` to the end; `None` when the text is not one.
#[must_use]
pub(super) fn parse_value(source: &Arc<Source>, offset: usize) -> Option<Node> {
    let text = source.text.get(offset..)?.trim_end();
    let offset = offset + text.len() - text.trim_start().len();
    let value = DeValue::parse(text.trim_start()).ok()?;
    let origin = Origin::new(source, offset..offset + text.trim_start().len());
    Some(Node { value: from_value(source, offset, value.into_inner()), key: origin.clone(), origin })
}

fn syntax_error(source: &Arc<Source>, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    Diagnostic::error(format!("not valid TOML: {message}"), &Origin::new(source, span))
}

fn shift(span: &Range<usize>, offset: usize) -> Range<usize> {
    span.start + offset..span.end + offset
}

fn from_table(source: &Arc<Source>, offset: usize, table: DeTable<'_>) -> Value {
    let entries = table.into_iter().map(|(name, value)| {
        let key = Origin::new(source, shift(&name.span(), offset));
        let origin = match value.get_ref() {
            DeValue::Table(_) => key.clone(),
            _ => Origin::new(source, shift(&value.span(), offset)),
        };
        (name.into_inner().into_owned(), Node { value: from_value(source, offset, value.into_inner()), origin, key })
    });
    Value::Table(entries.collect())
}

fn from_value(source: &Arc<Source>, offset: usize, value: DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Number(number.as_str().to_owned()),
        },
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(yes) => Value::Bool(yes),
        DeValue::Datetime(when) => Value::Datetime(when.to_string()),
        DeValue::Table(table) => from_table(source, offset, table),
        DeValue::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item| {
                    let origin = Origin::new(source, shift(&item.span(), offset));
                    Node { value: from_value(source, offset, item.into_inner()), key: origin.clone(), origin }
                })
                .collect(),
        ),
    }
}

/// Joins a key path and one more name, quoting the name when TOML would want it quoted.
#[must_use]
pub fn join(path: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let name = if bare { name.to_owned() } else { format!("\"{}\"", name.escape_default()) };
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

/// Finds the node at `path` (written as `join` writes it, elements of arrays as `[0]`), or the nearest one around it;
/// the root when nothing of the path is there. The answer says whether it is the exact one.
#[must_use]
pub(super) fn locate<'a>(root: &'a Node, path: &str) -> (&'a Node, bool) {
    let (mut node, mut at) = (root, String::new());
    while at != path {
        let Some((next, inner)) = step(node, &at, path) else { return (node, false) };
        (at, node) = (next, inner);
    }
    (node, true)
}

fn step<'a>(node: &'a Node, at: &str, path: &str) -> Option<(String, &'a Node)> {
    let leads =
        |next: &str| path.strip_prefix(next).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    let named = node.table().into_iter().flatten().map(|(name, inner)| (join(at, name), inner));
    let counted = node.items().iter().enumerate().map(|(index, inner)| (format!("{at}[{index}]"), inner));
    named.chain(counted).find(|(next, _)| leads(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(name: &str, text: &str) -> Node {
        parse(&Source::file(name, text)).unwrap()
    }

    #[test]
    fn tables_merge_and_the_rest_replaces() {
        let mut under = tree("common.toml", "a = [1, 2]\n[t]\nx = 1\ny = 2\n");
        under.merge(tree("dev.toml", "a = [3]\n[t]\ny = 3\n"));
        assert_eq!(under.value.to_json(), serde_json::json!({"a": [3], "t": {"x": 1, "y": 3}}));
        let t = under.get("t").unwrap();
        assert_eq!(t.get("x").unwrap().origin.short(), "common.toml:3");
        assert_eq!(t.get("y").unwrap().origin.short(), "dev.toml:3");
    }

    #[test]
    fn several_syntax_errors_come_at_once() {
        let errors = parse(&Source::file("dev.toml", "a = \nb = 1\nc = [1,,2]\n")).unwrap_err();
        assert!(errors.len() >= 2, "{errors:?}");
        let lines: Vec<String> = errors.iter().map(|error| error.origin.short()).collect();
        assert!(lines.contains(&"dev.toml:1".to_owned()) && lines.contains(&"dev.toml:3".to_owned()), "{lines:?}");
    }

    #[test]
    fn places_are_found_by_path_or_nearest() {
        let root = tree("a.toml", "[t]\nx = [1, 2]\n[t.\"c-1/w\"]\nname = \"n\"\n");
        assert_eq!(locate(&root, "t.x[1]").0.origin.short(), "a.toml:2");
        assert_eq!(
            locate(&root, "t.\"c-1/w\".name"),
            (root.get("t").unwrap().get("c-1/w").unwrap().get("name").unwrap(), true)
        );
        let (nearest, exact) = locate(&root, "t.y.z");
        assert_eq!((nearest.origin.short().as_str(), exact), ("a.toml:1", false));
    }

    #[test]
    fn numbers_beyond_64_bits_are_kept_as_text() {
        let root = tree("a.toml", "a = 99999999999999999999\nb = 0xff\n");
        assert_eq!(root.get("a").unwrap().value, Value::Number("99999999999999999999".to_owned()));
        assert_eq!(root.get("b").unwrap().value, Value::Int(255));
    }
}
