//! The one integration binary: behaviour through the library and the public CLI, against the sandbox in virtual time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod backend;
mod budget;
mod cli;
mod conformance;
mod crash;
mod docs;
mod environments;
mod errors;
mod golden;
mod harness;
mod import;
mod lag;
mod land;
mod makespan;
mod preflight;
mod random;
mod reads;
mod scene;
mod state;
mod story;
mod sweep;
mod transcript;
mod unwritten;
