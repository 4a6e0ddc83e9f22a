//! The environment file of an old estate: plain keys first, then what they cannot say, resource by resource.
//!
//! Filled by `import::bulk`, round by round. Must never hold a value that AWS does not show.

use super::survey::Layout;
use crate::{
    address::Address,
    config::shape::{Shape, tag_text},
    kind::{After, AnyKind, Tree},
    plan::FieldChange,
    stack::Wanted,
};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// The longest value of a tag.
const TAG_VALUE: usize = 256;

/// What is said of one resource.
#[derive(Clone, Debug, PartialEq)]
struct Resource {
    exists: bool,
    name: Option<String>,
    fields: Map<String, Json>,
    ignored: BTreeSet<String>,
}

/// A file to be.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    sections: Vec<(String, Vec<(String, Json)>)>,
    tags: Map<String, Json>,
    resources: BTreeMap<Address, Resource>,
}

impl File {
    /// The plain keys of a layout, and the names it has found.
    pub fn of(layout: &Layout) -> Self {
        let mut sections = layout.sections.clone();
        let rank = |name: &str| match name.split('.').next() {
            Some("") => 0,
            Some("networking") => 1,
            Some("producer") => 2,
            Some("consumers") => 3,
            _ => 4,
        };
        sections.sort_by_key(|(name, _)| rank(name));
        let mut file = Self { sections, tags: Map::new(), resources: BTreeMap::new() };
        for (address, name) in &layout.names {
            file.resource(address).name = Some(name.clone());
        }
        file
    }

    fn resource(&mut self, address: &Address) -> &mut Resource {
        let new = || Resource { exists: true, name: None, fields: Map::new(), ignored: BTreeSet::new() };
        self.resources.entry(address.clone()).or_insert_with(new)
    }

    /// Puts these tags on everything.
    pub fn tag_all(&mut self, tags: &BTreeMap<String, String>) {
        let good = |key: &str, value: &str| Shape::TagKey.check(key).is_ok() && tag_text(value, 0, TAG_VALUE).is_ok();
        let tags = tags.iter().filter(|(key, value)| good(key, value));
        self.tags = tags.map(|(key, value)| (key.clone(), Json::from(value.as_str()))).collect();
    }

    /// Leaves a resource out.
    pub fn leave_out(&mut self, address: &Address) {
        *self.resource(address) = Resource { exists: false, name: None, fields: Map::new(), ignored: BTreeSet::new() };
    }

    /// Sets a whole field to what AWS shows, or, where the file has no word for it, leaves it alone.
    pub fn pin(&mut self, address: &Address, wanted: &Wanted, field: &str, live: &Json) {
        let value = spoken(live);
        let fits = value.as_ref().is_some_and(|value| fits(wanted, field, value));
        let resource = self.resource(address);
        match value.filter(|_| fits) {
            Some(Json::String(name)) if field == "name" => resource.name = Some(name),
            Some(value) => drop(resource.fields.insert(field.to_owned(), value)),
            None => drop(resource.ignored.insert(field.to_owned())),
        }
    }

    /// Says of one difference what AWS shows.
    pub fn settle(&mut self, address: &Address, wanted: &Wanted, change: &FieldChange) {
        let FieldChange { field, key, before, after, .. } = change;
        // What comes from elsewhere is known, or left out, in the next round.
        if matches!(after, After::From(_)) {
            return;
        }
        let Some(key) = key else { return self.pin(address, wanted, field, before) };
        if key.starts_with("rsds:") {
            return;
        }
        let is_tag = field == "tags";
        let good = match before {
            Json::Null => false,
            Json::String(text) if is_tag => Shape::TagKey.check(key).is_ok() && tag_text(text, 0, TAG_VALUE).is_ok(),
            _ => true,
        };
        let unnamed = wanted.kind.fields().iter().all(|field| field.name != "name");
        let resource = self.resource(address);
        match before {
            _ if !good => drop(resource.ignored.insert(format!("{field}.{key}"))),
            Json::String(name) if is_tag && key == "Name" && unnamed => resource.name = Some(name.clone()),
            value => {
                let map = resource.fields.entry(field.clone()).or_insert_with(|| Json::Object(Map::new()));
                map[key] = value.clone();
            }
        }
    }

