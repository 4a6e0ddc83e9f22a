//! What came of an apply: what is done, what failed and why, what was not started, and what to type next.
//!
//! Called by `apply` and `destroy` of the CLI when the work is over. Must never call something done that is not.

mod markdown;

pub use markdown::OutcomeView;

use super::{
    duration::seconds,
    hints::{Hint, of_trouble},
    style::{Styled, lines},
    words,
};
use crate::{
    address::Address,
    apply::{Outcome, Trouble},
    plan::{Action, Plan, Reason, Verb},
};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

type Lines = Vec<(Styled, usize)>;

/// Writes what came of an apply; without colour and ending in a line end. `retry_command` is what to type when
/// something is left to do.
pub fn outcome(outcome: &Outcome, plan: &Plan, state_place: &str, retry_command: &str) -> String {
    let took = seconds(outcome.seconds);
    let what = kind_of(plan);
    let done = done(outcome, plan);
    if outcome.is_complete() {
        let done = if done.is_empty() { "nothing to do".to_owned() } else { done };
        return format!("{what} complete: {done} in {took}.\n");
    }
    let mut page = Page::default();
    page.say(0, format!("{what} incomplete after {took}: {}.", tally(outcome, plan)));
    if !done.is_empty() {
        page.gap();
        page.say(0, format!("Done: {done}."));
    }
    failures(outcome, &mut page);
    if !outcome.interrupted.is_empty() {
        page.gap();
        page.say(0, "Interrupted; the next run goes on from here:".to_owned());
        for (address, verb) in &outcome.interrupted {
            page.say(2, format!("{address}: {}", words::verb(*verb)));
        }
    }
    unstarted(outcome, plan, &mut page);
    page.gap();
    page.say(0, format!("Everything that is done is recorded in {state_place}. To go on, type:"));
    page.say(2, retry_command.to_owned());
    lines(page.0, false, usize::MAX)
}

/// The same as the last line of an apply's events: `rsds.event/1`, event `outcome`.
pub fn outcome_json(outcome: &Outcome, plan: &Plan) -> Json {
    let ops = |ops: &[(Address, Verb)]| {
        ops.iter().map(|(address, verb)| json!({ "address": address, "verb": verb })).collect::<Vec<_>>()
    };
    let failed = outcome.failed.iter().map(|(address, verb, trouble)| {
        json!({
            "address": address,
            "verb": verb,
            "message": trouble.to_string(),
            "trouble": trouble,
            "hint": of_trouble(trouble),
        })
    });
    let because = causes(outcome, plan);
    let skipped = outcome
        .skipped
        .iter()
        .map(|(address, verb)| json!({ "address": address, "verb": verb, "because": because.get(&(address, *verb)) }));
    json!({
        "format": "rsds.event/1",
        "event": "outcome",
        "complete": outcome.is_complete(),
        "seconds": outcome.seconds,
        "done": ops(&outcome.done),
        "failed": failed.collect::<Vec<_>>(),
        "interrupted": ops(&outcome.interrupted),
        "skipped": skipped.collect::<Vec<_>>(),
    })
}

/// Lines with their indentation.
#[derive(Default)]
struct Page(Lines);

impl Page {
    fn say(&mut self, indent: usize, text: String) {
        self.0.push((Styled::new().text(" ".repeat(indent)).text(text), indent + 2));
    }

    fn gap(&mut self) {
        self.0.push((Styled::new(), 0));
    }
}

fn is_destroy(plan: &Plan) -> bool {
    let mut touched = plan.touched().peekable();
    touched.peek().is_some() && touched.all(|change| change.reasons.contains(&Reason::Destroy))
}

/// What a run was.
fn kind_of(plan: &Plan) -> &'static str {
    let imports = plan.touched().next().is_some() && plan.touched().all(|change| change.action == Action::Import);
    match (is_destroy(plan), imports) {
        (true, _) => "Destroy",
        (false, true) => "Import",
        (false, false) => "Apply",
    }
}

