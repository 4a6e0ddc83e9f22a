//! A Terraform or OpenTofu state in format 4: its resources, and of each the attributes that rsds knows what to do with.
//!
//! Called by `import::bulk`. Must never hand on an attribute that is not in the table here, nor one that the state marks as
//! sensitive: there are passwords in these files.

mod table;

pub use table::{READ, UNTOUCHED};

use serde::Deserialize;
use serde_json::{Map, Value as Json};

/// An old state, as far as rsds reads it.
#[derive(Debug, Default)]
pub struct TfState {
    /// What wrote it last: `1.11.4`.
    pub version: String,
    /// The resources it manages.
    pub resources: Vec<TfResource>,
    /// The data sources it has looked at, by address.
    pub data: Vec<String>,
    /// Instances that a replacement left behind, by address.
    pub deposed: Vec<String>,
}

/// The key of one instance: `[0]`, `["reporting"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Index {
    /// Of `count`.
    Number(u32),
    /// Of `for_each`.
    Key(String),
}

/// One instance of a resource.
#[derive(Debug)]
pub struct TfResource {
    /// Its whole address: `module.consumers[0].aws_redshiftserverless_workgroup.this`.
    pub address: String,
    /// The address of its block in the code, without keys of instances.
    pub block: String,
    /// Its modules from the outside in, each with the key of its instance.
    pub modules: Vec<(String, Option<Index>)>,
    /// Its type.
    pub ty: String,
    /// Its name in the code.
    pub name: String,
    /// The key of this instance.
    pub index: Option<Index>,
    attributes: Map<String, Json>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    terraform_version: String,
    #[serde(default)]
    resources: Vec<Block>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    module: String,
    mode: String,
    #[serde(rename = "type")]
    ty: String,
    name: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    #[serde(default)]
    index_key: Json,
    #[serde(default)]
    deposed: String,
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    sensitive_attributes: Vec<Json>,
}

/// Reads a state.
///
/// Errors: what is wrong with the text, and what would be right.
pub fn parse(text: &str) -> Result<TfState, (String, String)> {
    const PULL: &str = "in the folder of the old code: terraform state pull > FILE (or: tofu state pull > FILE)";
    let wrong = |why: String, help: &str| Err((why, help.to_owned()));
    if text.trim().is_empty() {
        return wrong("it is empty".to_owned(), PULL);
    }
    let json: Json = match serde_json::from_str(text) {
        Ok(json) => json,
        Err(error) if error.is_eof() => {
            return wrong(
                format!("it ends in the middle, at line {}", error.line()),
                &format!("write it anew, {PULL}"),
            );
        }
        // Never the text itself: it may be a password.
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            return wrong(format!("it is no JSON, from line {line}, column {column} on"), PULL);
        }
    };
    if json.get("encrypted_data").is_some() {
        return wrong("OpenTofu has encrypted it".to_owned(), "have it decrypted: tofu state pull > FILE");
    }
    if json.get("format_version").is_some() {
        return wrong("it is what `show -json` prints, not a state".to_owned(), PULL);
    }
    match json.get("version").map(Json::as_u64) {
        Some(Some(4)) => {}
        Some(Some(old @ 0..=3)) => {
            return wrong(
                format!("it has format {old}, of Terraform 0.11 and before; rsds reads format 4"),
                "let Terraform 0.12 or later write it anew (terraform apply -refresh-only), then: terraform state pull",
            );
        }
        Some(Some(new)) => return wrong(format!("it has format {new}; this rsds reads format 4"), "use a newer rsds"),
        Some(None) | None => return wrong("it is no Terraform state: it has no `version`".to_owned(), PULL),
    }
    let File { terraform_version, resources } = match serde_json::from_value(json) {
        Ok(file) => file,
        Err(error) => return wrong(format!("it is damaged: {}", shape_of(&error)), PULL),
    };
    if resources.is_empty() {
        return wrong("it holds no resources".to_owned(), "take the state of the workspace that made the estate");
    }
    let mut state = TfState { version: terraform_version, ..TfState::default() };
    resources.into_iter().for_each(|block| state.add(block));
    Ok(state)
}

/// What does not fit, without the value that does not: serde would quote it.
fn shape_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if text.starts_with("missing field") => text,
        None => "a part of it is of the wrong type".to_owned(),
    }
}

