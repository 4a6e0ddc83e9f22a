//! The state in a file: `.rsds/<env>/state.json`, what it was before in `history/` beside it, its lock in `lock`.
//!
//! Called through `Store`. Must never leave half a file: `file` replaces it as a whole.

use super::{
    envelope, file,
    format::State,
    lock::{self, Lock},
    run::Run,
    store::{Answer, COMMITS_KEPT, Image, LockError, Past, RUNS_KEPT, Store, StoreError},
};
use crate::clock::Clock;
use jiff::Timestamp;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Keeps the state in one file.
#[derive(Clone, Debug)]
pub struct LocalStore {
    dir: PathBuf,
    path: PathBuf,
}

impl LocalStore {
    /// Keeps the state in `dir/state.json`; the folder is made at the first write.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), path: dir.join("state.json") }
    }

    fn io(&self, verb: &'static str, error: &io::Error) -> StoreError {
        StoreError::Io { verb, place: self.place(), why: error.to_string() }
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io("read", &error)),
        }
    }

    fn opened(&self, bytes: &[u8]) -> Result<State, StoreError> {
        envelope::open(&self.place(), bytes).map_err(|error| match error {
            StoreError::Damaged { place, why, .. } => StoreError::Damaged { place, why, last_good: self.last_good() },
            other => other,
        })
    }

    /// The newest former state that is whole.
    fn last_good(&self) -> Option<String> {
        let past = self.images().ok()?;
        past.into_iter().map(|past| past.name).find(|name| self.image(name).is_ok())
    }

    fn write(&self, state: &State) -> Result<(), StoreError> {
        let bytes = envelope::seal(state).map_err(|error| self.io("write", &error.into()))?;
        let write = || {
            fs::create_dir_all(&self.dir)?;
            self.put_aside(Image::BeforeCommit, state.serial)?;
            file::replace(&self.path, &bytes)
        };
        write().map_err(|error| self.io("write", &error))
    }

    fn history_dir(&self) -> PathBuf {
        self.dir.join("history")
    }

    /// Gives what is there a second name, before something else takes the first one: nothing is copied, and what was
    /// durable stays so. `serial` is the write that comes next.
    fn put_aside(&self, of: Image, serial: u64) -> io::Result<()> {
        let dir = self.history_dir();
        let image = dir.join(format!("{}{serial:010}.json", prefix(of)));
        let linked = fs::hard_link(&self.path, &image).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound if !self.path.exists() => Ok(()),
            io::ErrorKind::NotFound => fs::create_dir_all(&dir).and_then(|()| fs::hard_link(&self.path, &image)),
            // A write of this number was tried before.
            io::ErrorKind::AlreadyExists => fs::remove_file(&image).and_then(|()| fs::hard_link(&self.path, &image)),
            // Not every file system has links.
            io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied => fs::copy(&self.path, &image).map(drop),
            _ => Err(error),
        });
        linked.and_then(|()| self.forget_old(of))
    }

    fn forget_old(&self, of: Image) -> io::Result<()> {
        let kept = match of {
            Image::BeforeRun => RUNS_KEPT,
            Image::BeforeCommit => COMMITS_KEPT,
        };
        let images = self.images()?.into_iter().filter(|past| past.of == of);
        images.skip(kept).try_for_each(|past| fs::remove_file(self.history_dir().join(past.name)))
    }

    /// Lists what was put aside, newest first.
    fn images(&self) -> io::Result<Vec<Past>> {
        let entries = match fs::read_dir(self.history_dir()) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut images = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(of) = [Image::BeforeRun, Image::BeforeCommit].into_iter().find(|of| name.starts_with(prefix(*of)))
            else {
                continue;
            };
            // A link has the time of what it links to: that is when this state was written.
            let at = entry.metadata()?.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
            images.push(Past { name, of, at: at.unwrap_or_default() });
        }
        let number = |past: &Past| past.name.split_once('-').map(|(_, number)| number.to_owned());
        images.sort_by_key(|past| std::cmp::Reverse((number(past), past.of == Image::BeforeRun)));
        Ok(images)
    }

    fn image(&self, name: &str) -> Result<State, StoreError> {
        let path = self.history_dir().join(name);
        let place = path.display().to_string();
        // A name is one of those that are listed, never a way out of the folder.
        let known = self.images().map_err(|error| self.io("read the history of", &error))?;
        if !known.iter().any(|past| past.name == name) {
            let why = "there is no such former state".to_owned();
            return Err(StoreError::Io { verb: "read", place, why });
        }
        let bytes = fs::read(&path).map_err(|error| self.io("read the history of", &error))?;
        envelope::open(&place, &bytes)
    }
}

const fn prefix(of: Image) -> &'static str {
    match of {
        Image::BeforeRun => "run-",
        Image::BeforeCommit => "commit-",
    }
}

/// Runs blocking file work aside; tokio's paused clock waits for it.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Stopped))
}

