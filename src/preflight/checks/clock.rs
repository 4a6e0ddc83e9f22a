//! Does this machine's clock agree with AWS's? AWS takes no request whose signature is older than five minutes, and the
//! lease of a state in S3 goes by time (aws-facts.md 12, row 25). Every answer tells AWS's time: nothing is asked.

use super::{Case, Check};
use crate::preflight::{finding::Finding, survey::Ask};
use jiff::SignedDuration;
use std::collections::BTreeSet;

/// As old as AWS lets a signature be.
const MOST: SignedDuration = SignedDuration::from_secs(300);

pub(super) static CHECK: Check =
    Check { name: "clock", title: "the clock of this machine is that of AWS, five minutes at most aside", asks, run };

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    (!case.outline.deeds.is_empty()).then(BTreeSet::new)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let Some(skew) = case.skew.filter(|skew| skew.abs() >= MOST) else { return Vec::new() };
    let side = if skew.is_negative() { "ahead of" } else { "behind" };
    let seconds = skew.abs().as_secs();
    vec![
        Finding::error(Vec::new(), "the clock of this machine is wrong: AWS refuses signatures that are old or early")
            .sure(false)
            .values(format!("{seconds} s {side} AWS"), "less than 300 s")
            .key("region")
            .help("set the clock, or let it be set (`timedatectl set-ntp true`)"),
    ]
}
