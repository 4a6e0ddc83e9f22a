//! Conformance (design.md 9.1): what every kind of resource must do, checked over the whole list of kinds.
//!
//! `table` says what only a person can know of each kind (a resource to try it on, another valid value for each of its
//! fields); everything else follows from `rsds::aws::KINDS`, and a kind or a field that the table lacks fails.

#![expect(clippy::panic, reason = "a test that cannot go on fails, and says of which kind")]

mod alone;
mod bench;
mod changes;
mod options;
mod reading;
mod table;
