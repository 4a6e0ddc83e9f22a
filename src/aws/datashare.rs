//! Kind `redshift.datashare`: what the producer lets others read, and which schemas and tables that is.
//!
//! Driven by `plan` and `apply` through the list of kinds. It carries no tags: it is ours if the state holds the intent and
//! its warehouse is ours. Must never drop a schema or a table: it only shares them.

use super::{
    Aws, Class, Fault, Look,
    catalogue::{self, Catalogue, OBJECTS, TABLES},
    data_api,
    fault::found,
    ids::{DatashareArn, NamespaceId},
    lookup::asks,
    named,
    policy::partition,
    sql::{identifier, table, truth},
};
use crate::kind::{
    Actions, Changes, Created, Field, Id, Job, Kind, Known, Live, Named, Readiness, Stage, Step, Typical, Which,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// A data share. Its id is its ARN.
pub struct Datashare;

/// What of a schema is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Every table and view there is.
    #[serde(default)]
    pub all: bool,
    /// Those that come later too.
    #[serde(default)]
    pub include_new: bool,
    /// Single ones, where not all are.
    #[serde(default)]
    pub tables: BTreeSet<String>,
    /// Whether a schema that is missing is made, before the first load.
    #[serde(default)]
    pub create: bool,
}

/// What a data share is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
pub struct DatashareSpec<S: Stage> {
    /// Its name, unique in its warehouse.
    pub name: String,
    /// The namespace of the producer.
    pub warehouse: S::In<NamespaceId>,
    /// The database of the producer that it belongs to.
    pub connect: String,
    /// Whether public warehouses may read it.
    pub publicly_accessible: bool,
    /// What is shared, by schema.
    pub schemas: BTreeMap<String, Shared>,
}

crate::outputs!(Datashare =>
    /// What a data share offers.
    DatashareOutputs {
        at_once {
            /// Its ARN, which holds the producer's GUID and its name.
            arn: DatashareArn,
        }
        ready {}
    }
);

/// The GUID and the name that a share's ARN holds.
pub(super) fn parts(arn: &DatashareArn) -> Option<(&str, &str)> {
    arn.as_str().split_once(":datashare:")?.1.split_once('/')
}

impl Datashare {
    /// The ARN of a share (aws-facts.md 10.4).
    fn arn(aws: &Aws, warehouse: &NamespaceId, name: &str) -> DatashareArn {
        let (partition, region, account) = (partition(&aws.region), &aws.region, &aws.account);
        format!("arn:{partition}:redshift:{region}:{account}:datashare:{warehouse}/{name}").into()
    }

    /// What the warehouse says of it.
    fn shown(spec: &DatashareSpec<Known>, catalogue: &Catalogue) -> Option<DatashareSpec<Known>> {
        let (public, connect) = catalogue.share(&spec.name)?;
        let schemas = catalogue.schemas(&spec.name).into_iter().map(|(schema, include_new)| {
            let (shared, there) = (catalogue.shared(&spec.name, &schema), catalogue.tables(&connect, &schema));
            let wanted = spec.schemas.get(&schema);
            // Where later tables do not come by themselves, those that came later are not missing.
            let whole = wanted.is_some_and(|wanted| wanted.all && (!wanted.include_new || shared.is_superset(&there)));
            let tables = if whole { BTreeSet::new() } else { shared };
            // What nothing shows is as it is wanted.
            let create = wanted.is_some_and(|wanted| wanted.create);
            (schema, Shared { all: whole, include_new, tables, create })
        });
        let schemas = schemas.collect();
        Some(DatashareSpec { publicly_accessible: public, connect, schemas, ..spec.clone() })
    }
}

/// What a step does to one schema of a share.
const CREATE_SCHEMA: &str = "create schema ";
const ADD_SCHEMA: &str = "add schema ";
const ADD_TABLES: &str = "add tables of ";
const ADD_TABLE: &str = "add table ";
const INCLUDE_NEW: &str = "include new tables of ";
const EXCLUDE_NEW: &str = "no longer include new tables of ";
const REMOVE_TABLES: &str = "remove tables of ";
const REMOVE_TABLE: &str = "remove table ";
const REMOVE_SCHEMA: &str = "remove schema ";

