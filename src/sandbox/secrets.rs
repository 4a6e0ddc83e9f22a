//! Secrets Manager of the sandbox: the admin passwords that other services manage, and (`own`) secrets of a client's own.
//!
//! Called by the core (through [`SERVICE`]) and by the services that own such secrets ([`create_managed`],
//! [`delete_managed`]). Source: aws-facts.md 4 and the API model 2017-10-17. Must never store a value: it follows from the
//! world's seed and the ARN whenever it is read.

mod own;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::request::{AwsError, Reply, Request, page};
use super::tagging::Tagged;
use super::world::{World, digest, uuid_shape};
use super::{Operation, Protocol, Service, kms};

pub(in crate::sandbox) use own::login;
pub use own::{Issued, Own};

/// AWS time between two rotations of a managed password (aws-facts.md 4: 30 days).
const ROTATION: SignedDuration = SignedDuration::from_hours(24 * ROTATION_DAYS);
const ROTATION_DAYS: i64 = 30;
/// The stage of the one version every secret has.
const CURRENT: &str = "AWSCURRENT";
/// The service that owns every secret here.
const OWNER: &str = "redshift";
const PAGE: usize = 100;

/// State of Secrets Manager in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// Managed secrets by ARN.
    pub managed: BTreeMap<String, Managed>,
    /// Secrets of a client's own by ARN.
    pub own: BTreeMap<String, Own>,
    /// The random passwords made so far, without the passwords.
    pub issued: Vec<Issued>,
}

impl Secrets {
    /// Tells whether no secret is left; one that is scheduled for deletion counts as gone.
    pub fn is_empty(&self) -> bool {
        self.managed.is_empty() && self.own.values().all(|own| own.deleted.is_some())
    }
}

/// A managed secret, without its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Managed {
    /// `redshift!<owner>-<user>`.
    pub name: String,
    /// ARN of the namespace or cluster that owns it.
    pub owner: String,
    /// The user whose password it is.
    pub username: String,
    /// ARN of the customer key that encrypts it; none is the account's own.
    pub key: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
}

/// The service as the core routes it: awsJson 1.1, target prefix `secretsmanager`.
pub static SERVICE: Service = Service {
    scope: "secretsmanager",
    protocol: Protocol::Json11,
    version: "secretsmanager",
    lists: &[],
    operations: &[OPERATIONS, own::OPERATIONS],
};

static OPERATIONS: &[Operation] = &[
    Operation { name: "DescribeSecret", mutating: false, params: &["SecretId"], run: describe_secret },
    Operation {
        name: "ListSecrets",
        mutating: false,
        params: &["Filters.Key", "Filters.Values", "IncludePlannedDeletion", "MaxResults", "NextToken", "SortOrder"],
        run: list_secrets,
    },
    Operation {
        name: "GetSecretValue",
        mutating: false,
        params: &["SecretId", "VersionId", "VersionStage"],
        run: get_secret_value,
    },
];

/// Makes the secret of an owner's admin and answers its ARN; `owner_name` is the namespace or cluster by name.
pub fn create_managed(
    world: &mut World,
    now: Timestamp,
    owner_arn: &str,
    owner_name: &str,
    username: &str,
    key: Option<&str>,
) -> String {
    let name = format!("redshift!{owner_name}-{username}");
    let suffix = world.hex(6);
    let arn = world.arn("secretsmanager", &format!("secret:{name}-{suffix}"));
    let secret = Managed {
        name,
        owner: owner_arn.to_owned(),
        username: username.to_owned(),
        key: key.map(str::to_owned),
        created: now,
        changed: now,
    };
    world.secrets.managed.insert(arn.clone(), secret);
    arn
}

/// Encrypts a managed secret with another key; its ARN stays.
pub fn rekey_managed(world: &mut World, now: Timestamp, arn: &str, key: Option<&str>) {
    if let Some(secret) = world.secrets.managed.get_mut(arn) {
        secret.key = key.map(str::to_owned);
        secret.changed = now;
    }
}

/// Removes a managed secret at once, as its owner does when it goes.
pub fn delete_managed(world: &mut World, arn: &str) {
    world.secrets.managed.remove(arn);
}

impl Managed {
    fn rotations(&self, now: Timestamp) -> i32 {
        let passed = now.duration_since(self.created).as_secs() / ROTATION.as_secs();
        i32::try_from(passed).unwrap_or(i32::MAX)
    }

    fn rotated(&self, now: Timestamp) -> Timestamp {
        self.created + ROTATION * self.rotations(now)
    }

    // A rotation makes another version, hence another password.
    fn version(&self, arn: &str, now: Timestamp) -> String {
        uuid_shape(&digest(&format!("version/{arn}/{}", self.rotations(now))))
    }

