//! Kind `cloudwatch.metric-alarm`: rings when one metric leaves its bounds.
//!
//! Driven by `plan` and `apply` through the list of kinds. One put says everything but the tags, and overwrites whatever
//! has that name: it must never be sent over an alarm that does not carry our tags.

use super::{
    Aws, Class, Fault, Look,
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
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm as AwsAlarm, Statistic, Tag};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// The most alarms one call describes.
const PAGE: usize = 100;
/// The one step of an update: a put says everything.
const PUT: &str = "put alarm";
/// Dimensions whose value is the end of an ARN, and what stands before that end. A spec has the whole ARN.
const ENDS: [(&str, &str); 2] = [("LoadBalancer", "loadbalancer/"), ("TargetGroup", "")];

/// An alarm on one metric. Its id is its name.
pub struct MetricAlarm;

/// What an alarm is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct MetricAlarmSpec<S: Stage> {
    /// Its name, unique per account and region.
    pub name: String,
    /// What people read in its mails.
    #[serde(default)]
    pub description: String,
    /// The namespace of the metric.
    pub namespace: String,
    /// The metric.
    pub metric: String,
    /// The dimensions of the metric; of a load balancer and a target group the ARN.
    pub dimensions: BTreeMap<String, S::In<String>>,
    /// What is made of the data points of a period: `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount`.
    pub statistic: String,
    /// Seconds.
    pub period: i32,
    /// Over how many periods it looks.
    pub evaluation_periods: i32,
    /// How many of them must breach.
    pub datapoints: i32,
    /// How the metric stands to the threshold when it rings: `GreaterThanThreshold`.
    pub comparison: String,
    /// Where it rings.
    #[serde(serialize_with = "plainly")]
    pub threshold: f64,
    /// What a period without data is taken for: `missing`, `notBreaching`, `breaching` or `ignore`.
    pub missing_data: String,
    /// Whether it tells anybody.
    pub enabled: bool,
    /// Whom it tells that it rings.
    pub alarm_actions: BTreeSet<S::In<TopicArn>>,
    /// Whom it tells that all is well again.
    pub ok_actions: BTreeSet<S::In<TopicArn>>,
    /// Whom it tells that it knows nothing.
    pub insufficient_data_actions: BTreeSet<S::In<TopicArn>>,
    /// Tags.
    #[serde(default)]
    pub tags: Tags,
}

/// Writes a whole number as one, as people do.
fn plainly<Z: Serializer>(number: &f64, to: Z) -> Result<Z::Ok, Z::Error> {
    /// Up to here a whole number is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within bounds")]
        return to.serialize_i64(*number as i64);
    }
    to.serialize_f64(*number)
}

crate::outputs!(MetricAlarm =>
    /// What an alarm offers.
    MetricAlarmOutputs {
        at_once {
            /// The alarm's ARN.
            arn: String,
        }
        ready {}
    }
);

fn actions(shown: Option<Vec<String>>) -> BTreeSet<TopicArn> {
    shown.unwrap_or_default().into_iter().map(TopicArn).collect()
}

fn told(actions: &BTreeSet<TopicArn>) -> Option<Vec<String>> {
    Some(actions.iter().cloned().map(String::from).collect())
}

fn tag_list<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> Option<Vec<Tag>> {
    Some(pairs.map(|(key, value)| Tag::builder().key(key).value(value).build()).collect())
}

impl MetricAlarm {
    fn arn(aws: &Aws, name: &str) -> String {
        let (partition, region) = (partition(&aws.region), &aws.region);
        format!("arn:{partition}:cloudwatch:{region}:{}:alarm:{name}", aws.account)
    }

    /// A dimension as AWS has it: of an ARN its end alone.
    fn shortened(name: &str, value: &str) -> String {
        let before = ENDS.iter().find(|(of, _)| *of == name).map(|(_, before)| *before);
        let end = before.and_then(|before| value.splitn(6, ':').nth(5)?.strip_prefix(before));
        end.unwrap_or(value).to_owned()
    }

    /// The same as a spec has it.
    fn whole(aws: &Aws, name: &str, value: String) -> String {
        let Some((_, before)) = ENDS.iter().find(|(of, _)| *of == name) else { return value };
        let (partition, region) = (partition(&aws.region), &aws.region);
        format!("arn:{partition}:elasticloadbalancing:{region}:{}:{before}{value}", aws.account)
    }

