//! The parameters every parameter group has: defaults, allowed values, and which changes need a reboot.
//!
//! Called by the parameter group operations. Source: aws-facts.md 5.2, what DescribeClusterParameters of the service
//! answers (every parameter is `static`), and the table of dynamic WLM properties in the developer guide. Must never
//! accept a value outside the allowed ones.

use serde_json::Value;

use super::{AwsError, invalid};

/// Families of parameter groups.
pub(super) const FAMILIES: [&str; 2] = ["redshift-1.0", "redshift-2.0"];
/// The one parameter with properties that need no reboot.
pub(super) const WLM: &str = "wlm_json_configuration";
/// Longest WLM configuration in characters.
const WLM_LONGEST: usize = 8000;

/// What a value must be.
#[derive(Clone, Copy)]
pub(super) enum Values {
    /// `true` or `false`, in any case.
    Boolean,
    /// Whole number in one of the ranges; the text is how the service writes them.
    Integer(&'static [(i64, i64)], &'static str),
    /// Any text that is not empty.
    Text,
    /// A WLM configuration: a JSON array of queues.
    Queues,
}

/// A parameter.
pub(super) struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its value unless changed, in a group of family `redshift-2.0`.
    pub default: &'static str,
    /// What it is for, in the words of the service.
    pub description: &'static str,
    /// What its value must be.
    pub values: Values,
}

const fn parameter(name: &'static str, default: &'static str, values: Values, description: &'static str) -> Parameter {
    Parameter { name, default, description, values }
}

/// Every parameter, by name.
pub(super) static PARAMETERS: &[Parameter] = &[
    parameter("auto_analyze", "true", Values::Boolean, "Use auto analyze"),
    parameter("auto_mv", "true", Values::Boolean, "Use automated materialized views"),
    parameter("datestyle", "ISO, MDY", Values::Text, "Sets the display format for date and time values."),
    parameter(
        "enable_case_sensitive_identifier",
        "false",
        Values::Boolean,
        "Preserve case sensitivity for database identifiers such as table or column names in parser",
    ),
    parameter("enable_user_activity_logging", "false", Values::Boolean, "parameter for audit logging purpose"),
    parameter(
        "extra_float_digits",
        "0",
        Values::Integer(&[(-15, 2)], "-15-2"),
        "Sets the number of digits displayed for floating-point values",
    ),
    parameter(
        "max_concurrency_scaling_clusters",
        "1",
        Values::Integer(&[(0, 10)], "0-10"),
        "The maximum concurrency scaling clusters can be used.",
    ),
    parameter(
        "max_cursor_result_set_size",
        "default",
        Values::Integer(&[(0, 14_400_000)], "0-14400000"),
        "Sets the max cursor result set size",
    ),
    parameter(
        "query_group",
        "default",
        Values::Text,
        "This parameter applies a user-defined label to a group of queries that are run during the same session..",
    ),
    parameter("require_ssl", "true", Values::Boolean, "require ssl for all databaseconnections"),
    parameter(
        "search_path",
        "$user, public",
        Values::Text,
        "Sets the schema search order for names that are not schema-qualified.",
    ),
    parameter(
        "statement_timeout",
        "0",
        Values::Integer(&[(0, 0), (100, 2_147_483_647)], "0,100-2147483647"),
        "Stops any statement that takes over the specified number of milliseconds.",
    ),
    parameter("use_fips_ssl", "false", Values::Boolean, "Use fips ssl library"),
    parameter(WLM, r#"[{"auto_wlm":true}]"#, Values::Queues, "wlm json configuration"),
];

impl Values {
    /// Data type and allowed values as the service answers them.
    pub(super) fn spelled(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Boolean => ("boolean", Some("true,false")),
            Self::Integer(_, allowed) => ("integer", Some(allowed)),
            Self::Text | Self::Queues => ("string", None),
        }
    }

    fn admits(self, value: &str) -> bool {
        match self {
            Self::Boolean => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            Self::Integer(ranges, _) => value
                .parse::<i64>()
                .is_ok_and(|number| ranges.iter().any(|(least, most)| (*least..=*most).contains(&number))),
            Self::Text => !value.is_empty(),
            Self::Queues => value.chars().count() <= WLM_LONGEST && queues(value).is_some_and(|all| !all.is_empty()),
        }
    }
}

