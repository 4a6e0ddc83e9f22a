//! Saved plans: written by `plan --out`, done by `apply FILE`, shown by `show FILE`.
//!
//! Called by those three commands. Must never write over a file that is something else.

use super::{
    change::{self, Selection, carry_out, protected},
    context::Context,
    locked::locked,
    typed::quoted,
};
use crate::{
    config,
    failure::{Exit, Failure},
    plan::{Options, Saved},
    state::replace,
    ui::{self, PlanView, View, markdown::Subject},
};
use serde_json::Value as Json;
use std::{fs, io::ErrorKind, path::Path};

/// Refuses, before any work is done, to put a plan where something else is.
pub(super) fn check_place(file: &Path) -> Result<(), Failure> {
    match fs::read(file) {
        Ok(bytes) if std::str::from_utf8(&bytes).is_ok_and(Saved::is_one) => Ok(()),
        Ok(_) => Err(Failure::new(
            format!("{} is there and is no saved plan", file.display()),
            "give --out another name, or remove the file",
        )),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::new(format!("cannot write {}: {error}", file.display()), "give --out another name")),
    }
}

/// Writes a plan, and says what it is good for.
pub(super) fn write(context: &Context, file: &Path, saved: &Saved) -> Result<(), Failure> {
    let failed = |why: String| {
        Failure::new(format!("cannot write {}: {why}", file.display()), "check that the folder is there and is yours")
    };
    let text = saved.to_text().map_err(|error| failed(error.to_string()))?;
    replace(file, text.as_bytes()).map_err(|error| failed(error.to_string()))?;
    let apply = command(context, &["apply", &file.display().to_string()], &[]);
    context.printer.note(&format!("The plan is in {}. To do exactly this: {apply}", file.display()));
    Ok(())
}

/// Reads a plan and makes sure that it is what rsds wrote.
fn read(file: &Path) -> Result<Saved, Failure> {
    let failed = |why: String| {
        Failure::new(
            format!("cannot use {}: {why}", file.display()),
            format!("make it anew: rsds plan --out {}", quoted(&file.display().to_string())),
        )
    };
    let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    Saved::parse(&text).map_err(|error| failed(error.to_string()))
}

/// Shows a plan as it was when it was made.
pub(super) fn show(context: &Context, file: &Path) -> Result<(), Failure> {
    let saved = read(file)?;
    let origin = |key: &str| saved.origins.get(key).cloned();
    let view = change::view(context, &saved.planned.plan, &origin, &saved.options, saved.warnings.clone());
    context.view(&Shown { view, saved: &saved })
}

/// A plan with what it says about itself.
struct Shown<'a> {
    view: PlanView<'a>,
    saved: &'a Saved,
}

impl View for Shown<'_> {
    fn human(&self, color: bool, width: usize) -> String {
        ui::saved(self.saved) + &self.view.human(color, width)
    }
    fn json(&self) -> Json {
        let mut json = self.view.json();
        json["saved"] = ui::saved_json(self.saved);
        json
    }
    fn markdown(&self, subject: Subject<'_>) -> String {
        self.view.markdown(Subject { environment: &self.saved.binding.environment, ..subject })
    }
}

/// Does what a plan says, if everything it rests on is still as it was.
pub(super) async fn apply(context: &Context, file: &Path, selection: &Selection) -> Result<Exit, Failure> {
    let saved = read(file)?;
    let name = &saved.binding.environment;
    if let Some(asked) = context.environment.as_ref().filter(|asked| *asked != name) {
        return Err(Failure::new(
            format!("{} is a plan for the environment {name}, and {asked} is asked for", file.display()),
            format!(
                "for {name}: {}",
                command(context, &["apply", &file.display().to_string()], &["--env".into(), name.clone()])
            ),
        ));
    }
    let environment = config::load(&context.directory, name, &saved.sets)?;
    context.warn(environment.warnings());
    let options = Options { protect: protected(&environment)?, ..saved.options.clone() };
    let lineage = Some(saved.binding.lineage.clone());
    let mut anew = wishes(&saved);
    anew.extend(["--out".to_owned(), file.display().to_string()]);
    anew.extend(options.destroy.then(|| "--destroy".to_owned()));
    let store_of = environment.clone();
    locked(context, &store_of, selection.lock_timeout, async |held| {
        let mut session = context.open_in(held, environment, selection.parallelism(), lineage).await?;
        session.preflight = selection.preflight();
        let (plan, moved) = session.redeem(&saved, &options, &command(context, &["plan"], &anew)).await?;
        context.tell_harmless(&moved);
        change::announce(context, &session.environment, &plan, &options)?;
        let verb = if options.destroy { "destroy" } else { "apply" };
        carry_out(context, held, &mut session, plan, &command(context, &[verb], &wishes(&saved))).await
    })
    .await
}

/// What a plan was asked to be, as it is typed; whether it destroys is left to the command.
fn wishes(saved: &Saved) -> Vec<String> {
    let Options {
        targets,
        excludes,
        replace,
        destroy: _,
        refresh_only,
        ignore,
        refresh_sql,
        sql_only: _,
        rotate: _,
        protect: _,
    } = &saved.options;
    let mut words = vec!["--env".to_owned(), saved.binding.environment.clone()];
    words.extend(saved.sets.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
    for (flag, selectors) in [("--target", targets), ("--exclude", excludes), ("--replace", replace)] {
        words.extend(selectors.iter().flat_map(|of| [flag.to_owned(), of.to_string()]));
    }
    words.extend(ignore.iter().flat_map(|of| ["--ignore".to_owned(), of.to_string()]));
    words.extend(refresh_only.then(|| "--refresh-only".to_owned()));
    words.extend(refresh_sql.then(|| "--refresh-sql".to_owned()));
    words
}

/// A command in the same folder, on the same AWS.
pub(super) fn command(context: &Context, verb: &[&str], more: &[String]) -> String {
    let mut words: Vec<String> = verb.iter().map(|word| (*word).to_owned()).collect();
    if context.directory != Path::new(".") {
        words.extend(["-C".to_owned(), context.directory.display().to_string()]);
    }
    words.extend_from_slice(more);
    words.extend(context.sandbox.then(|| "--sandbox".to_owned()));
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("rsds {}", words.join(" "))
}
