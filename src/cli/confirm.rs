//! The question before anything is changed.
//!
//! Called by `change`. Only the whole word is a yes: a stray key must not build or tear down a warehouse.

use super::context::Context;
use crate::{failure::Failure, session::Session};

/// Asks; true for `yes`.
pub(super) async fn confirm(context: &Context, verb: &str, session: &Session) -> Result<bool, Failure> {
    let place = format!(
        "{}-{} in account {}, {}",
        session.environment.config.project, session.environment.config.env, session.aws.account, session.aws.region
    );
    ask(context, &format!("This will {verb} {place}.")).await
}

/// Asks whether that may be done; true for `yes`.
pub(super) async fn ask(context: &Context, what: &str) -> Result<bool, Failure> {
    context.printer.prompt(&format!("\n{what} Type `yes` to go on: "));
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    match read.await {
        Ok(Ok(line)) => Ok(line.trim() == "yes"),
        Ok(Err(error)) => Err(Failure::new(format!("cannot read the answer: {error}"), "use --auto-approve")),
        Err(_) => Ok(false),
    }
}
