//! What a job of GitHub Actions is told on standard output: annotations at lines of the TOML, and folded text.
//!
//! Called by `cli` for `--format github`; views make the annotations. Must never let a value be taken for a command:
//! what is annotated is escaped, and around text commands are switched off.

use crate::config::source::Origin;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The most annotations of one level that GitHub shows for a step.
const MOST: usize = 10;

/// How much an annotation matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something failed.
    Error,
    /// Somebody should look.
    Warning,
    /// Worth knowing.
    Notice,
}

impl Level {
    const fn command(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The file, from the folder that holds `environments/`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Spot {
    /// Returns the place of what is written in a file; none for `--set` and defaults.
    pub fn of(origin: &Origin) -> Option<Self> {
        match origin {
            Origin::File { source, line, column, .. } => {
                Some(Self { file: source.name.clone(), line: *line, column: *column })
            }
            Origin::Set { .. } | Origin::Default => None,
        }
    }
}

/// One annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// How much it matters.
    pub level: Level,
    /// Where; none: at the job.
    pub spot: Option<Spot>,
    /// Its title.
    pub title: String,
    /// What it says.
    pub message: String,
}

/// Writes annotations as workflow commands, of each level the first ones: what matters most must come first. `folder`
/// is what leads from the repository's root to the files, empty or ending in `/`.
pub fn commands(annotations: &[Annotation], folder: &str) -> String {
    let mut out = String::new();
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let all: Vec<&Annotation> = annotations.iter().filter(|a| a.level == level).collect();
        let shown = if all.len() > MOST { MOST - 1 } else { all.len() };
        for annotation in &all[..shown] {
            out.push_str(&command(annotation, folder));
        }
        if all.len() > shown {
            let (title, spot) = ("rsds".to_owned(), None);
            let message = format!("and {} more: they are in the log and in the job's summary", all.len() - shown);
            out.push_str(&command(&Annotation { level, spot, title, message }, folder));
        }
    }
    out
}

fn command(annotation: &Annotation, folder: &str) -> String {
    let Annotation { level, spot, title, message } = annotation;
    let mut out = format!("::{} ", level.command());
    if let Some(Spot { file, line, column }) = spot {
        let file = property(&format!("{folder}{file}"));
        write!(out, "file={file},line={line},col={column},").unwrap_or_default();
    }
    writeln!(out, "title={}::{}", property(title), data(message)).unwrap_or_default();
    out
}

/// Escapes what stands after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Writes a text as a fold of the log, in which nothing is taken for a command.
pub fn grouped(title: &str, text: &str) -> String {
    // A text cannot hold its own digest, so nothing in it can switch commands on again.
    let token = &hex::encode(Sha256::digest(text))[..32];
    let text = text.trim_end();
    format!("::group::{}\n::stop-commands::{token}\n{text}\n::{token}::\n::endgroup::\n", data(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(level: Level, message: &str) -> Annotation {
        let spot = Spot { file: "environments/a,b.toml".into(), line: 3, column: 7 };
        Annotation { level, spot: Some(spot), title: "plan: x".into(), message: message.into() }
    }

    #[test]
    fn everything_is_escaped() {
        let written = commands(&[annotation(Level::Error, "50%\n::error::x")], "infra/");
        assert_eq!(
            written,
            "::error file=infra/environments/a%2Cb.toml,line=3,col=7,title=plan%3A x::50%25%0A::error::x\n"
        );
    }

    #[test]
    fn no_level_has_more_than_github_shows() {
        let all: Vec<Annotation> = (0..25).map(|n| annotation(Level::Notice, &n.to_string())).collect();
        let written = commands(&[all, vec![annotation(Level::Warning, "w")]].concat(), "");
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!(lines.len(), 11);
        assert!(lines[0].starts_with("::warning ") && lines[9].ends_with("::8"));
        assert_eq!(lines[10], "::notice title=rsds::and 16 more: they are in the log and in the job's summary");
    }

    #[test]
    fn a_fold_runs_no_commands() {
        let written = grouped("plan", "::error::no\n");
        let lines: Vec<&str> = written.lines().collect();
        let token = lines[1].strip_prefix("::stop-commands::").unwrap();
        assert_eq!(lines[2..], ["::error::no", &format!("::{token}::"), "::endgroup::"]);
    }
}
