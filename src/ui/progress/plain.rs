//! Progress as lines, for logs and pipes: what ends, what begins and takes long, what still runs.
//!
//! Used by `follow` where standard error is no terminal. Must never repeat itself faster than people read.

use super::{View, board::Board};
use crate::{
    address::Address,
    apply::Event,
    aws::Fault,
    ui::{
        duration::{about, seconds},
        printer::Printer,
        words,
    },
};
use std::{collections::BTreeMap, time::Duration};

/// Operations that typically take longer than this many seconds are announced when they begin.
const LONG: u32 = 30;
/// As many running resources as a heartbeat names.
const NAMED: usize = 5;

/// Repetitions already told: which answer, and when.
pub(super) struct Told {
    last: BTreeMap<Address, (String, Duration)>,
    again: Duration,
}

impl Told {
    /// Nothing told yet; the same answer to the same resource is worth telling again after `again`.
    pub(super) const fn new(again: Duration) -> Self {
        Self { last: BTreeMap::new(), again }
    }

    /// Tells whether a repetition is worth a line now, and remembers it if so.
    pub(super) fn is_new(&mut self, address: &Address, fault: &Fault, now: Duration) -> bool {
        let what = format!("{} {}", fault.call, fault.code);
        if self.last.get(address).is_some_and(|(last, when)| *last == what && now < *when + self.again) {
            return false;
        }
        self.last.insert(address.clone(), (what, now));
        true
    }
}

/// Says what AWS answered and when it is asked again.
pub(super) fn retrying(address: &Address, fault: &Fault, in_seconds: f64) -> String {
    format!("{address}: {fault}; again in {}", seconds(in_seconds))
}

/// Says what failed.
pub(super) fn failed(event: &Event) -> Option<String> {
    let Event::Failed { address, verb, trouble, seconds: after } = event else { return None };
    Some(format!("{address}: {} failed after {}: {trouble}", words::verb(*verb), seconds(*after)))
}

/// Progress as lines.
pub(super) struct Log<'a> {
    printer: &'a Printer,
    heartbeat: Duration,
    told: Told,
}

impl<'a> Log<'a> {
    /// Lines on standard error, and one every `heartbeat` of AWS time that says what still runs.
    pub(super) fn new(printer: &'a Printer, heartbeat: Duration) -> Self {
        Self { printer, heartbeat, told: Told::new(heartbeat) }
    }
}

impl View for Log<'_> {
    fn event(&mut self, event: &Event, board: &Board, now: Duration) {
        let counter = board.counter();
        match event {
            Event::Started { address, verb, typical } if *typical > LONG => {
                let (doing, typical) = (words::doing(*verb), about(*typical));
                self.printer.note(&format!("{counter} {address}: {doing} (typically {typical})"));
            }
            Event::Finished { address, verb, id, seconds: took } => {
                let id = id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
                self.printer.note(&format!("{counter} {address}: {}{id} ({})", words::done(*verb), seconds(*took)));
            }
            Event::Retrying { address, fault, in_seconds } if self.told.is_new(address, fault, now) => {
                self.printer.note(&format!("{counter} {}", retrying(address, fault, *in_seconds)));
            }
            Event::Failed { .. } => failed(event).iter().for_each(|text| self.printer.error(text)),
            Event::Step { address, step } => self.printer.detail(&format!("{counter} {address}: {step}")),
            Event::Waiting { address, status } => self.printer.detail(&format!("{counter} {address}: {status}")),
            Event::Started { address, verb, .. } => {
                self.printer.detail(&format!("{counter} {address}: {}", words::doing(*verb)));
            }
            Event::Skipped { address, verb, .. } => {
                self.printer.detail(&format!("{counter} {address}: {} not started", words::verb(*verb)));
            }
            Event::Retrying { .. } => {}
        }
    }

    fn tick(&mut self, board: &Board, now: Duration) {
        let running = board.running();
        if running.is_empty() {
            return;
        }
        let named = running.iter().take(NAMED).map(|(address, running)| {
            let status = if running.now.is_empty() { words::doing(running.verb) } else { &running.now };
            let (taken, typical) = (seconds(running.seconds(now).round()), about(running.typical));
            format!("{address} ({status}, {taken} of {typical})")
        });
        let named: Vec<String> = named.collect();
        let more = running.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let (counter, passed) = (board.counter(), seconds(now.as_secs_f64().round()));
        self.printer.note(&format!("{counter} still running after {passed}: {}{more}", named.join(", ")));
    }

    fn every(&self) -> Option<Duration> {
        Some(self.heartbeat)
    }
}
