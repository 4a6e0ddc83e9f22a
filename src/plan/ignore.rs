//! `--ignore ADDRESS.FIELD`: drift that is left alone in this run, as `ignore_changes` does in the file.
//!
//! Called by `cli` (which parses) and by `decide` (which looks it up in what is there). Must never let a mistyped address
//! or field pass, nor the tags that say whose a resource is.

use super::{PlanError, drift::OTHERS};
use crate::{
    address::{Address, Selector},
    config::diagnostic::did_you_mean,
    kind::AnyKind,
    stack::{Ignored, Stack, ignores},
    state::State,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// One `--ignore` as it was typed: an address, a dot, a field, and perhaps a key of it. Addresses and keys may have dots
/// themselves, so only what is there tells where the field begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ignore {
    text: String,
}

/// Says why a text names no field of a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no field: expected an address, a dot and a field, such as consumer-*/workgroup.max_capacity")]
pub struct BadIgnore(String);

impl FromStr for Ignore {
    type Err = BadIgnore;
    fn from_str(text: &str) -> Result<Self, BadIgnore> {
        let ignore = Self { text: text.to_owned() };
        let fine = ignore.readings().next().is_some();
        if fine { Ok(ignore) } else { Err(BadIgnore(text.to_owned())) }
    }
}

impl TryFrom<String> for Ignore {
    type Error = BadIgnore;
    fn try_from(text: String) -> Result<Self, BadIgnore> {
        text.parse()
    }
}

impl From<Ignore> for String {
    fn from(ignore: Ignore) -> Self {
        ignore.text
    }
}

impl fmt::Display for Ignore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

/// One way to take a text apart.
struct Reading<'a> {
    selector: Selector,
    field: &'a str,
    key: Option<&'a str>,
}

impl Ignore {
    /// Every way to take it apart, the shortest address first.
    fn readings(&self) -> impl Iterator<Item = Reading<'_>> {
        self.text.match_indices('.').filter_map(|(at, _)| {
            let (selector, rest) = (self.text[..at].parse().ok()?, &self.text[at + 1..]);
            let (field, key) = match rest.split_once('.') {
                Some((field, key)) => (field, Some(key)),
                None => (rest, None),
            };
            let fine = !field.is_empty() && !field.contains('/') && key.is_none_or(|key| !key.is_empty());
            fine.then_some(Reading { selector, field, key })
        })
    }
}

/// What a run leaves alone, by resource.
#[derive(Default)]
pub(super) struct Ignoring(BTreeMap<Address, Ignored>);

impl Ignoring {
    /// Looks up what was typed in what there is.
    ///
    /// Errors: one for each that names no resource, or no field of any resource that it names.
    pub(super) fn of(typed: &[Ignore], stack: &Stack, state: &State) -> Result<Self, Vec<PlanError>> {
        let mut kinds: BTreeMap<&Address, &'static dyn AnyKind> = BTreeMap::new();
        let recorded =
            state.entries.iter().filter_map(|(address, entry)| Some((address, crate::aws::kind(&entry.kind)?)));
        kinds.extend(recorded);
        kinds.extend(stack.wanted.iter().map(|(address, wanted)| (address, wanted.kind)));
        let (mut all, mut errors) = (Self::default(), Vec::new());
        for ignore in typed {
            match fitting(ignore, &kinds) {
                Ok(found) => found.into_iter().for_each(|(address, what)| {
                    all.0.entry(address).or_default().insert(what);
                }),
                Err((message, help)) => errors.push(PlanError { address: None, message, help }),
            }
        }
        if errors.is_empty() { Ok(all) } else { Err(errors) }
    }

    /// Tells whether differences of a field, or of one key of it, are left alone.
    pub(super) fn ignores(&self, address: &Address, field: &str, key: Option<&str>) -> bool {
        self.0.get(address).is_some_and(|ignored| ignores(ignored, field, key))
    }
}

type What = (String, Option<String>);

/// The fields that a text names, or what is wrong with it and what helps.
fn fitting(
    ignore: &Ignore,
    kinds: &BTreeMap<&Address, &'static dyn AnyKind>,
) -> Result<Vec<(Address, What)>, (String, String)> {
    let mut wrong = None;
    for Reading { selector, field, key } in ignore.readings() {
        let matched = kinds.iter().filter(|(address, _)| selector.matches(address));
        let matched: Vec<(&Address, &dyn AnyKind)> = matched.map(|(address, kind)| (*address, *kind)).collect();
        if matched.is_empty() {
            continue;
        }
        match named(&matched, field, key) {
            Ok(found) => return Ok(found),
            Err(why) => wrong = Some((format!("--ignore {ignore}: {}", why.0), why.1)),
        }
    }
    Err(wrong.unwrap_or_else(|| {
        let near = ignore.readings().last().map(|reading| reading.selector.near(kinds.keys().copied()));
        let help = match near.unwrap_or_default() {
            near if near.is_empty() => "there are no resources".to_owned(),
            near => format!("near: {}", near.join(", ")),
        };
        (format!("--ignore {ignore}: it matches no resource"), help)
    }))
}

