//! Waiting: one poller a kind settles everything of that kind that is pending with one batched read.
//!
//! Called by `operation`. The interval grows with the time already waited, so that polling adds a few percent and
//! never floods. Must never send a mutating call.

use super::{Event, Interrupt, Setting, Trouble, event::seconds, halted};
use crate::{
    address::Address,
    aws::{Aws, Class},
    clock::Clock,
    kind::{AnyKind, AnyLive, AnyWhich, Readiness, When},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

/// The shortest and the longest pause between two reads.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// How long a resource that was just made may stay invisible (aws-facts.md 1: about two minutes).
const INVISIBLE: Duration = Duration::from_secs(120);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// It is ready, with all its outputs.
    Ready,
    /// As `Ready`, or put to sleep by someone: nothing more is sent to it.
    Settled,
    /// It is gone.
    Gone,
}

/// How long a resource is waited for: ten times the typical duration, at least ten minutes and at most ninety; of a
/// resource that stands and changes, as long as its kind says.
fn limit(kind: &dyn AnyKind, goal: Goal, stands: bool) -> Duration {
    let typical = kind.typical();
    let typical = match goal {
        Goal::Ready | Goal::Settled => typical.create.max(typical.update),
        Goal::Gone => typical.delete,
    };
    let usual = Duration::from_secs(u64::from(typical) * 10).clamp(Duration::from_secs(600), Duration::from_secs(5400));
    match (goal, stands) {
        (Goal::Ready | Goal::Settled, true) => usual.max(Duration::from_secs(kind.longest_update().into())),
        (Goal::Ready | Goal::Settled, false) | (Goal::Gone, _) => usual,
    }
}

type Answer = Result<Option<AnyLive>, Trouble>;

struct Waiter {
    which: AnyWhich,
    goal: Goal,
    limit: Duration,
    since: Duration,
    /// When it is read next.
    due: Duration,
    ready_reads: u32,
    status: String,
    answer: oneshot::Sender<Answer>,
}

/// The pollers, started when first needed.
pub(super) struct Settler {
    aws: Aws,
    clock: Clock,
    events: mpsc::UnboundedSender<Event>,
    halt: Interrupt,
    pollers: Mutex<BTreeMap<&'static str, (mpsc::UnboundedSender<Waiter>, AbortHandle)>>,
}

impl Settler {
    pub(super) fn new(setting: &Setting, halt: Interrupt) -> Self {
        Self {
            aws: setting.aws.clone(),
            clock: setting.clock.clone(),
            events: setting.events.clone(),
            halt,
            pollers: Mutex::default(),
        }
    }

    /// Waits until the resource has reached the goal; answers it as it then is. `stands` says that it has settled
    /// before, and only changes.
    pub(super) async fn settle(&self, kind: &'static dyn AnyKind, which: AnyWhich, goal: Goal, stands: bool) -> Answer {
        let (answer, settled) = oneshot::channel();
        let limit = limit(kind, goal, stands);
        let (since, status) = (self.clock.elapsed(), String::new());
        let waiter = Waiter { which, goal, limit, since, due: since, ready_reads: 0, status, answer };
        // A poller ends only with the settler.
        self.poller(kind).send(waiter).ok();
        tokio::select! {
            answer = settled => answer.unwrap_or(Err(Trouble::Interrupted)),
            _ = halted(self.halt.clone()) => Err(Trouble::Interrupted),
        }
    }

    fn poller(&self, kind: &'static dyn AnyKind) -> mpsc::UnboundedSender<Waiter> {
        let mut pollers = self.pollers.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || {
            let (waiters, inbox) = mpsc::unbounded_channel();
            let (aws, clock, events) = (self.aws.clone(), self.clock.clone(), self.events.clone());
            let poller = tokio::spawn(Poller { kind, aws, clock, events, waiting: Vec::new() }.run(inbox));
            (waiters, poller.abort_handle())
        };
        pollers.entry(kind.name()).or_insert_with(start).0.clone()
    }
}

impl Drop for Settler {
    /// Whoever has stopped waiting need not wait for the answer to the last look either.
    fn drop(&mut self) {
        let pollers = std::mem::take(&mut self.pollers).into_inner().unwrap_or_else(PoisonError::into_inner);
        pollers.into_values().for_each(|(_, poller)| poller.abort());
    }
}

struct Poller {
    kind: &'static dyn AnyKind,
    aws: Aws,
    clock: Clock,
    events: mpsc::UnboundedSender<Event>,
    waiting: Vec<Waiter>,
}

