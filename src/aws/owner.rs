//! Whose a resource is: the tags every taggable resource carries, and the path IAM roles live under.
//!
//! Called by `stack` (which tags) and `apply` (which checks before it adopts). Must never take a name for ownership.

use super::tags;
use crate::{
    address::Address,
    config::typed::Config,
    kind::{AnyKind, Tags},
};
use serde_json::Value as Json;

/// The project, environment and state that own a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The TOML's `project`.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// The lineage of the state, so that two states of one name never take each other's resources.
    pub lineage: String,
}

const PROJECT: &str = "rsds:project";
const ENVIRONMENT: &str = "rsds:environment";
const LINEAGE: &str = "rsds:lineage";
const ADDRESS: &str = "rsds:address";

impl Owner {
    /// Returns the owner that an environment and its state's lineage are.
    pub fn of(config: &Config, lineage: &str) -> Self {
        Self { project: config.project.clone(), environment: config.env.clone(), lineage: lineage.to_owned() }
    }

    /// Returns the ownership tags of `address`.
    pub fn tags(&self, address: &Address) -> Tags {
        [
            (PROJECT, self.project.clone()),
            (ENVIRONMENT, self.environment.clone()),
            (LINEAGE, self.lineage.clone()),
            (ADDRESS, address.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into()
    }

    /// Tells whether `tags` say that the resource is this owner's `address`.
    pub fn owns(&self, address: &Address, tags: &Tags) -> bool {
        self.tags(address).iter().all(|(key, value)| tags.get(key) == Some(value))
    }

    /// Tells whether what is `shown` of a kind is what this owner asked for as `address`: by its tags, or, where the call
    /// that makes it cannot tag, by what the kind knows it by.
    pub fn asked(&self, address: &Address, kind: &dyn AnyKind, asked: &Json, shown: &Json) -> bool {
        let tags = tags::of_spec(shown);
        !kind.tagged() || self.owns(address, &tags) || Self::maker(&tags).is_none() && kind.unmarked(asked, shown)
    }

    /// Tells whether `tags` say that this owner made the resource, whatever its address.
    pub fn made(&self, tags: &Tags) -> bool {
        self.filters().iter().all(|(key, value)| tags.get(*key).is_some_and(|tag| tag == value))
    }

    /// Tells whether tags name the lineage of this owner's state, whatever else of them was changed.
    pub fn marked(&self, tags: &Tags) -> bool {
        Self::lineage(tags) == Some(&self.lineage)
    }

    /// Names the environment, this one or another, that made what carries these tags: `airline-dev`.
    pub fn maker(tags: &Tags) -> Option<String> {
        Some(format!("{}-{}", tags.get(PROJECT)?, tags.get(ENVIRONMENT)?))
    }

    /// Returns the lineage that tags name, whoever set them.
    pub fn lineage(tags: &Tags) -> Option<&str> {
        tags.get(LINEAGE).map(String::as_str)
    }

    /// Returns the address that tags name, whoever set them.
    pub fn address(tags: &Tags) -> Option<&str> {
        tags.get(ADDRESS).map(String::as_str)
    }

    /// Tells in words whose the tags say a resource is, if that is anybody but this owner's `address`.
    pub fn other(&self, address: &Address, tags: &Tags) -> Option<String> {
        let maker = Self::maker(tags).filter(|_| !self.owns(address, tags))?;
        let of = Self::address(tags).unwrap_or("a resource");
        Some(match (self.made(tags), maker == format!("{}-{}", self.project, self.environment)) {
            (true, _) => format!("{of} of this very environment"),
            (false, true) => format!("{of} of another state of {maker}"),
            (false, false) => format!("{of} of {maker}, another environment of rsds"),
        })
    }

    /// Returns the IAM path of the environment's roles: `/rsds/<project>/<environment>/`.
    pub fn role_path(&self) -> String {
        format!("/rsds/{}/{}/", self.project, self.environment)
    }

    /// Returns the tag filters that find every resource of this owner.
    pub fn filters(&self) -> [(&'static str, &str); 3] {
        [(PROJECT, &self.project), (ENVIRONMENT, &self.environment), (LINEAGE, &self.lineage)]
    }
}
