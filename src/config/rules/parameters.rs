//! Redshift parameters: which there are, what excludes what, and their values (aws-facts.md 5.2, 6.2).

use std::collections::BTreeMap;

use super::Rules;
use crate::config::diagnostic::did_you_mean;
use crate::config::quantity::grouped;
use crate::config::shape::Fault;
use crate::config::tree::join;
use crate::config::typed::{LogExport, ProducerKind};

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
/// Parameters of a cluster that are numbers, with the least and the most.
const CLUSTER_NUMBERS: &[(&str, i64, i64)] = &[
    ("extra_float_digits", -15, 2),
    ("max_concurrency_scaling_clusters", 0, 10),
    ("max_cursor_result_set_size", 0, 14_400_000),
    ("statement_timeout", 0, 2_147_483_647),
];
/// Parameters of a cluster that are true or false and that serverless does not have.
const CLUSTER_FLAGS: &[&str] = &["auto_analyze"];
/// The log that a parameter switches on.
const ACTIVITY_LOGGING: &str = "enable_user_activity_logging";

pub(super) fn check(rules: &mut Rules<'_>) {
    let config = rules.config;
    match config.producer.kind {
        ProducerKind::Serverless(_) => serverless(rules, "producer", &config.producer.parameters, false),
        ProducerKind::Cluster(_) => {
            cluster(rules, &config.producer.parameters);
            activity_log(rules);
        }
    }
    for (group, consumer) in &config.consumers {
        serverless(rules, &join("consumers", group), &consumer.parameters, consumer.query_timeout.is_some());
    }
}

fn cluster(rules: &mut Rules<'_>, parameters: &BTreeMap<String, String>) {
    let numbers = || CLUSTER_NUMBERS.iter().map(|row| row.0);
    let known = || FLAGS.iter().chain(CLUSTER_FLAGS).chain(WORDS).copied().chain(numbers()).chain([WLM]);
    for (name, value) in parameters {
        let path = join("producer.parameters", name);
        if known().all(|other| other != name) {
            let help = did_you_mean(name, known());
            rules.error_at_key(&path, Fault { message: "not a parameter of a cluster".to_owned(), help });
        } else if let Err(fault) = cluster_value(name, value) {
            rules.error(&path, fault);
        }
    }
}

fn cluster_value(name: &str, value: &str) -> Result<(), Fault> {
    if CLUSTER_FLAGS.contains(&name) {
        return flag(value);
    }
    let Some((_, least, most)) = CLUSTER_NUMBERS.iter().find(|row| row.0 == name) else { return value_of(name, value) };
    let fault = match value.parse::<i64>() {
        Ok(number) if (*least..=*most).contains(&number) => return Ok(()),
        Ok(number) => format!("{number} is out of bounds: from {least} to {most}"),
        Err(_) => format!("`{value}` is not a whole number"),
    };
    Err(Fault::new(fault))
}

/// AWS writes the log of queries only where a parameter says so too (aws-facts.md 5.4).
fn activity_log(rules: &mut Rules<'_>) {
    let producer = &rules.config.producer;
    let on = producer.parameters.get(ACTIVITY_LOGGING).is_some_and(|value| value == "true");
    if producer.logging.contains(&LogExport::UserActivityLog) && !on {
        let fault = Fault::new("`useractivitylog` stays empty");
        let help = format!("a cluster writes it once `parameters` has `{ACTIVITY_LOGGING} = true`");
        rules.warning("producer.logging", fault.help(help));
    }
}

fn flag(value: &str) -> Result<(), Fault> {
    let good = matches!(value, "true" | "false");
    good.then_some(()).ok_or_else(|| Fault::new(format!("`{value}` is neither `true` nor `false`")))
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
    if FLAGS.contains(&name) {
        return flag(value);
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
