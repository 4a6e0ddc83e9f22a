//! `rsds validate`: checks the environment file alone; no AWS.

use super::context::Context;
use crate::{
    config::Environment,
    failure::{Exit, Failure},
    stack,
    ui::{View, count, github::Annotation, problem_annotations},
};
use serde_json::{Value as Json, json};

/// A configuration that is right.
struct Valid(Environment);

impl View for Valid {
    fn human(&self, _: bool, _: usize) -> String {
        let Self(environment) = self;
        let (name, region) = (&environment.config.env, &environment.config.region);
        let readers = count(environment.config.readers().count(), "consumer");
        match environment.unsupported.len() {
            0 => format!("environments/{name}.toml is valid: a producer and {readers} in {region}"),
            n => format!(
                "environments/{name}.toml is valid, but names {} this rsds does not build yet",
                count(n, "thing")
            ),
        }
    }

    fn json(&self) -> Json {
        let Self(environment) = self;
        json!({
            "format": "rsds.validate/1",
            "environment": environment.config.env,
            "valid": true,
            "digest": environment.digest(),
            "unsupported": environment.unsupported,
        })
    }

    fn annotations(&self) -> Vec<Annotation> {
        let Self(environment) = self;
        let worst = problem_annotations(&environment.unsupported).into_iter();
        worst.chain(problem_annotations(environment.warnings())).collect()
    }
}

pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let environment = context.load()?;
    stack::check(&environment)?;
    context.warn(environment.warnings());
    let settings = context.printer.settings();
    // Valid but not built yet: plan refuses it, so say so now.
    for problem in &environment.unsupported {
        context.printer.diagnostic(&problem.render(settings.color_err, settings.width));
    }
    context.view(&Valid(environment))?;
    Ok(Exit::Done)
}
