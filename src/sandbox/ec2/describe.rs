//! The one way all describe calls answer: ids, filters, pages.
//!
//! Called by the describe operation of every kind with all its objects as replies. It must never change the world.

use serde_json::{Map, Value, json};

use super::filter::{self, Known};
use super::kind::Kind;
use super::{AwsError, Reply, Request, combination, page};

/// The least page size of every EC2 describe (aws-facts.md 1).
const SMALLEST_PAGE: usize = 5;
/// The largest page size of most EC2 describes (aws-facts.md 1).
pub(super) const LARGEST_PAGE: usize = 1000;

/// What one describe call takes and answers.
pub(super) struct Listing {
    /// The kind of object, for the error of an unknown id.
    pub(super) kind: Kind,
    /// The parameter with the list of ids.
    pub(super) ids: &'static str,
    /// The member of an object that holds its id.
    pub(super) id: &'static str,
    /// The member of the answer that holds the objects.
    pub(super) set: &'static str,
    /// The filters this call knows.
    pub(super) filters: &'static [Known],
    /// The largest page, also the page when none is asked for.
    pub(super) largest: usize,
}

impl Listing {
    /// Answers a describe call from all `objects` of the kind: an unknown id fails the whole call, an id list
    /// excludes `MaxResults`, filters are all to be met.
    pub(super) fn answer(&self, req: &Request, objects: Vec<Reply>) -> Result<Reply, AwsError> {
        let filters = filter::parse(req, self.filters)?;
        let ids = req.texts(self.ids)?;
        if !ids.is_empty() && req.has("MaxResults") {
            return Err(combination(format!(
                "The parameter {} cannot be used with the parameter maxResults",
                self.ids
            )));
        }
        for id in &ids {
            if !objects.iter().any(|object| self.id_of(object) == Some(id)) {
                return Err(self.kind.absent(id));
            }
        }
        let chosen = |object: &Reply| {
            (ids.is_empty() || self.id_of(object).is_some_and(|id| ids.iter().any(|i| i == id)))
                && filters.iter().all(|filter| filter.admits(object))
        };
        let found = objects.into_iter().filter(chosen).collect();
        paged_set(req, self.set, found, self.largest)
    }

    fn id_of<'a>(&self, object: &'a Reply) -> Option<&'a str> {
        object.get(self.id).and_then(Value::as_str)
    }
}

/// Answers one page of `found` under the member `set`, with the token of the next page.
pub(super) fn paged_set(req: &Request, set: &str, found: Vec<Reply>, largest: usize) -> Result<Reply, AwsError> {
    let range = SMALLEST_PAGE..=largest;
    let (items, next) = page(found, req, "MaxResults", "NextToken", largest, range)?;
    let mut reply = Map::new();
    reply.insert(set.to_owned(), Value::Array(items));
    if let Some(next) = next {
        reply.insert("nextToken".to_owned(), json!(next));
    }
    Ok(Value::Object(reply))
}
