//! The component `monitoring`: the topic and who subscribes to it; and the alarms, each of which sits with what it
//! watches, and comes and goes with it.
//!
//! Called by `build` before the warehouses, and by whoever describes what is watched. Source of every alarm: aws-facts.md
//! 8. Must never take what is missing for bad where an idle warehouse reports nothing.

use super::{Component, Stack, nlb::Port, warehouse::Budget};
use crate::{
    address::Address,
    aws::{
        cluster::Cluster,
        ids::TopicArn,
        load_balancer::LoadBalancer,
        metric_alarm::{MetricAlarm, MetricAlarmSpec},
        namespace::Namespace,
        subscription::{Subscription, SubscriptionSpec},
        topic::{Topic, TopicSpec},
        usage_limit::UsageLimit,
        workgroup::Workgroup,
    },
    config::typed::{Capacity, Config, Monitoring, ProducerKind, Thresholds},
    kind::{Draft, Handle, In, Tags},
};
use std::collections::{BTreeMap, BTreeSet};

const CLUSTERS: &str = "AWS/Redshift";
const WORKGROUPS: &str = "AWS/Redshift-Serverless";
const BALANCERS: &str = "AWS/NetworkELB";

const MINUTE: i32 = 60;
const FIVE_MINUTES: i32 = 300;
const HOUR: i32 = 3600;
const DAY: i32 = 86_400;
const SECONDS_AN_HOUR: f64 = 3600.0;
const MEGABYTES_A_GIGABYTE: f64 = 1024.0;

/// What is made of a period without data.
#[derive(Clone, Copy)]
enum Missing {
    /// All is well: what is idle reports nothing.
    Good,
    /// It rings: what always reports has stopped to.
    Bad,
    /// Nobody knows.
    Unknown,
}

/// On which side of the threshold an alarm rings.
#[derive(Clone, Copy)]
enum Rings {
    Above(f64),
    AtLeast(f64),
    Below(f64),
}

/// One alarm, as the table of aws-facts.md 8 has it.
struct Alarm {
    /// The end of its name and of its address.
    what: String,
    /// What people read in the mail.
    says: String,
    metric: &'static str,
    statistic: &'static str,
    period: i32,
    /// So many of so many periods must breach.
    of: (i32, i32),
    rings: Rings,
    missing: Missing,
    /// The TOML key of the threshold, if there is one.
    key: Option<&'static str>,
    /// Whether anybody is told; what only informs is seen in the console alone.
    tells: bool,
}

impl Alarm {
    fn new(what: &str, says: &str, metric: &'static str, statistic: &'static str, rings: Rings) -> Self {
        let (what, says) = (what.to_owned(), says.to_owned());
        let (period, of, missing) = (FIVE_MINUTES, (1, 1), Missing::Good);
        Self { what, says, metric, statistic, period, of, rings, missing, key: None, tells: true }
    }

    /// Changes the period, and how many of how many must breach.
    fn over(self, period: i32, of: (i32, i32)) -> Self {
        Self { period, of, ..self }
    }

    fn missing(self, missing: Missing) -> Self {
        Self { missing, ..self }
    }

    /// Names the threshold's key below `monitoring.thresholds`.
    fn key(self, key: &'static str) -> Self {
        Self { key: Some(key), ..self }
    }

    fn silent(self) -> Self {
        Self { tells: false, ..self }
    }
}

/// Whom the alarms tell, and where they ring.
pub(super) struct Watch<'a> {
    config: &'a Config,
    monitoring: Option<&'a Monitoring>,
    told: BTreeSet<In<TopicArn>>,
}

/// Dimensions of a metric.
type Dimensions = BTreeMap<String, In<String>>;

fn dimension(name: &str, value: In<String>) -> (String, In<String>) {
    (name.to_owned(), value)
}

/// A mail address as part of an address, which knows neither `@` nor `+`.
fn spelt(mail: &str) -> String {
    let letter = |letter: char| match letter {
        '@' => "_".to_owned(),
        '-' | '.' => letter.to_string(),
        _ if letter.is_ascii_alphanumeric() => letter.to_string(),
        _ => format!("_{:02x}", u32::from(letter)),
    };
    mail.chars().map(letter).collect()
}

/// Describes the topic and who hears of it. Answers what watches the rest; without `[monitoring]` it watches nothing.
pub(super) fn describe<'a>(stack: &mut Stack, config: &'a Config) -> Watch<'a> {
    let monitoring = config.monitoring.as_ref();
    let mut told: BTreeSet<In<TopicArn>> = BTreeSet::new();
    if let Some(monitoring) = monitoring {
        told.extend(monitoring.topic_arn.as_deref().map(|arn| In::Literal(arn.into())));
        if !monitoring.notify.is_empty() {
            told.insert(topic(stack, config, &monitoring.notify).arn());
        }
    }
    Watch { config, monitoring: monitoring.filter(|monitoring| monitoring.alarms), told }
}

