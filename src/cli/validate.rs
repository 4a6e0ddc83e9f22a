//! `rsds validate`: checks the environment file alone; no AWS.

use super::context::Context;
use crate::failure::{Exit, Failure};
use serde_json::json;

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let environment = context.load()?;
    context.warn(environment.warnings());
    let settings = context.printer.settings();
    // Valid but not built yet: plan refuses it, so say so now.
    for problem in &environment.unsupported {
        context.printer.diagnostic(&problem.render(settings.color_err, settings.width));
    }
    let config = &environment.config;
    let readers = config.readers().count();
    let name = &config.env;
    let human = || match environment.unsupported.len() {
        0 => format!("environments/{name}.toml is valid: a producer and {readers} consumers in {}", config.region),
        n => format!("environments/{name}.toml is valid, but names {n} things this rsds does not build yet"),
    };
    let json = || {
        json!({
            "format": "rsds.validate/1",
            "environment": name,
            "valid": true,
            "digest": environment.digest(),
            "unsupported": environment.unsupported,
        })
    };
    context.result(human, json)?;
    Ok(Exit::Done)
}
