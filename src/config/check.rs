//! Walks the merged tree against the table of keys: unknown keys, wrong types, wrong forms, what is missing, and what
//! does not work yet, all of it at once. Called by `load.rs`. What it returns is pruned: every value left in the tree
//! has the type its key says, so conversion cannot fail. Rules that compare several values are in `rules/`.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Diagnostic, did_you_mean, nearest};
use super::keys::{Absent, KEYS, Key, Since, Type, children_in, find_in};
use super::shape::{Fault, Shape, tag_text};
use super::source::Origin;
use super::tree::{Node, Value, join};

/// The longest value of a tag.
const TAG_VALUE: usize = 256;

/// What checking found.
#[derive(Debug)]
pub(super) struct Checked {
    /// The tree without the values that are wrong.
    pub tree: Node,
    /// Errors, in the order of the walk.
    pub errors: Vec<Diagnostic>,
    /// Keys and values that are right but do not work in this version.
    pub unsupported: Vec<Diagnostic>,
    /// Paths whose value was wrong or missing: what is in the configuration there is a default nobody asked for.
    pub broken: BTreeSet<String>,
}

/// Checks the whole tree of an environment.
#[must_use]
pub(super) fn check(tree: Node) -> Checked {
    check_against(KEYS, tree)
}

/// Checks a whole tree against this table of keys.
#[must_use]
pub(super) fn check_against(keys: &'static [Key], tree: Node) -> Checked {
    let mut walk = Walk { keys, errors: Vec::new(), unsupported: Vec::new(), broken: BTreeSet::new() };
    let tree = walk.table("", "", tree, false);
    Checked { tree, errors: walk.errors, unsupported: walk.unsupported, broken: walk.broken }
}

/// Says whether AWS knows this many RPUs (aws-facts.md 6.2).
#[must_use]
pub const fn legal_rpu(rpu: i64) -> bool {
    rpu == 4 || (rpu >= 8 && rpu <= 512 && rpu % 8 == 0) || (rpu > 512 && rpu <= 1024 && rpu % 32 == 0)
}

/// Says whether a warehouse can listen on this port (aws-facts.md 5.3 and 6.2).
#[must_use]
pub const fn legal_port(port: i64) -> bool {
    matches!(port, 5431..=5455 | 8191..=8215)
}

