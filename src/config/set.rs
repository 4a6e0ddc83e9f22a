//! `--set KEY=VALUE`: one value from the command line, as a tree of its own to lay over the files.
//! Called by `load.rs`. It checks only its own syntax and that it makes no new group by a slip of the hand;
//! keys and types are checked with everything else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, did_you_mean};
use super::keys::{Type, find};
use super::source::{Origin, Source};
use super::tree::{Node, Value, parse, parse_value};

/// Reads all `--set` arguments, in order; `files` is what they will be laid over.
#[must_use]
pub(super) fn parse_all(sets: &[String], files: &Node) -> (Vec<Node>, Vec<Diagnostic>) {
    let (mut nodes, mut errors) = (Vec::new(), Vec::new());
    for (index, text) in sets.iter().enumerate() {
        match parse_one(&Source::set(index + 1, text.as_str()), files) {
            Ok(node) => nodes.push(node),
            Err(error) => errors.push(*error),
        }
    }
    (nodes, errors)
}

fn parse_one(source: &Arc<Source>, files: &Node) -> Result<Node, Box<Diagnostic>> {
    let whole = Origin::new(source, 0..source.text.len());
    let wrong = |message: &str| {
        Box::new(
            Diagnostic::error(message, &whole)
                .help("write `--set KEY=VALUE`, as in `--set consumers.reporting.max_capacity=128`"),
        )
    };
    let split = equals(&source.text).ok_or_else(|| wrong("not of the form KEY=VALUE"))?;
    let names = key_names(&source.text[..split]).ok_or_else(|| wrong("the part before `=` is not a key"))?;
    let key = Origin::new(source, 0..split);
    if names.first().is_some_and(|name| name == "extends") {
        return Err(Box::new(Diagnostic::error("`extends` can only be written in a file", &key)));
    }
    new_name(&names, files, &key)?;
    let leaf = Node { key: key.clone(), ..value(source, split + 1) };
    let wrap = |inner: Node, name: String| Node {
        value: Value::Table(BTreeMap::from([(name, inner)])),
        origin: key.clone(),
        key: key.clone(),
    };
    Ok(names.into_iter().rev().fold(leaf, wrap))
}

/// Finds the first `=` outside quotes.
fn equals(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(index, c)| {
        match (quote, c) {
            (None, '=') => return Some(index),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        None
    })
}

/// Reads a dotted key with TOML's own rules.
fn key_names(text: &str) -> Option<Vec<String>> {
    if text.contains(['\n', '\r', '#', '[']) {
        return None;
    }
    let mut node = parse(&Source::file("", format!("{text} = 0"))).ok()?;
    let mut names = Vec::new();
    while let Value::Table(table) = node.value {
        let mut entries = table.into_iter();
        let (name, inner) = entries.next()?;
        if entries.next().is_some() {
            return None;
        }
        names.push(name);
        node = inner;
    }
    Some(names)
}

/// Reads the value as TOML, or takes it as a string when it is not.
fn value(source: &Arc<Source>, from: usize) -> Node {
    parse_value(source, from).unwrap_or_else(|| {
        let origin = Origin::new(source, from..source.text.len());
        Node { value: Value::Text(source.text[from..].trim().to_owned()), key: origin.clone(), origin }
    })
}

/// A group, share, user or role that no file has is more likely a slip than a wish.
fn new_name(names: &[String], files: &Node, key: &Origin) -> Result<(), Box<Diagnostic>> {
    let [table, name, ..] = names else { return Ok(()) };
    let chosen = find(table).is_some_and(|key| matches!(key.ty, Type::Map(_)));
    let there = files.get(table).and_then(Node::table);
    if !chosen || table == "resources" || there.is_some_and(|there| there.contains_key(name)) {
        return Ok(());
    }
    let message =
        format!("`--set` cannot add `{}`: no file has `[{table}.{}]`", name.escape_debug(), name.escape_debug());
    let known = there.into_iter().flatten().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    Err(Box::new(Diagnostic::error(message, key).maybe_help(did_you_mean(name, known))))
}
