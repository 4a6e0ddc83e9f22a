//! The keys themselves: create, describe, list, enable and disable, delete with a waiting time.
//!
//! Called through `SERVICE`. Must never delete a key at once, nor make one of a kind that is not symmetric encryption.

use super::{Key, WAITING_DAYS, asked_key, change, date, key_id, key_or_alias, key_policy, listed, tags};
use crate::sandbox::Operation;
use crate::sandbox::iam::constraint::{TextRule, int_within, not_in_enum};
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOURS_PER_DAY: i64 = 24;
const LIST_USUAL: usize = 100;
const LIST_MOST: usize = 1000;
const USAGES: [&str; 4] = ["SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"];
const ORIGINS: [&str; 4] = ["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];
const SPECS: [&str; 17] = [
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "SM2",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "ECC_NIST_EDWARDS25519",
];

const DESCRIPTION: TextRule = TextRule { min: 0, max: 8192, pattern: ".*", fits: |_| true };

/// Operations on keys.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateKey",
        mutating: true,
        params: &[
            "Policy",
            "Description",
            "KeyUsage",
            "CustomerMasterKeySpec",
            "KeySpec",
            "Origin",
            "BypassPolicyLockoutSafetyCheck",
            "Tags.TagKey",
            "Tags.TagValue",
            "MultiRegion",
        ],
        run: create_key,
    },
    Operation { name: "DescribeKey", mutating: false, params: &["KeyId"], run: describe_key },
    Operation { name: "ListKeys", mutating: false, params: &["Limit", "Marker"], run: list_keys },
    Operation {
        name: "UpdateKeyDescription",
        mutating: true,
        params: &["KeyId", "Description"],
        run: update_key_description,
    },
    Operation { name: "EnableKey", mutating: true, params: &["KeyId"], run: enable_key },
    Operation { name: "DisableKey", mutating: true, params: &["KeyId"], run: disable_key },
    Operation {
        name: "ScheduleKeyDeletion",
        mutating: true,
        params: &["KeyId", "PendingWindowInDays"],
        run: schedule_key_deletion,
    },
    Operation { name: "CancelKeyDeletion", mutating: true, params: &["KeyId"], run: cancel_key_deletion },
];

fn create_key(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    check_kind(req)?;
    let description = DESCRIPTION.read_opt(req, "Description")?;
    let tags = tags::merged(&BTreeMap::new(), req)?;
    let multi_region = req.opt_bool("MultiRegion")?.unwrap_or(false);
    let given = key_policy::given(world, now, req)?;
    let policy = given.unwrap_or_else(|| key_policy::usual(&world.account));
    let id = if multi_region { format!("mrk-{}", world.hex(32)) } else { world.uuid() };
    let key = Key {
        arn: world.arn("kms", &format!("key/{id}")),
        id,
        created: now,
        description: description.unwrap_or_default(),
        enabled: true,
        deletion: None,
        multi_region,
        policy,
        rotation: None,
        tags,
    };
    let reply = metadata(world, &key);
    world.kms.sweep(now);
    world.kms.keys.insert(key.id.clone(), key);
    Ok(json!({"KeyMetadata": reply}))
}

fn check_kind(req: &Request) -> Result<(), AwsError> {
    if req.has("KeySpec") && req.has("CustomerMasterKeySpec") {
        return Err(req.invalid(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
        ));
    }
    let kinds: [(&str, &[&str], &str); 4] = [
        ("KeySpec", &SPECS, "SYMMETRIC_DEFAULT"),
        ("CustomerMasterKeySpec", &SPECS, "SYMMETRIC_DEFAULT"),
        ("KeyUsage", &USAGES, "ENCRYPT_DECRYPT"),
        ("Origin", &ORIGINS, "AWS_KMS"),
    ];
    for (name, allowed, kept) in kinds {
        let Some(value) = req.opt_text(name)? else {
            continue;
        };
        if !allowed.contains(&value.as_str()) {
            return Err(not_in_enum(req, name, &value, allowed));
        }
        if value != kept {
            let message = format!("the rsds sandbox does not implement {name} {value}: only {kept}");
            return Err(AwsError::new("UnsupportedOperationException", message));
        }
    }
    Ok(())
}

fn describe_key(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let key = key_or_alias(world, now, &key_id(req, "KeyId")?)?;
    Ok(json!({"KeyMetadata": metadata(world, key)}))
}

