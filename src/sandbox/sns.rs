//! SNS of the sandbox: topics, who subscribes to them, and their tags. Nothing is ever delivered.
//!
//! Called by the sandbox core (through [`SERVICE`]). A mail subscription waits for a person, who confirms it with
//! [`Sns::confirm`]; one that nobody confirms is dropped after two days. Source of every rule: aws-facts.md 8 and the API
//! model 2010-03-31. It must never look at the wall clock (the time comes in with the call) nor change the world before
//! every check has passed.

use super::iam::constraint::is_tag_text;
use super::request::{AwsError, Reply, Request, page};
use super::world::World;
use super::{List, Operation, Protocol, Service};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// How long a subscription waits for its confirmation.
const WAITS: SignedDuration = SignedDuration::from_hours(48);
/// What stands in the place of the ARN of one that waits.
const PENDING: &str = "PendingConfirmation";
/// Most tags of a topic; subscriptions on one page.
const MOST_TAGS: usize = 50;
const PAGE: usize = 100;
/// The one attribute that can be set here.
const DISPLAY_NAME: &str = "DisplayName";

/// State of SNS in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sns {
    /// Topics by name.
    pub topics: BTreeMap<String, Topic>,
}

/// A topic; its name is its key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    /// What its mails come from.
    pub display_name: String,
    /// The key that encrypts it.
    #[serde(default)]
    pub key: Option<String>,
    /// Who hears of it, in the order of their coming.
    pub subscriptions: Vec<Subscription>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// One who hears of a topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// The end of its ARN.
    pub id: String,
    /// How it is told.
    pub protocol: String,
    /// Where.
    pub endpoint: String,
    /// Since when it waits for its confirmation; none if it does not.
    pub pending: Option<Timestamp>,
}

impl Sns {
    /// Tells whether no topic is left.
    pub fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// Somebody follows the link in every mail that was sent to this address.
    pub fn confirm(&mut self, endpoint: &str) {
        let all = self.topics.values_mut().flat_map(|topic| &mut topic.subscriptions);
        all.filter(|one| one.endpoint == endpoint).for_each(|one| one.pending = None);
    }

    /// Drops what nobody has confirmed.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        let waits = |one: &Subscription| one.pending.is_none_or(|since| now.duration_since(since) < WAITS);
        self.topics.values_mut().for_each(|topic| topic.subscriptions.retain(waits));
    }
}

/// The service as the core routes it.
pub static SERVICE: Service = Service {
    scope: "sns",
    protocol: Protocol::Query,
    version: "2010-03-31",
    lists: &[List { name: "Attributes", asked: "entry", answered: "entry" }],
    operations: &[OPERATIONS],
};

static OPERATIONS: &[Operation] = &[
    Operation {
        name: "CreateTopic",
        mutating: true,
        params: &["Name", "Attributes.key", "Attributes.value", "Tags.Key", "Tags.Value"],
        run: create_topic,
    },
    Operation { name: "GetTopicAttributes", mutating: false, params: &["TopicArn"], run: get_topic_attributes },
    Operation {
        name: "SetTopicAttributes",
        mutating: true,
        params: &["TopicArn", "AttributeName", "AttributeValue"],
        run: set_topic_attributes,
    },
    Operation { name: "DeleteTopic", mutating: true, params: &["TopicArn"], run: delete_topic },
    Operation {
        name: "Subscribe",
        mutating: true,
        params: &["TopicArn", "Protocol", "Endpoint", "ReturnSubscriptionArn"],
        run: subscribe,
    },
    Operation { name: "Unsubscribe", mutating: true, params: &["SubscriptionArn"], run: unsubscribe },
    Operation {
        name: "ListSubscriptionsByTopic",
        mutating: false,
        params: &["TopicArn", "NextToken"],
        run: list_subscriptions,
    },
    Operation {
        name: "TagResource",
        mutating: true,
        params: &["ResourceArn", "Tags.Key", "Tags.Value"],
        run: tag_resource,
    },
    Operation { name: "UntagResource", mutating: true, params: &["ResourceArn", "TagKeys"], run: untag_resource },
    Operation { name: "ListTagsForResource", mutating: false, params: &["ResourceArn"], run: list_tags },
];

fn arn(world: &World, name: &str) -> String {
    world.arn("sns", name)
}

fn invalid(message: impl std::fmt::Display) -> AwsError {
    AwsError::new("InvalidParameter", format!("Invalid parameter: {message}"))
}

/// The value of a parameter that must be there, under the code this service has for one that is not.
fn text(req: &Request, name: &str) -> Result<String, AwsError> {
    req.opt_text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| invalid(format!("{name} Reason: no value")))
}

