//! Lays `[resources."<address>"]` over what the stack says of single resources: names, fields, `ignore_changes`, and
//! whether there is one at all.
//!
//! Called by `graph` for every resource that is added, so that components get it for nothing. Values go through the
//! kind's own draft spec before anything happens. Must never let anybody override the tags that say whose a resource is.

use super::Wanted;
use crate::{
    address::Address,
    config::{
        Spot,
        diagnostic::{did_you_mean, nearest},
        join,
        shape::{Shape, tag_text},
        typed::ResourceOverride,
    },
    kind::{AnyKind, Field, Tree, WrongValue},
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The longest value of a tag.
const TAG_VALUE: usize = 256;
/// The prefix of the tags that say whose a resource is.
const OURS: &str = "rsds:";
/// The tag that names what has no name of its own.
const NAME_TAG: &str = "Name";

/// What is wrong with one key of `[resources]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The key.
    pub(super) key: String,
    /// Whether it is about the key or its value.
    pub(super) spot: Spot,
    /// What is wrong.
    pub(super) message: String,
    /// What would be right, if that is known.
    pub(super) help: Option<String>,
}

/// All of `[resources]`, and what turned out to be wrong with it.
#[derive(Default)]
pub(super) struct Overrides {
    by_address: BTreeMap<String, ResourceOverride>,
    pub(super) misfits: Vec<Misfit>,
}

/// The fields of one resource that are read and not mended: whole ones, or single keys of maps.
pub type Ignored = BTreeSet<(String, Option<String>)>;

impl Wanted {
    /// Tells whether differences of a field, or of one key of it, are left alone. Ownership tags never are.
    pub fn ignores(&self, field: &str, key: Option<&str>) -> bool {
        ignores(&self.ignored, field, key)
    }
}

/// Tells whether a set of ignored fields has a field, or one key of it. Ownership tags are never ignored.
pub fn ignores(ignored: &Ignored, field: &str, key: Option<&str>) -> bool {
    let ours = field == "tags" && key.is_some_and(|key| key.starts_with(OURS));
    let whole = ignored.contains(&(field.to_owned(), None));
    let single = key.is_some_and(|key| ignored.contains(&(field.to_owned(), Some(key.to_owned()))));
    !ours && (whole || single)
}

impl Overrides {
    pub(super) fn new(by_address: BTreeMap<String, ResourceOverride>) -> Self {
        Self { by_address, misfits: Vec::new() }
    }

    /// Returns the name that is pinned for the resource.
    pub(super) fn name(&self, address: &Address) -> Option<&str> {
        self.by_address.get(&address.to_string())?.name.as_deref()
    }

    /// Tells whether the estate does without the resource.
    pub(super) fn leaves_out(&self, address: &Address) -> bool {
        self.by_address.get(&address.to_string()).is_some_and(|written| !written.exists)
    }

    /// Takes what is left out from what names it.
    pub(super) fn let_go(&mut self, left_out: &BTreeSet<Address>, wanted: &mut BTreeMap<Address, Wanted>) {
        for (address, resource) in wanted.iter_mut() {
            resource.after.retain(|on, _| !left_out.contains(on));
            let fields = resource.kind.fields();
            let named: Vec<(String, BTreeSet<Address>)> = resource
                .spec
                .iter()
                .map(|(field, tree)| (field.clone(), named(tree, left_out)))
                .filter(|(_, named)| !named.is_empty())
                .collect();
            for (field, named) in named {
                let Some(tree) = resource.spec.get(&field) else { continue };
                let rest = without(tree, left_out).unwrap_or(Tree::Leaf(Json::Null));
                // What goes where its subnets go cannot be nowhere.
                let nowhere = rest == Tree::List(Vec::new()) && fields.iter().any(|f| f.name == field && f.follows);
                let mut spec = resource.spec.clone();
                spec.insert(field.clone(), rest);
                match resource.kind.redraft(&Tree::Map(spec)) {
                    Ok(Tree::Map(spec)) if !nowhere => resource.spec = spec,
                    _ => self.misfits.extend(named.iter().map(|gone| needed(address, resource.kind, &field, gone))),
                }
            }
        }
    }

    /// Lays what is written about `address` over `wanted`.
    pub(super) fn lay_over(&mut self, address: &Address, wanted: &mut Wanted) {
        let Some(written) = self.by_address.get(&address.to_string()) else { return };
        let path = join("resources", &address.to_string());
        let fields = wanted.kind.fields();
        let mut one = One { address, path, fields, wanted, misfits: &mut self.misfits };
        if let Some(name) = &written.name {
            one.name(name, written.fields.get("tags"));
        }
        for (field, value) in &written.fields {
            one.field(field, value);
        }
        for (index, entry) in written.ignore_changes.iter().enumerate() {
            one.ignore(index, entry);
        }
    }