/// Returns a scalar as the text Redshift wants for a parameter.
#[must_use]
pub(super) fn setting(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

struct Walk {
    keys: &'static [Key],
    errors: Vec<Diagnostic>,
    unsupported: Vec<Diagnostic>,
    broken: BTreeSet<String>,
}

impl Walk {
    fn fault(&mut self, path: &str, origin: &Origin, fault: Fault) {
        let message = format!("{path}: {}", fault.message);
        self.errors.push(Diagnostic::error(message, origin).maybe_help(fault.help));
        self.broken.insert(path.to_owned());
    }

    /// Checks a table whose keys are listed under `pattern`; `quiet` when its being unsupported is already said.
    fn table(&mut self, pattern: &str, path: &str, node: Node, quiet: bool) -> Node {
        let Node { value: Value::Table(entries), origin, key } = node else { return node };
        self.missing(pattern, path, &entries, &key);
        let open = find_in(self.keys, pattern).is_some_and(|key| key.ty == Type::Open);
        let written: BTreeSet<String> = entries.keys().cloned().collect();
        let mut kept = BTreeMap::new();
        for (name, child) in entries {
            let child_path = join(path, &name);
            let known = children_in(self.keys, pattern).find(|key| key.split().1 == name);
            let checked = match known {
                Some(key) => self.value(key, &child_path, child, quiet),
                None if open => Some(child),
                None => self.unknown(pattern, path, &name, &child, &written),
            };
            kept.extend(checked.map(|node| (name, node)));
        }
        Node { value: Value::Table(kept), origin, key }
    }

    fn missing(&mut self, pattern: &str, path: &str, entries: &BTreeMap<String, Node>, at: &Origin) {
        for key in children_in(self.keys, pattern).filter(|key| key.absent == Absent::Required) {
            let name = key.split().1;
            if !entries.contains_key(name) {
                let place = if path.is_empty() { "the file".to_owned() } else { format!("`{path}`") };
                let what = if key.ty == Type::Table { "table" } else { "key" };
                let missing = Diagnostic::error(format!("{place} has no {what} `{name}`"), at);
                self.errors.push(missing.help(format!("`{name}`: {}", key.doc)));
                self.broken.insert(join(path, name));
            }
        }
    }

    fn unknown(
        &mut self,
        pattern: &str,
        path: &str,
        name: &str,
        child: &Node,
        written: &BTreeSet<String>,
    ) -> Option<Node> {
        let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        let siblings = children_in(self.keys, pattern).map(|key| key.split().1);
        let elsewhere = self.keys.iter().find(|key| key.split().1 == name && !key.path.contains("[]"));
        let near = nearest(name, siblings.clone());
        // Rules say nothing about the default of a key that was meant and mistyped.
        self.broken.extend(near.filter(|near| !written.contains(*near)).map(|near| join(path, near)));
        let help = near
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(|| elsewhere.map(|key| format!("there is {}", placed(key))))
            .or_else(|| did_you_mean(name, siblings));
        let unknown = Diagnostic::error(format!("unknown key `{}`{place}", name.escape_debug()), &child.key);
        self.errors.push(unknown.label("not a key rsds knows").maybe_help(help));
        None
    }

    fn value(&mut self, key: &'static Key, path: &str, node: Node, quiet: bool) -> Option<Node> {
        let quiet = self.not_yet(key, path, &node, quiet);
        match (key.ty, &node.value) {
            (Type::Table | Type::Open, Value::Table(_)) => Some(self.table(key.path, path, node, quiet)),
            (Type::Map(shape), Value::Table(_)) => Some(self.map(key, shape, path, node, quiet)),
            (Type::Tables, Value::List(_)) => Some(self.tables(key, path, node, quiet)),
            (Type::Settings, Value::Table(_)) => Some(self.settings(path, node)),
            (Type::Tags, Value::Table(_)) => Some(self.tags(path, node)),
            _ => self.leaf(key, path, node),
        }
    }

    fn not_yet(&mut self, key: &Key, path: &str, node: &Node, quiet: bool) -> bool {
        if key.since == Since::Now {
            return quiet;
        }
        if !quiet {
            let diagnostic = Diagnostic::error(format!("`{path}` is not supported yet"), &node.key);
            let label = "understood, but this version of rsds does not build it";
            self.unsupported.push(diagnostic.label(label));
        }
        true
    }

    fn map(&mut self, key: &Key, shape: Shape, path: &str, node: Node, quiet: bool) -> Node {
        let Node { value: Value::Table(entries), origin, key: at } = node else { return node };
        let Some(inner) = find_in(self.keys, &format!("{}.*", key.path)) else { return Node::root() };
        let mut kept = BTreeMap::new();
        for (name, child) in entries {
            let child_path = join(path, &name);
            if let Err(fault) = shape.check(&name) {
                self.fault(&child_path, &child.key, fault);
            }
            // A refused name stays in the tree, so that what refers to it is not reported as well.
            kept.extend(self.value(inner, &child_path, child, quiet).map(|node| (name, node)));
        }
        Node { value: Value::Table(kept), origin, key: at }
    }

    fn tables(&mut self, key: &Key, path: &str, node: Node, quiet: bool) -> Node {
        let Node { value: Value::List(items), origin, key: at } = node else { return node };
        let pattern = format!("{}[]", key.path);
        let mut kept = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let item_path = format!("{path}[{index}]");
            if matches!(item.value, Value::Table(_)) {
                kept.push(self.table(&pattern, &item_path, item, quiet));
            } else {
                self.wrong_type(&item_path, &item, "a table", None);
            }
        }
        Node { value: Value::List(kept), origin, key: at }
    }

    fn settings(&mut self, path: &str, node: Node) -> Node {
        let Node { value: Value::Table(entries), origin, key } = node else { return node };
        let mut kept = BTreeMap::new();
        for (name, child) in entries {
            if setting(&child.value).is_some() {
                kept.insert(name, child);
            } else {
                self.wrong_type(&join(path, &name), &child, "a string, an integer or a boolean", None);
            }
        }
        Node { value: Value::Table(kept), origin, key }
    }

    fn tags(&mut self, path: &str, node: Node) -> Node {
        let Node { value: Value::Table(entries), origin, key } = node else { return node };
        let mut kept = BTreeMap::new();
        for (name, child) in entries {
            let child_path = join(path, &name);
            let Some(text) = child.text() else {
                let help = setting(&child.value).map(|text| format!("write `\"{text}\"`"));
                self.wrong_type(&child_path, &child, "a string", help);
                continue;
            };
            let wrong_key = Shape::TagKey.check(&name).err().map(|fault| (&child.key, fault));
            let wrong_value = tag_text(text, 0, TAG_VALUE).err().map(|fault| (&child.origin, fault));
            let wrong: Vec<_> = wrong_key.into_iter().chain(wrong_value).collect();
            if wrong.is_empty() {
                kept.insert(name, child);
            } else {
                for (at, fault) in wrong {
                    self.fault(&child_path, at, fault);
                }
            }
        }
        Node { value: Value::Table(kept), origin, key }
    }

    fn leaf(&mut self, key: &Key, path: &str, node: Node) -> Option<Node> {
        match (key.ty, &node.value) {
            (Type::Bool, Value::Bool(_)) => Some(node),
            (Type::Text(shape), Value::Text(text)) => self.keep(path, shape.check(text), node),
            (Type::Int(from, to), Value::Int(number)) => {
                let bounds = format!("{number} is out of bounds: from {from} to {to}");
                let good = (from..=to).contains(number).then_some(()).ok_or_else(|| Fault::new(bounds));
                self.keep(path, good, node)
            }
            (Type::Decimal(from, to), Value::Int(_) | Value::Number(_)) => {
                let number = node.value.decimal().unwrap_or(f64::NAN);
                let bounds = format!("{number} is out of bounds: from {from} to {to}");
                let good = (from as f64..=to as f64).contains(&number).then_some(());
                self.keep(path, good.ok_or_else(|| Fault::new(bounds)), node)
            }
            (Type::Rpu, Value::Int(number)) => self.keep(path, rpu(*number), node),
            (Type::Port, Value::Int(number)) => self.keep(path, port(*number), node),
            (Type::Zones, Value::Int(number)) => {
                let good = (1..=6).contains(number).then_some(());
                self.keep(path, good.ok_or_else(|| Fault::new(format!("{number} zones: from 1 to 6"))), node)
            }
            (Type::Zones, Value::List(_)) => self.texts(path, Shape::Any, node),
            (Type::Texts(shape), Value::List(_)) => self.texts(path, shape, node),
            (ty, value) => {
                let help = correction(ty, value);
                self.wrong_type(path, &node, expected(ty), help);
                None
            }
        }
    }

    fn keep(&mut self, path: &str, good: Result<(), Fault>, node: Node) -> Option<Node> {
        match good {
            Ok(()) => Some(node),
            Err(fault) => {
                self.fault(path, &node.origin, fault);
                None
            }
        }
    }

    fn texts(&mut self, path: &str, shape: Shape, node: Node) -> Option<Node> {
        let before = self.errors.len();
        let mut seen = BTreeSet::new();
        for (index, item) in node.items().iter().enumerate() {
            let item_path = format!("{path}[{index}]");
            let Some(text) = item.text() else {
                self.wrong_type(&item_path, item, "a string", None);
                continue;
            };
            if let Err(fault) = shape.check(text) {
                self.fault(&item_path, &item.origin, fault);
            } else if !seen.insert(text) {
                self.fault(&item_path, &item.origin, Fault::new(format!("`{text}` is listed twice")));
            }
        }
        if self.errors.len() == before {
            return Some(node);
        }
        self.broken.insert(path.to_owned());
        None
    }

    fn wrong_type(&mut self, path: &str, node: &Node, wanted: &str, help: Option<String>) {
        let message = format!("`{path}` must be {wanted}, found {}", node.value.type_name());
        let diagnostic = Diagnostic::error(message, &node.origin).label(format!("expected {wanted}"));
        self.errors.push(diagnostic.maybe_help(help));
        self.broken.insert(path.to_owned());
    }
}

