//! Preflight: for every check a scene in which it speaks up, word for word; the same plan where all is well; what it says
//! when it may not ask; and that the sandbox refuses at the very call that the finding names.

mod budget;
mod scenes;

use crate::harness::*;
use rsds::{
    apply::Trouble,
    config::Severity,
    failure::Failure,
    plan::Options,
    preflight::{Checked, Finding, Outcome, Report},
    sandbox::{AwsError, Fault, How},
    state::{State, Store},
};
use std::collections::BTreeSet;

/// Columns of a golden page.
const WIDTH: usize = 100;

/// An estate as it is found, and what is asked of it.
pub(crate) struct Scene {
    pub(crate) estate: Estate,
    pub(crate) options: Options,
    /// Whether an apply without preflight is refused where the finding says. Not so where it is a warning about what
    /// works badly.
    pub(crate) refused: bool,
}

impl Scene {
    /// A new estate, with a state that begins.
    pub(crate) async fn of(toml: &str) -> Self {
        let estate = Estate::new(toml);
        let scene = Self { estate, options: Options::default(), refused: true };
        scene.begin("00000000-0000-4000-8000-000000000000").await;
        scene
    }

    /// The estate once it stands.
    pub(crate) async fn built(toml: &str) -> Self {
        let mut scene = Self::of(toml).await;
        scene.estate.apply().await;
        scene
    }

    /// Begins the state anew, whatever stands: what the tags say is then somebody else's.
    pub(crate) async fn forget(&self) {
        self.begin("11111111-1111-4111-8111-111111111111").await;
    }

    async fn begin(&self, lineage: &str) {
        self.estate.store.save(&State::pristine("airline", "dev", lineage.to_owned())).await.unwrap();
    }

    pub(crate) fn with(mut self, sets: &[&str]) -> Self {
        self.estate.sets.extend(sets.iter().map(|&set| set.to_owned()));
        self
    }

    pub(crate) fn quota(self, key: &str, limit: u64) -> Self {
        self.estate.quota(key, limit);
        self
    }

    pub(crate) fn edit(self, edit: impl FnOnce(&mut rsds::sandbox::World)) -> Self {
        self.estate.sandbox.edit(edit).unwrap();
        self
    }

    /// No call is refused: it comes about, and works badly.
    pub(crate) fn works_badly(mut self) -> Self {
        self.refused = false;
        self
    }
}

async fn examine(estate: &Estate, options: &Options) -> Report {
    match estate.open().await.unwrap().examine(options, true).await {
        Ok(report) => report,
        Err(failure) => panic!("{}", text(&failure)),
    }
}

fn check<'a>(report: &'a Report, name: &str) -> &'a Checked {
    report.checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}"))
}

/// Demands that the check speaks up, in these words; that it says so when it may not ask; and that it is right.
async fn speaks_up(name: &str, snapshot: &str, mut scene: Scene) {
    let report = examine(&scene.estate, &scene.options).await;
    let found = check(&report, name).clone();
    assert!(matches!(found.outcome, Outcome::Failed | Outcome::Warned), "{found:#?}");
    let page: Vec<String> =
        found.findings.iter().map(|finding| finding.shown.as_ref().unwrap().render(false, WIDTH)).collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(snapshot, steady(&page.join("\n\n"))));
    if scene.estate.state().entries.is_empty() {
        may_not_ask(&scene.estate, &scene.options, name).await;
    }
    let errors: Vec<&Finding> = found.findings.iter().filter(|f| f.severity == Severity::Error).collect();
    if !errors.is_empty() {
        stops(&scene.estate, &scene.options).await;
    }
    if scene.refused {
        is_right(&mut scene.estate, &scene.options, &found.findings).await;
    }
}

