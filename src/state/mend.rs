//! What people do to a state by hand, in memory: entries get other addresses, or are forgotten.
//!
//! Called by the state commands, which ask and write. Must never touch AWS, nor leave a dependency that leads to an
//! address which an entry has just left.

use super::format::{Dependency, Entry, State, Status};
use crate::address::{Address, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// Why a state cannot be mended as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// What is in the way.
    pub message: String,
    /// What to type or do instead.
    pub help: String,
}

fn refused<T>(message: String, help: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { message, help: help.into() })
}

/// Picks what the selectors name.
///
/// Errors: one of them names nothing.
pub fn pick(state: &State, selectors: &[Selector]) -> Result<BTreeSet<Address>, Refused> {
    for selector in selectors {
        if !state.entries.keys().any(|address| selector.matches(address)) {
            let near = selector.near(state.entries.keys());
            let help = match near.is_empty() {
                true => "the state holds no resources".to_owned(),
                false => format!("near: {}", near.join(", ")),
            };
            return refused(format!("`{selector}` matches nothing in the state"), help);
        }
    }
    let picked = state.entries.keys().filter(|address| selectors.iter().any(|s| s.matches(address)));
    Ok(picked.cloned().collect())
}

/// Pairs every address that `from` names (an address, a component or a group) with the one it gets.
///
/// Errors: nothing is there, the names do not go together, an address is taken, or an entry is half-way.
pub fn renaming(state: &State, from: &str, to: &str) -> Result<BTreeMap<Address, Address>, Refused> {
    let selector = |text: &str| {
        let parsed = text.parse::<Selector>().map_err(|error| error.to_string());
        let parsed = parsed.and_then(|selector| match text.contains('*') {
            true => Err(format!("`{text}` names many: give one address, component or group")),
            false => Ok(selector),
        });
        parsed.map_err(|message| Refused { message, help: "what there is: rsds state list".to_owned() })
    };
    let (source, _) = (selector(from)?, selector(to)?);
    let picked = pick(state, &[source])?;
    if from == to {
        return refused(format!("{from} has that name already"), "give another one");
    }
    if from.contains('/') != to.contains('/') {
        return refused(
            format!("{from} and {to} are not alike"),
            "an address moves to an address (component/resource), a component to a component, a group to a group",
        );
    }
    let component = |address: &Address| match address.component() == from {
        true => to.to_owned(),
        // A reader of the group keeps its number.
        false => address.component().replacen(from, to, 1),
    };
    let target = |address: &Address| match to.parse::<Address>() {
        Ok(whole) => whole,
        Err(_) => Address::new(component(address), address.resource()),
    };
    let pairs: BTreeMap<Address, Address> = picked.into_iter().map(|from| (from.clone(), target(&from))).collect();
    let by_group = pairs.keys().any(|address| address.component() != from && !from.contains('/'));
    for (from, to) in &pairs {
        if by_group && to.group().is_none() {
            return refused(format!("{to} would be no reader of a group"), "name a group: consumer-NAME");
        }
        if state.entries.contains_key(to) {
            let help = format!("to forget that one without deleting it: rsds state rm {to}");
            return refused(format!("{to} is taken already"), help);
        }
        if let Some(entry) = state.entries.get(from)
            && !matches!(entry.status, Status::Ready | Status::Tainted { .. })
        {
            // While its id is not known, it is found by the address in its tags.
            return refused(format!("{from} is {}", entry.status.word()), "let it be completed first: rsds apply");
        }
    }
    Ok(pairs)
}

/// Gives entries other addresses; the dependencies of all others follow.
#[must_use]
pub fn moved(state: &State, pairs: &BTreeMap<Address, Address>) -> State {
    let now = |address: &Address| pairs.get(address).unwrap_or(address).clone();
    let follow = |edges: &[Dependency]| {
        edges.iter().map(|edge| Dependency { on: now(&edge.on), order_only: edge.order_only.clone() }).collect()
    };
    let entries = state.entries.iter().map(|(address, entry)| {
        let mut entry = Entry { depends_on: follow(&entry.depends_on), ..entry.clone() };
        entry.deposed.iter_mut().for_each(|old| old.depends_on = follow(&old.depends_on));
        (now(address), entry)
    });
    State { entries: entries.collect(), ..state.clone() }
}

/// Forgets entries. The dependencies on them stay with those who have them: they are still true in AWS.
#[must_use]
pub fn without(state: &State, addresses: &BTreeSet<Address>) -> State {
    let entries = state.entries.iter().filter(|(address, _)| !addresses.contains(*address));
    State { entries: entries.map(|(a, e)| (a.clone(), e.clone())).collect(), ..state.clone() }
}