fn placed(key: &Key) -> String {
    match key.split() {
        ("", name) => format!("a key `{name}` at the top of the file, before the first `[table]`"),
        (table, name) => format!("a key `{name}` in `[{}]`", table.replace('*', "NAME")),
    }
}

fn rpu(number: i64) -> Result<(), Fault> {
    if legal_rpu(number) {
        return Ok(());
    }
    let below = (4..=number.min(1024)).rev().find(|rpu| legal_rpu(*rpu));
    let above = (number.max(4)..=1024).find(|rpu| legal_rpu(*rpu));
    let near: Vec<String> = below.into_iter().chain(above).map(|rpu| rpu.to_string()).collect();
    let rule = "AWS knows 4, then 8 to 512 in steps of 8, then up to 1024 in steps of 32";
    Err(Fault::new(format!("{number} RPUs: {rule}")).help(format!("nearest: {}", near.join(" or "))))
}

fn port(number: i64) -> Result<(), Fault> {
    if legal_port(number) {
        return Ok(());
    }
    let fault = Fault::new(format!("a warehouse cannot listen on port {number}: only on 5431-5455 or 8191-8215"));
    Err(fault.help("clients connect to `nlb.port`, which may be any port"))
}

const fn expected(ty: Type) -> &'static str {
    match ty {
        Type::Text(Shape::Duration(..) | Shape::Span(_)) => "a duration in quotes",
        Type::Text(_) => "a string",
        Type::Texts(_) => "an array of strings",
        Type::Bool => "a boolean",
        Type::Int(..) | Type::Rpu | Type::Port => "an integer",
        Type::Decimal(..) => "a number",
        Type::Zones => "a number or an array of zone names",
        Type::Tables => "an array of tables",
        _ => "a table",
    }
}

