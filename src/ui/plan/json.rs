//! The plan for scripts: one document, `rsds.plan/1`, described in `docs/json.md`.
//!
//! Called through `PlanView`. Must never change the meaning of a key without a new version.

use super::PlanView;
use crate::{
    kind::{After, Disruption, Step},
    plan::{Action, Change, FieldChange, Reason},
    ui::drift::json_of,
};
use serde_json::{Value as Json, json};

impl PlanView<'_> {
    /// Returns the plan as a document of format `rsds.plan/1`.
    pub fn json(&self) -> Json {
        let changes = self.groups().into_iter().flat_map(|(_, changes)| changes).map(|change| self.change(change));
        json!({
            "format": "rsds.plan/1",
            "destroy": self.destroy,
            "limited": self.limited,
            "empty": self.plan.is_empty(),
            "summary": self.plan.summary(),
            "connections": self.connections_json(),
            "longest_path": self.plan.longest,
            "changes": changes.collect::<Vec<_>>(),
            "refresh": self.plan.refresh.iter().map(|(address, _)| address).collect::<Vec<_>>(),
            "warnings": self.warnings,
            "drift": match self.plan.refresh_only {
                true => self.plan.drift.iter().map(|(of, drift)| json_of(of, drift, &|key| self.place(Some(key)))).collect(),
                false => Vec::new(),
            },
        })
    }

    fn change(&self, change: &Change) -> Json {
        let (action, order) = match change.action {
            Action::Replace(order) => (json!("replace"), json!(order)),
            action => (json!(action), Json::Null),
        };
        json!({
            "address": change.address,
            "kind": change.kind.name(),
            "action": action,
            "order": order,
            "reasons": change.reasons.iter().map(reason).collect::<Vec<_>>(),
            "id": change.id,
            "origin": self.origin(change.origin.as_deref()),
            "fields": change.fields.iter().map(|field| self.field_json(field)).collect::<Vec<_>>(),
            "ignored": change.ignored.iter().map(|field| self.field_json(field)).collect::<Vec<_>>(),
            "steps": names(&change.work.steps),
            "sequence": change.sequence(),
            "disruption": change.disruption(),
            "removal": names(&change.work.removal),
            "typical_seconds": self.typical(change),
        })
    }

    /// What connections notice of the whole: the worst, and how many resources are of each grade.
    fn connections_json(&self) -> Json {
        let connections = self.plan.connections();
        let counts = Disruption::ALL.map(|grade| (grade.word().to_owned(), json!(connections.of(grade).count())));
        let mut json = Json::Object(counts.into_iter().collect());
        json["worst"] = json!(connections.worst());
        json
    }

    fn field_json(&self, field: &FieldChange) -> Json {
        let mut json = json!({
            "field": field.field,
            "key": field.key,
            "before": field.before,
            "replaces": field.replaces,
            "drift": field.drift,
            "unreadable": field.unreadable,
            "impact": field.impact.text,
            "disruption": field.impact.disruption,
            "origin": self.origin(field.origin.as_deref()),
        });
        match &field.after {
            After::Known(value) => json["after"] = value.clone(),
            After::From(refs) => json["from"] = json!(refs),
        }
        json
    }

    fn origin(&self, key: Option<&str>) -> Json {
        match key {
            Some(key) => json!({ "key": key, "at": self.place(Some(key)) }),
            None => Json::Null,
        }
    }
}

fn names(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.name.as_str()).collect()
}

fn reason(reason: &Reason) -> Json {
    let (word, of) = match reason {
        Reason::New => ("new", None),
        Reason::Removed => ("removed", None),
        Reason::Destroy => ("destroy", None),
        Reason::Gone => ("gone", None),
        Reason::Foreign(id) => ("foreign", Some(id.clone())),
        Reason::Changed => ("changed", None),
        Reason::Drifted => ("drifted", None),
        Reason::Requested => ("requested", None),
        Reason::Broken(why) => ("broken", Some(why.clone())),
        Reason::Immutable(field) => ("immutable", Some(field.clone())),
        Reason::Follows(address) => ("follows", Some(address.to_string())),
        Reason::CutOff(status) => ("cut_off", Some(status.clone())),
        Reason::NeededByData => ("needed_by_data", None),
        Reason::GoesWith(address) => ("goes_with", Some(address.to_string())),
    };
    json!({ "reason": word, "of": of })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        kind::Order,
        ui::sample::{change, fresh, known, plan},
    };

    #[test]
    fn values_known_now_and_later_are_told_apart() {
        let plan = fresh();
        let origin = |key: &str| (key == "section").then(|| "dev.toml:3".to_owned());
        let view =
            PlanView { plan: &plan, origin: &origin, destroy: false, limited: false, verbose: false, warnings: vec![] };
        let json = view.json();
        assert_eq!((&json["format"], &json["summary"]["create"]), (&json!("rsds.plan/1"), &json!(2)));
        let workgroup = &json["changes"][1];
        assert_eq!(workgroup["fields"][0]["after"], 64);
        assert_eq!(workgroup["fields"][2]["from"], json!([{ "address": "networking/subnet-1", "output": "id" }]));
        assert!(workgroup["fields"][2].get("after").is_none(), "unknown is not null");
        assert_eq!(workgroup["origin"], json!({ "key": "section", "at": "dev.toml:3" }));
        assert_eq!(workgroup["typical_seconds"], 300);
    }

    fn keys(json: &Json, into: &mut std::collections::BTreeSet<String>) {
        match json {
            Json::Object(map) => map.iter().for_each(|(key, value)| {
                into.insert(key.clone());
                // What a resource's own fields hold is not rsds's format.
                if key != "before" && key != "after" {
                    keys(value, into);
                }
            }),
            Json::Array(items) => items.iter().for_each(|item| keys(item, into)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }

    #[test]
    fn every_key_is_documented() {
        let plan = fresh();
        let view = PlanView {
            plan: &plan,
            origin: &|_| None,
            destroy: false,
            limited: false,
            verbose: false,
            warnings: vec![],
        };
        let mut all = std::collections::BTreeSet::new();
        keys(&view.json(), &mut all);
        let page = include_str!("../../../docs/json.md");
        let missing: Vec<&String> = all
            .iter()
            .filter(|key| !page.contains(&format!("`{key}`")) && !page.contains(&format!("\"{key}\"")))
            .collect();
        assert!(all.len() > 20 && missing.is_empty(), "{missing:?} of {all:?}");
    }

    #[test]
    fn a_replacement_names_its_order_and_cause() {
        let fields = vec![known("database", json!("a"), json!("b"))];
        let reasons = [Reason::Immutable("database".into())];
        let plan = plan(vec![change("a/b", Action::Replace(Order::CreateFirst), &reasons, fields)], vec![]);
        let view = PlanView {
            plan: &plan,
            origin: &|_| None,
            destroy: false,
            limited: false,
            verbose: false,
            warnings: vec![],
        };
        let change = &view.json()["changes"][0];
        assert_eq!((&change["action"], &change["order"]), (&json!("replace"), &json!("create_first")));
        assert_eq!(change["reasons"], json!([{ "reason": "immutable", "of": "database" }]));
    }
}
