//! The lock that keeps two runs on one environment apart: an OS lock, which no dead process can hold, and beside
//! it a record of who holds it.
//!
//! Called by `cli` around apply and destroy. Must never be taken over from a living process.

use crate::clock::Clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

/// How often a held lock is tried again under `--lock-timeout`.
const AGAIN: Duration = Duration::from_millis(500);

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOwner {
    /// The user's name.
    pub who: String,
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// What it runs.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
}

/// Says why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Someone else holds it.
    #[error("the state is locked{}", .0.as_ref().map_or_else(String::new, |o| format!(
        " by {}@{} (pid {}) since {}, running `{}`", o.who, o.host, o.pid, o.since, o.command)))]
    Held(Option<LockOwner>),
    /// The lock file could not be used.
    #[error("cannot lock {0}: {1}")]
    Io(PathBuf, io::Error),
}

/// A held lock; dropping it, or dying, lets go.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the environment whose state is kept in `dir`, waiting up to `patience` for its holder.
    pub async fn take(dir: &Path, owner: &LockOwner, patience: Duration, clock: &Clock) -> Result<Self, LockError> {
        let path = dir.join("lock");
        let failed = |error| LockError::Io(path.clone(), error);
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
                Err(TryLockError::WouldBlock) => {
                    let record = fs::read_to_string(&path).unwrap_or_default();
                    return Err(LockError::Held(serde_json::from_str(&record).ok()));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        let record = serde_json::to_string(owner).unwrap_or_default();
        file.set_len(0).and_then(|()| (&file).write_all(record.as_bytes())).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_held_lock_names_its_holder_and_is_free_when_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::paused(Timestamp::UNIX_EPOCH);
        let me = |pid| LockOwner {
            who: "ann".into(),
            host: "laptop".into(),
            pid,
            command: "rsds apply".into(),
            since: clock.timestamp(),
        };
        let held = Lock::take(dir.path(), &me(1), Duration::ZERO, &clock).await.unwrap();
        let refused = Lock::take(dir.path(), &me(2), Duration::from_secs(5), &clock).await.unwrap_err();
        assert!(refused.to_string().contains("ann@laptop (pid 1)"), "{refused}");
        drop(held);
        Lock::take(dir.path(), &me(3), Duration::ZERO, &clock).await.unwrap();
    }
}