    async fn tags(aws: &Aws, name: &str) -> Result<Option<Tags>, Fault> {
        let call = aws.cloudwatch.list_tags_for_resource().resource_arn(Self::arn(aws, name));
        let answer = found(call.send().called("cloudwatch:ListTagsForResource").await)?;
        let pairs = |tags: Vec<Tag>| tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())));
        Ok(answer.map(|answer| tags::own(pairs(answer.tags.unwrap_or_default()))))
    }

    async fn described(aws: &Aws, names: &[String]) -> Result<BTreeMap<String, AwsAlarm>, Fault> {
        let calls = names.chunks(PAGE).map(|names| {
            let call = aws.cloudwatch.describe_alarms().set_alarm_names(Some(names.to_vec()));
            call.max_records(100).send().called("cloudwatch:DescribeAlarms")
        });
        let answers = try_join_all(calls).await?;
        let alarms = answers.into_iter().flat_map(|answer| answer.metric_alarms.unwrap_or_default());
        Ok(alarms.filter_map(|alarm| Some((alarm.alarm_name.clone()?, alarm))).collect())
    }

    async fn live(aws: &Aws, confirmed: &Confirmed, shown: Option<&AwsAlarm>) -> Result<Option<Live<Self>>, Fault> {
        let Some((shown, name)) = shown.and_then(|shown| Some((shown.clone(), shown.alarm_name.clone()?))) else {
            return Ok(None);
        };
        let arn = Self::arn(aws, &name);
        let tags = match confirmed.of(&arn) {
            Some(tags) => tags,
            None => match Self::tags(aws, &name).await? {
                Some(tags) => tags,
                None => return Ok(None),
            },
        };
        let text = |value: Option<String>| value.unwrap_or_default();
        let dimension = |one: Dimension| {
            let name = one.name.unwrap_or_default();
            let value = Self::whole(aws, &name, one.value.unwrap_or_default());
            (name, value)
        };
        let evaluation_periods = shown.evaluation_periods.unwrap_or_default();
        let spec = MetricAlarmSpec {
            name: name.clone(),
            description: text(shown.alarm_description),
            namespace: text(shown.namespace),
            metric: text(shown.metric_name),
            dimensions: shown.dimensions.unwrap_or_default().into_iter().map(dimension).collect(),
            statistic: text(shown.statistic.map(|of| of.as_str().to_owned()).or(shown.extended_statistic)),
            period: shown.period.unwrap_or_default(),
            evaluation_periods,
            datapoints: shown.datapoints_to_alarm.unwrap_or(evaluation_periods),
            comparison: text(shown.comparison_operator.map(|of| of.as_str().to_owned())),
            threshold: shown.threshold.unwrap_or_default(),
            missing_data: shown.treat_missing_data.unwrap_or_else(|| "missing".to_owned()),
            enabled: shown.actions_enabled.unwrap_or(true),
            alarm_actions: actions(shown.alarm_actions),
            ok_actions: actions(shown.ok_actions),
            insufficient_data_actions: actions(shown.insufficient_data_actions),
            tags,
        };
        let outputs = MetricAlarmOutputs { arn };
        Ok(Some(Live { id: Id(name), spec, outputs, readiness: Readiness::Ready }))
    }

    async fn put(aws: &Aws, spec: &MetricAlarmSpec<Known>, tags: Option<Vec<Tag>>) -> Result<(), Fault> {
        let dimension = |(name, value): (&String, &String)| {
            Dimension::builder().name(name).value(Self::shortened(name, value)).build()
        };
        let call = aws
            .cloudwatch
            .put_metric_alarm()
            .alarm_name(&spec.name)
            .set_alarm_description(Some(spec.description.clone()).filter(|text| !text.is_empty()))
            .namespace(&spec.namespace)
            .metric_name(&spec.metric)
            .set_dimensions(Some(spec.dimensions.iter().map(dimension).collect()))
            .statistic(Statistic::from(spec.statistic.as_str()))
            .period(spec.period)
            .evaluation_periods(spec.evaluation_periods)
            .datapoints_to_alarm(spec.datapoints)
            .comparison_operator(ComparisonOperator::from(spec.comparison.as_str()))
            .threshold(spec.threshold)
            .treat_missing_data(&spec.missing_data)
            .actions_enabled(spec.enabled)
            .set_alarm_actions(told(&spec.alarm_actions))
            .set_ok_actions(told(&spec.ok_actions))
            .set_insufficient_data_actions(told(&spec.insufficient_data_actions))
            .set_tags(tags);
        call.send().called("cloudwatch:PutMetricAlarm").await.map(|_| ())
    }
}

