//! How an environment runs, for people and scripts (`markdown` has the other forms): what is not well in full, what is
//! well in a line with its endpoints and capacity.
//!
//! Called by `status` of the CLI. Must never call well what AWS does not.

mod markdown;
mod reasons;

use super::{
    drift,
    github::Spot,
    order::{by_component, pieces},
    style::{Label, Styled, lines},
    value::compact,
    words,
};
use crate::{
    address::Address,
    aws::workgroup::Workgroup,
    failure::Failure,
    kind::Kind as _,
    status::{Condition, Report, Resource},
};
use serde_json::{Map, Value as Json, json};

/// A report with what the views need besides.
pub struct StatusView<'a> {
    /// The report.
    pub report: &'a Report<'a>,
    /// Whether resources that are well and have nothing to show are wanted too.
    pub verbose: bool,
    /// Where the TOML has what a resource comes from.
    pub spot_of: &'a dyn Fn(&Address) -> Option<Spot>,
    /// Where a TOML key stands, as people read it; none for defaults.
    pub place: &'a dyn Fn(&str) -> Option<String>,
}

type Page = Vec<(Styled, usize)>;
type Group<'a> = (&'a str, Vec<(&'a Address, &'a Resource)>);

impl StatusView<'_> {
    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups = by_component(self.report.resources.iter());
        for (_, resources) in &mut groups {
            resources.sort_by_cached_key(|(address, _)| pieces(address.resource()));
        }
        groups
    }

    fn page(&self, width: usize) -> Page {
        let state = self.report.state;
        let title = Styled::new().label(Label::Heading, format!("{} {}", state.project, state.environment));
        let place = [state.account.as_ref().map(|account| format!("account {account}")), state.region.clone()];
        let facts = place.into_iter().flatten().chain([words::count(self.report.resources.len(), "resource")]);
        let mut page = vec![(facts.fold(title, |line, fact| line.text(" · ").text(fact)), 2)];
        for (component, resources) in self.groups() {
            page.push((Styled::new(), 0));
            page.push((heading(component, &resources), 2));
            for (address, resource) in resources {
                self.resource(address, resource, width, &mut page);
            }
        }
        page.push((Styled::new(), 0));
        page.push((Styled::new().text(self.drifting()), 2));
        for (address, drift) in &self.report.drift {
            page.push((Styled::new().text("  ").label(Label::Address, address.to_string()), 6));
            page.extend(drift::lines(address, drift, &|key| self.nearest(key)));
        }
        page.push((Styled::new().text(self.pending()), 2));
        if let Some(command) = self.sign_in() {
            let said =
                "One consumer with temporary credentials, at its own endpoint (behind the balancer is any of them):";
            page.push((Styled::new().text(said), 2));
            page.push((Styled::new().text("  ").label(Label::Value, command), 6));
        }
        page
    }

    /// The command that lets whoever may call AWS into the first consumer.
    fn sign_in(&self) -> Option<String> {
        let mut all = self.report.state.entries.iter();
        let (_, reader) =
            all.find(|(address, entry)| entry.kind == Workgroup::NAME && address.component() != "producer")?;
        let name = reader.spec["name"].as_str()?;
        Some(format!("aws redshift-serverless get-credentials --workgroup-name {name}"))
    }

    fn resource(&self, address: &Address, resource: &Resource, width: usize, page: &mut Page) {
        let well = resource.condition == Condition::Ready;
        if well && resource.facts.is_empty() && resource.notice.is_none() && !self.verbose {
            return;
        }
        let line = Styled::new().text("  ").label(Label::Address, address.to_string()).text(" ");
        let line = line.label(label(resource.condition), resource.condition.word());
        page.push((resource.said.iter().fold(line, |line, said| line.text(" · ").text(said)), 6));
        for (part, code) in resource.parts.iter().flat_map(|parts| &parts.0) {
            let line = Styled::new().text("      ").text(part).text(": ");
            page.push(match code {
                None => (line.label(Label::Create, "healthy"), 10),
                Some(code) => (line.label(Label::Warning, code).text(reasons::explained(code)), 10),
            });
        }
        if let Some(notice) = &resource.notice {
            page.push((Styled::new().text("      ").label(Label::Warning, "! ").text(notice), 8));
        }
        let mut line = Styled::new().text("     ");
        for (name, value) in &resource.facts {
            let room = if self.verbose { usize::MAX } else { width.saturating_sub(name.len() + 10).max(20) };
            line = line.text(" ").label(Label::Dim, format!("{name}: ")).label(Label::Value, compact(value, room));
        }
        if !resource.facts.is_empty() {
            page.push((line, 6));
        }
    }

    /// Where a key stands, or the closest of the tables around it.
    fn nearest(&self, key: &str) -> Option<String> {
        let around = std::iter::successors(Some(key), |key| key.rsplit_once('.').map(|(table, _)| table));
        around.into_iter().find_map(self.place)
    }

    /// How many drift; those whose drift is left alone do not count.
    fn count_drift(&self) -> usize {
        self.report.drift.values().filter(|drift| drift.counts()).count()
    }

    /// The share of what drifts, in a sentence.
    fn drifting(&self) -> String {
        let (drifting, all) = (self.count_drift(), words::count(self.report.resources.len(), "resource"));
        let left = match self.report.drift.len() - drifting {
            0 => String::new(),
            n => format!(" What drifts of {} is left alone:", words::count(n, "resource")),
        };
        match drifting {
            0 if left.is_empty() => format!("Nothing drifts: {all} as rsds left them."),
            0 => left.trim_start().to_owned(),
            1 => format!("1 of {all} drifts:{left}"),
            n => format!("{n} of {all} drift:{left}"),
        }
    }

    fn pending(&self) -> String {
        match &self.report.pending {
            Ok(summary) => match (crate::plan::Summary { unchanged: 0, ..*summary }).counts() {
                counts if counts.is_empty() => "No changes pending.".to_owned(),
                counts => format!("Changes pending: {}; rsds plan shows them.", counts.join(", ")),
            },
            Err(failure) => format!("There is no plan: {}", reason(failure)),
        }
    }

    /// Writes it for people.
    pub fn human(&self, color: bool, width: usize) -> String {
        let width = width.max(40);
        lines(self.page(width), color, width)
    }

    /// Returns it as a document of format `rsds.status/1`.
    pub fn json(&self) -> Json {
        let report = self.report;
        let components = self.groups().into_iter().map(|(component, resources)| {
            json!({
                "component": component,
                "condition": worst(&resources),
                "resources": resources.iter().map(|(address, resource)| resource_json(address, resource)).collect::<Vec<_>>(),
            })
        });
        let drift =
            report.drift.iter().map(|(address, drift)| drift::json_of(address, drift, &|key| self.nearest(key)));
        let (pending, no_plan) = match &report.pending {
            Ok(summary) => (json!(summary), Json::Null),
            Err(failure) => (Json::Null, json!(reason(failure))),
        };
        json!({
            "format": "rsds.status/1",
            "project": report.state.project,
            "environment": report.state.environment,
            "account": report.state.account,
            "region": report.state.region,
            "ready": report.is_ready(),
            "components": components.collect::<Vec<_>>(),
            "drift": { "drifting": self.count_drift(), "of": report.resources.len(), "resources": drift.collect::<Vec<_>>() },
            "pending": pending,
            "no_plan": no_plan,
        })
    }
}

