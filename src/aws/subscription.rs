//! Kind `sns.subscription`: one who is told of a topic.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent
//! and its topic is ours. A mail address waits until a person confirms it, which nothing here waits for; until then AWS
//! lets nobody delete it, and drops it by itself after two days, or with its topic.

use super::{
    Aws, Fault, Look,
    fault::{Called, found},
    ids::TopicArn,
    lookup::place_within,
    named,
};
use crate::kind::{
    Actions, Created, Field, Id, Job, Kind, Known, Live, Named, Order, Readiness, Stage, Typical, Which,
};
use aws_sdk_sns::types::Subscription as AwsSubscription;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const LIST: &str = "sns:ListSubscriptionsByTopic";
/// How the ARN of one that is confirmed begins; another word stands in its place until then.
const ARN: &str = "arn:";

/// A subscription. Its id is topic, protocol and endpoint: until it is confirmed AWS shows no other.
pub struct Subscription;

/// What a subscription is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct SubscriptionSpec<S: Stage> {
    /// The topic.
    pub topic: S::In<TopicArn>,
    /// How it is told: `email`.
    pub protocol: String,
    /// Where: a mail address.
    pub endpoint: String,
}

crate::outputs!(Subscription =>
    /// What a subscription offers.
    SubscriptionOutputs {
        at_once {
            /// Who is told.
            endpoint: String,
            /// Whether they have said that they want to be.
            confirmed: bool,
        }
        ready {}
    }
);

/// The ARN of one that is confirmed.
fn arn(shown: &AwsSubscription) -> Option<String> {
    shown.subscription_arn.clone().filter(|arn| arn.starts_with(ARN))
}

impl Subscription {
    fn id(spec: &SubscriptionSpec<Known>) -> Id {
        Id::of(&[spec.topic.as_str(), &spec.protocol, &spec.endpoint])
    }

    /// The subscriptions of a topic; none if it is gone.
    async fn of_topic(aws: &Aws, topic: &str) -> Result<Vec<AwsSubscription>, Fault> {
        let pages = aws.sns.list_subscriptions_by_topic().topic_arn(topic).into_paginator().items().send();
        let all: Result<Vec<_>, _> = pages.collect().await;
        Ok(found(std::future::ready(all).called(LIST).await)?.unwrap_or_default())
    }

    fn live(shown: &AwsSubscription) -> Live<Self> {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let spec = SubscriptionSpec {
            topic: of(&shown.topic_arn).into(),
            protocol: of(&shown.protocol),
            endpoint: of(&shown.endpoint),
        };
        let confirmed = arn(shown).is_some();
        let outputs = SubscriptionOutputs { endpoint: spec.endpoint.clone(), confirmed };
        Live { id: Self::id(&spec), spec, outputs, readiness: Readiness::Ready }
    }
}

impl Kind for Subscription {
    const NAME: &'static str = "sns.subscription";
    const FIELDS: &'static [Field] =
        &[Field::replaces("topic").follows(), Field::replaces("protocol"), Field::replaces("endpoint")];
    const ACTIONS: Actions =
        Actions { read: &[LIST], create: &["sns:Subscribe"], update: &[], delete: &[LIST, "sns:Unsubscribe"] };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const REPLACE: Order = Order::CreateFirst;
    const KEY: &'static [&'static str] = &["topic", "protocol", "endpoint"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its topic, protocol and endpoint, `TOPIC_ARN|email|ADDRESS`";

    type Spec<S: Stage> = SubscriptionSpec<S>;
    type Outputs = SubscriptionOutputs;

    fn named(text: &str) -> Option<Named> {
        let parts: Vec<&str> = text.split('|').collect();
        let [topic, protocol, endpoint] = parts.as_slice() else { return None };
        let good = named::arn(topic, "sns", "").is_some() && !protocol.is_empty() && !endpoint.is_empty();
        good.then(|| Named { id: Some(Id(text.to_owned())), fields: [("topic", (*topic).into())].into() })
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let topics: BTreeSet<&str> = which.iter().map(|question| question.spec.topic.as_str()).collect();
        let all = try_join_all(topics.into_iter().map(|topic| Self::of_topic(look, topic))).await?;
        let live = all.iter().flatten().map(Self::live);
        let fits = |question: &Which<Self>, live: &Live<Self>| match &question.id {
            Some(id) => *id == live.id,
            None => Self::id(&question.spec) == live.id,
        };
        Ok(place_within(look, which, live, fits, |spec| spec.topic.as_str()))
    }

    async fn create(aws: &Aws, spec: &SubscriptionSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let call = aws.sns.subscribe().topic_arn(spec.topic.as_str());
        let call = call.protocol(&spec.protocol).endpoint(&spec.endpoint);
        let answer = call.send().called("sns:Subscribe").await?;
        let confirmed = answer.subscription_arn.is_some_and(|arn| arn.starts_with(ARN));
        let outputs = SubscriptionOutputs { endpoint: spec.endpoint.clone(), confirmed };
        Ok(Created { id: Self::id(spec), outputs })
    }

    fn notice(outputs: &SubscriptionOutputs, _: &Readiness) -> Option<String> {
        (!outputs.confirmed).then(|| {
            format!(
                "{} hears of no alarm until somebody follows the link in the mail from AWS; AWS drops what nobody has \
                 confirmed after two days, and the next apply has another mail sent",
                outputs.endpoint
            )
        })
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        match job.step.name.as_str() {
            "delete" => {
                let all = Self::of_topic(aws, job.id.part(0)).await?;
                let own = all.iter().find(|shown| Self::live(shown).id == *job.id);
                // What nobody has confirmed cannot be deleted, and goes by itself.
                if let Some(arn) = own.and_then(arn) {
                    let call = aws.sns.unsubscribe().subscription_arn(arn);
                    found(call.send().called("sns:Unsubscribe").await)?;
                }
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}
