//! Kind `kms.key`: the key a warehouse's data, snapshots and secrets are encrypted with.
//!
//! Driven by `plan` and `apply` through the list of kinds. Must never delete a key at once, and never one to be
//! retained: whatever it encrypts (snapshots too) would be unreadable for good.

use super::{
    Aws, Class, Fault, Look,
    fault::{Called, found},
    ids::KeyArn,
    lookup::{is_asked, place},
    named, tags,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags, Typical, Which,
};
use aws_sdk_kms::types::{KeyMetadata, KeyState, Tag};
use futures_util::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};

/// Days between the delete call and the end of the key: the longest AWS offers (aws-facts.md 3).
const DELETION_WINDOW: i32 = 30;

/// A KMS key with AWS's default key policy.
pub struct Key;

/// What a key is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// What it is for; may be empty.
    pub description: String,
    /// Whether AWS rotates it, once a year.
    pub rotation: bool,
    /// Whether it can be used.
    pub enabled: bool,
    /// Whether it lives on when the environment is destroyed, because snapshots need it. AWS knows nothing of it.
    pub retain: bool,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Key =>
    /// What a key offers.
    KeyOutputs {
        at_once {
            /// The key's ARN.
            arn: KeyArn,
            /// The key's id, a UUID.
            id: String,
        }
        ready {}
    }
);

impl Key {
    /// Finds the keys that carry the ownership tags of one of the questions: a key has no name to go by.
    ///
    /// Errors: a denial, when not a single key lets the caller see its tags. A foreign key may deny it by its policy.
    async fn owned(aws: &Aws, which: &[Which<Self>]) -> Result<Vec<String>, Fault> {
        let pages = aws.kms.list_keys().into_paginator().items().send();
        let keys: Vec<_> = pages.collect::<Result<_, _>>().called("kms:ListKeys").await?;
        let ids: Vec<String> = keys.into_iter().filter_map(|key| key.key_id).collect();
        let answers = join_all(ids.iter().map(|id| Self::tags(aws, id))).await;
        let (mut owned, mut seen, mut denied) = (Vec::new(), false, None);
        for (id, answer) in ids.into_iter().zip(answers) {
            match answer {
                Err(fault) if fault.class == Class::Denied => denied = Some(fault),
                answer => {
                    seen = true;
                    let tags = answer?.unwrap_or_default();
                    if which.iter().any(|w| w.id.is_none() && aws.owner.owns(&w.address, &tags)) {
                        owned.push(id);
                    }
                }
            }
        }
        match denied {
            Some(fault) if !seen => Err(fault),
            _ => Ok(owned),
        }
    }

    async fn tags(aws: &Aws, id: &str) -> Result<Option<Tags>, Fault> {
        let pages = aws.kms.list_resource_tags().key_id(id).into_paginator().items().send();
        let tags = found(pages.collect::<Result<Vec<_>, _>>().called("kms:ListResourceTags").await)?;
        Ok(tags.map(|tags| tags::own(tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)))))
    }

    async fn rotation(aws: &Aws, id: &str) -> Result<Option<bool>, Fault> {
        let call = aws.kms.get_key_rotation_status().key_id(id);
        let answer = found(call.send().called("kms:GetKeyRotationStatus").await)?;
        Ok(answer.map(|answer| answer.key_rotation_enabled))
    }

    async fn one(aws: &Aws, id: &str) -> Result<Option<Live<Self>>, Fault> {
        let answer = found(aws.kms.describe_key().key_id(id).send().called("kms:DescribeKey").await)?;
        let Some(key) = answer.and_then(|answer| answer.key_metadata) else { return Ok(None) };
        let state = key.key_state.clone().unwrap_or(KeyState::Enabled);
        if matches!(state, KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) {
            return Ok(None);
        }
        let (rotation, tags) = tokio::try_join!(Self::rotation(aws, id), Self::tags(aws, id))?;
        // Gone between the calls.
        let (Some(rotation), Some(tags)) = (rotation, tags) else { return Ok(None) };
        let readiness = match state {
            KeyState::Enabled | KeyState::Disabled => Readiness::Ready,
            other => Readiness::Pending(other.as_str().to_owned()),
        };
        let outputs = Self::outputs("kms:DescribeKey", &key)?;
        let description = key.description.unwrap_or_default();
        let spec = KeySpec { description, rotation, enabled: key.enabled, retain: false, tags };
        Ok(Some(Live { id: Id(key.key_id), spec, outputs, readiness }))
    }

    fn outputs(call: &str, key: &KeyMetadata) -> Result<KeyOutputs, Fault> {
        let arn = key.arn.as_deref().ok_or_else(|| Fault::incomplete(call, "arn"))?;
        Ok(KeyOutputs { arn: arn.into(), id: key.key_id.clone() })
    }
}

fn tag(key: &str, value: &str) -> Result<Tag, aws_sdk_kms::error::BuildError> {
    Tag::builder().tag_key(key).tag_value(value).build()
}