fn label(condition: Condition) -> Label {
    match condition {
        Condition::Ready => Label::Create,
        Condition::Dormant | Condition::Pending | Condition::Deleting => Label::Update,
        Condition::Failed | Condition::Gone => Label::Error,
    }
}

fn worst(resources: &[(&Address, &Resource)]) -> Condition {
    resources.iter().map(|(_, resource)| resource.condition).max().unwrap_or(Condition::Ready)
}

fn heading(component: &str, resources: &[(&Address, &Resource)]) -> Styled {
    let well = resources.iter().filter(|(_, resource)| resource.condition == Condition::Ready).count();
    let line = Styled::new().label(Label::Heading, component).text(" ");
    let all = words::count(resources.len(), "resource");
    if well == resources.len() {
        return line.label(Label::Create, "ready").text(format!(" · {all}"));
    }
    line.label(label(worst(resources)), format!("{well} of {all} ready"))
}

/// The first reason why there is no plan; `rsds plan` has them all.
fn reason(failure: &Failure) -> String {
    let (first, all) = match failure {
        Failure::Config(problems) => (problems.0.first().map(ToString::to_string), problems.0.len()),
        Failure::Plan(errors) => (errors.first().map(|error| error.message.clone()), errors.len()),
        Failure::Preflight(report) => {
            let errors = report.errors();
            (errors.first().map(ToString::to_string), errors.len())
        }
        Failure::Other { message, .. } => (Some(message.clone()), 1),
    };
    let first = first.unwrap_or_default();
    if all > 1 { format!("{first}, and {} more: rsds plan has them all", all - 1) } else { first }
}

fn resource_json(address: &Address, resource: &Resource) -> Json {
    let part = |(name, code): (&String, &Option<String>)| {
        let meaning = code.as_deref().and_then(reasons::meaning);
        json!({ "name": name, "code": code, "cause": meaning.as_ref().map(|m| m.cause), "cure": meaning.as_ref().map(|m| &m.cure) })
    };
    let parts = resource.parts.iter().flat_map(|parts| parts.0.iter().map(part));
    let facts: Map<String, Json> =
        resource.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    json!({
        "address": address,
        "kind": resource.kind,
        "id": resource.id,
        "condition": resource.condition,
        "said": resource.said,
        "notice": resource.notice,
        "parts": parts.collect::<Vec<_>>(),
        "facts": facts,
    })
}

#[cfg(test)]
mod tests;