fn metadata(world: &World, key: &Key) -> Value {
    let regions = json!({
        "MultiRegionKeyType": "PRIMARY",
        "PrimaryKey": {"Arn": key.arn, "Region": world.region},
        "ReplicaKeys": [],
    });
    let mut metadata = json!({
        "AWSAccountId": world.account,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": date(key.created),
        "Enabled": key.state() == "Enabled",
        "Description": key.description,
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": key.state(),
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": key.multi_region,
    });
    if let Some(at) = key.deletion {
        metadata["DeletionDate"] = date(at);
    }
    if key.multi_region {
        metadata["MultiRegionConfiguration"] = regions;
    }
    metadata
}

fn list_keys(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let entry = |key: &Key| json!({"KeyId": key.id, "KeyArn": key.arn});
    let keys = world.kms.keys_at(now).map(entry).collect();
    listed("Keys", keys, req, LIST_USUAL, LIST_MOST)
}

fn update_key_description(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let description = DESCRIPTION.read(req, "Description")?;
    let id = asked_key(world, req, now)?.not_pending()?.id.clone();
    change(world, &id, |key| key.description = description);
    Ok(json!({}))
}

fn enable_key(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    set_enabled(world, req, now, true)
}

fn disable_key(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    set_enabled(world, req, now, false)
}

fn set_enabled(world: &mut World, req: &Request, now: Timestamp, enabled: bool) -> Result<Reply, AwsError> {
    let id = asked_key(world, req, now)?.not_pending()?.id.clone();
    change(world, &id, |key| key.enabled = enabled);
    Ok(json!({}))
}

fn schedule_key_deletion(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (least, most, usual) = WAITING_DAYS;
    let days = int_within(req, "PendingWindowInDays", least..=most)?.unwrap_or(usual);
    let key = asked_key(world, req, now)?.not_pending()?;
    let (id, arn) = (key.id.clone(), key.arn.clone());
    let at = now
        .checked_add(SignedDuration::from_hours(HOURS_PER_DAY * days))
        .map_err(|error| AwsError::new("KMSInternalException", error.to_string()).status(500))?;
    world.kms.sweep(now);
    change(world, &id, |key| key.deletion = Some(at));
    Ok(json!({
        "KeyId": arn,
        "DeletionDate": date(at),
        "KeyState": "PendingDeletion",
        "PendingWindowInDays": days,
    }))
}

