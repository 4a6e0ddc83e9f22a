//! `rsds users`: the passwords of the logins that every warehouse knows.

use super::{
    change::{self, Wish},
    context::Context,
};
use crate::failure::{Exit, Failure};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Give a user another password: in its secret, then in every warehouse that stands. Sessions go on, new logins need it
    Rotate {
        /// The user, as the TOML calls it
        name: String,
        #[command(flatten)]
        flags: change::Flags,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    let Command::Rotate { name, flags } = command;
    let environment = context.load()?;
    if !environment.config.users.contains_key(&name) {
        let users: Vec<&str> = environment.config.users.keys().map(String::as_str).collect();
        let help = match users.as_slice() {
            [] => "the TOML has no [users]".to_owned(),
            users => format!("there are: {}", users.join(", ")),
        };
        return Err(Failure::new(format!("there is no user `{name}`"), help));
    }
    change::run(context, flags, change::Ignoring::default(), Wish::Rotate(&name)).await
}
