//! A state that is elsewhere than `[state]` says: noticed before anything is planned, and moved by `rsds backend move`.
//!
//! Called by `context` and `backend`. `.rsds/<env>/backend.json` remembers the last place in a bucket that was used; a
//! local state shows itself. Must never let a run begin anew because it looks in the wrong place, nor remove a copy
//! before the other was read back.

use super::{
    context::{Context, variable},
    who::this_run,
};
use crate::{
    config::{Environment, typed::StateBackend},
    failure::Failure,
    state::{LocalStore, S3Store, State, Store},
};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The backend that a folder used last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "backend", deny_unknown_fields)]
enum Last {
    Local,
    S3 { bucket: String, key: String, region: String, kms_key_id: Option<String> },
}

impl Last {
    fn of(backend: &StateBackend) -> Self {
        match backend.clone() {
            StateBackend::Local => Self::Local,
            StateBackend::S3 { bucket, key, region, kms_key_id } => Self::S3 { bucket, key, region, kms_key_id },
        }
    }

    fn backend(self) -> StateBackend {
        match self {
            Self::Local => StateBackend::Local,
            Self::S3 { bucket, key, region, kms_key_id } => StateBackend::S3 { bucket, key, region, kms_key_id },
        }
    }

    /// Whether it is the same object, whatever encrypts it.
    fn is_same_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local, Self::Local) => true,
            (Self::S3 { bucket, key, .. }, Self::S3 { bucket: other, key: at, .. }) => bucket == other && key == at,
            (Self::Local, Self::S3 { .. }) | (Self::S3 { .. }, Self::Local) => false,
        }
    }
}

/// The other place where a state may be.
enum Other {
    Local { store: LocalStore, file: PathBuf },
    Bucket(S3Store),
}

impl Other {
    fn store(&self) -> &dyn Store {
        match self {
            Self::Local { store, .. } => store,
            Self::Bucket(store) => store,
        }
    }

    /// Puts the copy that has moved out of the way; returns where it is.
    async fn retire(&self) -> Result<String, Failure> {
        match self {
            Self::Bucket(store) => Ok(store.retire().await?),
            Self::Local { file, .. } => {
                let kept = set_aside(file);
                let kept = kept.map_err(|error| {
                    Failure::new(format!("cannot rename {}: {error}", file.display()), "rename it by hand")
                })?;
                Ok(kept.display().to_string())
            }
        }
    }
}

/// Renames a file to a name that nothing has.
fn set_aside(file: &Path) -> io::Result<PathBuf> {
    let name = |number: u32| match number {
        1 => file.with_extension("json.moved-to-s3"),
        _ => file.with_extension(format!("json.moved-to-s3-{number}")),
    };
    let kept = (1..1000).map(name).find(|kept| !kept.exists()).unwrap_or_else(|| name(1000));
    fs::rename(file, &kept).map(|()| kept)
}

fn record(context: &Context, environment: &Environment) -> PathBuf {
    context.state_dir(&environment.config.env).join("backend.json")
}

fn last(context: &Context, environment: &Environment) -> Option<Last> {
    serde_json::from_slice(&fs::read(record(context, environment)).ok()?).ok()
}

/// Remembers the backend in use. A folder that cannot be written needs no reminder: it is made anew each time.
fn remember(context: &Context, environment: &Environment) {
    let path = record(context, environment);
    let now = Last::of(&environment.config.state);
    if last(context, environment).as_ref() == Some(&now) || (now == Last::Local && !path.exists()) {
        return;
    }
    let text = serde_json::to_string_pretty(&now).unwrap_or_default();
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text + "\n"));
    if let Err(error) = written {
        tracing::debug!(%error, path = %path.display(), "the backend could not be remembered");
    }
}

/// Finds the other place where a state of this environment may be.
fn other(context: &Context, environment: &Environment) -> Option<Other> {
    let now = Last::of(&environment.config.state);
    let before = last(context, environment).filter(|before| !before.is_same_place(&now));
    if let Some(store) = before.and_then(|before| context.bucket_store(&before.backend())) {
        return Some(Other::Bucket(store));
    }
    let dir = context.state_dir(&environment.config.env);
    let file = dir.join("state.json");
    (now != Last::Local && file.exists()).then(|| Other::Local { store: LocalStore::new(&dir), file })
}