/// The steps from one content of a schema to another, in the order that Redshift wants (aws-facts.md 10.2).
fn steps(schema: &str, before: Option<&Shared>, after: Option<&Shared>) -> Vec<String> {
    let mut steps = Vec::new();
    let Some(after) = after else {
        return vec![format!("{REMOVE_TABLES}{schema}"), format!("{REMOVE_SCHEMA}{schema}")];
    };
    if before.is_none() {
        steps.extend(after.create.then(|| format!("{CREATE_SCHEMA}{schema}")));
        steps.push(format!("{ADD_SCHEMA}{schema}"));
    }
    let nothing = Shared::default();
    let before = before.unwrap_or(&nothing);
    if after.all && !before.all {
        steps.push(format!("{ADD_TABLES}{schema}"));
    }
    if before.all && !after.all {
        steps.push(format!("{REMOVE_TABLES}{schema}"));
    }
    if !after.all {
        let had = |table: &&String| before.all || !before.tables.contains(*table);
        let gone = before.tables.difference(&after.tables).filter(|_| !before.all);
        steps.extend(gone.map(|table| format!("{REMOVE_TABLE}{schema}.{table}")));
        steps.extend(after.tables.iter().filter(had).map(|table| format!("{ADD_TABLE}{schema}.{table}")));
    }
    match (before.include_new, after.include_new) {
        (false, true) => steps.push(format!("{INCLUDE_NEW}{schema}")),
        (true, false) => steps.push(format!("{EXCLUDE_NEW}{schema}")),
        (false, false) | (true, true) => {}
    }
    steps
}

fn contents(json: Option<&Json>) -> BTreeMap<String, Shared> {
    json.and_then(|json| serde_json::from_value(json.clone()).ok()).unwrap_or_default()
}

/// The statement of a step on a share.
fn statement(name: &str, spec: &DatashareSpec<Known>) -> Option<String> {
    let alter = format!("ALTER DATASHARE {}", identifier(&spec.name));
    let of = |text: &str| text.split_once('.').map(|(schema, name)| table(schema, name));
    Some(if let Some(schema) = name.strip_prefix(CREATE_SCHEMA) {
        format!("CREATE SCHEMA IF NOT EXISTS {}", identifier(schema))
    } else if let Some(schema) = name.strip_prefix(ADD_SCHEMA) {
        format!("{alter} ADD SCHEMA {}", identifier(schema))
    } else if let Some(schema) = name.strip_prefix(ADD_TABLES) {
        format!("{alter} ADD ALL TABLES IN SCHEMA {}", identifier(schema))
    } else if let Some(name) = name.strip_prefix(ADD_TABLE) {
        format!("{alter} ADD TABLE {}", of(name)?)
    } else if let Some(schema) = name.strip_prefix(INCLUDE_NEW) {
        format!("{alter} SET INCLUDENEW = TRUE FOR SCHEMA {}", identifier(schema))
    } else if let Some(schema) = name.strip_prefix(EXCLUDE_NEW) {
        format!("{alter} SET INCLUDENEW = FALSE FOR SCHEMA {}", identifier(schema))
    } else if let Some(schema) = name.strip_prefix(REMOVE_TABLES) {
        format!("{alter} REMOVE ALL TABLES IN SCHEMA {}", identifier(schema))
    } else if let Some(name) = name.strip_prefix(REMOVE_TABLE) {
        format!("{alter} REMOVE TABLE {}", of(name)?)
    } else if let Some(schema) = name.strip_prefix(REMOVE_SCHEMA) {
        format!("{alter} REMOVE SCHEMA {}", identifier(schema))
    } else if name == "set publicly_accessible" {
        format!("{alter} SET PUBLICACCESSIBLE {}", truth(spec.publicly_accessible))
    } else {
        return None;
    })
}

/// Tells whether what a step brings about is so already: an earlier run has done it, or somebody else.
fn is_so(name: &str, spec: &DatashareSpec<Known>, catalogue: &Catalogue) -> bool {
    let schemas = catalogue.schemas(&spec.name);
    let shared = |schema: &str| catalogue.shared(&spec.name, schema);
    let has = |name: &str| name.split_once('.').is_some_and(|(schema, table)| shared(schema).contains(table));
    if let Some(schema) = name.strip_prefix(ADD_SCHEMA) {
        schemas.contains_key(schema)
    } else if let Some(schema) = name.strip_prefix(ADD_TABLES) {
        schemas.contains_key(schema) && shared(schema).is_superset(&catalogue.tables(&spec.connect, schema))
    } else if let Some(name) = name.strip_prefix(ADD_TABLE) {
        has(name)
    } else if let Some(schema) = name.strip_prefix(EXCLUDE_NEW) {
        schemas.get(schema) != Some(&true)
    } else if let Some(schema) = name.strip_prefix(REMOVE_TABLES) {
        shared(schema).is_empty()
    } else if let Some(name) = name.strip_prefix(REMOVE_TABLE) {
        !has(name)
    } else if let Some(schema) = name.strip_prefix(REMOVE_SCHEMA) {
        !schemas.contains_key(schema)
    } else {
        false
    }
}

