//! The plan as annotations at the lines of the TOML it comes from.
//!
//! Called through `PlanView`. One line gets one annotation for each fate, however many resources come from it.

use super::PlanView;
use crate::{
    address::Address,
    kind::Disruption,
    plan::{Action, Change, PlanError, Rating},
    ui::{
        drift::{brief, rated},
        github::{Annotation, Level, Spot},
        words,
    },
};
use std::collections::BTreeMap;

/// The most resources named in one annotation.
const NAMED: usize = 10;

/// Finds the place of a TOML key.
pub type SpotOf<'a> = &'a dyn Fn(&str) -> Option<Spot>;

impl PlanView<'_> {
    /// Returns an annotation for each line and fate: warnings for what is deleted or replaced, notices for the rest.
    pub fn annotations(&self, spot_of: SpotOf<'_>) -> Vec<Annotation> {
        let mut groups: BTreeMap<(Level, u8, Option<Spot>), Vec<&Change>> = BTreeMap::new();
        let drifted = |change: &&Change| self.drift_of(change).is_some();
        let told = self.plan.changes.values().filter(drifted).filter_map(|change| self.drifts(change, spot_of));
        let told: Vec<Annotation> = told.collect();
        for change in self.plan.touched().filter(|change| !drifted(change)) {
            let (level, rank) = match change.action {
                Action::Delete => (Level::Warning, 0),
                Action::Replace(_) => (Level::Warning, 1),
                Action::Update if change.disruption() >= Disruption::Restart => (Level::Warning, 2),
                Action::Update => (Level::Notice, 0),
                Action::Resume | Action::Keep | Action::Forget | Action::Refresh | Action::Import => (Level::Notice, 1),
                Action::Create | Action::NoOp => (Level::Notice, 2),
            };
            groups.entry((level, rank, spot(change, spot_of))).or_default().push(change);
        }
        let groups = groups.into_iter().map(|((level, _, spot), changes)| self.annotation(level, spot, &changes));
        told.into_iter().chain(groups).collect()
    }

    /// What drifted of one resource, at the first line of the TOML that says otherwise.
    fn drifts(&self, change: &Change, spot_of: SpotOf<'_>) -> Option<Annotation> {
        let drift = self.drift_of(change).filter(|drift| drift.counts())?;
        let level = match drift.rating() {
            Rating::DataLost => Level::Error,
            Rating::Security | Rating::Reverted => Level::Warning,
            Rating::Harmless => Level::Notice,
        };
        let keys = drift.fields.iter().filter_map(|field| field.origin.as_deref()).chain(change.origin.as_deref());
        let spot = keys.into_iter().find_map(|key| nearest(key, spot_of));
        let title = format!("{} drifts ({})", change.address, rated(drift.rating()).0);
        Some(Annotation { level, spot, title, message: brief(drift).join("\n") })
    }

    fn annotation(&self, level: Level, spot: Option<Spot>, changes: &[&Change]) -> Annotation {
        let (_, word, _) = changes.first().map_or_else(|| words::action(Action::NoOp), |c| words::action(c.action));
        let title = match changes {
            [one] => format!("{word} {}", one.address),
            _ => format!("{word} {}", words::count(changes.len(), "resource")),
        };
        let mut said: Vec<String> = changes.iter().take(NAMED).map(|change| self.said(change)).collect();
        if changes.len() > NAMED {
            said.push(format!("and {} more", changes.len() - NAMED));
        }
        Annotation { level, spot, title, message: said.join("\n") }
    }

    fn said(&self, change: &Change) -> String {
        let reasons = change.reasons.iter().filter_map(|reason| words::reason(reason, change.action, self.destroy));
        let fields = change.fields.iter().filter(|_| !matches!(change.action, Action::Create | Action::Delete));
        let mut fields: Vec<String> = fields.map(|field| field.field.clone()).collect();
        fields.dedup();
        let fields = (!fields.is_empty()).then(|| fields.join(", "));
        let graded = Some(change.disruption()).filter(|grade| *grade != Disruption::None && !self.destroy);
        let graded = graded.map(|grade| format!("connections: {}", grade.word()));
        let facts: Vec<String> = reasons.chain(fields).chain(graded).collect();
        let facts = if facts.is_empty() { String::new() } else { format!(": {}", facts.join("; ")) };
        format!("{}{facts}", change.address)
    }
}

/// The line of the first field that changes, else that of the resource.
fn spot(change: &Change, spot_of: SpotOf<'_>) -> Option<Spot> {
    let field =
        change.fields.iter().filter(|_| change.action != Action::Create).find_map(|field| field.origin.as_deref());
    field.into_iter().chain(change.origin.as_deref()).find_map(|key| nearest(key, spot_of))
}

/// The line of a key, or of the closest of the tables around it.
fn nearest(key: &str, spot_of: SpotOf<'_>) -> Option<Spot> {
    let ends = key.match_indices('.').map(|(at, _)| at).chain([key.len()]).collect::<Vec<_>>();
    ends.into_iter().rev().find_map(|end| spot_of(&key[..end]))
}

/// Returns why there is no plan, at the tables that the resources come from.
pub fn plan_error_annotations(errors: &[PlanError], spot_of: &dyn Fn(&Address) -> Option<Spot>) -> Vec<Annotation> {
    let one = |error: &PlanError| Annotation {
        level: Level::Error,
        spot: error.address.as_ref().and_then(spot_of),
        title: error.address.as_ref().map_or_else(|| "no plan".to_owned(), |address| format!("no plan: {address}")),
        message: match error.help.as_str() {
            "" => error.message.clone(),
            help => format!("{}\nhelp: {help}", error.message),
        },
    };
    errors.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kind::Order,
        plan::Reason,
        ui::sample::{change, known, plan},
    };
    use serde_json::json;

    #[test]
    fn what_goes_warns_first_and_lines_are_told_once() {
        let plan = plan(
            vec![
                change("a/1", Action::Create, &[Reason::New], vec![]),
                change("a/2", Action::Create, &[Reason::New], vec![]),
                change("a/3", Action::Update, &[Reason::Changed], vec![known("max", json!(1), json!(2))]),
                change("a/4", Action::Replace(Order::DeleteFirst), &[Reason::Requested], vec![]),
                change("a/5", Action::Delete, &[Reason::Removed], vec![]),
            ],
            vec![],
        );
        let view = PlanView {
            plan: &plan,
            origin: &|_| None,
            destroy: false,
            limited: false,
            verbose: false,
            warnings: vec![],
        };
        let spot_of = |key: &str| match key {
            "section" => Some(Spot { file: "dev.toml".into(), line: 3, column: 1 }),
            "section.max" => Some(Spot { file: "dev.toml".into(), line: 5, column: 1 }),
            _ => None,
        };
        let told: Vec<String> = view
            .annotations(&spot_of)
            .into_iter()
            .map(|a| format!("{:?} {:?} {} | {}", a.level, a.spot.map(|spot| spot.line), a.title, a.message))
            .collect();
        assert_eq!(
            told,
            [
                "Warning Some(3) delete a/5 | a/5: no longer in the TOML",
                "Warning Some(3) replace (delete first) a/4 | a/4: asked for by --replace",
                "Notice Some(5) update a/3 | a/3: max",
                "Notice Some(3) create 2 resources | a/1\na/2",
            ]
        );
    }
}
