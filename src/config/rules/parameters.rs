//! Redshift parameters: which there are, what excludes what, and their values (aws-facts.md 5.2, 6.2).

use std::collections::BTreeMap;

use super::Rules;
use crate::config::diagnostic::did_you_mean;
use crate::config::quantity::grouped;
use crate::config::shape::Fault;
use crate::config::tree::join;
use crate::config::typed::ProducerKind;

/// Parameters of a serverless workgroup that are true or false.
const FLAGS: &[&str] =
    &["auto_mv", "enable_case_sensitive_identifier", "enable_user_activity_logging", "require_ssl", "use_fips_ssl"];
/// Parameters of a serverless workgroup that are any text.
const WORDS: &[&str] = &["datestyle", "query_group", "search_path"];
/// Query monitoring limits of a serverless workgroup.
const LIMITS: &[&str] = &[
    "max_cpu_skew",
    "max_io_skew",
    "max_join_row_count",
    "max_nested_loop_join_row_count",
    "max_query_blocks_read",
    "max_query_execution_time",
    "max_query_queue_time",
    "max_query_temp_blocks_to_disk",
    "max_return_row_count",
    "max_scan_row_count",
];
/// Workload management as JSON; excludes the limits.
const WLM: &str = "wlm_json_configuration";
/// The limit that `query_timeout` stands for.
const EXECUTION_TIME: &str = "max_query_execution_time";
/// Longest WLM text.
const WLM_LENGTH: usize = 8000;
/// Longest run of a query, in seconds.
const LONGEST_QUERY: u64 = 86_399;
/// Parameters of a cluster that AWS documents; more may exist, so another one is only a warning.
const CLUSTER: &[&str] = &[
    "auto_analyze",
    "auto_mv",
    "datestyle",
    "enable_case_sensitive_identifier",
    "enable_user_activity_logging",
    "extra_float_digits",
    "max_concurrency_scaling_clusters",
    "query_group",
    "require_ssl",
    "search_path",
    "statement_timeout",
    "use_fips_ssl",
    "wlm_json_configuration",
];

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    match config.producer.kind {
        ProducerKind::Serverless(_) => serverless(rules, "producer", &config.producer.parameters, false),
        ProducerKind::Cluster(_) => cluster(rules, &config.producer.parameters),
    }
    for (group, consumer) in &config.consumers {
        serverless(rules, &join("consumers", group), &consumer.parameters, consumer.query_timeout.is_some());
    }
}

fn cluster(rules: &mut Rules<'_>, parameters: &BTreeMap<String, String>) {
    for name in parameters.keys().filter(|name| !CLUSTER.contains(&name.as_str())) {
        let fault = Fault {
            message: "not a parameter rsds knows of clusters".to_owned(),
            help: did_you_mean(name, CLUSTER.iter().copied()),
        };
        rules.warning(&join("producer.parameters", name), fault);
    }
}

fn serverless(rules: &mut Rules<'_>, table: &str, parameters: &BTreeMap<String, String>, timeout: bool) {
    let table = format!("{table}.parameters");
    for (name, value) in parameters {
        let path = join(&table, name);
        if let Some(fault) = unknown(name) {
            rules.error_at_key(&path, fault);
        } else if let Err(fault) = value_of(name, value) {
            rules.error(&path, fault);
        }
    }
    if parameters.contains_key(WLM) {
        for limit in parameters.keys().filter(|name| LIMITS.contains(&name.as_str())) {
            let fault = Fault::new(format!("a workgroup has either query limits or `{WLM}`, which is there too"));
            rules.error_at_key(&join(&table, limit), fault);
        }
        if timeout {
            let fault = Fault::new("a workgroup has either query limits or this, and `query_timeout` is such a limit");
            rules.error_at_key(&join(&table, WLM), fault);
        }
    }
    if timeout && parameters.contains_key(EXECUTION_TIME) {
        let fault = Fault::new("`query_timeout` says the same").help("keep one of the two");
        rules.error_at_key(&join(&table, EXECUTION_TIME), fault);
    }
}

fn unknown(name: &str) -> Option<Fault> {
    let mut known = FLAGS.iter().chain(WORDS).chain(LIMITS).copied().chain([WLM]);
    if known.clone().any(|other| other == name) {
        return None;
    }
    if name.starts_with("max_query_cpu_") {
        let fault = Fault::new("AWS took this limit out of Redshift Serverless in May 2025");
        return Some(fault.help("`query_timeout`, or `max_query_execution_time`, limits the run of a query"));
    }
    let help = did_you_mean(name, known.by_ref().collect::<Vec<_>>());
    Some(Fault { message: "not a parameter of Redshift Serverless".to_owned(), help })
}

fn value_of(name: &str, value: &str) -> Result<(), Fault> {
    if FLAGS.contains(&name) && !matches!(value, "true" | "false") {
        return Err(Fault::new(format!("`{value}` is neither `true` nor `false`")));
    }
    if name == "max_io_skew" || name == "max_cpu_skew" {
        let good = value.parse::<f64>().is_ok_and(|number| number.is_finite() && number >= 0.0);
        return good.then_some(()).ok_or_else(|| Fault::new(format!("`{value}` is not a number")));
    }
    if LIMITS.contains(&name) {
        let Ok(number) = value.parse::<u64>() else {
            return Err(Fault::new(format!("`{value}` is not a whole number")));
        };
        if name == EXECUTION_TIME && number > LONGEST_QUERY {
            let fault = format!("{} s: the most is {} s", grouped(number), grouped(LONGEST_QUERY));
            return Err(Fault::new(fault));
        }
    }
    if name == WLM {
        return wlm(value);
    }
    Ok(())
}

fn wlm(value: &str) -> Result<(), Fault> {
    if value.len() > WLM_LENGTH {
        return Err(Fault::new(format!("{} characters: the most is {WLM_LENGTH}", value.len())));
    }
    serde_json::from_str::<serde_json::Value>(value).map(drop).map_err(|error| Fault::new(format!("not JSON: {error}")))
}
