//! Secrets that a client makes, and the random passwords it puts into them.
//!
//! Called by the core, and by the Data API for whoever logs in with one. Must never store a value: a password that
//! `GetRandomPassword` made is remembered by its number alone, and a value that holds none of those is refused.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Operation;
use super::super::request::{AwsError, Reply, Request};
use super::super::world::{World, digest};
use super::{CURRENT, invalid, not_found, seconds};

/// The stage of the version before the current one.
const PREVIOUS: &str = "AWSPREVIOUS";
/// Most tags of a secret.
const TAGS: usize = 50;
/// What a name is made of besides letters and digits.
const SIGNS: &str = "/_+=.@-";
const PUNCTUATION: &str = "!#$%&()*+,-.:;<=>?[]^_{|}~";

/// What a random password is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    length: usize,
    punctuation: bool,
}

/// A secret of a client's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Own {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Its versions by id; those without a stage are gone.
    pub versions: BTreeMap<String, Version>,
    /// When it was created.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
    /// When it will be gone, if somebody has deleted it.
    pub deleted: Option<Timestamp>,
}

/// One version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its stages.
    pub stages: BTreeSet<String>,
    /// The value with the number of a password in the place of each.
    pub form: String,
}

pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "GetRandomPassword",
        // Each answer is another one, and is remembered.
        mutating: true,
        params: &["PasswordLength", "ExcludePunctuation", "RequireEachIncludedType"],
        run: get_random_password,
    },
    Operation {
        name: "CreateSecret",
        mutating: true,
        params: &["Name", "ClientRequestToken", "Description", "SecretString", "Tags.Key", "Tags.Value"],
        run: create_secret,
    },
    Operation {
        name: "PutSecretValue",
        mutating: true,
        params: &["SecretId", "ClientRequestToken", "SecretString"],
        run: put_secret_value,
    },
    Operation {
        name: "UpdateSecret",
        mutating: true,
        params: &["SecretId", "ClientRequestToken", "Description"],
        run: update_secret,
    },
    Operation {
        name: "DeleteSecret",
        mutating: true,
        params: &["SecretId", "RecoveryWindowInDays", "ForceDeleteWithoutRecovery"],
        run: delete_secret,
    },
    Operation { name: "RestoreSecret", mutating: true, params: &["SecretId"], run: restore_secret },
    Operation {
        name: "TagResource",
        mutating: true,
        params: &["SecretId", "Tags.Key", "Tags.Value"],
        run: tag_resource,
    },
    Operation { name: "UntagResource", mutating: true, params: &["SecretId", "TagKeys"], run: untag_resource },
];

fn refused(message: &str) -> AwsError {
    AwsError::new("InvalidRequestException", message)
}

/// The password of that number: it follows from the seed.
fn password(seed: u64, number: usize, issued: Issued) -> String {
    let letters = ('A'..='Z').chain('a'..='z').chain('0'..='9');
    let all: Vec<char> = letters.chain(PUNCTUATION.chars().filter(|_| issued.punctuation)).collect();
    let kinds = ["ABCDEFGHJKLM", "abcdefghijkm", "23456789", PUNCTUATION];
    let kinds = if issued.punctuation { &kinds[..] } else { &kinds[..3] };
    let pick = |at: usize| {
        let drawn = digest(&format!("password/{seed}/{number}/{at}"));
        let drawn = usize::from_str_radix(drawn.get(..8).unwrap_or_default(), 16).unwrap_or_default();
        match kinds.get(at) {
            Some(kind) => kind.chars().nth(drawn % kind.chars().count()),
            None => all.get(drawn % all.len()).copied(),
        }
    };
    (0..issued.length).filter_map(pick).collect()
}

/// What stands for a password in a form; no value of JSON has such a character.
fn mark(number: usize) -> String {
    format!("\u{1}{number}\u{1}")
}

impl World {
    fn form_of(&self, value: &str) -> Result<String, AwsError> {
        let mut form = value.to_owned();
        for (number, issued) in self.secrets.issued.iter().enumerate() {
            form = form.replace(&password(self.seed, number, *issued), &mark(number));
        }
        if form == value {
            let why = "The sandbox keeps no secret: a value must hold a password that GetRandomPassword has made";
            return Err(refused(why));
        }
        Ok(form)
    }

    fn value_of(&self, form: &str) -> String {
        let mut value = form.to_owned();
        for (number, issued) in self.secrets.issued.iter().enumerate() {
            value = value.replace(&mark(number), &password(self.seed, number, *issued));
        }
        value
    }
}

