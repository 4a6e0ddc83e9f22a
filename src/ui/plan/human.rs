//! The plan for people: by component, one line a resource, its fields below, the sums at the end.
//!
//! Called through `PlanView`. Signs and words carry the meaning, colour only repeats it.

use super::{
    PlanView,
    rows::{Row, Shown, from, name, rows},
};
use crate::{
    kind::{After, Disruption},
    plan::{Action, Change, Connections, Drift, Rating, Reason, Stage, Summary},
    ui::{
        drift,
        duration::about,
        style::{Label, Styled, lines},
        value::whole,
        words,
    },
};
use unicode_width::UnicodeWidthStr as _;

/// Columns before a field.
const INDENT: usize = 6;
/// The narrowest page that is laid out; narrower terminals break lines themselves.
const NARROWEST: usize = 40;
/// The widest old value that new ones are lined up behind.
const ALIGNED: usize = 20;
/// The most resources named for one grade.
const NAMED: usize = 3;
/// Durations below this many seconds are not worth a mention.
const NOTABLE: u32 = 10;

/// Lines, each with the columns by which it hangs when it is broken.
pub(super) type Page = Vec<(Styled, usize)>;

impl PlanView<'_> {
    /// Writes the plan for people, `width` columns wide where words allow it.
    pub fn human(&self, color: bool, width: usize) -> String {
        let width = width.max(NARROWEST);
        let mut page: Page = Vec::new();
        for (component, changes) in self.groups() {
            page.push((Styled::new().label(Label::Heading, component), 0));
            for change in changes {
                self.resource(change, width, &mut page);
            }
            page.push((Styled::new(), 0));
        }
        for warning in &self.warnings {
            let line = Styled::new().label(Label::Warning, "Warning:").text(" ").text(warning);
            page.push((line, 2));
        }
        if !self.warnings.is_empty() {
            page.push((Styled::new(), 0));
        }
        self.sums(&mut page);
        lines(page, color, width)
    }

    pub(super) fn resource(&self, change: &Change, width: usize, page: &mut Page) {
        page.push((self.headline(change), INDENT));
        if let Some(drift) = self.drift_of(change) {
            page.extend(drift::lines(&change.address, drift, &|key| self.place(Some(key))));
            return;
        }
        let rows = rows(change, self.verbose, width - INDENT);
        let name = rows.iter().map(|row| row.name.width()).max().unwrap_or(0);
        let old = rows.iter().filter_map(old_width).filter(|width| *width <= ALIGNED).max().unwrap_or(0);
        for row in &rows {
            page.push((self.field(change.action, row, name, old), INDENT + 4));
        }
        page.extend(self.ignored(change).map(|line| (line, INDENT + 2)));
        self.steps(change, page);
    }

    fn headline(&self, change: &Change) -> Styled {
        let (sign, word, label) = match change.action {
            // Left by an interrupted replacement, and no targets touch the resource itself.
            Action::NoOp if self.plan.ops.iter().any(|op| op.address == change.address) => {
                ("-", "delete predecessor of", Label::Delete)
            }
            Action::NoOp if self.limited => (" ", "left alone", Label::Dim),
            action => words::action(action),
        };
        let mut line = Styled::new()
            .text("  ")
            .label(label, format!("{sign} {word}"))
            .text(" ")
            .label(Label::Address, change.address.to_string())
            .label(Label::Dim, format!(" ({})", change.kind.name()));
        let id = change.id.as_ref().filter(|id| self.verbose || id.as_str().width() <= ALIGNED + 10);
        if let Some(id) = id {
            line = line.text(" ").label(Label::Dim, id.to_string());
        }
        let reasons = change.reasons.iter().filter_map(|reason| words::reason(reason, change.action, self.destroy));
        let mut facts: Vec<String> = reasons.collect();
        let typical = self.typical(change);
        if typical >= NOTABLE || (self.verbose && typical > 0) {
            facts.push(format!("typical {}", about(typical)));
        }
        for fact in facts {
            line = line.text(" · ").text(fact);
        }
        match self.place(change.origin.as_deref()).filter(|_| change.action == Action::Create) {
            Some(place) => line.label(Label::Dim, format!(" ({place})")),
            None => line,
        }
    }

    fn field(&self, action: Action, row: &Row<'_>, name: usize, old: usize) -> Styled {
        let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(text.width()));
        let line = Styled::new().text(" ".repeat(INDENT)).text(format!("{}: ", row.name)).text(pad(&row.name, name));
        let mut line = match &row.shown {
            Shown::Is(value) => line.label(Label::Value, value),
            Shown::Turns(before, after) => {
                line.label(Label::Value, before).text(pad(before, old)).text(" -> ").label(Label::Value, after)
            }
            Shown::Comes(None, from) => line.label(Label::Hint, from),
            Shown::Comes(Some(before), from) => {
                line.label(Label::Value, before).text(pad(before, old)).text(" -> ").label(Label::Hint, from)
            }
            Shown::Loses(value) => line.label(Label::Delete, "- ").label(Label::Value, value),
            Shown::Gains(value) => line.label(Label::Create, "+ ").label(Label::Value, value),
        };
        for mark in row.marks(action) {
            line = line.text(" ").label(Label::Warning, mark);
        }
        let told = self.verbose || action != Action::Create;
        match self.place(row.of.origin.as_deref()).filter(|_| told) {
            Some(place) => line.label(Label::Dim, format!(" ({place})")),
            None => line,
        }
    }

    /// What differs and is left alone, for whoever wants to know everything.
    fn ignored(&self, change: &Change) -> Option<Styled> {
        let told = change.ignored.iter().map(|field| {
            let after = match &field.after {
                After::Known(value) => whole(value),
                After::From(refs) => from(refs, true),
            };
            format!("{} is {}, the TOML says {after}", name(field), whole(&field.before))
        });
        let told = told.collect::<Vec<_>>().join("; ");
        let line = Styled::new().text(" ".repeat(INDENT)).label(Label::Dim, format!("ignored drift: {told}"));
        (self.verbose && !told.is_empty()).then_some(line)
    }

    /// The calls that follow, in order, with what connections notice of each: one that nobody notices is said only if
    /// everything is wanted; several always, for then the order matters.
    fn steps(&self, change: &Change, page: &mut Page) {
        let stages = change.sequence();
        let indent = || Styled::new().text(" ".repeat(INDENT));
        let numbered = match change.action {
            Action::Resume => true,
            Action::Update => self.verbose || stages.len() > 1,
            Action::Delete | Action::Replace(_) => self.verbose,
            _ => false,
        };
        if !numbered {
            // Of several that keep people out together, the one with the words tells.
            let told = |stage: Stage| notice(&stage).filter(|_| !stage.impact.is_empty());
            let told = |stage| told(stage).map(|what| (indent().label(Label::Warning, what), INDENT + 2));
            // That connections end is what a destroy is asked for.
            return page.extend(stages.into_iter().filter(|_| !self.destroy).filter_map(told));
        }
        let title = if change.action == Action::Resume { "remaining" } else { "steps" };
        match stages.as_slice() {
            [] if change.action == Action::Resume => {
                page.push((indent().label(Label::Dim, format!("{title}: wait until it has settled")), INDENT + 2));
            }
            [] => {}
            [one] => page.push((self.step(one, indent().label(Label::Dim, format!("{title}: "))), INDENT + 2)),
            // Where nobody notices anything, the order matters to AWS alone.
            several if several.iter().all(|stage| notice(stage).is_none()) => {
                let mut line = indent().label(Label::Dim, format!("{title}: "));
                for (at, stage) in several.iter().enumerate() {
                    line = self.step(stage, if at == 0 { line } else { line.text(", then ") });
                }
                page.push((line, INDENT + 2));
            }
            several => {
                page.push((indent().label(Label::Dim, format!("{title}, in this order:")), INDENT + 2));
                for (at, stage) in several.iter().enumerate() {
                    let number = indent().label(Label::Dim, format!("  {}. ", at + 1));
                    page.push((self.step(stage, number), INDENT + 5));
                }
            }
        }
    }

    fn step(&self, stage: &Stage, line: Styled) -> Styled {
        let line = line.text(&stage.step);
        // A step that settles several fields is not named after them.
        let spoken = stage.step.replace(' ', "_");
        let unnamed: Vec<&str> = stage.fields.iter().map(String::as_str).filter(|f| !spoken.contains(f)).collect();
        let line = if unnamed.is_empty() { line } else { line.text(format!(" ({})", unnamed.join(", "))) };
        let seconds = stage.typical_seconds;
        let typical = seconds >= NOTABLE || (self.verbose && seconds > 0);
        let line = if typical { line.label(Label::Dim, format!(" · {}", about(seconds))) } else { line };
        match notice(stage) {
            Some(what) => line.text(" ").label(Label::Warning, what),
            None => line,
        }
    }

    /// What connections notice of the whole plan, the worst first; nothing of what is only created or destroyed.
    fn connections(&self) -> Option<String> {
        let connections = self.plan.connections();
        if self.destroy || self.plan.refresh_only {
            return None;
        }
        if connections.worst() == Disruption::None {
            let asked = connections.iter().any(|(_, change)| !change.sequence().is_empty());
            return asked.then(|| "Connections notice nothing.".to_owned());
        }
        let grades = Disruption::ALL.into_iter().rev().filter(|grade| *grade != Disruption::None);
        let told: Vec<String> = grades.filter_map(|grade| graded(grade, &connections)).collect();
        Some(format!("Connections: {}.", told.join("; ")))
    }

    pub(super) fn sums(&self, page: &mut Page) {
        let mut summary = self.plan.summary();
        if self.plan.refresh_only {
            self.rated(page);
        }
        if self.limited {
            // What the targets do not pick was not looked at: nobody knows whether it is unchanged.
            summary.unchanged = 0;
        }
        let mut say = |text: String| page.push((Styled::new().text(text), 2));
        let limit = if self.limited { " Limited by --target or --exclude: there may be more to do." } else { "" };
        if self.plan.refresh_only {
            say(self.drift(&summary, limit));
        } else if self.plan.is_empty() {
            let state = match (self.destroy, self.limited) {
                (true, false) => "Nothing to destroy: the state holds no resources.".to_owned(),
                (true, true) => format!("Nothing to destroy.{limit}"),
                (false, true) => format!("No changes.{limit}"),
                (false, false) => {
                    let (resources, are) = (words::count(summary.unchanged, "resource"), plural(summary.unchanged));
                    format!("No changes. {resources} {are} as the TOML says.")
                }
            };
            say(state);
        } else {
            say(format!("Plan: {}.{limit}", summary.counts().join(", ")));
            if self.plan.longest.seconds > 0 {
                say(self.longest());
            }
            if let Some(connections) = self.connections() {
                say(connections);
            }
        }
        // What is imported is recorded by that, not brought up to date.
        let imported = |address| self.plan.changes.get(address).is_some_and(|c: &Change| c.action == Action::Import);
        let records = self.plan.refresh.iter().filter(|(address, _)| !imported(address)).count();
        if records > 0 {
            let what = words::count(records, "record");
            say(format!("{what} of the state will be brought up to date; nothing changes in AWS by that."));
        }
    }

    /// How bad what drifted is: `Drift: 1 security, 2 would be reverted.`
    fn rated(&self, page: &mut Page) {
        let counted = self.plan.drift.values().filter(|drift| drift.counts());
        let ratings: Vec<Rating> = counted.map(Drift::rating).collect();
        let all = [Rating::DataLost, Rating::Security, Rating::Reverted, Rating::Harmless];
        let counts = all.into_iter().map(|rating| (ratings.iter().filter(|of| **of == rating).count(), rating));
        let counts = counts.filter(|(n, _)| *n > 0).map(|(n, rating)| format!("{n} {}", drift::rated(rating).0));
        let mut said: Vec<String> = counts.collect();
        let left = self.plan.drift.len() - ratings.len();
        said.extend((left > 0).then(|| format!("{left} left alone")));
        if !said.is_empty() {
            page.push((Styled::new().text(format!("Drift by resource: {}.", said.join(", "))), 2));
        }
    }

    /// What `--refresh-only` found.
    fn drift(&self, summary: &Summary, limit: &str) -> String {
        let Summary { refresh, forget, .. } = *summary;
        if refresh + forget > 0 {
            return format!("Plan: {}.{limit}", summary.counts().join(", "));
        }
        // Halves of an earlier run have a reason: they are the next apply's work, and were not compared.
        let is_half = |reason: &Reason| matches!(reason, Reason::CutOff(_) | Reason::Broken(_));
        let halves = self.plan.changes.values().filter(|change| change.reasons.iter().any(is_half)).count();
        let halves = match halves {
            0 => String::new(),
            _ => format!(" {} left half-way by an earlier run: rsds apply goes on.", words::count(halves, "resource")),
        };
        let counts = self.plan.drift.values().any(Drift::counts);
        if self.limited && !counts {
            return format!("Nothing has drifted.{halves}{limit}");
        }
        match counts {
            // Something else has a name: neither the record nor AWS is changed for that.
            true => format!("The state stays as it is.{halves}{limit}"),
            false if self.plan.drift.is_empty() => {
                format!("Nothing has drifted: AWS shows what the state has.{halves}")
            }
            false => format!("Nothing has drifted but what is left alone.{halves}"),
        }
    }

    fn longest(&self) -> String {
        let through: Vec<String> = self.plan.longest.through.iter().map(ToString::to_string).collect();
        let chain = match through.as_slice() {
            [first, _, .., before, last] if through.len() > 4 && !self.verbose => {
                format!("{first} → … → {before} → {last}")
            }
            all => all.join(" → "),
        };
        format!("Typically about {}; longest: {chain}", about(self.plan.longest.seconds))
    }
}