/// Refuses to go on where there is no state while there is one elsewhere.
pub(super) async fn check(context: &Context, environment: &Environment, store: &dyn Store) -> Result<(), Failure> {
    if let Some(other) = other(context, environment) {
        if store.load().await?.is_some() {
            if let Other::Local { file, .. } = &other {
                let (file, place) = (file.display(), store.place());
                context
                    .printer
                    .warning(&format!("{file} is not used: the state is at {place}; rename or delete the file"));
            }
        } else if elsewhere(context, environment, &other).await?.is_some() {
            return Err(Failure::new(
                format!("there is no state at {}, but there is one at {}", store.place(), other.store().place()),
                "to move it there: rsds backend move; or let [state] say again what it said before",
            ));
        }
    }
    remember(context, environment);
    Ok(())
}

async fn elsewhere(context: &Context, environment: &Environment, other: &Other) -> Result<Option<State>, Failure> {
    other.store().load().await.map_err(|error| {
        let record = record(context, environment);
        Failure::new(
            format!("the state was last kept at {}: {error}", other.store().place()),
            format!("if nothing is there any more, delete {}", record.display()),
        )
    })
}

/// Warns of a state that goes with the pipeline's folder.
pub(super) fn warn_of_local_in_ci(context: &Context, environment: &Environment) {
    if environment.config.state == StateBackend::Local && !context.sandbox && variable("CI").is_some() {
        context.printer.warning(
            "the state is kept in this folder, which most pipelines throw away: the next run would not know what this \
             one made. Share it: [state] backend = \"s3\"",
        );
    }
}

/// What a move came to.
pub(super) struct Moved {
    pub(super) from: String,
    pub(super) to: String,
    /// Where the old copy is.
    pub(super) kept: String,
    pub(super) state: State,
}

/// Moves the state to where `[state]` says, if `agree` says so. `None`: there is nothing to move.
pub(super) async fn carry(
    context: &Context,
    environment: &Environment,
    patience: Duration,
    agree: impl AsyncFnOnce(&str) -> Result<bool, Failure>,
) -> Result<Option<Moved>, Failure> {
    let Some(other) = other(context, environment) else { return Ok(None) };
    let (old, new) = (other.store(), context.store(environment));
    let run = this_run(context);
    // Both: a run that goes on at the old place would be lost there.
    let at_old = old.lock(&run, patience, &context.clock).await?;
    let result = match new.lock(&run, patience, &context.clock).await {
        Ok(at_new) => {
            let result = carry_locked(context, environment, &other, new.as_ref(), agree).await;
            at_new.release().await;
            result
        }
        Err(error) => Err(error.into()),
    };
    at_old.release().await;
    result
}

async fn carry_locked(
    context: &Context,
    environment: &Environment,
    other: &Other,
    new: &dyn Store,
    agree: impl AsyncFnOnce(&str) -> Result<bool, Failure>,
) -> Result<Option<Moved>, Failure> {
    let (from, to) = (other.store().place(), new.place());
    let Some(state) = elsewhere(context, environment, other).await? else {
        remember(context, environment);
        return Ok(None);
    };
    match new.load().await? {
        // A move that was cut off before its last step.
        Some(there) if there == state => {}
        Some(there) => {
            let same = if there.lineage == state.lineage { "of the same lineage" } else { "of another lineage" };
            return Err(Failure::new(
                format!(
                    "there is a state at {to} (serial {}) and another one at {from} (serial {}), {same}",
                    there.serial, state.serial
                ),
                "nothing was changed; look at both, and take away the one that is not right",
            ));
        }
        None => {
            let resources = state.entries.len();
            let question = format!("This will move the state ({resources} resources) from {from} to {to}.");
            if !agree(&question).await? {
                return Ok(None);
            }
            new.save(&state).await?;
            if new.load().await?.as_ref() != Some(&state) {
                return Err(Failure::new(
                    format!("what was read back from {to} is not what was written"),
                    format!("the state at {from} is as it was; use it until this is understood"),
                ));
            }
        }
    }
    let kept = other.retire().await?;
    remember(context, environment);
    Ok(Some(Moved { from, to, kept, state }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_where_a_state_was_and_old_copies_get_names_of_their_own() {
        let s3 = |key: &str, kms: Option<&str>| Last::S3 {
            bucket: "acme".into(),
            key: key.into(),
            region: "eu-west-1".into(),
            kms_key_id: kms.map(str::to_owned),
        };
        assert!(s3("a", None).is_same_place(&s3("a", Some("k"))));
        assert!(!s3("a", None).is_same_place(&s3("b", None)));
        assert!(!s3("a", None).is_same_place(&Last::Local));
        let text = serde_json::to_string(&s3("a", None)).unwrap();
        assert_eq!(serde_json::from_str::<Last>(&text).unwrap(), s3("a", None));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state.json");
        for name in ["state.json.moved-to-s3", "state.json.moved-to-s3-2"] {
            fs::write(&file, "{}").unwrap();
            assert_eq!(set_aside(&file).unwrap(), dir.path().join(name));
        }
    }
}
