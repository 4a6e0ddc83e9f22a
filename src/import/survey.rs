//! What an old estate is made of, in rsds's own terms: the plain keys of its file, and which old resource stands under
//! which address. One file a component beside it.
//!
//! Called by `import::bulk`. Pure. It reads the old state alone: where that is out of date, `bulk` goes by what AWS shows.
//! Must never guess silently: what it cannot place it leaves, with the reason.

mod balancer;
mod network;
mod rights;
mod warehouse;

use super::tfstate::{Index, TfResource, TfState};
use crate::{
    address::Address,
    aws::{kind, security_group_rule::SecurityGroupRuleSpec},
    config::shape::Shape,
    kind::{Id, Known, Named},
};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use warehouse::Warehouse;

/// The longest start of all names: with the environment's name and a port behind it, a target group's may have 32.
const PROJECT: usize = 12;
/// Words that say what every consumer is, and so tell none from another.
const GENERIC: &[&str] = &[
    "consumer",
    "consumers",
    "reader",
    "readers",
    "redshift",
    "serverless",
    "workgroup",
    "workgroups",
    "wg",
    "this",
    "main",
];

/// A rule as AWS shows it.
pub type LiveRule = (Id, SecurityGroupRuleSpec<Known>);

/// One old resource, or several that are one to rsds, under an address.
#[derive(Clone, Debug)]
pub struct Assigned {
    /// Where the old code has it.
    pub from: BTreeSet<String>,
    /// Its kind.
    pub kind: &'static str,
    /// What finds it.
    pub named: Named,
    /// What the old state says of it, as far as a place for it depends on that.
    pub facts: Json,
}

/// An old estate in rsds's own terms.
#[derive(Debug, Default)]
pub struct Layout {
    /// The plain keys: sections in order, each with its keys in order.
    pub sections: Vec<(String, Vec<(String, Json)>)>,
    /// What stands under which address.
    pub assigned: BTreeMap<Address, Assigned>,
    /// Physical names.
    pub names: BTreeMap<Address, String>,
    /// What has no place, by its old address, and why.
    pub left: BTreeMap<String, String>,
}

/// Why nothing can be said, and what to do about it.
pub type Puzzle = (String, String);

/// The old estate being looked at.
struct Survey<'a> {
    tf: &'a TfState,
    rules: &'a [LiveRule],
    project: String,
    env: &'a str,
    layout: Layout,
    seen: BTreeSet<&'a str>,
}

/// Finds out what an old estate is made of. `producer` names the warehouse that takes the writes, where that is not plain.
///
/// Errors: there is no warehouse, or nobody can tell which is the producer.
pub fn survey(tf: &TfState, rules: &[LiveRule], env: &str, producer: Option<&str>) -> Result<Layout, Puzzle> {
    let project = project(tf, env);
    let (layout, seen) = (Layout::default(), BTreeSet::new());
    let mut survey = Survey { tf, rules, project, env, layout, seen };
    let warehouses = survey.warehouses(producer)?;
    survey.top(&warehouses)?;
    survey.network(&warehouses);
    survey.producer(&warehouses[0]);
    let behind = survey.balancer(&warehouses);
    survey.consumers(&warehouses, &behind);
    survey.rest();
    Ok(survey.layout)
}

impl<'a> Survey<'a> {
    /// Puts an old resource under an address; `text` is what a person would name it by.
    fn assign(&mut self, component: &str, resource: &str, of: &'a TfResource, name: &'static str, text: &str) {
        let Some(named) = kind(name).and_then(|kind| kind.named(text)) else {
            self.leave(of, &format!("its id is none of {name}"));
            return;
        };
        self.put(component, resource, of, name, named);
    }

    fn put(&mut self, component: &str, resource: &str, of: &'a TfResource, kind: &'static str, named: Named) {
        let address = Address::new(component, resource);
        self.seen.insert(&of.address);
        self.layout.left.remove(&of.address);
        let facts = Json::Object(Map::new());
        let new = || Assigned { from: BTreeSet::new(), kind, named, facts };
        self.layout.assigned.entry(address).or_insert_with(new).from.insert(of.address.clone());
    }

    fn facts(&mut self, component: &str, resource: &str, facts: Json) {
        if let Some(assigned) = self.layout.assigned.get_mut(&Address::new(component, resource)) {
            assigned.facts = facts;
        }
    }

    /// Pins a physical name that is not the one rsds would give.
    fn name(&mut self, component: &str, resource: &str, name: &str, default_tail: &str) {
        if name != format!("{}-{}-{default_tail}", self.project, self.env) {
            self.layout.names.insert(Address::new(component, resource), name.to_owned());
        }
    }

    fn leave(&mut self, of: &'a TfResource, why: &str) {
        self.seen.insert(&of.address);
        self.layout.left.entry(of.address.clone()).or_insert_with(|| why.to_owned());
    }

    /// Writes a key of the file.
    fn set(&mut self, section: &str, key: &str, value: Json) {
        let sections = &mut self.layout.sections;
        let at = sections.iter().position(|(name, _)| name == section).unwrap_or_else(|| {
            sections.push((section.to_owned(), Vec::new()));
            sections.len() - 1
        });
        sections[at].1.push((key.to_owned(), value));
    }

