//! Kind `secretsmanager.secret`: the password of a database user, made and kept by Secrets Manager.
//!
//! Driven by `plan` and `apply` through the list of kinds; `database_user` takes the password from here. Must never let a
//! password into a spec, an output or a fault: what others refer to is its version.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::{PasswordVersion, SecretArn},
    lookup::asks,
    named, naming, tags,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags, Typical, Which,
};
use aws_sdk_secretsmanager::types::Tag;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Characters of a password: letters and digits alone, so that no connection string has to quote any of it.
const LENGTH: i64 = 40;
/// The stage of the version that clients are given.
const CURRENT: &str = "AWSCURRENT";
/// Days in which a secret that is scheduled for deletion can be had back: the longest AWS offers.
const RECOVERY_WINDOW: i64 = 30;

const CREATE: &str = "secretsmanager:CreateSecret";
const DESCRIBE: &str = "secretsmanager:DescribeSecret";
const GET: &str = "secretsmanager:GetSecretValue";
const PUT: &str = "secretsmanager:PutSecretValue";
const DELETE: &str = "secretsmanager:DeleteSecret";

/// A secret with the name and the password of a database user.
pub struct Secret;

/// What a secret is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    /// Its name, unique per account and region.
    pub name: String,
    /// The database user whose password it is.
    pub username: String,
    /// What it is for.
    pub description: String,
    /// How often the password has been changed (`rsds users rotate`). AWS knows nothing of it.
    #[serde(default)]
    pub rotations: u32,
    /// Whether somebody has scheduled its deletion: until then nobody can read it.
    #[serde(default)]
    pub scheduled_for_deletion: bool,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Secret =>
    /// What a secret offers.
    SecretOutputs {
        at_once {
            /// Its ARN.
            arn: SecretArn,
            /// Which password it holds now.
            password: PasswordVersion,
        }
        ready {}
    }
);

/// A password, which nothing prints.
pub(super) struct Password(String);

impl Password {
    /// Returns the text, for what it is hashed with.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn version(arn: &str, id: &str) -> PasswordVersion {
    format!("{arn}#{id}").into()
}

/// Fetches the password of one version.
///
/// Errors: the version is not kept any more; the secret is not of the form that rsds gives it.
pub(super) async fn password(aws: &Aws, of: &PasswordVersion) -> Result<Password, Fault> {
    let (arn, id) = of.as_str().rsplit_once('#').ok_or_else(|| Fault::incomplete(GET, "VersionId"))?;
    let shown = aws.secrets.get_secret_value().secret_id(arn).version_id(id).send().called(GET).await?;
    let value: Option<Json> = shown.secret_string.and_then(|text| serde_json::from_str(&text).ok());
    let password = value.as_ref().and_then(|value| value["password"].as_str());
    password.map(|text| Password(text.to_owned())).ok_or_else(|| Fault::incomplete(GET, "password"))
}

/// Has a new password made, and returns it with its user as clients read it.
async fn new_value(aws: &Aws, username: &str) -> Result<String, Fault> {
    let call = aws.secrets.get_random_password().password_length(LENGTH).exclude_punctuation(true);
    let made = call.require_each_included_type(true).send().called("secretsmanager:GetRandomPassword").await?;
    let password =
        made.random_password.ok_or_else(|| Fault::incomplete("secretsmanager:GetRandomPassword", "RandomPassword"))?;
    Ok(json!({ "engine": "redshift", "username": username, "password": password }).to_string())
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

fn current(versions: impl IntoIterator<Item = (String, Vec<String>)>) -> Option<String> {
    let mut versions = versions.into_iter();
    versions.find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT)).map(|(id, _)| id)
}

impl Secret {
    async fn one(aws: &Aws, which: &Which<Self>) -> Result<Option<Live<Self>>, Fault> {
        let asked = which.id.as_ref().map_or(which.spec.name.as_str(), Id::as_str);
        let answer = found(aws.secrets.describe_secret().secret_id(asked).send().called(DESCRIBE).await)?;
        let Some(shown) = answer else { return Ok(None) };
        let (arn, name) = (shown.arn.unwrap_or_default(), shown.name.unwrap_or_default());
        // AWS takes what a name begins with for a part of an ARN.
        if !asks(which, &arn, name == which.spec.name) {
            return Ok(None);
        }
        let id = shown.version_ids_to_stages.and_then(current).ok_or_else(|| Fault::incomplete(DESCRIBE, CURRENT))?;
        let pairs = shown.tags.unwrap_or_default().into_iter();
        let spec = SecretSpec {
            name,
            username: which.spec.username.clone(),
            description: shown.description.unwrap_or_default(),
            rotations: which.spec.rotations,
            scheduled_for_deletion: shown.deleted_date.is_some(),
            tags: tags::own(pairs.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))),
        };
        let outputs = SecretOutputs { arn: arn.as_str().into(), password: version(&arn, &id) };
        Ok(Some(Live { id: Id(arn), spec, outputs, readiness: Readiness::Ready }))
    }
}