impl Own {
    /// The ids of its versions with their stages.
    pub(super) fn stages(&self) -> Value {
        self.versions
            .iter()
            .map(|(id, version)| (id.clone(), json!(version.stages)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn current(&self) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.contains(CURRENT))
    }

    fn put(&mut self, id: String, form: String) {
        for version in self.versions.values_mut() {
            version.stages.remove(PREVIOUS);
            if version.stages.remove(CURRENT) {
                version.stages.insert(PREVIOUS.to_owned());
            }
        }
        self.versions.retain(|_, version| !version.stages.is_empty());
        self.versions.insert(id, Version { stages: [CURRENT.to_owned()].into(), form });
    }

    pub(super) fn render(&self, arn: &str, versions: &str) -> Reply {
        let tags: Vec<Reply> = self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        json!({
            "ARN": arn,
            "Name": self.name,
            "Description": self.description,
            "CreatedDate": seconds(self.created),
            "LastChangedDate": seconds(self.changed),
            "DeletedDate": self.deleted.map(seconds),
            "Tags": tags,
            versions: self.stages(),
        })
    }
}

/// Finds a secret of a client's own that is not gone yet, by ARN or name.
pub(super) fn find<'a>(world: &'a World, id: &str, now: Timestamp) -> Option<(&'a String, &'a Own)> {
    let mut all = world.secrets.own.iter();
    all.find(|(arn, own)| (*arn == id || own.name == id) && own.deleted.is_none_or(|at| now < at))
}

fn arn(world: &World, req: &Request, now: Timestamp) -> Result<String, AwsError> {
    let id = req.text("SecretId")?;
    if let Some((arn, _)) = find(world, &id, now) {
        return Ok(arn.clone());
    }
    let managed = world.secrets.managed.iter().any(|(arn, secret)| *arn == id || secret.name == id);
    Err(match managed {
        true => refused("You can't modify this secret: it is managed by another service."),
        false => not_found("Secrets Manager can't find the specified secret."),
    })
}

/// One that nobody has deleted, to be changed.
fn usable<'a>(world: &'a mut World, req: &Request, now: Timestamp) -> Result<(String, &'a mut Own), AwsError> {
    let arn = arn(world, req, now)?;
    let Some(own) = world.secrets.own.get_mut(&arn) else {
        return Err(not_found("Secrets Manager can't find the specified secret."));
    };
    if own.deleted.is_some() {
        return Err(marked());
    }
    own.changed = now;
    Ok((arn, own))
}

fn marked() -> AwsError {
    refused("You can't perform this operation on the secret because it was marked for deletion.")
}

/// The value of a version: of the current one, unless another is asked for.
pub(super) fn value(
    world: &World,
    (arn, own): (&str, &Own),
    version: Option<&str>,
    stage: Option<&str>,
) -> Result<Reply, AwsError> {
    if own.deleted.is_some() {
        return Err(marked());
    }
    let stage = stage.or(version.is_none().then_some(CURRENT));
    let fits = |(id, of): &(&String, &Version)| {
        version.is_none_or(|version| *id == version) && stage.is_none_or(|stage| of.stages.contains(stage))
    };
    let Some((id, of)) = own.versions.iter().find(fits) else {
        return Err(not_found("Secrets Manager can't find the specified secret value."));
    };
    Ok(json!({
        "ARN": arn,
        "Name": own.name,
        "VersionId": id,
        "VersionStages": of.stages,
        "SecretString": world.value_of(&of.form),
        "CreatedDate": seconds(own.changed),
    }))
}

/// Who a secret logs in, and with which password.
pub(in crate::sandbox) fn login(world: &World, id: &str, now: Timestamp) -> Option<(String, String)> {
    let (_, own) = find(world, id, now).filter(|(_, own)| own.deleted.is_none())?;
    let value: Value = serde_json::from_str(&world.value_of(&own.current()?.1.form)).ok()?;
    Some((value["username"].as_str()?.to_owned(), value["password"].as_str()?.to_owned()))
}

fn get_random_password(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let length = usize::try_from(req.opt_int("PasswordLength")?.unwrap_or(32)).unwrap_or_default();
    if !(4..=4096).contains(&length) {
        return Err(invalid("PasswordLength must be 1 to 4096, and have room for every type of character"));
    }
    // Every type is in it, asked for or not.
    req.opt_bool("RequireEachIncludedType")?;
    let issued = Issued { length, punctuation: !req.opt_bool("ExcludePunctuation")?.unwrap_or_default() };
    world.secrets.issued.push(issued);
    Ok(json!({ "RandomPassword": password(world.seed, world.secrets.issued.len() - 1, issued) }))
}

