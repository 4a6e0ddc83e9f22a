//! KMS: customer managed symmetric keys, their policies, rotation, tags and aliases.
//!
//! Called by the core through `SERVICE` and by other services through `usable_key`. Must never encrypt anything,
//! and never let an operation pass in a key state in which KMS refuses it. Keys managed by AWS are not kept
//! (their predefined aliases are listed without a key, as in an account that never used them).

mod aliases;
mod key_policy;
mod keys;
mod rotation;
mod tags;

use crate::sandbox::request::{AwsError, Reply, Request, page};
use crate::sandbox::world::World;
use crate::sandbox::{Protocol, Service};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
pub(super) use tags::tagged;

/// Shortest, longest and usual waiting time before a key is deleted, in days.
pub const WAITING_DAYS: (i64, i64, i64) = (7, 30, 30);
/// Period of automatic rotation in days when none is asked for.
pub const DEFAULT_ROTATION_DAYS: i64 = 365;

/// Protocol and operations of KMS.
pub static SERVICE: Service = Service {
    scope: "kms",
    protocol: Protocol::Json11,
    version: "TrentService",
    lists: &[],
    operations: &[
        keys::OPERATIONS,
        key_policy::OPERATIONS,
        rotation::OPERATIONS,
        aliases::OPERATIONS,
        tags::OPERATIONS,
    ],
};

/// All of KMS in one region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Kms {
    /// Keys by id; one whose deletion date has passed is gone though it may still stand here.
    pub keys: BTreeMap<String, Key>,
    /// Aliases by full name (`alias/...`); one whose key is gone is gone too.
    pub aliases: BTreeMap<String, Alias>,
}

/// One customer managed key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// UUID, or `mrk-` and 32 hex digits.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Time of creation.
    pub created: Timestamp,
    /// Description; empty when none was given.
    pub description: String,
    /// Whether it may be used (pending deletion aside).
    pub enabled: bool,
    /// When it ceases to exist, while it is pending deletion.
    pub deletion: Option<Timestamp>,
    /// Whether it is the primary of a multi-region key.
    pub multi_region: bool,
    /// Key policy `default`, as JSON in the layout of KMS.
    pub policy: String,
    /// Automatic rotation, if on.
    pub rotation: Option<Rotation>,
    /// Tags; keys differ by case.
    pub tags: BTreeMap<String, String>,
}

/// Automatic rotation of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    /// Days from one rotation to the next.
    pub days: i64,
    /// When it was switched on or its period changed.
    pub since: Timestamp,
}

/// One alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    /// Id of the key it stands for.
    pub target: String,
    /// Time of creation.
    pub created: Timestamp,
    /// Time of the last change.
    pub updated: Timestamp,
}

impl Kms {
    /// Whether no alias is left and every key is at least pending deletion.
    /// An alias keeps its name taken until its key is really deleted, so it counts as something left.
    pub fn is_empty(&self) -> bool {
        self.aliases.is_empty() && self.keys.values().all(|key| key.deletion.is_some())
    }

    /// The keys that exist at that time.
    pub fn keys_at(&self, now: Timestamp) -> impl Iterator<Item = &Key> {
        self.keys.values().filter(move |key| !key.is_gone(now))
    }

    /// The aliases that exist at that time, by name.
    pub fn aliases_at(&self, now: Timestamp) -> impl Iterator<Item = (&String, &Alias)> {
        let lives = move |alias: &Alias| {
            let key = self.keys.get(&alias.target);
            key.is_some_and(|key| !key.is_gone(now))
        };
        self.aliases.iter().filter(move |(_, alias)| lives(alias))
    }

    // Forgets the keys whose waiting time is over, and their aliases.
    fn sweep(&mut self, now: Timestamp) {
        self.keys.retain(|_, key| !key.is_gone(now));
        let keys = &self.keys;
        self.aliases.retain(|_, alias| keys.contains_key(&alias.target));
    }
}

impl Key {
    fn is_gone(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|at| at <= now)
    }

    /// `Enabled`, `Disabled` or `PendingDeletion`.
    pub fn state(&self) -> &'static str {
        match (self.deletion, self.enabled) {
            (Some(_), _) => "PendingDeletion",
            (None, true) => "Enabled",
            (None, false) => "Disabled",
        }
    }

    fn not_pending(&self) -> Result<&Self, AwsError> {
        if self.deletion.is_none() {
            return Ok(self);
        }
        let message = format!("{} is pending deletion.", self.arn);
        Err(AwsError::new("KMSInvalidStateException", message))
    }

    fn not_disabled(&self) -> Result<&Self, AwsError> {
        if self.not_pending()?.enabled {
            return Ok(self);
        }
        let message = format!("{} is disabled.", self.arn);
        Err(AwsError::new("DisabledException", message))
    }
}

