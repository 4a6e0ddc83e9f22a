//! Looking at what keeps resources from being deleted, until it is gone: one lookout for all that wait, and one call a
//! look for all interfaces they wait for.
//!
//! Called by `blocked`. What will not go by itself is told at the first look. Must never send a mutating call.

use super::{Event, Interrupt, Setting, Trouble, event::seconds, halted};
use crate::{
    aws::{Aws, Class, Fault, interface},
    clock::Clock,
    kind::{AnyKind, AnyWhich, Blocker},
    plan::{Plan, Verb},
    state::State,
};
use serde_json::Value as Json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

/// How long what leaves in this very run is waited for (aws-facts.md 1.2: interfaces go within 20 minutes).
const LEAVING: Duration = Duration::from_secs(30 * 60);
/// How long what is not of this run is waited for where AWS takes it away after its owner (6.2, 7.1: minutes): its owner
/// may be gone already.
const PASSING: Duration = Duration::from_secs(15 * 60);
/// How long anything else is waited for: a look may show what was taken away moments ago (IAM: for two minutes, 2).
const SHOWING: Duration = Duration::from_secs(2 * 60);
/// How long the first look waits for others that are refused at the same moment.
const TOGETHER: Duration = Duration::from_millis(100);
/// The shortest pause between two looks, and the longest: for all interfaces at once, and for anything else.
const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(4);
const LONGEST_OF_OTHERS: Duration = Duration::from_secs(30);

/// What leaves in this run: every id and output in the records of what is to be deleted or replaced.
#[derive(Debug, Default)]
pub(super) struct Leaving(BTreeSet<String>);

impl Leaving {
    /// Collects them.
    pub(super) fn of(plan: &Plan, state: &State) -> Self {
        let mut texts = BTreeSet::new();
        let going = plan.ops.iter().filter(|op| matches!(op.verb, Verb::Delete | Verb::DeleteDeposed));
        for entry in going.filter_map(|op| state.entries.get(&op.address)) {
            texts.extend(entry.id.iter().map(ToString::to_string));
            texts.extend(entry.deposed.iter().map(|deposed| deposed.id.to_string()));
            entry.outputs.values().for_each(|value| collect(value, &mut texts));
        }
        Self(texts)
    }

    fn has(&self, blocker: &Blocker) -> bool {
        self.0.iter().any(|text| blocker.is_named_by(text))
    }
}

