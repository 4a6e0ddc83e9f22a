//! Preflight: what can be known to fail fails in the plan, within seconds and all at once (aws-facts.md 12).
//!
//! `outline` says what the apply would do, `checks` what must hold for it, `survey` asks AWS what the checks need to
//! know: each question once, in three waves at most, the first while AWS is read for the plan. The checks are pure.
//! Called by `session` within every plan. Must never stop a run because a check could not be made: that is a warning that
//! names the permission it wants; and must never ask for what nothing of the plan hangs on.

mod checks;
mod finding;
mod outline;
mod survey;

pub use finding::Finding;
pub use survey::ACTIONS;

use crate::{
    aws::{Aws, Class, Fault},
    config::{Diagnostic, Environment, Origin, Severity, diagnostic::sort},
    plan::{Options, Plan, starts},
    stack::{Stack, section},
    state::State,
};
use checks::{CHECKS, Case, Check};
use outline::Outline;
use std::collections::BTreeSet;
use survey::{Ask, Facts};

/// The most waves of questions, the one beside the reading of AWS included.
const WAVES: usize = 3;

/// What came of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing of the plan concerns it.
    NotNeeded,
    /// All is well.
    Passed,
    /// Something is worth a second thought.
    Warned,
    /// The apply would fail.
    Failed,
    /// It could not be made.
    Unable,
}

/// One check, with what came of it.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its name.
    pub name: &'static str,
    /// What it makes sure of.
    pub title: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// The IAM actions of the questions it rests on.
    pub asked: Vec<&'static str>,
    /// What it found.
    pub findings: Vec<Finding>,
    /// Why it could not be made, with the permission that would help.
    pub unable: Vec<Diagnostic>,
}

/// What came of all checks.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order in which they are shown.
    pub checks: Vec<Checked>,
}

impl Report {
    /// Returns what stops an apply, sorted by where it is in the TOML.
    pub fn errors(&self) -> Vec<Diagnostic> {
        self.shown(Severity::Error)
    }

    /// Returns what does not stop it, what could not be looked at included.
    pub fn warnings(&self) -> Vec<Diagnostic> {
        let mut all = self.shown(Severity::Warning);
        for diagnostic in self.checks.iter().flat_map(|check| &check.unable) {
            // One refusal may keep several checks from being made.
            if !all.contains(diagnostic) {
                all.push(diagnostic.clone());
            }
        }
        all
    }

    fn shown(&self, severity: Severity) -> Vec<Diagnostic> {
        let findings = self.checks.iter().flat_map(|check| &check.findings).filter(|one| one.severity == severity);
        let mut all: Vec<Diagnostic> = findings.filter_map(|finding| finding.shown.clone()).collect();
        sort(&mut all);
        all
    }

    /// Tells whether an apply would fail.
    pub fn fails(&self) -> bool {
        self.checks.iter().any(|check| check.outcome == Outcome::Failed)
    }
}

/// Where the state is to be kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keeping {
    /// Whether that place was looked at: before the first apply, if it is one that may lack something.
    pub(crate) asked: bool,
    /// The place as people know it.
    pub(crate) place: String,
    /// What it lacks, or why nobody could look.
    pub(crate) lacks: Vec<String>,
}

/// An examination under way.
pub(crate) struct Preflight {
    facts: Facts,
    waves: usize,
    pub(crate) keeping: Keeping,
}

impl Preflight {
    pub(crate) fn new() -> Self {
        Self { facts: Facts::default(), waves: 0, keeping: Keeping::default() }
    }

    /// Asks what is certain to be needed, while AWS is still being read for the plan.
    pub(crate) async fn begin(
        &mut self,
        aws: &Aws,
        environment: &Environment,
        (stack, state): (&Stack, &State),
        options: &Options,
    ) {
        let outline = Outline::expected(stack, state, options);
        self.wave(aws, environment, stack, state, &outline).await;
    }

