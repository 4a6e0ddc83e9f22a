//! One problem with the configuration, and how it looks: like rustc's, with file, line, column, excerpt and help.
//! Made by every part of `config`, shown by the views. It never decides whether a problem stops a run.

use std::fmt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::source::{Origin, Source};

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing can be done with this configuration.
    Error,
    /// Worth knowing; rsds goes on.
    Warning,
}

/// One problem, with the place it was found at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where; `Origin::Default` when there is no text to show.
    pub origin: Origin,
    /// Short words beside the caret; may be empty.
    pub label: String,
    /// Further facts.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Makes an error at a place.
    #[must_use]
    pub fn error(message: impl Into<String>, origin: &Origin) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            origin: origin.clone(),
            label: String::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Makes a warning at a place.
    #[must_use]
    pub fn warning(message: impl Into<String>, origin: &Origin) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message, origin) }
    }

    /// Adds the words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do, when something is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Renders it for a terminal of `width` columns, with or without colour; no newline at the end.
    #[must_use]
    pub fn render(&self, color: bool, width: usize) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.message.as_str()));
        if let Some((source, span)) = self.origin.place() {
            group = group.element(self.excerpt(source, source.clamp(span)));
        }
        let notes = self.notes.iter().map(|note| Level::NOTE.message(note.as_str()));
        let help = self.help.iter().map(|help| Level::HELP.message(help.as_str()));
        let report = [group.elements(notes).elements(help)];
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.term_width(width.max(40)).decor_style(DecorStyle::Ascii).render(&report)
    }

    fn excerpt<'a>(
        &'a self,
        source: &'a Source,
        span: std::ops::Range<usize>,
    ) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let caret = AnnotationKind::Primary.span(span);
        let caret = if self.label.is_empty() { caret } else { caret.label(self.label.as_str()) };
        Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(caret)
    }
}

impl fmt::Display for Diagnostic {
    /// One line: `environments/dev.toml:12: message (help)`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin != Origin::Default {
            write!(out, "{}: ", self.origin.short())?;
        }
        out.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(out, " ({help})"))
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (file, position) = match &self.origin {
            Origin::File { source, line, column, .. } => (Some(&source.name), Some((*line, *column))),
            _ => (None, None),
        };
        let set = match &self.origin {
            Origin::Set { source, .. } => Some(&source.text),
            _ => None,
        };
        let mut out = serializer.serialize_struct("Diagnostic", 9)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("message", &self.message)?;
        out.serialize_field("file", &file)?;
        out.serialize_field("line", &position.map(|at| at.0))?;
        out.serialize_field("column", &position.map(|at| at.1))?;
        out.serialize_field("set", &set)?;
        out.serialize_field("label", &self.label)?;
        out.serialize_field("notes", &self.notes)?;
        out.serialize_field("help", &self.help)?;
        out.end()
    }
}

/// All the problems of one load, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Diagnostic>);

impl Problems {
    /// Renders all of them with an empty line between two, for a terminal of `width` columns.
    #[must_use]
    pub fn render(&self, color: bool, width: usize) -> String {
        let all: Vec<String> = self.0.iter().map(|problem| problem.render(color, width)).collect();
        all.join("\n\n")
    }

    /// Makes the problems of a load that has just one.
    #[must_use]
    pub fn one(problem: Diagnostic) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(out, "{newline}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Sorts diagnostics by where they are: files in the order of their names, then `--set`, then those without a place.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|diagnostic| match &diagnostic.origin {
        Origin::File { source, span, .. } => (0, source.name.clone(), span.start),
        Origin::Set { span, n, .. } => (1, format!("{n:04}"), span.start),
        Origin::Default => (2, String::new(), 0),
    });
}

/// Returns the candidate nearest to `given`, when it is near enough to be a slip of the hand.
#[must_use]
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(given, candidate), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

/// Returns "did you mean `x`?", or the list of what is there when nothing is near and the list is short.
#[must_use]
pub fn did_you_mean<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(near) = nearest(given, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<String> = candidates.into_iter().map(|name| format!("`{name}`")).collect();
    if all.is_empty() || all.len() > 30 {
        return None;
    }
    Some(format!("there is {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_like_rustc() {
        let source = Source::file("environments/dev.toml", "project = \"a\"\nregoin = \"us-west-2\"\n");
        let shown = Diagnostic::error("unknown key `regoin`", &Origin::new(&source, 14..20))
            .label("not a key of this file")
            .help("did you mean `region`?")
            .render(false, 100);
        let expected = "\
error: unknown key `regoin`
 --> environments/dev.toml:2:1
  |
2 | regoin = \"us-west-2\"
  | ^^^^^^ not a key of this file
  |
  = help: did you mean `region`?";
        assert_eq!(shown, expected);
    }

    #[test]
    fn json_form_has_the_place() {
        let source = Source::file("environments/dev.toml", "a = 1\nbb = 2\n");
        let json = serde_json::to_value(Diagnostic::error("no", &Origin::new(&source, 11..12))).unwrap();
        assert_eq!(json["line"], 2);
        assert_eq!(json["column"], 6);
        assert_eq!(json["file"], "environments/dev.toml");
    }

    #[test]
    fn nearest_wants_a_slip_not_a_guess() {
        assert_eq!(nearest("analytcs", ["analytics", "reporting"]), Some("analytics"));
        assert_eq!(nearest("zzz", ["analytics", "reporting"]), None);
    }
}
