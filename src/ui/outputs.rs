//! The outputs of an environment: as a table, as JSON, or one value raw for scripts.
//!
//! Called by `output` of the CLI. Must never shorten a value: people copy connection strings and SQL from here.

use super::{
    style::{Label, Styled},
    value::whole,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Writes outputs by name; lists, maps and texts of several lines stand below their name, indented.
pub fn table(outputs: &BTreeMap<String, Json>, color: bool) -> String {
    if outputs.is_empty() {
        return "No outputs yet: nothing is applied.\n".to_owned();
    }
    let mut out = String::new();
    for (name, value) in outputs {
        let head = Styled::new().label(Label::Address, name).text(" =");
        out.push_str(&head.render(color));
        if is_block(value) {
            out.push('\n');
            block(value, 2, &mut out);
        } else {
            out.extend([" ", &leaf(value), "\n"]);
        }
    }
    out
}

/// Returns outputs as a document of format `rsds.outputs/1`.
pub fn json(outputs: &BTreeMap<String, Json>) -> Json {
    json!({ "format": "rsds.outputs/1", "outputs": outputs })
}

/// Writes one value for a script: texts as they are, a list of plain values one a line, anything else as JSON;
/// nothing for null. Without a line end of its own.
pub fn raw(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(items) if items.iter().all(|item| !is_nested(item)) => {
            items.iter().map(raw).collect::<Vec<_>>().join("\n")
        }
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => value.to_string(),
    }
}

/// Writes one value for people: as in the table, without its name.
pub fn one(value: &Json) -> String {
    if !is_block(value) {
        return raw(value);
    }
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn is_nested(value: &Json) -> bool {
    matches!(value, Json::Array(_) | Json::Object(_))
}

/// Tells whether a value needs lines of its own.
fn is_block(value: &Json) -> bool {
    match value {
        Json::String(text) => text.trim_end().contains('\n'),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// A text is shown as it is, to be copied; only control characters are made visible.
fn leaf(value: &Json) -> String {
    match value {
        Json::String(text) => Styled::new().text(text.trim_end()).render(false),
        other => whole(other),
    }
}

fn block(value: &Json, indent: usize, out: &mut String) {
    let mut entry = |head: String, value: &Json| {
        let pad = " ".repeat(indent);
        if is_block(value) {
            out.extend([&pad, head.as_str(), "\n"]);
            block(value, indent + 2, out);
        } else {
            out.extend([&pad, head.as_str(), " ", &leaf(value), "\n"]);
        }
    };
    match value {
        Json::Object(map) => map.iter().for_each(|(key, value)| entry(format!("{key}:"), value)),
        Json::Array(items) => items.iter().for_each(|item| entry("-".to_owned(), item)),
        Json::String(text) => {
            let pad = " ".repeat(indent);
            text.lines().for_each(|line| out.extend([&pad, Styled::new().text(line).render(false).as_str(), "\n"]));
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs() -> BTreeMap<String, Json> {
        let json = json!({
            "vpc_id": "vpc-1",
            "port": 5439,
            "subnet_ids": ["subnet-1", "subnet-2"],
            "endpoints": { "consumer-a-1": "wg.example.com", "producer": null },
            "data_sharing_commands": { "producer": "CREATE DATASHARE \"s\";\nGRANT USAGE ON DATASHARE \"s\";\n" },
            "jdbc": "jdbc:redshift://nlb.example.com:5439/db?ssl=true;sslmode=verify-ca",
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_table_can_be_copied_from() {
        insta::assert_snapshot!(table(&outputs(), false), @r#"
        data_sharing_commands =
          producer:
            CREATE DATASHARE "s";
            GRANT USAGE ON DATASHARE "s";
        endpoints =
          consumer-a-1: wg.example.com
          producer: unset
        jdbc = jdbc:redshift://nlb.example.com:5439/db?ssl=true;sslmode=verify-ca
        port = 5439
        subnet_ids =
          - subnet-1
          - subnet-2
        vpc_id = vpc-1
        "#);
        assert!(table(&BTreeMap::new(), false).contains("nothing is applied"));
    }

    #[test]
    fn raw_values_suit_scripts() {
        let outputs = outputs();
        assert_eq!(raw(&outputs["vpc_id"]), "vpc-1");
        assert_eq!(raw(&outputs["subnet_ids"]), "subnet-1\nsubnet-2");
        assert_eq!(raw(&outputs["endpoints"]), r#"{"consumer-a-1":"wg.example.com","producer":null}"#);
        assert_eq!(json(&outputs)["outputs"]["port"], 5439);
    }
}
