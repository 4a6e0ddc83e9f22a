//! `rsds schema`: the JSON Schema of the environment file, for editors.

use super::context::{Context, printed_or_closed};
use crate::{
    config,
    failure::{Exit, Failure},
};

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let schema = config::json_schema();
    let text = serde_json::to_string_pretty(&schema).unwrap_or_else(|_| schema.to_string());
    printed_or_closed(context.printer.result(&text))?;
    Ok(Exit::Done)
}
