//! Kind `sns.topic`: where alarms are sent.
//!
//! Driven by `plan` and `apply` through the list of kinds. Its policy is AWS's own: whatever the account owns may publish.
//! Must never take over a topic that does not carry our tags.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::TopicArn,
    named, naming,
    policy::partition,
    tag_listing::{self, Confirmed},
    tags,
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Tags, Typical, Which,
};
use aws_sdk_sns::types::Tag;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

const DISPLAY_NAME: &str = "DisplayName";

/// An SNS topic. Its id is its name.
pub struct Topic;

/// What a topic is to be. It refers to nothing, so both stages look alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Its name, unique per account and region.
    pub name: String,
    /// Whom its mails come from.
    #[serde(default)]
    pub display_name: String,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

crate::outputs!(Topic =>
    /// What a topic offers.
    TopicOutputs {
        at_once {
            /// The topic's ARN.
            arn: TopicArn,
        }
        ready {}
    }
);

fn tag_list<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Result<Option<Vec<Tag>>, Fault> {
    tags::built(pairs, |key, value| Tag::builder().key(key).value(value).build()).map(Some)
}

impl Topic {
    fn arn(aws: &Aws, name: &str) -> String {
        format!("arn:{}:sns:{}:{}:{name}", partition(&aws.region), aws.region, aws.account)
    }

    async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>, Fault> {
        let call = aws.sns.list_tags_for_resource().resource_arn(arn);
        let answer = found(call.send().called("sns:ListTagsForResource").await)?;
        let pairs = |tags: Vec<Tag>| tags.into_iter().map(|tag| (tag.key, tag.value));
        Ok(answer.map(|answer| tags::own(pairs(answer.tags.unwrap_or_default()))))
    }

    async fn one(aws: &Aws, confirmed: &Confirmed, name: String) -> Result<Option<Live<Self>>, Fault> {
        let arn = Self::arn(aws, &name);
        let call = aws.sns.get_topic_attributes().topic_arn(&arn);
        let Some(shown) = found(call.send().called("sns:GetTopicAttributes").await)? else { return Ok(None) };
        let tags = match confirmed.of(&arn) {
            Some(tags) => tags,
            None => match Self::tags(aws, &arn).await? {
                Some(tags) => tags,
                None => return Ok(None),
            },
        };
        let display_name = shown.attributes.unwrap_or_default().remove(DISPLAY_NAME).unwrap_or_default();
        let spec = TopicSpec { name: name.clone(), display_name, tags };
        let outputs = TopicOutputs { arn: arn.into() };
        Ok(Some(Live { id: Id(name), spec, outputs, readiness: Readiness::Ready }))
    }
}

impl Kind for Topic {
    const NAME: &'static str = "sns.topic";
    const FIELDS: &'static [Field] = &[Field::replaces("name"), Field::updates("display_name")];
    const ACTIONS: Actions = Actions {
        read: &["sns:GetTopicAttributes", "sns:ListTagsForResource"],
        create: &["sns:CreateTopic", "sns:TagResource"],
        update: &["sns:SetTopicAttributes", "sns:TagResource", "sns:UntagResource"],
        delete: &["sns:DeleteTopic"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "its name or ARN";

    type Spec<S: Stage> = TopicSpec;
    type Outputs = TopicOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::made_of(name, 1, 256, "-_").then_some(()).ok_or("up to 256 letters, digits, dashes and underscores")
    }

    fn named(text: &str) -> Option<Named> {
        // A subscription has the ARN of its topic and one part more.
        named::name(text, "sns", "").filter(|named| !named.id.as_ref().is_some_and(|id| id.0.contains(':')))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let confirmed = tag_listing::confirmed(look).await?;
        let name = |question: &Which<Self>| match &question.id {
            Some(id) => id.0.clone(),
            None => question.spec.name.clone(),
        };
        try_join_all(which.iter().map(|question| Self::one(look, &confirmed, name(question)))).await
    }

    async fn create(aws: &Aws, spec: &TopicSpec, _: &str) -> Result<Created<Self>, Fault> {
        const CALL: &str = "sns:CreateTopic";
        let call = aws.sns.create_topic().name(&spec.name).attributes(DISPLAY_NAME, &spec.display_name);
        let answer = call.set_tags(tag_list(&spec.tags)?).send().called(CALL).await?;
        let arn = answer.topic_arn.ok_or_else(|| Fault::incomplete(CALL, "TopicArn"))?;
        Ok(Created { id: Id(spec.name.clone()), outputs: TopicOutputs { arn: arn.into() } })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        tags::steps_with_tags(changes)
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (sns, arn, spec) = (&aws.sns, Self::arn(aws, job.id.as_str()), job.spec);
        match job.step.name.as_str() {
            "set display_name" => {
                let call = sns.set_topic_attributes().topic_arn(arn).attribute_name(DISPLAY_NAME);
                let call = call.attribute_value(&spec.display_name);
                call.send().called("sns:SetTopicAttributes").await?;
            }
            tags::SET_TAGS => {
                let pairs = tag_list(tags::changed(&job.before.tags, &spec.tags))?;
                sns.tag_resource().resource_arn(arn).set_tags(pairs).send().called("sns:TagResource").await?;
            }
            tags::REMOVE_TAGS => {
                let keys = tags::removed(&job.before.tags, &spec.tags);
                let call = sns.untag_resource().resource_arn(arn).set_tag_keys(Some(keys));
                call.send().called("sns:UntagResource").await?;
            }
            "delete" => {
                found(sns.delete_topic().topic_arn(arn).send().called("sns:DeleteTopic").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

/// The stage parameter of `Kind::Spec` is not used here; this pins that the known form is the same type.
const _: fn(TopicSpec) -> <Topic as Kind>::Spec<Known> = |spec| spec;
