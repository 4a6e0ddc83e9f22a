//! `If-Match` and `If-None-Match`: what a call may rest on.
//!
//! Called by the object operations before they change or show anything. Must never look at any but the current version.

use super::{AwsError, Request, Version, no_key};

const MATCH: &str = "if-match";
const NONE_MATCH: &str = "if-none-match";

fn failed(condition: &str) -> AwsError {
    let message = "At least one of the pre-conditions you specified did not hold";
    AwsError::new("PreconditionFailed", format!("{message}: {condition}")).status(412)
}

fn names(given: &str, etag: &str) -> bool {
    given == "*" || given.trim_matches('"') == etag.trim_matches('"')
}

/// Whether an object may be written over the current version.
pub(super) fn write(req: &Request, current: Option<&Version>) -> Result<(), AwsError> {
    if let Some(none) = req.opt_text(NONE_MATCH)? {
        if none != "*" {
            let message = "A header you provided implies functionality that is not implemented: If-None-Match";
            return Err(AwsError::new("NotImplemented", message).status(501));
        }
        if current.is_some() {
            return Err(failed("If-None-Match"));
        }
    }
    match (req.opt_text(MATCH)?, current) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(no_key()),
        (Some(given), Some(current)) if names(&given, &current.etag) => Ok(()),
        (Some(_), Some(_)) => Err(failed("If-Match")),
    }
}

/// Whether the current version may be deleted.
pub(super) fn delete(req: &Request, current: Option<&Version>) -> Result<(), AwsError> {
    match (req.opt_text(MATCH)?, current) {
        (None, _) => Ok(()),
        (Some(given), Some(current)) if names(&given, &current.etag) => Ok(()),
        (Some(_), _) => Err(failed("If-Match")),
    }
}

/// Whether a version is shown.
pub(super) fn read(req: &Request, version: &Version) -> Result<(), AwsError> {
    if req.opt_text(MATCH)?.is_some_and(|given| !names(&given, &version.etag)) {
        return Err(failed("If-Match"));
    }
    if req.opt_text(NONE_MATCH)?.is_some_and(|given| names(&given, &version.etag)) {
        return Err(AwsError::new("NotModified", "Not Modified").status(304));
    }
    Ok(())
}
