//! The one form in which parameters of a warehouse compare: booleans lower case, JSON without its white space
//! (aws-facts.md 5.2).
//!
//! Used by the kinds `redshift.parameter-group` and `redshift-serverless.workgroup`. Must never change what a value means.

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The parameter that holds JSON.
const WLM: &str = "wlm_json_configuration";

/// Reads parameters in that form.
pub(super) fn canonical<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Ok(folded(BTreeMap::<String, String>::deserialize(deserializer)?))
}

/// Brings parameters into that form.
pub(super) fn folded(parameters: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let fold = |(name, value): (String, String)| {
        let lower = value.to_ascii_lowercase();
        let value = match lower.as_str() {
            "true" | "false" => lower,
            _ if name == WLM => serde_json::from_str::<Json>(&value).map_or(value, |json| json.to_string()),
            _ => value,
        };
        (name, value)
    };
    parameters.into_iter().map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_in_one_form() {
        let given = [("require_ssl", "TRUE"), (WLM, "[ {\"a\": 1} ]"), ("datestyle", "ISO")];
        let folded = folded(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(folded["require_ssl"], "true");
        assert_eq!(folded[WLM], r#"[{"a":1}]"#);
        assert_eq!(folded["datestyle"], "ISO");
    }
}