impl Kind for Secret {
    const NAME: &'static str = "secretsmanager.secret";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("username").unreadable(),
        Field::updates("description"),
        Field::updates("rotations")
            .unreadable()
            .invalidates(&["password"])
            .reconnects("whoever logs in must fetch the new password from the secret; sessions that stand go on"),
        Field::updates("scheduled_for_deletion").outage("nobody can fetch a password that is to be deleted"),
    ];
    const ACTIONS: Actions = Actions {
        read: &[DESCRIBE],
        create: &[CREATE, "secretsmanager:GetRandomPassword", "secretsmanager:TagResource", PUT, DELETE],
        update: &[
            PUT,
            "secretsmanager:GetRandomPassword",
            "secretsmanager:UpdateSecret",
            "secretsmanager:RestoreSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UntagResource",
            DELETE,
        ],
        delete: &[DELETE],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const KEY: &'static [&'static str] = &["name"];
    const SHOWS: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "its ARN or name";

    type Spec<S: Stage> = SecretSpec;
    type Outputs = SecretOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::made_of(name, 1, 512, "/_+=.@-").then_some(()).ok_or("up to 512 letters, digits and `/_+=.@-`")
    }

    fn named(text: &str) -> Option<Named> {
        named::arn_or_name(text, "secretsmanager", "secret:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        // ListSecrets lags by minutes: a password that was changed moments ago would be changed back.
        try_join_all(which.iter().map(|question| Self::one(look, question))).await
    }

    async fn create(aws: &Aws, spec: &SecretSpec, token: &str) -> Result<Created<Self>, Fault> {
        let value = new_value(aws, &spec.username).await?;
        let tags = spec.tags.iter().map(|(key, value)| tag(key, value)).collect();
        let call = aws.secrets.create_secret().name(&spec.name).description(&spec.description).secret_string(value);
        let made = call.set_tags(Some(tags)).client_request_token(token).send().called(CREATE).await?;
        let arn = made.arn.ok_or_else(|| Fault::incomplete(CREATE, "ARN"))?;
        let id = made.version_id.ok_or_else(|| Fault::incomplete(CREATE, "VersionId"))?;
        let outputs = SecretOutputs { arn: arn.as_str().into(), password: version(&arn, &id) };
        Ok(Created { id: Id(arn), outputs })
    }

    fn finish(spec: &SecretSpec) -> Vec<Step> {
        spec.scheduled_for_deletion.then(|| Step::set("scheduled_for_deletion")).into_iter().collect()
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let mut steps = tags::steps_with_tags(changes);
        // Nothing of it can be changed while its deletion is scheduled.
        let going = changes.after("scheduled_for_deletion") == Some(&true.into());
        steps.sort_by_key(|step| match step.field() {
            Some("scheduled_for_deletion") => usize::from(going) * 2,
            _ => 1,
        });
        steps
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (secrets, id, spec) = (&aws.secrets, job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            "set description" => {
                let call = secrets.update_secret().secret_id(id).description(&spec.description);
                call.send().called("secretsmanager:UpdateSecret").await?;
            }
            "set rotations" => {
                let value = new_value(aws, &spec.username).await?;
                secrets.put_secret_value().secret_id(id).secret_string(value).send().called(PUT).await?;
            }
            "set scheduled_for_deletion" if spec.scheduled_for_deletion => {
                let call = secrets.delete_secret().secret_id(id).recovery_window_in_days(RECOVERY_WINDOW);
                call.send().called(DELETE).await?;
            }
            "set scheduled_for_deletion" => {
                secrets.restore_secret().secret_id(id).send().called("secretsmanager:RestoreSecret").await?;
            }
            tags::SET_TAGS => {
                let pairs = tags::changed(&job.before.tags, &spec.tags).map(|(key, value)| tag(key, value));
                let call = secrets.tag_resource().secret_id(id).set_tags(Some(pairs.collect()));
                call.send().called("secretsmanager:TagResource").await?;
            }
            tags::REMOVE_TAGS => {
                let keys = tags::removed(&job.before.tags, &spec.tags);
                let call = secrets.untag_resource().secret_id(id).set_tag_keys(Some(keys));
                call.send().called("secretsmanager:UntagResource").await?;
            }
            "delete" => {
                // The user goes too: a password that opens nothing need not block its name for a month.
                let call = secrets.delete_secret().secret_id(id).force_delete_without_recovery(true);
                found(call.send().called(DELETE).await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

/// The stage parameter of `Kind::Spec` is not used here; this pins that the known form is the same type.
const _: fn(SecretSpec) -> <Secret as Kind>::Spec<Known> = |spec| spec;