fn tags(req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let pair = |tag: Request| Ok((tag.text("Key")?, tag.opt_text("Value")?.unwrap_or_default()));
    let tags: BTreeMap<String, String> = req.list("Tags").into_iter().map(pair).collect::<Result<_, AwsError>>()?;
    match tags.keys().any(|key| key.is_empty() || key.starts_with("aws:")) {
        true => Err(invalid("A tag key is empty or begins with aws:")),
        false => Ok(tags),
    }
}

fn token(req: &Request) -> Result<Option<String>, AwsError> {
    let Some(token) = req.opt_text("ClientRequestToken")? else { return Ok(None) };
    match (32..=64).contains(&token.len()) {
        true => Ok(Some(token)),
        false => Err(invalid("ClientRequestToken must have 32 to 64 characters")),
    }
}

fn create_secret(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (name, value, tags) = (req.text("Name")?, req.text("SecretString")?, tags(req)?);
    let good = |c: char| c.is_ascii_alphanumeric() || SIGNS.contains(c);
    if !(1..=512).contains(&name.len()) || !name.chars().all(good) {
        return Err(invalid(format!(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: {SIGNS}"
        )));
    }
    if tags.len() > TAGS {
        return Err(invalid(format!("A secret can have at most {TAGS} tags")));
    }
    let (form, token) = (world.form_of(&value)?, token(req)?);
    if let Some((arn, own)) = find(world, &name, now) {
        if own.deleted.is_some() {
            let why = "You can't create this secret because a secret with this name is already scheduled for deletion.";
            return Err(refused(why));
        }
        return match token.as_ref().and_then(|token| own.versions.get_key_value(token)) {
            Some((version, same)) if same.form == form => Ok(json!({ "ARN": arn, "Name": name, "VersionId": version })),
            _ => Err(AwsError::new(
                "ResourceExistsException",
                format!("The operation failed because the secret {name} already exists."),
            )),
        };
    }
    world.secrets.own.retain(|_, own| own.deleted.is_none_or(|at| now < at));
    let version = token.unwrap_or_else(|| world.uuid());
    let suffix = world.hex(6);
    let arn = world.arn("secretsmanager", &format!("secret:{name}-{suffix}"));
    let mut own = Own {
        name: name.clone(),
        description: req.opt_text("Description")?.unwrap_or_default(),
        tags,
        versions: BTreeMap::new(),
        created: now,
        changed: now,
        deleted: None,
    };
    own.put(version.clone(), form);
    world.secrets.own.insert(arn.clone(), own);
    Ok(json!({ "ARN": arn, "Name": name, "VersionId": version }))
}

fn put_secret_value(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let (form, token) = (world.form_of(&req.text("SecretString")?)?, token(req)?);
    usable(world, req, now)?;
    let version = token.unwrap_or_else(|| world.uuid());
    let (arn, own) = usable(world, req, now)?;
    match own.versions.get(&version) {
        Some(same) if same.form == form => {}
        Some(_) => {
            let why = "A version with this token exists already, with another value.";
            return Err(AwsError::new("ResourceExistsException", why));
        }
        None => own.put(version.clone(), form),
    }
    Ok(json!({ "ARN": arn, "Name": own.name, "VersionId": version, "VersionStages": [CURRENT] }))
}

fn update_secret(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    token(req)?;
    let (arn, own) = usable(world, req, now)?;
    if let Some(description) = req.opt_text("Description")? {
        own.description = description;
    }
    Ok(json!({ "ARN": arn, "Name": own.name }))
}

fn delete_secret(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let days = req.opt_int("RecoveryWindowInDays")?;
    let forced = req.opt_bool("ForceDeleteWithoutRecovery")?.unwrap_or_default();
    if forced && days.is_some() {
        return Err(invalid("ForceDeleteWithoutRecovery and RecoveryWindowInDays can't be given together."));
    }
    let days = days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."));
    }
    let found = arn(world, req, now);
    if forced {
        // One that is not there is deleted, too.
        if let Ok(arn) = &found {
            world.secrets.own.remove(arn);
        }
        return Ok(json!({ "DeletionDate": seconds(now) }));
    }
    let (arn, own) = usable(world, req, now)?;
    let gone = now + SignedDuration::from_hours(24 * days);
    own.deleted = Some(gone);
    Ok(json!({ "ARN": arn, "Name": own.name, "DeletionDate": seconds(gone) }))
}

