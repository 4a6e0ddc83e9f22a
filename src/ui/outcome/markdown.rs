//! What came of an apply, for a comment and as annotations: failures first and open, what is done folded.
//!
//! Called through `OutcomeView`.

use super::{Page as Lines, done, failures, kind_of, outcome, outcome_json, tally, unstarted};
use crate::{
    address::Address,
    apply::Outcome,
    plan::{Plan, Verb},
    ui::{
        duration::seconds,
        github::{Annotation, Level, Spot},
        hints::of_trouble,
        markdown::{Block, Entry, Page, Subject, code},
        order,
        style::lines,
        view::View,
        words,
    },
};
use serde_json::Value as Json;

/// What came of an apply, with what the views need besides.
pub struct OutcomeView<'a> {
    /// What came of it.
    pub outcome: &'a Outcome,
    /// What was to be done.
    pub plan: &'a Plan,
    /// Where the state is.
    pub state_place: &'a str,
    /// What to type when something is left to do.
    pub again: &'a str,
    /// Where the TOML has what a TOML key names.
    pub spot_of: &'a dyn Fn(&str) -> Option<Spot>,
}

impl View for OutcomeView<'_> {
    fn human(&self, _: bool, _: usize) -> String {
        outcome(self.outcome, self.plan, self.state_place, self.again)
    }

    fn json(&self) -> Json {
        outcome_json(self.outcome, self.plan)
    }

    fn markdown(&self, subject: Subject<'_>) -> String {
        let Self { outcome, plan, .. } = self;
        let verb = kind_of(plan);
        let took = seconds(outcome.seconds);
        let said = match (outcome.is_complete(), done(outcome, plan)) {
            (true, done) if done.is_empty() => format!("{verb} complete: nothing to do."),
            (true, done) => format!("{verb} complete: {done} in {took}."),
            (false, _) => format!("{verb} incomplete after {took}: {}.", tally(outcome, plan)),
        };
        let mut blocks = vec![self.failed(), self.interrupted(), self.not_started()];
        blocks.extend(self.done());
        blocks.retain(|block| !block.entries.is_empty());
        let foot = match outcome.is_complete() {
            true => String::new(),
            false => {
                let (place, again) = (code(self.state_place), code(self.again));
                format!("\nEverything that is done is recorded in {place}. To go on: {again}\n")
            }
        };
        Page { head: subject.head(&said), blocks, foot }.fit(subject.everything)
    }

    fn annotations(&self) -> Vec<Annotation> {
        let one = |(address, verb, trouble): &(Address, Verb, crate::apply::Trouble)| {
            let origin = self.plan.changes.get(address).and_then(|change| change.origin.as_deref());
            let hint = of_trouble(trouble).map(|hint| format!("\nlikely: {}\nhelp: {}", hint.cause, hint.cure));
            Annotation {
                level: Level::Error,
                spot: origin.and_then(self.spot_of),
                title: format!("{address}: {} failed", words::verb(*verb)),
                message: format!("{trouble}{}", hint.unwrap_or_default()),
            }
        };
        self.outcome.failed.iter().map(one).collect()
    }
}

fn block(title: String, open: bool, noun: &'static str, entries: Vec<Entry>) -> Block {
    Block { title, open, language: "text", noun, entries }
}

/// Lines as entries of one line each; the lightest go first.
fn each_line(page: Lines, weight: u8) -> Vec<Entry> {
    let text = lines(page.0, false, usize::MAX);
    let entry = |line: &str| Entry {
        full: format!("{}\n", line.strip_prefix("  ").unwrap_or(line)),
        brief: String::new(),
        weight,
    };
    // The first line is the title of the fold.
    text.lines().skip_while(|line| line.is_empty()).skip(1).map(entry).collect()
}

