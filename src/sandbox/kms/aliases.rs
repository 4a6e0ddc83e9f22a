//! Aliases: a name for a key, unique in account and region.
//!
//! Called through `SERVICE`. Must never free a name while the key behind it still waits for its deletion.

use super::{Alias, Kms, alias, asked_key, date, key, key_id, listed};
use crate::sandbox::Operation;
use crate::sandbox::iam::constraint::TextRule;
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};

const PREFIX: &str = "alias/";
const RESERVED: &str = "alias/aws/";
const LIST_USUAL: usize = 50;
const LIST_MOST: usize = 100;
// AWS lists these in every account; they have no key until the service makes one.
const PREDEFINED: [&str; 5] =
    ["alias/aws/ebs", "alias/aws/rds", "alias/aws/redshift", "alias/aws/s3", "alias/aws/secretsmanager"];

const NAME: TextRule = TextRule {
    min: 1,
    max: 256,
    pattern: "^[a-zA-Z0-9:/_-]+$",
    fits: |text| text.chars().all(|c| c.is_ascii_alphanumeric() || ":/_-".contains(c)),
};

/// Operations on aliases.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation { name: "CreateAlias", mutating: true, params: &["AliasName", "TargetKeyId"], run: create_alias },
    Operation { name: "UpdateAlias", mutating: true, params: &["AliasName", "TargetKeyId"], run: update_alias },
    Operation { name: "DeleteAlias", mutating: true, params: &["AliasName"], run: delete_alias },
    Operation { name: "ListAliases", mutating: false, params: &["KeyId", "Limit", "Marker"], run: list_aliases },
];

fn create_alias(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = name(req)?;
    let target = target(world, req, now)?;
    if alias(world, now, &name).is_ok() {
        let arn = world.arn("kms", &name);
        let message = format!("An alias with the name {arn} already exists");
        return Err(AwsError::new("AlreadyExistsException", message));
    }
    world.kms.sweep(now);
    let entry = Alias { target, created: now, updated: now };
    world.kms.aliases.insert(name, entry);
    Ok(json!({}))
}

fn update_alias(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = name(req)?;
    let created = alias(world, now, &name)?.created;
    let target = target(world, req, now)?;
    let entry = Alias { target, created, updated: now };
    world.kms.aliases.insert(name, entry);
    Ok(json!({}))
}

fn delete_alias(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = name(req)?;
    alias(world, now, &name)?;
    world.kms.aliases.remove(&name);
    Ok(json!({}))
}

fn list_aliases(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let of = if req.has("KeyId") { Some(asked_key(world, req, now)?.id.clone()) } else { None };
    let mut found = entries(world, &world.kms, now, of.as_deref());
    if of.is_none() {
        let predefined = |name: &&str| json!({"AliasName": name, "AliasArn": world.arn("kms", name)});
        found.extend(PREDEFINED.iter().map(predefined));
    }
    listed("Aliases", found, req, LIST_USUAL, LIST_MOST)
}

fn entries(world: &World, kms: &Kms, now: Timestamp, of: Option<&str>) -> Vec<Value> {
    kms.aliases_at(now)
        .filter(|(_, alias)| of.is_none_or(|id| alias.target == id))
        .map(|(name, alias)| {
            json!({
                "AliasName": name,
                "AliasArn": world.arn("kms", name),
                "TargetKeyId": alias.target,
                "CreationDate": date(alias.created),
                "LastUpdatedDate": date(alias.updated),
            })
        })
        .collect()
}

