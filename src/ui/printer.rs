//! The only place that prints: results to standard output, everything else to standard error.
//!
//! Made once by `cli`, which decides on colour, width and what is a terminal; tests give it buffers. Lines that come
//! while the live display of an apply is up are written above it. Must never fail because nobody reads: a closed
//! pipe is an answer (`PrintError::Closed`), and standard error that went away is ignored.

use super::style::{Label, Styled};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};
use serde_json::Value as Json;
use std::{
    borrow::Cow,
    fmt,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// In which form results come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For scripts: documented and versioned (`docs/json.md`).
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// For a job of GitHub Actions: annotations, a folded log, a summary.
    Github,
}

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Warnings and errors.
    Quiet,
    /// Notes and progress too.
    #[default]
    Normal,
    /// Details too.
    Verbose,
}

/// How to print; decided by `cli` from flags, environment and terminal.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The form of results.
    pub format: Format,
    /// Whether standard output gets colour.
    pub color_out: bool,
    /// Whether standard error gets colour.
    pub color_err: bool,
    /// How much is said.
    pub verbosity: Verbosity,
    /// Columns to fill.
    pub width: usize,
    /// Whether standard error is a terminal, so that progress may redraw itself.
    pub interactive: bool,
    /// Whether the locale is UTF-8; progress keeps to ASCII otherwise.
    pub unicode: bool,
    /// Whether results go to a terminal that does not know UTF-8: rsds's own signs are then written in ASCII.
    pub ascii_out: bool,
}

impl Default for Settings {
    /// Human, without colour, 80 columns, no terminal, UTF-8.
    fn default() -> Self {
        Self {
            format: Format::Human,
            color_out: false,
            color_err: false,
            verbosity: Verbosity::Normal,
            width: 80,
            interactive: false,
            unicode: true,
            ascii_out: false,
        }
    }
}

/// Says why a result could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The reader closed the pipe (`rsds show | head`): end quietly with exit code 0, for it has what it wanted.
    #[error("standard output was closed")]
    Closed,
    /// Anything else: a full disk behind a redirection.
    #[error("standard output cannot be written: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for PrintError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

type Stream = Arc<Mutex<Box<dyn Write + Send>>>;

/// Prints.
pub struct Printer {
    out: Stream,
    err: Stream,
    settings: Settings,
    live: Mutex<Option<ProgressBar>>,
    terminal: bool,
}

impl Printer {
    /// Prints to the process's own standard output and standard error.
    pub fn standard(settings: Settings) -> Self {
        Self { terminal: true, ..Self::from_write(Box::new(io::stdout()), Box::new(io::stderr()), settings) }
    }

    /// Prints to these writers.
    pub fn from_write(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, settings: Settings) -> Self {
        let stream = |writer| Arc::new(Mutex::new(writer));
        Self { out: stream(out), err: stream(err), settings, live: Mutex::new(None), terminal: false }
    }

    /// Returns how it prints.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Prints a result to standard output, with a line end if it has none.
    pub fn result(&self, text: &str) -> Result<(), PrintError> {
        let text = if self.settings.ascii_out { Cow::Owned(ascii_signs(text)) } else { Cow::Borrowed(text) };
        Ok(self.above_live(|| write_line(&self.out, &text))?)
    }

    /// Prints a value as one line of JSON to standard output.
    pub fn json_line(&self, value: &Json) -> Result<(), PrintError> {
        self.result(&value.to_string())
    }

    /// Says something worth knowing; `-q` hides it.
    pub fn note(&self, text: &str) {
        if self.settings.verbosity > Verbosity::Quiet {
            self.say(text);
        }
    }

    /// Says a detail; shown with `-v` alone.
    pub fn detail(&self, text: &str) {
        if self.settings.verbosity > Verbosity::Normal {
            self.say(text);
        }
    }

    /// Says what everybody must know whatever the verbosity: that this is the sandbox, that the state is locked.
    pub fn status(&self, text: &str) {
        self.say(text);
    }

    /// Warns; `warning: ` is put before.
    pub fn warning(&self, text: &str) {
        self.announce(Label::Warning, "warning:", text);
    }

    /// Says what failed; `error: ` is put before.
    pub fn error(&self, text: &str) {
        self.announce(Label::Error, "error:", text);
    }

    /// Says what to do about it; `  help: ` is put before.
    pub fn help(&self, text: &str) {
        self.announce(Label::Hint, "  help:", text);
    }

    /// Writes a question to standard error, whatever the verbosity, and leaves the cursor behind it.
    pub fn prompt(&self, text: &str) {
        self.above_live(|| write_all(&self.err, text)).ok();
    }

    /// Prints to standard error what another module has rendered already.
    pub fn diagnostic(&self, text: &str) {
        self.say(text);
    }

    /// Prints a labelled line to standard error as a note.
    pub(super) fn note_styled(&self, line: &Styled) {
        self.note(&line.render(self.settings.color_err));
    }

    fn announce(&self, label: Label, what: &str, text: &str) {
        let prefix = Styled::new().label(label, what).render(self.settings.color_err);
        self.say(&format!("{prefix} {text}"));
    }

    /// Nobody can be told that standard error is gone.
    fn say(&self, text: &str) {
        self.above_live(|| write_line(&self.err, text)).ok();
    }

