//! What keeps a resource from being deleted, as AWS shows it.
//!
//! Made by the kinds' `blockers`, judged and shown by `apply`. Must never decide how long anything is waited for.

use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// Something in AWS that holds a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    /// Its id: `eni-...`, `sg-...`, the name of a workgroup.
    pub id: String,
    /// What it is, whose and where, in AWS's words: `ELB net/airline-dev/0a1b, amazon-elb, 10.0.1.5`.
    pub what: String,
    /// What records know it, or its owner, by besides the id: addresses, the end of an ARN.
    pub marks: BTreeSet<String>,
    /// Whether it goes by itself once its owner is gone: AWS's services take their interfaces away some minutes later.
    pub passing: bool,
}

impl Blocker {
    /// Something that stays until somebody takes it away.
    pub fn new(id: impl Into<String>, what: impl Into<String>) -> Self {
        Self { id: id.into(), what: what.into(), marks: BTreeSet::new(), passing: false }
    }

    /// Says that it goes by itself once its owner is gone.
    #[must_use]
    pub fn passing(mut self, passing: bool) -> Self {
        self.passing = passing;
        self
    }

    /// Adds what records know it by.
    #[must_use]
    pub fn marked(mut self, marks: impl IntoIterator<Item = String>) -> Self {
        self.marks.extend(marks.into_iter().filter(|mark| !mark.is_empty()));
        self
    }

    /// Tells whether a recorded text names it or its owner: the whole of it, or the end of a longer id.
    pub fn is_named_by(&self, text: &str) -> bool {
        let names =
            |mark: &String| text.strip_suffix(mark.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
        names(&self.id) || self.marks.iter().any(names)
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_name_it_by_the_whole_or_by_the_end_of_an_arn() {
        let interface =
            Blocker::new("eni-1", "ELB net/dev/0a").marked(["net/dev/0a".into(), "10.0.1.5".into(), String::new()]);
        for text in ["eni-1", "10.0.1.5", "arn:aws:elasticloadbalancing:r:1:loadbalancer/net/dev/0a"] {
            assert!(interface.is_named_by(text), "{text}");
        }
        for text in ["", "eni-11", "110.0.1.5", "10.0.1.55", "net/dev", "xnet/dev/0a"] {
            assert!(!interface.is_named_by(text), "{text}");
        }
        assert_eq!(interface.to_string(), "eni-1 (ELB net/dev/0a)");
    }
}