impl Kind for Datashare {
    const NAME: &'static str = "redshift.datashare";
    const FIELDS: &'static [Field] = &[
        Field::replaces("name"),
        Field::replaces("warehouse").follows(),
        Field::replaces("connect"),
        Field::updates("publicly_accessible").security(),
        Field::updates("schemas").security(),
    ];
    const ACTIONS: Actions = Actions {
        read: data_api::TO_READ,
        create: data_api::TO_EXECUTE,
        update: data_api::TO_EXECUTE,
        delete: data_api::TO_EXECUTE,
    };
    const TYPICAL: Typical = Typical { create: 3, update: 2, delete: 2 };
    const INSIDE: bool = true;
    const SETTLES: bool = false;
    const KEY: &'static [&'static str] = &["warehouse", "name"];
    const TAGGED: bool = false;
    const NAMED_BY: &'static str = "its ARN, `arn:aws:redshift:...:datashare:<namespace>/<name>`";

    type Spec<S: Stage> = DatashareSpec<S>;
    type Outputs = DatashareOutputs;

    fn named(text: &str) -> Option<Named> {
        named::arn(text, "redshift", "datashare:")
    }

    async fn read(look: &Look, which: &[Which<Self>]) -> Result<Vec<Option<Live<Self>>>, Fault> {
        let catalogues = catalogue::catalogues(look).await?;
        let live = |question: &Which<Self>| {
            let arn = Self::arn(look, &question.spec.warehouse, &question.spec.name);
            let spec = match catalogues.of(&question.spec.warehouse) {
                Some(catalogue) => Self::shown(&question.spec, catalogue)?,
                // Not asked: what is recorded holds.
                None => question.id.as_ref().map(|_| question.spec.clone())?,
            };
            let ours = asks(question, arn.as_str(), true);
            let outputs = DatashareOutputs { arn: arn.clone() };
            ours.then(|| Live { id: Id(arn.into()), spec, outputs, readiness: Readiness::Ready })
        };
        Ok(which.iter().map(live).collect())
    }

    async fn create(aws: &Aws, spec: &DatashareSpec<Known>, _: &str) -> Result<Created<Self>, Fault> {
        let (name, public) = (identifier(&spec.name), truth(spec.publicly_accessible));
        let statement = format!("CREATE DATASHARE {name} SET PUBLICACCESSIBLE {public}");
        aws.execute(spec.warehouse.as_str(), &spec.connect, &statement).await?;
        let arn = Self::arn(aws, &spec.warehouse, &spec.name);
        Ok(Created { id: Id(arn.to_string()), outputs: DatashareOutputs { arn } })
    }

    fn finish(spec: &DatashareSpec<Known>) -> Vec<Step> {
        let all = spec.schemas.iter().flat_map(|(schema, shared)| steps(schema, None, Some(shared)));
        all.map(Step::new).collect()
    }

    fn update(changes: &Changes) -> Vec<Step> {
        let public = changes.has("publicly_accessible").then(|| Step::set("publicly_accessible"));
        let (before, after) = (contents(changes.before("schemas")), contents(changes.after("schemas")));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
        let mut steps: Vec<Step> =
            changed.flat_map(|name| steps(name, before.get(name), after.get(name))).map(Step::new).collect();
        // The field is settled when the last of them is done.
        if let Some(last) = steps.last_mut() {
            last.fields = vec!["schemas".to_owned()];
        }
        public.into_iter().chain(steps).collect()
    }

    async fn run(aws: &Aws, job: Job<'_, Self>) -> Result<Option<Id>, Fault> {
        let (name, spec) = (job.step.name.as_str(), job.spec);
        let (warehouse, database) = (spec.warehouse.as_str(), spec.connect.as_str());
        if name == "delete" {
            let statement = format!("DROP DATASHARE {}", identifier(&spec.name));
            found(aws.execute(warehouse, database, &statement).await)?;
            return Ok(None);
        }
        let statement = statement(name, spec).ok_or_else(|| Fault::unknown_step(Self::NAME, job.step))?;
        let Err(fault) = aws.execute(warehouse, database, &statement).await else { return Ok(None) };
        // AWS promises no text for what is done already (aws-facts.md 10.2), and refuses it in a statement of its own.
        if !matches!(fault.class, Class::Exists | Class::NotFound | Class::Invalid) {
            return Err(fault);
        }
        if is_so(name, spec, &Catalogue::of(aws, warehouse, database, [OBJECTS, TABLES]).await?) {
            return Ok(None);
        }
        // What is to be shared is not made by waiting for it.
        Err(Fault { class: Class::Invalid, ..fault })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(names: &[&str]) -> Shared {
        Shared { tables: names.iter().map(|name| (*name).to_owned()).collect(), ..Shared::default() }
    }

    #[test]
    fn a_schema_comes_before_its_tables_and_goes_after_them() {
        let whole = Shared { all: true, include_new: true, create: true, tables: BTreeSet::new() };
        let made = ["create schema s", "add schema s", "add tables of s", "include new tables of s"];
        assert_eq!(steps("s", None, Some(&whole)), made);
        assert_eq!(steps("s", Some(&whole), None), ["remove tables of s", "remove schema s"]);
        let less = ["remove tables of s", "add table s.a", "no longer include new tables of s"];
        assert_eq!(steps("s", Some(&whole), Some(&tables(&["a"]))), less);
        let other = ["remove table s.a", "add table s.b"];
        assert_eq!(steps("s", Some(&tables(&["a"])), Some(&tables(&["b"]))), other);
        assert!(steps("s", Some(&whole), Some(&whole)).is_empty());
    }
}