fn topic(stack: &mut Stack, config: &Config, mails: &[String]) -> Handle<Topic> {
    let mut part = stack.component("monitoring", "monitoring");
    let display_name = format!("{} {}", config.project, config.env);
    let topic = part.add::<Topic>("topic", TopicSpec { name: config.name("alarms"), display_name, tags: Tags::new() });
    for mail in mails.iter().collect::<BTreeSet<_>>() {
        let spec = SubscriptionSpec { topic: topic.arn(), protocol: "email".to_owned(), endpoint: mail.clone() };
        let subscription = part.add::<Subscription>(&format!("subscription-{}", spelt(mail)), spec);
        part.comes_from(&subscription, "endpoint", "monitoring.notify");
    }
    topic
}

impl Watch<'_> {
    /// Describes the alarms on a provisioned producer.
    pub(super) fn cluster(&self, part: &mut Component<'_>, cluster: &Handle<Cluster>) {
        use Rings::{Above, AtLeast, Below};
        let Some(Monitoring { thresholds, .. }) = self.monitoring else { return };
        let paused = matches!(&self.config.producer.kind, ProducerKind::Cluster(wanted) if wanted.pause.is_some());
        // A cluster that sleeps by schedule reports nothing, night after night.
        let asleep = if paused { Missing::Good } else { Missing::Bad };
        let alarms = [
            Alarm::new("health", "The cluster is not healthy", "HealthStatus", "Minimum", Below(1.0))
                .over(MINUTE, (3, 5))
                .missing(asleep),
            Alarm::new(
                "cpu",
                "The cluster computes at its limit",
                "CPUUtilization",
                "Average",
                Above(thresholds.cluster_cpu_percent.into()),
            )
            .over(FIVE_MINUTES, (3, 3))
            .missing(Missing::Unknown)
            .key("cluster_cpu_percent"),
            Alarm::new(
                "disk",
                "The cluster's disks fill up",
                "PercentageDiskSpaceUsed",
                "Average",
                Above(thresholds.cluster_disk_percent.into()),
            )
            .missing(Missing::Unknown)
            .key("cluster_disk_percent"),
            Alarm::new(
                "connections",
                "The cluster takes 2000 connections and no more",
                "DatabaseConnections",
                "Maximum",
                Above(thresholds.cluster_connections.into()),
            )
            .key("cluster_connections"),
            Alarm::new(
                "commit-queue",
                "Transactions wait to commit",
                "CommitQueueLength",
                "Average",
                Above(thresholds.cluster_commit_queue.into()),
            )
            .key("cluster_commit_queue"),
            Alarm::new("maintenance", "AWS maintains the cluster", "MaintenanceMode", "Maximum", AtLeast(1.0))
                .over(MINUTE, (1, 1))
                .silent(),
        ];
        let dimensions = Dimensions::from([dimension("ClusterIdentifier", cluster.name().into_text())]);
        let name = self.config.producer_name();
        for alarm in alarms {
            self.add(part, &name, CLUSTERS, &dimensions, alarm);
        }
    }

    /// Describes the alarms on a consumer, with what it may use in a day.
    pub(super) fn consumer(
        &self,
        part: &mut Component<'_>,
        name: &str,
        workgroup: &Handle<Workgroup>,
        capacity: Capacity,
    ) {
        let hours = self.monitoring.and_then(|monitoring| monitoring.thresholds.consumer_rpu_hours_per_day);
        self.workgroup(part, name, workgroup, capacity, hours);
    }

    /// Describes the alarms on a serverless warehouse. `rpu_hours` is what it may use in a day, where that is limited.
    pub(super) fn workgroup(
        &self,
        part: &mut Component<'_>,
        name: &str,
        workgroup: &Handle<Workgroup>,
        capacity: Capacity,
        rpu_hours: Option<u32>,
    ) {
        use Rings::{Above, AtLeast};
        let Some(Monitoring { thresholds, .. }) = self.monitoring else { return };
        let of = Dimensions::from([dimension("Workgroup", workgroup.name().into_text())]);
        // These have no dimension set without the type of the query.
        let select = Dimensions::from([dimension("QueryType", "SELECT".to_owned().into())]);
        let select: Dimensions = select.into_iter().chain(of.clone()).collect();
        let connections = Above(thresholds.consumer_connections.into());
        let failed = Above(thresholds.queries_failed.into());
        let queued = Above(thresholds.queries_queued.into());
        let mut alarms = vec![
            (
                &of,
                Alarm::new(
                    "connections",
                    "A workgroup takes 2000 connections and no more",
                    "DatabaseConnections",
                    "Maximum",
                    connections,
                )
                .key("consumer_connections"),
            ),
            (
                &select,
                Alarm::new("queries-failed", "Queries fail", "QueriesFailed", "Sum", failed).key("queries_failed"),
            ),
            (
                &select,
                Alarm::new("queries-queued", "Queries wait", "QueriesQueued", "Average", queued)
                    .over(FIVE_MINUTES, (3, 3))
                    .key("queries_queued"),
            ),
        ];
        if let Some(most) = capacity.max {
            let alarm = Alarm::new(
                "capacity",
                "The workgroup is as large as max_capacity lets it be",
                "ComputeCapacity",
                "Maximum",
                AtLeast(most.into()),
            );
            alarms.push((&of, alarm));
        }
        if let Some(hours) = rpu_hours {
            let budget = Above(f64::from(hours) * SECONDS_AN_HOUR);
            let says = format!("More than {hours} RPU-hours in a day");
            let alarm = Alarm::new("rpu-hours", &says, "ComputeSeconds", "Sum", budget)
                .over(DAY, (1, 1))
                .key("consumer_rpu_hours_per_day");
            alarms.push((&of, alarm));
        }
        for (dimensions, alarm) in alarms {
            self.add(part, name, WORKGROUPS, dimensions, alarm);
        }
    }

    /// Describes the alarm on the budget of a workgroup; `resource` is the limit's own name.
    pub(super) fn usage_limit(
        &self,
        part: &mut Component<'_>,
        name: &str,
        resource: &str,
        workgroup: &Handle<Workgroup>,
        (limit, budget): (&Handle<UsageLimit>, Budget),
    ) {
        let Some(Monitoring { thresholds, .. }) = self.monitoring else { return };
        let percent = thresholds.usage_limit_percent;
        let (period, hours) = (budget.period.as_str(), budget.rpu_hours);
        let part_of_it = Rings::Above(f64::from(hours) * f64::from(percent) / 100.0);
        let says = format!("More than {percent} % of the {period} limit of {hours} RPU-hours is used up");
        let dimensions = Dimensions::from([
            dimension("UsageLimitId", limit.id()),
            dimension("UsageType", "SERVERLESS_COMPUTE".to_owned().into()),
            dimension("Workgroup", workgroup.name().into_text()),
        ]);
        let alarm = Alarm::new(resource, &says, "UsageLimitConsumed", "Maximum", part_of_it).key("usage_limit_percent");
        self.add(part, name, WORKGROUPS, &dimensions, alarm);
    }

    /// Describes the alarm on what a serverless producer stores.
    pub(super) fn storage(&self, part: &mut Component<'_>, namespace: &Handle<Namespace>) {
        let Some(gigabytes) = self.monitoring.and_then(|monitoring| monitoring.thresholds.storage_gb) else { return };
        let most = Rings::Above(f64::from(gigabytes) * MEGABYTES_A_GIGABYTE);
        let says = format!("More than {gigabytes} GB are stored");
        let alarm = Alarm::new("storage", &says, "DataStorage", "Average", most)
            .over(HOUR, (1, 1))
            .missing(Missing::Unknown)
            .key("storage_gb");
        let dimensions = Dimensions::from([dimension("Namespace", namespace.name().into_text())]);
        self.add(part, &self.config.producer_name(), WORKGROUPS, &dimensions, alarm);
    }

    /// Describes the alarms on the load balancer itself.
    pub(super) fn balancer(&self, part: &mut Component<'_>, balancer: &Handle<LoadBalancer>) {
        use Rings::Above;
        let Some(Monitoring { thresholds, .. }) = self.monitoring else { return };
        let mut alarms = vec![
            Alarm::new(
                "port-allocation",
                "The load balancer has no port left towards its targets",
                "PortAllocationErrorCount",
                "Sum",
                Above(0.0),
            )
            .over(MINUTE, (1, 1)),
            Alarm::new(
                "blocked-flows",
                "The security group refuses connections",
                "SecurityGroupBlockedFlowCount_Inbound",
                "Sum",
                Above(0.0),
            )
            .silent(),
        ];
        if let Some(most) = thresholds.nlb_resets {
            let says = "The load balancer cuts connections off: clients that keep quiet for longer than idle_timeout?";
            let alarm = Alarm::new("resets", says, "TCP_ELB_Reset_Count", "Sum", Above(most.into()));
            alarms.push(alarm.key("nlb_resets"));
        }
        let dimensions = Dimensions::from([dimension("LoadBalancer", balancer.arn().into_text())]);
        let name = self.config.nlb_name();
        for alarm in alarms {
            self.add(part, &name, BALANCERS, &dimensions, alarm);
        }
    }

    /// Describes the alarms on the targets of one port.
    pub(super) fn targets(&self, part: &mut Component<'_>, balancer: &Handle<LoadBalancer>, port: &Port) {
        let Some(Monitoring { thresholds, .. }) = self.monitoring else { return };
        let dimensions = Dimensions::from([
            dimension("TargetGroup", port.target_group.arn().into_text()),
            dimension("LoadBalancer", balancer.arn().into_text()),
        ]);
        let behind = self.config.readers().filter(|(reader, of)| of.behind_nlb && port.sends_to(reader.group));
        let targets: Vec<Address> = behind.map(|(reader, _)| Address::new(reader.component(), &port.targets)).collect();
        for alarm in hosts(port.number, thresholds) {
            let added = self.add(part, &self.config.nlb_name(), BALANCERS, &dimensions, alarm);
            // It would ring until the first targets are healthy.
            part.made_after(&added, &targets);
        }
    }

    fn add(
        &self,
        part: &mut Component<'_>,
        of: &str,
        namespace: &str,
        dimensions: &Dimensions,
        alarm: Alarm,
    ) -> Handle<MetricAlarm> {
        let mut part = part.under("monitoring");
        let told = if alarm.tells { self.told.clone() } else { BTreeSet::new() };
        let (comparison, threshold) = match alarm.rings {
            Rings::Above(threshold) => ("GreaterThanThreshold", threshold),
            Rings::AtLeast(threshold) => ("GreaterThanOrEqualToThreshold", threshold),
            Rings::Below(threshold) => ("LessThanThreshold", threshold),
        };
        let missing = match alarm.missing {
            Missing::Good => "notBreaching",
            Missing::Bad => "breaching",
            Missing::Unknown => "missing",
        };
        let spec = MetricAlarmSpec::<Draft> {
            name: format!("{of}-{}", alarm.what),
            description: format!("{} (rsds: {}-{})", alarm.says, self.config.project, self.config.env),
            namespace: namespace.to_owned(),
            metric: alarm.metric.to_owned(),
            dimensions: dimensions.clone(),
            statistic: alarm.statistic.to_owned(),
            period: alarm.period,
            evaluation_periods: alarm.of.1,
            datapoints: alarm.of.0,
            comparison: comparison.to_owned(),
            threshold,
            missing_data: missing.to_owned(),
            enabled: true,
            alarm_actions: told.clone(),
            ok_actions: told,
            insufficient_data_actions: BTreeSet::new(),
            tags: Tags::new(),
        };
        let added = part.add::<MetricAlarm>(&format!("alarm-{}", alarm.what), spec);
        if let Some(key) = alarm.key {
            part.comes_from(&added, "threshold", &format!("monitoring.thresholds.{key}"));
        }
        let topic = self.monitoring.and_then(|monitoring| monitoring.topic_arn.as_ref());
        let whom = topic.map_or("monitoring.notify", |_| "monitoring.topic_arn");
        ["alarm_actions", "ok_actions"].into_iter().for_each(|field| part.comes_from(&added, field, whom));
        added
    }
}

/// The alarms on the targets of one port.
fn hosts(port: u16, thresholds: &Thresholds) -> [Alarm; 2] {
    let few = thresholds.healthy_hosts;
    let says = match few {
        1 => format!("No consumer answers on port {port}"),
        _ => format!("Fewer than {few} targets answer on port {port}"),
    };
    [
        Alarm::new(&format!("healthy-hosts-{port}"), &says, "HealthyHostCount", "Minimum", Rings::Below(few.into()))
            .over(MINUTE, (1, 1))
            .missing(Missing::Bad)
            .key("healthy_hosts"),
        Alarm::new(
            &format!("unhealthy-hosts-{port}"),
            &format!("A target of port {port} does not answer"),
            "UnHealthyHostCount",
            "Maximum",
            Rings::AtLeast(1.0),
        )
        .over(MINUTE, (3, 3)),
    ]
}

#[cfg(test)]
mod tests {
    use super::spelt;

    #[test]
    fn a_mail_address_becomes_part_of_an_address() {
        assert_eq!(spelt("oncall@example.com"), "oncall_example.com");
        assert_eq!(spelt("on_call+dw@example.com"), "on_5fcall_2bdw_example.com");
    }
}
