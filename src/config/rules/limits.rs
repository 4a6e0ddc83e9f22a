//! Usage limits of the producer: each feature belongs to one form of it (aws-facts.md 5.7, 6.4).

use super::Rules;
use crate::config::shape::Fault;
use crate::config::typed::{LimitedFeature, ProducerKind};

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    let serverless = matches!(config.producer.kind, ProducerKind::Serverless(_));
    let mut seen = Vec::new();
    for (index, limit) in config.producer.usage_limits.iter().enumerate() {
        let path = format!("producer.usage_limits[{index}].feature");
        if !rules.sound(&path) {
            continue;
        }
        let feature = limit.feature.as_str();
        if rules.sound("producer.type") && serverless != (limit.feature == LimitedFeature::ServerlessCompute) {
            let fault = match serverless {
                true => Fault::new(format!("only a cluster has `{feature}`, and the producer is serverless"))
                    .help("`serverless-compute` limits its RPU-hours"),
                false => Fault::new(format!("only serverless has `{feature}`, and the producer is a cluster"))
                    .help("a cluster has `concurrency-scaling`, `spectrum` and `cross-region-datasharing`"),
            };
            rules.error(&path, fault);
        }
        let one = (limit.feature, limit.period);
        if seen.contains(&one) {
            let fault = format!("there is a {} limit of `{feature}` already", limit.period.as_str());
            rules.error(&path, Fault::new(fault).help("one limit for each feature and period"));
        }
        seen.push(one);
    }
}