impl TfState {
    fn add(&mut self, Block { module, mode, ty, name, instances }: Block) {
        let modules = modules(&module);
        let path = |with: bool| {
            let one = |(module, index): &(String, Option<Index>)| match index {
                Some(index) if with => format!("module.{module}{}.", shown(index)),
                _ => format!("module.{module}."),
            };
            modules.iter().map(one).collect::<String>()
        };
        for Instance { index_key, deposed, attributes, sensitive_attributes } in instances {
            let index = match &index_key {
                Json::Number(number) => number.as_u64().and_then(|n| n.try_into().ok()).map(Index::Number),
                Json::String(key) => Some(Index::Key(key.clone())),
                _ => None,
            };
            let key = index.as_ref().map(shown).unwrap_or_default();
            let prefix = if mode == "data" { "data." } else { "" };
            let address = format!("{}{prefix}{ty}.{name}{key}", path(true));
            if mode == "data" {
                self.data.push(address);
                continue;
            }
            if !deposed.is_empty() {
                self.deposed.push(address);
                continue;
            }
            let block = format!("{}{ty}.{name}", path(false));
            // An old name for the same resources.
            let ty = ty.strip_prefix("aws_alb").map_or_else(|| ty.clone(), |rest| format!("aws_lb{rest}"));
            let attributes = known(&ty, attributes, &sensitive_attributes);
            let (modules, name) = (modules.clone(), name.clone());
            self.resources.push(TfResource { address, block, modules, ty, name, index, attributes });
        }
    }

    /// Lists the resources of one type.
    pub fn of<'a>(&'a self, ty: &'a str) -> impl Iterator<Item = &'a TfResource> {
        self.resources.iter().filter(move |resource| resource.ty == ty)
    }
}

fn shown(index: &Index) -> String {
    match index {
        Index::Number(number) => format!("[{number}]"),
        Index::Key(key) => format!("[{}]", Json::from(key.as_str())),
    }
}

/// Takes `module.network["a.b"].module.inner[0]` apart.
fn modules(path: &str) -> Vec<(String, Option<Index>)> {
    let (mut all, mut rest) = (Vec::new(), path);
    while let Some(after) = rest.strip_prefix("module.") {
        let end = after.find(['.', '[']).unwrap_or(after.len());
        let (name, mut tail) = after.split_at(end);
        let mut index = None;
        if let Some(inner) = tail.strip_prefix('[') {
            // A key is a JSON text, and may hold anything.
            let mut values = serde_json::Deserializer::from_str(inner).into_iter::<Json>();
            index = match values.next() {
                Some(Ok(Json::Number(number))) => number.as_u64().and_then(|n| n.try_into().ok()).map(Index::Number),
                Some(Ok(Json::String(key))) => Some(Index::Key(key)),
                _ => None,
            };
            let at = values.byte_offset();
            tail = inner.get(at..).and_then(|tail| tail.strip_prefix(']')).unwrap_or_default();
        }
        all.push((name.to_owned(), index));
        rest = tail.strip_prefix('.').unwrap_or_default();
    }
    all
}

/// Keeps what the table names and nobody calls sensitive.
fn known(ty: &str, attributes: Map<String, Json>, sensitive: &[Json]) -> Map<String, Json> {
    let names = READ.iter().find(|(of, _)| *of == ty).map(|(_, names)| *names).unwrap_or_default();
    let first = |path: &Json| Some(path.get(0)?.get("value")?.as_str()?.to_owned());
    let marked: Vec<String> = sensitive.iter().filter_map(first).collect();
    let told = |name: &str| UNTOUCHED.iter().any(|(of, attribute, _)| *of == ty && *attribute == name);
    let read = |name: &str| names.contains(&name) || told(name);
    let kept = attributes.into_iter().filter(|(name, _)| read(name) && !marked.contains(name));
    kept.map(|(name, value)| (name, without_secrets(value))).collect()
}

fn without_secrets(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let kept = map.into_iter().filter(|(key, _)| !table::SECRETS.iter().any(|secret| key.contains(secret)));
            Json::Object(kept.map(|(key, value)| (key, without_secrets(value))).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(without_secrets).collect()),
        other => other,
    }
}

impl TfResource {
    /// One that is not there: it has no attributes.
    pub fn nobody() -> Self {
        let (address, block, ty, name) = (String::new(), String::new(), String::new(), String::new());
        Self { address, block, modules: Vec::new(), ty, name, index: None, attributes: Map::new() }
    }

    /// Returns an attribute; null where it has none.
    pub fn get(&self, attribute: &str) -> &Json {
        const NOTHING: &Json = &Json::Null;
        self.attributes.get(attribute).unwrap_or(NOTHING)
    }

    /// Returns a text that is not empty.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.get(attribute).as_str().filter(|text| !text.is_empty())
    }

    /// Returns a number; Terraform keeps some as texts.
    pub fn number(&self, attribute: &str) -> Option<u64> {
        let value = self.get(attribute);
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    }

    /// Returns a switch.
    pub fn flag(&self, attribute: &str) -> Option<bool> {
        let value = self.get(attribute);
        value.as_bool().or_else(|| value.as_str()?.parse().ok())
    }

    /// Returns a list or set of texts.
    pub fn texts(&self, attribute: &str) -> Vec<&str> {
        texts(self.get(attribute))
    }

    /// Returns nested blocks.
    pub fn blocks(&self, attribute: &str) -> &[Json] {
        self.get(attribute).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns what is set here that rsds neither makes nor looks at: `map_public_ip_on_launch = true`.
    pub fn untouched(&self) -> Vec<String> {
        let of = UNTOUCHED.iter().filter(|(ty, ..)| *ty == self.ty);
        let other = of.filter_map(|(_, attribute, usual)| {
            let value = match self.get(attribute) {
                Json::String(text) => text.clone(),
                Json::Null => return None,
                other => other.to_string(),
            };
            (!value.is_empty() && !usual.contains(&value.as_str())).then(|| format!("{attribute} = {value}"))
        });
        other.collect()
    }
}