/// The name of the topic whose ARN the call gives in this parameter; none if there is none.
fn named(world: &World, req: &Request, parameter: &str) -> Result<Option<String>, AwsError> {
    let given = text(req, parameter)?;
    if given.split(':').count() != 6 || !given.starts_with("arn:") {
        return Err(invalid(format!("{parameter} Reason: An ARN must have at least 6 elements, not {given}")));
    }
    Ok(world.sns.topics.keys().find(|name| arn(world, name) == given).cloned())
}

fn asked(world: &World, req: &Request) -> Result<String, AwsError> {
    let no_topic = || AwsError::new("NotFound", "Topic does not exist").status(404);
    named(world, req, "TopicArn")?.ok_or_else(no_topic)
}

fn tagged_one(world: &World, req: &Request) -> Result<String, AwsError> {
    let no_topic = || AwsError::new("ResourceNotFound", "Resource does not exist").status(404);
    named(world, req, "ResourceArn")?.ok_or_else(no_topic)
}

/// The topic of that name, which is there.
fn topic<'a>(world: &'a mut World, name: &str) -> &'a mut Topic {
    world.sns.topics.entry(name.to_owned()).or_default()
}

fn display_name(value: &str) -> Result<String, AwsError> {
    if value.chars().count() > 100 || value.chars().any(char::is_control) {
        return Err(invalid("DisplayName Reason: it has more than 100 characters, or control characters"));
    }
    Ok(value.to_owned())
}

/// The old tags with the request's laid over them, after all checks.
fn laid_over(old: &BTreeMap<String, String>, req: &Request) -> Result<BTreeMap<String, String>, AwsError> {
    let mut tags = old.clone();
    for tag in req.list("Tags") {
        let (key, value) = (text(&tag, "Key")?, tag.opt_text("Value")?.unwrap_or_default());
        let good = is_tag_text(&key) && key.chars().count() <= 128 && !key.to_ascii_lowercase().starts_with("aws:");
        if !good || !is_tag_text(&value) || value.chars().count() > 256 {
            return Err(invalid(format!("Tags Reason: {key} is not valid")));
        }
        tags.insert(key, value);
    }
    if tags.len() > MOST_TAGS {
        return Err(AwsError::new("TagLimitExceeded", format!("A topic can have at most {MOST_TAGS} tags")));
    }
    Ok(tags)
}

fn create_topic(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = text(req, "Name")?;
    let good = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !good || name.len() > 256 {
        return Err(invalid("Topic Name"));
    }
    let mut new = Topic { tags: laid_over(&BTreeMap::new(), req)?, ..Topic::default() };
    for attribute in req.list("Attributes") {
        match text(&attribute, "key")?.as_str() {
            DISPLAY_NAME => new.display_name = display_name(&attribute.opt_text("value")?.unwrap_or_default())?,
            other => return Err(invalid(format!("Attributes Reason: the sandbox does not implement {other}"))),
        }
    }
    if let Some(there) = world.sns.topics.get(&name) {
        if there.tags != new.tags {
            return Err(invalid("Tags Reason: Topic already exists with different tags"));
        }
        if there.display_name != new.display_name {
            return Err(invalid("Attributes Reason: Topic already exists with different attributes"));
        }
    } else {
        world.sns.topics.insert(name.clone(), new);
    }
    Ok(json!({ "TopicArn": arn(world, &name) }))
}

fn get_topic_attributes(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    let topic = &world.sns.topics[&name];
    let count = |pending: bool| topic.subscriptions.iter().filter(|one| one.pending.is_some() == pending).count();
    let attributes = [
        ("TopicArn", arn(world, &name)),
        (DISPLAY_NAME, topic.display_name.clone()),
        ("Owner", world.account.clone()),
        ("SubscriptionsConfirmed", count(false).to_string()),
        ("SubscriptionsPending", count(true).to_string()),
        ("SubscriptionsDeleted", "0".to_owned()),
    ];
    let attributes = attributes.into_iter().chain(topic.key.clone().map(|key| ("KmsMasterKeyId", key)));
    let attributes = attributes.map(|(key, value)| json!({ "key": key, "value": value }));
    Ok(json!({ "Attributes": attributes.collect::<Vec<_>>() }))
}

fn set_topic_attributes(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    let attribute = text(req, "AttributeName")?;
    if attribute != DISPLAY_NAME {
        return Err(invalid(format!("AttributeName Reason: the sandbox does not implement {attribute}")));
    }
    let value = display_name(&req.opt_text("AttributeValue")?.unwrap_or_default())?;
    topic(world, &name).display_name = value;
    Ok(json!({}))
}

