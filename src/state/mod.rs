//! What rsds remembers: every resource it made or is making, with its id, spec, outputs and dependencies.
//!
//! `format` is the record itself, `migrate` brings older ones up to it, `envelope` makes bytes of it. `store` is what a
//! place that keeps it can do: `local` is a file (`file` writes any file durably), `s3` an object in a bucket, `memory` is
//! for tests. `writer` is the
//! one owner of it during a run, `lock` keeps two runs apart, `run` says who they are. Read by `plan`; changed only
//! through `writer`, or as a whole by people: `edit` writes then, `mend` and `accept` say what may be written, `history`
//! tells what each run changed. Must never hold a secret.

mod accept;
mod edit;
pub mod envelope;
mod file;
mod format;
mod history;
mod local;
mod lock;
mod memory;
pub mod mend;
mod migrate;
mod run;
pub mod s3;
mod store;
mod writer;

pub use accept::{Place, objections};
pub use edit::{Present, last_good};
pub use file::replace;
pub use format::{Dependency, Deposed, Entry, FORMAT, State, Status};
pub use history::{Deed, Doing, History, Ran, difference, history};
pub use local::LocalStore;
pub use lock::{Held, Lock};
pub use memory::MemoryStore;
pub use run::Run;
pub use s3::S3Store;
pub use store::{Answer, COMMITS_KEPT, Image, LockError, Past, RUNS_KEPT, Store, StoreError};
pub use writer::{Writer, Written};