impl OutcomeView<'_> {
    fn failed(&self) -> Block {
        let mut page = Lines::default();
        failures(self.outcome, &mut page);
        block(
            format!("Failed: {}", words::count(self.outcome.failed.len(), "operation")),
            true,
            "line",
            each_line(page, 3),
        )
    }

    fn interrupted(&self) -> Block {
        let line = |(address, verb): &(Address, Verb)| format!("{address}: {}\n", words::verb(*verb));
        let all = &self.outcome.interrupted;
        let entries = all.iter().map(|op| Entry { full: line(op), brief: String::new(), weight: 2 }).collect();
        block("Interrupted; the next run goes on from here".to_owned(), true, "line", entries)
    }

    fn not_started(&self) -> Block {
        let mut page = Lines::default();
        unstarted(self.outcome, self.plan, &mut page);
        let title = format!("Not started: {}", words::count(self.outcome.skipped.len(), "operation"));
        block(title, false, "line", each_line(page, 1))
    }

    fn done(&self) -> Vec<Block> {
        let groups = order::by_component(self.outcome.done.iter().map(|(address, verb)| (address, *verb)));
        let blocks = groups.into_iter().map(|(component, ops)| {
            let line = |(address, verb): (&Address, Verb)| format!("{address}: {}\n", words::done(verb));
            let title = format!("{component}: {} done", words::count(ops.len(), "operation"));
            let entries = ops.into_iter().map(|op| Entry { full: line(op), brief: String::new(), weight: 0 }).collect();
            block(title, false, "line", entries)
        });
        blocks.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apply::Trouble,
        aws::Fault,
        ui::sample::{address, fresh},
    };

    fn view<'a>(outcome: &'a Outcome, plan: &'a Plan) -> OutcomeView<'a> {
        let spot_of = &|key: &str| (key == "section").then(|| Spot { file: "dev.toml".into(), line: 3, column: 1 });
        OutcomeView { outcome, plan, state_place: ".rsds/dev/state.json", again: "rsds apply --env dev", spot_of }
    }

    const SUBJECT: Subject<'_> = Subject { command: "apply", environment: "dev", everything: "rsds apply --env dev" };

    fn partly() -> Outcome {
        let fault = Fault::answered("ec2:CreateVpc", "VpcLimitExceeded", "No more </details> ``` VPCs.");
        let vpc = address("networking/vpc");
        Outcome {
            failed: vec![(vpc, Verb::Create, Trouble::Aws { fault, tries: 3, seconds: 20.0 })],
            skipped: vec![(address("consumer-a-2/workgroup"), Verb::Create)],
            done: vec![(address("producer/key"), Verb::Create)],
            seconds: 21.0,
            ..Outcome::default()
        }
    }

    #[test]
    fn failures_are_open_and_the_rest_folded() {
        insta::assert_snapshot!(view(&partly(), &fresh()).markdown(SUBJECT), @r"
        ### <code>dev</code> · Apply incomplete after 21s: 1 of 2 operations done, 1 failed, 1 not started.
        <!-- rsds:apply:dev -->

        <details open><summary>Failed: 1 operation</summary>

        ````text
        networking/vpc: create
          ec2:CreateVpc: VpcLimitExceeded: No more </details> ``` VPCs.
          tried 3 times over 20s
          likely: the region has as many VPCs as the account may have (5 by default)
          help: delete one, raise quota L-F678F1CE in Service Quotas, or use an existing one: [networking] vpc_id
        ````

        </details>

        <details><summary>Not started: 1 operation</summary>

        ```text
        because networking/vpc is not done
          consumer-a-2/workgroup
        ```

        </details>

        <details><summary>producer: 1 operation done</summary>

        ```text
        producer/key: created
        ```

        </details>

        Everything that is done is recorded in <code>.rsds/dev/state.json</code>. To go on: <code>rsds apply --env dev</code>
        ");
    }

    #[test]
    fn failures_stand_at_their_lines() {
        let (outcome, plan) = (partly(), fresh());
        let told = view(&outcome, &plan).annotations();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].spot.as_ref().map(|spot| spot.line), Some(3));
        assert!(told[0].message.contains("VpcLimitExceeded") && told[0].message.contains("\nhelp: "), "{told:?}");
    }
}