    /// Looks for what can only be seen when everything is there: addresses that are not, names that two have.
    pub(super) fn look_over(&mut self, wanted: &BTreeMap<Address, Wanted>, left_out: &BTreeSet<Address>) {
        let all: Vec<String> = wanted.keys().chain(left_out).map(Address::to_string).collect();
        for given in self.by_address.keys().filter(|given| !all.contains(given)) {
            let (key, help) = (join("resources", given), Some(nearby(given, &all)));
            let message = format!("there is no resource `{given}`");
            self.misfits.push(Misfit { key, spot: Spot::Key, message, help });
        }
        let mut taken: BTreeMap<(&str, String), &Address> = BTreeMap::new();
        for (address, resource) in wanted {
            let Some(key) = natural_key(resource) else { continue };
            let Some(first) = taken.insert((resource.kind.name(), key), address) else { continue };
            let pinned = [address, first].into_iter().find(|of| self.by_address.contains_key(&of.to_string()));
            let Some(pinned) = pinned else { continue };
            let other = if pinned == address { first } else { address };
            let what = resource.kind.key().join(" and ");
            let message = format!("{pinned} and {other} would have the same {what}, and AWS takes only one of them");
            let key = join("resources", &pinned.to_string());
            let name = if self.name(pinned).is_some() { join(&key, "name") } else { key };
            self.misfits.push(Misfit { key: name, spot: Spot::Value, message, help: None });
        }
    }
}

/// The resources among `left_out` that a value comes from.
fn named(tree: &Tree, left_out: &BTreeSet<Address>) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    tree.references(&mut found);
    found.into_iter().map(|of| of.address).filter(|address| left_out.contains(address)).collect()
}

/// A value without what comes from resources that are left out; none where nothing is left of it.
fn without(tree: &Tree, left_out: &BTreeSet<Address>) -> Option<Tree> {
    match tree {
        Tree::Leaf(_) => Some(tree.clone()),
        Tree::Ref(of) => (!left_out.contains(&of.address)).then(|| tree.clone()),
        Tree::List(items) => Some(Tree::List(items.iter().filter_map(|item| without(item, left_out)).collect())),
        Tree::Map(fields) => {
            let rest = fields.iter().map(|(key, value)| Some((key.clone(), without(value, left_out)?)));
            rest.collect::<Option<BTreeMap<_, _>>>().map(Tree::Map)
        }
    }
}

/// Says that something cannot do without what is left out.
fn needed(address: &Address, kind: &dyn AnyKind, field: &str, gone: &Address) -> Misfit {
    let (gone, address) = (gone.to_string(), address.to_string());
    Misfit {
        key: join(&join("resources", &gone), "exists"),
        spot: Spot::Value,
        message: format!("`{field}` of {address} ({}) comes from {gone}, and is needed", kind.name()),
        help: Some(format!("give it under [resources.\"{address}\"], or leave that out, too: exists = false")),
    }
}

/// Names the addresses somebody may have meant, or the ones of that component, or the components.
fn nearby(given: &str, all: &[String]) -> String {
    let all = all.iter().map(String::as_str);
    let component = given.split('/').next().unwrap_or_default();
    let siblings = all.clone().filter(|address| address.split('/').next() == Some(component));
    let components: BTreeSet<&str> = all.clone().filter_map(|address| address.split('/').next()).collect();
    match nearest(given, siblings.clone()).or_else(|| nearest(given, all)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if siblings.clone().next().is_some() => {
            format!("`{component}` has {}", siblings.collect::<Vec<_>>().join(", "))
        }
        None => format!("the components are {}", Vec::from_iter(components).join(", ")),
    }
}

/// What makes a resource the same as another for AWS; none for kinds that AWS gives an id of their own.
fn natural_key(wanted: &Wanted) -> Option<String> {
    let fields = wanted.kind.key();
    let parts: Vec<&Tree> = fields.iter().filter_map(|field| wanted.spec.get(*field)).collect();
    (!fields.is_empty()).then(|| serde_json::to_string(&parts).ok()).flatten()
}

/// One resource and what is laid over it.
struct One<'a> {
    address: &'a Address,
    path: String,
    fields: Vec<Field>,
    wanted: &'a mut Wanted,
    misfits: &'a mut Vec<Misfit>,
}

