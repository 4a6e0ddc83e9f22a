//! The components `datashare-<name>`, and what of shares, `[users]` and `[roles]` lies in each warehouse.
//!
//! Called by `build` after the warehouses. What lies in a warehouse sits in its component, so that it comes and goes with it.

use super::{
    Component, Stack,
    datashares::{grantees, offered_arn},
    users::Passwords,
};
use crate::{
    address::Address,
    aws::{
        database_role::{DatabaseRole, DatabaseRoleSpec},
        database_usage::{DatabaseUsage, DatabaseUsageSpec},
        database_user::{DatabaseUser, DatabaseUserSpec},
        datashare::{Datashare, DatashareSpec, Shared},
        datashare_association::{DatashareAssociation, DatashareAssociationSpec},
        datashare_authorization::{DatashareAuthorization, DatashareAuthorizationSpec},
        datashare_grant::{DatashareGrant, DatashareGrantSpec},
        ids::{DatashareArn, Grantee, NamespaceArn, NamespaceId},
        role_member::{RoleMember, RoleMemberSpec},
        shared_database::{SharedDatabase, SharedDatabaseSpec},
    },
    config::typed::{self, Config, Principal, Reader},
    kind::{Handle, In},
};
use std::collections::{BTreeMap, BTreeSet};

/// A warehouse that statements can be sent to.
pub(super) struct Place<'a> {
    /// Its component.
    pub(super) component: String,
    /// Its namespace.
    pub(super) namespace: In<NamespaceId>,
    /// The ARN of its namespace.
    pub(super) arn: In<NamespaceArn>,
    /// Its own database.
    pub(super) database: &'a str,
    /// What computes there, or has filled it: before that no statement runs.
    pub(super) compute: Address,
}

/// Where a share comes from.
enum Source<'a> {
    /// The estate's own producer.
    Own(Handle<Datashare>, &'a Place<'a>),
    /// Another account: the share's ARN.
    Offered(String),
}

/// A name of the database as part of an address, which knows no `$`.
pub(super) fn spelt(name: &str) -> String {
    name.replace('$', ".")
}

const RUNS: &str = "a statement needs a warehouse that runs";

/// Whom something can be granted to in a warehouse, by what the TOML calls them.
type Grantees = BTreeMap<String, In<Grantee>>;

/// Describes shares, users and roles. A producer that takes no statements (`admin_password = "external"`) has none.
pub(super) fn describe(
    stack: &mut Stack,
    config: &Config,
    producer: Option<&Place<'_>>,
    readers: &[(Reader<'_>, Place<'_>)],
    passwords: &Passwords,
) {
    let places = producer.into_iter().chain(readers.iter().map(|(_, place)| place));
    let people: BTreeMap<&str, Grantees> =
        places.map(|place| (place.component.as_str(), people(stack, config, place, passwords))).collect();
    for (name, share) in &config.datashares {
        let origin = format!("datashares.{name}");
        let component = format!("datashare-{}", spelt(name));
        let source = match (&share.from, producer) {
            (Some(from), _) => Source::Offered(offered_arn(config, name, from)),
            (None, Some(producer)) => {
                let shared = offered(&mut stack.component(&component, &origin), name, share, producer);
                for account in &share.accounts {
                    authorization(&mut stack.component(&component, &origin), producer, &shared, account);
                }
                Source::Own(shared, producer)
            }
            (None, None) => continue,
        };
        let groups = config.share_groups(share);
        for (reader, place) in readers.iter().filter(|(reader, _)| groups.contains(&reader.group)) {
            let database = received(stack, (&component, &origin), share, &source, reader, place);
            let mut part = stack.component(&place.component, &origin);
            for who in grantees(config, name, share) {
                let who = who.to_string();
                if let Some(grantee) = people.get(place.component.as_str()).and_then(|people| people.get(&who)) {
                    usage(&mut part, share, &database, (&who, grantee.clone()), place);
                }
            }
        }
    }
}

/// Describes the users and roles of one warehouse.
fn people(stack: &mut Stack, config: &Config, place: &Place<'_>, passwords: &Passwords) -> Grantees {
    let mut people = Grantees::new();
    for name in config.users.keys() {
        let mut part = stack.component(&place.component, &format!("users.{name}"));
        let (warehouse, connect) = (place.namespace.clone(), place.database.to_owned());
        let password = passwords.get(name).cloned();
        let spec = DatabaseUserSpec { name: name.clone(), warehouse, connect, password };
        let user = part.add::<DatabaseUser>(&format!("database-user-{}", spelt(name)), spec);
        part.after_address(&user, &place.compute, RUNS);
        people.insert(Principal::User(name.clone()).to_string(), user.grantee());
    }
    for name in config.roles.keys() {
        let mut part = stack.component(&place.component, &format!("roles.{name}"));
        let (warehouse, connect) = (place.namespace.clone(), place.database.to_owned());
        let spec = DatabaseRoleSpec { name: name.clone(), warehouse, connect };
        let role = part.add::<DatabaseRole>(&format!("database-role-{}", spelt(name)), spec);
        part.after_address(&role, &place.compute, RUNS);
        people.insert(Principal::Role(name.clone()).to_string(), role.grantee());
    }
    for (name, role) in &config.roles {
        let mut part = stack.component(&place.component, &format!("roles.{name}"));
        let Some(of) = people.get(&Principal::Role(name.clone()).to_string()) else { continue };
        for member in &role.members {
            let who = member.to_string();
            let Some(grantee) = people.get(&who) else { continue };
            let (warehouse, connect) = (place.namespace.clone(), place.database.to_owned());
            let spec = RoleMemberSpec { warehouse, connect, role: of.clone(), grantee: grantee.clone() };
            let member =
                part.add::<RoleMember>(&spelt(&format!("database-role-{name}-{}", who.replace(':', "-"))), spec);
            part.after_address(&member, &place.compute, RUNS);
            part.comes_from(&member, "grantee", &format!("roles.{name}.members"));
        }
    }
    people
}

