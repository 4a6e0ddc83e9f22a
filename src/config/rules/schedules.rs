//! When a cluster is paused and resumed: each has to be over before the other begins (aws-facts.md 5.3, 5.8). When
//! snapshots are taken: a cluster and serverless write that differently (5.6, 6.6).

use super::Rules;
use crate::config::shape::Fault;
use crate::config::typed::{Pause, ProducerKind};
use crate::schedule::Schedule;

pub(super) fn check(rules: &mut Rules<'_>) {
    if let ProducerKind::Cluster(cluster) = &rules.config.producer.kind
        && let Some(pause) = &cluster.pause
    {
        apart(rules, pause);
    }
    if rules.sound("producer.type") {
        snapshots(rules);
    }
}

fn apart(rules: &mut Rules<'_>, pause: &Pause) {
    const STOP: &str = "producer.pause.stop";
    const START: &str = "producer.pause.start";
    let (Ok(stop), Ok(start)) = (Schedule::parse(&pause.stop), Schedule::parse(&pause.start)) else { return };
    if rules.sound(STOP) && rules.sound(START) && (stop.runs_into(&start) || start.runs_into(&stop)) {
        let fault = Fault::new("it resumes within an hour of pausing, or the other way round");
        let help = "either takes up to a quarter of an hour, and AWS drops what comes meanwhile";
        rules.error(START, fault.help(help));
    }
}

fn snapshots(rules: &mut Rules<'_>) {
    const WHEN: &str = "producer.snapshot_schedule";
    const KEPT: &str = "producer.snapshot_retention";
    let producer = &rules.config.producer;
    let serverless = matches!(producer.kind, ProducerKind::Serverless(_));
    let Some(text) = &producer.snapshot_schedule else {
        // What is written in place of nothing says nothing.
        let said = producer.snapshot_retention.as_secs() != 7 * 86_400;
        if serverless && said && rules.written(KEPT) {
            let fault = Fault::new("a serverless producer has snapshots to keep only by `snapshot_schedule`");
            rules.warning(KEPT, fault.help("a cluster has automated ones"));
        }
        return;
    };
    let Ok(schedule) = Schedule::parse(text) else { return };
    let fault = match (&schedule, serverless) {
        (Schedule::At(_), _) => Fault::new("`at(...)` comes once").help("`rsds snapshot create` takes one now"),
        (Schedule::Rate(_), true) => Fault::new("Redshift Serverless takes no `rate(...)`")
            .help("for example `cron(0 3,15 ? * * *)`: twice a day, in UTC"),
        (Schedule::Cron(_), true) if schedule.is_short() => {
            Fault::new("a serverless producer's `cron(...)` has six fields").help("for example `cron(0 3 ? * SUN *)`")
        }
        (Schedule::Cron(_), false) if !schedule.is_short() => {
            let fault =
                Fault::new("a cluster's snapshots take a `cron(...)` of three fields: minute, hour, day of week");
            fault.help("for example `cron(30 12 *)`")
        }
        _ => return,
    };
    rules.error(WHEN, fault);
}
