//! Whose a resource is: the tags every taggable resource carries, and the path IAM roles live under.
//!
//! Called by `stack` (which tags) and `apply` (which checks before it adopts). Must never take a name for ownership.

use crate::{address::Address, config::typed::Config, kind::Tags};

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

    /// Tells whether `tags` say that this owner made the resource, whatever its address.
    pub fn made(&self, tags: &Tags) -> bool {
        self.filters().iter().all(|(key, value)| tags.get(*key).is_some_and(|tag| tag == value))
    }

    /// Names the environment, this one or another, that made what carries these tags: `airline-dev`.
    pub fn maker(tags: &Tags) -> Option<String> {
        Some(format!("{}-{}", tags.get(PROJECT)?, tags.get(ENVIRONMENT)?))
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
