//! The plan for a comment on a pull request: what goes or is replaced first and open, the rest folded by component.
//!
//! Called through `PlanView`. The lines are those of the plan for people.

use super::{PlanView, human::Page as Human};
use crate::{
    kind::Disruption,
    plan::{Action, Change},
    ui::{
        markdown::{Block, Entry, Page, Subject, code, list, sentence, text},
        style::lines,
        words,
    },
};

/// Columns within which values of a creation are shortened.
const WIDTH: usize = 110;

impl PlanView<'_> {
    /// Writes the plan as Markdown.
    pub fn markdown(&self, subject: Subject<'_>) -> String {
        let (mut heavy, mut blocks) = (Vec::new(), Vec::new());
        for (component, changes) in self.groups() {
            let (hard, soft): (Vec<&Change>, Vec<&Change>) = changes.into_iter().partition(|c| is_hard(c.action));
            heavy.extend(hard);
            if !soft.is_empty() {
                let title = format!("{component}: {}", tally(&soft));
                blocks.push(self.block(title, false, &soft));
            }
        }
        if !heavy.is_empty() {
            let title = format!("Replaced or deleted: {}", words::count(heavy.len(), "resource"));
            blocks.insert(0, self.block(title, true, &heavy));
        }
        let page = Page { head: self.head(subject), blocks, foot: String::new() };
        page.fit(subject.everything)
    }

    fn head(&self, subject: Subject<'_>) -> String {
        let mut sums: Human = Vec::new();
        self.sums(&mut sums);
        let sums = lines(sums, false, usize::MAX);
        let mut said = sums.lines();
        let mut head = subject.head(said.next().unwrap_or_default());
        said.for_each(|line| head.extend(["\n", &sentence(line), "\n"]));
        let impacts: Vec<String> = self.impacts();
        if !impacts.is_empty() {
            head.extend(["\n**What connections will notice**\n", &list(impacts)]);
        }
        if !self.warnings.is_empty() {
            head.extend(["\n**Warnings**\n", &list(self.warnings.iter().map(|warning| sentence(warning)))]);
        }
        head
    }

    /// What changes do to connections, by resource, the worst first.
    fn impacts(&self) -> Vec<String> {
        let told = |(grade, change): (Disruption, &Change)| {
            let mut said: Vec<String> = change.sequence().into_iter().flat_map(|stage| stage.impact).collect();
            said.dedup();
            format!("**{}** {}: {}", grade.word(), code(&change.address.to_string()), text(&said.join("; ")))
        };
        let connections = self.plan.connections();
        connections.iter().filter(|(grade, _)| *grade != Disruption::None && !self.destroy).map(told).collect()
    }

    fn block(&self, title: String, open: bool, changes: &[&Change]) -> Block {
        let entries = changes.iter().map(|change| self.entry(change)).collect();
        Block { title, open, language: "diff", noun: "resource", entries }
    }

    fn entry(&self, change: &Change) -> Entry {
        let mut page: Human = Vec::new();
        self.resource(change, WIDTH, &mut page);
        // A sign must stand in the first column for the line to be coloured.
        let unwrapped = lines(page, false, usize::MAX);
        let mut out = unwrapped.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)));
        let brief = out.next().unwrap_or_default();
        let weight = match change.action {
            Action::NoOp => 0,
            Action::Create => 1,
            Action::Update | Action::Resume | Action::Keep | Action::Forget | Action::Refresh | Action::Import => 2,
            Action::Replace(_) | Action::Delete => 3,
        };
        Entry { full: brief.clone() + &out.collect::<String>(), brief, weight }
    }
}

const fn is_hard(action: Action) -> bool {
    matches!(action, Action::Replace(_) | Action::Delete)
}

