//! Addresses of resources (`consumer-analytics-2/workgroup`) and the selectors that pick them
//! (`--target`, `--exclude`, `--replace`, `[protect] addresses`).
//!
//! Called by every layer. Must never match by prefix: `consumer-analytics` is not `consumer-analytics-eu`.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Names one resource of an environment as `<component>/<resource>` (design.md 3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    component: String,
    resource: String,
}

/// Says why a text is not an address or a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {why}")]
pub struct BadAddress {
    text: String,
    why: &'static str,
}

fn is_part(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

impl Address {
    /// Builds the address of `resource` within `component`; both come from rsds's own stack, never from AWS.
    pub fn new(component: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { component: component.into(), resource: resource.into() }
    }

    /// Returns the component: `networking`, `producer`, `consumer-analytics-2`, `nlb`.
    pub fn component(&self) -> &str {
        &self.component
    }

    /// Returns the resource within its component: `vpc`, `workgroup`, `listener-5439`.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// Returns the group of a reader's component (`consumer-analytics` of `consumer-analytics-2`), if it is one.
    pub fn group(&self) -> Option<&str> {
        let (group, number) = self.component.rsplit_once('-')?;
        let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        (numbered && group.starts_with("consumer-")).then_some(group)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` honours the width of `{address:<30}`.
        f.pad(&format!("{}/{}", self.component, self.resource))
    }
}

impl FromStr for Address {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let bad = |why| BadAddress { text: text.to_owned(), why };
        let (component, resource) = text.split_once('/').ok_or_else(|| bad("expected `<component>/<resource>`"))?;
        if !is_part(component) || !is_part(resource) {
            return Err(bad("letters, digits, `-`, `_` and `.` on both sides of one `/`"));
        }
        Ok(Self::new(component, resource))
    }
}

impl TryFrom<String> for Address {
    type Error = BadAddress;
    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

/// Picks addresses: a whole address, a component, a group of readers, or any of these with `*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selector {
    text: String,
}

impl Selector {
    /// Tells whether `address` is picked.
    pub fn matches(&self, address: &Address) -> bool {
        if self.text.contains('/') {
            return wild(&self.text, &address.to_string());
        }
        wild(&self.text, address.component()) || address.group().is_some_and(|group| wild(&self.text, group))
    }

    /// Returns up to three components, groups or addresses of `known` that the user may have meant.
    pub fn near<'a>(&self, known: impl IntoIterator<Item = &'a Address>) -> Vec<String> {
        let mut names: Vec<String> = known
            .into_iter()
            .flat_map(|a| {
                let whole = self.text.contains('/').then(|| a.to_string());
                [whole, Some(a.component().to_owned()), a.group().map(str::to_owned)]
            })
            .flatten()
            .collect();
        names.sort();
        names.dedup();
        names.sort_by(|a, b| {
            let score = |n: &String| strsim::jaro_winkler(&self.text, n);
            score(b).total_cmp(&score(a)).then_with(|| a.cmp(b))
        });
        names.truncate(3);
        names
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl TryFrom<String> for Selector {
    type Error = BadAddress;
    fn try_from(text: String) -> Result<Self, BadAddress> {
        text.parse()
    }
}

impl From<Selector> for String {
    fn from(selector: Selector) -> Self {
        selector.text
    }
}

impl FromStr for Selector {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let fine = text.split('/').count() <= 2 && text.split('/').all(|part| is_part(&part.replace('*', "x")));
        if !fine {
            let why = "expected a component, a group, an address, or one of these with `*`";
            return Err(BadAddress { text: text.to_owned(), why });
        }
        Ok(Self { text: text.to_owned() })
    }
}

/// Matches `*` against any run of characters.
pub(crate) fn wild(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text
            .strip_prefix(head)
            .is_some_and(|rest| (0..=rest.len()).any(|i| rest.is_char_boundary(i) && wild(tail, &rest[i..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(selector: &str, address: &str) -> bool {
        let selector: Selector = selector.parse().unwrap();
        selector.matches(&address.parse().unwrap())
    }

    #[test]
    fn groups_match_through_the_model_not_by_prefix() {
        assert!(picks("consumer-analytics", "consumer-analytics-2/workgroup"));
        assert!(!picks("consumer-analytics", "consumer-analytics-eu-1/workgroup"));
        assert!(!picks("consumer", "consumer-analytics-2/workgroup"));
        assert!(picks("consumer-analytics-2", "consumer-analytics-2/workgroup"));
        assert!(!picks("consumer-analytics-2", "consumer-analytics-21/workgroup"));
    }

    #[test]
    fn wildcards_match_components_and_addresses() {
        assert!(picks("consumer-*", "consumer-analytics-2/workgroup"));
        assert!(picks("*/workgroup", "producer/workgroup"));
        assert!(!picks("*/workgroup", "producer/namespace"));
        assert!(picks("*", "networking/vpc"));
    }

    #[test]
    fn malformed_texts_are_refused() {
        for text in ["", "a/b/c", "a b", "/vpc", "networking/"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
        assert!("networking".parse::<Address>().is_err());
    }

    #[test]
    fn near_names_come_best_first() {
        let known: Vec<Address> =
            ["consumer-reporting-1/workgroup", "nlb/listener-5439"].map(|t| t.parse().unwrap()).into();
        let selector: Selector = "consumer-reportin".parse().unwrap();
        assert_eq!(selector.near(&known)[0], "consumer-reporting");
    }
}
