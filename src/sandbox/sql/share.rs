//! Data shares on the producer's side: what is in them, and whom they are granted to.
//!
//! Called by [`super::perform`]. Source: aws-facts.md 10.2. Must never put something into a share that is not there.

use super::catalogue::{Catalogue, Consumer, Database, Grant, Object, Share};
use super::parse::{Path, ShareChange, Statement};
use super::{Scene, SqlError};

pub(super) fn perform(own: &mut Catalogue, scene: &Scene<'_>, statement: &Statement) -> Result<(), SqlError> {
    let user = &scene.session.user;
    match statement {
        Statement::CreateShare { name, public } => create(own, scene, name, *public),
        Statement::AlterShare { name, change } => {
            check(own, name, user, "ALTER")?;
            alter(own, scene, name, change)
        }
        Statement::DropShare { name } => {
            check(own, name, user, "DROP")?;
            own.shares.remove(name);
            own.forget(|object| *object == Object::Share(name.clone()));
            Ok(())
        }
        Statement::GrantShare { name, to, given } => {
            check(own, name, user, "SHARE")?;
            grant(own, scene, name, to, *given)
        }
        _ => Ok(()),
    }
}

/// Refuses a share that is not there, and users who may not do that with it.
fn check(own: &Catalogue, name: &str, user: &str, privilege: &str) -> Result<(), SqlError> {
    let Some(share) = own.shares.get(name) else {
        return Err(SqlError::new(format!("datashare \"{name}\" does not exist")));
    };
    if share.owner == user || own.may(user, privilege, &Object::Share(name.to_owned())) {
        return Ok(());
    }
    Err(SqlError::denied("datashare", name))
}

fn create(own: &mut Catalogue, scene: &Scene<'_>, name: &str, public: bool) -> Result<(), SqlError> {
    let session = scene.session;
    if !own.rules(&session.user, &session.database) {
        return Err(SqlError::denied("database", &session.database));
    }
    if own.databases.get(&session.database).is_some_and(|database| database.origin.is_some()) {
        return Err(SqlError::new("CREATE DATASHARE is not supported in a shared database"));
    }
    if own.shares.contains_key(name) {
        return Err(SqlError::new(format!("Datashare {name} already exists")));
    }
    let share = Share {
        id: own.next_id(),
        database: session.database.clone(),
        owner: session.user.clone(),
        created: scene.now,
        public,
        schemas: Default::default(),
        tables: Default::default(),
        grants: Vec::new(),
    };
    own.shares.insert(name.to_owned(), share);
    Ok(())
}

fn alter(own: &mut Catalogue, scene: &Scene<'_>, name: &str, change: &ShareChange) -> Result<(), SqlError> {
    use ShareChange as C;
    let superuser = own.is_super(&scene.session.user);
    if let C::Owner(owner) = change {
        own.check_grantee(&super::catalogue::Grantee::User(owner.clone()))?;
    }
    let Catalogue { shares, databases, .. } = own;
    let Some(share) = shares.get_mut(name) else { return Ok(()) };
    if share.database != scene.session.database {
        let (home, here) = (&share.database, &scene.session.database);
        let message =
            format!("datashare \"{name}\" belongs to the database \"{home}\" and can't be altered from \"{here}\"");
        return Err(SqlError::new(message));
    }
    let Some(database) = databases.get(&share.database) else { return Ok(()) };
    match change {
        C::Public(public) => share.public = *public,
        C::Owner(owner) => share.owner.clone_from(owner),
        C::IncludeNew(..) if !superuser => return Err(SqlError::new("must be superuser to set INCLUDENEW")),
        C::IncludeNew(on, schema) => match share.schemas.get_mut(schema) {
            Some(include) => *include = *on,
            None => return Err(absent(schema, name)),
        },
        C::Schemas(schemas, add) => {
            schemas.iter().try_for_each(|schema| change_schema(share, database, name, schema, *add))?;
        }
        C::Tables(tables, add) => {
            tables.iter().try_for_each(|table| change_table(share, database, name, table, *add))?;
        }
        C::AllTables(schemas, add) => {
            for schema in schemas {
                if !share.schemas.contains_key(schema) {
                    return Err(absent(schema, name));
                }
                let tables = database.schemas.get(schema).map(|it| it.tables.keys()).into_iter().flatten();
                if *add {
                    share.tables.extend(tables.map(|table| (schema.clone(), table.clone())));
                } else {
                    share.tables.retain(|(is, _)| is != schema);
                }
            }
        }
        C::Functions(functions) => {
            let function = functions.first().map(|path| path.join(".")).unwrap_or_default();
            return Err(SqlError::new(format!("function {function} does not exist")));
        }
        // There are no functions here: all of them are none.
        C::AllFunctions(schemas) => {
            if let Some(schema) = schemas.iter().find(|schema| !share.schemas.contains_key(*schema)) {
                return Err(absent(schema, name));
            }
        }
    }
    Ok(())
}

