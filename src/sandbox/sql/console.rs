//! The way into a warehouse's databases for a person: one statement, at once.
//!
//! Called by `rsds sandbox sql` and by tests, as somebody with an SQL client would. Must never reach what a client could
//! not: a warehouse that does not run answers nothing.

use super::super::Sandbox;
use super::{Answer, Session, SqlError, run, warehouses};
use std::io;

impl From<io::Error> for SqlError {
    fn from(error: io::Error) -> Self {
        Self(format!("the sandbox cannot be read or written: {error}"))
    }
}

impl Sandbox {
    /// Runs one statement as the administrator of a warehouse, which the UUID of its namespace names; in its first
    /// database, if no other is named.
    ///
    /// Errors: in the database's own words, or that nothing runs there.
    pub fn sql(
        &self,
        region: &str,
        namespace: &str,
        database: Option<&str>,
        statement: &str,
    ) -> Result<Answer, SqlError> {
        self.change_in(region, |world, now| {
            let warehouse = warehouses(world, now).into_iter().find(|warehouse| warehouse.namespace == namespace);
            let Some(warehouse) = warehouse else {
                return Err(SqlError(format!("no warehouse has the namespace {namespace}")));
            };
            if !warehouse.runs {
                return Err(SqlError(format!("connection refused: the warehouse is {}", warehouse.status)));
            }
            let database = database.map_or(warehouse.database, str::to_owned);
            let session = Session { namespace: warehouse.namespace, database, user: warehouse.admin };
            let answers = run(world, now, &session, &[statement.to_owned()]).map_err(|(_, error)| error)?;
            Ok(answers.into_iter().next().unwrap_or_default())
        })
    }
}