/// ARN of a key that can encrypt now; takes id, ARN, alias name or alias ARN.
/// Errors: `NotFoundException`, `DisabledException`, `KMSInvalidStateException` (pending deletion).
pub fn usable_key(world: &World, now: Timestamp, id: &str) -> Result<String, AwsError> {
    let key = key_or_alias(world, now, id)?.not_disabled()?;
    Ok(key.arn.clone())
}

const LONGEST_KEY_ID: usize = 2048;

// Operations on keys take the id or the ARN; only DescribeKey (and encryption) follows an alias.
fn key<'a>(world: &'a World, now: Timestamp, id: &str) -> Result<&'a Key, AwsError> {
    let name = local_name(world, id)?;
    let Some(id) = name.strip_prefix("key/") else {
        return Err(not_found(format!("Invalid keyId '{id}'")));
    };
    let found = world.kms.keys.get(id).filter(|key| !key.is_gone(now));
    found.ok_or_else(|| {
        not_found(if is_key_id(id) {
            format!("Key '{}' does not exist", world.arn("kms", &name))
        } else {
            format!("Invalid keyId '{id}'")
        })
    })
}

fn key_or_alias<'a>(world: &'a World, now: Timestamp, id: &str) -> Result<&'a Key, AwsError> {
    let name = local_name(world, id)?;
    if !name.starts_with("alias/") {
        return key(world, now, id);
    }
    let alias = alias(world, now, &name)?;
    key(world, now, &alias.target)
}

fn alias<'a>(world: &'a World, now: Timestamp, name: &str) -> Result<&'a Alias, AwsError> {
    let mut live = world.kms.aliases_at(now);
    let found = live.find(|(known, _)| *known == name);
    found.map(|(_, alias)| alias).ok_or_else(|| {
        let arn = world.arn("kms", name);
        not_found(format!("Alias {arn} is not found."))
    })
}

// `key/<id>` or `alias/<name>` of this account and region, from any of the four ways to say it.
fn local_name(world: &World, id: &str) -> Result<String, AwsError> {
    if !id.starts_with("arn:") {
        let alias = id.starts_with("alias/");
        return Ok(if alias { id.into() } else { format!("key/{id}") });
    }
    let parts: Vec<&str> = id.splitn(6, ':').collect();
    let ["arn", "aws", "kms", region, account, name] = parts.as_slice() else {
        return Err(AwsError::new("InvalidArnException", format!("Invalid arn {id}")));
    };
    if !name.starts_with("key/") && !name.starts_with("alias/") {
        return Err(AwsError::new("InvalidArnException", format!("Invalid arn {id}")));
    }
    if *region != world.region {
        return Err(not_found(format!("Invalid arn {region}")));
    }
    if *account != world.account {
        let message = format!(
            "The resource {id} does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
        );
        return Err(AwsError::new("AccessDeniedException", message));
    }
    Ok((*name).to_owned())
}

fn is_key_id(text: &str) -> bool {
    let hex = |text: &str| text.chars().all(|c| c.is_ascii_hexdigit());
    match text.strip_prefix("mrk-") {
        Some(rest) => rest.len() == 32 && hex(rest),
        None => {
            let lengths: Vec<usize> = text.split('-').map(str::len).collect();
            lengths == [8, 4, 4, 4, 12] && text.split('-').all(hex)
        }
    }
}

fn asked_key<'a>(world: &'a World, req: &Request, now: Timestamp) -> Result<&'a Key, AwsError> {
    key(world, now, &key_id(req, "KeyId")?)
}

fn key_id(req: &Request, name: &str) -> Result<String, AwsError> {
    let id = req.text(name)?;
    match id.len() {
        0 => Err(req.missing(name)),
        1..=LONGEST_KEY_ID => Ok(id),
        _ => Err(req.invalid(format!("{name} must have length less than or equal to {LONGEST_KEY_ID}"))),
    }
}

// Changes a key after all checks; the id comes from a key that was just found.
fn change(world: &mut World, id: &str, change: impl FnOnce(&mut Key)) {
    if let Some(key) = world.kms.keys.get_mut(id) {
        change(key);
    }
}