    /// Writes it.
    pub fn text(&self, heading: &str) -> String {
        let mut text: String = heading.lines().map(|line| format!("# {line}\n")).collect();
        for (section, keys) in &self.sections {
            if !section.is_empty() {
                text.extend(["\n[", section, "]\n"]);
            }
            keys.iter().for_each(|(key, value)| text.push_str(&line(key, value)));
            if section.is_empty() && !self.tags.is_empty() {
                text.push_str("\n[tags]\n");
                self.tags.iter().for_each(|(key, value)| text.push_str(&line(key, value)));
            }
        }
        let said = self.resources.iter().filter(|(_, of)| **of != Resource::silent());
        for (number, (address, Resource { exists, name, fields, ignored })) in said.enumerate() {
            if number == 0 {
                text.push_str("\n# What the keys above cannot say, resource by resource.\n");
            }
            text.extend(["\n[resources.\"", &address.to_string(), "\"]\n"]);
            if !exists {
                text.push_str("exists = false\n");
            }
            name.iter().for_each(|name| text.push_str(&line("name", &Json::from(name.as_str()))));
            fields.iter().for_each(|(key, value)| text.push_str(&line(key, value)));
            if !ignored.is_empty() {
                text.push_str(&line(
                    "ignore_changes",
                    &ignored.iter().map(|field| Json::from(field.as_str())).collect(),
                ));
            }
        }
        text
    }

    /// Counts the plain keys, and the resources that more is said of.
    pub fn counts(&self) -> (usize, usize) {
        let plain = self.sections.iter().map(|(_, keys)| keys.len()).sum();
        (plain, self.resources.values().filter(|of| **of != Resource::silent()).count())
    }
}

impl Resource {
    fn silent() -> Self {
        Self { exists: true, name: None, fields: Map::new(), ignored: BTreeSet::new() }
    }
}

/// A value as TOML can say it: without anything unset.
fn spoken(value: &Json) -> Option<Json> {
    match value {
        Json::Null => None,
        Json::Array(items) => items.iter().map(spoken).collect::<Option<Vec<_>>>().map(Json::Array),
        Json::Object(map) => {
            let pairs = map.iter().map(|(key, value)| Some((key.clone(), spoken(value)?)));
            pairs.collect::<Option<Map<_, _>>>().map(Json::Object)
        }
        other => Some(other.clone()),
    }
}

/// Tells whether the kind takes the value there from a file.
fn fits(wanted: &Wanted, field: &str, value: &Json) -> bool {
    let kind: &dyn AnyKind = wanted.kind;
    let named = match value {
        Json::String(name) if field == "name" => kind.check_name(name).is_ok(),
        _ => true,
    };
    let mut spec = wanted.spec.clone();
    let Ok(tree) = Tree::of(value) else { return false };
    spec.insert(field.to_owned(), tree);
    named && kind.redraft(&Tree::Map(spec)).is_ok()
}

fn line(key: &str, value: &Json) -> String {
    format!("{} = {}\n", bare(key), toml(value))
}

/// A key, quoted where it must be.
fn bare(key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if plain { key.to_owned() } else { quoted(key) }
}

/// A text as both JSON and TOML write it.
fn quoted(text: &str) -> String {
    Json::from(text).to_string().replace('\u{7f}', "\\u007f")
}

fn toml(value: &Json) -> String {
    match value {
        Json::String(text) => quoted(text),
        Json::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Json::Object(map) if map.is_empty() => "{}".to_owned(),
        Json::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{} = {}", bare(key), toml(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_written_as_toml_reads_them() {
        let value = json!({ "a b": ["x\"y", 1, true], "c": { "d": "é\n" }, "e": {} });
        let text = line("key", &value);
        assert_eq!(text, "key = { \"a b\" = [\"x\\\"y\", 1, true], c = { d = \"é\\n\" }, e = {} }\n");
        let read: toml::Table = text.parse().unwrap();
        assert_eq!(serde_json::to_value(&read["key"]).unwrap(), value);
        assert_eq!(spoken(&json!({ "a": null })), None);
        assert_eq!(spoken(&json!([1, "a"])), Some(json!([1, "a"])));
    }
}