fn name(req: &Request) -> Result<String, AwsError> {
    let name = NAME.read(req, "AliasName")?;
    if !name.starts_with(PREFIX) {
        return Err(req.invalid(
            "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ));
    }
    // The model lets a colon pass, the service does not.
    if name.contains(':') {
        return Err(req.invalid(format!("{name} contains invalid characters for an alias")));
    }
    if name == PREFIX || name.starts_with(RESERVED) {
        let message = format!("{name} is not a valid alias name");
        return Err(AwsError::new("InvalidAliasNameException", message));
    }
    Ok(name)
}

fn target(world: &World, req: &Request, now: Timestamp) -> Result<String, AwsError> {
    let id = key_id(req, "TargetKeyId")?;
    if id.contains(PREFIX) {
        return Err(req.invalid("Aliases must refer to keys. Not aliases"));
    }
    Ok(key(world, now, &id)?.not_pending()?.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kms::testing::Bench;

    fn pair(name: &str, id: &str) -> Value {
        json!({"AliasName": name, "TargetKeyId": id})
    }

    #[test]
    fn an_alias_is_made_moved_and_deleted() {
        let mut bench = Bench::new();
        let (one, two) = (bench.key(), bench.key());
        bench.call("CreateAlias", pair("alias/dev/producer", &one)).unwrap();
        assert_eq!(bench.code("CreateAlias", pair("alias/dev/producer", &two)), "AlreadyExistsException");
        bench.days(1);
        bench.call("UpdateAlias", pair("alias/dev/producer", &two)).unwrap();
        let of = |id: &str| json!({"KeyId": id});
        assert_eq!(bench.call("ListAliases", of(&one)).unwrap()["Aliases"], json!([]));
        let moved = bench.call("ListAliases", of(&two)).unwrap()["Aliases"][0].clone();
        assert!(moved["LastUpdatedDate"].as_f64() > moved["CreationDate"].as_f64());
        assert_eq!(bench.code("UpdateAlias", pair("alias/absent", &two)), "NotFoundException");
        let arn = bench.world.arn("kms", &format!("key/{two}"));
        assert_eq!(bench.call("ListAliases", of(&arn)).unwrap()["Aliases"].as_array().unwrap().len(), 1);
        assert_eq!(bench.code("ListAliases", of("alias/dev/producer")), "NotFoundException");
        // With the key on its way out the alias can still be moved off it, or deleted.
        bench.call("ScheduleKeyDeletion", of(&two)).unwrap();
        bench.call("UpdateAlias", pair("alias/dev/producer", &one)).unwrap();
        bench.call("ScheduleKeyDeletion", of(&one)).unwrap();
        bench.call("DeleteAlias", json!({"AliasName": "alias/dev/producer"})).unwrap();
        assert_eq!(bench.code("DeleteAlias", json!({"AliasName": "alias/dev/producer"})), "NotFoundException");
        assert!(bench.world.kms.is_empty());
    }

    #[test]
    fn names_and_targets_follow_the_rules() {
        let mut bench = Bench::new();
        let id = bench.key();
        let cases = [
            (pair("dev", &id), "ValidationException"),
            (pair("alias/a b", &id), "ValidationException"),
            (pair("alias/a:b", &id), "ValidationException"),
            (pair(&format!("alias/{}", "x".repeat(251)), &id), "ValidationException"),
            (pair("alias/", &id), "InvalidAliasNameException"),
            (pair("alias/aws/redshift", &id), "InvalidAliasNameException"),
            (pair("alias/x", "alias/y"), "ValidationException"),
            (pair("alias/x", "11111111-2222-4333-8444-555555555555"), "NotFoundException"),
        ];
        for (params, code) in cases {
            assert_eq!(bench.code("CreateAlias", params.clone()), code, "{params}");
        }
    }

    #[test]
    fn the_whole_list_has_pages_and_aliases_without_a_key() {
        let mut bench = Bench::new();
        let id = bench.key();
        for n in 0..60 {
            bench.call("CreateAlias", pair(&format!("alias/n{n}"), &id)).unwrap();
        }
        let first = bench.call("ListAliases", json!({})).unwrap();
        assert_eq!((first["Aliases"].as_array().unwrap().len(), &first["Truncated"]), (50, &json!(true)));
        let rest = bench.call("ListAliases", json!({"Marker": first["NextMarker"]})).unwrap();
        let rest = rest["Aliases"].as_array().unwrap();
        assert_eq!(rest.len(), 15);
        assert!(rest.iter().any(|alias| alias.get("TargetKeyId").is_none()));
        assert_eq!(bench.code("ListAliases", json!({"Limit": 101})), "ValidationException");
    }
}
