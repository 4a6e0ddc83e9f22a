//! What a namespace's databases hold: schemas, tables, users, roles, rights, data shares.
//!
//! Data only, and the sample data of a new warehouse. Must never hold a password.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A value of a row.
#[derive(Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// No value.
    Null,
    /// Truth.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// Another number.
    Double(f64),
    /// A text.
    Text(String),
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// How the Data API answers it.
    pub fn field(&self) -> Value {
        match self {
            Self::Null => json!({ "isNull": true }),
            Self::Bool(truth) => json!({ "booleanValue": truth }),
            Self::Long(number) => json!({ "longValue": number }),
            Self::Double(number) => json!({ "doubleValue": number }),
            Self::Text(text) => json!({ "stringValue": text }),
        }
    }

    /// How it is shown in a table.
    pub fn shown(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(truth) => truth.to_string(),
            Self::Long(number) => number.to_string(),
            Self::Double(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// All databases of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Databases by name.
    pub databases: BTreeMap<String, Database>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Roles: name and id.
    pub roles: BTreeMap<String, i64>,
    /// Who has which role: the role, then the holder.
    pub members: BTreeSet<(String, Grantee)>,
    /// Who may do what.
    pub rights: BTreeSet<Right>,
    /// Data shares it offers, by name.
    pub shares: BTreeMap<String, Share>,
    /// The last id given out.
    pub ids: i64,
}

/// A database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Database {
    /// Owner.
    pub owner: String,
    /// The data share it shows, if it is not a local one.
    pub origin: Option<Origin>,
    /// Schemas by name; a shared database has none of its own.
    pub schemas: BTreeMap<String, Schema>,
}

/// What a shared database was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Name of the data share.
    pub share: String,
    /// UUID of the producer's namespace.
    pub producer: String,
    /// Whether rights on its objects are asked, not only on the database.
    pub with_permissions: bool,
}

/// A schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// Owner.
    pub owner: String,
    /// Id.
    pub id: i64,
    /// The database and schema behind an external one.
    pub external: Option<(String, String)>,
    /// Tables by name.
    pub tables: BTreeMap<String, Table>,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Owner.
    pub owner: String,
    /// Columns in order: name and type.
    pub columns: Vec<(String, String)>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id.
    pub id: i64,
    /// Whether it may do everything.
    pub superuser: bool,
    /// Whether it can log in with a password.
    pub password: bool,
    /// What tells whether a password is this one (`token::verifier`); empty where nothing can.
    #[serde(default)]
    pub verifier: String,
    /// Where it looks for tables, if not as usual.
    pub search_path: Option<String>,
}

/// Who gets a right or role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grantee {
    /// A user.
    User(String),
    /// A role.
    Role(String),
    /// Everybody.
    Public,
}

/// What a right is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Object {
    /// A database.
    Database(String),
    /// A schema of a database.
    Schema(String, String),
    /// A table: database, schema, table.
    Table(String, String, String),
    /// A data share.
    Share(String),
}

/// Somebody's right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Right {
    /// On what.
    pub object: Object,
    /// `USAGE`, `SELECT`, `ALTER`, `SHARE`.
    pub privilege: String,
    /// Whose.
    pub grantee: Grantee,
}

/// A data share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Id.
    pub id: i64,
    /// Its database.
    pub database: String,
    /// Owner.
    pub owner: String,
    /// When it was created.
    pub created: Timestamp,
    /// Whether consumers that are publicly accessible may read it.
    pub public: bool,
    /// Schemas, and whether their new tables come with them.
    pub schemas: BTreeMap<String, bool>,
    /// Tables: schema and name.
    pub tables: BTreeSet<(String, String)>,
    /// Whom it is granted to.
    pub grants: Vec<Grant>,
}

/// A grant of a data share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// To whom.
    pub consumer: Consumer,
    /// Since when.
    pub since: Timestamp,
    /// For another account: `AUTHORIZED`, `DEAUTHORIZED` and so on, as far as it came.
    pub status: String,
}

