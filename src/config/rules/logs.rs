//! How long exported logs are kept: only as many days as CloudWatch Logs knows.

use std::time::Duration;

use super::Rules;
use crate::config::shape::Fault;
use crate::config::tree::join;

const DAY: u64 = 86_400;
/// The days there are (aws-facts.md 5.4; the API model of PutRetentionPolicy).
const DAYS: [u64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    retention(rules, "producer", "logging", config.producer.log_retention, config.producer.logging.is_empty());
    for (group, consumer) in &config.consumers {
        let none = consumer.log_exports.is_empty();
        retention(rules, &join("consumers", group), "log_exports", consumer.log_retention, none);
    }
}

fn retention(rules: &mut Rules<'_>, of: &str, exports: &str, kept: Option<Duration>, none: bool) {
    let (path, Some(kept)) = (format!("{of}.log_retention"), kept) else { return };
    let seconds = kept.as_secs();
    if !DAYS.iter().any(|days| days * DAY == seconds) {
        let nearest = DAYS.into_iter().min_by_key(|days| (days * DAY).abs_diff(seconds)).unwrap_or(DAYS[0]);
        let all = DAYS.map(|days| days.to_string()).join(", ");
        let fault = Fault::new(format!("CloudWatch keeps logs for one of {all} days"));
        rules.error(&path, fault.help(format!("the nearest is `{nearest}d`")));
    } else if none && rules.written(&path) {
        let fault = Fault::new(format!("no log is exported, so there is none to keep: `{exports}` is empty"));
        rules.warning(&path, fault);
    }
}
