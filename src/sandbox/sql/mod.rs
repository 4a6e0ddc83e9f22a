//! The databases of the sandbox's warehouses: a catalogue per namespace, and the SQL that data sharing needs.
//!
//! Run by the Data API (`run`) when a statement is over, and by `Sandbox::sql` for a person who looks. Source of every
//! rule: aws-facts.md 10. A statement that is not of that grammar is a syntax error, never a success. Must never
//! hold a password, nor change a catalogue by a statement that fails.

mod abroad;
mod catalogue;
mod console;
mod database;
mod parse;
mod parse_query;
mod query;
mod right;
mod share;
mod token;
mod user;
mod view;
mod warehouse;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{serverless, world::World};
use parse::Statement;

pub use abroad::{Abroad, Partner};
pub use catalogue::{Catalogue, Cell, Consumer, Grant, Share};
pub use query::Answer;
pub(in crate::sandbox) use token::{is_verified, redacted};
pub(in crate::sandbox) use warehouse::{Warehouse, warehouses};

/// Catalogues by the namespace's UUID; one that no statement has reached yet is not here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sql {
    /// The catalogues.
    pub catalogues: BTreeMap<String, Catalogue>,
    /// What changed catalogues held at their last recovery point before the change, by namespace and that moment.
    pub past: BTreeMap<String, BTreeMap<Timestamp, Catalogue>>,
    /// What other accounts share with this one.
    pub abroad: Abroad,
}

impl Sql {
    /// What a namespace's databases held at the recovery point of that moment.
    pub(in crate::sandbox) fn at(&self, namespace: &str, at: Timestamp) -> Option<Catalogue> {
        let before = self.past.get(namespace).and_then(|past| past.range(at..).next());
        before.map(|(_, catalogue)| catalogue).or_else(|| self.catalogues.get(namespace)).cloned()
    }

    /// Keeps what a recovery point shows of a namespace that is about to change.
    pub(in crate::sandbox) fn keep(&mut self, namespace: &str, point: Timestamp, now: Timestamp) {
        let Some(current) = self.catalogues.get(namespace).cloned() else { return };
        let past = self.past.entry(namespace.to_owned()).or_default();
        past.retain(|at, _| serverless::is_kept(*at, now));
        past.entry(point).or_insert(current);
    }
}

/// What a database says of a statement it refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ERROR: {0}")]
pub struct SqlError(String);

impl SqlError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    fn at(near: &str) -> Self {
        Self(format!("syntax error at or near \"{near}\""))
    }

    fn denied(what: &str, name: &str) -> Self {
        Self(format!("permission denied for {what} {name}"))
    }
}

/// Who runs statements, and where.
#[derive(Clone, Debug)]
pub(in crate::sandbox) struct Session {
    /// The namespace's UUID.
    pub namespace: String,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
}

/// What a statement needs to know.
struct Scene<'a> {
    warehouses: &'a [Warehouse],
    session: &'a Session,
    account: &'a str,
    now: Timestamp,
}

/// Whether a statement changes objects, which no two may do at once.
pub(in crate::sandbox) fn changes_objects(text: &str) -> bool {
    parse::statement(text).is_ok_and(|statement| statement.changes_objects())
}

/// Runs statements as one transaction, all or nothing: what each answers, or which failed with what error.
pub(in crate::sandbox) fn run(
    world: &mut World,
    now: Timestamp,
    session: &Session,
    texts: &[String],
) -> Result<Vec<Answer>, (usize, SqlError)> {
    let warehouses = warehouses(world, now);
    let mut sql = world.sql.clone();
    for warehouse in &warehouses {
        let new = || Catalogue::new(&warehouse.database, &warehouse.admin);
        let catalogue = sql.catalogues.entry(warehouse.namespace.clone()).or_insert_with(new);
        catalogue.admit(&warehouse.admin, true);
        if warehouse.namespace == session.namespace {
            catalogue.admit(&session.user, false);
        }
    }
    let scene = Scene { warehouses: &warehouses, session, account: &world.account, now };
    let mut answers = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let done = parse::statement(text).and_then(|statement| {
            if texts.len() > 1 && statement.stands_alone(&session.database) {
                let name = statement.name();
                return Err(SqlError::new(format!("{name} cannot run inside a transaction block")));
            }
            perform(&mut sql, &scene, &statement)
        });
        answers.push(done.map_err(|error| (at, error))?);
    }
    let own = &session.namespace;
    if sql.catalogues.get(own) != world.sql.catalogues.get(own)
        && let Some(point) = serverless::last_recovery_point(world, own, now)
    {
        world.sql.keep(own, point, now);
    }
    sql.past = std::mem::take(&mut world.sql.past);
    world.sql = sql;
    Ok(answers)
}

/// Forgets the catalogues whose namespaces are gone.
pub(super) fn sweep(world: &mut World, now: Timestamp) {
    if !world.sql.catalogues.is_empty() {
        let living = warehouse::namespaces(world, now);
        world.sql.catalogues.retain(|namespace, _| living.contains(namespace));
        world.sql.past.retain(|namespace, _| living.contains(namespace));
    }
}

fn perform(sql: &mut Sql, scene: &Scene<'_>, statement: &Statement) -> Result<Answer, SqlError> {
    use Statement as S;
    let home = sql.catalogues.get(&scene.session.namespace).ok_or_else(|| SqlError::new("connection refused"))?;
    if !home.databases.contains_key(&scene.session.database) {
        return Err(SqlError::new(format!("database \"{}\" does not exist", scene.session.database)));
    }
    if let S::Select(parts) = statement {
        return query::select(sql, scene, parts);
    }
    let Some(own) = sql.catalogues.get_mut(&scene.session.namespace) else { return Ok(Answer::default()) };
    match statement {
        S::Select(_) => Ok(()),
        S::CreateShare { .. } | S::AlterShare { .. } | S::DropShare { .. } | S::GrantShare { .. } => {
            share::perform(own, scene, statement)
        }
        S::CreateSharedDatabase { .. } => database::create_shared(sql, scene, statement),
        S::User { .. } | S::AlterUser { .. } | S::DropUser { .. } | S::Role { .. } | S::GrantRole { .. } => {
            user::perform(own, scene, statement)
        }
        S::Grant { .. } => right::perform(sql, scene, statement),
        _ => database::perform(own, scene, statement),
    }?;
    Ok(Answer::default())
}
