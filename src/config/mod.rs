//! The TOML of an environment: found, merged, checked and typed. Called by `cli` (every command that needs an
//! environment), `stack` and the views. It touches no AWS, reads no environment variable, and never panics on any input.
//!
//! The way of a value: [`load()`] reads the files into a spanned tree and lays `--set` over it, `check` holds the tree
//! against the one table of keys ([`keys`]), `convert` turns it into the typed [`Config`] with defaults, `rules`
//! compare values with one another. Whatever is wrong is a [`Diagnostic`] with its place.

pub mod addresses;
mod check;
mod convert;
pub mod diagnostic;
mod document;
pub mod keys;
mod load;
pub mod quantity;
mod rules;
mod schema;
mod set;
pub mod shape;
pub mod source;
pub mod sql_name;
pub mod template;
mod tree;
pub mod typed;

#[cfg(test)]
mod tests;

pub use check::{legal_port, legal_rpu};
pub use diagnostic::{Diagnostic, Problems, Severity};
pub use document::Document;
pub use load::{Environment, Spot, environments, load, load_text};
pub(crate) use schema::reference_of;
pub use schema::{json_schema, reference};
pub use source::{Origin, Source};
pub use tree::join;
pub use typed::Config;
