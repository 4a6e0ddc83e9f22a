//! What the events of an apply have said so far.
//!
//! Called by `follow`, read by its views. Must never guess: what no event said is not on the board.

use crate::{
    address::Address,
    apply::Event,
    plan::{Plan, Verb},
};
use std::{collections::BTreeMap, time::Duration};

/// An operation under way.
#[derive(Clone, Debug)]
pub(super) struct Running {
    /// What is done.
    pub(super) verb: Verb,
    /// When it began, since the apply did.
    pub(super) since: Duration,
    /// How long it typically takes, in seconds.
    pub(super) typical: u32,
    /// What was last heard of it: the step, AWS's status, why it is tried again.
    pub(super) now: String,
}

impl Running {
    /// Returns for how long it has run, in seconds.
    pub(super) fn seconds(&self, now: Duration) -> f64 {
        now.saturating_sub(self.since).as_secs_f64()
    }
}

/// Everything heard so far.
pub(super) struct Board {
    running: BTreeMap<Address, Running>,
    done: usize,
    total: usize,
    /// How long the apply typically takes, in seconds.
    pub(super) typical: u32,
}

impl Board {
    /// A board on which nothing has begun.
    pub(super) fn new(plan: &Plan) -> Self {
        Self { running: BTreeMap::new(), done: 0, total: plan.ops.len(), typical: plan.longest.seconds }
    }

    /// Returns how many operations are done.
    pub(super) const fn done(&self) -> usize {
        self.done
    }

    /// Returns how many operations there are.
    pub(super) const fn total(&self) -> usize {
        self.total
    }

    /// Returns how many are done, aligned: `[ 4/31]`.
    pub(super) fn counter(&self) -> String {
        let width = self.total.to_string().len();
        format!("[{:>width$}/{}]", self.done, self.total)
    }

    /// Returns what is under way, the longest running first.
    pub(super) fn running(&self) -> Vec<(&Address, &Running)> {
        let mut running: Vec<_> = self.running.iter().collect();
        running.sort_by_key(|(_, running)| running.since);
        running
    }

    /// Notes an event that came at `now`.
    pub(super) fn note(&mut self, event: &Event, now: Duration) {
        match event {
            Event::Started { address, verb, typical } => {
                let running = Running { verb: *verb, since: now, typical: *typical, now: String::new() };
                self.running.insert(address.clone(), running);
            }
            Event::Step { address, step } => self.heard(address, step.clone()),
            Event::Waiting { address, status } => self.heard(address, status.clone()),
            Event::Retrying { address, fault, .. } => {
                self.heard(address, format!("{}: {}", said(fault.class), fault.code));
            }
            Event::Finished { address, .. } => {
                self.running.remove(address);
                self.done += 1;
            }
            Event::Failed { address, .. } | Event::Skipped { address, .. } => {
                self.running.remove(address);
            }
        }
    }

    fn heard(&mut self, address: &Address, what: String) {
        if let Some(running) = self.running.get_mut(address) {
            running.now = what;
        }
    }
}

/// Says in a word why a call is repeated.
const fn said(class: crate::aws::Class) -> &'static str {
    use crate::aws::Class;
    match class {
        Class::Throttled => "throttled",
        Class::Busy => "busy",
        Class::Capacity => "no capacity now",
        Class::Propagating => "not visible everywhere yet",
        _ => "tried again",
    }
}
