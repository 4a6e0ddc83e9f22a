//! The state in a file: `.rsds/<env>/state.json`.
//!
//! Called through `Store`. Must never leave half a file: `file` replaces it as a whole.

use super::{
    format::{FORMAT, State},
    writer::{Store, StoreError},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::Pin,
};

/// Keeps the state in one file.
#[derive(Clone, Debug)]
pub struct LocalStore {
    path: PathBuf,
}

/// The file's form. The checksum is over the state's compact JSON, so that reformatting the file by hand is
/// noticed only when it changes a value.
#[derive(Serialize, Deserialize)]
struct Envelope<S> {
    checksum: String,
    state: S,
}

impl LocalStore {
    /// Keeps the state in `dir/state.json`; the folder is made at the first write.
    pub fn new(dir: &Path) -> Self {
        Self { path: dir.join("state.json") }
    }

    fn io(&self, verb: &'static str, error: &io::Error) -> StoreError {
        StoreError::Io { verb, place: self.path.display().to_string(), why: error.to_string() }
    }

    fn damaged(&self, why: impl ToString) -> StoreError {
        StoreError::Damaged { place: self.path.display().to_string(), why: why.to_string() }
    }

    fn read(&self) -> Result<Option<State>, StoreError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io("read", &error)),
        };
        let envelope: Envelope<serde_json::Value> = serde_json::from_str(&text).map_err(|e| self.damaged(e))?;
        let format = envelope.state["format"].as_u64().unwrap_or_default();
        if format > u64::from(FORMAT) {
            let found = u32::try_from(format).unwrap_or(u32::MAX);
            return Err(StoreError::Newer { place: self.path.display().to_string(), found, known: FORMAT });
        }
        if checksum(&envelope.state).map_err(|e| self.damaged(e))? != envelope.checksum {
            return Err(self.damaged("its checksum does not match; it was edited or cut short"));
        }
        serde_json::from_value(envelope.state).map(Some).map_err(|e| self.damaged(e))
    }

    fn write(&self, state: &State) -> Result<(), StoreError> {
        let state = serde_json::to_value(state).map_err(|e| self.damaged(e))?;
        let envelope = Envelope { checksum: checksum(&state).map_err(|e| self.damaged(e))?, state };
        let text = serde_json::to_vec_pretty(&envelope).map_err(|e| self.damaged(e))?;
        self.replace(&text).map_err(|error| self.io("write", &error))
    }

    fn replace(&self, text: &[u8]) -> io::Result<()> {
        fs::create_dir_all(self.path.parent().unwrap_or(Path::new(".")))?;
        super::file::replace(&self.path, text)
    }
}

fn checksum(state: &serde_json::Value) -> serde_json::Result<String> {
    Ok(format!("sha256:{}", hex::encode(Sha256::digest(serde_json::to_vec(state)?))))
}

/// Runs blocking file work aside; tokio's paused clock waits for it.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Stopped))
}

impl Store for LocalStore {
    fn load(&self) -> Pin<Box<dyn Future<Output = Result<Option<State>, StoreError>> + Send + '_>> {
        let store = self.clone();
        Box::pin(aside(move || store.read()))
    }
    fn save<'a>(&'a self, state: &'a State) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>> {
        let (store, state) = (self.clone(), state.clone());
        Box::pin(aside(move || store.write(&state)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(&dir.path().join("dev"));
        assert_eq!(store.read().unwrap(), None);
        let state = State::pristine("airline", "dev", "l".into());
        store.write(&state).unwrap();
        assert_eq!(store.read().unwrap(), Some(state));

        let text = fs::read_to_string(&store.path).unwrap();
        fs::write(&store.path, text.replace("airline", "airlane")).unwrap();
        assert!(matches!(store.read(), Err(StoreError::Damaged { .. })));
        fs::write(&store.path, text.replace("\"format\": 1", "\"format\": 9")).unwrap();
        assert!(matches!(store.read(), Err(StoreError::Newer { found: 9, .. })));
        fs::write(&store.path, &text[..40]).unwrap();
        assert!(matches!(store.read(), Err(StoreError::Damaged { .. })));
    }
}