    fn tags(&self) -> Vec<(&'static str, String)> {
        let kind = if self.owner.contains(":redshift-serverless:") {
            "aws:redshift-serverless:namespaceArn"
        } else {
            "aws:redshift:primaryClusterArn"
        };
        vec![("aws:secretsmanager:owningService", OWNER.to_owned()), (kind, self.owner.clone())]
    }

    fn description(&self) -> String {
        format!("The admin password of {}", self.owner)
    }

    fn render(&self, arn: &str, versions: &str, now: Timestamp) -> Reply {
        let tags: Vec<Reply> = self.tags().iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let rotated = self.rotated(now);
        json!({
            "ARN": arn,
            "Name": self.name,
            "Description": self.description(),
            "KmsKeyId": self.key,
            "RotationEnabled": true,
            "RotationRules": { "AutomaticallyAfterDays": ROTATION_DAYS },
            "CreatedDate": seconds(self.created),
            "LastChangedDate": seconds(self.changed.max(rotated)),
            "LastRotatedDate": (self.rotations(now) > 0).then(|| seconds(rotated)),
            "NextRotationDate": seconds(rotated + ROTATION),
            "OwningService": OWNER,
            "Tags": tags,
            versions: { self.version(arn, now): [CURRENT] },
        })
    }
}

// This API writes moments as seconds since 1970; whole ones are exact.
fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

fn not_found(message: impl Into<String>) -> AwsError {
    AwsError::new("ResourceNotFoundException", message)
}

fn find<'a>(world: &'a World, req: &Request) -> Result<(&'a String, &'a Managed), AwsError> {
    let id = req.text("SecretId")?;
    let mut all = world.secrets.managed.iter();
    all.find(|(arn, secret)| **arn == id || secret.name == id)
        .ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))
}

/// The secrets of clients by ARN, with their tags.
pub(super) fn tagged(world: &World, now: Timestamp) -> Vec<Tagged> {
    let own = world.secrets.own.iter().filter(|(_, own)| own.deleted.is_none_or(|at| now < at));
    own.map(|(arn, own)| (arn.clone(), own.tags.clone())).collect()
}

fn describe_secret(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    if let Some((arn, own)) = own::find(world, &req.text("SecretId")?, now) {
        return Ok(own.render(arn, "VersionIdsToStages"));
    }
    let (arn, secret) = find(world, req)?;
    Ok(secret.render(arn, "VersionIdsToStages", now))
}

fn get_secret_value(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    if let Some((arn, of)) = own::find(world, &req.text("SecretId")?, now) {
        let (version, stage) = (req.opt_text("VersionId")?, req.opt_text("VersionStage")?);
        return own::value(world, (arn, of), version.as_deref(), stage.as_deref());
    }
    let (arn, secret) = find(world, req)?;
    let version = secret.version(arn, now);
    let missing = |what: String| not_found(format!("Secrets Manager can't find the specified secret value for {what}"));
    match req.opt_text("VersionId")? {
        Some(asked) if asked != version => return Err(missing(format!("VersionId: {asked}"))),
        _ => {}
    }
    match req.opt_text("VersionStage")? {
        Some(asked) if asked != CURRENT => return Err(missing(format!("staging label: {asked}"))),
        _ => {}
    }
    if let Some(key) = &secret.key {
        let refused = |error: AwsError| AwsError::new("DecryptionFailure", format!("The key {key}: {}", error.message));
        kms::usable_key(world, now, key).map_err(refused)?;
    }
    let value = json!({ "username": secret.username, "password": password(world, arn, &version) });
    Ok(json!({
        "ARN": arn,
        "Name": secret.name,
        "VersionId": version,
        "VersionStages": [CURRENT],
        "SecretString": value.to_string(),
        "CreatedDate": seconds(secret.rotated(now)),
    }))
}

// The fixed head brings the letter cases and the digit that every admin password must have.
fn password(world: &World, arn: &str, version: &str) -> String {
    let mut text = digest(&format!("secret/{}/{arn}/{version}", world.seed));
    text.truncate(32);
    format!("Rs1{text}")
}

/// A secret as a listing sees it.
struct Listed {
    created: Timestamp,
    name: String,
    description: String,
    tags: Vec<(String, String)>,
    service: Option<&'static str>,
    shown: Reply,
}

fn listed(world: &World, now: Timestamp, planned: bool) -> Vec<Listed> {
    const VERSIONS: &str = "SecretVersionsToStages";
    let managed = world.secrets.managed.iter().map(|(arn, secret)| Listed {
        created: secret.created,
        name: secret.name.clone(),
        description: secret.description(),
        tags: secret.tags().into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        service: Some(OWNER),
        shown: secret.render(arn, VERSIONS, now),
    });
    let seen = |own: &Own| own.deleted.is_none_or(|at| planned && now < at);
    let own = world.secrets.own.iter().filter(|(_, own)| seen(own)).map(|(arn, own)| Listed {
        created: own.created,
        name: own.name.clone(),
        description: own.description.clone(),
        tags: own.tags.clone().into_iter().collect(),
        service: None,
        shown: own.render(arn, VERSIONS),
    });
    managed.chain(own).collect()
}