/// Counts the resources of which everything is done: `31 created, 1 replaced`.
fn done(outcome: &Outcome, plan: &Plan) -> String {
    let done: BTreeSet<(&Address, Verb)> = outcome.done.iter().map(|(address, verb)| (address, *verb)).collect();
    let mut counts: BTreeMap<usize, (&str, usize)> = BTreeMap::new();
    for change in plan.changes.values() {
        let mut ops = plan.ops.iter().filter(|op| op.address == change.address).peekable();
        if ops.peek().is_none() || !ops.all(|op| done.contains(&(&op.address, op.verb))) {
            continue;
        }
        let (rank, word) = match change.action {
            Action::Create => (0, "created"),
            Action::Update => (1, "updated"),
            Action::Replace(_) => (2, "replaced"),
            Action::Delete => (3, "deleted"),
            Action::Resume => (4, "completed"),
            Action::Keep | Action::Forget => (5, "forgotten"),
            Action::NoOp => (6, "rid of a predecessor"),
            Action::Refresh => (7, "refreshed"),
            Action::Import => (8, "imported"),
        };
        counts.entry(rank).or_insert((word, 0)).1 += 1;
    }
    counts.values().map(|(word, number)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
}

fn tally(outcome: &Outcome, plan: &Plan) -> String {
    let parts = [
        (outcome.failed.len(), "failed"),
        (outcome.interrupted.len(), "interrupted"),
        (outcome.skipped.len(), "not started"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!(", {number} {word}"));
    let all = words::count(plan.ops.len(), "operation");
    format!("{} of {all} done{}", outcome.done.len(), parts.collect::<String>())
}

fn failures(outcome: &Outcome, page: &mut Page) {
    if outcome.failed.is_empty() {
        return;
    }
    page.gap();
    page.say(0, "Failed:".to_owned());
    let mut given: Vec<Hint> = Vec::new();
    for (address, verb, trouble) in &outcome.failed {
        page.say(2, format!("{address}: {}", words::verb(*verb)));
        page.say(4, trouble.to_string());
        if let Trouble::Aws { tries: tries @ 2.., seconds: over, .. } = trouble {
            page.say(4, format!("tried {tries} times over {}", seconds(*over)));
        }
        match of_trouble(trouble) {
            Some(hint) if given.contains(&hint) => page.say(4, "help: as above".to_owned()),
            Some(hint) => {
                page.say(4, format!("likely: {}", hint.cause));
                page.say(4, format!("help: {}", hint.cure));
                given.push(hint);
            }
            None => {}
        }
    }
}

fn unstarted(outcome: &Outcome, plan: &Plan, page: &mut Page) {
    if outcome.skipped.is_empty() {
        return;
    }
    let causes = causes(outcome, plan);
    let mut groups: BTreeMap<Option<&Address>, Vec<&Address>> = BTreeMap::new();
    for (address, verb) in &outcome.skipped {
        let group = groups.entry(causes.get(&(address, *verb)).copied()).or_default();
        // Both halves of a replacement wait for the same thing.
        if group.last() != Some(&address) {
            group.push(address);
        }
    }
    page.gap();
    page.say(0, "Not started:".to_owned());
    for (cause, addresses) in groups {
        let why = match cause {
            Some(cause) => format!("because {cause} is not done"),
            None => "because the run was interrupted".to_owned(),
        };
        page.say(2, why);
        addresses.into_iter().for_each(|address| page.say(4, address.to_string()));
    }
}

/// Finds, for each operation that was not started, a failed or interrupted one that it waited for.
fn causes<'a>(outcome: &'a Outcome, plan: &'a Plan) -> BTreeMap<(&'a Address, Verb), &'a Address> {
    let failed = outcome.failed.iter().map(|(address, verb, _)| (address, *verb));
    let broken: BTreeSet<(&Address, Verb)> =
        failed.chain(outcome.interrupted.iter().map(|(address, verb)| (address, *verb))).collect();
    let mut causes = BTreeMap::new();
    for (address, verb) in &outcome.skipped {
        let start = plan.ops.iter().position(|op| op.address == *address && op.verb == *verb);
        let (mut open, mut seen) = (Vec::from_iter(start), BTreeSet::new());
        while let Some(at) = open.pop() {
            let Some(op) = plan.ops.get(at).filter(|_| seen.insert(at)) else { continue };
            if broken.contains(&(&op.address, op.verb)) {
                causes.insert((address, *verb), &op.address);
                break;
            }
            open.extend(op.needs.iter().map(|need| need.op));
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        aws::Fault,
        ui::sample::{address, change, fresh, op, plan},
    };

    fn vpc() -> Address {
        address("networking/vpc")
    }

    fn workgroup() -> Address {
        address("consumer-a-2/workgroup")
    }

    #[test]
    fn success_is_one_line() {
        let done = vec![(vpc(), Verb::Create), (workgroup(), Verb::Create)];
        let all = Outcome { done, seconds: 372.0, ..Outcome::default() };
        let text = outcome(&all, &fresh(), ".rsds/dev/state.json", "rsds apply");
        assert_eq!(text, "Apply complete: 2 created in 6m12s.\n");
    }

    #[test]
    fn a_replacement_counts_once_and_only_when_both_halves_are_done() {
        let replaced = change("a/b", Action::Replace(crate::kind::Order::DeleteFirst), &[], vec![]);
        let plan = plan(vec![replaced], vec![op("a/b", Verb::Delete, 1, &[]), op("a/b", Verb::Create, 1, &[0])]);
        let half = Outcome { done: vec![(address("a/b"), Verb::Delete)], ..Outcome::default() };
        assert_eq!(done(&half, &plan), "");
        let both = Outcome { done: plan.ops.iter().map(|op| (op.address.clone(), op.verb)).collect(), ..half };
        assert_eq!(done(&both, &plan), "1 replaced");
    }

    #[test]
    fn a_destroy_is_called_one() {
        let plan = plan(
            vec![change("a/b", Action::Delete, &[Reason::Destroy], vec![])],
            vec![op("a/b", Verb::Delete, 1, &[])],
        );
        let all = Outcome { done: vec![(address("a/b"), Verb::Delete)], seconds: 2.0, ..Outcome::default() };
        assert_eq!(outcome(&all, &plan, "", ""), "Destroy complete: 1 deleted in 2s.\n");
    }

    fn partly() -> Outcome {
        let mut fault = Fault::answered("ec2:CreateVpc", "VpcLimitExceeded", "The maximum number of VPCs is reached.");
        fault.request_id = Some("req-1".into());
        Outcome {
            failed: vec![(vpc(), Verb::Create, Trouble::Aws { fault, tries: 3, seconds: 20.0 })],
            skipped: vec![(workgroup(), Verb::Create)],
            seconds: 21.0,
            ..Outcome::default()
        }
    }

    #[test]
    fn failure_says_what_why_and_what_next() {
        let text = outcome(&partly(), &fresh(), ".rsds/dev/state.json", "rsds apply --env dev");
        insta::assert_snapshot!(text, @r"
        Apply incomplete after 21s: 0 of 2 operations done, 1 failed, 1 not started.

        Failed:
          networking/vpc: create
            ec2:CreateVpc answered VpcLimitExceeded: The maximum number of VPCs is reached. (request req-1)
            tried 3 times over 20s
            likely: the region has as many VPCs as the account may have (5 by default)
            help: delete one, raise quota L-F678F1CE in Service Quotas, or use an existing one: [networking] vpc_id

        Not started:
          because networking/vpc is not done
            consumer-a-2/workgroup

        Everything that is done is recorded in .rsds/dev/state.json. To go on, type:
          rsds apply --env dev
        ");
    }

    #[test]
    fn json_names_the_cause_of_what_was_not_started() {
        let json = outcome_json(&partly(), &fresh());
        assert_eq!(json["skipped"][0]["because"], "networking/vpc");
        assert_eq!(json["failed"][0]["trouble"]["fault"]["request_id"], "req-1");
        assert!(json["failed"][0]["hint"]["cure"].as_str().unwrap().contains("vpc_id"));
        assert_eq!(json["complete"], false);
    }
}
