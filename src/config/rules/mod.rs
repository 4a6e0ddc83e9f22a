//! Rules that compare several values of a configuration, one file per subject. Called by `load.rs` on the typed
//! configuration; each rule reports at the key that is to be changed. A rule never stops another one, and is silent
//! about values that checking already refused.

mod capacity;
mod cluster;
mod copies;
mod domain;
mod limits;
mod logs;
mod names;
mod network;
mod options;
mod parameters;
mod parity;
mod references;
mod schedules;
mod shares;

use std::collections::BTreeSet;

use super::diagnostic::Diagnostic;
use super::shape::Fault;
use super::source::Origin;
use super::tree::{Node, Value, locate};
use super::typed::Config;

/// What the rules look at, and what they found.
pub(super) struct Rules<'a> {
    config: &'a Config,
    tree: &'a Node,
    broken: &'a BTreeSet<String>,
    /// Broken rules.
    pub errors: Vec<Diagnostic>,
    /// What is worth knowing.
    pub warnings: Vec<Diagnostic>,
}

/// Runs every rule.
#[must_use]
pub(super) fn run<'a>(config: &'a Config, tree: &'a Node, broken: &'a BTreeSet<String>) -> Rules<'a> {
    let mut rules = Rules { config, tree, broken, errors: Vec::new(), warnings: Vec::new() };
    names::check(&mut rules);
    network::check(&mut rules);
    capacity::check(&mut rules);
    parameters::check(&mut rules);
    cluster::check(&mut rules);
    copies::check(&mut rules);
    limits::check(&mut rules);
    schedules::check(&mut rules);
    references::check(&mut rules);
    domain::check(&mut rules);
    shares::check(&mut rules);
    parity::check(&mut rules);
    logs::check(&mut rules);
    options::check(&mut rules);
    rules
}

impl Rules<'_> {
    /// Says whether the value at `path` is there as the user wrote it, or is a default nobody put a wrong value over.
    fn sound(&self, path: &str) -> bool {
        !self.broken.contains(path)
    }

    /// Says whether `path` is written somewhere.
    fn written(&self, path: &str) -> bool {
        locate(self.tree, path).1
    }

    /// Says whether `path` is written, and `true`.
    fn says_yes(&self, path: &str) -> bool {
        let (node, exact) = locate(self.tree, path);
        exact && node.value == Value::Bool(true)
    }

    fn error(&mut self, path: &str, fault: Fault) {
        if self.sound(path) {
            let origin = locate(self.tree, path).0.origin.clone();
            self.report(&origin, path, fault);
        }
    }

    /// As `error`, but points at the key instead of its value.
    fn error_at_key(&mut self, path: &str, fault: Fault) {
        let origin = locate(self.tree, path).0.key.clone();
        self.report(&origin, path, fault);
    }

    /// Reports an ARN that is of another region or account, or of another sort of thing; with what to say besides of
    /// the first and of the last.
    fn of_this_estate(&mut self, path: &str, arn: &str, sort: &str, words: [&str; 2]) {
        let own = &self.config.region;
        // What is said of a region that nobody named would be about a default.
        let there = if self.sound("region") { own } else { arn.split(':').nth(3).unwrap_or(own) };
        self.of_region(path, arn, sort, (there, "the estate in"), words);
    }

    /// The same of a region, told by what is there.
    fn of_region(
        &mut self,
        path: &str,
        arn: &str,
        sort: &str,
        (there, what_is_there): (&str, &str),
        [elsewhere, other]: [&str; 2],
    ) {
        let config = self.config;
        let parts: Vec<&str> = arn.split(':').collect();
        let [_, _, _, region, account, what, ..] = parts.as_slice() else { return };
        if *region != there {
            let fault = Fault::new(format!("the {sort} is in {region}, and {what_is_there} {there}"));
            self.error(path, fault.help(elsewhere));
        }
        if config.account.as_ref().is_some_and(|own| own != account) {
            let fault = format!("the {sort} is in the account {account}, which is not this one (`account`)");
            self.error(path, Fault::new(fault));
        }
        if !what.starts_with(&format!("{sort}/")) {
            let help = format!("it ends in `:{sort}/<id>`{other}");
            self.error(path, Fault::new(format!("not the ARN of a {sort}")).help(help));
        }
    }

    fn report(&mut self, origin: &Origin, path: &str, fault: Fault) {
        let message = format!("{path}: {}", fault.message);
        self.errors.push(Diagnostic::error(message, origin).maybe_help(fault.help));
    }

    fn warning(&mut self, path: &str, fault: Fault) {
        let origin = locate(self.tree, path).0.key.clone();
        let message = format!("{path}: {}", fault.message);
        self.warnings.push(Diagnostic::warning(message, &origin).maybe_help(fault.help));
    }
}
