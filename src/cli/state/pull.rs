//! `rsds state pull`: the state as it is kept, sealed.

use super::{
    super::context::{Context, printed_or_closed},
    present, there,
};
use crate::{
    failure::{Exit, Failure},
    state::{envelope, replace},
};
use serde_json::json;
use std::{fs, io::ErrorKind, path::PathBuf};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Write it to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, Args { out }: Args) -> Result<Exit, Failure> {
    let environment = context.load()?;
    let store = context.store(&environment);
    let present = present(context, &environment, store.as_ref()).await?;
    let state = there(&present, store.as_ref())?;
    let defect =
        |error: serde_json::Error| Failure::new(error.to_string(), "this is a defect of rsds; please report it");
    let bytes = envelope::seal(state).map_err(defect)?;
    let Some(file) = out else {
        printed_or_closed(context.printer.result(&String::from_utf8_lossy(&bytes)))?;
        return Ok(Exit::Done);
    };
    let failed = |why: String| {
        Failure::new(format!("cannot write {}: {why}", file.display()), "give --out another name, or remove the file")
    };
    match fs::read(&file) {
        Ok(old) if envelope::open("", &old).is_err() => {
            return Err(failed("it is there and is no state of rsds".to_owned()));
        }
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error.to_string())),
        Ok(_) | Err(_) => {}
    }
    replace(&file, &bytes).map_err(|error| failed(error.to_string()))?;
    let shown = file.display().to_string();
    context.result(
        || format!("The state, serial {}, is in {shown}.", state.serial),
        || json!({ "format": "rsds.state_pulled/1", "file": shown, "place": store.place(), "lineage": state.lineage, "serial": state.serial }),
    )?;
    Ok(Exit::Done)
}
