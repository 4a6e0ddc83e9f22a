//! Waiting: one poller a kind settles everything of that kind that is pending with one batched read.
//!
//! Called by `operation`. The interval follows the time already waited and what is typical for the kind, so that polling
//! adds a few percent and never floods, however many wait. Must never send a mutating call.

use super::{Event, Interrupt, Setting, Trouble, event::seconds, halted, operation::AT_ONCE};
use crate::{
    address::Address,
    aws::{Aws, Class, Look, urgency, urgently},
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

/// The shortest and the longest pause between two looks.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// After how long what looks ready is looked at once more, at most, where AWS shows too much too early.
const ONCE_MORE: Duration = Duration::from_secs(2);
/// How long a resource that was just made may stay invisible (aws-facts.md 1: about two minutes).
const INVISIBLE: Duration = Duration::from_secs(120);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// It is ready, as the plan has seen it: nothing was sent to it since, so one look is enough.
    Still,
    /// It is ready, with all its outputs.
    Ready,
    /// As `Ready`, or put to sleep by someone: nothing more is sent to it.
    Settled,
    /// It is gone.
    Gone,
}

/// How long a resource is waited for: ten times the typical duration, at least ten minutes and at most ninety; or as long
/// as its kind says of one that is new, and of one that stands and changes or goes.
fn limit(kind: &dyn AnyKind, goal: Goal, stands: bool) -> Duration {
    let typical = kind.typical();
    let typical = match goal {
        Goal::Still | Goal::Ready | Goal::Settled => typical.create.max(typical.update),
        Goal::Gone => typical.delete,
    };
    let usual = Duration::from_secs(u64::from(typical) * 10).clamp(Duration::from_secs(600), Duration::from_secs(5400));
    let longest = |seconds: u32| usual.max(Duration::from_secs(seconds.into()));
    match (goal, stands) {
        (Goal::Gone, _) if typical <= AT_ONCE => INVISIBLE,
        (Goal::Still | Goal::Ready | Goal::Settled, false) => longest(kind.longest_new()),
        (Goal::Still | Goal::Ready | Goal::Settled, true) | (Goal::Gone, _) => longest(kind.longest()),
    }
}

/// How long until the next look at what has been waited for this long: a fortieth of that time, within an eightieth and a
/// fortieth of the typical time. In its first quarter nothing is to be seen yet: there it is the longer one. Beyond it, a
/// twentieth of what goes beyond is added, so that in the long run it is a twentieth of the whole.
pub(super) fn pace(typical: Duration, waited: Duration) -> Duration {
    let dense = if waited < typical / 4 { typical / 40 } else { (waited / 40).clamp(typical / 80, typical / 40) };
    let pause = dense + waited.saturating_sub(typical) / 20;
    // What is over within seconds is not to cost a second, and what takes longer not two looks a second.
    pause.clamp((waited / 10).clamp(SHORTEST, 2 * SHORTEST), LONGEST)
}

/// How long it typically takes until the goal is reached.
fn typical(kind: &dyn AnyKind, goal: Goal, stands: bool) -> Duration {
    let typical = kind.typical();
    Duration::from_secs(u64::from(match (goal, stands) {
        (Goal::Still | Goal::Ready | Goal::Settled, false) => typical.create,
        (Goal::Still | Goal::Ready | Goal::Settled, true) => typical.update,
        (Goal::Gone, _) => typical.delete,
    }))
}

type Answer = Result<Option<AnyLive>, Trouble>;

struct Waiter {
    which: AnyWhich,
    goal: Goal,
    typical: Duration,
    limit: Duration,
    since: Duration,
    /// When it wants to be read next.
    due: Duration,
    /// How urgent what waits for it is.
    urgency: u32,
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
        let (typical, limit) = (typical(kind, goal, stands), limit(kind, goal, stands));
        let (since, urgency, status) = (self.clock.elapsed(), urgency(), String::new());
        let waiter = Waiter { which, goal, typical, limit, since, due: since, urgency, ready_reads: 0, status, answer };
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
            let poller =
                tokio::spawn(Poller { kind, aws, clock, events, waiting: Vec::new(), looked: None }.run(inbox));
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
    /// When it last looked.
    looked: Option<Duration>,
}

