//! `rsds datashare`: the data sharing's SQL, printed from the state alone or run, and its proof, from the warehouses.

use super::{
    change::{self, Wish},
    context::Context,
};
use crate::{
    failure::{Exit, Failure},
    stack::outputs::{data_sharing, secrets, warehouses},
    ui,
    verify::{Proof, verify},
};
use std::collections::BTreeMap;

/// The most calls in flight at once.
const PARALLELISM: usize = 16;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print the SQL of the TOML's shares, users and roles, for each warehouse, in order, ready to paste
    Sql {
        /// One warehouse alone, and nothing but its SQL: producer, consumer-reporting-1
        warehouse: Option<String>,
    },
    /// Do what an apply does inside the warehouses that stand, and nothing else: read their catalogues, plan, ask, run the SQL
    Sync(change::Flags),
    /// Ask every consumer for what the producer shares, and compare; changes nothing, wakes idle warehouses
    Verify {
        /// How many tables of each share to count on both sides
        #[arg(long, default_value_t = 3, value_name = "TABLES")]
        sample: usize,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Sql { warehouse } => sql(context, warehouse).await,
        Command::Sync(flags) => change::run(context, flags, change::Ignoring::default(), Wish::Sync).await,
        Command::Verify { sample } => prove(context, sample).await,
    }
}

async fn prove(context: &Context, sample: usize) -> Result<Exit, Failure> {
    let session = context.open(context.load()?, PARALLELISM).await?;
    let config = &session.environment.config;
    let checks =
        verify(&session.aws, config, &warehouses(config, &session.state), &secrets(config, &session.state), sample)
            .await;
    if checks.is_empty() {
        context.printer.note("There is nothing to verify: the TOML has no [datashares] that a consumer reads.");
    }
    context.view(&ui::VerifyView { checks: &checks })?;
    Ok(if checks.iter().any(|check| matches!(check.proof, Proof::Fails(_))) { Exit::Failed } else { Exit::Done })
}

async fn sql(context: &Context, warehouse: Option<String>) -> Result<Exit, Failure> {
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
