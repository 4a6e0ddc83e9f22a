//! What a check found: one problem, the resources it is about, and the call that would fail, and when.
//!
//! Made by the checks, completed by the examination (place, moment), shown by `ui`. Must never be made for what was not
//! looked at: that is `Outcome::Unable`.

use crate::{
    address::Address,
    config::{Diagnostic, Severity},
    plan::Verb,
};

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// An error stops the apply before it begins; a warning does not.
    pub severity: Severity,
    /// The resources it is about, the one whose operation fails first at the front.
    pub addresses: Vec<Address>,
    /// What is wrong, in one sentence without a full stop.
    pub problem: String,
    /// What is there, or what is asked for.
    pub found: String,
    /// What there would have to be.
    pub needed: String,
    /// The call that would fail, as an IAM action.
    pub call: String,
    /// The operation of the plan that makes that call.
    pub verb: Verb,
    /// The TOML key to change.
    pub key: String,
    /// What to do.
    pub help: String,
    /// How far into the apply the call comes, in seconds, by typical durations.
    pub after: Option<u32>,
    /// The problem at its place in the TOML.
    pub shown: Option<Diagnostic>,
}

/// The most addresses that are named one by one.
const NAMED: usize = 4;

impl Finding {
    /// An error about these resources; the rest is to be filled in.
    pub(super) fn error(addresses: Vec<Address>, problem: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            addresses,
            problem: problem.into(),
            found: String::new(),
            needed: String::new(),
            call: String::new(),
            verb: Verb::Create,
            key: String::new(),
            help: String::new(),
            after: None,
            shown: None,
        }
    }

    /// The same as a warning, unless `sure`.
    pub(super) fn sure(mut self, sure: bool) -> Self {
        self.severity = if sure { Severity::Error } else { Severity::Warning };
        self
    }

    /// Says what was found and what is needed.
    pub(super) fn values(mut self, found: impl Into<String>, needed: impl Into<String>) -> Self {
        (self.found, self.needed) = (found.into(), needed.into());
        self
    }

    /// Names the call that would fail.
    pub(super) fn call(mut self, call: impl Into<String>) -> Self {
        self.call = call.into();
        self
    }

    /// Says that the call is made by another operation than a creation.
    pub(super) fn by(mut self, verb: Verb) -> Self {
        self.verb = verb;
        self
    }

    /// Names the TOML key to change.
    pub(super) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// Says what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// The sentence with the resource in front.
    pub fn message(&self) -> String {
        match self.addresses.first() {
            Some(address) => format!("{address}: {}", self.problem),
            None => self.problem.clone(),
        }
    }

    /// The other resources it is about, as far as there is room to name them.
    fn others(&self) -> Option<String> {
        let others = self.addresses.get(1..).filter(|others| !others.is_empty())?;
        let named: Vec<String> = others.iter().take(NAMED).map(ToString::to_string).collect();
        let rest = match others.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!("{}{rest}", named.join(", ")))
    }

    /// What the call would do, and when.
    fn failure(&self) -> Option<String> {
        let when = match self.after {
            None => String::new(),
            Some(seconds) if seconds < 60 => ", within the first minute of the apply".to_owned(),
            Some(seconds) => match (seconds + 30) / 60 {
                1 => ", about a minute into the apply".to_owned(),
                minutes => format!(", about {minutes} minutes into the apply"),
            },
        };
        let fails = if self.severity == Severity::Error { "would fail" } else { "may fail" };
        (!self.call.is_empty()).then(|| format!("{} {fails}{when}", self.call))
    }

    /// The further facts, one line each.
    pub fn notes(&self) -> Vec<String> {
        let values = match (self.found.as_str(), self.needed.as_str()) {
            ("", "") => None,
            (found, "") => Some(format!("found: {found}")),
            ("", needed) => Some(format!("needed: {needed}")),
            (found, needed) => Some(format!("found: {found}; needed: {needed}")),
        };
        let others = self.others().map(|others| format!("so with {others}"));
        values.into_iter().chain(self.failure()).chain(others).collect()
    }
}
