//! The system views: what the databases tell of themselves.
//!
//! Called by queries. Source: aws-facts.md 10.3, blanks at the end included. Must never show a row that the user may
//! not see: such a user sees none, and no error.

use super::catalogue::{Catalogue, Cell, Consumer, Grantee, Object, Share};
use super::{Answer, Scene, Sql, SqlError, query};

const SHARES: &[&str] = &[
    "share_name:varchar",
    "share_id:int4",
    "share_owner:int4",
    "source_database:varchar",
    "consumer_database:varchar",
    "share_type:char",
    "createdate:timestamp",
    "is_publicaccessible:bool",
    "share_acl:varchar",
    "producer_account:char",
    "producer_namespace:char",
    "managed_by:varchar",
];
const OBJECTS: &[&str] = &[
    "share_type:char",
    "share_name:varchar",
    "object_type:varchar",
    "object_name:varchar",
    "producer_account:char",
    "producer_namespace:char",
    "include_new:bool",
];
const CONSUMERS: &[&str] =
    &["share_name:varchar", "consumer_account:char", "consumer_namespace:char", "share_date:timestamp"];
const DATABASES: &[&str] = &[
    "database_name:varchar",
    "database_owner:int4",
    "database_type:varchar",
    "database_acl:varchar",
    "database_options:varchar",
    "database_isolation_level:varchar",
];
const SCHEMAS: &[&str] = &[
    "database_name:varchar",
    "schema_name:varchar",
    "schema_owner:int4",
    "schema_type:varchar",
    "schema_acl:varchar",
    "schema_option:varchar",
];
const TABLES: &[&str] = &[
    "database_name:varchar",
    "schema_name:varchar",
    "table_name:varchar",
    "table_type:varchar",
    "table_acl:varchar",
    "remarks:varchar",
];
const EXTERNAL: &[&str] =
    &["esoid:int4", "eskind:int4", "schemaname:varchar", "esowner:int4", "databasename:varchar", "esoptions:varchar"];
const DATABASE_RIGHTS: &[&str] = &[
    "database_name:varchar",
    "privilege_type:varchar",
    "identity_id:int4",
    "identity_name:varchar",
    "identity_type:varchar",
    "admin_option:bool",
];
const SCHEMA_RIGHTS: &[&str] = &[
    "namespace_name:varchar",
    "privilege_type:varchar",
    "identity_id:int4",
    "identity_name:varchar",
    "identity_type:varchar",
    "admin_option:bool",
];
const RELATION_RIGHTS: &[&str] = &[
    "namespace_name:varchar",
    "relation_name:varchar",
    "privilege_type:varchar",
    "identity_id:int4",
    "identity_name:varchar",
    "identity_type:varchar",
    "admin_option:bool",
];
const USER_GRANTS: &[&str] =
    &["user_id:int4", "user_name:varchar", "role_id:int4", "role_name:varchar", "admin_option:bool"];
const ROLE_GRANTS: &[&str] =
    &["role_id:int4", "role_name:varchar", "granted_role_id:int4", "granted_role_name:varchar"];
const ROLES: &[&str] = &["role_id:int4", "role_name:varchar", "role_owner:varchar", "external_id:varchar"];
const USERS: &[&str] = &[
    "usename:name",
    "usesysid:int4",
    "usecreatedb:bool",
    "usesuper:bool",
    "usecatupd:bool",
    "passwd:text",
    "valuntil:timestamp",
    "useconfig:text",
];

type Row = Vec<Cell>;
/// A share by name.
type Outbound<'a> = (&'a String, &'a Share);
/// A producer's account and namespace, and a share of it by name.
type Inbound<'a> = (&'a str, &'a String, &'a String, &'a Share);

