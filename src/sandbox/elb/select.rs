//! Picks what a Describe operation answers: by ARNs, by names, or everything, in pages.
//!
//! Called by the describes of this service. Source: aws-facts.md 7.1, 7.2. Must never answer a part of the list when one
//! of the things asked for is missing.

use serde_json::json;

use super::name::Kind;
use super::{AwsError, Reply, Request, invalid, page};

/// Objects on one page, default and most (7.1).
const PAGE: usize = 400;
/// Most ARNs or names of one call (7.1).
const MOST_ASKED: usize = 20;

/// What one Describe operation selects.
pub(super) struct Choice<'a, T> {
    /// Kind of the ARNs asked for.
    pub kind: Kind,
    /// Parameter of the ARNs.
    pub arns: &'a str,
    /// Parameter of the names, if names can be asked for.
    pub names: Option<&'a str>,
    /// Everything there is: ARN, name, object.
    pub all: Vec<(&'a str, &'a str, &'a T)>,
    /// The error when something asked for is missing.
    pub missing: AwsError,
}

impl<'a, T> Choice<'a, T> {
    /// The objects asked for; everything when nothing was.
    pub(super) fn pick(self, req: &Request) -> Result<Vec<&'a T>, AwsError> {
        let arns = req.texts(self.arns)?;
        let names = self.names.map_or_else(|| Ok(Vec::new()), |names| req.texts(names))?;
        if !arns.is_empty() && !names.is_empty() {
            return Err(invalid(format!(
                "{} and {} cannot be specified together",
                self.arns,
                self.names.unwrap_or("")
            )));
        }
        if arns.len() + names.len() > MOST_ASKED {
            return Err(invalid(format!("A maximum of {MOST_ASKED} resources can be specified in one call")));
        }
        for arn in &arns {
            self.kind.check(arn)?;
        }
        if arns.is_empty() && names.is_empty() {
            return Ok(self.all.into_iter().map(|(.., object)| object).collect());
        }
        let asked: Vec<_> = self
            .all
            .into_iter()
            .filter(|(arn, name, _)| arns.iter().any(|asked| asked == arn) || names.iter().any(|asked| asked == name))
            .map(|(.., object)| object)
            .collect();
        let mut distinct = [arns, names].concat();
        distinct.sort();
        distinct.dedup();
        if asked.len() < distinct.len() { Err(self.missing) } else { Ok(asked) }
    }
}

/// One page of rendered objects under `set`.
pub(super) fn listing(set: &str, items: Vec<Reply>, req: &Request) -> Result<Reply, AwsError> {
    let (items, next) = page(items, req, "PageSize", "Marker", PAGE, 1..=PAGE)?;
    Ok(json!({ set: items, "NextMarker": next }))
}
