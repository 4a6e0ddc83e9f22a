//! Rights: who may do what, GRANT and REVOKE.
//!
//! Called by every other file here that must refuse. Must never let a superuser be refused.

use std::collections::BTreeSet;

use super::catalogue::{Catalogue, Grantee, Object, Right};
use super::parse::{On, Path, Statement};
use super::{Scene, Sql, SqlError, query};

impl Catalogue {
    /// Whether the user may do everything.
    pub(super) fn is_super(&self, user: &str) -> bool {
        self.users.get(user).is_some_and(|user| user.superuser)
    }

    /// The user, everybody, and every role the user has, by other roles too.
    fn guises(&self, user: &str) -> BTreeSet<Grantee> {
        let mut guises = BTreeSet::from([Grantee::Public, Grantee::User(user.to_owned())]);
        loop {
            let had = guises.len();
            let held = self.members.iter().filter(|(_, holder)| guises.contains(holder));
            let more: Vec<Grantee> = held.map(|(role, _)| Grantee::Role(role.clone())).collect();
            guises.extend(more);
            if guises.len() == had {
                return guises;
            }
        }
    }

    /// Whether the user has that right, by itself or by a role.
    pub(super) fn may(&self, user: &str, privilege: &str, object: &Object) -> bool {
        self.is_super(user) || {
            let guises = self.guises(user);
            let fits = |right: &Right| {
                right.object == *object && right.privilege == privilege && guises.contains(&right.grantee)
            };
            self.rights.iter().any(fits)
        }
    }

    /// Whether the user may do everything or owns the database.
    pub(super) fn rules(&self, user: &str, database: &str) -> bool {
        self.is_super(user) || self.databases.get(database).is_some_and(|it| it.owner == user)
    }

    /// Refuses a grantee that is not there.
    pub(super) fn check_grantee(&self, grantee: &Grantee) -> Result<(), SqlError> {
        match grantee {
            Grantee::User(name) if !self.users.contains_key(name) => {
                Err(SqlError::new(format!("user \"{name}\" does not exist")))
            }
            Grantee::Role(name) if !self.roles.contains_key(name) => {
                Err(SqlError::new(format!("role \"{name}\" does not exist")))
            }
            _ => Ok(()),
        }
    }

    /// Takes away every right on what is no more.
    pub(super) fn forget(&mut self, gone: impl Fn(&Object) -> bool) {
        self.rights.retain(|right| !gone(&right.object));
    }
}

/// GRANT and REVOKE of what is not a data share's consumer.
pub(super) fn perform(sql: &mut Sql, scene: &Scene<'_>, statement: &Statement) -> Result<(), SqlError> {
    let Statement::Grant { privilege, on, to, given } = statement else { return Ok(()) };
    let mut objects = Vec::new();
    for on in on {
        objects.extend(named(sql, scene, on)?);
    }
    let own = scene.own_mut(sql)?;
    to.iter().try_for_each(|grantee| own.check_grantee(grantee))?;
    for object in &objects {
        if !own.owns(&scene.session.user, object) {
            let (what, name) = match object {
                Object::Database(name) => ("database", name),
                Object::Schema(_, name) => ("schema", name),
                Object::Table(_, _, name) => ("relation", name),
                Object::Share(name) => ("datashare", name),
            };
            return Err(SqlError::denied(what, name));
        }
        for grantee in to {
            let right = Right { object: object.clone(), privilege: privilege.clone(), grantee: grantee.clone() };
            if *given {
                own.rights.insert(right);
            } else {
                own.rights.remove(&right);
            }
        }
    }
    Ok(())
}

impl Catalogue {
    fn owns(&self, user: &str, object: &Object) -> bool {
        let database = |name: &String| self.databases.get(name);
        let schema = |db: &String, name: &String| database(db).and_then(|it| it.schemas.get(name));
        self.is_super(user)
            || match object {
                Object::Database(name) => database(name).is_some_and(|it| it.owner == user),
                Object::Schema(db, name) => schema(db, name).is_some_and(|it| it.owner == user),
                Object::Table(db, name, table) => {
                    schema(db, name).and_then(|it| it.tables.get(table)).is_some_and(|it| it.owner == user)
                }
                Object::Share(name) => self.shares.get(name).is_some_and(|it| it.owner == user),
            }
    }
}

/// What a right is on; everything must be there.
fn named(sql: &Sql, scene: &Scene<'_>, on: &On) -> Result<Vec<Object>, SqlError> {
    let own = scene.own(sql)?;
    let within = |path: &Path, names: usize| match path.as_slice() {
        [database, ..] if path.len() == names + 1 => Ok(database.clone()),
        _ if path.len() <= names => Ok(scene.session.database.clone()),
        _ => Err(SqlError::new(format!("improper qualified name (too many dotted names): {}", path.join(".")))),
    };
    match on {
        On::Database(name) if own.databases.contains_key(name) => Ok(vec![Object::Database(name.clone())]),
        On::Database(name) => Err(SqlError::new(format!("database \"{name}\" does not exist"))),
        On::Share(name) if own.shares.contains_key(name) => Ok(vec![Object::Share(name.clone())]),
        On::Share(name) => Err(SqlError::new(format!("datashare \"{name}\" does not exist"))),
        On::Schema(path) | On::TablesIn(path) => {
            let database = within(path, 1)?;
            check_permissions(sql, scene, &database)?;
            let schema = path.last().cloned().unwrap_or_default();
            let schemas = query::schemas(sql, scene, &database)?;
            let Some((_, tables)) = schemas.into_iter().find(|(name, _)| *name == schema) else {
                return Err(SqlError::new(format!("schema \"{schema}\" does not exist")));
            };
            let object = |table| Object::Table(database.clone(), schema.clone(), table);
            Ok(match on {
                On::TablesIn(_) => tables.into_iter().map(object).collect(),
                _ => vec![Object::Schema(database, schema)],
            })
        }
        On::Table(path) => {
            let database = within(path, 2)?;
            check_permissions(sql, scene, &database)?;
            let (schema, table) = match path.as_slice() {
                [.., schema, table] => (schema.clone(), table.clone()),
                [table] => ("public".to_owned(), table.clone()),
                [] => return Ok(Vec::new()),
            };
            let schemas = query::schemas(sql, scene, &database)?;
            let there = schemas.iter().any(|(name, tables)| *name == schema && tables.contains(&table));
            if there {
                return Ok(vec![Object::Table(database, schema, table)]);
            }
            Err(SqlError::new(format!("relation \"{}\" does not exist", path.join("."))))
        }
    }
}

/// Refuses rights on what is in a shared database that was made without them.
fn check_permissions(sql: &Sql, scene: &Scene<'_>, database: &str) -> Result<(), SqlError> {
    let own = scene.own(sql)?;
    let origin = own.databases.get(database).and_then(|it| it.origin.as_ref());
    match origin {
        Some(origin) if !origin.with_permissions => Err(SqlError::new(format!(
            "GRANT/REVOKE on objects of the shared database \"{database}\" is not supported: it was created without WITH \
             PERMISSIONS"
        ))),
        _ => Ok(()),
    }
}
