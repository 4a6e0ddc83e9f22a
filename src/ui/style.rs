//! Text with labels: views say what a piece of text *is*, one table says how it looks.
//!
//! Called by every view. Whatever is said must be readable without colour. Must never let control characters of
//! AWS's answers or of the TOML reach the terminal.

use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// Something made.
    Create,
    /// Something changed in place.
    Update,
    /// Something replaced.
    Replace,
    /// Something deleted.
    Delete,
    /// Something completed that an earlier run began.
    Resume,
    /// A title.
    Heading,
    /// Less important than what surrounds it.
    Dim,
    /// A failure.
    Error,
    /// A warning, or a mark that wants attention; like a value not broken over lines.
    Warning,
    /// What to do next.
    Hint,
    /// A resource.
    Address,
    /// A value, which is not broken over lines as long as it fits on one.
    Value,
}

impl Label {
    /// Returns how it looks.
    pub const fn style(self) -> Style {
        match self {
            Self::Create => AnsiColor::Green.on_default(),
            Self::Update => AnsiColor::Yellow.on_default(),
            Self::Replace => AnsiColor::Magenta.on_default(),
            Self::Delete => AnsiColor::Red.on_default(),
            Self::Resume | Self::Hint => AnsiColor::Cyan.on_default(),
            Self::Heading | Self::Address => Style::new().bold(),
            Self::Dim => Style::new().dimmed(),
            Self::Error => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Value => Style::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    label: Option<Label>,
    text: String,
}

/// A line of labelled text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Styled {
    spans: Vec<Span>,
}

impl Styled {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text without a label.
    #[must_use]
    pub fn text(self, text: impl AsRef<str>) -> Self {
        self.span(None, text.as_ref())
    }

    /// Adds text with a label.
    #[must_use]
    pub fn label(self, label: Label, text: impl AsRef<str>) -> Self {
        self.span(Some(label), text.as_ref())
    }

    /// Adds another line to its end.
    #[must_use]
    pub fn append(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    fn span(mut self, label: Option<Label>, text: &str) -> Self {
        if !text.is_empty() {
            self.spans.push(Span { label, text: visible(text) });
        }
        self
    }

    /// Returns how many columns it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }

    /// Writes it, with or without colour.
    pub fn render(&self, color: bool) -> String {
        let mut out = String::new();
        for Span { label, text } in &self.spans {
            match label.filter(|_| color).map(Label::style).filter(|style| !style.is_plain()) {
                Some(style) => write!(out, "{style}{text}{style:#}").unwrap_or_default(),
                None => out.push_str(text),
            }
        }
        out
    }

    /// Cuts it to `width` columns; `sign` stands for what is missing.
    #[must_use]
    pub fn elide(self, width: usize, sign: &str) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut left = width.saturating_sub(sign.width());
        let mut cut = Self::new();
        for span in self.spans {
            let kept = head(&span.text, left);
            left -= kept.width();
            let whole = kept.len() == span.text.len();
            cut = cut.span(span.label, kept);
            if !whole {
                break;
            }
        }
        cut.text(sign)
    }

    /// Breaks it into lines of `width` columns at spaces; lines after the first begin with `hang` spaces. Values that
    /// fit on a line of their own stay whole, and words longer than a line are left as they are.
    pub fn wrap(self, width: usize, hang: usize) -> Vec<Self> {
        let room = width.saturating_sub(hang).max(1);
        let mut lines = vec![Self::new()];
        let mut used = 0;
        let mut begun = false;
        for Word { spaces, spans } in words(self, room) {
            let word: usize = spans.iter().map(|span| span.text.width()).sum();
            if begun && word > 0 && used + spaces + word > width {
                lines.push(Self::new().text(" ".repeat(hang)));
                used = hang;
            } else if let Some(line) = lines.pop() {
                lines.push(line.text(" ".repeat(spaces)));
                used += spaces;
            }
            if let Some(line) = lines.last_mut() {
                line.spans.extend(spans);
            }
            used += word;
            begun |= word > 0;
        }
        lines
    }
}

/// What may not be broken, and the spaces before it.
#[derive(Default)]
struct Word {
    spaces: usize,
    spans: Vec<Span>,
}

fn words(line: Styled, room: usize) -> Vec<Word> {
    let mut words = vec![Word::default()];
    for span in line.spans {
        let whole = matches!(span.label, Some(Label::Value | Label::Warning)) && span.text.width() <= room;
        let parts: Vec<&str> = if whole { vec![&span.text] } else { span.text.split(' ').collect() };
        for (at, part) in parts.into_iter().enumerate() {
            if at > 0 {
                match words.last_mut() {
                    Some(word) if word.spans.is_empty() => word.spaces += 1,
                    _ => words.push(Word { spaces: 1, spans: Vec::new() }),
                }
            }
            if let (Some(word), false) = (words.last_mut(), part.is_empty()) {
                word.spans.push(Span { label: span.label, text: part.to_owned() });
            }
        }
    }
    words
}

/// Returns as much of `text` as fits into `width` columns.
pub(super) fn head(text: &str, width: usize) -> &str {
    let fits = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| text[..*end].width() <= width);
    &text[..fits.last().unwrap_or(0)]
}

/// Writes characters that steer instead of being seen as escapes: control characters, so that no answer can steer the
/// terminal, and those that turn the direction of writing, so that none can be read for another.
pub(super) fn visible(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || turns(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Writes lines one under the other, each broken to `width` and hanging by `hang`.
pub(super) fn lines(all: impl IntoIterator<Item = (Styled, usize)>, color: bool, width: usize) -> String {
    let mut out = String::new();
    for (line, hang) in all {
        for part in line.wrap(width, hang) {
            out.push_str(part.render(color).trim_end());
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_adds_to_the_text() {
        let line = Styled::new().label(Label::Create, "+ create").text(" ").label(Label::Value, "x");
        assert_eq!(line.render(false), "+ create x");
        assert_eq!(line.render(true), "\u{1b}[32m+ create\u{1b}[0m x");
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(Styled::new().text("a\u{202e}b").render(false), "a\\u{202e}b");
        assert_eq!(Styled::new().text("a\u{1b}[2Jb\nc").render(false), "a\\u{1b}[2Jb\\nc");
    }

    #[test]
    fn lines_break_at_spaces_and_values_stay_whole() {
        let line = Styled::new().text("  name: ").label(Label::Value, "{ a = 1 }").text(" -> ");
        let line = line.label(Label::Value, "{ a = 2 }").text(" (dev.toml:3)");
        let broken: Vec<String> = line.wrap(22, 4).iter().map(|line| line.render(false)).collect();
        assert_eq!(broken, ["  name: { a = 1 } ->", "    { a = 2 }", "    (dev.toml:3)"]);
    }

    #[test]
    fn cutting_counts_columns() {
        let line = Styled::new().text("データ").label(Label::Dim, "base");
        assert_eq!(line.clone().elide(10, "…").render(false), "データbase");
        assert_eq!(line.elide(6, "…").render(false), "デー…");
    }
}
