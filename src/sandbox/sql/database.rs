//! Databases, schemas and tables: CREATE, DROP, INSERT, and databases made from data shares.
//!
//! Called by [`super::perform`]. Must never write into a shared database.

use super::catalogue::{Catalogue, Cell, Database, Grantee, Object, Origin, Schema, Table};
use super::parse::{Path, Statement};
use super::{Scene, Sql, SqlError, query};

pub(super) fn perform(own: &mut Catalogue, scene: &Scene<'_>, statement: &Statement) -> Result<(), SqlError> {
    use Statement as S;
    match statement {
        S::CreateDatabase { name } => {
            check_new(own, scene, name)?;
            own.databases.insert(name.clone(), Database::local(&scene.session.user));
            Ok(())
        }
        S::DropDatabase { name } => drop_database(own, scene, name),
        S::DatabaseOwner { name, owner } => {
            check_owner(own, scene, name)?;
            own.check_grantee(&Grantee::User(owner.clone()))?;
            own.databases.entry(name.clone()).and_modify(|database| database.owner.clone_from(owner));
            Ok(())
        }
        S::CreateSchema { name, lenient } => create_schema(own, scene, name, *lenient, None),
        S::CreateExternalSchema { name, lenient, database, schema } => {
            if !own.databases.contains_key(database) {
                return Err(SqlError::new(format!("database \"{database}\" does not exist")));
            }
            create_schema(own, scene, name, *lenient, Some((database.clone(), schema.clone())))
        }
        S::DropSchema { name, lenient, cascade } => drop_schema(own, scene, name, *lenient, *cascade),
        S::CreateTable { path, lenient, columns } => create_table(own, scene, path, *lenient, columns),
        S::DropTable { path, lenient } => drop_table(own, scene, path, *lenient),
        S::Insert { path, rows } => insert(own, scene, path, rows),
        _ => Ok(()),
    }
}

fn check_new(own: &Catalogue, scene: &Scene<'_>, name: &str) -> Result<(), SqlError> {
    if !own.is_super(&scene.session.user) {
        return Err(SqlError::new("permission denied to create database"));
    }
    if name.len() > 64 {
        return Err(SqlError::new("database name is longer than 64 characters"));
    }
    if own.databases.contains_key(name) {
        return Err(SqlError::new(format!("database \"{name}\" already exists")));
    }
    Ok(())
}

/// CREATE DATABASE ... FROM DATASHARE.
pub(super) fn create_shared(sql: &mut Sql, scene: &Scene<'_>, statement: &Statement) -> Result<(), SqlError> {
    let Statement::CreateSharedDatabase { name, permissions, share, account, namespace } = statement else {
        return Ok(());
    };
    check_new(scene.own(sql)?, scene, name)?;
    let origin = Origin { share: share.clone(), producer: namespace.clone(), with_permissions: *permissions };
    // Whose it is must be said of a share of another account, and may be of one's own.
    let whose = sql.abroad.of(namespace).map_or(scene.account, |partner| &partner.account);
    if account.as_deref().unwrap_or(scene.account) != whose {
        return Err(query::no_share(&origin));
    }
    query::granted(sql, scene, &origin)?;
    query::check_encryption(scene, &origin)?;
    let own = scene.own_mut(sql)?;
    let same = |database: &Database| {
        database.origin.as_ref().is_some_and(|is| is.share == origin.share && is.producer == origin.producer)
    };
    if let Some((other, _)) = own.databases.iter().find(|(_, database)| same(database)) {
        let message = format!("Datashare {share} of namespace {namespace} is already used by the database \"{other}\"");
        return Err(SqlError::new(message));
    }
    let owner = scene.session.user.clone();
    own.databases.insert(name.clone(), Database { owner, origin: Some(origin), schemas: Default::default() });
    Ok(())
}

fn check_owner(own: &Catalogue, scene: &Scene<'_>, name: &str) -> Result<(), SqlError> {
    if !own.databases.contains_key(name) {
        return Err(SqlError::new(format!("database \"{name}\" does not exist")));
    }
    if own.rules(&scene.session.user, name) {
        return Ok(());
    }
    Err(SqlError::new(format!("must be owner of database {name}")))
}

fn drop_database(own: &mut Catalogue, scene: &Scene<'_>, name: &str) -> Result<(), SqlError> {
    check_owner(own, scene, name)?;
    if name == scene.session.database {
        return Err(SqlError::new("cannot drop the currently open database"));
    }
    if let Some((share, _)) = own.shares.iter().find(|(_, share)| share.database == name) {
        return Err(SqlError::new(format!(
            "database \"{name}\" can't be dropped: the datashare {share} belongs to it"
        )));
    }
    own.databases.remove(name);
    own.forget(|object| match object {
        Object::Database(is) | Object::Schema(is, _) | Object::Table(is, _, _) => is == name,
        Object::Share(_) => false,
    });
    Ok(())
}

/// The database the session is in, if it is a local one.
fn home<'a>(own: &'a mut Catalogue, scene: &Scene<'_>) -> Result<&'a mut Database, SqlError> {
    let name = &scene.session.database;
    let found = own.databases.get_mut(name).filter(|database| database.origin.is_none());
    found.ok_or_else(|| SqlError::denied("database", name))
}

