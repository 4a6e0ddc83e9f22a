//! Is the bucket of the state versioned, private and encrypted? (aws-facts.md 12, row 25.) Whether the lock can be had,
//! taking it shows. Looked at before the first apply alone: the store is asked, not AWS's survey.

use super::{Case, Check};
use crate::preflight::{finding::Finding, survey::Ask};
use std::collections::BTreeSet;

pub(super) static CHECK: Check =
    Check { name: "state-bucket", title: "the bucket of the state is versioned, private and encrypted", asks, run };

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    (!case.outline.deeds.is_empty() && case.keeping.asked).then(BTreeSet::new)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    if case.keeping.lacks.is_empty() {
        return Vec::new();
    }
    vec![
        Finding::error(Vec::new(), format!("the state at {} is not kept well", case.keeping.place))
            .sure(false)
            .values(case.keeping.lacks.join("; "), "a bucket that is versioned, private and encrypted")
            .key("state.bucket")
            .help("rsds backend create (it mends what is there)"),
    ]
}
