//! Is there what the producer is to share? (aws-facts.md 12, row 29: SQL refuses a schema or a table that is not there.)
//!
//! Asked of a warehouse that stands, and only when a share is made or changes: a plan without changes wakes nobody.

use super::{Case, Check};
use crate::{
    aws::datashare::Shared,
    config::diagnostic::did_you_mean,
    preflight::{
        finding::Finding,
        outline::{Deed, Doing},
        survey::{Ask, Fact},
    },
    stack::section,
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) static CHECK: Check =
    Check { name: "schemas", title: "the schemas and tables to be shared are there", asks, run };

/// The most names shown of what there is.
const SHOWN: usize = 8;

/// The shares whose contents change in a warehouse that stays, each with the question about it.
fn shares<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (&'a Deed<'a>, Ask)> {
    let made = |deed: &Deed<'_>| {
        let warehouses = deed.refers_to("warehouse");
        case.outline.deeds.iter().any(|other| other.doing != Doing::Update && warehouses.contains(other.address))
    };
    let deeds = case.outline.deeds.iter().filter(|deed| deed.is("redshift.datashare") && deed.doing != Doing::Delete);
    deeds.filter(move |deed| deed.changes("schemas") && !made(deed)).filter_map(|deed| {
        let (warehouse, database) = (deed.text("warehouse")?, deed.text("connect")?);
        Some((deed, Ask::Schemas { warehouse, database }))
    })
}

fn asks(case: &Case<'_>) -> Option<BTreeSet<Ask>> {
    let asks: BTreeSet<Ask> = shares(case).map(|(_, ask)| ask).collect();
    (!asks.is_empty()).then_some(asks)
}

fn run(case: &Case<'_>) -> Vec<Finding> {
    shares(case).flat_map(|(deed, ask)| missing(case, deed, &ask)).collect()
}

fn missing(case: &Case<'_>, deed: &Deed<'_>, ask: &Ask) -> Vec<Finding> {
    let Some(Fact::Schemas(there)) = case.facts.get(ask) else { return Vec::new() };
    let wanted = deed.value("schemas").and_then(|schemas| serde_json::from_value(schemas).ok());
    let wanted: BTreeMap<String, Shared> = wanted.unwrap_or_default();
    let error = |key: &str, problem: String, found: String, help: String| {
        let finding = Finding::error(vec![deed.address.clone()], problem).call("redshift-data:ExecuteStatement");
        finding.values(found, "what is to be shared").key(format!("{}.{key}", section(deed.address))).help(help)
    };
    let mut findings = Vec::new();
    for (schema, shared) in wanted {
        let Some(tables) = there.get(&schema) else {
            if !shared.create {
                let near = did_you_mean(&schema, there.keys().map(String::as_str));
                let make = "make it, or set create_schemas = true".to_owned();
                let help = near.map_or_else(|| make.clone(), |near| format!("{make}; {near}"));
                findings.push(error(
                    if shared.all { "schemas" } else { "tables" },
                    format!("there is no schema `{schema}` in the producer"),
                    listed(there.keys()),
                    help,
                ));
            }
            continue;
        };
        for table in shared.tables.iter().filter(|table| !tables.contains(*table)) {
            let near = did_you_mean(table, tables.iter().map(String::as_str));
            let help = near.unwrap_or_else(|| "make it first, or share the schema with include_new".to_owned());
            findings.push(error(
                "tables",
                format!("there is no table `{schema}.{table}` in the producer"),
                listed(tables),
                help,
            ));
        }
    }
    findings
}

fn listed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    match names.len() {
        0 => "nothing".to_owned(),
        count if count > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), count - SHOWN),
        _ => names.join(", "),
    }
}
