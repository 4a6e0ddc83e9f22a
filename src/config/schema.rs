//! What the table of keys says, in two other forms: a JSON Schema for editors, and a Markdown table for people.
//! Called by `rsds schema` and the documentation. It adds no knowledge of its own.

use serde_json::{Map as Object, Value, json};

use super::keys::{Absent, KEYS, Key, Since, Type, children, find};
use super::shape::Shape;
use super::source::Source;
use super::tree::parse_value;

/// Returns the JSON Schema (draft 2020-12) of an environment file.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = table("", false);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "rsds environment".into();
    schema["description"] = "A Redshift data-sharing estate: environments/<env>.toml".into();
    // A file that others extend has only some of the keys.
    if let Some(root) = schema.as_object_mut() {
        root.remove("required");
    }
    schema
}

fn table(pattern: &str, open: bool) -> Value {
    let properties: Object<String, Value> =
        children(pattern).map(|key| (key.split().1.to_owned(), described(key))).collect();
    let required: Vec<&str> =
        children(pattern).filter(|key| key.absent == Absent::Required).map(|key| key.split().1).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": open});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn described(key: &Key) -> Value {
    let mut schema = typed(key);
    let yet = if key.since == Since::NotYet { " (Not supported yet.)" } else { "" };
    schema["description"] = format!("{}{yet}", key.doc).into();
    if let Some(default) = default(key) {
        schema["default"] = default;
    }
    schema
}

fn typed(key: &Key) -> Value {
    match key.ty {
        Type::Text(shape) => shape.schema(),
        Type::Texts(shape) => json!({"type": "array", "items": shape.schema(), "uniqueItems": true}),
        Type::Bool => json!({"type": "boolean"}),
        Type::Int(from, to) => json!({"type": "integer", "minimum": from, "maximum": to}),
        Type::Decimal(from, to) => json!({"type": "number", "minimum": from, "maximum": to}),
        Type::Rpu => json!({"anyOf": [
            {"const": 4},
            {"type": "integer", "minimum": 8, "maximum": 512, "multipleOf": 8},
            {"type": "integer", "minimum": 512, "maximum": 1024, "multipleOf": 32}]}),
        Type::Port => json!({"anyOf": [
            {"type": "integer", "minimum": 5431, "maximum": 5455},
            {"type": "integer", "minimum": 8191, "maximum": 8215}]}),
        Type::Zones => json!({"anyOf": [
            {"type": "integer", "minimum": 1, "maximum": 6},
            {"type": "array", "items": {"type": "string"}, "uniqueItems": true}]}),
        Type::Table => table(key.path, false),
        Type::Open => table(key.path, true),
        Type::Map(shape) => map(key, shape),
        Type::Tables => json!({"type": "array", "items": table(&format!("{}[]", key.path), false)}),
        Type::Settings => json!({"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}}),
        Type::Tags => json!({"type": "object", "additionalProperties": {"type": "string", "maxLength": 256}}),
    }
}

fn map(key: &Key, names: Shape) -> Value {
    let inner = find(&format!("{}.*", key.path)).map_or_else(|| json!({}), described);
    let names = names.schema().get("pattern").map_or_else(|| json!({}), |pattern| json!({"pattern": pattern}));
    json!({"type": "object", "propertyNames": names, "additionalProperties": inner})
}

fn default(key: &Key) -> Option<Value> {
    let Absent::Value(text) = key.absent else { return None };
    parse_value(&Source::file("default", text), 0).map(|node| node.value.to_json())
}

/// Returns the reference of all keys as a Markdown table.
#[must_use]
pub fn reference() -> String {
    reference_of(KEYS)
}

/// The same of another table of keys.
#[must_use]
pub(crate) fn reference_of(keys: &[Key]) -> String {
    let head = "| key | type | default | |\n| --- | --- | --- | --- |\n".to_owned();
    keys.iter().fold(head, |out, key| out + &row(key))
}

fn row(key: &Key) -> String {
    let yet = match key.since {
        Since::Now => String::new(),
        Since::NotYet => " *Not supported yet.*".to_owned(),
    };
    let default = match key.absent {
        Absent::Required => "required".to_owned(),
        Absent::Nothing => String::new(),
        Absent::Value(text) => format!("`{text}`"),
    };
    let path = key.path.replace('*', "NAME");
    format!("| `{path}` | {} | {default} | {}{yet} |\n", words(key.ty), key.doc)
}

fn words(ty: Type) -> String {
    match ty {
        Type::Text(shape) => shape.words(),
        Type::Texts(shape) => format!("list of {}", shape.words()),
        Type::Bool => "boolean".to_owned(),
        Type::Int(from, to) if to < 1_000_000 => format!("integer {from}-{to}"),
        Type::Int(..) => "integer".to_owned(),
        Type::Decimal(from, to) => format!("number {from}-{to}"),
        Type::Rpu => "RPUs".to_owned(),
        Type::Port => "port".to_owned(),
        Type::Zones => "number or list of names".to_owned(),
        Type::Table | Type::Open => "table".to_owned(),
        Type::Map(_) => "tables by name".to_owned(),
        Type::Tables => "list of tables".to_owned(),
        Type::Settings | Type::Tags => "names and values".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_and_reference_name_every_key() {
        let schema = json_schema();
        let group = &schema["properties"]["consumers"]["additionalProperties"];
        assert_eq!(group["properties"]["count"]["default"], 1);
        assert_eq!(group["properties"]["usage_limit"]["required"], json!(["rpu_hours"]));
        assert_eq!(schema["properties"]["networking"]["additionalProperties"], false);
        assert_eq!(schema["properties"]["protect"]["properties"]["addresses"]["default"], json!(["producer"]));
        assert_eq!(reference().lines().count(), KEYS.len() + 2);
    }

    #[test]
    fn every_default_is_a_value_its_own_key_takes() {
        for key in KEYS {
            let Absent::Value(text) = key.absent else { continue };
            let value = default(key).unwrap_or_else(|| panic!("{}: {text} is not TOML", key.path));
            if let (Type::Text(shape), Value::String(text)) = (key.ty, &value) {
                assert_eq!(shape.check(text), Ok(()), "{}", key.path);
            }
        }
    }
}
