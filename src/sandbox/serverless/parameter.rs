//! Config parameters of workgroups: known keys, their values, defaults, and what excludes what.
//!
//! Called by the workgroup operations. Source: aws-facts.md 6.2. Must never answer the parameters in a fixed order:
//! AWS promises none, and a client that relies on one is wrong.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::world::digest;
use super::{AwsError, Reply, Request, invalid};

const BOOLEANS: [&str; 5] =
    ["auto_mv", "enable_case_sensitive_identifier", "enable_user_activity_logging", "require_ssl", "use_fips_ssl"];
const TEXTS: [&str; 3] = ["datestyle", "query_group", "search_path"];
/// Query monitoring limits; they exclude a WLM configuration.
const LIMITS: [&str; 10] = [
    "max_query_execution_time",
    "max_query_queue_time",
    "max_query_blocks_read",
    "max_scan_row_count",
    "max_return_row_count",
    "max_join_row_count",
    "max_nested_loop_join_row_count",
    "max_query_temp_blocks_to_disk",
    "max_io_skew",
    "max_cpu_skew",
];
const WLM: &str = "wlm_json_configuration";
/// Longest WLM configuration in characters.
const WLM_LONGEST: usize = 8000;
/// Longest query in seconds.
const LONGEST_QUERY: u64 = 86_399;
/// Limits that the service took away in May 2025.
const REMOVED: [&str; 2] = ["max_query_cpu_time", "max_query_cpu_usage_percent"];
/// What every workgroup has without being told.
const DEFAULTS: [(&str, &str); 8] = [
    ("auto_mv", "true"),
    ("datestyle", "ISO, MDY"),
    ("enable_case_sensitive_identifier", "false"),
    ("enable_user_activity_logging", "true"),
    ("query_group", "default"),
    ("require_ssl", "true"),
    ("search_path", "$user, public"),
    ("use_fips_ssl", "false"),
];

/// The parameters of a new workgroup before the caller's.
pub(super) fn defaults() -> BTreeMap<String, String> {
    DEFAULTS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Parameters of the call, each checked, no key twice.
pub(super) fn read(req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut parameters = BTreeMap::new();
    for parameter in req.list("configParameters") {
        let (key, value) = (parameter.text("parameterKey")?, parameter.text("parameterValue")?);
        check(&key, &value)?;
        if parameters.insert(key.clone(), value).is_some() {
            return Err(invalid(format!("The configuration parameter {key} is given twice")));
        }
    }
    Ok(parameters)
}

/// Refuses query monitoring limits together with a WLM configuration.
pub(super) fn check_set(parameters: &BTreeMap<String, String>) -> Result<(), AwsError> {
    let limit = LIMITS.iter().find(|key| parameters.contains_key(**key));
    match limit {
        Some(limit) if parameters.contains_key(WLM) => {
            Err(invalid(format!("The configuration parameters {limit} and {WLM} exclude each other")))
        }
        _ => Ok(()),
    }
}

/// Refuses what only an update may set: `require_ssl` off.
pub(super) fn check_at_create(parameters: &BTreeMap<String, String>) -> Result<(), AwsError> {
    if parameters.get("require_ssl").is_some_and(|value| value == "false") {
        return Err(invalid(
            "The parameter require_ssl can't be false when a workgroup is created; update it afterwards",
        ));
    }
    Ok(())
}

/// The parameters as answered, in an order that follows from the workgroup alone.
pub(super) fn render(parameters: &BTreeMap<String, String>, workgroup_id: &str) -> Vec<Reply> {
    let mut all: Vec<_> = parameters.iter().collect();
    all.sort_by_cached_key(|(key, _)| digest(&format!("{workgroup_id}/{key}")));
    all.into_iter().map(|(key, value)| json!({ "parameterKey": key, "parameterValue": value })).collect()
}

fn check(key: &str, value: &str) -> Result<(), AwsError> {
    let good = if REMOVED.contains(&key) {
        return Err(invalid(format!("The configuration parameter {key} is no longer supported")));
    } else if BOOLEANS.contains(&key) {
        matches!(value, "true" | "false")
    } else if TEXTS.contains(&key) {
        !value.is_empty()
    } else if LIMITS.contains(&key) {
        let number = value.parse::<u64>();
        number.is_ok_and(|number| key != "max_query_execution_time" || number <= LONGEST_QUERY)
    } else if key == WLM {
        value.chars().count() <= WLM_LONGEST && serde_json::from_str::<Value>(value).is_ok()
    } else {
        return Err(invalid(format!("The configuration parameter {key} is not supported")));
    };
    if good {
        Ok(())
    } else {
        Err(invalid(format!("The value '{value}' of the configuration parameter {key} is not valid")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_known() {
        assert!(check("max_query_execution_time", "86399").is_ok());
        for (key, value) in [
            ("max_query_execution_time", "86400"),
            ("max_scan_row_count", "-1"),
            ("require_ssl", "yes"),
            ("max_query_cpu_time", "10"),
            ("no_such_key", "1"),
            (WLM, "not json"),
        ] {
            assert_eq!(check(key, value).unwrap_err().code, "ValidationException", "{key}");
        }
        let both = [(WLM.to_owned(), "[]".to_owned()), ("max_io_skew".to_owned(), "5".to_owned())].into();
        assert!(check_set(&both).is_err());
    }

    #[test]
    fn the_order_depends_on_the_workgroup() {
        let orders: std::collections::BTreeSet<String> =
            ["a", "b", "c"].iter().map(|id| json!(render(&defaults(), id)).to_string()).collect();
        assert!(orders.len() > 1);
    }
}
