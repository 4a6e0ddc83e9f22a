//! `rsds import --from-tfstate`: takes a whole old estate over, and writes its environment file.
//!
//! Called by `import`. Must never write over a file.

use super::{
    change::{carry_out, check_that_someone_agrees, protected},
    confirm::confirm,
    context::Context,
    import::{PARALLELISM, is_fresh, unmoved, view},
    locked::locked,
    typed::{again, arguments},
};
use crate::{
    config::{self, Environment},
    failure::{Exit, Failure},
    import::{
        bulk::{Estate, Takeover, rules},
        file::File,
        survey::{Layout, LiveRule, survey},
        tfstate::{TfState, parse},
    },
    plan::{Options, Planned},
    session::Session,
    state::replace,
    ui::TakeoverView,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

#[derive(Debug, clap::Args)]
pub(super) struct Flags {
    /// A Terraform or OpenTofu state (`terraform state pull > FILE`): take over all of it that rsds has a place for
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "id", "sets"])]
    pub(super) from_tfstate: Option<PathBuf>,
    /// Write environments/<NAME>.toml for it, whose plan is then empty; else it goes into the environment that is there
    #[arg(long, value_name = "NAME", requires = "from_tfstate")]
    write_env: Option<String>,
    /// The cluster or workgroup that takes the writes, where the old code does not tell
    #[arg(long, value_name = "NAME", requires = "from_tfstate")]
    producer: Option<String>,
}

/// What the report and the work go by.
struct Bulk<'a> {
    old: &'a TfState,
    source: &'a Path,
    /// The environment file, as people see it.
    name: String,
    writes: bool,
    producer: Option<&'a str>,
    options: Options,
}

pub(super) async fn run(
    context: &Context,
    source: &Path,
    flags: Flags,
    auto_approve: bool,
    lock_timeout: Duration,
) -> Result<Exit, Failure> {
    let unread = |why: String, help: String| Failure::new(format!("cannot read {}: {why}", source.display()), help);
    let text = fs::read_to_string(source)
        .map_err(|error| unread(error.to_string(), "write it: terraform state pull > FILE".to_owned()))?;
    let old = parse(&text).map_err(|(why, help)| unread(why, help))?;
    let producer = flags.producer.as_deref();
    let (environment, writes) = match &flags.write_env {
        Some(env) => (begun(context, &old, env, producer)?, true),
        None => {
            check_that_someone_agrees(context, auto_approve, "import --from-tfstate FILE")?;
            (context.load()?, false)
        }
    };
    if !context.asks && !auto_approve {
        let again = "import --from-tfstate FILE --write-env NAME";
        check_that_someone_agrees(context, auto_approve, again)?;
    }
    context.warn(environment.warnings());
    let options = Options { protect: protected(&environment)?, ..Options::default() };
    let name = format!("environments/{}.toml", environment.config.env);
    let bulk = Bulk { old: &old, source, name, writes, producer, options };
    let store_of = environment.clone();
    locked(context, &store_of, lock_timeout, async |held| {
        let mut session = context.open_in(held, environment, PARALLELISM, None).await?;
        if writes && !session.state.entries.is_empty() {
            let env = &session.environment.config.env;
            return Err(Failure::new(
                format!("the state of {env} holds resources already"),
                format!("go on with the file that is there (--env {env}), or give the environment another name"),
            ));
        }
        let (shown, takeover) = look(context, &mut session, &bulk).await?;
        if let Some((text, _)) = &takeover.file {
            write(&context.directory.join(&bulk.name), text)?;
        }
        let origin = |key: &str| session.environment.place(key);
        let report = TakeoverView {
            takeover: &takeover,
            old: &old,
            source: source.display().to_string(),
            file: bulk.name.clone(),
            env: session.environment.config.env.clone(),
            import: view(context, &shown.plan, &takeover.adoption.then, &origin),
        };
        context.view(&report)?;
        drop(report);
        if shown.plan.is_empty() {
            context.printer.note("There is nothing to take over.");
            return Ok(Exit::Done);
        }
        // The file is there now: another run goes on with it.
        let env = session.environment.config.env.clone();
        let again = goes_on(&again(arguments().skip(1), &env), &env);
        let asked = context.clock.timestamp();
        let question = format!("take over {} resources for", shown.plan.changes.len());
        if !auto_approve && !confirm(context, &question, &session).await? {
            let kept =
                if writes { format!(" {} stays; delete it, or go on: {again}", bulk.name) } else { String::new() };
            context.printer.note(&format!("Nothing was changed in AWS.{kept}"));
            return Ok(Exit::Failed);
        }
        let plan = match is_fresh(context, asked) {
            true => shown.plan,
            false => {
                let now = look(context, &mut session, &bulk).await?.0;
                unmoved(&session, &shown, now, &again)?
            }
        };
        carry_out(context, held, &mut session, plan, &again).await
    })
    .await
}