/// Finds the field, `*` for all of them, in the resources that an address names: one that has it is enough.
fn named(
    matched: &[(&Address, &dyn AnyKind)],
    name: &str,
    key: Option<&str>,
) -> Result<Vec<(Address, What)>, (String, String)> {
    if name == "tags" && key.is_some_and(|key| key.starts_with("rsds:")) {
        let why = format!("the tag `{}` says whose a resource is: rsds always keeps it", key.unwrap_or_default());
        return Err((why, "leave the whole resource alone: --exclude".to_owned()));
    }
    let (mut found, mut whole, mut all) = (Vec::new(), false, BTreeSet::new());
    for (address, kind) in matched {
        if name == OTHERS {
            found.push(((*address).clone(), (name.to_owned(), key.map(str::to_owned))));
        }
        for field in kind.fields() {
            all.insert(field.name);
            let all_of_it = name == "*" && key.is_none();
            if all_of_it || field.name == name && (key.is_none() || field.keyed) {
                found.push(((*address).clone(), (field.name.to_owned(), key.map(str::to_owned))));
            } else if field.name == name {
                whole = true;
            }
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let of = match matched {
        [(address, kind)] => format!("{address} ({})", kind.name()),
        many => format!("none of {} resources", many.len()),
    };
    Err(match whole {
        true => {
            (format!("`{name}` of {of} has no keys that are compared one by one"), format!("ignore all of `{name}`"))
        }
        false => {
            let has = if matched.len() == 1 { "has no field" } else { "has a field" };
            (format!("{of} {has} `{name}`"), did_you_mean(name, all).unwrap_or_default())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds() -> (Vec<Address>, Vec<&'static dyn AnyKind>) {
        let there = [
            ("networking/vpc", "ec2.vpc"),
            ("networking/nlb-ingress-5439-10.0.0.0-8", "ec2.security-group-rule"),
            ("consumer-a-1/workgroup", "redshift-serverless.workgroup"),
        ];
        there.iter().map(|(a, k)| (a.parse::<Address>().unwrap(), crate::aws::kind(k).unwrap())).unzip()
    }

    fn picks(text: &str) -> Result<Vec<String>, (String, String)> {
        let (addresses, of) = kinds();
        let kinds = addresses.iter().zip(of).collect();
        let found = fitting(&text.parse().unwrap(), &kinds)?;
        let one = |(address, (field, key)): (Address, What)| match key {
            Some(key) => format!("{address} {field} {key}"),
            None => format!("{address} {field}"),
        };
        Ok(found.into_iter().map(one).collect())
    }

    #[test]
    fn dots_in_addresses_and_keys_are_told_from_the_one_between() {
        let rule = "networking/nlb-ingress-5439-10.0.0.0-8";
        assert_eq!(picks(&format!("{rule}.description")).unwrap(), [format!("{rule} description")]);
        assert_eq!(picks("networking/vpc.tags.a.b").unwrap(), ["networking/vpc tags a.b"]);
        assert_eq!(picks("consumer-a.max_capacity").unwrap(), ["consumer-a-1/workgroup max_capacity"]);
        assert_eq!(picks("*/workgroup.parameters.require_ssl").unwrap().len(), 1);
        assert_eq!(picks("*.tags").unwrap().len(), 3);
        assert_eq!(picks("networking/vpc.*").unwrap().len(), 4);
    }

    #[test]
    fn what_is_mistyped_is_answered_with_what_is_there() {
        let (message, help) = picks("networking/vpc.tgas").unwrap_err();
        assert_eq!(message, "--ignore networking/vpc.tgas: networking/vpc (ec2.vpc) has no field `tgas`");
        assert_eq!(help, "did you mean `tags`?");
        let (message, help) = picks("networking/vcp.tags").unwrap_err();
        assert_eq!(message, "--ignore networking/vcp.tags: it matches no resource");
        assert!(help.contains("networking/vpc"), "{help}");
        assert!(picks("networking/vpc.cidr.x").unwrap_err().0.contains("no keys that are compared one by one"));
        assert!(picks("networking/vpc.tags.rsds:address").unwrap_err().0.contains("says whose a resource is"));
        assert!(picks("networking/*.max_capacity").unwrap_err().0.contains("none of 2 resources has a field"));
        for bad in ["", "networking/vpc", "a b.c", "networking/vpc."] {
            assert!(bad.parse::<Ignore>().is_err(), "{bad}");
        }
    }
}
