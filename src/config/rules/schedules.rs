//! When a cluster is paused and resumed: each has to be over before the other begins (aws-facts.md 5.3, 5.8).

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
