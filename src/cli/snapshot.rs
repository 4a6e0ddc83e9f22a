//! `rsds snapshot`: backups by hand.

use super::{context::Context, datashare::no_warehouse};
use crate::{
    aws::snapshots::{Holder, Order, create, list},
    failure::{Exit, Failure},
    stack::outputs::{holders, warehouses},
    ui,
};
use futures_util::future::try_join_all;

/// The most calls in flight at once.
const PARALLELISM: usize = 8;
/// The longest name that clusters and namespaces both take.
const LONGEST: usize = 200;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the snapshots of every warehouse, also those of predecessors of the same name, and its recovery points
    List,
    /// Take a snapshot and wait until it can be restored
    Create {
        /// Of which warehouse: producer, consumer-reporting-1
        #[arg(default_value = "producer")]
        warehouse: String,
        /// Its name; if left out, that of the warehouse and the time
        #[arg(long, value_parser = name)]
        name: Option<String>,
        /// How many days to keep it; if left out, for ever
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=3653))]
        retention: Option<i32>,
        /// Of a recovery point of it (`rsds snapshot list`), not of what it holds now
        #[arg(long, value_name = "ID")]
        recovery_point: Option<String>,
    },
}

fn name(text: &str) -> Result<String, String> {
    let good = text.len() >= 3
        && text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.contains("--")
        && !text.ends_with('-');
    match good {
        true => Ok(text.to_owned()),
        false => Err(format!("3 to {LONGEST} of a-z, 0-9 and -; a letter first, no -- and no - at the end")),
    }
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    let session = context.open(context.load()?, PARALLELISM).await?;
    let (config, state, aws) = (&session.environment.config, &session.state, &session.aws);
    let color = context.printer.settings().color_out;
    let mut all = holders(config, state);
    let shown = match command {
        Command::List => {
            let of =
                async |(warehouse, holder): (String, Holder)| Ok::<_, Failure>((warehouse, list(aws, &holder).await?));
            let shown = try_join_all(all.into_iter().map(of)).await?;
            if shown.is_empty() {
                context.printer.note("Nothing has been applied yet.");
            }
            shown
        }
        Command::Create { warehouse, name, retention, recovery_point } => {
            all.retain(|(standing, _)| *standing == warehouse);
            let Some((_, holder)) = all.pop() else { return Err(no_warehouse(&warehouse, &warehouses(config, state))) };
            let name = name.unwrap_or_else(|| {
                format!("{}-{}", holder.name(), context.clock.timestamp().strftime("%Y%m%d-%H%M%S"))
            });
            context.printer.status(&format!("taking {name} of {warehouse}; it goes on without rsds"));
            let point = recovery_point.as_deref();
            let order = Order { name: &name, days: retention, tags: &config.tags, point };
            vec![(warehouse, vec![create(aws, &holder, order).await?])]
        }
    };
    context.result(|| ui::snapshots::table(&shown, color), || ui::snapshots::json(&shown))?;
    Ok(Exit::Done)
}
