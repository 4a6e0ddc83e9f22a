//! How an environment runs, for a comment and as annotations: what is not well open, the rest folded.
//!
//! Called through `StatusView`.

use super::{Page as Lines, StatusView, heading, reason, worst};
use crate::{
    plan::{Presence, Rating},
    status::Condition,
    ui::{
        drift::{self, brief, rated},
        github::{Annotation, Level},
        markdown::{Block, Entry, Page, Subject, sentence},
        style::lines,
        view::View,
    },
};
use serde_json::Value as Json;

impl View for StatusView<'_> {
    fn human(&self, color: bool, width: usize) -> String {
        self.human(color, width)
    }

    fn json(&self) -> Json {
        self.json()
    }

    fn markdown(&self, subject: Subject<'_>) -> String {
        let well = self.report.resources.values().filter(|resource| resource.condition == Condition::Ready).count();
        let ready = match self.report.resources.len() {
            0 => "nothing has been applied yet".to_owned(),
            all if well == all => format!("all {all} resources ready"),
            all => format!("{well} of {all} resources ready"),
        };
        let drift = match self.count_drift() {
            0 => "no drift known".to_owned(),
            n => format!("{n} drift"),
        };
        let mut head = subject.head(&format!("{ready}, {drift}"));
        head.extend(["\n", &sentence(&self.pending()), "\n"]);
        let mut blocks = vec![self.drift_block()];
        blocks.extend(self.component_blocks());
        blocks.retain(|block| !block.entries.is_empty());
        Page { head, blocks, foot: String::new() }.fit(subject.everything)
    }

    fn annotations(&self) -> Vec<Annotation> {
        let sick = self.report.resources.iter().filter(|(_, resource)| resource.condition != Condition::Ready);
        let sick = sick.map(|(address, resource)| {
            let level = match resource.condition {
                Condition::Ready | Condition::Dormant => Level::Notice,
                Condition::Pending | Condition::Deleting => Level::Warning,
                Condition::Failed | Condition::Gone => Level::Error,
            };
            let title = format!("{address} is {}", resource.condition.word());
            let message = resource.said.clone().unwrap_or_default();
            Annotation { level, spot: (self.spot_of)(address), title, message }
        });
        let drift = self.report.drift.iter().filter(|(_, drift)| drift.presence == Presence::There && drift.counts());
        let drift = drift.map(|(address, drift)| Annotation {
            level: if drift.rating() == Rating::Harmless { Level::Notice } else { Level::Warning },
            spot: (self.spot_of)(address),
            title: format!("{address} drifts ({})", rated(drift.rating()).0),
            message: brief(drift).join("\n"),
        });
        let no_plan = self.report.pending.as_ref().err().map(|failure| Annotation {
            level: Level::Warning,
            spot: None,
            title: "there is no plan".to_owned(),
            message: reason(failure),
        });
        let notices = self.report.resources.iter().filter_map(|(address, resource)| {
            let (level, title) = (Level::Notice, address.to_string());
            Some(Annotation { level, spot: (self.spot_of)(address), title, message: resource.notice.clone()? })
        });
        sick.chain(drift).chain(no_plan).chain(notices).collect()
    }
}

impl StatusView<'_> {
    fn drift_block(&self) -> Block {
        let entries = self.report.drift.iter().map(|(address, drift)| {
            let unwrapped = lines(drift::lines(address, drift, &|key| self.nearest(key)), false, usize::MAX);
            let fields = unwrapped.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)));
            let brief = format!("{address}\n");
            Entry { full: brief.clone() + &fields.collect::<String>(), brief, weight: 3 }
        });
        let entries = entries.collect();
        Block { title: self.drifting(), open: true, language: "text", noun: "resource", entries }
    }

    fn component_blocks(&self) -> Vec<Block> {
        let blocks = self.groups().into_iter().map(|(component, resources)| {
            let well = worst(&resources) == Condition::Ready;
            let entries = resources.iter().filter_map(|(address, resource)| {
                let mut page = Lines::new();
                self.resource(address, resource, 100, &mut page);
                let unwrapped = lines(page, false, usize::MAX);
                let mut out = unwrapped.lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line)));
                let brief = out.next()?;
                let weight = if resource.condition == Condition::Ready { 0 } else { 2 };
                Some(Entry { full: brief.clone() + &out.collect::<String>(), brief, weight })
            });
            let (title, entries) = (heading(component, &resources).render(false), entries.collect());
            Block { title, open: !well, language: "text", noun: "resource", entries }
        });
        blocks.collect()
    }
}