/// A view by its name, if there is one.
pub(super) fn rows(name: &str, sql: &Sql, scene: &Scene<'_>) -> Result<Option<Answer>, SqlError> {
    let own = scene.own(sql)?;
    let (columns, rows) = match name {
        "svv_datashares" => (SHARES, shares(own, sql, scene)),
        "svv_datashare_objects" => (OBJECTS, objects(own, sql, scene)),
        "svv_datashare_consumers" => (CONSUMERS, consumers(own, scene)),
        "svv_redshift_databases" => (DATABASES, databases(own)),
        "svv_redshift_schemas" => (SCHEMAS, schemas(own, sql, scene)),
        "svv_redshift_tables" => (TABLES, tables(own, sql, scene)),
        "svv_external_schemas" => (EXTERNAL, external(own, scene)),
        "svv_database_privileges" | "svv_schema_privileges" | "svv_relation_privileges" => {
            let columns = match name {
                "svv_database_privileges" => DATABASE_RIGHTS,
                "svv_schema_privileges" => SCHEMA_RIGHTS,
                _ => RELATION_RIGHTS,
            };
            (columns, rights(own, scene, columns.len(), name))
        }
        "svv_user_grants" => (USER_GRANTS, user_grants(own, scene)),
        "svv_role_grants" => (ROLE_GRANTS, role_grants(own, scene)),
        "svv_roles" => (ROLES, roles(own, scene)),
        "pg_user" => (USERS, users(own)),
        _ => return Ok(None),
    };
    let column = |column: &&str| column.split_once(':').map(|(name, kind)| (name.to_owned(), kind.to_owned()));
    Ok(Some(Answer { columns: columns.iter().filter_map(column).collect(), rows }))
}

/// A text of a column of fixed width.
fn padded(text: &str, width: usize) -> Cell {
    Cell::text(format!("{text:width$}"))
}

fn id(own: &Catalogue, user: &str) -> Cell {
    own.users.get(user).map_or(Cell::Null, |user| Cell::Long(user.id))
}

/// The shares it offers that the user may see, and those it was given: with the producer's namespace.
fn seen<'a>(own: &'a Catalogue, sql: &'a Sql, scene: &'a Scene<'_>) -> (Vec<Outbound<'a>>, Vec<Inbound<'a>>) {
    let user = &scene.session.user;
    let outbound = own.shares.iter().filter(|(name, share)| {
        let object = Object::Share((*name).clone());
        share.owner == *user || ["ALTER", "SHARE"].iter().any(|privilege| own.may(user, privilege, &object))
    });
    let to_us = Consumer::Namespace(scene.session.namespace.clone());
    let all = sql.catalogues.iter().filter(|(producer, _)| {
        own.is_super(user) && scene.warehouses.iter().any(|warehouse| warehouse.namespace == **producer)
    });
    let all = all.flat_map(|(producer, other)| other.shares.iter().map(move |(name, share)| (producer, name, share)));
    let inbound = all.filter(|(_, _, share)| share.grants.iter().any(|grant| grant.consumer == to_us));
    let inbound = inbound.map(|(producer, name, share)| (scene.account, producer, name, share));
    let taken_up = |share: &Share| share.is_taken_up_by(scene.account, &scene.session.namespace);
    let abroad = sql.abroad.shares().filter(|(.., share)| own.is_super(user) && taken_up(share));
    let abroad = abroad.map(|(producer, partner, name, share)| (partner.account.as_str(), producer, name, share));
    (outbound.collect(), inbound.chain(abroad).collect())
}

fn producer(account: &str, namespace: &str) -> [Cell; 2] {
    [padded(account, 16), padded(namespace, 64)]
}

fn shares(own: &Catalogue, sql: &Sql, scene: &Scene<'_>) -> Vec<Row> {
    let (outbound, inbound) = seen(own, sql, scene);
    let row = |name: &str, share: &Share, [owner, source, database]: [Cell; 3], kind: &str, of: [Cell; 2]| {
        let [account, namespace] = of;
        let created = Cell::text(moment(share.created));
        vec![
            Cell::text(name),
            Cell::Long(share.id),
            owner,
            source,
            database,
            padded(kind, 8),
            created,
            Cell::Bool(share.public),
            Cell::Null,
            account,
            namespace,
            Cell::Null,
        ]
    };
    let outbound = outbound.into_iter().map(|(name, share)| {
        let whose = [id(own, &share.owner), Cell::text(&share.database), Cell::Null];
        row(name, share, whose, "OUTBOUND", producer(scene.account, &scene.session.namespace))
    });
    let inbound = inbound.into_iter().map(|(account, namespace, name, share)| {
        let shows = |origin: &super::catalogue::Origin| origin.share == *name && origin.producer == *namespace;
        let database = own.databases.iter().find(|(_, it)| it.origin.as_ref().is_some_and(shows));
        let database = database.map_or(Cell::Null, |(name, _)| Cell::text(name));
        row(name, share, [Cell::Null, Cell::Null, database], "INBOUND", producer(account, namespace))
    });
    outbound.chain(inbound).collect()
}

fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn objects(own: &Catalogue, sql: &Sql, scene: &Scene<'_>) -> Vec<Row> {
    let (outbound, inbound) = seen(own, sql, scene);
    let of = |name: &str, share: &Share, kind: &str, whose: (&str, &str)| {
        let row = |what: &str, object: String, new: Cell| {
            let [account, namespace] = producer(whose.0, whose.1);
            vec![padded(kind, 8), Cell::text(name), Cell::text(what), Cell::text(object), account, namespace, new]
        };
        let new = |on: &bool| if kind == "OUTBOUND" { Cell::Bool(*on) } else { Cell::Null };
        let schemas = share.schemas.iter().map(|(schema, on)| row("schema", schema.clone(), new(on)));
        let tables = share.tables.iter().map(|(schema, table)| row("table", format!("{schema}.{table}"), Cell::Null));
        schemas.chain(tables).collect::<Vec<Row>>()
    };
    let own = (scene.account, scene.session.namespace.as_str());
    let outbound = outbound.into_iter().flat_map(|(name, share)| of(name, share, "OUTBOUND", own));
    let inbound = inbound
        .into_iter()
        .flat_map(|(account, namespace, name, share)| of(name, share, "INBOUND", (account, namespace)));
    outbound.chain(inbound).collect()
}

fn consumers(own: &Catalogue, scene: &Scene<'_>) -> Vec<Row> {
    let user = &scene.session.user;
    let mut rows = Vec::new();
    for (name, share) in own.shares.iter().filter(|(_, share)| share.owner == *user || own.is_super(user)) {
        for grant in &share.grants {
            let (account, namespace) = match &grant.consumer {
                Consumer::Namespace(namespace) => (padded(scene.account, 16), padded(namespace, 64)),
                Consumer::Account(account) => (padded(account, 16), Cell::Null),
            };
            rows.push(vec![Cell::text(name), account, namespace, Cell::text(moment(grant.since))]);
        }
    }
    rows
}

fn databases(own: &Catalogue) -> Vec<Row> {
    let row = |(name, database): (&String, &super::catalogue::Database)| {
        let kind = if database.origin.is_some() { "shared" } else { "local" };
        let isolation = Cell::text("Snapshot Isolation");
        vec![Cell::text(name), id(own, &database.owner), Cell::text(kind), Cell::Null, Cell::Null, isolation]
    };
    own.databases.iter().map(row).collect()
}

/// Every database with its schemas and their tables; a share that was taken away shows none.
fn tree(own: &Catalogue, sql: &Sql, scene: &Scene<'_>) -> Vec<(String, String, Vec<String>)> {
    let of = |database: &String| {
        let found = query::schemas(sql, scene, database).unwrap_or_default();
        found.into_iter().map(|(schema, tables)| (database.clone(), schema, tables)).collect::<Vec<_>>()
    };
    let user = &scene.session.user;
    let all = own.databases.iter().filter(|(name, database)| {
        let object = Object::Database((*name).clone());
        database.origin.is_none() || database.owner == *user || own.may(user, "USAGE", &object)
    });
    all.flat_map(|(name, _)| of(name)).collect()
}

fn schemas(own: &Catalogue, sql: &Sql, scene: &Scene<'_>) -> Vec<Row> {
    let row = |(database, schema, _): (String, String, Vec<String>)| {
        let found = own.databases.get(&database);
        let shared = found.is_some_and(|database| database.origin.is_some());
        let owner =
            found.and_then(|database| database.schemas.get(&schema)).map_or(Cell::Null, |it| id(own, &it.owner));
        let kind = Cell::text(if shared { "shared" } else { "local" });
        vec![Cell::text(database), Cell::text(schema), owner, kind, Cell::Null, Cell::Null]
    };
    tree(own, sql, scene).into_iter().map(row).collect()
}

fn tables(own: &Catalogue, sql: &Sql, scene: &Scene<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (database, schema, tables) in tree(own, sql, scene) {
        for table in tables {
            let names = [&database, &schema, &table].map(Cell::text);
            rows.push(names.into_iter().chain([Cell::text("TABLE"), Cell::Null, Cell::Null]).collect());
        }
    }
    rows
}