fn correction(ty: Type, value: &Value) -> Option<String> {
    match (ty, value) {
        (Type::Text(Shape::Duration(..) | Shape::Span(_)), Value::Int(number)) => {
            Some(format!("write `\"{number}s\"`"))
        }
        (Type::Text(_), Value::Int(number)) => Some(format!("write `\"{number}\"`")),
        (Type::Texts(_), Value::Text(text)) => Some(format!("write `[\"{text}\"]`")),
        (Type::Bool, Value::Text(text)) if text == "true" || text == "false" => Some(format!("write `{text}`")),
        (Type::Int(..) | Type::Rpu | Type::Port | Type::Zones, Value::Text(text)) => {
            text.parse::<i64>().ok().map(|number| format!("write `{number}`"))
        }
        (Type::Decimal(..), Value::Text(text)) => text.parse::<f64>().ok().map(|number| format!("write `{number}`")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{keys::later, source::Source, tree::parse};
    use super::*;

    const YET: &[Key] = &[
        later("table", Type::Table, Absent::Nothing, "A table."),
        later("table.text", Type::Text(Shape::Any), Absent::Nothing, "A text."),
    ];

    #[test]
    fn what_is_not_built_yet_is_said_once_per_key() {
        let tree = parse(&Source::file("dev.toml", "\ntable = { text = \"a\" }\n")).unwrap();
        let checked = check_against(YET, tree);
        let said: Vec<String> = checked.unsupported.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["dev.toml:2: `table` is not supported yet"]);
        assert!(checked.errors.is_empty());
    }

    #[test]
    fn rpu_steps() {
        let legal: Vec<i64> = (0..=1100).filter(|rpu| legal_rpu(*rpu)).collect();
        assert_eq!(legal.len(), 1 + 64 + 16);
        assert_eq!(&legal[..4], &[4, 8, 16, 24]);
        assert_eq!(&legal[legal.len() - 3..], &[960, 992, 1024]);
        assert_eq!(rpu(33).unwrap_err().help.unwrap(), "nearest: 32 or 40");
        assert_eq!(rpu(520).unwrap_err().help.unwrap(), "nearest: 512 or 544");
        assert_eq!(rpu(-1).unwrap_err().help.unwrap(), "nearest: 4");
        assert_eq!(rpu(i64::MAX).unwrap_err().help.unwrap(), "nearest: 1024");
    }
}