/// Who may use a data share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consumer {
    /// The namespace of that UUID.
    Namespace(String),
    /// An account.
    Account(String),
}

/// First id of what users create, as in Redshift.
const FIRST_ID: i64 = 100_000;

impl Catalogue {
    /// What a new warehouse has: its first database with `public`, the admin, and the sample data.
    pub fn new(database: &str, admin: &str) -> Self {
        let mut new = Self { ids: FIRST_ID, ..Self::default() };
        let internal = User { id: 1, superuser: true, ..User::default() };
        new.users.insert("rdsdb".to_owned(), internal);
        new.users.insert(admin.to_owned(), User { id: 100, superuser: true, password: true, ..User::default() });
        let mut first = Database::local(admin);
        first.seed(admin);
        new.databases.insert(database.to_owned(), first);
        new
    }

    /// What a restore makes of it in the place of `now`: everything as it was. A consumer may read a share still if it
    /// could then and can now; in another namespace nobody can (aws-facts.md 6.5).
    pub fn restored(mut self, now: Option<&Self>) -> Self {
        for (name, share) in &mut self.shares {
            let granted = now.and_then(|now| now.shares.get(name)).map_or(&[][..], |share| &share.grants);
            share.grants.retain(|grant| granted.iter().any(|other| other.consumer == grant.consumer));
        }
        self
    }

    /// Makes a user that logs in for the first time: the admin, or somebody IAM vouches for.
    pub fn admit(&mut self, name: &str, superuser: bool) {
        if !self.users.contains_key(name) {
            let id = self.next_id();
            self.users.insert(name.to_owned(), User { id, superuser, ..User::default() });
        }
    }

    /// The next id.
    pub fn next_id(&mut self) -> i64 {
        self.ids += 1;
        self.ids
    }
}

impl Database {
    /// An empty local database.
    pub fn local(owner: &str) -> Self {
        let public = Schema { owner: "rdsdb".to_owned(), id: 2200, ..Schema::default() };
        Self { owner: owner.to_owned(), origin: None, schemas: BTreeMap::from([("public".to_owned(), public)]) }
    }

    /// Sample data of the sandbox, so that there is something to share: the same rows in every warehouse.
    fn seed(&mut self, owner: &str) {
        let table = |columns: &[(&str, &str)], rows: Vec<Vec<Cell>>| Table {
            owner: owner.to_owned(),
            columns: columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect(),
            rows,
        };
        let flights = ["LH400", "LH401", "UA59", "UA58", "BA117"];
        let route = ["FRA-JFK", "JFK-FRA", "FRA-SFO", "SFO-FRA", "LHR-JFK"];
        let schedule = flights.iter().zip(route).map(|(flight, route)| vec![Cell::text(*flight), Cell::text(route)]);
        let schedule = table(&[("flight", "varchar"), ("route", "varchar")], schedule.collect());
        let bookings = (1..=12_i64).zip(flights.iter().cycle());
        let bookings = bookings.map(|(id, flight)| vec![Cell::Long(id), Cell::text(*flight), Cell::Long(1 + id % 4)]);
        let columns = [("booking_id", "int8"), ("flight", "varchar"), ("seats", "int4")];
        let bookings = table(&columns, bookings.collect());
        let days = (1..=7_i64).map(|day| vec![Cell::Long(20_260_100 + day), Cell::text(format!("2026-01-{day:02}"))]);
        let days = table(&[("date_key", "int4"), ("day", "varchar")], days.collect());
        let tables = BTreeMap::from([("bookings".to_owned(), bookings), ("schedule".to_owned(), schedule)]);
        let flights = Schema { owner: owner.to_owned(), id: FIRST_ID, external: None, tables };
        self.schemas.insert("flights".to_owned(), flights);
        if let Some(public) = self.schemas.get_mut("public") {
            public.tables.insert("dim_date".to_owned(), days);
        }
    }
}