impl Kind for MetricAlarm {
    const NAME: &'static str = "cloudwatch.metric-alarm";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::updates("description"),
        Field::updates("namespace"),
        Field::updates("metric"),
        Field::updates("dimensions"),
        Field::updates("statistic"),
        Field::updates("period"),
        Field::updates("evaluation_periods"),
        Field::updates("datapoints"),
        Field::updates("comparison"),
        Field::updates("threshold"),
        Field::updates("missing_data"),
        Field::updates("enabled"),
        Field::updates("alarm_actions"),
        Field::updates("ok_actions"),
        Field::updates("insufficient_data_actions"),
    ];
    const ACTIONS: Actions = Actions {
        read: &["cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"],
        create: &[
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListTagsForResource",
        ],
        update: &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource"],
        delete: &["cloudwatch:DeleteAlarms"],
    };
    const TYPICAL: Typical = Typical { create: 1, update: 1, delete: 1 };
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["name"];
    const NAMED_BY: &'static str = "its name";

    type Spec<S: Stage> = MetricAlarmSpec<S>;
    type Outputs = MetricAlarmOutputs;

    fn check_name(name: &str) -> Result<(), &'static str> {
        naming::made_of(name, 1, 255, " -_.:/()+=@").then_some(()).ok_or("up to 255 letters, digits and ` -_.:/()+=@`")
    }

    fn named(text: &str) -> Option<Named> {
        let name = text.split_once(":alarm:").map_or(text, |(_, name)| name);
        (!name.is_empty() && !name.starts_with("arn:") && !name.contains('|')).then(|| named::id(name))
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let name = |question: &Which<Self>| match &question.id {
            Some(id) => id.0.clone(),
            None => question.spec.name.clone(),
        };
        let names: Vec<String> = which.iter().map(name).collect();
        let (all, confirmed) = tokio::try_join!(Self::described(look, &names), tag_listing::confirmed(look))?;
        try_join_all(names.iter().map(|name| Self::live(look, &confirmed, all.get(name)))).await
    }

    async fn create(aws: &Aws, spec: &MetricAlarmSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        if Self::described(aws, std::slice::from_ref(&spec.name)).await?.contains_key(&spec.name) {
            let there = Self::tags(aws, &spec.name).await?.unwrap_or_default();
            if !tags::hold(&there, &spec.tags) {
                let message = format!("an alarm of the name {} exists, and AWS would overwrite it", spec.name);
                return Err(Fault::of(Class::Exists, "cloudwatch:PutMetricAlarm", "AlarmAlreadyExists", message));
            }
        }
        Self::put(aws, spec, tag_list(spec.tags.iter()).filter(|tags| !tags.is_empty())).await?;
        Ok(Created { id: Id(spec.name.clone()), outputs: MetricAlarmOutputs { arn: Self::arn(aws, &spec.name) } })
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let fields: Vec<String> = changes.fields().filter(|field| *field != "tags").map(str::to_owned).collect();
        let put = Some(Step { fields, ..Step::new(PUT) }).filter(|step| !step.fields.is_empty());
        put.into_iter().chain(tags::tag_steps(changes)).collect()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (cloudwatch, name, spec) = (&aws.cloudwatch, job.id.as_str(), job.spec);
        match job.step.name.as_str() {
            PUT => Self::put(aws, spec, None).await?,
            tags::SET_TAGS => {
                let pairs = tag_list(tags::changed(&job.before.tags, &spec.tags));
                let call = cloudwatch.tag_resource().resource_arn(Self::arn(aws, name)).set_tags(pairs);
                call.send().called("cloudwatch:TagResource").await?;
            }
            tags::REMOVE_TAGS => {
                let keys = tags::removed(&job.before.tags, &spec.tags);
                let call = cloudwatch.untag_resource().resource_arn(Self::arn(aws, name)).set_tag_keys(Some(keys));
                call.send().called("cloudwatch:UntagResource").await?;
            }
            "delete" => {
                let call = cloudwatch.delete_alarms().alarm_names(name);
                found(call.send().called("cloudwatch:DeleteAlarms").await)?;
            }
            _ => return Err(Fault::unknown_step(Self::NAME, job.step)),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_balancer_aws_wants_the_end_of_its_arn() {
        let of = |what: &str| format!("arn:aws:elasticloadbalancing:us-west-2:123456789012:{what}");
        let shortened = MetricAlarm::shortened;
        assert_eq!(shortened("LoadBalancer", &of("loadbalancer/net/air-nlb/0a")), "net/air-nlb/0a");
        assert_eq!(shortened("TargetGroup", &of("targetgroup/air-5439/0a")), "targetgroup/air-5439/0a");
        assert_eq!(shortened("Workgroup", "air-bi-1"), "air-bi-1");
    }

    #[test]
    fn a_whole_threshold_is_written_as_one() {
        let written = |number: f64| plainly(&number, serde_json::value::Serializer).unwrap().to_string();
        assert_eq!((written(80.0), written(0.5), written(-1e30)), ("80".into(), "0.5".into(), "-1e+30".into()));
    }
}
