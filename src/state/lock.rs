//! The lock that keeps two runs on one environment apart, and its local form: an OS lock, which no dead process can
//! hold, and beside it a record of who holds it.
//!
//! Taken through `Store::lock` by `cli` before anything is planned that will be done. Must never be taken over from a
//! living process.

use super::{
    run::Run,
    store::{LockError, StoreError},
};
use crate::clock::Clock;
use std::{
    fmt,
    fs::{self, File, OpenOptions, TryLockError},
    future::Future,
    io::{self, Write as _},
    path::Path,
    pin::Pin,
    time::Duration,
};

/// How often a held lock is tried again under `--lock-timeout`.
pub(super) const AGAIN: Duration = Duration::from_millis(500);

/// What lets go of a lock.
pub trait Held: Send + Sync {
    /// Lets go. What cannot be told any more (a store that went away) ends by itself.
    fn release(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// A held lock.
pub struct Lock {
    /// The dead run whose lock this one has taken over.
    pub taken_over: Option<Run>,
    held: Box<dyn Held>,
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock").field("taken_over", &self.taken_over).finish_non_exhaustive()
    }
}

impl Lock {
    /// A lock that `held` lets go of.
    pub fn new(taken_over: Option<Run>, held: impl Held + 'static) -> Self {
        Self { taken_over, held: Box::new(held) }
    }

    /// Lets go.
    pub async fn release(self) {
        self.held.release().await;
    }
}

/// An OS lock on a file; dropping it, or dying, lets go.
#[derive(Debug)]
struct FileLock(File);

impl Drop for FileLock {
    fn drop(&mut self) {
        // A record that stays says that its run was killed; one that cannot be cleared only says so wrongly.
        self.0.set_len(0).ok();
    }
}

impl Held for FileLock {
    fn release(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        drop(self);
        Box::pin(std::future::ready(()))
    }
}

/// Takes the lock of the environment whose state is kept in `dir`, waiting up to `patience` for its holder.
pub(super) async fn take(dir: &Path, run: &Run, patience: Duration, clock: &Clock) -> Result<Lock, LockError> {
    let path = dir.join("lock");
    let failed = |error: io::Error| LockError::Io { place: path.display().to_string(), why: error.to_string() };
    fs::create_dir_all(dir).map_err(failed)?;
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    let start = clock.elapsed();
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if clock.elapsed().saturating_sub(start) < patience => {
                clock.sleep(AGAIN).await;
            }
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(record(&path).map(Box::new))),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    let taken_over = record(&path);
    let text = serde_json::to_string(run).unwrap_or_default();
    file.set_len(0).and_then(|()| (&file).write_all(text.as_bytes())).map_err(failed)?;
    Ok(Lock::new(taken_over, FileLock(file)))
}

/// Tells who holds the lock of `dir`; the inner `None` is a holder that left no record.
pub(super) fn holder(dir: &Path) -> Result<Option<Option<Run>>, StoreError> {
    let path = dir.join("lock");
    let failed = |error: &io::Error| StoreError::Io {
        verb: "look at the lock of",
        place: path.display().to_string(),
        why: error.to_string(),
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(record(&path))),
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

fn record(path: &Path) -> Option<Run> {
    serde_json::from_str(&fs::read_to_string(path).unwrap_or_default()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn run(pid: u32) -> Run {
        let (who, host, command) = ("ann".into(), "laptop".into(), "rsds apply".into());
        Run { who, host, pid, command, since: Timestamp::UNIX_EPOCH, url: None }
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_lock_names_its_holder_and_is_free_when_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::paused(Timestamp::UNIX_EPOCH);
        assert_eq!(holder(dir.path()).unwrap(), None);
        let held = take(dir.path(), &run(1), Duration::ZERO, &clock).await.unwrap();
        assert_eq!(holder(dir.path()).unwrap(), Some(Some(run(1))));
        let refused = take(dir.path(), &run(2), Duration::from_secs(5), &clock).await.unwrap_err();
        assert!(refused.to_string().contains("ann@laptop (pid 1)"), "{refused}");
        assert_eq!(clock.elapsed().as_secs(), 5, "two in one process conflict too, and the second has patience");
        held.release().await;
        assert_eq!(holder(dir.path()).unwrap(), None);
        let next = take(dir.path(), &run(3), Duration::ZERO, &clock).await.unwrap();
        assert_eq!(next.taken_over, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_lock_of_a_dead_run_is_taken_over_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::paused(Timestamp::UNIX_EPOCH);
        // The record of a process that was killed: its OS lock died with it.
        fs::write(dir.path().join("lock"), serde_json::to_string(&run(1)).unwrap()).unwrap();
        let next = take(dir.path(), &run(2), Duration::ZERO, &clock).await.unwrap();
        assert_eq!(next.taken_over, Some(run(1)));
    }
}