fn restore_secret(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let arn = arn(world, req, now)?;
    let Some(own) = world.secrets.own.get_mut(&arn) else {
        return Err(not_found("Secrets Manager can't find the specified secret."));
    };
    own.deleted = None;
    Ok(json!({ "ARN": arn, "Name": own.name }))
}

fn tag_resource(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let tags = tags(req)?;
    let (_, own) = usable(world, req, now)?;
    own.tags.extend(tags);
    match own.tags.len() > TAGS {
        true => Err(invalid(format!("A secret can have at most {TAGS} tags"))),
        false => Ok(json!({})),
    }
}

fn untag_resource(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let keys = req.texts("TagKeys")?;
    let (_, own) = usable(world, req, now)?;
    own.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

#[cfg(test)]
mod tests {
    use super::super::SERVICE;
    use super::*;
    use crate::sandbox::serverless::bench::Bench;

    fn value(bench: &mut Bench) -> (String, String) {
        let made = bench.ok(&SERVICE, "GetRandomPassword", json!({ "PasswordLength": 20, "ExcludePunctuation": true }));
        let password = made["RandomPassword"].as_str().unwrap().to_owned();
        (json!({ "username": "bi", "password": password }).to_string(), password)
    }

    #[test]
    fn a_value_is_given_back_and_never_stored() {
        let mut bench = Bench::new();
        let (first, password) = value(&mut bench);
        let made = bench.ok(&SERVICE, "CreateSecret", json!({ "Name": "bi", "SecretString": first }));
        let get = |bench: &mut Bench| bench.ok(&SERVICE, "GetSecretValue", json!({ "SecretId": "bi" }));
        assert_eq!(get(&mut bench)["SecretString"], first.as_str());
        assert!(!serde_json::to_string(&bench.world).unwrap().contains(&password));
        let (second, other) = value(&mut bench);
        assert_ne!(password, other);
        bench.ok(&SERVICE, "PutSecretValue", json!({ "SecretId": "bi", "SecretString": second }));
        assert_eq!(get(&mut bench)["SecretString"], second.as_str());
        let old = json!({ "SecretId": made["ARN"], "VersionId": made["VersionId"] });
        assert_eq!(bench.ok(&SERVICE, "GetSecretValue", old)["VersionStages"], json!([PREVIOUS]));
        let shown = bench.ok(&SERVICE, "DescribeSecret", json!({ "SecretId": "bi" }));
        assert_eq!(shown["VersionIdsToStages"][made["VersionId"].as_str().unwrap()], json!([PREVIOUS]), "{shown}");
        let foreign = json!({ "Name": "other", "SecretString": "{\"password\":\"Mine12345\"}" });
        assert_eq!(bench.call(&SERVICE, "CreateSecret", foreign).unwrap_err().code, "InvalidRequestException");
    }

    #[test]
    fn what_is_deleted_can_be_had_back_until_its_time_and_blocks_its_name() {
        let mut bench = Bench::new();
        let (value, _) = value(&mut bench);
        let create = json!({ "Name": "bi", "SecretString": value });
        bench.ok(&SERVICE, "CreateSecret", create.clone());
        let again = bench.call(&SERVICE, "CreateSecret", create.clone()).unwrap_err();
        assert_eq!(again.code, "ResourceExistsException");
        let it = json!({ "SecretId": "bi" });
        bench.ok(&SERVICE, "DeleteSecret", json!({ "SecretId": "bi", "RecoveryWindowInDays": 7 }));
        assert!(bench.world.secrets.is_empty());
        assert!(
            bench.call(&SERVICE, "GetSecretValue", it.clone()).unwrap_err().message.contains("marked for deletion")
        );
        let blocked = bench.call(&SERVICE, "CreateSecret", create.clone()).unwrap_err();
        assert!(blocked.message.contains("already scheduled for deletion"), "{blocked:?}");
        bench.ok(&SERVICE, "RestoreSecret", it.clone());
        bench.ok(&SERVICE, "GetSecretValue", it.clone());
        bench.ok(&SERVICE, "DeleteSecret", json!({ "SecretId": "bi", "ForceDeleteWithoutRecovery": true }));
        assert_eq!(bench.call(&SERVICE, "DescribeSecret", it).unwrap_err().code, "ResourceNotFoundException");
        bench.ok(&SERVICE, "CreateSecret", create);
    }
}
