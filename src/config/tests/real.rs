//! The files that come with rsds are right, and say nothing this version does not build.

use std::path::Path;

use super::*;
use crate::config::{environments, typed::ProducerKind};

fn shipped(folder: &str, env: &str) -> Environment {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let environment = load(&dir, env, &[]).unwrap_or_else(|problems| panic!("{}", problems.render(false, 120)));
    assert_eq!(environment.unsupported, [], "{folder}");
    crate::stack::check(&environment).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(environment.config.account, None, "{folder} runs in any account");
    environment
}

#[test]
fn dev_is_small_and_unprotected() {
    let config = shipped(".", "dev").config;
    assert!(config.protect.addresses.is_empty() && !config.producer.final_snapshot);
    assert_eq!(config.readers().count(), 1);
    assert!(!config.datashares.is_empty());
}

#[test]
fn staging_and_prod_are_clusters_and_prod_is_protected() {
    let (staging, prod) = (shipped(".", "staging").config, shipped(".", "prod").config);
    for config in [&staging, &prod] {
        assert!(matches!(config.producer.kind, ProducerKind::Cluster(_)) && config.producer.final_snapshot);
    }
    assert_eq!((staging.readers().count(), prod.readers().count()), (2, 3));
    assert_eq!((prod.consumers.len(), prod.nlb.listeners.len()), (2, 1));
    assert!(prod.consumers.values().all(|group| group.usage_limit.is_some()));
    assert!(prod.protect.addresses.contains(&"producer".to_owned()));
    assert_eq!(environments(Path::new(env!("CARGO_MANIFEST_DIR"))), ["dev", "prod", "staging"], "common is none");
}

#[test]
fn examples() {
    assert!(shipped("examples/minimal", "dev").warnings().is_empty());
    let two = shipped("examples/two-groups", "dev").config;
    let readers: Vec<String> = two.readers().map(|(reader, _)| reader.component()).collect();
    assert_eq!(readers, ["consumer-analytics-1", "consumer-analytics-2", "consumer-reporting-1"]);
    assert!(shipped("examples/existing-vpc", "dev").config.networking.uses_existing_subnets());
    let migration = shipped("examples/migration", "prod").config;
    assert_eq!(migration.resources["nlb/load-balancer"].name.as_deref(), Some("airline-redshift-nlb"));
    assert_eq!(migration.protect.addresses, ["producer", "consumer-*", "nlb"]);
}