/// The same command once the file is there.
fn goes_on(typed: &str, env: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut skip = false;
    for word in typed.split(' ') {
        let value = std::mem::replace(&mut skip, word == "--write-env");
        if !value && !skip && !word.starts_with("--write-env=") {
            words.push(word);
        }
    }
    let named = words.iter().any(|word| *word == "--env" || word.starts_with("--env="));
    let typed = words.join(" ");
    if named { typed } else { format!("{typed} --env {env}") }
}

/// Plans to take the estate over.
async fn look(context: &Context, session: &mut Session, bulk: &Bulk<'_>) -> Result<(Planned, Takeover), Failure> {
    let now = context.clock.timestamp();
    let rules = rules(session, bulk.old).await?;
    let env = session.environment.config.env.clone();
    let layout = laid_out(bulk.old, &rules, &env, bulk.producer)?;
    let heading = format!(
        "Written by rsds {} from {}: every value is what AWS showed.\nWhat is said about single resources can go as soon \
         as you want them as rsds makes them: `rsds plan` shows what that changes.",
        env!("CARGO_PKG_VERSION"),
        bulk.source.display()
    );
    let estate = Estate { old: bulk.old, layout, name: bulk.name.clone(), heading };
    let mut takeover = match bulk.writes {
        true => estate.written(session, now).await?,
        false => estate.recorded(session, &bulk.options, now).await?,
    };
    let plan = std::mem::take(&mut takeover.adoption.plan);
    Ok((Planned { plan, observed: takeover.observed.clone() }, takeover))
}

fn laid_out(old: &TfState, rules: &[LiveRule], env: &str, producer: Option<&str>) -> Result<Layout, Failure> {
    survey(old, rules, env, producer).map_err(|(why, help)| Failure::new(why, help))
}

/// Begins an environment whose file is not there yet: enough of it to know the account, the region and the state.
fn begun(context: &Context, old: &TfState, env: &str, producer: Option<&str>) -> Result<Environment, Failure> {
    let name = format!("environments/{env}.toml");
    if context.directory.join(&name).exists() {
        return Err(Failure::new(
            format!("{name} is there already"),
            format!("give another name to --write-env, or take over into it: --env {env} in the place of --write-env"),
        ));
    }
    if let Err(fault) = config::shape::Shape::Name.check(env) {
        return Err(Failure::new(format!("--write-env: {}", fault.message), fault.help.unwrap_or_default()));
    }
    let layout = laid_out(old, &[], env, producer)?;
    Ok(config::load_text(&name, &File::of(&layout).text(""), env)?)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |why: std::io::Error| {
        Failure::new(format!("cannot write {}: {why}", path.display()), "check that the folder is yours")
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    replace(path, text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_uses_the_file_that_is_there() {
        let typed = "rsds import --from-tfstate old.tfstate --write-env prod --auto-approve --env prod";
        assert_eq!(goes_on(typed, "prod"), "rsds import --from-tfstate old.tfstate --auto-approve --env prod");
        let typed = "rsds import --write-env=prod --from-tfstate a";
        assert_eq!(goes_on(typed, "prod"), "rsds import --from-tfstate a --env prod");
    }
}
