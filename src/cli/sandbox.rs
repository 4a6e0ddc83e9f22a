//! `rsds sandbox`: the built-in AWS on a local port, asked by SQL, or forgotten.

use super::{context::Context, datashare::no_warehouse};
use crate::{
    failure::{Exit, Failure},
    sandbox::{self, ACCESS_KEY_ID, SECRET_ACCESS_KEY},
    stack::outputs::warehouses,
    ui,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Offer the built-in AWS on 127.0.0.1, so that any AWS SDK or CLI can use it
    Serve {
        /// The port; 0 takes any that is free
        #[arg(long, default_value_t = 4577)]
        port: u16,
    },
    /// Run one statement in a warehouse of the built-in AWS, as its administrator, and show what it answers
    Sql {
        /// Which: producer, consumer-reporting-1
        warehouse: String,
        /// The statement, such as `select count(*) from flights.bookings`
        statement: String,
        /// Connect to this database, not to the warehouse's first
        #[arg(long, value_name = "NAME")]
        database: Option<String>,
    },
    /// Forget everything the built-in AWS holds, and the states that go with it
    Reset,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Reset => {
            context.reset_sandbox()?;
            context.printer.note("The sandbox is empty.");
        }
        Command::Serve { port } => serve(context, port).await?,
        Command::Sql { warehouse, statement, database } => {
            sql(context, &warehouse, &statement, database.as_deref()).await?;
        }
    }
    Ok(Exit::Done)
}

async fn serve(context: &Context, port: u16) -> Result<(), Failure> {
    let world = context.open_sandbox()?;
    let ready = |address: std::net::SocketAddr| {
        context.printer.status(&format!(
            "sandbox: the AWS inside rsds listens on http://{address}{}; end it with Ctrl-C. To use it elsewhere:\n\
             export AWS_ENDPOINT_URL=http://{address} AWS_ACCESS_KEY_ID={ACCESS_KEY_ID} \
             AWS_SECRET_ACCESS_KEY={SECRET_ACCESS_KEY} AWS_REGION=us-west-2 AWS_DEFAULT_REGION=us-west-2",
            context.weather_in_words()
        ));
    };
    let shutdown = async {
        // Without the signal the process ends by it all the same.
        tokio::signal::ctrl_c().await.ok();
    };
    let served = sandbox::serve(world, port, ready, shutdown).await;
    served.map_err(|error| {
        Failure::new(format!("cannot serve on port {port}: {error}"), "choose another: --port N, or 0 for any")
    })
}

/// Asks a warehouse that the state names, the way an SQL client would: not as a call to AWS.
async fn sql(context: &Context, warehouse: &str, statement: &str, database: Option<&str>) -> Result<(), Failure> {
    let environment = context.load()?;
    let state = context.state(&environment).await?;
    let all = warehouses(&environment.config, &state);
    let Some(namespace) = all.get(warehouse) else { return Err(no_warehouse(warehouse, &all)) };
    let answer = context.open_sandbox()?.sql(&environment.config.region, namespace, database, statement);
    let answer = answer.map_err(|error| {
        let help = format!("what there is: rsds sandbox sql {warehouse} \"select * from svv_redshift_tables\"");
        Failure::new(format!("{warehouse}: {error}"), help)
    })?;
    let color = context.printer.settings().color_out;
    context.result(|| ui::rows::table(&answer, color), || ui::rows::json(&answer))
}