fn delete_topic(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    if let Some(name) = named(world, req, "TopicArn")? {
        world.sns.topics.remove(&name);
    }
    Ok(json!({}))
}

fn fits(protocol: &str, endpoint: &str) -> bool {
    match protocol {
        "email" | "email-json" => endpoint.split_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty()),
        _ => endpoint.strip_prefix('+').is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit())),
    }
}

fn subscribe(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    let (protocol, endpoint) = (text(req, "Protocol")?, text(req, "Endpoint")?);
    if !["email", "email-json", "sms"].contains(&protocol.as_str()) {
        return Err(invalid(format!("Protocol Reason: the sandbox does not implement {protocol}")));
    }
    if !fits(&protocol, &endpoint) {
        return Err(invalid(format!("Endpoint Reason: {endpoint} is no endpoint of {protocol}")));
    }
    let whole = req.opt_bool("ReturnSubscriptionArn")?.unwrap_or(false);
    let is = |one: &&Subscription| (&one.protocol, &one.endpoint) == (&protocol, &endpoint);
    let there = world.sns.topics[&name].subscriptions.iter().find(is).cloned();
    let one = match there {
        Some(one) => one,
        None => {
            let pending = (protocol != "sms").then_some(now);
            let new = Subscription { id: world.uuid(), protocol, endpoint, pending };
            topic(world, &name).subscriptions.push(new.clone());
            new
        }
    };
    let answer = match one.pending {
        Some(_) if !whole => "pending confirmation".to_owned(),
        _ => format!("{}:{}", arn(world, &name), one.id),
    };
    Ok(json!({ "SubscriptionArn": answer }))
}

fn unsubscribe(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let given = text(req, "SubscriptionArn")?;
    if !given.starts_with("arn:") {
        return Err(invalid(format!("SubscriptionArn Reason: {given} does not start with arn")));
    }
    let is = |one: &Subscription, name: &str| given == format!("{}:{}", arn(world, name), one.id);
    let names = world.sns.topics.iter();
    let found = names.flat_map(|(name, topic)| topic.subscriptions.iter().map(move |one| (name, one)));
    let found = found.into_iter().find(|(name, one)| is(one, name)).map(|(name, one)| (name.clone(), one.clone()));
    if let Some((name, one)) = found {
        if one.pending.is_some() {
            return Err(invalid("SubscriptionArn Reason: This subscription is pending confirmation"));
        }
        topic(world, &name).subscriptions.retain(|other| other.id != one.id);
    }
    Ok(json!({}))
}

fn list_subscriptions(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = asked(world, req)?;
    let topic_arn = arn(world, &name);
    let all = world.sns.topics[&name].subscriptions.iter().map(|one| {
        let own = if one.pending.is_some() { PENDING.to_owned() } else { format!("{topic_arn}:{}", one.id) };
        json!({
            "SubscriptionArn": own, "Owner": world.account, "Protocol": one.protocol, "Endpoint": one.endpoint,
            "TopicArn": topic_arn,
        })
    });
    let (all, next) = page(all.collect(), req, "MaxRecords", "NextToken", PAGE, PAGE..=PAGE)?;
    Ok(json!({ "Subscriptions": all, "NextToken": next }))
}

fn tag_resource(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = tagged_one(world, req)?;
    let tags = laid_over(&world.sns.topics[&name].tags, req)?;
    topic(world, &name).tags = tags;
    Ok(json!({}))
}

fn untag_resource(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = tagged_one(world, req)?;
    let gone = req.texts("TagKeys")?;
    topic(world, &name).tags.retain(|key, _| !gone.contains(key));
    Ok(json!({}))
}

fn list_tags(world: &mut World, req: &Request, _: Timestamp) -> Result<Reply, AwsError> {
    let name = tagged_one(world, req)?;
    let tags = world.sns.topics[&name].tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value }));
    Ok(json!({ "Tags": tags.collect::<Vec<_>>() }))
}

