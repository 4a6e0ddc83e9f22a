//! Where a value was written: files, `--set` arguments, and the origin of every value.
//! Used by the tree, the diagnostics and (through `Environment::origin`) the plan's views. It never opens a file.

use std::ops::Range;
use std::sync::Arc;

/// A text that values come from: a file, or one `--set` argument.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name as shown: the path relative to the working directory, or `--set 1`.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// The number of the `--set` argument, from 1; `None` for a file.
    pub set: Option<usize>,
}

impl Source {
    /// Makes the source for a file under its shown name.
    #[must_use]
    pub fn file(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), set: None })
    }

    /// Makes the source for the `n`-th `--set` argument, from 1.
    #[must_use]
    pub fn set(n: usize, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: format!("--set {n}"), text: text.into(), set: Some(n) })
    }

    /// Returns line and column of a byte offset, both from 1; the column counts characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let before = &self.text[..self.floor(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Returns the range made safe to slice with: inside the text, on character borders.
    #[must_use]
    pub fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.floor(span.start);
        start..self.floor(span.end).max(start)
    }

    fn floor(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset.min(self.text.len()))
    }
}

/// Where one value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Written in a file.
    File {
        /// The file.
        source: Arc<Source>,
        /// Bytes in it.
        span: Range<usize>,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// Given on the command line.
    Set {
        /// The argument.
        source: Arc<Source>,
        /// Bytes in it.
        span: Range<usize>,
        /// Which `--set` it was, from 1.
        n: usize,
    },
    /// Not written anywhere: the default.
    Default,
}

impl Origin {
    /// Makes the origin of `span` in `source`.
    #[must_use]
    pub fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        let source = Arc::clone(source);
        if let Some(n) = source.set {
            return Self::Set { source, span, n };
        }
        let (line, column) = source.position(span.start);
        Self::File { source, span, line, column }
    }

    /// Returns the short form for people: `environments/dev.toml:12`, `--set consumers.a.count=2`, or `default`.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::File { source, line, .. } => format!("{}:{line}", source.name),
            Self::Set { source, .. } => format!("--set {}", source.text),
            Self::Default => "default".to_owned(),
        }
    }

    /// Returns the text and the bytes in it; `None` for a default.
    #[must_use]
    pub const fn place(&self) -> Option<(&Arc<Source>, &Range<usize>)> {
        match self {
            Self::File { source, span, .. } | Self::Set { source, span, .. } => Some((source, span)),
            Self::Default => None,
        }
    }

    /// Returns the file name and line for annotations; `None` unless written in a file.
    #[must_use]
    pub fn file_line(&self) -> Option<(&str, usize)> {
        match self {
            Self::File { source, line, .. } => Some((&source.name, *line)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_survive_any_offset() {
        let source = Source::file("a.toml", "x = 1\né = 2\n");
        assert_eq!(source.position(6), (2, 1));
        assert_eq!(source.position(9), (2, 3), "the two bytes of é are one column");
        assert_eq!(source.position(7), (2, 1), "inside é rounds down");
        assert_eq!(source.position(999), (3, 1));
        assert_eq!(source.clamp(&(7..900)), 6..13);
    }

    #[test]
    fn short_forms() {
        let file = Source::file("environments/dev.toml", "a = 1\nb = 2\n");
        assert_eq!(Origin::new(&file, 6..7).short(), "environments/dev.toml:2");
        assert_eq!(Origin::new(&Source::set(2, "b=3"), 0..1).short(), "--set b=3");
    }
}
