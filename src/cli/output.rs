//! `rsds output`: endpoints, connection strings, ids, the SQL of the data sharing.

use super::context::{Context, printed_or_closed};
use crate::{
    failure::{Exit, Failure},
    stack::outputs::outputs,
    ui,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One output alone, such as nlb_dns_name
    name: Option<String>,
    /// Print a text as it is, without quotes, for scripts
    #[arg(long, requires = "name", conflicts_with_all = ["json", "format"])]
    raw: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let environment = context.load()?;
    let state = context.state(&environment).await?;
    let all = outputs(&environment.config, &state);
    let color = context.printer.settings().color_out;
    let Some(name) = args.name else {
        if all.is_empty() {
            context.printer.note("There are no outputs: nothing has been applied yet.");
        }
        context.result(|| ui::outputs::table(&all, color), || ui::outputs::json(&all))?;
        return Ok(Exit::Done);
    };
    let Some(value) = all.get(&name) else {
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        let help = match names.as_slice() {
            [] => "nothing has been applied yet: rsds apply".to_owned(),
            names => format!("there are: {}", names.join(", ")),
        };
        return Err(Failure::new(format!("there is no output `{name}`"), help));
    };
    if args.raw {
        printed_or_closed(context.printer.result(&ui::outputs::raw(value)))?;
    } else {
        context.result(|| ui::outputs::one(value), || value.clone())?;
    }
    Ok(Exit::Done)
}