impl Parameter {
    /// Its value in a fresh group of a family: only the newer one requires SSL.
    pub(super) fn default_of(&self, family: &str) -> &'static str {
        if self.name == "require_ssl" && family == "redshift-1.0" { "false" } else { self.default }
    }

    /// Refuses a value that it can't have; its own default always passes.
    pub(super) fn check(&self, value: &str) -> Result<(), AwsError> {
        if value == self.default || self.values.admits(value) {
            return Ok(());
        }
        let (kind, allowed) = self.values.spelled();
        let allowed = allowed.map(|allowed| format!(" with the allowed values {allowed}")).unwrap_or_default();
        Err(invalid(format!("The value {value} of the parameter {} is not a {kind}{allowed}.", self.name)))
    }
}

/// The parameter of that name, or the refusal of an unknown one.
pub(super) fn find(name: &str) -> Result<&'static Parameter, AwsError> {
    let found = PARAMETERS.iter().find(|parameter| parameter.name == name);
    found.ok_or_else(|| invalid(format!("Could not find parameter with name: {name}")))
}

fn queues(text: &str) -> Option<Vec<Value>> {
    let queues: Vec<Value> = serde_json::from_str(text).ok()?;
    queues.iter().all(Value::is_object).then_some(queues)
}

/// Whether a WLM configuration can follow another without a reboot: both automatic, or both manual with the same
/// queues for the same groups.
pub(super) fn is_dynamic_change(from: &str, to: &str) -> bool {
    const STATIC: [&str; 6] = [
        "query_group",
        "query_group_wild_card",
        "user_group",
        "user_group_wild_card",
        "user_role",
        "user_role_wild_card",
    ];
    let (Some(from), Some(to)) = (queues(from), queues(to)) else { return false };
    let automatic = |all: &[Value]| all.iter().any(|queue| queue.get("auto_wlm") == Some(&Value::Bool(true)));
    match (automatic(&from), automatic(&to)) {
        (true, true) => true,
        (false, false) => {
            let same = |(one, other): (&Value, &Value)| STATIC.iter().all(|key| one.get(key) == other.get(key));
            from.len() == to.len() && from.iter().zip(&to).all(same)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_in_their_ranges() {
        let ok = |name: &str, value: &str| find(name).unwrap().check(value).is_ok();
        assert!(ok("require_ssl", "TRUE") && !ok("require_ssl", "1"));
        assert!(ok("statement_timeout", "0") && ok("statement_timeout", "100") && !ok("statement_timeout", "99"));
        assert!(ok("extra_float_digits", "-15") && !ok("extra_float_digits", "3"));
        assert!(ok("max_cursor_result_set_size", "default") && !ok("max_cursor_result_set_size", "none"));
        assert!(ok(WLM, r#"[{"query_concurrency":5}]"#) && !ok(WLM, "[]") && !ok(WLM, "{}"));
        assert!(!ok("search_path", ""));
        assert_eq!(find("Colour").err().unwrap().code, "InvalidParameterValue");
    }

    #[test]
    fn another_mode_or_other_queues_of_wlm_need_a_reboot() {
        let auto = r#"[{"auto_wlm":true}]"#;
        let manual = r#"[{"query_group":["a"],"query_concurrency":5},{"query_concurrency":2}]"#;
        assert!(is_dynamic_change(auto, r#"[{"auto_wlm":true,"priority":"high","user_group":["x"]}]"#));
        assert!(is_dynamic_change(manual, &manual.replace('5', "9")));
        assert!(!is_dynamic_change(manual, &manual.replace("\"a\"", "\"b\"")));
        assert!(!is_dynamic_change(manual, r#"[{"query_concurrency":2}]"#));
        assert!(!is_dynamic_change(auto, manual));
    }
}