/// What is shared, by schema: whole ones, and single tables of others.
fn contents(share: &typed::Datashare) -> BTreeMap<String, Shared> {
    let create = share.create_schemas;
    let whole = Shared { all: true, include_new: share.include_new, tables: BTreeSet::new(), create };
    let mut contents: BTreeMap<String, Shared> =
        share.schemas.iter().map(|schema| (schema.clone(), whole.clone())).collect();
    for (schema, table) in &share.tables {
        let shared = contents.entry(schema.clone()).or_default();
        if !shared.all {
            shared.tables.insert(table.clone());
        }
    }
    contents
}

fn offered(part: &mut Component<'_>, name: &str, share: &typed::Datashare, producer: &Place<'_>) -> Handle<Datashare> {
    let spec = DatashareSpec {
        name: name.to_owned(),
        warehouse: producer.namespace.clone(),
        connect: producer.database.to_owned(),
        publicly_accessible: share.publicly_accessible,
        schemas: contents(share),
    };
    let offered = part.add::<Datashare>("share", spec);
    part.after_address(&offered, &producer.compute, RUNS);
    offered
}

fn grant(
    part: &mut Component<'_>,
    producer: &Place<'_>,
    share: &Handle<Datashare>,
    name: &str,
    consumer: In<String>,
) -> Handle<DatashareGrant> {
    let spec = DatashareGrantSpec {
        share: share.arn(),
        warehouse: producer.namespace.clone(),
        connect: producer.database.to_owned(),
        consumer,
    };
    let grant = part.add::<DatashareGrant>(&format!("grant-{name}"), spec);
    part.after_address(&grant, &producer.compute, RUNS);
    grant
}

/// Another account takes up what it is granted once it is authorized to.
fn authorization(part: &mut Component<'_>, producer: &Place<'_>, share: &Handle<Datashare>, account: &str) {
    let key = format!("{}.accounts", part.origin());
    let granted = grant(part, producer, share, &format!("account-{account}"), account.to_owned().into());
    let spec = DatashareAuthorizationSpec {
        share: share.arn(),
        warehouse: producer.namespace.clone(),
        account: account.to_owned(),
    };
    let authorized = part.add::<DatashareAuthorization>(&format!("authorization-{account}"), spec);
    part.after(&authorized, &granted, "AWS authorizes what is granted");
    part.comes_from(&granted, "consumer", &key);
    part.comes_from(&authorized, "account", &key);
}

/// Another account's share is associated with a consumer.
fn association(part: &mut Component<'_>, share: &str, name: &str, place: &Place<'_>) -> Handle<DatashareAssociation> {
    let spec = DatashareAssociationSpec { share: In::Literal(share.into()), consumer: place.arn.clone() };
    let association = part.add::<DatashareAssociation>(&format!("association-{name}"), spec);
    part.comes_from(&association, "share", &format!("{}.account", part.origin()));
    association
}

/// A consumer is let at the share, and has a database made from it.
fn received(
    stack: &mut Stack,
    (component, origin): (&str, &str),
    share: &typed::Datashare,
    source: &Source<'_>,
    reader: &Reader<'_>,
    place: &Place<'_>,
) -> Handle<SharedDatabase> {
    let (mut part, name) = (stack.component(component, origin), reader.component());
    match source {
        Source::Own(shared, producer) => {
            let grant = grant(&mut part, producer, shared, &name, place.namespace.clone().into_text());
            let mut part = stack.component(&place.component, origin);
            let database = database(&mut part, share, shared.arn(), place);
            part.after(&database, &grant, "a consumer sees a share once it may read it");
            database
        }
        Source::Offered(arn) => {
            let association = association(&mut part, arn, &name, place);
            let mut part = stack.component(&place.component, origin);
            let database = database(&mut part, share, In::Literal(arn.as_str().into()), place);
            part.after(&database, &association, "a consumer sees a share once it is associated with it");
            part.comes_from(&database, "share", &format!("{origin}.account"));
            database
        }
    }
}

fn database(
    part: &mut Component<'_>,
    share: &typed::Datashare,
    of: In<DatashareArn>,
    place: &Place<'_>,
) -> Handle<SharedDatabase> {
    let spec = SharedDatabaseSpec {
        name: share.database.clone(),
        warehouse: place.namespace.clone(),
        connect: place.database.to_owned(),
        share: of,
    };
    let database = part.add::<SharedDatabase>(&format!("database-{}", spelt(&share.database)), spec);
    part.after_address(&database, &place.compute, RUNS);
    part.comes_from(&database, "name", &format!("{}.database", part.origin()));
    database
}

fn usage(
    part: &mut Component<'_>,
    share: &typed::Datashare,
    database: &Handle<SharedDatabase>,
    (who, grantee): (&str, In<Grantee>),
    place: &Place<'_>,
) {
    let spec = DatabaseUsageSpec {
        warehouse: place.namespace.clone(),
        connect: place.database.to_owned(),
        database: database.name(),
        grantee,
    };
    let usage = part.add::<DatabaseUsage>(&spelt(&format!("usage-{}-{}", share.database, who.replace(':', "-"))), spec);
    part.after_address(&usage, &place.compute, RUNS);
    part.comes_from(&usage, "grantee", &format!("{}.grant_to", part.origin()));
}
