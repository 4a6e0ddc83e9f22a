//! `rsds datashare`: the SQL of the data sharing. Reads the state alone: no call to AWS.

use super::context::Context;
use crate::{
    failure::{Exit, Failure},
    stack::outputs::{data_sharing, warehouses},
    ui,
};
use std::collections::BTreeMap;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the SQL of the TOML's shares, users and roles, for each warehouse, in order, ready to paste
    Sql {
        /// One warehouse alone, and nothing but its SQL: producer, consumer-reporting-1
        warehouse: Option<String>,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    let Command::Sql { warehouse } = command;
    let environment = context.load()?;
    let state = context.state(&environment).await?;
    let mut sql = data_sharing(&environment.config, &state);
    let Some(name) = warehouse else {
        if sql.is_empty() {
            context.printer.note("There is no SQL: the TOML has no [datashares], [users] or [roles].");
        }
        context.result(|| ui::datashares::script(&sql), || ui::datashares::json(&sql))?;
        return Ok(Exit::Done);
    };
    sql.retain(|(warehouse, _)| *warehouse == name);
    if sql.is_empty() {
        let standing = warehouses(&environment.config, &state);
        return match standing.contains_key(&name) {
            true => Err(Failure::new(format!("there is no SQL for {name}"), "for all others: rsds datashare sql")),
            false => Err(no_warehouse(&name, &standing)),
        };
    }
    context.result(|| ui::datashares::statements(&sql), || ui::datashares::json(&sql))?;
    Ok(Exit::Done)
}

/// Says that there is no such warehouse, and which there are.
pub(super) fn no_warehouse(name: &str, all: &BTreeMap<String, String>) -> Failure {
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let help = match names.as_slice() {
        [] => "nothing has been applied yet: rsds apply".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    Failure::new(format!("there is no warehouse `{name}`"), help)
}
