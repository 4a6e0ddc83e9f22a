//! The same sweep in rough weather: calls take time and break off, services fail and throttle, changes show late, compute
//! is short; before the crash and after it. Nothing may be orphaned, nothing doubled, and the plan right after is empty.
//!
//! `RSDS_CRASH_STRIDE=1 cargo test --locked --test rsds crash::rough -- --nocapture` takes every moment, and prints the
//! figures; `RSDS_CRASH_SEED` is another day of the same weather, `RSDS_CRASH_WEATHER` the file of another weather, such as
//! `src/sandbox/weather/rough.toml`.

use super::*;
use rsds::sandbox::Weather;
use std::collections::BTreeSet;

/// What a sweep found.
#[derive(Default)]
struct Figures {
    points: usize,
    moments: usize,
    swept: usize,
    /// Runs after a crash that did not do all there was to do.
    incomplete: Vec<String>,
    /// What the plan right after such a run would still do, or the one when all has landed.
    second_plans: Vec<String>,
    /// Things beyond those of the uninterrupted run, and what an address has two of.
    orphans: Vec<String>,
    doubles: Vec<String>,
    /// Things that run has and this one has not.
    missing: Vec<String>,
}

impl Figures {
    fn trouble(&self) -> Vec<&String> {
        let all = [&self.incomplete, &self.second_plans, &self.orphans, &self.doubles, &self.missing];
        all.into_iter().flatten().collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the test's own knobs")]
fn knob(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[expect(clippy::disallowed_methods, reason = "the test's own knobs")]
fn rough() -> Weather {
    let file = std::env::var("RSDS_CRASH_WEATHER").ok();
    let weather = file.map(|file| Weather::open(std::path::Path::new(&file)).unwrap_or_else(|why| panic!("{why}")));
    let seed = knob("RSDS_CRASH_SEED", 1) as u64;
    weather.map_or_else(|| Weather::rough(seed), |weather| Weather { seed, ..weather })
}

/// Plans and applies; why it did not do everything, if it did not.
async fn attempt(estate: &mut Estate, options: &Options) -> Result<(), String> {
    let session = estate.open().await.map_err(|failure| text(&failure))?;
    let plan = session.plan(options, true).await.map_err(|failure| text(&failure))?;
    let outcome = estate.carry_out(session, plan).await;
    let failed = outcome.failed.iter().map(|(address, verb, trouble)| format!("{verb:?} {address}: {trouble}"));
    if outcome.is_complete() { Ok(()) } else { Err(failed.collect::<Vec<_>>().join("; ")) }
}

/// What a plan would do, or why there is none.
async fn pending(estate: &Estate) -> Vec<String> {
    match estate.plan(&Options { refresh_sql: true, ..Options::default() }).await {
        Ok(plan) => brief(&plan),
        Err(failure) => vec![text(&failure)],
    }
}

/// Addresses that more than one thing carries.
async fn doubled(estate: &Estate) -> Vec<String> {
    let tagging = estate.somebody().await.tagging;
    let mut all = tagging.get_resources().into_paginator().items().send();
    let (mut once, mut twice) = (BTreeSet::new(), Vec::new());
    while let Some(resource) = all.next().await {
        let tags = resource.unwrap().tags.unwrap_or_default();
        let address = tags.into_iter().find(|tag| tag.key() == "rsds:address").map(|tag| tag.value);
        twice.extend(address.filter(|address| !once.insert(address.clone())));
    }
    twice
}

/// Brings an estate to its end by this run, in its weather, and says what is wrong with that.
async fn brought(estate: &mut Estate, next: &Options, what: &str, figures: &mut Figures) -> Inventory {
    if let Err(why) = attempt(estate, next).await {
        figures.incomplete.push(format!("{what}: {why}"));
        // To see what a second try makes of it.
        attempt(estate, next).await.ok();
    }
    for when in ["right after", "later"] {
        if !next.destroy {
            let left = pending(estate).await;
            figures.second_plans.extend((!left.is_empty()).then(|| format!("{what}: {when}: {}", left.join(", "))));
        }
        estate.clock.sleep(LATE * 2).await;
    }
    estate.sandbox.weather(Weather::default()).unwrap();
    if next.destroy && estate.store.last().is_some_and(|state| !state.entries.is_empty()) {
        figures.incomplete.push(format!("{what}: the state is not empty"));
    }
    figures.doubles.extend(doubled(estate).await.into_iter().map(|address| format!("{what}: {address}")));
    estate.inventory().into_iter().filter(|(_, count)| *count > 0).collect()
}

impl Course {
    /// Crashes in rough weather; the next run must end as it would have without.
    #[expect(clippy::print_stdout, reason = "the figures of the sweep, for `--nocapture`")]
    async fn swept_in_rough_weather(self, name: &str, next: &Options) {
        let mut figures = Figures::default();
        let course = Self { weather: rough(), ..self };
        let (mut reference, record) = course.recorded().await;
        let end = brought(&mut reference, next, "the reference", &mut figures).await;
        (figures.points, figures.moments) = (record.points(), record.moments.len());
        let stride = knob("RSDS_CRASH_STRIDE", course.stride);
        for (number, moment) in record.moments.iter().enumerate().step_by(stride) {
            let late = if moment.late.is_some() { "landing late, " } else { "" };
            let what = format!("moment {number} of {}: {late}before {}", record.moments.len(), moment.before);
            let mut estate = moment.found(course.toml, course.sets, LATE).await;
            let there = brought(&mut estate, next, &what, &mut figures).await;
            let kinds: BTreeSet<_> = there.keys().chain(end.keys()).collect();
            for kind in kinds {
                let count = |of: &Inventory| of.get(kind).copied().unwrap_or_default();
                let (now, then) = (count(&there), count(&end));
                let list = if now > then { &mut figures.orphans } else { &mut figures.missing };
                list.extend((now != then).then(|| format!("{what}: {now} {kind} for {then}")));
            }
            figures.swept += 1;
        }
        let Figures { points, moments, swept, incomplete, second_plans, orphans, doubles, missing } = &figures;
        println!(
            "{name} in rough weather: {points} points, {swept} of {moments} moments swept: {} orphans, {} doubles, {} \
             missing, {} second plans not empty, {} runs incomplete",
            orphans.len(),
            doubles.len(),
            missing.len(),
            second_plans.len(),
            incomplete.len()
        );
        assert!(figures.trouble().is_empty(), "{name}: {:#?}", figures.trouble());
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_apply() {
    Course::apply(FULL).every(29).swept_in_rough_weather("an apply", &Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn of_an_update() {
    Course::change(FULL, UPDATE).every(17).swept_in_rough_weather("an update", &Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_replacement() {
    let addresses =
        ["producer/role", "nlb/target-group-5439", "networking/nlb-security-group", "producer/subnet-group"];
    let course = Course::replacement(FULL, &addresses).every(17);
    course.swept_in_rough_weather("a replacement", &Options::default()).await;
}

#[tokio::test(start_paused = true)]
async fn of_a_destroy() {
    Course::destroy(FULL, &[]).every(17).swept_in_rough_weather("a destroy", &destroying(&[])).await;
}

#[tokio::test(start_paused = true)]
async fn of_an_apply_that_is_then_given_up() {
    Course::apply(FULL).every(29).swept_in_rough_weather("an apply given up", &destroying(&[])).await;
}

#[tokio::test(start_paused = true)]
async fn of_the_life_of_a_serverless_producer() {
    let sets = &["producer.max_capacity=32", "producer.s3_buckets=[]", "producer.logging=[\"connectionlog\"]"];
    Course::apply(SMALL_SHARING).every(29).swept_in_rough_weather("a serverless apply", &Options::default()).await;
    Course::change(SMALL_SHARING, sets)
        .every(17)
        .swept_in_rough_weather("a serverless update", &Options::default())
        .await;
}