    /// Writes a key unless it is what rsds takes anyway.
    fn set_unless(&mut self, section: &str, key: &str, value: Option<Json>, default: &Json) {
        if let Some(value) = value.filter(|value| value != default) {
            self.set(section, key, value);
        }
    }

    fn top(&mut self, warehouses: &[Warehouse<'_>]) -> Result<(), Puzzle> {
        let arn = warehouses.iter().find_map(|warehouse| warehouse.any().text("arn"));
        let parts: Vec<&str> = arn.unwrap_or_default().split(':').collect();
        let (Some(region), Some(account)) = (parts.get(3), parts.get(4)) else {
            return Err((
                "no warehouse in this state has an ARN, so nobody knows its region".to_owned(),
                "bring the state up to date first: terraform apply -refresh-only".to_owned(),
            ));
        };
        let (region, account, project) = (json!(region), json!(account), json!(self.project));
        self.set("", "project", project);
        self.set("", "region", region);
        self.set("", "account", account);
        Ok(())
    }

    /// Says of everything without a place why it has none.
    fn rest(&mut self) {
        let tf = self.tf;
        for of in tf.resources.iter().filter(|of| !self.seen.contains(of.address.as_str())).collect::<Vec<_>>() {
            let known = super::tfstate::READ.iter().any(|(ty, _)| *ty == of.ty);
            let why = match known {
                true => "the estate that rsds builds has no place for it: it stays as it is",
                false => "rsds has no such kind of resource",
            };
            self.leave(of, why);
        }
    }
}

/// Finds the start that the names of all warehouses have in common; the environment's name at its end is not part of it.
fn project(tf: &TfState, env: &str) -> String {
    let named = [
        ("aws_redshift_cluster", "cluster_identifier"),
        ("aws_redshiftserverless_namespace", "namespace_name"),
        ("aws_redshiftserverless_workgroup", "workgroup_name"),
        ("aws_lb", "name"),
    ];
    let names: Vec<String> =
        named.iter().flat_map(|(ty, attribute)| tf.of(ty).filter_map(|of| of.text(attribute))).map(plain).collect();
    let split = |name: &String| name.split('-').map(str::to_owned).collect::<Vec<_>>();
    let mut common: Vec<String> = names.first().map(split).unwrap_or_default();
    for name in &names {
        let same = common.iter().zip(split(name)).take_while(|(one, other)| *one == other).count();
        common.truncate(same);
    }
    if common.len() > 1 && common.last().is_some_and(|last| last == env) {
        common.pop();
    }
    while common.len() > 1 && common.join("-").len() > PROJECT {
        common.pop();
    }
    let project = common.join("-");
    let good = Shape::Name.check(&project).is_ok() && project.len() <= PROJECT && !project.starts_with("sg-");
    if good && project != "internal" { project } else { "estate".to_owned() }
}

/// A text as part of a name: lower case, letters, digits and single dashes.
fn plain(text: &str) -> String {
    let lower: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    lower.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// What tells one reader from another: the name of its group, and its number where the old code counts.
fn group_of(of: &TfResource, name: &str, project: &str) -> (String, Option<u32>) {
    let own = (of.name.clone(), of.index.clone());
    let places = of.modules.iter().rev().cloned().chain([own]);
    for (place, index) in places {
        match index {
            Some(Index::Key(key)) => {
                if let Some(found) = telling(&key) {
                    return found;
                }
            }
            Some(Index::Number(number)) => {
                let group = telling(&place).map_or_else(|| "readers".to_owned(), |(group, _)| group);
                return (group, Some(number));
            }
            None => {
                if let Some(found) = telling(&place) {
                    return found;
                }
            }
        }
    }
    let own = plain(name);
    let own = own.strip_prefix(project).unwrap_or(&own).trim_matches('-');
    telling(own).unwrap_or_else(|| ("readers".to_owned(), None))
}

/// A name without the words that every consumer's has; a number at its end counts.
fn telling(name: &str) -> Option<(String, Option<u32>)> {
    let name = plain(name);
    let mut words: Vec<&str> = name.split('-').filter(|word| !word.is_empty() && !GENERIC.contains(word)).collect();
    let number = words.last().and_then(|word| word.parse().ok());
    if number.is_some() {
        words.pop();
    }
    let group = words.join("-");
    match (group.is_empty(), number) {
        (true, None) => None,
        (true, Some(number)) => Some(("readers".to_owned(), Some(number))),
        (false, _) if Shape::Group.check(&group).is_ok() => Some((group, number)),
        (false, _) => Some((format!("g-{group}"), number)).filter(|(group, _)| Shape::Group.check(group).is_ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(String, Option<u32>)> {
        telling(text)
    }

    #[test]
    fn what_every_consumer_is_called_tells_none_from_another() {
        let of = |group: &str, number| Some((group.to_owned(), number));
        assert_eq!(told("consumer_reporting"), of("reporting", None));
        assert_eq!(told("redshift_serverless"), None);
        assert_eq!(told("consumer-1-wg"), of("readers", Some(1)));
        assert_eq!(told("BI team 2"), of("bi-team", Some(2)));
        assert_eq!(told("3d"), of("g-3d", None));
    }
}