impl One<'_> {
    fn kind(&self) -> &'static dyn AnyKind {
        self.wanted.kind
    }

    fn misfit(&mut self, key: String, spot: Spot, message: String, help: Option<String>) {
        self.misfits.push(Misfit { key, spot, message, help });
    }

    fn find(&self, name: &str) -> Option<Field> {
        self.fields.iter().copied().find(|field| field.name == name)
    }

    /// Pins the physical name; the `Name` tag where a kind has no name of its own.
    fn name(&mut self, name: &str, tags: Option<&Json>) {
        let key = join(&self.path, "name");
        let value = Tree::Leaf(Json::from(name));
        if self.find("name").is_some() {
            match self.kind().check_name(name) {
                Ok(()) => self.set("name", value, key),
                Err(rule) => {
                    let message = format!("`{name}` is no name for {}: a name is {rule}", self.kind().name());
                    self.misfit(key, Spot::Value, message, None);
                }
            }
        } else if !self.kind().tagged() {
            let message = format!("{} has neither a name nor tags", self.kind().name());
            self.misfit(key, Spot::Key, message, None);
        } else if tags.is_some_and(|tags| tags.get(NAME_TAG).is_some()) {
            let message = format!("{} is named by its tag `Name`, which `tags` says too", self.kind().name());
            self.misfit(key, Spot::Key, message, Some("take one of them away".to_owned()));
        } else {
            self.tag(NAME_TAG, value, key);
        }
    }

    fn field(&mut self, name: &str, value: &Json) {
        let key = join(&self.path, name);
        let Some(field) = self.find(name) else {
            let message = format!("{} has no field `{name}`", self.kind().name());
            let help = self.known(name, &["name", "exists", "ignore_changes"]);
            return self.misfit(key, Spot::Key, message, help);
        };
        match (Tree::of(value), value) {
            (Ok(Tree::Map(entries)), _) if field.keyed => {
                for (entry, tree) in entries {
                    let key = join(&key, &entry);
                    match name {
                        "tags" => self.tag(&entry, tree, key),
                        _ => self.entry(name, &entry, tree, key),
                    }
                }
            }
            (Ok(tree), _) => self.set(name, tree, key),
            (Err(error), _) => self.misfit(key, Spot::Value, error.to_string(), None),
        }
    }

    /// Says what there is in the place of a field that is not.
    fn known(&self, name: &str, besides: &[&'static str]) -> Option<String> {
        did_you_mean(name, self.fields.iter().map(|field| field.name).chain(besides.iter().copied()))
    }

    fn tag(&mut self, tag: &str, value: Tree, key: String) {
        let of_value = match &value {
            Tree::Leaf(Json::String(text)) => tag_text(text, 0, TAG_VALUE),
            Tree::Leaf(_) | Tree::List(_) | Tree::Map(_) | Tree::Ref(_) => Ok(()),
        };
        if let Err(fault) = Shape::TagKey.check(tag) {
            return self.misfit(key, Spot::Key, fault.message, fault.help);
        }
        match of_value {
            Ok(()) => self.entry("tags", tag, value, key),
            Err(fault) => self.misfit(key, Spot::Value, fault.message, fault.help),
        }
    }

    /// Sets one key of a map and leaves the others as the stack says.
    fn entry(&mut self, field: &str, entry: &str, value: Tree, key: String) {
        let mut whole = match self.wanted.spec.get(field) {
            Some(Tree::Map(entries)) => entries.clone(),
            Some(Tree::Leaf(_) | Tree::List(_) | Tree::Ref(_)) | None => BTreeMap::new(),
        };
        whole.insert(entry.to_owned(), value);
        self.lay(field, Tree::Map(whole), format!("{field}.{entry}"), key);
    }

    fn set(&mut self, field: &str, value: Tree, key: String) {
        self.lay(field, value, field.to_owned(), key);
    }

    /// Puts a value into the spec if the kind takes it there, and remembers where it comes from.
    fn lay(&mut self, field: &str, value: Tree, origin: String, key: String) {
        let mut spec = self.wanted.spec.clone();
        spec.insert(field.to_owned(), value);
        match self.kind().redraft(&Tree::Map(spec)) {
            Ok(Tree::Map(spec)) => {
                self.wanted.spec = spec;
                self.wanted.field_origins.insert(origin, key);
            }
            Ok(Tree::Leaf(_) | Tree::List(_) | Tree::Ref(_)) => {}
            Err(wrong) => self.wrong(field, key, &wrong),
        }
    }

    fn wrong(&mut self, field: &str, key: String, wrong: &WrongValue) {
        let message = format!("`{field}` of {} ({}): {wrong}", self.address, self.kind().name());
        self.misfit(key, Spot::Value, message, None);
    }

    fn ignore(&mut self, index: usize, entry: &str) {
        let key = format!("{}[{index}]", join(&self.path, "ignore_changes"));
        let (name, within) = match entry.split_once('.') {
            Some((name, within)) => (name, Some(within)),
            None => (entry, None),
        };
        let kind = self.kind().name();
        let (message, help) = match (self.find(name), within) {
            (None, _) => (format!("{kind} has no field `{name}`"), self.known(name, &[])),
            (Some(field), Some(_)) if !field.keyed => {
                let help = format!("write `{name}` to ignore all of it");
                (format!("`{name}` of {kind} has no keys that are compared one by one"), Some(help))
            }
            (Some(_), Some(within)) if name == "tags" && within.starts_with(OURS) => {
                (format!("the tag `{within}` says whose the resource is: rsds always keeps it"), None)
            }
            (Some(_), within) => {
                self.wanted.ignored.insert((name.to_owned(), within.map(str::to_owned)));
                return;
            }
        };
        self.misfit(key, Spot::Value, message, help);
    }
}
