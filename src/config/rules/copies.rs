//! Copies of snapshots go to another region, and so does the key that encrypts them (aws-facts.md 5.5, 6.5).

use super::Rules;
use crate::config::shape::Fault;

const REGION: &str = "producer.snapshot_copy.region";
const KEY: &str = "producer.snapshot_copy.kms_key_arn";

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    let Some(copy) = &config.producer.snapshot_copy else { return };
    if rules.sound("region") && copy.region == config.region {
        rules.error(REGION, Fault::new("this is the estate's own region: a copy goes to another"));
    }
    let Some(arn) = &copy.kms_key_arn else { return };
    if rules.sound(REGION) {
        rules.of_region(
            KEY,
            arn,
            "key",
            (&copy.region, "the copies go to"),
            ["a key encrypts in its own region alone", ""],
        );
    }
}
