//! The forms in which a result comes: for people, for scripts, for a comment, as annotations.
//!
//! Implemented by what a command shows, asked by `cli::context`, which knows the form wanted. Must never have a form
//! that says what the others hide.

use super::{
    github::Annotation,
    markdown::{Subject, fenced},
};
use serde_json::Value as Json;

/// A result in every form it has.
pub trait View {
    /// Writes it for people, `width` columns wide.
    fn human(&self, color: bool, width: usize) -> String;
    /// Returns it as a document of `docs/json.md`.
    fn json(&self) -> Json;
    /// Writes it for a comment; without a form of its own it is what people see, as a block of code.
    fn markdown(&self, subject: Subject<'_>) -> String {
        fenced(&self.human(false, 100), subject)
    }
    /// Returns what to point out at lines of the TOML, the most important first.
    fn annotations(&self) -> Vec<Annotation> {
        Vec::new()
    }
}

/// A result that is text to people and a document to scripts, and nothing else.
pub struct Plain<H, J> {
    /// Writes the text.
    pub human: H,
    /// Makes the document.
    pub json: J,
}

impl<H: Fn() -> String, J: Fn() -> Json> View for Plain<H, J> {
    fn human(&self, _: bool, _: usize) -> String {
        (self.human)()
    }
    fn json(&self) -> Json {
        (self.json)()
    }
}
