//! A TOML file that is no environment, held against a table of keys of its own: the same errors, at the same places.
//! Called by the sandbox for its weather. It knows nothing of what the keys mean; whoever does adds his own errors.

use std::path::Path;
use std::time::Duration;

use super::check::check_against;
use super::diagnostic::{Diagnostic, Problems, sort};
use super::keys::Key;
use super::load::{Spot, read};
use super::quantity;
use super::source::{Origin, Source};
use super::tree::{Node, Value, parse};

/// A file whose every value has the type its key says, once `finish` has let it pass.
#[derive(Clone, Debug)]
pub struct Document {
    tree: Node,
    errors: Vec<Diagnostic>,
}

impl Document {
    /// Reads the file at `path` and holds it against `keys`; what is wrong is kept until `finish`.
    ///
    /// # Errors
    /// The file cannot be read, or is not TOML: every error of its syntax.
    pub fn open(path: &Path, keys: &'static [Key]) -> Result<Self, Problems> {
        let source = read(path, &path.display().to_string())
            .map_err(|message| Problems::one(Diagnostic::error(message, &Origin::Default)))?;
        Self::parsed(&source, keys)
    }

    /// The same of a text that has no file of its own.
    ///
    /// # Errors
    /// It is not TOML.
    pub fn of(name: &str, text: &str, keys: &'static [Key]) -> Result<Self, Problems> {
        Self::parsed(&Source::file(name, text), keys)
    }

    fn parsed(source: &std::sync::Arc<Source>, keys: &'static [Key]) -> Result<Self, Problems> {
        let checked = check_against(keys, parse(source).map_err(Problems)?);
        Ok(Self { tree: checked.tree, errors: checked.errors })
    }

    /// Lays this over `base`: tables merge, everything else replaces.
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        let Self { mut tree, mut errors } = base;
        tree.merge(self.tree);
        errors.extend(self.errors);
        Self { tree, errors }
    }

    fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(&self.tree, |node, name| node.get(name))
    }

    /// Returns the string at a path.
    #[must_use]
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.at(path)?.text()
    }

    /// Returns the number at a path, with decimals or without.
    #[must_use]
    pub fn number(&self, path: &[&str]) -> Option<f64> {
        self.at(path)?.value.decimal()
    }

    /// Returns the whole number at a path, if it is one and not negative.
    #[must_use]
    pub fn whole(&self, path: &[&str]) -> Option<u64> {
        match &self.at(path)?.value {
            Value::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// Returns the duration at a path.
    #[must_use]
    pub fn duration(&self, path: &[&str]) -> Option<Duration> {
        quantity::span(self.text(path)?, u64::MAX).ok()
    }

    /// Returns the names in the table at a path.
    #[must_use]
    pub fn names(&self, path: &[&str]) -> Vec<String> {
        self.at(path).and_then(Node::table).into_iter().flat_map(|table| table.keys().cloned()).collect()
    }

    /// Adds an error about what is at a path, if something is.
    pub fn wrong(&mut self, path: &[&str], spot: Spot, message: impl Into<String>, help: Option<String>) {
        let Some(node) = self.at(path) else { return };
        let origin = match spot {
            Spot::Key => &node.key,
            Spot::Value => &node.origin,
        };
        let error = Diagnostic::error(message, origin).maybe_help(help);
        self.errors.push(error);
    }

    /// Lets the document pass.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the text.
    pub fn finish(mut self) -> Result<Self, Problems> {
        sort(&mut self.errors);
        match self.errors.is_empty() {
            true => Ok(self),
            false => Err(Problems(self.errors)),
        }
    }
}