/// What people should know of a step: `! restart: require_ssl takes a restart of the workgroup`.
fn notice(stage: &Stage) -> Option<String> {
    let said = stage.impact.join("; ");
    match (stage.disruption, said.as_str()) {
        (Disruption::None, "") => None,
        (Disruption::None, said) => Some(format!("! {said}")),
        (graded, "") => Some(format!("! {}", graded.word())),
        (graded, said) => Some(format!("! {}: {said}", graded.word())),
    }
}

/// The resources of a grade: `restart of a/b and c/d`, `outage of a/b for about 10m`.
fn graded(grade: Disruption, connections: &Connections<'_>) -> Option<String> {
    let lasts = |change: &Change| {
        let stages = change.sequence().into_iter().filter(|stage| stage.disruption == Disruption::Outage);
        stages.map(|stage| stage.typical_seconds).fold(0, u32::saturating_add)
    };
    let changes: Vec<&Change> = connections.of(grade).collect();
    let longest = changes.iter().map(|change| lasts(change)).max().filter(|_| grade == Disruption::Outage);
    let mut named: Vec<String> = changes.iter().map(|change| change.address.to_string()).collect();
    if named.len() > NAMED {
        let more = named.len() - (NAMED - 1);
        named.truncate(NAMED - 1);
        named.push(format!("{more} more"));
    }
    let last = named.pop()?;
    let named = if named.is_empty() { last } else { format!("{} and {last}", named.join(", ")) };
    Some(match longest {
        Some(seconds) => format!("{} of {named} for about {}", grade.word(), about(seconds)),
        None => format!("{} of {named}", grade.word()),
    })
}

