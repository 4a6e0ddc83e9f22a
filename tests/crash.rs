//! Crashes and interrupts: the world and the state are kept at every write of a reference run, each of these moments
//! is taken for the end of the process, and the next run has to make good.

pub(crate) mod rough;
mod tap;

use crate::{harness::*, scene::*};
use rsds::{apply::Outcome, plan::Options, sandbox::Weather, state::Store};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tap::Record;
pub(crate) use tap::{Cut, Tap};
use tokio::sync::watch;

type Inventory = BTreeMap<&'static str, usize>;

/// A run of which every `stride`-th moment is taken for a crash.
struct Course {
    toml: &'static str,
    /// What was laid over the file when the estate was made; without it there is none yet.
    made_with: Option<&'static [&'static str]>,
    /// Whether the producer has left the snapshot `backup`, and the estate is gone again.
    backed_up: bool,
    /// What is laid over the file for this run and the next.
    sets: &'static [&'static str],
    options: Options,
    stride: usize,
    /// What befalls the calls of this run and the next.
    weather: Weather,
}

impl Course {
    /// The first apply.
    fn apply(toml: &'static str) -> Self {
        let (options, weather) = (Options::default(), Weather::default());
        Self { toml, made_with: None, backed_up: false, sets: &[], options, stride: 1, weather }
    }