/// Counts actions in the order in which they first stand there: `3 create, 1 update`.
fn tally(changes: &[&Change]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for change in changes {
        let (_, word, _) = words::action(change.action);
        match counts.iter_mut().find(|(counted, _)| *counted == word) {
            Some((_, number)) => *number += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.iter().map(|(word, number)| format!("{number} {word}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kind::Order,
        plan::{FieldChange, Plan, Reason, Verb},
        ui::{
            markdown::LIMIT,
            sample::{change, impact, known, op, plan},
        },
    };
    use serde_json::{Value as Json, json};

    const SUBJECT: Subject<'_> = Subject { command: "plan", environment: "prod", everything: "rsds plan --env prod" };

    fn markdown(plan: &Plan, warnings: &[&str]) -> String {
        let origin = |key: &str| (key == "section").then(|| "environments/prod.toml:41".to_owned());
        let warnings = warnings.iter().map(|warning| (*warning).to_owned()).collect();
        PlanView { plan, origin: &origin, destroy: false, limited: false, verbose: false, warnings }.markdown(SUBJECT)
    }

    #[test]
    fn what_goes_is_open_and_the_rest_is_folded() {
        let fields = vec![FieldChange { replaces: true, ..known("database", json!("a"), json!("b")) }];
        let wider = vec![FieldChange {
            impact: impact(Disruption::Reconnect, "running queries may be cancelled"),
            ..known("max_capacity", json!(64), json!(128))
        }];
        let plan = plan(
            vec![
                change(
                    "networking/vpc",
                    Action::Create,
                    &[Reason::New],
                    vec![known("cidr", Json::Null, json!("10.0.0.0/16"))],
                ),
                change("producer/workgroup", Action::Update, &[Reason::Changed], wider),
                change(
                    "consumer-a-1/namespace",
                    Action::Replace(Order::DeleteFirst),
                    &[Reason::Immutable("database".into())],
                    fields,
                ),
                change("nlb/old", Action::Delete, &[Reason::Removed], vec![]),
            ],
            vec![op("producer/workgroup", Verb::Update, 120, &[])],
        );
        insta::assert_snapshot!(markdown(&plan, &["environments/prod.toml:7: `x` is wide open"]), @r#"
        ### <code>prod</code> · Plan: 1 to create, 1 to update, 1 to replace, 1 to delete.
        <!-- rsds:plan:prod -->

        Typically about 2m; longest: producer/workgroup

        Connections: reconnect of producer/workgroup.

        **What connections will notice**
        - **reconnect** <code>producer/workgroup</code>: running queries may be cancelled

        **Warnings**
        - environments/prod.toml:7: &#96;x&#96; is wide open

        <details open><summary>Replaced or deleted: 2 resources</summary>

        ```diff
        -/+ replace (delete first) consumer-a-1/namespace (ec2.vpc) id-consumer-a-1-namespace · because database changes
            database: a -> b [replaces] (environments/prod.toml:41)
        - delete nlb/old (ec2.vpc) id-nlb-old · no longer in the TOML
        ```

        </details>

        <details><summary>networking: 1 create</summary>

        ```diff
        + create networking/vpc (ec2.vpc) (environments/prod.toml:41)
            cidr: 10.0.0.0/16
        ```

        </details>

        <details><summary>producer: 1 update</summary>

        ```diff
        ~ update producer/workgroup (ec2.vpc) id-producer-workgroup · typical 2m
            max_capacity: 64 -> 128 (environments/prod.toml:41)
            ! reconnect: running queries may be cancelled
        ```

        </details>
        "#);
    }

    #[test]
    fn no_changes_are_said_in_the_first_line() {
        let plan = plan(vec![change("networking/vpc", Action::NoOp, &[], vec![])], vec![]);
        let text = markdown(&plan, &[]);
        let first = "### <code>prod</code> · No changes. 1 resource is as the TOML says.\n<!-- rsds:plan:prod -->\n";
        assert_eq!(text, first);
    }

    #[test]
    fn a_page_fits_whatever_is_in_it() {
        let evil = "```</details>|`@team` ".repeat(500);
        let changes = (0..300).map(|n| {
            let (action, name) =
                (if n % 100 == 0 { Action::Delete } else { Action::Update }, format!("consumer-a-{n}/workgroup"));
            change(&name, action, &[Reason::Changed], vec![known("description", json!("x"), json!(evil))])
        });
        let plan = plan(changes.collect(), vec![op("consumer-a-1/workgroup", Verb::Update, 120, &[])]);
        let text = markdown(&plan, &[&evil]);
        assert!(text.len() <= LIMIT, "{}", text.len());
        assert!(text.contains("- delete consumer-a-200/workgroup") && text.contains("_Left out, to fit: "), "{text}");
        // Every fold is closed again, and by a line of its own.
        let lines = |wanted: &str| text.lines().filter(|line| line.starts_with(wanted)).count();
        assert_eq!(lines("<details"), lines("</details>"));
    }
}
