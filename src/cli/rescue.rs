//! The state that could not be written where it belongs: put where there is room, so that nothing AWS answered is lost.
//!
//! Called by `change` after an apply. Must never be silent, whatever fails.

use super::{
    context::{Context, variable},
    saved::command,
};
use crate::{
    session::Session,
    state::{StoreError, envelope, replace},
};
use std::{io::IsTerminal as _, path::PathBuf};

/// Where a state was rescued to.
pub(super) struct Rescued {
    /// The file, which exists or is to be made of what was printed.
    pub(super) file: String,
    /// The command that brings it back.
    pub(super) push: String,
}

/// Saves what the session knows and its store does not have, and tells how to bring it back.
pub(super) fn rescue(context: &Context, session: &Session, why: &StoreError) -> Rescued {
    let environment = &session.environment.config.env;
    context.printer.error(&format!("{why}; nothing more was begun"));
    let text = envelope::seal(&session.state).unwrap_or_else(|error| {
        context.printer.error(&format!("it has no form that could be rescued: {error}"));
        Vec::new()
    });
    let place = places(context).into_iter().map(|dir| free(dir, environment)).find_map(|path| {
        replace(&path, &text).ok()?;
        Some(path)
    });
    // A pipeline's folders go with it; what it printed stays.
    if !std::io::stderr().is_terminal() || place.is_none() {
        context.printer.diagnostic("The state, with all that AWS has answered:");
        context.printer.diagnostic(&String::from_utf8_lossy(&text));
    }
    let (file, said) = match place {
        Some(path) => (path.display().to_string(), format!("the whole state is in {}", path.display())),
        None => {
            let file = format!("rsds-{environment}.rescue.json");
            (file.clone(), format!("no folder took the state: save the text above as {file}"))
        }
    };
    let push = command(context, &["state", "push", &file], &["--env".into(), environment.clone()]);
    context.printer.help(&match why {
        // Nothing is wrong with the place: whoever took over writes there, and finds by its tags what was made here.
        StoreError::Lost { .. } => format!("{said}, in case; let the other run end, then plan again"),
        _ => format!("{said}; when the place of the state is well again, type: {push}"),
    });
    Rescued { file, push }
}

/// The folders that are tried: where people look first, then where there is usually room.
fn places(context: &Context) -> Vec<PathBuf> {
    let home = variable("HOME").map(PathBuf::from);
    [Some(context.directory.clone()), Some(std::env::temp_dir()), home].into_iter().flatten().collect()
}

/// A name in that folder that no earlier rescue has.
fn free(dir: PathBuf, environment: &str) -> PathBuf {
    let named = |number: u32| match number {
        1 => dir.join(format!("rsds-{environment}.rescue.json")),
        _ => dir.join(format!("rsds-{environment}.rescue-{number}.json")),
    };
    (1..100).map(named).find(|path| !path.exists()).unwrap_or_else(|| named(100))
}