fn collect(value: &Json, texts: &mut BTreeSet<String>) {
    match value {
        Json::String(text) => drop(texts.insert(text.clone())),
        Json::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Json::Object(values) => values.values().for_each(|value| collect(value, texts)),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// What is to be done about what blocks.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing blocks any more.
    Free,
    /// It is waited for; the words say what blocks.
    Wait(String),
    /// It will not go, or has not gone in time.
    GiveUp(Vec<Blocker>),
}

/// Judges what blocks after so long a wait.
fn judge(blockers: &[Blocker], leaving: &Leaving, waited: Duration) -> Verdict {
    let patience = |blocker: &Blocker| match (leaving.has(blocker), blocker.passing) {
        (true, _) => LEAVING,
        (false, true) => PASSING,
        (false, false) => SHOWING,
    };
    let lost: Vec<Blocker> = blockers.iter().filter(|blocker| waited >= patience(blocker)).cloned().collect();
    match (blockers.is_empty(), lost.is_empty()) {
        (true, _) => Verdict::Free,
        (false, true) => Verdict::Wait(words(blockers, leaving)),
        (false, false) => Verdict::GiveUp(lost),
    }
}

/// One line: the one that is least likely to go, and how many more there are.
fn words(blockers: &[Blocker], leaving: &Leaving) -> String {
    let Some(first) = blockers.iter().find(|blocker| !leaving.has(blocker)).or(blockers.first()) else {
        return String::new();
    };
    let whose = if leaving.has(first) { "" } else { ", which this run does not delete" };
    let more = match blockers.len() - 1 {
        0 => String::new(),
        more => format!("; and by {more} more"),
    };
    format!("held by {first}{whose}{more}")
}

/// Says what blocks, for the message of a failure.
pub(super) fn held(blockers: &[Blocker], seconds: f64) -> String {
    let all: Vec<String> = blockers.iter().map(ToString::to_string).collect();
    let all = all.join(", ");
    match seconds < 60.0 {
        true => format!("it is held by {all}"),
        false => format!("after {} it is still held by {all}", crate::ui::seconds(seconds)),
    }
}

struct Waiter {
    kind: &'static dyn AnyKind,
    which: AnyWhich,
    /// Why it is not free.
    refusal: Fault,
    since: Duration,
    /// When it is looked at next.
    due: Duration,
    /// What blocked at the last look; none before the first.
    blockers: Option<Vec<Blocker>>,
    status: String,
    answer: oneshot::Sender<Result<bool, Trouble>>,
}

impl Waiter {
    /// Whether all that blocks are interfaces: then one call looks at those of everybody.
    fn waits_for_interfaces(&self) -> bool {
        self.blockers.as_ref().is_some_and(|blockers| blockers.iter().all(interface::is_one))
    }
}

/// The lookout, started when first needed.
pub(super) struct Lookout {
    aws: Aws,
    clock: Clock,
    events: mpsc::UnboundedSender<Event>,
    halt: Interrupt,
    leaving: Arc<Leaving>,
    at_work: Mutex<Option<(mpsc::UnboundedSender<Waiter>, AbortHandle)>>,
}

impl Lookout {
    pub(super) fn new(setting: &Setting, leaving: Leaving, halt: Interrupt) -> Self {
        let (aws, clock, events) = (setting.aws.clone(), setting.clock.clone(), setting.events.clone());
        Self { aws, clock, events, halt, leaving: Arc::new(leaving), at_work: Mutex::default() }
    }

    /// Waits until nothing that was seen keeps the resource from being deleted any more; answers whether anything was
    /// seen. `refusal` is what AWS said.
    pub(super) async fn freed(
        &self,
        kind: &'static dyn AnyKind,
        which: AnyWhich,
        refusal: Fault,
    ) -> Result<bool, Trouble> {
        let (answer, freed) = oneshot::channel();
        let since = self.clock.elapsed();
        let (due, status) = (since + TOGETHER, String::new());
        let waiter = Waiter { kind, which, refusal, since, due, blockers: None, status, answer };
        // The watcher ends only with this value.
        self.at_work().send(waiter).ok();
        tokio::select! {
            freed = freed => freed.unwrap_or(Err(Trouble::Interrupted)),
            _ = halted(self.halt.clone()) => Err(Trouble::Interrupted),
        }
    }

    fn at_work(&self) -> mpsc::UnboundedSender<Waiter> {
        let mut at_work = self.at_work.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || {
            let (waiters, inbox) = mpsc::unbounded_channel();
            let (aws, clock, events) = (self.aws.clone(), self.clock.clone(), self.events.clone());
            let watcher = Watcher { aws, clock, events, leaving: Arc::clone(&self.leaving), waiting: Vec::new() };
            (waiters, tokio::spawn(watcher.run(inbox)).abort_handle())
        };
        at_work.get_or_insert_with(start).0.clone()
    }
}

impl Drop for Lookout {
    /// Whoever has stopped waiting need not wait for the answer to the last look either.
    fn drop(&mut self) {
        let at_work = std::mem::take(&mut self.at_work).into_inner().unwrap_or_else(PoisonError::into_inner);
        at_work.into_iter().for_each(|(_, watcher)| watcher.abort());
    }
}

struct Watcher {
    aws: Aws,
    clock: Clock,
    events: mpsc::UnboundedSender<Event>,
    leaving: Arc<Leaving>,
    waiting: Vec<Waiter>,
}

impl Watcher {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Waiter>) {
        loop {
            if self.waiting.is_empty() {
                match inbox.recv().await {
                    Some(waiter) => self.waiting.push(waiter),
                    None => return,
                }
            }
            self.waiting.retain(|waiter| !waiter.answer.is_closed());
            let now = self.clock.elapsed();
            let Some(next) = self.waiting.iter().map(|waiter| waiter.due).min() else { continue };
            tokio::select! {
                biased;
                Some(waiter) = inbox.recv() => self.waiting.push(waiter),
                () = self.clock.sleep(next.saturating_sub(now)) => self.look().await,
            }
        }
    }

    /// Looks at what is due: at all interfaces that anybody waits for with one call, at anything else kind by kind.
    async fn look(&mut self) {
        let now = self.clock.elapsed();
        let all = std::mem::take(&mut self.waiting);
        let (for_interfaces, others): (Vec<_>, Vec<_>) = all.into_iter().partition(Waiter::waits_for_interfaces);
        if for_interfaces.iter().any(|waiter| waiter.due <= now) {
            self.look_at_interfaces(for_interfaces).await;
        } else {
            self.waiting.extend(for_interfaces);
        }
        let (due, later): (Vec<_>, Vec<_>) = others.into_iter().partition(|waiter| waiter.due <= now + TOGETHER);
        self.waiting.extend(later);
        let mut by_kind: BTreeMap<&str, Vec<Waiter>> = BTreeMap::new();
        for waiter in due {
            by_kind.entry(waiter.kind.name()).or_default().push(waiter);
        }
        for (_, waiters) in by_kind {
            self.look_at_blockers(waiters).await;
        }
    }

    async fn look_at_interfaces(&mut self, waiters: Vec<Waiter>) {
        let ids = waiters.iter().flat_map(|waiter| waiter.blockers.iter().flatten()).map(|blocker| blocker.id.as_str());
        match interface::still_there(&self.aws, ids).await {
            Ok(there) => {
                for mut waiter in waiters {
                    let mut blockers = waiter.blockers.take().unwrap_or_default();
                    blockers.retain(|blocker| there.contains(&blocker.id));
                    self.decide(waiter, blockers);
                }
            }
            Err(fault) => self.unseen(waiters, &fault),
        }
    }

    async fn look_at_blockers(&mut self, waiters: Vec<Waiter>) {
        let Some(kind) = waiters.first().map(|waiter| waiter.kind) else { return };
        let which = waiters.iter().map(|waiter| waiter.which.clone()).collect();
        match kind.blockers(&self.aws, which).await {
            Ok(answers) => {
                for (waiter, blockers) in waiters.into_iter().zip(answers) {
                    self.decide(waiter, blockers);
                }
            }
            Err(fault) => self.unseen(waiters, &fault),
        }
    }

    fn decide(&mut self, mut waiter: Waiter, blockers: Vec<Blocker>) {
        let waited = self.clock.elapsed().saturating_sub(waiter.since);
        match judge(&blockers, &self.leaving, waited) {
            Verdict::Free => drop(waiter.answer.send(Ok(!waiter.status.is_empty()))),
            Verdict::GiveUp(held_by) => {
                let trouble = Trouble::Held { fault: Box::new(waiter.refusal), held_by, seconds: seconds(waited) };
                drop(waiter.answer.send(Err(trouble)));
            }
            Verdict::Wait(status) => {
                waiter.blockers = Some(blockers);
                self.keep(waiter, status);
            }
        }
    }

    /// What could not be seen is looked at again where that may help; whoever may not look goes by the call alone.
    fn unseen(&mut self, waiters: Vec<Waiter>, fault: &Fault) {
        for waiter in waiters {
            let waited = self.clock.elapsed().saturating_sub(waiter.since);
            let again = matches!(fault.class, Class::Throttled | Class::Transient | Class::Propagating);
            if again && waited < LEAVING {
                self.keep(waiter, fault.to_string());
            } else {
                waiter.answer.send(Ok(false)).ok();
            }
        }
    }

    fn keep(&mut self, mut waiter: Waiter, status: String) {
        if waiter.status != status {
            let address = waiter.which.address.clone();
            self.events.send(Event::Waiting { address, status: status.clone() }).ok();
            waiter.status = status;
        }
        let now = self.clock.elapsed();
        let longest = if waiter.waits_for_interfaces() { LONGEST } else { LONGEST_OF_OTHERS };
        waiter.due = now + (now.saturating_sub(waiter.since) / 20).clamp(SHORTEST, longest);
        self.waiting.push(waiter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaving(texts: &[&str]) -> Leaving {
        Leaving(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    fn interface(id: &str, passing: bool) -> Blocker {
        Blocker::new(id, "ELB net/dev/0a, amazon-elb, 10.0.1.5").passing(passing).marked(["net/dev/0a".to_owned()])
    }

    #[test]
    fn what_leaves_is_waited_for_longest_and_what_stays_as_long_as_it_may_show() {
        let (ours, none) = (leaving(&["arn:x:loadbalancer/net/dev/0a"]), leaving(&[]));
        let lingering = [interface("eni-1", true)];
        let at = |blockers: &[Blocker], leaving: &Leaving, minutes: u64| {
            judge(blockers, leaving, Duration::from_secs(minutes * 60))
        };
        let wait = Verdict::Wait("held by eni-1 (ELB net/dev/0a, amazon-elb, 10.0.1.5)".to_owned());
        assert_eq!(at(&lingering, &ours, 29), wait);
        assert_eq!(at(&lingering, &ours, 30), Verdict::GiveUp(lingering.to_vec()));
        assert!(matches!(at(&lingering, &none, 14), Verdict::Wait(words) if words.contains("does not delete")));
        assert_eq!(at(&lingering, &none, 15), Verdict::GiveUp(lingering.to_vec()));
        let foreign = Blocker::new("eni-2", "instance i-1");
        let both = [lingering[0].clone(), foreign.clone()];
        assert!(matches!(at(&both, &none, 1), Verdict::Wait(_)));
        assert_eq!(at(&both, &none, 2), Verdict::GiveUp(vec![foreign]));
        assert_eq!(at(&[], &none, 99), Verdict::Free);
    }

    #[test]
    fn the_words_name_first_what_may_not_go() {
        let ours = leaving(&["eni-1", "eni-2"]);
        let blockers = ["eni-1", "eni-2", "eni-3"].map(|id| Blocker::new(id, "x").passing(true));
        assert_eq!(words(&blockers, &ours), "held by eni-3 (x), which this run does not delete; and by 2 more");
        assert_eq!(words(&blockers[..2], &ours), "held by eni-1 (x); and by 1 more");
        assert_eq!(held(&blockers[..1], 0.5), "it is held by eni-1 (x)");
        assert_eq!(held(&blockers[..2], 900.0), "after 15m00s it is still held by eni-1 (x), eni-2 (x)");
    }
}
