//! The desired graph: every resource the TOML asks for, as a draft, with its edges and where it comes from.
//!
//! Filled by the component files beside it, read by `plan`. Edges are collected from the references in the drafts,
//! never written a second time; those that carry no value are added with a reason. Must do no I/O.

use super::overrides::{Ignored, Misfit, Overrides};
use crate::{
    address::Address,
    aws::{Owner, kind},
    config::Config,
    kind::{AnyKind, Draft, Handle, Kind, OutputRef, Tags, Tree},
    state::Dependency,
};
use std::collections::{BTreeMap, BTreeSet};

/// One wanted resource.
pub struct Wanted {
    /// Its kind.
    pub kind: &'static dyn AnyKind,
    /// Its draft, by field.
    pub spec: BTreeMap<String, Tree>,
    /// Resources it must come after though no value flows, each with the reason.
    pub after: BTreeMap<Address, String>,
    /// What it is made after where both are made: it could be without them, and once it stands it does not care.
    pub made_after: BTreeSet<Address>,
    /// The TOML key it comes from.
    pub origin: String,
    /// The TOML keys of single fields, where they differ from `<origin>.<field>`.
    pub field_origins: BTreeMap<String, String>,
    /// The fields that are set at creation and then read, but not mended (`ignore_changes`).
    pub ignored: Ignored,
}

impl Wanted {
    /// Returns every reference in the draft.
    pub fn references(&self) -> BTreeSet<OutputRef> {
        let mut found = BTreeSet::new();
        self.spec.values().for_each(|tree| tree.references(&mut found));
        found
    }

    /// Returns the edges as the state keeps them: value edges first told by reference, the rest with their reasons.
    pub fn depends_on(&self) -> Vec<Dependency> {
        let values: BTreeSet<Address> = self.references().into_iter().map(|of| of.address).collect();
        let order = self.after.iter().filter(|(on, _)| !values.contains(*on));
        let order = order.map(|(on, why)| Dependency { on: on.clone(), order_only: Some(why.clone()) });
        let values = values.iter().map(|on| Dependency { on: on.clone(), order_only: None });
        values.chain(order).collect()
    }

    /// Returns the TOML key that a field's value comes from, or one key of a map.
    pub fn field_origin(&self, field: &str, key: Option<&str>) -> String {
        let whole = || self.field_origins.get(field).cloned().unwrap_or_else(|| format!("{}.{field}", self.origin));
        match key.map(|key| (key, self.field_origins.get(&format!("{field}.{key}")))) {
            Some((_, Some(origin))) => origin.clone(),
            Some((key, None)) => format!("{}.{key}", whole()),
            None => whole(),
        }
    }
}

/// Everything wanted, by address.
pub struct Stack {
    /// The resources.
    pub wanted: BTreeMap<Address, Wanted>,
    owner: Owner,
    tags: Tags,
    overrides: Overrides,
    left_out: BTreeSet<Address>,
    defects: Vec<String>,
}

/// Why a graph cannot be: what is wrong with rsds itself, and with `[resources]`.
pub(super) struct Flaws {
    pub(super) defects: Vec<String>,
    pub(super) misfits: Vec<Misfit>,
}

impl Stack {
    /// An empty graph whose taggable resources will carry the TOML's tags and the ownership tags, and over whose
    /// resources the TOML's `[resources]` are laid.
    pub fn new(owner: Owner, config: &Config) -> Self {
        let overrides = Overrides::new(config.resources.clone());
        let (wanted, left_out, defects) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Self { wanted, owner, tags: config.tags.clone(), overrides, left_out, defects }
    }

    /// Opens a component; `origin` is the TOML key its resources come from unless they say otherwise.
    pub fn component<'a>(&'a mut self, name: &str, origin: &str) -> Component<'a> {
        Component { stack: self, name: name.to_owned(), origin: origin.to_owned() }
    }

    /// Notes that the graph cannot be built as asked.
    pub(super) fn defect(&mut self, what: &str) {
        self.defects.push(what.to_owned());
    }

    /// Returns the graph, or what is wrong with it: two resources of one address, an edge to nowhere, overrides that
    /// do not fit.
    pub(super) fn finish(mut self) -> Result<Self, Flaws> {
        self.overrides.let_go(&self.left_out, &mut self.wanted);
        if !self.overrides.misfits.is_empty() {
            self.overrides.look_over(&self.wanted, &self.left_out);
            return Err(Flaws { defects: self.defects, misfits: std::mem::take(&mut self.overrides.misfits) });
        }
        let edges = self.wanted.iter().flat_map(|(from, w)| w.depends_on().into_iter().map(move |d| (from, d.on)));
        let loose = edges.filter(|(_, on)| !self.wanted.contains_key(on));
        let loose: Vec<String> = loose.map(|(from, on)| format!("{from} refers to {on}, which is not there")).collect();
        self.defects.extend(loose);
        self.overrides.look_over(&self.wanted, &self.left_out);
        let misfits = std::mem::take(&mut self.overrides.misfits);
        match self.defects.is_empty() && misfits.is_empty() {
            true => Ok(self),
            false => Err(Flaws { defects: self.defects, misfits }),
        }
    }
}

