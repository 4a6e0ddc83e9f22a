//! Progress at the foot of a terminal: one line for each running resource and one for the whole; what is finished
//! scrolls by above.
//!
//! Used by `follow` where standard error is a terminal. The frame is a pure function of the board. Must never be
//! higher or wider than the terminal.

use super::{
    View,
    board::{Board, Running},
    plain::{Told, failed, retrying},
};
use crate::{
    address::Address,
    apply::Event,
    ui::{
        duration::{about, seconds},
        printer::{Live, Printer},
        style::{Label, Styled},
        words,
    },
};
use std::time::Duration;
use unicode_width::UnicodeWidthStr as _;

/// The widest address that the columns behind are lined up with.
const ADDRESS: usize = 36;
/// Columns of the bar.
const BAR: usize = 24;

/// The signs of the display, for terminals that have them and for those that do not.
struct Signs {
    done: &'static str,
    spinner: &'static [&'static str],
    full: &'static str,
    empty: &'static str,
    more: &'static str,
}

const UNICODE: Signs =
    Signs {
        done: "✓", spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"], full: "█", empty: "░", more: "…"
    };
const ASCII: Signs = Signs { done: "ok", spinner: &["|", "/", "-", "\\"], full: "#", empty: ".", more: "..." };

/// The display.
pub(super) struct Display<'a> {
    printer: &'a Printer,
    live: Live<'a>,
    signs: &'static Signs,
    every: Duration,
    turn: usize,
    told: Told,
}

impl<'a> Display<'a> {
    /// A display that is redrawn every so much AWS time and repeats itself after `again`.
    pub(super) fn new(printer: &'a Printer, every: Duration, again: Duration) -> Self {
        let signs = if printer.settings().unicode { &UNICODE } else { &ASCII };
        Self { printer, live: printer.live(), signs, every, turn: 0, told: Told::new(again) }
    }

    fn draw(&self, board: &Board, now: Duration) {
        let (width, height) = self.live.size();
        self.live.show(&frame(self.signs, self.turn, board, now, width, height));
    }
}

impl View for Display<'_> {
    fn event(&mut self, event: &Event, board: &Board, now: Duration) {
        match event {
            Event::Finished { address, verb, seconds: took, .. } => {
                let what = format!(" {} in {}", words::done(*verb), seconds(*took));
                let count = format!(" ({}/{})", board.done(), board.total());
                let line = Styled::new().label(Label::Create, self.signs.done).text(" ");
                let line = line.label(Label::Address, address.to_string()).text(what).label(Label::Dim, count);
                self.printer.note_styled(&line);
            }
            Event::Retrying { address, fault, in_seconds } if self.told.is_new(address, fault, now) => {
                let text = retrying(address, fault, *in_seconds);
                self.printer.note_styled(&Styled::new().label(Label::Dim, text));
            }
            Event::Failed { .. } => failed(event).iter().for_each(|text| self.printer.error(text)),
            Event::Started { .. }
            | Event::Step { .. }
            | Event::Waiting { .. }
            | Event::Retrying { .. }
            | Event::Skipped { .. } => {}
        }
        self.draw(board, now);
    }

    fn tick(&mut self, board: &Board, now: Duration) {
        self.turn = self.turn.wrapping_add(1);
        self.draw(board, now);
    }

    fn every(&self) -> Option<Duration> {
        Some(self.every)
    }
}

/// Lays the display out: the longest running first, the sum last, one column left free so that no line breaks.
fn frame(signs: &Signs, turn: usize, board: &Board, now: Duration, width: usize, height: usize) -> Vec<Styled> {
    let running = board.running();
    let room = height.saturating_sub(3).max(1);
    // Where not all fit, one line says how many are left out.
    let shown = if running.len() <= room { running.len() } else { room - 1 };
    let widest = running.iter().map(|(address, _)| address.to_string().width()).max().unwrap_or(0).min(ADDRESS);
    let mut lines: Vec<Styled> =
        running.iter().take(shown).map(|(address, running)| row(signs, turn, address, running, now, widest)).collect();
    if shown < running.len() {
        lines.push(Styled::new().label(Label::Dim, format!("  and {} more", running.len() - shown)));
    }
    lines.push(sum(signs, board, now));
    lines.into_iter().map(|line| line.elide(width.saturating_sub(1), signs.more)).collect()
}

fn row(signs: &Signs, turn: usize, address: &Address, running: &Running, now: Duration, widest: usize) -> Styled {
    let sign = signs.spinner.get(turn % signs.spinner.len()).copied().unwrap_or_default();
    let time = format!("{} of {}", seconds(running.seconds(now).floor()), about(running.typical));
    let late = running.seconds(now) > f64::from(running.typical) * 2.0 && running.typical > 0;
    let line = Styled::new()
        .label(Label::Resume, sign)
        .text(" ")
        .label(Label::Address, format!("{address:<widest$}"))
        .text(format!(" {:<9} ", words::doing(running.verb)))
        .label(if late { Label::Warning } else { Label::Dim }, format!("{time:<14}"));
    if running.now.is_empty() { line } else { line.text(" ").text(&running.now) }
}

fn sum(signs: &Signs, board: &Board, now: Duration) -> Styled {
    let full = (board.done() * BAR).checked_div(board.total()).unwrap_or(BAR).min(BAR);
    let bar = format!("{}{}", signs.full.repeat(full), signs.empty.repeat(BAR - full));
    let time = format!("  {} of about {}", seconds(now.as_secs_f64().floor()), about(board.typical));
    Styled::new()
        .label(Label::Create, bar)
        .label(Label::Heading, format!(" {}/{}", board.done(), board.total()))
        .label(Label::Dim, time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::Verb,
        ui::sample::{address, fresh},
    };

    fn board(resources: usize) -> Board {
        let mut board = Board::new(&fresh());
        for n in 1..=resources {
            let address = address(&format!("consumer-a-{n}/workgroup"));
            let since = Duration::from_secs(n.try_into().unwrap());
            board.note(&Event::Started { address: address.clone(), verb: Verb::Create, typical: 300 }, since);
            board.note(&Event::Waiting { address, status: "CREATING".into() }, since);
        }
        board
    }

    fn text(frame: &[Styled]) -> String {
        frame.iter().map(|line| line.render(false)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_frame_shows_who_works_at_what_since_when() {
        let frame = frame(&UNICODE, 0, &board(2), Duration::from_secs(100), 80, 24);
        insta::assert_snapshot!(text(&frame), @r"
        ⠋ consumer-a-1/workgroup creating  1m39s of 5m    CREATING
        ⠋ consumer-a-2/workgroup creating  1m38s of 5m    CREATING
        ░░░░░░░░░░░░░░░░░░░░░░░░ 0/2  1m40s of about 5m
        ");
    }

    #[test]
    fn a_frame_fits_the_terminal() {
        let frame = frame(&ASCII, 1, &board(40), Duration::from_secs(100), 40, 8);
        assert!(frame.len() <= 8 && frame.iter().all(|line| line.width() < 40));
        let text = text(&frame);
        assert!(text.contains("and 36 more") && text.contains("0/2"), "{text}");
    }
}