/// The page without ids that hang on what else there is: 17 hexadecimal digits, and the end of a final snapshot's name.
fn steady(page: &str) -> String {
    let hex = |text: &str| text.chars().take_while(char::is_ascii_hexdigit).count();
    let mut out = String::new();
    let mut rest = page;
    while let Some(c) = rest.chars().next() {
        let digits = if out.ends_with('-') { hex(rest) } else { 0 };
        if digits == 17 || digits == 8 && out.ends_with("-final-") {
            out.push_str(&"#".repeat(digits));
            rest = &rest[digits..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// An error stops the plan, and nothing has been changed.
async fn stops(estate: &Estate, options: &Options) {
    estate.sandbox.take_calls();
    match estate.plan(options).await {
        Err(Failure::Preflight(report)) => assert!(report.fails()),
        Err(failure) => panic!("{}", text(&failure)),
        Ok(_) => panic!("a plan was made"),
    }
    // A warehouse is asked by a statement.
    let asks = |call: &rsds::sandbox::Call| !call.mutating || call.operation == "BatchExecuteStatement";
    assert!(estate.sandbox.take_calls().iter().all(asks));
}

/// Each question refused: the check could not be made, says which permission it wants, and stops nothing.
async fn may_not_ask(estate: &Estate, options: &Options, name: &str) {
    let asked = check(&examine(estate, options).await, name).asked.clone();
    for action in asked {
        let (service, operation) = action.split_once(':').unwrap();
        let service = if service == "tag" { "tagging" } else { service };
        let error = AwsError::new("AccessDenied", "not authorized").status(403);
        let fault =
            Fault { operation: format!("{service}:{operation}"), nth: 1, times: usize::MAX, how: How::Error(error) };
        estate.sandbox.inject(fault);
        let report = examine(estate, options).await;
        estate.sandbox.disarm();
        let made = check(&report, name);
        assert_eq!(made.outcome, Outcome::Unable, "{name} without {action}: {made:#?}");
        let told = report.warnings();
        let helps = |d: &rsds::config::Diagnostic| d.help.as_deref().is_some_and(|help| help.contains(action));
        assert!(told.iter().any(helps), "{name} without {action}: {told:#?}");
    }
}

/// Applies without asking beforehand: the calls that the findings name are refused, or what they wait for was.
async fn is_right(estate: &mut Estate, options: &Options, findings: &[Finding]) {
    estate.preflight = false;
    let outcome = estate.run(options).await;
    let mut met = 0;
    for finding in findings {
        let refused = outcome.failed.iter().any(|(address, _, trouble)| {
            let refused = match trouble {
                Trouble::Aws { fault, .. } => fault.call == finding.call || fault.message.contains(&finding.call),
                // What AWS said of the name, with whose it is.
                other => other.to_string().contains("exists already"),
            };
            finding.addresses.contains(address) && refused
        });
        let never_tried = finding.addresses.iter().all(|address| outcome.skipped.iter().any(|(one, _)| one == address));
        assert!(refused || never_tried, "{finding:#?}\nfailed {:#?}\nskipped {:?}", outcome.failed, outcome.skipped);
        met += usize::from(refused);
    }
    assert!(met > 0, "nothing was refused: {:#?}", outcome.failed);
}

/// Every check has a scene.
#[tokio::test(start_paused = true)]
async fn every_check_has_a_scene() {
    let scene = Scene::of(crate::scene::FULL).await;
    let all: BTreeSet<&str> =
        examine(&scene.estate, &scene.options).await.checks.iter().map(|check| check.name).collect();
    let shown: BTreeSet<&str> = scenes::CHECKS.iter().copied().collect();
    assert_eq!(all, shown);
}

/// What the preflight passes, the apply does: on what users start from, and each check that is needed there passes.
#[tokio::test(start_paused = true)]
async fn what_passes_is_done() {
    for env in ["dev", "staging", "prod"] {
        let mut estate = Estate::shipped(env);
        let report = examine(&estate, &Options::default()).await;
        let odd: Vec<&Checked> =
            report.checks.iter().filter(|c| !matches!(c.outcome, Outcome::Passed | Outcome::NotNeeded)).collect();
        assert!(odd.is_empty(), "{env}: {odd:#?}");
        estate.apply().await;
        estate.settled().await;
    }
}

/// What an earlier run of the same state has made is taken over by the apply: its name is no reason.
#[tokio::test(start_paused = true)]
async fn what_is_ours_is_in_nobodys_way() {
    let scene = Scene::built(crate::scene::TINY).await;
    let mut state = scene.estate.state();
    for address in ["consumer-reporting-1/workgroup", "nlb/load-balancer"] {
        state.entries.remove(&address.parse().unwrap()).unwrap();
    }
    scene.estate.store.save(&state).await.unwrap();
    let report = examine(&scene.estate, &scene.options).await;
    assert!(!report.fails() && report.warnings().is_empty(), "{report:#?}");
}

/// All that an estate may have, made and taken away: every check that is needed passes.
#[tokio::test(start_paused = true)]
async fn all_is_well() {
    let mut scene = Scene::of(crate::scene::FULL).await;
    let passed = |report: &Report| {
        let outcomes: Vec<(&str, Outcome)> = report.checks.iter().map(|check| (check.name, check.outcome)).collect();
        let odd = outcomes.iter().any(|(_, outcome)| !matches!(outcome, Outcome::Passed | Outcome::NotNeeded));
        assert!(!odd, "{outcomes:#?}");
        outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).count()
    };
    assert!(passed(&examine(&scene.estate, &scene.options).await) >= 18);
    scene.estate.apply().await;
    // A plan without changes asks nothing.
    assert_eq!(passed(&examine(&scene.estate, &scene.options).await), 0);
    assert!(passed(&examine(&scene.estate, &destroying(&[])).await) >= 1);
}
