//! Everything people and scripts see: the plan, the progress of an apply and what came of it, the state, the outputs.
//!
//! Called by `cli` alone, except for `seconds` and `hint`, which error messages share. The views are pure: they turn plans,
//! events and states into texts or JSON (documented in `docs/json.md`); `printer` is the only place that prints.
//! Must never decide anything, read the environment, or look at AWS.

mod catalogue;
mod drift;
mod duration;
mod entry;
mod failure;
mod hints;
mod order;
mod outcome;
mod preflight;
mod printer;
#[cfg(test)]
mod sample;
mod style;
mod value;
mod verify;
mod view;
mod words;

pub mod datashares;
pub mod github;
pub mod graph;
pub mod history;
pub mod markdown;
pub mod outputs;
pub mod plan;
pub mod progress;
pub mod rows;
pub mod snapshots;
pub mod state;
pub mod status;
mod takeover;

pub use duration::seconds;
pub use entry::{entry, entry_json};
pub use failure::{FailureView, problem_annotations};
pub use hints::{Hint, error_reference, hint};
pub use outcome::{OutcomeView, outcome, outcome_json};
pub use plan::{ImportView, PlanView, plan_errors, plan_errors_json, saved, saved_json};
pub use preflight::{PreflightView, preflight_errors, preflight_errors_json};
pub use printer::{Format, PrintError, Printer, Settings, Verbosity};
pub use progress::follow;
pub use style::{Label, Styled};
pub use takeover::TakeoverView;
pub use verify::VerifyView;
pub use view::{Plain, View};
pub(crate) use words::count;
