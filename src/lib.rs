//! # rsds
//!
//! One TOML file an environment in, a Redshift data-sharing estate on AWS out. This page is the map; each module's
//! header says what it is for, who calls it, and what it must never do.
//!
//! ## The flow
//!
//! ```text
//! environments/*.toml -> config -> stack (desired graph) -> plan (pure) -> apply (effects) -> state
//!                                     aws: one file per kind of resource, read by plan and driven by apply
//! ```
//!
//! - [`config`] reads the TOML: one table of keys, every problem at once, the origin of every value.
//! - [`stack`] turns the typed configuration into a graph of drafts, one file a component.
//! - [`kind`] is the contract every kind of resource fulfils: two-stage specs, typed references, steps, readiness.
//! - [`aws`] is the connection, its faults, ownership, and the kinds: **a new kind is one file there and one line in
//!   its list**. What lives inside a warehouse is made by SQL (`data_api`) and read from its catalogue (`catalogue`).
//! - [`plan`] observes AWS (one batched read a kind), compares three ways, chooses an action for each resource and
//!   orders the operations. Everything after observing is pure.
//! - [`apply`] walks the plan: intent to the state, one call, answer to the state. It emits events and prints nothing.
//! - [`preflight`] asks AWS beforehand what would make an apply fail: quotas, names, permissions; pure checks over it.
//! - [`state`] is what rsds remembers, and its one writer.
//! - [`session`] opens configuration, state and AWS together; [`cli`] and the tests go through it.
//! - [`schedule`] reads schedules, for `config` and the sandbox alike; [`dns`] knows names of hosts.
//! - [`import`] takes existing resources over: it finds them, and plans to record and tag them.
//! - [`status`] says how what is there runs, from what the plan observed.
//! - [`verify`] proves the data sharing by asking every warehouse.
//! - [`ui`] is the only module that prints; [`cli`] the only one that reads the process's surroundings; [`clock`] the
//!   only one that tells the time and sleeps.
//! - [`sandbox`] is an AWS inside the process behind the SDK's own HTTP client: one file a service.
//! - [`address`] names resources and picks them; [`failure`] is how commands fail, and the exit codes.
//!
//! ## Invariants
//!
//! - No mutating call is sent whose intent is not durable; no id is forgotten once AWS has answered.
//! - Plan reads no clock and does no I/O; apply decides nothing.
//! - Kinds never retry, print or read state, and wait for nothing but the end of their statement; a create is exactly one
//!   mutating call.
//! - Faults are classified in `aws::fault` alone, by code. `aws::patience` says how long each is borne: `aws::traffic` repeats
//!   reads by it, and `apply::retry` alone what changes something.
//! - Without a state nothing is built beside what carries the environment's tags; a lost one is made anew from them.
//! - No secret reaches state, plan, log, error, trace or sandbox file.

pub mod address;
pub mod apply;
pub mod aws;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dns;
pub mod failure;
pub mod import;
pub mod kind;
pub mod plan;
pub mod preflight;
pub mod sandbox;
pub mod schedule;
pub mod session;
pub mod stack;
pub mod state;
pub mod status;
pub mod ui;
pub mod verify;