    /// Asks what the plan makes needed besides, and judges.
    pub(crate) async fn finish(
        mut self,
        aws: &Aws,
        environment: &Environment,
        (stack, state): (&Stack, &State),
        plan: &Plan,
    ) -> Report {
        let outline = Outline::of(plan, stack, state);
        while self.waves < WAVES && self.wave(aws, environment, stack, state, &outline).await {}
        let case = case(aws, environment, (stack, state), &outline, &self.facts, &self.keeping);
        let mut checks: Vec<Checked> = CHECKS.iter().map(|check| made(check, &case)).collect();
        let starts = starts(plan);
        for finding in checks.iter_mut().flat_map(|check| &mut check.findings) {
            let at = |address| starts.get(&(address, finding.verb)).copied();
            finding.after = finding.addresses.iter().filter_map(|address| at(address.clone())).min();
            let shown = shown(environment, finding);
            finding.shown = Some(shown);
        }
        Report { checks }
    }

    /// Asks everything that is open; whether there was anything.
    async fn wave(
        &mut self,
        aws: &Aws,
        environment: &Environment,
        stack: &Stack,
        state: &State,
        outline: &Outline<'_>,
    ) -> bool {
        let case = case(aws, environment, (stack, state), outline, &self.facts, &self.keeping);
        let asks = CHECKS.iter().filter_map(|check| (check.asks)(&case)).flatten();
        let open: BTreeSet<Ask> = asks.filter(|ask| !self.facts.has(ask)).collect();
        if open.is_empty() {
            return false;
        }
        self.waves += 1;
        self.facts.ask(aws, open).await;
        true
    }
}

fn case<'a>(
    aws: &'a Aws,
    environment: &'a Environment,
    (stack, state): (&'a Stack, &'a State),
    outline: &'a Outline<'a>,
    facts: &'a Facts,
    keeping: &'a Keeping,
) -> Case<'a> {
    let (account, region, caller) = (aws.account.as_str(), aws.region.as_str(), aws.caller.as_str());
    let skew = aws.traffic.skew();
    Case { environment, stack, state, outline, facts, account, region, caller, skew, keeping }
}

/// Makes one check, as far as its questions were answered.
fn made(check: &Check, case: &Case<'_>) -> Checked {
    let Check { name, title, asks, run } = *check;
    let (asked, findings, unable_yet) = (Vec::new(), Vec::new(), Vec::new());
    let mut checked = Checked { name, title, outcome: Outcome::NotNeeded, asked, findings, unable: unable_yet };
    let Some(asks) = asks(case) else { return checked };
    checked.asked = asks.iter().map(Ask::action).collect::<BTreeSet<_>>().into_iter().collect();
    checked.unable = unable(name, asks.iter().filter_map(|ask| Some((ask, case.facts.fault(ask)?))));
    checked.findings = if checked.unable.is_empty() { run(case) } else { Vec::new() };
    let worst = checked.findings.iter().map(|finding| finding.severity).min();
    checked.outcome = match (worst, checked.unable.is_empty()) {
        (Some(Severity::Error), _) => Outcome::Failed,
        (_, false) => Outcome::Unable,
        (Some(Severity::Warning), true) => Outcome::Warned,
        (None, true) => Outcome::Passed,
    };
    checked
}

/// Says why a check could not be made.
fn unable<'a>(check: &str, faults: impl Iterator<Item = (&'a Ask, &'a Fault)>) -> Vec<Diagnostic> {
    let mut told = BTreeSet::new();
    let faults = faults.filter(|(ask, _)| told.insert(ask.action()));
    let warning = |(ask, fault): (&Ask, &Fault)| {
        let help = match fault.class {
            Class::Denied => format!("give the caller the action {}", ask.action()),
            Class::Throttled => "the account is being throttled: run it again in a minute".to_owned(),
            Class::Transient => {
                format!("is the service offered in this region, and within reach? It needs {}", ask.action())
            }
            _ => format!("it needs the action {}", ask.action()),
        };
        let message = format!("the check `{check}` could not be made: {fault}");
        Diagnostic::warning(message, &Origin::Default).help(help)
    };
    faults.map(warning).collect()
}

/// Puts a finding at its place in the TOML.
fn shown(environment: &Environment, finding: &Finding) -> Diagnostic {
    let own = finding.addresses.first().map(section).unwrap_or_default();
    let key = if finding.key.is_empty() { own } else { finding.key.clone() };
    let at = environment.error(&key, crate::config::Spot::Key, finding.message());
    let mut diagnostic = Diagnostic { severity: finding.severity, ..at };
    for note in finding.notes() {
        diagnostic = diagnostic.note(note);
    }
    diagnostic.maybe_help((!finding.help.is_empty()).then(|| finding.help.clone()))
}
