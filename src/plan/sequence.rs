//! The steps of a change in the order in which they are sent: what connections notice of each, and how long each
//! typically takes.
//!
//! Called by `order`, for durations, and by the views. Pure. Must never order anything: that is the kind's `update`.

use super::{Action, Change, FieldChange, Plan};
use crate::kind::{Disruption, Order, Step};
use serde::Serialize;

/// What nobody who deletes through it needs to be told, and who replaces does.
const UNTIL_NEW: &str = "nobody can connect until the new one is there";
const OLD_END: &str = "connections through the old one end";
const ALL_END: &str = "connections through it end";

/// One step of a change, as a person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// What is done: a step of the kind, or `create`.
    pub step: String,
    /// The fields it settles.
    pub fields: Vec<String>,
    /// What it does to connections.
    pub disruption: Disruption,
    /// The same in words, and what else a person should know of it.
    pub impact: Vec<String>,
    /// How long it typically takes.
    pub typical_seconds: u32,
}

/// The changes of a plan by what connections notice of them; what is only created is not among them.
#[derive(Default)]
pub struct Connections<'a>(Vec<(Disruption, &'a Change)>);

impl<'a> Connections<'a> {
    /// Returns the worst there is.
    pub fn worst(&self) -> Disruption {
        self.0.first().map_or(Disruption::None, |(worst, _)| *worst)
    }
    /// Returns every change with its grade, the worst first.
    pub fn iter(&self) -> impl Iterator<Item = (Disruption, &'a Change)> {
        self.0.iter().copied()
    }
    /// Returns the changes of this grade.
    pub fn of(&self, disruption: Disruption) -> impl Iterator<Item = &'a Change> {
        self.iter().filter(move |(graded, _)| *graded == disruption).map(|(_, change)| change)
    }
}

impl Plan {
    /// Grades the changes by what connections notice of them.
    pub fn connections(&self) -> Connections<'_> {
        let changes = self.touched().filter(|change| change.action != Action::Create);
        let mut graded: Vec<_> = changes.map(|change| (change.disruption(), change)).collect();
        graded.sort_by_key(|(disruption, _)| std::cmp::Reverse(*disruption));
        Connections(graded)
    }
}

impl Change {
    /// Returns the steps in the order in which they are sent; empty where AWS is not asked to do anything.
    pub fn sequence(&self) -> Vec<Stage> {
        let create = |disruption| Stage {
            step: "create".to_owned(),
            fields: Vec::new(),
            disruption,
            impact: Vec::new(),
            typical_seconds: self.kind.typical().create,
        };
        let removal = |disruption, says| self.removal(disruption, says);
        match self.action {
            Action::Create => vec![create(Disruption::None)],
            Action::Update | Action::Resume | Action::Import => self.work.steps.iter().map(|s| self.stage(s)).collect(),
            Action::Replace(Order::DeleteFirst) => {
                let there = if self.kind.carries() { Disruption::Outage } else { Disruption::None };
                removal(Disruption::Outage, UNTIL_NEW).into_iter().chain([create(there)]).collect()
            }
            Action::Replace(Order::CreateFirst) => {
                let removal = removal(Disruption::Reconnect, OLD_END);
                std::iter::once(create(Disruption::None)).chain(removal).collect()
            }
            Action::Delete => removal(Disruption::Reconnect, ALL_END),
            Action::Keep | Action::Forget | Action::Refresh | Action::NoOp => Vec::new(),
        }
    }

    /// Returns the worst that its steps do to connections.
    pub fn disruption(&self) -> Disruption {
        self.sequence().into_iter().map(|stage| stage.disruption).max().unwrap_or_default()
    }

    fn stage(&self, step: &Step) -> Stage {
        let usual = self.kind.typical().update;
        let settled: Vec<&FieldChange> = self.fields.iter().filter(|c| step.fields.contains(&c.field)).collect();
        let seconds = settled.iter().map(|change| change.impact.seconds.unwrap_or(usual)).max();
        Stage {
            step: step.name.clone(),
            fields: step.fields.clone(),
            disruption: settled.iter().map(|change| change.impact.disruption).max().unwrap_or_default(),
            impact: said(settled.into_iter()),
            typical_seconds: seconds.unwrap_or(usual),
        }
    }

    /// The steps of a deletion; the last of them deletes. What carries no connections does to them what the change of
    /// its fields does.
    fn removal(&self, disruption: Disruption, says: &str) -> Vec<Stage> {
        let carries = self.kind.carries();
        let last = self.work.removal.len().saturating_sub(1);
        let stage = |(at, step): (usize, &Step)| {
            let (ends, others) = (at == last && carries, at == last && !carries);
            let fields: Vec<&FieldChange> = self.fields.iter().filter(|_| others).collect();
            let of_fields = fields.iter().map(|change| change.impact.disruption).max().unwrap_or_default();
            Stage {
                step: step.name.clone(),
                fields: Vec::new(),
                disruption: if ends { disruption } else { of_fields },
                impact: if ends { vec![says.to_owned()] } else { said(fields.into_iter()) },
                typical_seconds: if at == last { self.kind.typical().delete } else { 1 },
            }
        };
        self.work.removal.iter().enumerate().map(stage).collect()
    }
}

/// What the fields have to say, each thing once, the worst first.
fn said<'a>(fields: impl Iterator<Item = &'a FieldChange>) -> Vec<String> {
    let mut impacts: Vec<_> = fields.map(|change| &change.impact).filter(|impact| !impact.text.is_empty()).collect();
    impacts.sort_by_key(|impact| std::cmp::Reverse(impact.disruption));
    let mut texts: Vec<String> = Vec::new();
    for impact in impacts {
        if !texts.contains(&impact.text) {
            texts.push(impact.text.clone());
        }
    }
    texts
}