fn not_found(message: String) -> AwsError {
    AwsError::new("NotFoundException", message)
}

// awsJson: seconds since 1970 with a fraction.
fn date(time: Timestamp) -> Value {
    let seconds = time.as_millisecond() as f64 / 1000.0;
    json!(seconds)
}

// `Limit` and `Marker`, as every list of KMS has them.
fn listed(member: &str, items: Vec<Reply>, req: &Request, usual: usize, most: usize) -> Result<Reply, AwsError> {
    let (items, marker) = page(items, req, "Limit", "Marker", usual, 1..=most).map_err(|error| {
        if error.message.contains("Marker") { AwsError::new("InvalidMarkerException", error.message) } else { error }
    })?;
    Ok(json!({member: items, "Truncated": marker.is_some(), "NextMarker": marker}))
}

#[cfg(test)]
mod testing {
    use super::*;

    /// A world, a time and a way to call any operation of KMS in it.
    pub(super) struct Bench {
        pub world: World,
        pub now: Timestamp,
    }

    impl Bench {
        pub(super) fn new() -> Self {
            Self { world: World::default(), now: "2030-01-02T03:04:05.678Z".parse().unwrap() }
        }

        pub(super) fn call(&mut self, operation: &str, params: Value) -> Result<Reply, AwsError> {
            let found = SERVICE.operation(operation).unwrap();
            let req = Request {
                service: "kms",
                operation: operation.into(),
                params,
                account: self.world.account.clone(),
                region: self.world.region.clone(),
                protocol: Protocol::Json11,
            };
            let before = self.world.clone();
            let answer = (found.run)(&mut self.world, &req, self.now);
            if answer.is_err() || !found.mutating {
                assert_eq!(before, self.world, "{operation} changed the world");
            }
            answer
        }

        pub(super) fn code(&mut self, operation: &str, params: Value) -> String {
            self.call(operation, params).unwrap_err().code
        }

        pub(super) fn key(&mut self) -> String {
            let made = self.call("CreateKey", json!({})).unwrap();
            made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
        }

        pub(super) fn days(&mut self, days: i64) {
            self.now += jiff::SignedDuration::from_hours(24 * days);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Bench;
    use super::*;

    #[test]
    fn keys_are_found_by_id_and_arn_and_described_by_alias() {
        let mut bench = Bench::new();
        let id = bench.key();
        let arn = bench.world.arn("kms", &format!("key/{id}"));
        bench.call("CreateAlias", json!({"AliasName": "alias/dev", "TargetKeyId": id})).unwrap();
        let alias_arn = bench.world.arn("kms", "alias/dev");
        for name in [id.as_str(), &arn, "alias/dev", &alias_arn] {
            let key = bench.call("DescribeKey", json!({"KeyId": name})).unwrap();
            assert_eq!(key["KeyMetadata"]["Arn"], arn.as_str());
            assert_eq!(usable_key(&bench.world, bench.now, name).unwrap(), arn);
        }
        let absent = arn.replace(&id, "11111111-2222-4333-8444-555555555555");
        let cases = [
            ("alias/dev", "NotFoundException"),
            (&absent, "NotFoundException"),
            ("nonsense", "NotFoundException"),
            ("arn:aws:kms:us-west-2", "InvalidArnException"),
            (&arn.replace("us-west-2", "us-east-1"), "NotFoundException"),
            (&arn.replace("123456789012", "999999999999"), "AccessDeniedException"),
            ("", "ValidationException"),
        ];
        for (name, code) in cases {
            assert_eq!(bench.code("EnableKey", json!({"KeyId": name})), code, "{name}");
        }
    }

    #[test]
    fn only_an_enabled_key_is_usable() {
        let mut bench = Bench::new();
        let id = bench.key();
        bench.call("DisableKey", json!({"KeyId": id})).unwrap();
        let usable = |bench: &Bench| usable_key(&bench.world, bench.now, &id).map_err(|e| e.code);
        assert_eq!(usable(&bench).unwrap_err(), "DisabledException");
        bench.call("ScheduleKeyDeletion", json!({"KeyId": id})).unwrap();
        assert_eq!(usable(&bench).unwrap_err(), "KMSInvalidStateException");
        bench.days(30);
        assert_eq!(usable(&bench).unwrap_err(), "NotFoundException");
    }
}