impl Kind for Key {
    const NAME: &'static str = "kms.key";
    const FIELDS: &'static [Field] = &[
        Field::updates("description"),
        Field::updates("rotation").security(),
        Field::updates("enabled").security().outage("what a disabled key encrypts cannot be read"),
        Field::updates("retain").unreadable(),
    ];
    const ACTIONS: Actions = Actions {
        read: &["kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:ListResourceTags", "kms:ListKeys"],
        create: &["kms:CreateKey", "kms:TagResource", "kms:EnableKeyRotation", "kms:DisableKey"],
        update: &[
            "kms:UpdateKeyDescription",
            "kms:EnableKeyRotation",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:DisableKey",
            "kms:TagResource",
            "kms:UntagResource",
        ],
        delete: &["kms:ScheduleKeyDeletion"],
    };
    const TYPICAL: Typical = Typical { create: 3, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const KEEPS_DATA_READABLE: bool = true;
    const RECOVERY: &'static [&'static str] = &[
        "if it only waits for its deletion, which takes up to 30 days: aws kms \
                                                 cancel-key-deletion --key-id NAME && aws kms enable-key --key-id NAME",
    ];
    const NAMED_BY: &'static str = "its id or ARN";

    type Spec<S: Stage> = KeySpec;
    type Outputs = KeyOutputs;

    fn named(text: &str) -> Option<Named> {
        named::name(text, "kms", "key/")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let mut ids: Vec<String> = which.iter().filter_map(|w| w.id.clone()).map(|id| id.0).collect();
        if which.iter().any(|w| w.id.is_none()) {
            ids.extend(Self::owned(look, which).await?);
        }
        let live = try_join_all(ids.iter().map(|id| Self::one(look, id))).await?;
        let mut live = place(which, live.into_iter().flatten(), |w, l| is_asked(look, w, l, &l.spec.tags));
        for (question, live) in which.iter().zip(&mut live) {
            if let Some(live) = live {
                live.spec.retain = question.spec.retain;
            }
        }
        Ok(live)
    }

    async fn create(aws: &Aws, spec: &KeySpec, _: &str) -> Result<Created<Self>, Fault> {
        let tags = tags::built(&spec.tags, tag)?;
        let call = aws.kms.create_key().description(&spec.description).set_tags(Some(tags));
        let answer = call.send().called("kms:CreateKey").await?;
        let key = answer.key_metadata.ok_or_else(|| Fault::incomplete("kms:CreateKey", "keyMetadata"))?;
        let outputs = Self::outputs("kms:CreateKey", &key)?;
        Ok(Created { id: Id(key.key_id), outputs })
    }

    fn finish(spec: &KeySpec) -> Vec<Step> {
        // AWS makes a key enabled and without rotation, and refuses rotation of a disabled one.
        let wanted = [(spec.rotation, "rotation"), (!spec.enabled, "enabled")];
        wanted.into_iter().filter(|(needed, _)| *needed).map(|(_, field)| Step::set(field)).collect()
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let mut steps = tags::steps_with_tags(changes);
        steps.retain(|step| step.field() != Some("retain"));
        // Rotation can be set only while the key is enabled.
        let off = changes.after("enabled") == Some(&false.into());
        steps.sort_by_key(|step| match step.field() {
            Some("enabled") => usize::from(off) * 2,
            _ => 1,
        });
        steps
    }

    fn remove(spec: &KeySpec) -> Vec<Step> {
        if spec.retain { Vec::new() } else { vec![Step::new("delete")] }
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (kms, id, spec) = (&aws.kms, job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            "set description" => {
                let call = kms.update_key_description().key_id(id).description(&spec.description);
                call.send().called("kms:UpdateKeyDescription").await?;
            }
            "set rotation" if spec.rotation => {
                kms.enable_key_rotation().key_id(id).send().called("kms:EnableKeyRotation").await?;
            }
            "set rotation" => {
                kms.disable_key_rotation().key_id(id).send().called("kms:DisableKeyRotation").await?;
            }
            "set enabled" if spec.enabled => {
                kms.enable_key().key_id(id).send().called("kms:EnableKey").await?;
            }
            "set enabled" => {
                kms.disable_key().key_id(id).send().called("kms:DisableKey").await?;
            }
            tags::SET_TAGS => {
                let tags = tags::built(tags::changed(&job.before.tags, &spec.tags), tag)?;
                kms.tag_resource().key_id(id).set_tags(Some(tags)).send().called("kms:TagResource").await?;
            }
            tags::REMOVE_TAGS => {
                let keys = tags::removed(&job.before.tags, &spec.tags);
                kms.untag_resource().key_id(id).set_tag_keys(Some(keys)).send().called("kms:UntagResource").await?;
            }
            "delete" => {
                let call = kms.schedule_key_deletion().key_id(id).pending_window_in_days(DELETION_WINDOW);
                found(call.send().called("kms:ScheduleKeyDeletion").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

/// The stage parameter of `Kind::Spec` is not used here; this pins that the known form is the same type.
const _: fn(KeySpec) -> <Key as Kind>::Spec<Known> = |spec| spec;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::After;
    use serde_json::{Value as Json, json};

    fn names(changes: &[(&str, Json, Json)]) -> Vec<String> {
        let change = |(field, before, after): &(&str, Json, Json)| {
            ((*field).to_owned(), (before.clone(), After::Known(after.clone())))
        };
        let changes = Changes(changes.iter().map(change).collect());
        Key::update(&changes).into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn rotation_is_set_while_the_key_is_enabled() {
        let rotation = ("rotation", json!(false), json!(true));
        let on = names(&[rotation.clone(), ("enabled", json!(false), json!(true))]);
        assert_eq!(on, ["set enabled", "set rotation"]);
        let off = names(&[rotation, ("enabled", json!(true), json!(false)), ("tags", json!({}), json!({"a": "b"}))]);
        assert_eq!(off, ["set rotation", "set tags", "set enabled"]);
    }

    #[test]
    fn a_retained_key_lives_on_and_retaining_is_no_call() {
        let spec =
            |retain| KeySpec { description: String::new(), rotation: false, enabled: true, retain, tags: Tags::new() };
        assert!(Key::remove(&spec(true)).is_empty());
        assert_eq!(Key::remove(&spec(false)).len(), 1);
        assert!(names(&[("retain", json!(false), json!(true))]).is_empty());
    }
}
