//! The words and signs for actions, verbs and reasons.
//!
//! Called by the plan, progress and outcome views, so that all of them speak alike. Must never be parsed: JSON has
//! its own, stable names.

use super::style::Label;
use crate::{
    kind::Order,
    plan::{Action, Reason, Verb},
};

/// Returns an action's sign, words and label.
pub(super) const fn action(action: Action) -> (&'static str, &'static str, Label) {
    match action {
        Action::Create => ("+", "create", Label::Create),
        Action::Update => ("~", "update", Label::Update),
        Action::Replace(Order::DeleteFirst) => ("-/+", "replace (delete first)", Label::Replace),
        Action::Replace(Order::CreateFirst) => ("+/-", "replace (create first)", Label::Replace),
        Action::Delete => ("-", "delete", Label::Delete),
        Action::Resume => (">", "resume", Label::Resume),
        Action::Keep => ("=", "keep", Label::Resume),
        Action::Forget => ("x", "forget", Label::Delete),
        Action::Refresh => ("o", "refresh", Label::Resume),
        Action::Import => ("<", "import", Label::Resume),
        Action::NoOp => (" ", "unchanged", Label::Dim),
    }
}

/// Says why; nothing where the action itself says it.
pub(super) fn reason(reason: &Reason, of: Action, destroy: bool) -> Option<String> {
    let said = match reason {
        Reason::New if of == Action::Create => return None,
        Reason::New => "new in the TOML".to_owned(),
        Reason::Removed => "no longer in the TOML".to_owned(),
        Reason::Destroy if destroy => return None,
        Reason::Destroy => "to be destroyed".to_owned(),
        Reason::Gone => "gone from AWS".to_owned(),
        Reason::Foreign(id) => {
            format!("gone from AWS: {id} has its name and is not this environment's, so it is left alone")
        }
        Reason::Changed if of == Action::Update => return None,
        Reason::Changed => "changed in the TOML".to_owned(),
        Reason::Drifted => "drifted: AWS shows other values than rsds set".to_owned(),
        Reason::Requested => "asked for by --replace".to_owned(),
        Reason::Broken(why) => format!("broken: {why}"),
        Reason::Immutable(field) => format!("because {field} changes"),
        Reason::Follows(address) => format!("because {address} is replaced"),
        Reason::CutOff(status) => format!("an earlier run was cut off while {status}"),
        Reason::NeededByData if of == Action::Keep => {
            "data elsewhere needs it: it leaves the state and lives on in AWS".to_owned()
        }
        Reason::NeededByData => "data elsewhere needs it".to_owned(),
        Reason::GoesWith(address) => format!("goes with {address}"),
    };
    Some(said)
}

/// A verb as a request: `create`.
pub(super) const fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Resume => "resume",
        Verb::Delete => "delete",
        Verb::DeleteDeposed => "delete predecessor",
        Verb::Forget => "forget",
        Verb::Import => "import",
    }
}

/// A verb under way: `creating`.
pub(super) const fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "creating",
        Verb::Update => "updating",
        Verb::Resume => "resuming",
        Verb::Delete => "deleting",
        Verb::DeleteDeposed => "deleting predecessor",
        Verb::Forget => "forgetting",
        Verb::Import => "importing",
    }
}

/// A verb that is done: `created`.
pub(super) const fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "created",
        Verb::Update => "updated",
        Verb::Resume => "completed",
        Verb::Delete => "deleted",
        Verb::DeleteDeposed => "predecessor deleted",
        Verb::Forget => "forgotten",
        Verb::Import => "imported",
    }
}

/// Writes a number with the noun it counts: `1 resource`, `2 resources`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
