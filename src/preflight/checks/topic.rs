//! Does the topic that the TOML names exist, and can alarms use it? CloudWatch takes any ARN, and then tells nobody
//! (aws-facts.md 8).

use super::{Case, Check};
use crate::{
    address::Address,
    preflight::{
        finding::Finding,
        outline::Deed,
        survey::{Ask, Fact},
    },
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static CHECK: Check =
    Check { name: "topic", title: "the topic that alarms tell exists, and they can use it", asks, run };

/// The key that SNS has by itself: its policy cannot be changed, and does not know CloudWatch.
const OWN_KEY: &str = "alias/aws/sns";

/// The topics that are not the estate's own, each with the alarms that will tell it.
fn topics(case: &Case<'_>) -> BTreeMap<String, Vec<Address>> {
    let mut topics = BTreeMap::<String, Vec<Address>>::new();
    let names = |deed: &Deed<'_>| deed.changes("alarm_actions") && deed.refers_to("alarm_actions").is_empty();
    for deed in case.outline.deeds.iter().filter(|deed| deed.is("cloudwatch.metric-alarm") && names(deed)) {
        let told = deed.value("alarm_actions");
        for topic in told.iter().flat_map(|told| told.as_array()).flatten().filter_map(|topic| topic.as_str()) {
            topics.entry(topic.to_owned()).or_default().push(deed.address.clone());
        }
    }
    topics
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let asks: BTreeSet<Ask> = topics(case).into_keys().map(Ask::Topic).collect();
    (!asks.is_empty()).then_some(asks)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    let told = |(topic, alarms): (String, Vec<Address>)| {
        let finding = match case.facts.get(&Ask::Topic(topic.clone()))? {
            Fact::Nothing => Finding::error(alarms, "there is no such topic: the alarms would tell nobody")
                .values(format!("{topic} is not there"), "a topic that exists")
                .help("name another topic, or mail addresses (`monitoring.notify`): rsds then makes one"),
            Fact::Word(key) if key.ends_with(OWN_KEY) => {
                Finding::error(alarms, "the topic is encrypted with SNS's own key, which CloudWatch may not use")
                    .sure(false)
                    .values(key.clone(), "no key, or one whose policy lets cloudwatch.amazonaws.com use it")
                    .help("encrypt the topic with a key of yours: kms:GenerateDataKey* and kms:Decrypt for CloudWatch")
            }
            _ => return None,
        };
        Some(finding.key("monitoring.topic_arn"))
    };
    topics(case).into_iter().filter_map(told).collect()
}