    fn above_live<T>(&self, write: impl FnOnce() -> T) -> T {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match live {
            Some(live) => live.suspend(write),
            None => write(),
        }
    }

    /// Opens the live display at the foot of standard error; it goes when the handle is dropped.
    pub(super) fn live(&self) -> Live<'_> {
        let foot = Foot { err: Arc::clone(&self.err), width: self.settings.width, terminal: self.terminal };
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::term_like_with_hz(Box::new(foot), 20));
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        Live { printer: self, bar }
    }
}

/// The live display.
pub(super) struct Live<'a> {
    printer: &'a Printer,
    bar: ProgressBar,
}

impl Live<'_> {
    /// Shows these lines in the place of those before.
    pub(super) fn show(&self, frame: &[Styled]) {
        let color = self.printer.settings.color_err;
        let text: Vec<String> = frame.iter().map(|line| line.render(color)).collect();
        self.bar.set_message(text.join("\n"));
    }

    /// Returns the columns and lines there are for it.
    pub(super) fn size(&self) -> (usize, usize) {
        size(self.printer.terminal).unwrap_or((self.printer.settings.width, 24))
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        *self.printer.live.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.bar.finish_and_clear();
    }
}

/// Writes rsds's own signs in ASCII; what a value holds is left as it is.
fn ascii_signs(text: &str) -> String {
    text.replace('·', "-").replace('→', "->").replace('…', "...")
}

fn write_line(stream: &Stream, text: &str) -> io::Result<()> {
    if text.ends_with('\n') { write_all(stream, text) } else { write_all(stream, &format!("{text}\n")) }
}

fn write_all(stream: &Stream, text: &str) -> io::Result<()> {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

/// Columns and lines of the terminal behind standard error, as they are now: it may have been resized.
fn size(terminal: bool) -> Option<(usize, usize)> {
    let (width, height) = terminal.then(|| terminal_size::terminal_size_of(io::stderr())).flatten()?;
    Some((width.0.into(), height.0.into()))
}

/// The foot of standard error, as the drawing library wants it.
struct Foot {
    err: Stream,
    width: usize,
    terminal: bool,
}

impl Foot {
    fn write(&self, text: &str) -> io::Result<()> {
        self.err.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes())
    }

    /// Moves the cursor; `0` would mean one step to a terminal.
    fn step(&self, steps: usize, way: char) -> io::Result<()> {
        if steps == 0 { Ok(()) } else { self.write(&format!("\u{1b}[{steps}{way}")) }
    }
}

impl fmt::Debug for Foot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foot").field("width", &self.width).finish_non_exhaustive()
    }
}

impl TermLike for Foot {
    fn width(&self) -> u16 {
        let (width, _) = size(self.terminal).unwrap_or((self.width, 0));
        u16::try_from(width).unwrap_or(u16::MAX)
    }
    fn height(&self) -> u16 {
        let (_, height) = size(self.terminal).unwrap_or((0, 24));
        u16::try_from(height).unwrap_or(u16::MAX)
    }
    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.step(n, 'A')
    }
    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.step(n, 'B')
    }
    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.step(n, 'C')
    }
    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.step(n, 'D')
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write(text)?;
        self.write("\n")
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.write(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        self.write("\r\u{1b}[2K")
    }
    fn flush(&self) -> io::Result<()> {
        self.err.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::sample::printer;

    #[test]
    fn results_and_the_rest_go_separate_ways() {
        let (printer, out, err) = printer(Settings { verbosity: Verbosity::Quiet, ..Settings::default() });
        printer.result("a result").unwrap();
        printer.json_line(&serde_json::json!({ "a": 1 })).unwrap();
        printer.note("hidden by -q");
        printer.status("sandbox");
        printer.warning("careful");
        printer.error("no");
        printer.help("try");
        printer.prompt("Sure? ");
        assert_eq!(out.text(), "a result\n{\"a\":1}\n");
        assert_eq!(err.text(), "sandbox\nwarning: careful\nerror: no\n  help: try\nSure? ");
    }

    #[test]
    fn signs_are_ascii_where_nothing_else_shows() {
        let (printer, out, _) = printer(Settings { ascii_out: true, ..Settings::default() });
        printer.result("a · b → c…").unwrap();
        assert_eq!(out.text(), "a - b -> c...\n");
    }

    #[test]
    fn a_closed_pipe_is_told_apart() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let printer = Printer::from_write(Box::new(Closed), Box::new(Closed), Settings::default());
        assert!(matches!(printer.result("x"), Err(PrintError::Closed)));
        printer.error("nobody reads this, and nothing breaks");
    }

    #[test]
    fn lines_are_written_above_the_live_display() {
        let (printer, _, err) = printer(Settings { interactive: true, ..Settings::default() });
        let live = printer.live();
        live.show(&[Styled::new().text("working")]);
        printer.note("done");
        drop(live);
        let text = err.text();
        let (first, last) = (text.find("working").unwrap(), text.rfind("working").unwrap());
        let note = text.find("done\n").unwrap();
        assert!(first < note && note < last, "drawn, cleared for the note, drawn again: {text:?}");
        printer.note("after");
        assert!(err.text().ends_with("after\n"));
    }
}
