//! A cluster put to sleep, and woken.
//!
//! Called by `rsds pause` and `rsds resume`: not a kind, because whether a cluster runs at a moment is no part of what the
//! estate is. Looks first, so that what is so already costs nothing, and what was cut off goes on. Must never send a call
//! while another operation runs on the cluster.

use super::{Aws, Class, Fault, cluster, fault::Called, ids::ClusterName};
use std::time::Duration;

const PAUSE: &str = "redshift:PauseCluster";
const RESUME: &str = "redshift:ResumeCluster";

/// IAM actions of a switch.
pub const ACTIONS: [&str; 3] = ["redshift:DescribeClusters", PAUSE, RESUME];

/// How long a switch takes at most (aws-facts.md 5.3).
const LONGEST: Duration = Duration::from_mins(60);
/// The pause between two looks.
const BETWEEN: Duration = Duration::from_secs(10);
/// How long after a call its effect may not show yet.
const UNSEEN: Duration = Duration::from_secs(60);

/// What a cluster is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Sleep: it cannot be asked, nor its shares, and only its storage costs.
    Paused,
    /// Run.
    Running,
}

impl Power {
    /// AWS's word for a cluster that does.
    const fn status(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Running => "available",
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Paused => Self::Running,
            Self::Running => Self::Paused,
        }
    }

    const fn call(self) -> &'static str {
        match self {
            Self::Paused => PAUSE,
            Self::Running => RESUME,
        }
    }

    async fn send(self, aws: &Aws, name: &ClusterName) -> Result<(), Fault> {
        match self {
            Self::Paused => {
                aws.redshift.pause_cluster().cluster_identifier(name.as_str()).send().called(PAUSE).await.map(drop)
            }
            Self::Running => {
                aws.redshift.resume_cluster().cluster_identifier(name.as_str()).send().called(RESUME).await.map(drop)
            }
        }
    }
}

/// Switches a cluster, and waits until it is so. Answers whether anything had to be done.
///
/// Errors: what AWS refuses; a status it does not come out of by itself; that it took more than an hour.
pub async fn switch(aws: &Aws, name: &ClusterName, power: Power) -> Result<bool, Fault> {
    let clock = aws.traffic.clock();
    let (since, mut sent, mut last, mut tried) = (clock.elapsed(), None, None, false);
    loop {
        let shown = cluster::describe(aws, name.as_str()).await?;
        let gone =
            || Fault::of(Class::NotFound, power.call(), "ClusterNotFound", format!("there is no cluster {name}"));
        let status = shown.ok_or_else(gone)?.cluster_status.unwrap_or_default();
        let now = clock.elapsed();
        let unseen = sent.is_some_and(|sent| now.saturating_sub(sent) < UNSEEN);
        if status == power.status() {
            return Ok(tried);
        }
        if status == power.other().status() && !unseen {
            tried = true;
            match power.send(aws, name).await {
                Ok(()) => sent = Some(now),
                // It has landed though nobody heard, or another operation has begun: the next look tells.
                Err(fault) if fault.class.passes() => last = Some(fault),
                Err(fault) => return Err(fault),
            }
        } else if is_stuck(&status) {
            return Err(Fault::of(
                Class::Invalid,
                power.call(),
                "InvalidClusterState",
                format!("the cluster {name} is {status}"),
            ));
        }
        if now.saturating_sub(since) > LONGEST {
            let slow = || {
                Fault::of(
                    Class::Busy,
                    power.call(),
                    "NotSettled",
                    format!("after an hour the cluster {name} is still {status}"),
                )
            };
            return Err(last.unwrap_or_else(slow));
        }
        clock.sleep(BETWEEN).await;
    }
}

/// Tells a status that ends by no waiting (aws-facts.md 5.3).
fn is_stuck(status: &str) -> bool {
    status.starts_with("incompatible-")
        || matches!(status, "hardware-failure" | "storage-full" | "deleting" | "final-snapshot")
}