fn create_schema(
    own: &mut Catalogue,
    scene: &Scene<'_>,
    name: &str,
    lenient: bool,
    external: Option<(String, String)>,
) -> Result<(), SqlError> {
    let session = scene.session;
    if !own.rules(&session.user, &session.database) {
        return Err(SqlError::denied("database", &session.database));
    }
    if name.starts_with("pg_") {
        return Err(SqlError::new(format!("unacceptable schema name \"{name}\"")));
    }
    if home(own, scene)?.schemas.contains_key(name) {
        return if lenient { Ok(()) } else { Err(SqlError::new(format!("schema \"{name}\" already exists"))) };
    }
    let schema = Schema { owner: session.user.clone(), id: own.next_id(), external, ..Schema::default() };
    home(own, scene)?.schemas.insert(name.to_owned(), schema);
    Ok(())
}

fn drop_schema(
    own: &mut Catalogue,
    scene: &Scene<'_>,
    name: &str,
    lenient: bool,
    cascade: bool,
) -> Result<(), SqlError> {
    let database = scene.session.database.clone();
    let ruled = own.rules(&scene.session.user, &database);
    let home = home(own, scene)?;
    let Some(schema) = home.schemas.get(name) else {
        return if lenient { Ok(()) } else { Err(SqlError::new(format!("schema \"{name}\" does not exist"))) };
    };
    if !ruled && schema.owner != scene.session.user {
        return Err(SqlError::new(format!("must be owner of schema {name}")));
    }
    if !cascade && !schema.tables.is_empty() {
        return Err(SqlError::new(format!("cannot drop schema {name} because other objects depend on it")));
    }
    home.schemas.remove(name);
    for share in own.shares.values_mut().filter(|share| share.database == database) {
        share.schemas.remove(name);
        share.tables.retain(|(schema, _)| schema != name);
    }
    own.forget(|object| match object {
        Object::Schema(db, is) | Object::Table(db, is, _) => *db == database && is == name,
        Object::Database(_) | Object::Share(_) => false,
    });
    Ok(())
}

/// The schema and table of a path in the session's own database.
fn within<'a>(
    own: &'a mut Catalogue,
    scene: &Scene<'_>,
    path: &Path,
) -> Result<(&'a mut Schema, String, String), SqlError> {
    let (schema, table) = match path.as_slice() {
        [table] => ("public".to_owned(), table.clone()),
        [schema, table] => (schema.clone(), table.clone()),
        [database, schema, table] if *database == scene.session.database => (schema.clone(), table.clone()),
        _ => return Err(SqlError::new("cross-database writes are not supported")),
    };
    let found = home(own, scene)?.schemas.get_mut(&schema).filter(|found| found.external.is_none());
    found
        .map(|found| (found, schema.clone(), table))
        .ok_or_else(|| SqlError::new(format!("schema \"{schema}\" does not exist")))
}

fn create_table(
    own: &mut Catalogue,
    scene: &Scene<'_>,
    path: &Path,
    lenient: bool,
    columns: &[(String, String)],
) -> Result<(), SqlError> {
    let user = scene.session.user.clone();
    let ruled = own.rules(&user, &scene.session.database);
    let (found, schema, table) = within(own, scene, path)?;
    if !ruled && found.owner != user {
        return Err(SqlError::denied("schema", &schema));
    }
    if found.tables.contains_key(&table) {
        return if lenient { Ok(()) } else { Err(SqlError::new(format!("Relation \"{table}\" already exists"))) };
    }
    found.tables.insert(table.clone(), Table { owner: user, columns: columns.to_vec(), rows: Vec::new() });
    // A table that comes into a schema shared with INCLUDENEW is shared from the start.
    for share in own.shares.values_mut().filter(|share| share.database == scene.session.database) {
        if share.schemas.get(&schema) == Some(&true) {
            share.tables.insert((schema.clone(), table.clone()));
        }
    }
    Ok(())
}

fn drop_table(own: &mut Catalogue, scene: &Scene<'_>, path: &Path, lenient: bool) -> Result<(), SqlError> {
    let user = &scene.session.user;
    let database = scene.session.database.clone();
    let ruled = own.rules(user, &database);
    let (found, schema, table) = within(own, scene, path)?;
    let Some(is) = found.tables.get(&table) else {
        return if lenient { Ok(()) } else { Err(SqlError::new(format!("table \"{table}\" does not exist"))) };
    };
    if !ruled && is.owner != *user {
        return Err(SqlError::new(format!("must be owner of relation {table}")));
    }
    found.tables.remove(&table);
    let key = (schema, table);
    own.shares.values_mut().filter(|share| share.database == database).for_each(|share| {
        share.tables.remove(&key);
    });
    own.forget(|object| *object == Object::Table(database.clone(), key.0.clone(), key.1.clone()));
    Ok(())
}

fn insert(own: &mut Catalogue, scene: &Scene<'_>, path: &Path, rows: &[Vec<Cell>]) -> Result<(), SqlError> {
    let user = &scene.session.user;
    let ruled = own.rules(user, &scene.session.database);
    let (found, schema, name) = within(own, scene, path)?;
    let Some(table) = found.tables.get_mut(&name) else {
        return Err(SqlError::new(format!("relation \"{schema}.{name}\" does not exist")));
    };
    if !ruled && table.owner != *user {
        return Err(SqlError::denied("relation", &name));
    }
    if rows.iter().any(|row| row.len() > table.columns.len()) {
        return Err(SqlError::new("INSERT has more expressions than target columns"));
    }
    for row in rows {
        let mut row = row.clone();
        row.resize(table.columns.len(), Cell::Null);
        table.rows.push(row);
    }
    Ok(())
}