impl Poller {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Waiter>) {
        loop {
            if self.waiting.is_empty() {
                match inbox.recv().await {
                    Some(waiter) => self.join(waiter),
                    None => return,
                }
            }
            while let Ok(waiter) = inbox.try_recv() {
                self.join(waiter);
            }
            self.waiting.retain(|waiter| !waiter.answer.is_closed());
            let now = self.clock.elapsed();
            let Some(next) = self.waiting.iter().map(|waiter| waiter.due).min() else { continue };
            tokio::select! {
                biased;
                Some(waiter) = inbox.recv() => self.join(waiter),
                () = self.clock.sleep(next.saturating_sub(now)) => self.poll().await,
            }
        }
    }

    /// Whoever joins is read at once, but no sooner after the last look than the pace allows: fifty that join one after
    /// the other share a look.
    fn join(&mut self, mut waiter: Waiter) {
        if let Some(looked) = self.looked {
            waiter.due = waiter.due.max(looked + pace(waiter.typical, Duration::ZERO));
        }
        self.waiting.push(waiter);
    }

    /// Reads all in one batch, when the first is due; only what is to be looked at once more must wait its time.
    async fn poll(&mut self) {
        let now = self.clock.elapsed();
        self.looked = Some(now);
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|waiter| waiter.ready_reads == 0 || waiter.due <= now);
        self.waiting = later;
        let urgency = due.iter().map(|waiter| waiter.urgency).max().unwrap_or_default();
        let which: Vec<AnyWhich> = due.iter().map(|waiter| waiter.which.clone()).collect();
        let look = Look::at(&self.aws, self.kind, which);
        let answers = match urgently(urgency, self.kind.read(&look)).await {
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
            (Goal::Still | Goal::Ready | Goal::Settled, None) => "not visible yet".to_owned(),
            (Goal::Still | Goal::Ready | Goal::Settled, Some(live)) => {
                match (&live.readiness, self.missing_output(live)) {
                    (Readiness::Failed(why), _) => {
                        return drop(waiter.answer.send(Err(Trouble::Broken { why: why.clone() })));
                    }
                    (Readiness::Deleting(status), _) => {
                        let why = format!("it is being deleted ({status})");
                        return drop(waiter.answer.send(Err(Trouble::Broken { why })));
                    }
                    (Readiness::Dormant(status), _) if waiter.goal != Goal::Settled => {
                        return drop(waiter.answer.send(Err(Trouble::Dormant { status: status.clone() })));
                    }
                    (Readiness::Dormant(_), _) => return drop(waiter.answer.send(Ok(Some(live.clone())))),
                    (Readiness::Ready, None) => {
                        waiter.ready_reads += 1;
                        if waiter.goal == Goal::Still || waiter.ready_reads >= self.kind.stable_reads() {
                            let live = Some(live.clone());
                            return drop(waiter.answer.send(Ok(live)));
                        }
                        "ready, looking once more".to_owned()
                    }
                    (Readiness::Ready, Some(output)) => format!("waiting for {output}"),
                    (Readiness::Pending(status), _) => status.clone(),
                    (Readiness::Partly(parts), _) => parts.to_string(),
                }
            }
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
        let pause = pace(waiter.typical, waited);
        waiter.due = self.clock.elapsed() + if waiter.ready_reads > 0 { pause.min(ONCE_MORE) } else { pause };
        self.waiting.push(waiter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often something that takes `takes` seconds is looked at, and how long after its end it is noticed.
    fn looks(typical: u64, takes: u64) -> (u32, f64) {
        let (mut at, mut looks) = (Duration::ZERO, 1);
        while at < Duration::from_secs(takes) {
            at += pace(Duration::from_secs(typical), at);
            looks += 1;
        }
        (looks, at.as_secs_f64() - takes as f64)
    }

    #[test]
    fn looks_are_few_and_late_by_a_twentieth_at_most() {
        for typical in [2, 10, 30, 180, 360] {
            for takes in (typical / 4).max(1)..10 * typical {
                let (looks, late) = looks(typical, takes);
                assert!(late <= (takes as f64 / 20.0).max(1.0), "{typical} {takes}: {late}");
                assert!(looks <= 190, "{typical} {takes}: {looks}");
            }
        }
        assert!(looks(360, 330).0 < 60 && looks(180, 150).0 < 60 && looks(30, 20).0 < 30);
    }
}