impl Poller {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Waiter>) {
        loop {
            if self.waiting.is_empty() {
                match inbox.recv().await {
                    Some(waiter) => self.waiting.push(waiter),
                    None => return,
                }
            }
            while let Ok(waiter) = inbox.try_recv() {
                self.waiting.push(waiter);
            }
            self.waiting.retain(|waiter| !waiter.answer.is_closed());
            let now = self.clock.elapsed();
            let Some(next) = self.waiting.iter().map(|waiter| waiter.due).min() else { continue };
            // Whoever joins while the others wait is read soon, together with who else joins.
            tokio::select! {
                biased;
                Some(waiter) = inbox.recv() => self.waiting.push(waiter),
                () = self.clock.sleep(next.saturating_sub(now)) => self.poll().await,
            }
        }
    }

    /// Reads those that are due, and those that nearly are, in one batch.
    async fn poll(&mut self) {
        let now = self.clock.elapsed();
        let is_due = |waiter: &Waiter| {
            let early = (now.saturating_sub(waiter.since) / 60).clamp(SHORTEST / 2, LONGEST / 3);
            waiter.due <= now + early
        };
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting).into_iter().partition(is_due);
        self.waiting = later;
        let which: Vec<AnyWhich> = due.iter().map(|waiter| waiter.which.clone()).collect();
        let answers = match self.kind.read(&self.aws, which).await {
            Ok(answers) => answers,
            Err(fault) if matches!(fault.class, Class::Throttled | Class::Transient | Class::Propagating) => {
                // Asked again at the next interval; time limits go on counting.
                for waiter in due {
                    self.keep_or_give_up(waiter, fault.to_string());
                }
                return;
            }
            Err(fault) => {
                for waiter in due {
                    waiter.answer.send(Err(fault.clone().into())).ok();
                }
                return;
            }
        };
        for (waiter, live) in due.into_iter().zip(answers) {
            self.judge(waiter, live.as_ref());
        }
    }

    fn judge(&mut self, mut waiter: Waiter, live: Option<&AnyLive>) {
        let status = match (waiter.goal, live) {
            (Goal::Gone, None) => return drop(waiter.answer.send(Ok(None))),
            (Goal::Ready | Goal::Settled, None) => "not visible yet".to_owned(),
            (Goal::Ready | Goal::Settled, Some(live)) => match (&live.readiness, self.missing_output(live)) {
                (Readiness::Failed(why), _) => {
                    return drop(waiter.answer.send(Err(Trouble::Broken { why: why.clone() })));
                }
                (Readiness::Deleting(status), _) => {
                    let why = format!("it is being deleted ({status})");
                    return drop(waiter.answer.send(Err(Trouble::Broken { why })));
                }
                (Readiness::Dormant(status), _) if waiter.goal == Goal::Ready => {
                    return drop(waiter.answer.send(Err(Trouble::Dormant { status: status.clone() })));
                }
                (Readiness::Dormant(_), _) => return drop(waiter.answer.send(Ok(Some(live.clone())))),
                (Readiness::Ready, None) => {
                    waiter.ready_reads += 1;
                    if waiter.ready_reads >= self.kind.stable_reads() {
                        let live = Some(live.clone());
                        return drop(waiter.answer.send(Ok(live)));
                    }
                    "ready, looking once more".to_owned()
                }
                (Readiness::Ready, Some(output)) => format!("waiting for {output}"),
                (Readiness::Pending(status), _) => status.clone(),
                (Readiness::Partly(parts), _) => parts.to_string(),
            },
            (Goal::Gone, Some(live)) => match &live.readiness {
                Readiness::Deleting(status) | Readiness::Pending(status) => status.clone(),
                Readiness::Partly(parts) => parts.to_string(),
                Readiness::Ready | Readiness::Dormant(_) | Readiness::Failed(_) => "still there".to_owned(),
            },
        };
        if !matches!(live.map(|l| &l.readiness), Some(Readiness::Ready)) {
            waiter.ready_reads = 0;
        }
        if live.is_none() && self.clock.elapsed().saturating_sub(waiter.since) > INVISIBLE {
            let why = "AWS accepted it, and it never became visible".to_owned();
            return drop(waiter.answer.send(Err(Trouble::Broken { why })));
        }
        self.keep_or_give_up(waiter, status);
    }

    fn missing_output(&self, live: &AnyLive) -> Option<&'static str> {
        let late = self.kind.outputs().iter().filter(|output| output.when == When::Ready);
        late.map(|output| output.name).find(|name| live.outputs[*name].is_null())
    }

    fn keep_or_give_up(&mut self, mut waiter: Waiter, status: String) {
        let waited = self.clock.elapsed().saturating_sub(waiter.since);
        // What was ready at the last moment gets its further look.
        let grace = if waiter.ready_reads > 0 { 2 } else { 1 };
        if waited > waiter.limit * grace {
            return drop(waiter.answer.send(Err(Trouble::NotSettled { status, seconds: seconds(waited) })));
        }
        if waiter.status != status {
            let address: Address = waiter.which.address.clone();
            self.events.send(Event::Waiting { address, status: status.clone() }).ok();
            waiter.status = status;
        }
        // A twentieth of the time waited, within bounds.
        waiter.due = self.clock.elapsed() + (waited / 20).clamp(SHORTEST, LONGEST);
        self.waiting.push(waiter);
    }
}