fn list_secrets(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let planned = req.opt_bool("IncludePlannedDeletion")?.unwrap_or_default();
    let filters = read_filters(req)?;
    let mut found = listed(world, now, planned);
    found.retain(|secret| matches(secret, &filters));
    found.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
    match req.opt_text("SortOrder")?.as_deref() {
        None | Some("desc") => found.reverse(),
        Some("asc") => {}
        Some(other) => return Err(invalid(format!("Invalid SortOrder '{other}'"))),
    }
    let items = found.into_iter().map(|secret| secret.shown).collect();
    let (items, next) = page(items, req, "MaxResults", "NextToken", PAGE, 1..=PAGE)?;
    Ok(json!({ "SecretList": items, "NextToken": next }))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterException", message)
}

type Filter = (String, Vec<String>);

fn read_filters(req: &Request) -> Result<Vec<Filter>, AwsError> {
    const KEYS: [&str; 7] = ["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];
    let read = |filter: Request| {
        let (key, values) = (filter.text("Key")?, filter.texts("Values")?);
        if !KEYS.contains(&key.as_str()) || values.is_empty() {
            return Err(invalid(format!("The filter '{key}' is unknown or has no values")));
        }
        Ok((key, values))
    };
    req.list("Filters").into_iter().map(read).collect()
}

// Filters join by AND, values of one by OR; a value is a prefix, and a leading `!` negates it.
fn matches(secret: &Listed, filters: &[Filter]) -> bool {
    filters.iter().all(|(key, values)| {
        let texts = texts_of(secret, key);
        values.iter().any(|value| match value.strip_prefix('!') {
            Some(unwanted) => !texts.iter().any(|text| text.starts_with(unwanted)),
            None => texts.iter().any(|text| text.starts_with(value.as_str())),
        })
    })
}

fn texts_of(secret: &Listed, key: &str) -> Vec<String> {
    let tags = secret.tags.iter();
    match key {
        "description" => vec![secret.description.clone()],
        "name" => vec![secret.name.clone()],
        "tag-key" => tags.map(|(key, _)| key.clone()).collect(),
        "tag-value" => tags.map(|(_, value)| value.clone()).collect(),
        "owning-service" => secret.service.into_iter().map(str::to_owned).collect(),
        // No secret here is a replica.
        "primary-region" => Vec::new(),
        _ => ["description", "name", "tag-key", "tag-value"].iter().flat_map(|key| texts_of(secret, key)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(world: &mut World, name: &str, params: Reply) -> Result<Reply, AwsError> {
        let operation = SERVICE.operation(name).unwrap();
        let req = Request {
            service: "secretsmanager",
            operation: name.into(),
            params,
            account: world.account.clone(),
            region: world.region.clone(),
            protocol: Protocol::Json11,
        };
        (operation.run)(world, &req, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_value_is_derived_and_never_stored() {
        let mut world = World::default();
        let arn =
            create_managed(&mut world, Timestamp::UNIX_EPOCH, "arn:aws:redshift-serverless:x", "ns", "admin", None);
        let reply = call(&mut world, "GetSecretValue", json!({ "SecretId": "redshift!ns-admin" })).unwrap();
        let value: Reply = serde_json::from_str(reply["SecretString"].as_str().unwrap()).unwrap();
        let password = value["password"].as_str().unwrap();
        assert_eq!(value["username"], "admin");
        assert!(!serde_json::to_string(&world).unwrap().contains(password));
        assert_eq!(call(&mut world, "GetSecretValue", json!({ "SecretId": arn })).unwrap(), reply);
        delete_managed(&mut world, &arn);
        let gone = call(&mut world, "DescribeSecret", json!({ "SecretId": arn })).unwrap_err();
        assert_eq!(gone.code, "ResourceNotFoundException");
        assert!(world.secrets.is_empty());
    }

    #[test]
    fn unknown_filters_are_errors_and_known_ones_select() {
        let mut world = World::default();
        for name in ["one", "two"] {
            create_managed(&mut world, Timestamp::UNIX_EPOCH, "arn:aws:redshift-serverless:x", name, "admin", None);
        }
        let list = |world: &mut World, key: &str, value: &str| {
            call(world, "ListSecrets", json!({ "Filters": [{ "Key": key, "Values": [value] }] }))
        };
        assert_eq!(list(&mut world, "name", "redshift!one").unwrap()["SecretList"].as_array().unwrap().len(), 1);
        assert_eq!(list(&mut world, "owning-service", "redshift").unwrap()["SecretList"].as_array().unwrap().len(), 2);
        assert_eq!(list(&mut world, "colour", "red").unwrap_err().code, "InvalidParameterException");
    }
}