/// Names what stays and depends on what goes, each with what it depends on.
pub fn dependants<'a>(state: &'a State, going: &BTreeSet<Address>) -> BTreeMap<&'a Address, Vec<&'a Address>> {
    let mut found: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for (address, entry) in state.entries.iter().filter(|(address, _)| !going.contains(*address)) {
        let on = entry.depends_on.iter().filter(|edge| edge.order_only.is_none() && going.contains(&edge.on));
        let on: Vec<&Address> = on.map(|edge| &edge.on).collect();
        if !on.is_empty() {
            found.insert(address, on);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Id;
    use serde_json::{Map, json};

    fn state(entries: &[(&str, &[&str])]) -> State {
        let entry = |on: &[&str]| Entry {
            kind: "ec2.vpc".to_owned(),
            status: Status::Ready,
            id: Some(Id("1".to_owned())),
            spec: json!({}).into(),
            outputs: Map::new(),
            depends_on: on.iter().map(|on| Dependency { on: on.parse().unwrap(), order_only: None }).collect(),
            generation: 0,
            deposed: Vec::new(),
        };
        let entries = entries.iter().map(|(address, on)| (address.parse().unwrap(), entry(on))).collect();
        State { entries, ..State::pristine("airline", "dev", "l".into()) }
    }

    fn estate() -> State {
        state(&[
            ("networking/vpc", &[]),
            ("consumer-a-1/namespace", &["networking/vpc"]),
            ("consumer-a-1/workgroup", &["consumer-a-1/namespace"]),
            ("consumer-a-2/namespace", &[]),
            ("consumer-a-b-1/namespace", &[]),
            ("nlb/targets", &["consumer-a-1/workgroup"]),
        ])
    }

    fn pairs(from: &str, to: &str) -> Result<Vec<String>, String> {
        let pairs = renaming(&estate(), from, to).map_err(|refused| format!("{refused}; {}", refused.help))?;
        Ok(pairs.into_iter().map(|(from, to)| format!("{from} {to}")).collect())
    }

    #[test]
    fn groups_components_and_addresses_move_and_what_depends_on_them_follows() {
        let group = pairs("consumer-a", "consumer-c").unwrap();
        assert_eq!(group[2], "consumer-a-2/namespace consumer-c-2/namespace");
        assert_eq!(group.len(), 3, "consumer-a-b is another group");
        assert_eq!(pairs("consumer-a-1", "consumer-a-3").unwrap().len(), 2);
        assert_eq!(pairs("networking/vpc", "networking/net").unwrap(), ["networking/vpc networking/net"]);

        let renamed = moved(&estate(), &renaming(&estate(), "consumer-a", "consumer-c").unwrap());
        let on = |address: &str| renamed.entries[&address.parse().unwrap()].depends_on[0].on.to_string();
        assert_eq!(on("consumer-c-1/workgroup"), "consumer-c-1/namespace");
        assert_eq!(on("nlb/targets"), "consumer-c-1/workgroup");
        assert_eq!(on("consumer-c-1/namespace"), "networking/vpc");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let why = |from, to| pairs(from, to).unwrap_err();
        assert!(why("consumer-x", "consumer-y").starts_with("`consumer-x` matches nothing in the state; near: "));
        assert!(why("networking/vpc", "networking").starts_with("networking/vpc and networking are not alike"));
        assert!(why("consumer-a-1", "consumer-a-2").starts_with("consumer-a-2/namespace is taken already"));
        assert!(why("consumer-a", "reader").starts_with("reader-1/namespace would be no reader of a group"));
        assert!(why("consumer-*", "consumer-c").starts_with("`consumer-*` names many"));
        let mut estate = estate();
        let since = jiff::Timestamp::UNIX_EPOCH;
        let address: Address = "networking/vpc".parse().unwrap();
        estate.entries.get_mut(&address).unwrap().status = Status::Updating { step: None, since };
        let refused = renaming(&estate, "networking/vpc", "networking/net").unwrap_err();
        assert_eq!(refused.to_string(), "networking/vpc is updating");
    }

    #[test]
    fn who_depends_on_what_goes_is_named() {
        let estate = estate();
        let going = pick(&estate, &["consumer-a-1".parse().unwrap()]).unwrap();
        let left: Vec<String> = dependants(&estate, &going).keys().map(ToString::to_string).collect();
        assert_eq!(left, ["nlb/targets"]);
        assert_eq!(without(&estate, &going).entries.len(), 4);
    }
}