fn absent(schema: &str, share: &str) -> SqlError {
    SqlError::new(format!("Schema {schema} is not added to datashare {share}"))
}

fn change_schema(share: &mut Share, database: &Database, name: &str, schema: &str, add: bool) -> Result<(), SqlError> {
    if !add {
        if share.tables.iter().any(|(is, _)| is == schema) {
            let message = format!(
                "Schema {schema} can't be removed from datashare {name}: remove its tables and functions first"
            );
            return Err(SqlError::new(message));
        }
        return share.schemas.remove(schema).map(drop).ok_or_else(|| absent(schema, name));
    }
    let Some(found) = database.schemas.get(schema) else {
        return Err(SqlError::new(format!("schema \"{schema}\" does not exist")));
    };
    if found.external.is_some() {
        return Err(SqlError::new(format!("External schema {schema} can't be added to datashare {name}")));
    }
    if share.schemas.contains_key(schema) {
        return Err(SqlError::new(format!("Schema {schema} already exists in datashare {name}")));
    }
    share.schemas.insert(schema.to_owned(), false);
    Ok(())
}

fn change_table(share: &mut Share, database: &Database, name: &str, path: &Path, add: bool) -> Result<(), SqlError> {
    let (schema, table) = match path.as_slice() {
        [schema, table] => (schema, table),
        [table] => (&"public".to_owned(), table),
        _ => return Err(SqlError::new(format!("improper relation name: {}", path.join(".")))),
    };
    let key = (schema.clone(), table.clone());
    if !add {
        let had = share.tables.remove(&key);
        return if had { Ok(()) } else { Err(no_relation(schema, table, name)) };
    }
    if !database.schemas.get(schema).is_some_and(|it| it.tables.contains_key(table)) {
        return Err(SqlError::new(format!("relation \"{schema}.{table}\" does not exist")));
    }
    if !share.schemas.contains_key(schema) {
        return Err(absent(schema, name));
    }
    if !share.tables.insert(key) {
        return Err(SqlError::new(format!("Relation {schema}.{table} already exists in datashare {name}")));
    }
    Ok(())
}

fn no_relation(schema: &str, table: &str, share: &str) -> SqlError {
    SqlError::new(format!("Relation {schema}.{table} is not added to datashare {share}"))
}

fn grant(own: &mut Catalogue, scene: &Scene<'_>, name: &str, to: &Consumer, given: bool) -> Result<(), SqlError> {
    let Some(share) = own.shares.get_mut(name) else { return Ok(()) };
    if !given {
        share.grants.retain(|grant| grant.consumer != *to);
        return Ok(());
    }
    let status = match to {
        Consumer::Namespace(namespace) if *namespace == scene.session.namespace => {
            return Err(SqlError::new("Cannot grant usage on a datashare to its own namespace"));
        }
        Consumer::Namespace(namespace) => {
            if !scene.warehouses.iter().any(|warehouse| warehouse.namespace == *namespace) {
                return Err(SqlError::new(format!("Invalid namespace \"{namespace}\"")));
            }
            "ACTIVE"
        }
        Consumer::Account(account) if account.len() != 12 || account.chars().any(|c| !c.is_ascii_digit()) => {
            return Err(SqlError::new(format!("Invalid account \"{account}\"")));
        }
        Consumer::Account(account) if account == scene.account => {
            return Err(SqlError::new("Cannot grant usage on a datashare to its own account; grant it to a namespace"));
        }
        Consumer::Account(_) => "PENDING_AUTHORIZATION",
    };
    if !share.grants.iter().any(|grant| grant.consumer == *to) {
        share.grants.push(Grant { consumer: to.clone(), since: scene.now, status: status.to_owned() });
    }
    Ok(())
}
