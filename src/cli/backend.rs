//! `rsds backend`: the place of the state.

use super::{change::parse_duration, confirm::ask, context::Context, moving};
use crate::{
    config::{Environment, typed::StateBackend},
    failure::{Exit, Failure},
    state::s3::bucket::{BucketError, Wanted},
};
use serde_json::json;
use std::time::Duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make the bucket that `[state]` names: versioned, encrypted, private; or mend one that is there
    Create {
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
    },
    /// Move the state to where `[state]` says, after that has changed; the old copy is kept under another name
    Move {
        /// Do not ask
        #[arg(long)]
        auto_approve: bool,
        /// How long to wait for a state that someone else has locked
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
        lock_timeout: Duration,
    },
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Exit, Failure> {
    let environment = context.load()?;
    match command {
        Command::Create { auto_approve } => create(context, &environment, auto_approve).await,
        Command::Move { auto_approve, lock_timeout } => carry(context, &environment, auto_approve, lock_timeout).await,
    }
}

async fn agreed(context: &Context, auto_approve: bool, verb: &str, what: &str) -> Result<bool, Failure> {
    if auto_approve {
        return Ok(true);
    }
    if !context.asks {
        return Err(Failure::new(
            format!("there is no terminal to ask on; {what}"),
            format!("to agree beforehand: rsds backend {verb} --auto-approve"),
        ));
    }
    let yes = ask(context, what).await?;
    if !yes {
        context.printer.note("Nothing was changed.");
    }
    Ok(yes)
}

async fn create(context: &Context, environment: &Environment, auto_approve: bool) -> Result<Exit, Failure> {
    let state = &environment.config.state;
    let (StateBackend::S3 { bucket, region, .. }, Some(store)) = (state, context.bucket_store(state)) else {
        return Err(Failure::new(
            "the state of this environment is local: there is no bucket to make",
            "to share it, write into the TOML: [state] backend = \"s3\" and bucket = \"...\"",
        ));
    };
    let tell = |changed: &[Wanted]| {
        let human = || match changed {
            [] => format!("Nothing to do: the bucket {bucket} in {region} is as it should be.\n"),
            [Wanted::Bucket, ..] => {
                format!("The bucket {bucket} in {region} is there, versioned, encrypted and private.\n")
            }
            changed => format!("Mended the bucket {bucket} in {region}: {}.\n", phrases(changed).join("; ")),
        };
        let json = || {
            json!({ "format": "rsds.backend/1", "action": "create", "bucket": bucket, "region": region,
                "changed": changed })
        };
        context.result(human, json)
    };
    let missing = store.missing().await?;
    if missing.is_empty() {
        tell(&[])?;
        return Ok(Exit::Done);
    }
    let list: String = phrases(&missing).iter().map(|phrase| format!("\n  - {phrase}")).collect();
    context.printer.note(&format!("The bucket {bucket} in {region}:{list}"));
    if !agreed(context, auto_approve, "create", &format!("This will change the bucket {bucket}.")).await? {
        return Ok(Exit::Failed);
    }
    store.mend(&missing).await?;
    let left = store.missing().await?;
    if !left.is_empty() {
        return Err(Failure::new(
            format!("the bucket {bucket} still has to: {}", phrases(&left).join("; ")),
            "somebody changes it at the same time, or S3 shows it late: run it again",
        ));
    }
    tell(&missing)?;
    Ok(Exit::Done)
}

fn phrases(wanted: &[Wanted]) -> Vec<&'static str> {
    wanted.iter().map(|wanted| wanted.phrase()).collect()
}

async fn carry(
    context: &Context,
    environment: &Environment,
    auto_approve: bool,
    patience: Duration,
) -> Result<Exit, Failure> {
    let mut refused = false;
    let agree = async |what: &str| {
        let agreed = agreed(context, auto_approve, "move", what).await?;
        refused = !agreed;
        Ok(agreed)
    };
    let moved = moving::carry(context, environment, patience, agree).await?;
    if refused {
        return Ok(Exit::Failed);
    }
    let human = || match &moved {
        None => "Nothing to do: the state is where [state] says.\n".to_owned(),
        Some(moved) => format!(
            "The state moved from {} to {} ({} resources, serial {}) and was read back; the old copy is {}.\n",
            moved.from,
            moved.to,
            moved.state.entries.len(),
            moved.state.serial,
            moved.kept
        ),
    };
    let json = || match &moved {
        None => json!({ "format": "rsds.backend/1", "action": "move", "moved": false }),
        Some(moved) => json!({ "format": "rsds.backend/1", "action": "move", "moved": true, "from": moved.from,
            "to": moved.to, "kept": moved.kept, "resources": moved.state.entries.len(), "serial": moved.state.serial }),
    };
    context.result(human, json)?;
    Ok(Exit::Done)
}

impl From<BucketError> for Failure {
    fn from(error: BucketError) -> Self {
        let help = match &error {
            BucketError::Foreign(_) => {
                "choose another `bucket` in [state]: all of AWS shares one set of names; or use credentials that may see it"
                    .to_owned()
            }
            BucketError::Elsewhere { there, .. } => format!("write region = \"{there}\" into [state]"),
            BucketError::Fault(fault) => return Self::from(fault.clone()),
        };
        Self::new(error.to_string(), help)
    }
}
