//! What rsds remembers: every resource it made or is making, with its id, spec, outputs and dependencies.
//!
//! `format` is the record itself, `local` keeps it in a file (`file` writes any file durably), `writer` is the one owner of it during a run, `lock`
//! keeps two runs apart. Read by `plan`; changed only through `writer`. Must never hold a secret.

mod file;
mod format;
mod local;
mod lock;
mod memory;
mod writer;

pub use file::replace;
pub use format::{Dependency, Deposed, Entry, FORMAT, State, Status};
pub use local::LocalStore;
pub use lock::{Lock, LockError, LockOwner};
pub use memory::MemoryStore;
pub use writer::{Store, StoreError, Writer};
