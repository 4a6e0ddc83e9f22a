//! Weather: what AWS does to calls besides answering them. Latency, throttling, failures, lost and late requests, no
//! capacity, and changes that show late.
//!
//! A layer around the world, never inside it: `sky` is the weather at work and is asked by the router once a call, `lag`
//! keeps what a service looked like before its latest changes, `file` reads a `Weather` from TOML. Made by the command
//! line (`--sandbox-weather`) and by tests (`Sandbox::weather`). Every chance follows from the seed and from how many
//! calls of that operation came before, so that a run can be repeated. Must cost nothing when it is calm.

mod file;
mod lag;
mod sky;

pub use file::reference;
use lag::Earlier;
pub(super) use lag::{blind, swapped};
pub(super) use sky::{Sky, Turn};

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The knobs; the default is calm. Durations are the sandbox's time, which may run faster than the wall.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weather {
    /// What all chances follow from.
    pub seed: u64,
    /// How long each call takes: half of it on the way there, half on the way back.
    #[serde(with = "text")]
    pub latency: Duration,
    /// How much longer a call may take, by chance.
    #[serde(with = "text")]
    pub jitter: Duration,
    /// Token buckets by service (its SigV4 scope), `*` for each other service by itself.
    pub throttle: BTreeMap<String, Bucket>,
    /// Share of calls that fail with a 5xx of the service, by `service:Operation` with `*`; the longest match counts. As
    /// often as not the service has done its work before.
    pub errors: BTreeMap<String, f64>,
    /// Connections that break.
    pub lost: Losses,
    /// Compute that cannot be had.
    pub capacity: Shortage,
    /// How long a change of this service may stay unseen.
    pub lag: BTreeMap<String, Lag>,
    /// How far AWS's clock goes ahead of the client's.
    #[serde(with = "text")]
    pub skew: Duration,
    /// What the account may have, by `<service>/<code>`.
    pub quotas: BTreeMap<String, u64>,
}

/// A token bucket: each call takes one, and is refused where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Tokens that come back in a second.
    pub rate: f64,
    /// Tokens it holds, and begins with.
    pub burst: f64,
}

/// Shares of calls whose connection breaks, and where.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Losses {
    /// The request never arrives.
    pub requests: f64,
    /// The service does its work, and nobody hears of it.
    pub answers: f64,
    /// The request arrives when the client has long given up.
    pub late: f64,
    /// How much later that is.
    #[serde(with = "text")]
    pub late_by: Duration,
}

/// When calls that need compute are answered that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shortage {
    /// Share of such calls.
    pub rate: f64,
    /// For so long after the first of them every one is.
    #[serde(with = "text")]
    pub short_for: Duration,
}

/// How long a change may stay unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lag(#[serde(with = "text")] pub Duration);

/// A weather by name, as files may begin with.
struct Preset {
    name: &'static str,
    text: &'static str,
}

/// The presets; what they say is in their files.
const PRESETS: &[Preset] =
    &[Preset { name: "calm", text: "" }, Preset { name: "rough", text: include_str!("weather/rough.toml") }];

impl Weather {
    /// As rough as AWS is on a bad day: the preset of that name, with this seed.
    pub fn rough(seed: u64) -> Self {
        Self { seed, ..Self::preset("rough").unwrap_or_default() }
    }

    /// Whether no call would ever feel it; quotas are the world's.
    pub fn is_calm(&self) -> bool {
        *self == Self { seed: self.seed, quotas: self.quotas.clone(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests;
