//! `rsds pause` and `rsds resume`: the cluster of the producer, by hand.

use super::{
    context::Context,
    locked::locked,
    state::{Consent, Patience},
};
use crate::{
    address::Address,
    aws::{
        cluster_power::{Power, switch},
        ids::ClusterName,
    },
    config::typed::ProducerKind,
    failure::{Exit, Failure},
};
use serde_json::json;

/// The most calls in flight at once.
const PARALLELISM: usize = 4;

#[derive(Debug, clap::Args)]
pub(super) struct Pause {
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    patience: Patience,
}

#[derive(Debug, clap::Args)]
pub(super) struct Resume {
    #[command(flatten)]
    patience: Patience,
}

pub(super) async fn pause(context: &Context, Pause { consent, patience }: Pause) -> Result<Exit, Failure> {
    consent.check(context, "pause")?;
    run(context, &patience, Power::Paused, Some(&consent)).await
}

pub(super) async fn resume(context: &Context, Resume { patience }: Resume) -> Result<Exit, Failure> {
    run(context, &patience, Power::Running, None).await
}

/// Nothing of the state changes; its lock keeps an apply from running into a cluster that falls asleep.
async fn run(context: &Context, patience: &Patience, power: Power, consent: Option<&Consent>) -> Result<Exit, Failure> {
    let environment = context.load()?;
    locked(context, &environment.clone(), patience.lock_timeout, async |held| {
        let serverless = matches!(environment.config.producer.kind, ProducerKind::Serverless(_));
        let session = context.open_in(held, environment, PARALLELISM, None).await?;
        let cluster = session.state.entries.get(&Address::new("producer", "cluster"));
        let Some(id) = cluster.and_then(|entry| entry.id.as_ref()) else {
            return Err(match serverless {
                true => Failure::new(
                    "the producer is serverless: it sleeps by itself when nobody asks, and then costs nothing",
                    "clusters alone are paused and resumed",
                ),
                false => Failure::new("the cluster of the producer does not stand", "make it first: rsds apply"),
            });
        };
        let name = ClusterName::from(id.as_str());
        if let Some(consent) = consent {
            let what = format!(
                "This will pause {name}: it and every consumer that reads its shares answer nothing until rsds resume."
            );
            if !consent.asks(context, &what).await? {
                return Ok(Exit::Failed);
            }
        }
        let (doing, done) = match power {
            Power::Paused => ("pausing", "paused"),
            Power::Running => ("resuming", "running"),
        };
        context.printer.status(&format!("{doing} {name} (typically 5m)"));
        let changed = switch(&session.aws, &name, power).await?;
        let human = || match changed {
            true => format!("{name} is {done}.\n"),
            false => format!("{name} is {done} already.\n"),
        };
        context.result(
            human,
            || json!({ "format": "rsds.power/1", "cluster": name, "status": done, "changed": changed }),
        )?;
        Ok(Exit::Done)
    })
    .await
}