    /// A run over an estate that was made with this and is to be so now.
    fn change(toml: &'static str, sets: &'static [&'static str]) -> Self {
        Self { made_with: Some(&[]), sets, ..Self::apply(toml) }
    }

    /// A replacement by hand.
    fn replacement(toml: &'static str, addresses: &[&str]) -> Self {
        Self { options: Options { replace: select(addresses), ..Options::default() }, ..Self::change(toml, &[]) }
    }

    /// A destroy of an estate that was made with this.
    fn destroy(toml: &'static str, sets: &'static [&'static str]) -> Self {
        Self { made_with: Some(sets), sets, options: destroying(&[]), ..Self::apply(toml) }
    }

    /// Not each moment: odd strides meet moments before a write as well as after it.
    fn every(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Runs and keeps every moment.
    async fn recorded(&self) -> (Estate, Record) {
        let mut estate = Estate::bare(self.toml);
        if let Some(sets) = self.made_with {
            estate.set(sets);
            estate.apply().await;
        }
        if self.backed_up {
            estate.leave_behind("backup").await;
        }
        estate.set(self.sets);
        estate.sandbox.weather(self.weather.clone()).unwrap();
        let tap = Tap::recording(&estate);
        let (_keep, interrupt) = watch::channel(None);
        let outcome = estate.run_on(&self.options, Arc::new(tap.clone()), interrupt).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        (estate, tap.take())
    }

    /// Crashes; the next run must end as it would have without. Tells what there is then.
    #[expect(clippy::print_stdout, reason = "the figures of the sweep, for `--nocapture`")]
    async fn then(self, next: &Options) -> Inventory {
        let (mut reference, record) = self.recorded().await;
        let end = ended(&mut reference, next, "the reference").await;
        let mut swept = 0;
        let moments = record.moments.iter().enumerate().step_by(self.stride);
        for (number, moment) in moments {
            let late = if moment.late.is_some() { "landing late, " } else { "" };
            let what = format!("moment {number} of {}: {late}before {}", record.moments.len(), moment.before);
            let mut estate = moment.found(self.toml, self.sets, LATE).await;
            assert_eq!(ended(&mut estate, next, &what).await, end, "{what}");
            swept += 1;
        }
        let Record { mutations, reads, writes, .. } = record;
        println!(
            "{} points ({mutations} mutations, {reads} reads, {writes} writes), {swept} of {} moments swept",
            record.points(),
            record.moments.len()
        );
        end
    }

    /// Crashes; the next apply makes good.
    async fn survives(self) {
        self.then(&Options::default()).await;
    }

    /// Crashes; the next destroy leaves this.
    async fn goes(self, leaving: &[(&'static str, usize)]) {
        assert_eq!(self.then(&destroying(&[])).await, leaving.iter().copied().collect());
    }
}

/// When a request that was under way lands: well before a second look.
pub(crate) const LATE: Duration = Duration::from_secs(12);

/// Brings an estate to its end by this run: all is done, and nothing is left to do, even when everything has landed.
async fn ended(estate: &mut Estate, next: &Options, what: &str) -> Inventory {
    let outcome = estate.run(next).await;
    assert!(outcome.is_complete(), "{what}: {:#?}", outcome.failed);
    estate.clock.sleep(LATE * 2).await;
    match next.destroy {
        // A crash before the first write leaves no state to write to.
        true => assert!(estate.store.last().is_none_or(|state| state.entries.is_empty()), "{what}"),
        false => {
            let plan = estate.brief(&Options { refresh_sql: true, ..Options::default() }).await;
            assert_eq!(plan, Vec::<String>::new(), "{what}");
        }
    }
    estate.inventory().into_iter().filter(|(_, count)| *count > 0).collect()
}

/// With this the producer leaves a snapshot.
const SNAPSHOT: &[&str] = &["producer.final_snapshot=true"];

/// What an RA3 producer, two consumers and their load balancer are updated with, in all their parts.
const UPDATE: &[&str] = &[
    "producer.parameters={ query_group = \"bi\", search_path = \"ours\" }",
    "producer.node_count=4",
    "producer.logging=[\"connectionlog\"]",
    "producer.s3_buckets=[\"other-*\"]",
    "producer.usage_limits=[{ feature = \"spectrum\", amount = 7, period = \"daily\" }]",
    "producer.pause.stop=\"cron(0 22 ? 6 FRI *)\"",
    "producer.snapshot_schedule=\"cron(30 12 *)\"",
    "consumers.reporting.query_timeout=\"20m\"",
    "consumers.analytics.usage_limit={ period = \"daily\", rpu_hours = 50 }",
    "nlb.deregistration_delay=\"30s\"",
    "nlb.custom_domain.certificate_arn=\"arn:aws:acm:us-west-2:123456789012:certificate/sandbox-2\"",
    "networking.allowed_cidrs=[\"192.168.0.0/16\"]",
    "tags.team=\"data\"",
    "datashares.airline_share.tables=[\"public.dim_date\"]",
    "datashares.airline_share.schemas=[]",
    "datashares.airline_share.publicly_accessible=true",
];

#[tokio::test(start_paused = true)]
async fn of_an_apply() {
    Course::apply(FULL).survives().await;
}

#[tokio::test(start_paused = true)]
async fn of_an_update() {
    Course::change(FULL, UPDATE).survives().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_replacement_that_creates_first() {
    let addresses = ["producer/parameter-group", "producer/role", "nlb/target-group-5439"];
    Course::replacement(FULL, &addresses).survives().await;
    let groups = ["networking/nlb-security-group", "networking/producer-security-group"];
    Course::replacement(FULL, &groups).survives().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_replacement_that_deletes_first() {
    let addresses = [
        "producer/logging",
        "producer/snapshot-copy-grant",
        "producer/usage-limit-spectrum-monthly",
        "producer/subnet-group",
        "consumer-reporting-1/custom-domain",
    ];
    Course::replacement(FULL, &addresses).survives().await;
    // Another database is another cluster; the old one leaves its snapshot.
    let another: &[&str] = &["producer.final_snapshot=true", "producer.database=\"other_dw\""];
    Course { made_with: Some(SNAPSHOT), ..Course::change(FULL, another) }.survives().await;
}

const RESTORE: &[&str] = &["producer.restore.snapshot=backup"];

#[tokio::test(start_paused = true)]
async fn of_a_restore() {
    let course = |toml| Course { made_with: Some(&[]), backed_up: true, sets: RESTORE, ..Course::apply(toml) };
    course(SMALL_CLUSTER).every(3).survives().await;
    course(SMALL_SHARING).every(3).survives().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_destroy() {
    Course::destroy(FULL, &[]).goes(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_destroy_that_leaves_a_snapshot_and_its_key() {
    Course::destroy(SMALL_SHARING, SNAPSHOT).every(7).goes(&[("keys", 1), ("snapshots", 1)]).await;
    Course::destroy(FULL, SNAPSHOT).every(7).goes(&[("keys", 1), ("cluster snapshots", 1)]).await;
}

#[tokio::test(start_paused = true)]
async fn of_an_apply_that_is_then_given_up() {
    Course::apply(FULL).every(5).goes(&[]).await;
}

/// What was being created when it was cut off, and is then to be replaced, is found all the same.
#[tokio::test(start_paused = true)]
async fn of_an_apply_whose_parts_are_then_replaced() {
    let parts = ["nlb/target-group-5439", "networking/nlb-security-group"];
    let next = Options { replace: select(&parts), ..Options::default() };
    Course::apply(TINY).then(&next).await;
}

/// A serverless producer has kinds of its own.
#[tokio::test(start_paused = true)]
async fn of_the_life_of_a_serverless_producer() {
    Course::apply(SMALL_SHARING).every(5).survives().await;
    let sets = &["producer.max_capacity=32", "producer.s3_buckets=[]", "producer.logging=[\"connectionlog\"]"];
    Course::change(SMALL_SHARING, sets).survives().await;
    Course::replacement(SMALL_SHARING, &["nlb/listener-5439", "networking/nlb-security-group"])
        .every(3)
        .survives()
        .await;
    Course::destroy(SMALL_SHARING, &[]).every(7).goes(&[]).await;
}

/// Interrupts an apply after so many seconds of AWS time.
async fn interrupted(estate: &mut Estate, options: &Options, after: u64) -> Outcome {
    let (flip, interrupt) = watch::channel(None);
    let clock = estate.clock.clone();
    let user = tokio::spawn(async move {
        clock.sleep(Duration::from_secs(after)).await;
        flip.send(Some(Duration::from_secs(5))).unwrap();
        flip
    });
    let store = Arc::clone(&estate.store) as Arc<dyn Store>;
    let outcome = estate.run_on(options, store, interrupt).await;
    drop(user.await.unwrap());
    outcome
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_starts_nothing_more_and_loses_nothing() {
    let mut reference = Estate::bare(SMALL_SHARING);
    reference.apply().await;
    for after in [0, 1, 4, 30, 310, 330] {
        let mut estate = Estate::bare(SMALL_SHARING);
        let outcome = interrupted(&mut estate, &Options::default(), after).await;
        assert_eq!(outcome.failed.len(), 0, "{:#?}", outcome.failed);
        assert!(!outcome.is_complete(), "after {after} s");
        assert!(outcome.seconds < (after + 1) as f64, "stopped after {} s", outcome.seconds);
        if after < 300 {
            assert!(!outcome.skipped.is_empty());
        }
        estate.converge(&Options::default()).await;
        assert_eq!(estate.inventory(), reference.inventory(), "after {after} s");
        // A destroy takes 280 s of its own.
        let outcome = interrupted(&mut estate, &destroying(&[]), after.min(250)).await;
        assert!(outcome.failed.is_empty() && !outcome.is_complete(), "{:#?}", outcome.failed);
        let outcome = estate.run(&destroying(&[])).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new());
    }
}