impl Store for LocalStore {
    fn place(&self) -> String {
        self.path.strip_prefix(".").unwrap_or(&self.path).display().to_string()
    }
    fn load(&self) -> Answer<'_, Option<State>> {
        let store = self.clone();
        Box::pin(async move {
            let reading = store.clone();
            // What a thread aside has parsed, its part of the heap keeps to the end.
            let bytes = aside(move || reading.bytes()).await?;
            bytes.map(|bytes| store.opened(&bytes)).transpose()
        })
    }
    fn save<'a>(&'a self, state: &'a State) -> Answer<'a, ()> {
        let (store, state) = (self.clone(), state.clone());
        Box::pin(aside(move || store.write(&state)))
    }
    fn keep<'a>(&'a self, before: &'a State) -> Answer<'a, ()> {
        let (store, serial) = (self.clone(), before.serial + 1);
        Box::pin(aside(move || store.put_aside(Image::BeforeRun, serial).map_err(|error| store.io("keep", &error))))
    }
    fn history(&self) -> Answer<'_, Vec<Past>> {
        let store = self.clone();
        Box::pin(aside(move || store.images().map_err(|error| store.io("read the history of", &error))))
    }
    fn past<'a>(&'a self, name: &'a str) -> Answer<'a, State> {
        let (store, name) = (self.clone(), name.to_owned());
        Box::pin(aside(move || store.image(&name)))
    }
    fn lock<'a>(&'a self, run: &'a Run, patience: Duration, clock: &'a Clock) -> Answer<'a, Lock, LockError> {
        Box::pin(lock::take(&self.dir, run, patience, clock))
    }
    fn holder(&self) -> Answer<'_, Option<Option<Run>>> {
        let dir = self.dir.clone();
        Box::pin(aside(move || lock::holder(&dir)))
    }
    fn unlock(&self) -> Answer<'_, (), LockError> {
        // The system holds the lock for a process, and lets go when that ends: there is nothing to take away.
        Box::pin(async {
            match self.holder().await {
                Ok(None) => Ok(()),
                Ok(Some(run)) => Err(LockError::Held(run.map(Box::new))),
                Err(error) => Err(LockError::Io { place: self.place(), why: error.to_string() }),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(serial: u64) -> State {
        State { serial, ..State::pristine("airline", "dev", "l".into()) }
    }

    fn read(store: &LocalStore) -> Result<Option<State>, StoreError> {
        store.bytes()?.map(|bytes| store.opened(&bytes)).transpose()
    }

    #[test]
    fn what_was_written_is_read_and_the_last_good_one_offered() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(&dir.path().join("dev"));
        assert_eq!(read(&store).unwrap(), None);
        store.write(&state(1)).unwrap();
        assert_eq!(read(&store).unwrap(), Some(state(1)));
        store.write(&state(2)).unwrap();
        let text = fs::read_to_string(&store.path).unwrap();
        fs::write(&store.path, &text[..40]).unwrap();
        let Err(StoreError::Damaged { last_good: Some(last_good), .. }) = read(&store) else { panic!() };
        assert_eq!(store.image(&last_good).unwrap(), state(1));
    }

    /// A write that was torn has not happened: what it left beside the state is never read.
    #[test]
    fn a_torn_write_leaves_the_state_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(dir.path());
        store.write(&state(1)).unwrap();
        let next = envelope::seal(&state(2)).unwrap();
        for cut in [0, 1, next.len() / 2, next.len()] {
            // The temporary file is there, the new name is not.
            fs::write(dir.path().join(format!(".tmp{cut}")), &next[..cut]).unwrap();
            store.put_aside(Image::BeforeCommit, 2).unwrap();
            assert_eq!(read(&store).unwrap(), Some(state(1)));
        }
        store.write(&state(2)).unwrap();
        assert_eq!(read(&store).unwrap(), Some(state(2)));
        assert_eq!(store.image("commit-0000000002.json").unwrap(), state(1));
    }

    #[test]
    fn the_last_writes_and_runs_can_be_gone_back_to() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(dir.path());
        for serial in 1..=40 {
            store.put_aside(Image::BeforeRun, serial).unwrap();
            store.write(&state(serial)).unwrap();
        }
        let images = store.images().unwrap();
        let of = |of| images.iter().filter(|past| past.of == of).map(|past| past.name.as_str()).collect::<Vec<_>>();
        let (runs, commits) = (of(Image::BeforeRun), of(Image::BeforeCommit));
        assert_eq!((runs.len(), runs[0]), (RUNS_KEPT, "run-0000000040.json"));
        assert_eq!((commits.len(), commits[9]), (COMMITS_KEPT, "commit-0000000031.json"));
        assert_eq!(store.image("run-0000000040.json").unwrap(), state(39), "what stood before write 40");
        assert!(store.image("../state.json").is_err());
    }
}