/// Everything that has tags, for the tagging API.
pub(super) fn tagged(world: &World) -> Vec<(String, BTreeMap<String, String>)> {
    world.sns.topics.iter().map(|(name, topic)| (arn(world, name), topic.tags.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::serverless::bench::Bench;
    use super::*;

    fn ok(bench: &mut Bench, operation: &str, params: Reply) -> Reply {
        bench.ok(&SERVICE, operation, params)
    }

    fn code(bench: &mut Bench, operation: &str, params: Reply) -> String {
        bench.call(&SERVICE, operation, params).unwrap_err().code
    }

    fn topic_of(bench: &mut Bench) -> String {
        let named = json!([{ "key": "DisplayName", "value": "airline" }]);
        let params = json!({ "Name": "oncall", "Attributes": named, "Tags": [{ "Key": "a", "Value": "1" }] });
        ok(bench, "CreateTopic", params.clone());
        bench.id(&SERVICE, "CreateTopic", params, "/TopicArn")
    }

    #[test]
    fn a_topic_is_made_once() {
        let mut bench = Bench::new();
        let arn = topic_of(&mut bench);
        assert_eq!(arn, "arn:aws:sns:us-west-2:123456789012:oncall");
        assert_eq!(code(&mut bench, "CreateTopic", json!({ "Name": "oncall" })), "InvalidParameter");
        assert_eq!(code(&mut bench, "CreateTopic", json!({ "Name": "on call" })), "InvalidParameter");
        let value = json!({ "TopicArn": arn, "AttributeName": "DisplayName", "AttributeValue": "other" });
        ok(&mut bench, "SetTopicAttributes", value);
        let shown = ok(&mut bench, "GetTopicAttributes", json!({ "TopicArn": arn }));
        assert_eq!(shown["Attributes"][1], json!({ "key": "DisplayName", "value": "other" }));
        ok(&mut bench, "TagResource", json!({ "ResourceArn": arn, "Tags": [{ "Key": "b", "Value": "2" }] }));
        ok(&mut bench, "UntagResource", json!({ "ResourceArn": arn, "TagKeys": ["a"] }));
        let tags = ok(&mut bench, "ListTagsForResource", json!({ "ResourceArn": arn }));
        assert_eq!(tags["Tags"], json!([{ "Key": "b", "Value": "2" }]));
        ok(&mut bench, "DeleteTopic", json!({ "TopicArn": arn }));
        ok(&mut bench, "DeleteTopic", json!({ "TopicArn": arn }));
        assert_eq!(code(&mut bench, "GetTopicAttributes", json!({ "TopicArn": arn })), "NotFound");
        assert_eq!(code(&mut bench, "ListTagsForResource", json!({ "ResourceArn": arn })), "ResourceNotFound");
        assert!(bench.world.sns.is_empty());
    }

    #[test]
    fn a_mail_waits_for_a_person_and_not_for_ever() {
        let mut bench = Bench::new();
        let arn = topic_of(&mut bench);
        let mail = |who: &str| json!({ "TopicArn": arn, "Protocol": "email", "Endpoint": who });
        assert_eq!(ok(&mut bench, "Subscribe", mail("a@x.org"))["SubscriptionArn"], "pending confirmation");
        ok(&mut bench, "Subscribe", mail("a@x.org"));
        let mut whole = mail("b@x.org");
        whole["ReturnSubscriptionArn"] = json!("true");
        let own = bench.id(&SERVICE, "Subscribe", whole, "/SubscriptionArn");
        let list = |bench: &mut Bench| {
            let all = ok(bench, "ListSubscriptionsByTopic", json!({ "TopicArn": arn }))["Subscriptions"].clone();
            all.as_array().unwrap().iter().map(|one| one["SubscriptionArn"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(list(&mut bench), ["PendingConfirmation", "PendingConfirmation"]);
        for pending in ["PendingConfirmation", &own] {
            let refused = code(&mut bench, "Unsubscribe", json!({ "SubscriptionArn": pending }));
            assert_eq!(refused, "InvalidParameter");
        }
        bench.world.sns.confirm("b@x.org");
        bench.pass(48 * 3600);
        bench.caught_up();
        assert_eq!(list(&mut bench), [own.as_str()]);
        ok(&mut bench, "Unsubscribe", json!({ "SubscriptionArn": own }));
        ok(&mut bench, "Unsubscribe", json!({ "SubscriptionArn": own }));
        let text = json!({ "TopicArn": arn, "Protocol": "sms", "Endpoint": "+15550100" });
        ok(&mut bench, "Subscribe", text);
        assert!(list(&mut bench)[0].as_str().unwrap().starts_with("arn:"), "a telephone is not asked");
        for (protocol, endpoint) in [("email", "a"), ("sms", "a@x.org"), ("lambda", "arn:aws:lambda:::f")] {
            let params = json!({ "TopicArn": arn, "Protocol": protocol, "Endpoint": endpoint });
            assert_eq!(code(&mut bench, "Subscribe", params), "InvalidParameter", "{protocol}");
        }
    }
}