/// Reads a list of texts.
pub fn texts(json: &Json) -> Vec<&str> {
    json.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(resources: &Json) -> String {
        json!({ "version": 4, "terraform_version": "1.11.4", "resources": resources }).to_string()
    }

    #[test]
    fn addresses_are_those_of_terraform() {
        let keyed = json!({ "index_key": "a.b\"c", "attributes": { "id": "vpc-1" } });
        let blocks = json!([
            { "module": "module.network[\"x.y\"].module.inner[1]", "mode": "managed", "type": "aws_vpc", "name": "main",
              "instances": [keyed, { "deposed": "1234abcd", "attributes": {} }] },
            { "mode": "data", "type": "aws_vpc", "name": "there", "instances": [{ "attributes": {} }] },
            { "mode": "managed", "type": "aws_vpc", "name": "many", "instances": [{ "index_key": 2, "attributes": {} }] },
        ]);
        let state = parse(&state(&blocks)).unwrap();
        let vpc = &state.resources[0];
        assert_eq!(vpc.address, r#"module.network["x.y"].module.inner[1].aws_vpc.main["a.b\"c"]"#);
        assert_eq!((vpc.block.as_str(), vpc.text("id")), ("module.network.module.inner.aws_vpc.main", Some("vpc-1")));
        assert_eq!(vpc.modules[1], ("inner".to_owned(), Some(Index::Number(1))));
        assert_eq!(state.resources[1].address, "aws_vpc.many[2]");
        assert_eq!(
            (state.data, state.deposed),
            (
                vec!["data.aws_vpc.there".to_owned()],
                vec![r#"module.network["x.y"].module.inner[1].aws_vpc.main"#.to_owned()]
            )
        );
    }

    #[test]
    fn what_is_not_known_or_secret_is_not_read() {
        let attributes = json!({
            "namespace_name": "dw", "admin_user_password": "hunter2hunter2", "admin_username": "boss",
            "db_name": "dw", "tags": { "password": "hunter2hunter2" }, "invented": "hunter2hunter2",
        });
        let sensitive = json!([[{ "type": "get_attr", "value": "admin_username" }]]);
        let instance =
            json!({ "attributes": attributes, "sensitive_attributes": sensitive, "private": "hunter2hunter2" });
        let block = json!([{ "mode": "managed", "type": "aws_redshiftserverless_namespace", "name": "x",
            "instances": [instance] }]);
        let state = parse(&state(&block)).unwrap();
        let one = &state.resources[0];
        assert_eq!((one.text("db_name"), one.text("admin_username")), (Some("dw"), None));
        assert!(!format!("{state:?}").contains("hunter2"), "{state:?}");
    }

    #[test]
    fn what_stays_without_rsds_is_told() {
        let attributes = json!({ "id": "subnet-1", "map_public_ip_on_launch": true });
        let block = json!([{ "mode": "managed", "type": "aws_subnet", "name": "x", "instances": [{ "attributes": attributes }] }]);
        assert_eq!(parse(&state(&block)).unwrap().resources[0].untouched(), ["map_public_ip_on_launch = true"]);
    }

    #[test]
    fn what_is_no_state_is_told_by_what_it_is() {
        let why = |text: &str| parse(text).unwrap_err().0;
        assert_eq!(why(" \n"), "it is empty");
        assert_eq!(why("{\"version\": 4,\n \"resources\": ["), "it ends in the middle, at line 2");
        assert_eq!(why("password = \"hunter2\""), "it is no JSON, from line 1, column 1 on");
        assert_eq!(
            why(r#"{"version": 3, "modules": []}"#),
            "it has format 3, of Terraform 0.11 and before; rsds reads format 4"
        );
        assert_eq!(why(r#"{"version": 5}"#), "it has format 5; this rsds reads format 4");
        assert_eq!(why(r#"{"serial": 1, "encrypted_data": "x"}"#), "OpenTofu has encrypted it");
        assert_eq!(why(r#"{"format_version": "1.0", "values": {}}"#), "it is what `show -json` prints, not a state");
        assert_eq!(why("[]"), "it is no Terraform state: it has no `version`");
        assert_eq!(why(r#"{"version": 4, "resources": []}"#), "it holds no resources");
        let damaged = why(r#"{"version": 4, "resources": [{"mode": "managed", "type": "hunter2", "name": 7}]}"#);
        assert!(damaged.starts_with("it is damaged: expected a string") && !damaged.contains("hunter2"), "{damaged}");
        let damaged = why(r#"{"version": 4, "resources": "hunter2"}"#);
        assert!(damaged.contains("expected a sequence") && !damaged.contains("hunter2"), "{damaged}");
    }
}
