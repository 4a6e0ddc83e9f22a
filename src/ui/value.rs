//! Values as people read them: short, unquoted where nothing can be mistaken, maps as in TOML.
//!
//! Called by the plan, the state and the outputs. Must never cut a value without saying so by `…`.

use super::style::head;
use serde_json::Value as Json;
use unicode_width::UnicodeWidthStr as _;

/// Writes a value on one line of at most `room` columns; `…` stands for what is left out.
pub(super) fn compact(value: &Json, room: usize) -> String {
    let text = whole(value);
    if text.width() <= room {
        return text;
    }
    match value {
        Json::Array(items) => shortened('[', items.iter().map(whole), items.len(), ']', room),
        Json::Object(map) => shortened('{', map.iter().map(|(k, v)| entry(k, v)), map.len(), '}', room),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => cut(&text, room),
    }
}

/// Writes a value on one line, all of it.
pub(super) fn whole(value: &Json) -> String {
    match value {
        Json::Null => "unset".to_owned(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) if is_plain(text) => text.clone(),
        Json::String(_) => value.to_string(),
        Json::Array(items) => format!("[{}]", join(items.iter().map(whole))),
        Json::Object(map) if map.is_empty() => "{}".to_owned(),
        Json::Object(map) => format!("{{ {} }}", join(map.iter().map(|(k, v)| entry(k, v)))),
    }
}

fn entry(key: &str, value: &Json) -> String {
    format!("{key} = {}", whole(value))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

/// Tells whether a text cannot be taken for anything else when it stands there without quotes.
fn is_plain(text: &str) -> bool {
    let mistakable = ["unset", "true", "false", "null"].contains(&text) || text.parse::<f64>().is_ok();
    let plain = |c: char| c.is_alphanumeric() || "-_./:*@+=()?$%".contains(c);
    !text.is_empty() && !mistakable && text.chars().all(plain)
}

/// As many elements as there is room for, then their number.
fn shortened(open: char, parts: impl Iterator<Item = String>, all: usize, close: char, room: usize) -> String {
    let tail = format!("… {all} in all{close}");
    let mut out = String::from(open);
    for part in parts {
        if out.width() + part.width() + 2 + tail.width() > room {
            break;
        }
        out.push_str(&part);
        out.push_str(", ");
    }
    out + &tail
}

fn cut(text: &str, room: usize) -> String {
    format!("{}…", head(text, room.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quotes_stand_only_where_they_are_needed() {
        let written = whole(&json!([1, "1", "a b", "10.40.0.0/16", "", "true", true, null, { "k": "v" }]));
        assert_eq!(written, r#"[1, "1", "a b", 10.40.0.0/16, "", "true", true, unset, { k = v }]"#);
    }

    #[test]
    fn what_is_left_out_is_said() {
        assert_eq!(compact(&json!("arn:aws:iam::123456789012:role/x"), 16), "arn:aws:iam::12…");
        assert_eq!(compact(&json!(["subnet-1", "subnet-2", "subnet-3"]), 26), "[subnet-1, … 3 in all]");
        assert_eq!(compact(&json!({ "a": 1, "b": 2 }), 80), "{ a = 1, b = 2 }");
    }
}