fn cancel_key_deletion(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let key = asked_key(world, req, now)?;
    if key.deletion.is_none() {
        let message = format!("{} is not pending deletion.", key.arn);
        return Err(AwsError::new("KMSInvalidStateException", message));
    }
    let (id, arn) = (key.id.clone(), key.arn.clone());
    change(world, &id, |key| {
        key.deletion = None;
        key.enabled = false;
    });
    Ok(json!({"KeyId": arn}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kms::testing::Bench;

    #[test]
    fn a_key_pending_deletion_answers_reads_and_little_else() {
        let mut bench = Bench::new();
        let id = bench.key();
        let of = json!({"KeyId": id});
        bench.call("EnableKeyRotation", of.clone()).unwrap();
        let answer = bench.call("ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7})).unwrap();
        assert_eq!((&answer["KeyState"], &answer["PendingWindowInDays"]), (&json!("PendingDeletion"), &json!(7)));
        assert!(answer["KeyId"].as_str().unwrap().starts_with("arn:aws:kms:us-west-2:123456789012:key/"));
        assert!(bench.world.kms.is_empty());
        let mut with = |operation: &str, more: Value| {
            let mut params = of.clone();
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(bench.code(operation, params), "KMSInvalidStateException", "{operation}");
        };
        for operation in ["EnableKey", "DisableKey", "EnableKeyRotation", "DisableKeyRotation", "ScheduleKeyDeletion"] {
            with(operation, json!({}));
        }
        with("UpdateKeyDescription", json!({"Description": "x"}));
        with("TagResource", json!({"Tags": [{"TagKey": "a", "TagValue": ""}]}));
        with("UntagResource", json!({"TagKeys": ["a"]}));
        let target = json!({"AliasName": "alias/x", "TargetKeyId": id});
        assert_eq!(bench.code("CreateAlias", target), "KMSInvalidStateException");
        for operation in ["DescribeKey", "GetKeyPolicy", "ListResourceTags", "GetKeyRotationStatus"] {
            bench.call(operation, of.clone()).unwrap();
        }
        bench.call("CancelKeyDeletion", of.clone()).unwrap();
        assert_eq!(bench.code("CancelKeyDeletion", of.clone()), "KMSInvalidStateException");
        let key = bench.call("DescribeKey", of.clone()).unwrap()["KeyMetadata"].clone();
        assert_eq!((&key["KeyState"], &key["Enabled"]), (&json!("Disabled"), &json!(false)));
        assert!(key.get("DeletionDate").is_none());
        assert_eq!(bench.code("EnableKeyRotation", of.clone()), "DisabledException");
        bench.call("EnableKey", of.clone()).unwrap();
        let rotation = bench.call("GetKeyRotationStatus", of.clone()).unwrap();
        assert_eq!(rotation["KeyRotationEnabled"], true);
    }

    #[test]
    fn a_key_and_its_aliases_are_gone_after_the_window() {
        let mut bench = Bench::new();
        let id = bench.key();
        bench.call("CreateAlias", json!({"AliasName": "alias/x", "TargetKeyId": id})).unwrap();
        bench.call("ScheduleKeyDeletion", json!({"KeyId": id, "PendingWindowInDays": 7})).unwrap();
        bench.days(6);
        let other = bench.key();
        let again = json!({"AliasName": "alias/x", "TargetKeyId": other});
        assert_eq!(bench.code("CreateAlias", again.clone()), "AlreadyExistsException");
        assert!(!bench.world.kms.is_empty());
        bench.days(1);
        assert_eq!(bench.code("DescribeKey", json!({"KeyId": id})), "NotFoundException");
        assert_eq!(bench.code("DescribeKey", json!({"KeyId": "alias/x"})), "NotFoundException");
        assert_eq!(bench.call("ListKeys", json!({})).unwrap()["Keys"].as_array().unwrap().len(), 1);
        bench.call("CreateAlias", again).unwrap();
    }

    #[test]
    fn what_cannot_be_created_is_refused() {
        let mut bench = Bench::new();
        let cases = [
            (json!({"KeySpec": "AES"}), "ValidationException"),
            (json!({"KeySpec": "RSA_2048"}), "UnsupportedOperationException"),
            (
                json!({"KeySpec": "SYMMETRIC_DEFAULT", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT"}),
                "ValidationException",
            ),
            (json!({"Description": "x".repeat(8193)}), "ValidationException"),
            (json!({"Tags": [{"TagKey": "aws:a", "TagValue": ""}]}), "TagException"),
            (json!({"Policy": "{}"}), "MalformedPolicyDocumentException"),
        ];
        for (params, code) in cases {
            assert_eq!(bench.code("CreateKey", params.clone()), code, "{params}");
        }
        assert_eq!(
            bench.code("ScheduleKeyDeletion", json!({"KeyId": "x", "PendingWindowInDays": 6})),
            "ValidationException"
        );
    }

    #[test]
    fn two_equal_calls_make_two_keys_and_lists_have_pages() {
        let mut bench = Bench::new();
        let (one, two) = (bench.key(), bench.key());
        assert_ne!(one, two);
        let first = bench.call("ListKeys", json!({"Limit": 1})).unwrap();
        assert_eq!(first["Truncated"], true);
        let rest = bench.call("ListKeys", json!({"Limit": 1, "Marker": first["NextMarker"]})).unwrap();
        assert_eq!((&rest["Truncated"], &rest["NextMarker"]), (&json!(false), &Value::Null));
        assert_ne!(first["Keys"], rest["Keys"]);
        assert_eq!(bench.code("ListKeys", json!({"Limit": 1001})), "ValidationException");
        assert_eq!(bench.code("ListKeys", json!({"Marker": "x"})), "InvalidMarkerException");
    }

    #[test]
    fn a_multi_region_key_says_so() {
        let mut bench = Bench::new();
        let made = bench.call("CreateKey", json!({"MultiRegion": true})).unwrap();
        let key = &made["KeyMetadata"];
        assert!(key["KeyId"].as_str().unwrap().starts_with("mrk-"));
        assert_eq!(key["MultiRegionConfiguration"]["PrimaryKey"]["Region"], "us-west-2");
        assert_eq!(key["CreationDate"], json!(1_893_553_445.678));
    }
}
