//! The contract of resource kinds: two-stage specs with typed references (`stage`), drafts as trees (`tree`) and back
//! (`draft`), the
//! trait itself (`contract`; what stands in the way of a deletion: `blocker`) and its object-safe face (`registry`).
//!
//! Called by every layer from `stack` to `apply`. Must never know a particular kind: those live in `crate::aws`.

mod blocker;
mod contract;
mod draft;
mod registry;
mod stage;
mod tree;

pub use blocker::Blocker;
pub use contract::{
    Actions, After, Changes, Created, Disruption, Field, Guards, Id, Impact, Job, Kind, Live, Named, OnChange, Order,
    Parts, Readiness, Refusal, Step, Tags, Typical, Which,
};
pub use draft::WrongValue;
pub use registry::{AnyJob, AnyKind, AnyLive, AnyWhich, Call, Other, Registered};
pub use stage::{Draft, Handle, In, Known, Output, OutputRef, OutputSet, Stage, Value, When};
pub use tree::{NotASpec, Tree};