fn old_width(row: &Row<'_>) -> Option<usize> {
    match &row.shown {
        Shown::Turns(before, _) | Shown::Comes(Some(before), _) => Some(before.width()),
        Shown::Is(_) | Shown::Comes(None, _) | Shown::Loses(_) | Shown::Gains(_) => None,
    }
}

const fn plural(number: usize) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kind::Order,
        plan::{FieldChange, Plan, Verb},
        ui::sample::{address, change, fresh, from, impact, known, op, plan},
    };
    use serde_json::{Value as Json, json};

    fn origin(key: &str) -> Option<String> {
        match key {
            "section" => Some("environments/dev.toml:3".to_owned()),
            "section.max_capacity" | "section.parameters" => Some("environments/dev.toml:31".to_owned()),
            _ => None,
        }
    }

    fn view(plan: &Plan) -> PlanView<'_> {
        PlanView { plan, origin: &origin, destroy: false, limited: false, verbose: false, warnings: vec![] }
    }

    #[test]
    fn a_fresh_estate_is_short() {
        insta::assert_snapshot!(view(&fresh()).human(false, 80), @r#"
        networking
          + create networking/vpc (ec2.vpc) (environments/dev.toml:3)
              cidr: 10.40.0.0/16
              tags: 2

        consumer-a-2
          + create consumer-a-2/workgroup (ec2.vpc) · typical 5m
              (environments/dev.toml:3)
              max_capacity: 64
              parameters:   { max_query_execution_time = "3600", require_ssl = "true" }
              subnets:      from networking/subnet-1 id

        Plan: 2 to create.
        Typically about 5m; longest: networking/vpc → consumer-a-2/workgroup
        "#);
    }

    fn mixed() -> Plan {
        let workgroup = vec![
            FieldChange {
                impact: impact(Disruption::Reconnect, "running queries may be cancelled"),
                ..known("max_capacity", json!(64), json!(128))
            },
            FieldChange { unreadable: true, ..known("password_rotation", json!("30d"), json!("60d")) },
            FieldChange {
                key: Some("require_ssl".into()),
                drift: true,
                origin: Some("section.parameters.require_ssl".into()),
                ..known("parameters", json!("false"), json!("true"))
            },
        ];
        let namespace = vec![FieldChange { replaces: true, ..known("database", json!("a"), json!("b")) }];
        let targets = vec![from("addresses", json!(["10.40.0.7"]), "consumer-a-1/workgroup", "addresses")];
        let replaced = Reason::Follows(address("consumer-a-1/namespace"));
        plan(
            vec![
                change("producer/workgroup", Action::Update, &[Reason::Changed], workgroup),
                change(
                    "consumer-a-1/namespace",
                    Action::Replace(Order::DeleteFirst),
                    &[Reason::Immutable("database".into())],
                    namespace,
                ),
                change("consumer-a-1/targets", Action::Replace(Order::CreateFirst), &[replaced], targets),
                change("nlb/old", Action::Delete, &[Reason::Removed], vec![]),
                change("nlb/key", Action::Keep, &[Reason::Destroy, Reason::NeededByData], vec![]),
                change("nlb/gone", Action::Forget, &[Reason::Removed, Reason::Gone], vec![]),
                change("nlb/balancer", Action::Resume, &[Reason::CutOff("creating".into())], vec![]),
                change("networking/vpc", Action::NoOp, &[], vec![]),
            ],
            vec![op("producer/workgroup", Verb::Update, 120, &[])],
        )
    }

    #[test]
    fn every_fate_has_sign_word_and_cause() {
        let plan = mixed();
        let view = PlanView { limited: true, warnings: vec!["users are not supported yet".into()], ..view(&plan) };
        insta::assert_snapshot!(view.human(false, 80), @r#"
        producer
          ~ update producer/workgroup (ec2.vpc) id-producer-workgroup · typical 2m
              max_capacity:           64      -> 128 (environments/dev.toml:31)
              password_rotation:      30d     -> 60d
                  [not readable: compared with the state] (environments/dev.toml:3)
              parameters.require_ssl: "false" -> "true" [drift]
                  (environments/dev.toml:31)
              steps, in this order:
                1. set max_capacity ! reconnect: running queries may be cancelled
                2. set parameters
                3. set password_rotation

        consumer-a-1
          -/+ replace (delete first) consumer-a-1/namespace (ec2.vpc)
              id-consumer-a-1-namespace · because database changes
              database: a -> b [replaces] (environments/dev.toml:3)
          +/- replace (create first) consumer-a-1/targets (ec2.vpc)
              id-consumer-a-1-targets · because consumer-a-1/namespace is replaced
              addresses: [10.40.0.7] -> from consumer-a-1/workgroup addresses
                  (environments/dev.toml:3)

        nlb
          > resume nlb/balancer (ec2.vpc) id-nlb-balancer · an earlier run was cut off
              while creating
              remaining: set x
          x forget nlb/gone (ec2.vpc) id-nlb-gone · no longer in the TOML · gone from
              AWS
          = keep nlb/key (ec2.vpc) id-nlb-key · to be destroyed · data elsewhere needs
              it: it leaves the state and lives on in AWS
          - delete nlb/old (ec2.vpc) id-nlb-old · no longer in the TOML

        Warning: users are not supported yet

        Plan: 1 to update, 2 to replace, 1 to delete, 1 to resume, 2 to forget. Limited
          by --target or --exclude: there may be more to do.
        Typically about 2m; longest: producer/workgroup
        Connections: reconnect of producer/workgroup.
        "#);
    }

    #[test]
    fn narrow_pages_break_between_values_and_colour_changes_no_word() {
        let plan = mixed();
        let narrow = view(&plan).human(false, 50);
        assert!(narrow.lines().all(|line| line.width() <= 50), "{narrow}");
        let colored = view(&plan).human(true, 50);
        let stripped = colored.split('\u{1b}').enumerate().map(|(at, part)| match at {
            0 => part,
            _ => part.split_once('m').unwrap().1,
        });
        assert_eq!(stripped.collect::<String>(), narrow);
    }

    #[test]
    fn an_empty_plan_says_so() {
        let mut plan = plan(vec![change("networking/vpc", Action::NoOp, &[], vec![])], vec![]);
        assert_eq!(view(&plan).human(false, 80), "No changes. 1 resource is as the TOML says.\n");
        plan.changes.clear();
        let view = PlanView { destroy: true, ..view(&plan) };
        assert_eq!(view.human(false, 80), "Nothing to destroy: the state holds no resources.\n");
    }

    #[test]
    fn long_chains_are_shortened_in_the_middle() {
        let names = ["a/1", "a/2", "a/3", "a/4", "a/5"];
        let ops = names.map(|name| op(name, Verb::Create, 60, &[])).into();
        let change = change("a/1", Action::Create, &[Reason::New], vec![known("x", Json::Null, json!(1))]);
        let text = view(&plan(vec![change], ops)).human(false, 80);
        assert!(text.ends_with("Typically about 5m; longest: a/1 → … → a/4 → a/5\n"), "{text}");
    }
}
