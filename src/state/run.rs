//! Who a run of rsds is: what a lock says of its holder, and a state of its last writer.
//!
//! Made by `cli` once per process. Must never hold more of the process's surroundings than it names.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A run of rsds: who started it, where, and what it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
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
    /// The page of the CI run, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl fmt::Display for Run {
    /// One line: ``ann@laptop (pid 7) since 2026-11-22T10:00:00Z, running `rsds apply` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { who, host, pid, command, since, url } = self;
        write!(f, "{who}@{host} (pid {pid}) since {since:.0}, running `{command}`")?;
        url.as_ref().map_or(Ok(()), |url| write!(f, " ({url})"))
    }
}