/// A component being described.
pub struct Component<'a> {
    stack: &'a mut Stack,
    name: String,
    origin: String,
}

impl Component<'_> {
    /// Adds a resource. Its `tags` are filled here: the user's, rsds's own, and `Name`; then what the TOML says of this
    /// one resource is laid over it.
    pub fn add<K: Kind>(&mut self, resource: &str, spec: K::Spec<Draft>) -> Handle<K> {
        let address = Address::new(&self.name, resource);
        match self.wanted::<K>(&address, &spec) {
            Ok(mut wanted) => {
                self.stack.overrides.lay_over(&address, &mut wanted);
                if self.stack.overrides.leaves_out(&address) {
                    self.stack.left_out.insert(address.clone());
                    return Handle::new(address);
                }
                if self.stack.wanted.insert(address.clone(), wanted).is_some() {
                    self.stack.defects.push(format!("{address} stands there twice"));
                }
            }
            Err(defect) => self.stack.defects.push(format!("{address}: {defect}")),
        }
        Handle::new(address)
    }

    fn wanted<K: Kind>(&self, address: &Address, spec: &K::Spec<Draft>) -> Result<Wanted, String> {
        let kind = kind(K::NAME).ok_or_else(|| format!("kind {} is not in the list", K::NAME))?;
        let Tree::Map(mut spec) = Tree::of(spec).map_err(|e| e.to_string())? else {
            return Err("a spec must be a structure".into());
        };
        if K::TAGGED {
            let mut tags = self.stack.tags.clone();
            tags.extend(self.stack.owner.tags(address));
            tags.entry("Name".into()).or_insert_with(|| {
                format!("{}-{}-{}", self.stack.owner.project, self.stack.owner.environment, label(address))
            });
            spec.insert("tags".into(), Tree::of(&tags).map_err(|e| e.to_string())?);
        }
        let mut field_origins = BTreeMap::new();
        if K::TAGGED {
            field_origins.insert("tags".to_owned(), "tags".to_owned());
        }
        let (after, made_after) = (BTreeMap::new(), BTreeSet::new());
        let (origin, ignored) = (self.origin.clone(), Ignored::new());
        Ok(Wanted { kind, spec, after, made_after, origin, field_origins, ignored })
    }

    /// Returns the physical name a resource of this component has: the pinned one, or `default`. Whoever derives a
    /// name from another resource's name starts here.
    pub fn physical_name(&self, resource: &str, default: impl Into<String>) -> String {
        let pinned = self.stack.overrides.name(&Address::new(&self.name, resource));
        pinned.map_or_else(|| default.into(), str::to_owned)
    }

    /// The same component, for resources that come from another TOML key.
    pub fn under(&mut self, origin: &str) -> Component<'_> {
        Component { stack: self.stack, name: self.name.clone(), origin: origin.to_owned() }
    }

    /// Returns the TOML key the component comes from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Adds an edge that carries no value: `this` comes after `that`, for the stated reason.
    pub fn after<A, B>(&mut self, this: &Handle<A>, that: &Handle<B>, reason: &str) {
        self.after_address(this, that.address(), reason);
    }

    /// The same, of several that are known by their addresses alone.
    pub fn after_all<A>(&mut self, this: &Handle<A>, those: &[Address], reason: &str) {
        those.iter().for_each(|that| self.after_address(this, that, reason));
    }

    /// The same, of what is known by its address alone.
    pub fn after_address<A>(&mut self, this: &Handle<A>, that: &Address, reason: &str) {
        if let Some(wanted) = self.stack.wanted.get_mut(this.address()) {
            wanted.after.insert(that.clone(), reason.to_owned());
        }
    }

    /// Has `this` made after those that are made in the same run; nothing more hangs on them.
    pub fn made_after<A>(&mut self, this: &Handle<A>, those: &[Address]) {
        if let Some(wanted) = self.stack.wanted.get_mut(this.address()) {
            wanted.made_after.extend(those.iter().cloned());
        }
    }

    /// Names the TOML key that a field of `this` comes from; what `[resources]` overrides keeps coming from there.
    pub fn comes_from<K>(&mut self, this: &Handle<K>, field: &str, key: &str) {
        if let Some(wanted) = self.stack.wanted.get_mut(this.address()) {
            wanted.field_origins.entry(field.to_owned()).or_insert_with(|| key.to_owned());
        }
    }
}

/// The name people see in AWS's console: component and resource, without saying one word twice.
fn label(address: &Address) -> String {
    match (address.component(), address.resource()) {
        ("networking", resource) => resource.to_owned(),
        (component, resource) => format!("{component}-{resource}"),
    }
}