fn external(own: &Catalogue, scene: &Scene<'_>) -> Vec<Row> {
    let database = own.databases.get(&scene.session.database);
    let schemas = database.into_iter().flat_map(|database| &database.schemas);
    let row = |(name, schema): (&String, &super::catalogue::Schema)| {
        let (database, remote) = schema.external.clone()?;
        let options = Cell::text(format!("{{\"SCHEMA\":\"{remote}\"}}"));
        let owner = id(own, &schema.owner);
        // The kind of schemas from Redshift databases.
        Some(vec![Cell::Long(schema.id), Cell::Long(7), Cell::text(name), owner, Cell::text(database), options])
    };
    schemas.filter_map(row).collect()
}

fn identity(own: &Catalogue, grantee: &Grantee) -> [Cell; 3] {
    match grantee {
        Grantee::User(name) => [id(own, name), Cell::text(name), Cell::text("user")],
        Grantee::Role(name) => {
            let id = own.roles.get(name).map_or(Cell::Null, |id| Cell::Long(*id));
            [id, Cell::text(name), Cell::text("role")]
        }
        Grantee::Public => [Cell::Long(0), Cell::text("public"), Cell::text("public")],
    }
}

fn rights(own: &Catalogue, scene: &Scene<'_>, width: usize, view: &str) -> Vec<Row> {
    let (user, here) = (&scene.session.user, &scene.session.database);
    let mut rows = Vec::new();
    for right in &own.rights {
        let names = match (&right.object, view) {
            (Object::Database(name), "svv_database_privileges") => vec![name],
            (Object::Schema(database, name), "svv_schema_privileges") if database == here => vec![name],
            (Object::Table(database, schema, name), "svv_relation_privileges") if database == here => {
                vec![schema, name]
            }
            _ => continue,
        };
        let theirs = right.grantee == Grantee::User(user.clone()) || right.grantee == Grantee::Public;
        if !own.is_super(user) && !theirs {
            continue;
        }
        let mut row: Row = names.into_iter().map(Cell::text).collect();
        row.push(Cell::text(&right.privilege));
        row.extend(identity(own, &right.grantee));
        row.resize(width, Cell::Bool(false));
        rows.push(row);
    }
    rows
}

fn user_grants(own: &Catalogue, scene: &Scene<'_>) -> Vec<Row> {
    let user = &scene.session.user;
    let all = own.members.iter().filter_map(|(role, holder)| match holder {
        Grantee::User(name) if own.is_super(user) || name == user => Some((role, name)),
        _ => None,
    });
    let role_id = |role: &String| own.roles.get(role).map_or(Cell::Null, |id| Cell::Long(*id));
    all.map(|(role, name)| vec![id(own, name), Cell::text(name), role_id(role), Cell::text(role), Cell::Bool(false)])
        .collect()
}

fn role_grants(own: &Catalogue, scene: &Scene<'_>) -> Vec<Row> {
    let role_id = |role: &String| own.roles.get(role).map_or(Cell::Null, |id| Cell::Long(*id));
    let all = own.members.iter().filter_map(|(role, holder)| match holder {
        Grantee::Role(name) if own.is_super(&scene.session.user) => Some((name, role)),
        _ => None,
    });
    all.map(|(name, role)| vec![role_id(name), Cell::text(name), role_id(role), Cell::text(role)]).collect()
}

fn roles(own: &Catalogue, scene: &Scene<'_>) -> Vec<Row> {
    let all = own.roles.iter().filter(|_| own.is_super(&scene.session.user));
    all.map(|(name, id)| vec![Cell::Long(*id), Cell::text(name), Cell::Null, Cell::Null]).collect()
}

fn users(own: &Catalogue) -> Vec<Row> {
    let row = |(name, user): (&String, &super::catalogue::User)| {
        let superuser = Cell::Bool(user.superuser);
        let config = user.search_path.as_ref().map_or(Cell::Null, |path| Cell::text(format!("{{search_path={path}}}")));
        vec![
            Cell::text(name),
            Cell::Long(user.id),
            superuser.clone(),
            superuser.clone(),
            superuser,
            Cell::text("********"),
            Cell::Null,
            config,
        ]
    };
    own.users.iter().map(row).collect()
}
