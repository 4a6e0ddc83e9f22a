//! The loop of an apply: one message at a time, starts what has become ready, and at the end says what happened.
//!
//! Called by `cli` and by tests. What is ready together starts in the order of the longest path that remains; what
//! happens to one operation is told only to those that wait for it, so that the loop costs as much as the graph has
//! edges. A failed operation stops only what depends on it. Must decide nothing: the plan has every operation and every
//! need.

use super::{
    Event, REQUEST_TIMEOUT, Run, Setting, Shared, Trouble,
    event::seconds,
    lookout::{Leaving, Lookout},
    operation::Operation,
    settle::Settler,
};
use crate::{
    address::Address,
    aws::urgently,
    kind::OutputRef,
    plan::{Change, Plan, Until, Verb, invalidates, remaining},
    state::{Entry, State},
};
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};
use tokio::sync::{mpsc, watch};
use tracing::Instrument as _;

/// What came of an apply.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Outcome {
    /// Operations that are done.
    pub done: Vec<(Address, Verb)>,
    /// Operations that failed, with the reason.
    pub failed: Vec<(Address, Verb, Trouble)>,
    /// Operations that were under way when the user interrupted: recorded, and resumed by the next run.
    pub interrupted: Vec<(Address, Verb)>,
    /// Operations that were not started.
    pub skipped: Vec<(Address, Verb)>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Outcome {
    /// Tells whether everything was done.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.interrupted.is_empty() && self.skipped.is_empty()
    }
}

/// What an operation has reached.
#[derive(Clone, Debug, PartialEq)]
enum Progress {
    Waiting,
    Running,
    Done,
    Failed,
}

struct Finished {
    op: usize,
    result: Result<Option<Entry>, Trouble>,
    took: f64,
}

/// Does everything the plan says.
pub async fn apply(plan: Arc<Plan>, state: &State, setting: Setting) -> Outcome {
    let start = setting.clock.elapsed();
    let outputs: BTreeMap<Address, Map<String, Json>> =
        state.entries.iter().map(|(address, entry)| (address.clone(), entry.outputs.clone())).collect();
    let halt = watch::Sender::new(*setting.interrupt.borrow());
    let settler = Settler::new(&setting, halt.subscribe());
    let lookout = Lookout::new(&setting, Leaving::of(&plan, state), halt.subscribe());
    let outputs = Mutex::new(outputs);
    let run = Arc::new(Run { setting, settler, lookout, outputs, told: state.written, halt });
    let mut entries = state.entries.clone();
    if !plan.refresh.is_empty() {
        for (address, entry) in &plan.refresh {
            entries.insert(address.clone(), entry.clone());
            run.publish(address, &Json::Object(entry.outputs.clone()));
        }
        let records = plan.refresh.iter().map(|(address, entry)| (address.clone(), Some(entry.clone()))).collect();
        if let Err(error) = run.setting.writer.put_all(records).await {
            let failed = plan.ops.iter().map(|op| (op.address.clone(), op.verb, error.clone().into())).collect();
            return Outcome { failed, ..Outcome::default() };
        }
    }
    let queue = Queue::new(plan, Arc::clone(&run), entries);
    let mut outcome = queue.drain().await;
    outcome.seconds = seconds(run.setting.clock.elapsed().saturating_sub(start));
    outcome
}

/// A need of one operation: who has it, and which of its needs it is.
type Waiting = (usize, usize);

struct Queue {
    plan: Arc<Plan>,
    run: Shared,
    progress: Vec<Progress>,
    /// What typically remains from the start of each operation on, in seconds.
    urgency: Vec<u32>,
    /// The needs of others that each operation has not met yet.
    waiting: Vec<Vec<Waiting>>,
    /// How many of its needs each operation still waits for.
    unmet: Vec<usize>,
    /// What waits for nothing more and has not started, the most urgent first.
    ready: BTreeSet<(Reverse<u32>, usize)>,
    entries: BTreeMap<Address, Entry>,
    running: FuturesUnordered<BoxFuture<'static, Finished>>,
    outcome: Outcome,
}

impl Queue {
    fn new(plan: Arc<Plan>, run: Shared, entries: BTreeMap<Address, Entry>) -> Self {
        let urgency = remaining(&plan);
        let mut waiting = vec![Vec::new(); plan.ops.len()];
        for (at, op) in plan.ops.iter().enumerate() {
            op.needs.iter().enumerate().for_each(|(which, need)| waiting[need.op].push((at, which)));
        }
        let unmet: Vec<usize> = plan.ops.iter().map(|op| op.needs.len()).collect();
        let free = unmet.iter().enumerate().filter(|(_, unmet)| **unmet == 0);
        let ready = free.map(|(at, _)| (Reverse(urgency[at]), at)).collect();
        Self {
            progress: vec![Progress::Waiting; plan.ops.len()],
            plan,
            run,
            urgency,
            waiting,
            unmet,
            ready,
            entries,
            running: FuturesUnordered::new(),
            outcome: Outcome::default(),
        }
    }

    async fn drain(mut self) -> Outcome {
        let (outputs_exist, mut announcements) = mpsc::unbounded_channel::<usize>();
        let mut interrupt = self.run.setting.interrupt.clone();
        loop {
            self.start_ready(&outputs_exist);
            if self.running.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                Ok(()) = interrupt.changed() => {
                    let grace = *interrupt.borrow_and_update();
                    grace.into_iter().for_each(|grace| self.run.stop(grace));
                }
                Some(op) = announcements.recv() => self.meet(op),
                Some(finished) = self.running.next() => self.finish(finished),
            }
        }
        self.report_unstarted();
        self.outcome
    }

    /// Starts every operation whose needs are met.
    fn start_ready(&mut self, outputs_exist: &mpsc::UnboundedSender<usize>) {
        while !self.run.is_halted()
            && let Some((_, at)) = self.ready.pop_first()
        {
            self.start(at, outputs_exist.clone());
        }
    }

    /// Crosses off every need that the operation has met by now.
    fn meet(&mut self, op: usize) {
        let (met, open): (Vec<Waiting>, Vec<Waiting>) =
            std::mem::take(&mut self.waiting[op]).into_iter().partition(|waiting| self.is_met(*waiting));
        self.waiting[op] = open;
        for (at, _) in met {
            self.unmet[at] -= 1;
            if self.unmet[at] == 0 {
                self.ready.insert((Reverse(self.urgency[at]), at));
            }
        }
    }

    fn is_met(&self, (at, which): Waiting) -> bool {
        let need = &self.plan.ops[at].needs[which];
        match (&self.progress[need.op], &need.until) {
            (Progress::Done, _) => true,
            (Progress::Running, Until::Output(output)) => {
                let address = self.plan.ops[need.op].address.clone();
                self.run.value_of(&OutputRef { address, output: output.clone() }).is_some()
            }
            (Progress::Running, Until::Done) | (Progress::Waiting | Progress::Failed, _) => false,
        }
    }

    fn start(&mut self, at: usize, outputs_exist: mpsc::UnboundedSender<usize>) {
        self.progress[at] = Progress::Running;
        let op = &self.plan.ops[at];
        if let Some(change) = self.plan.changes.get(&op.address) {
            // What the operation will make anew must not be taken from the predecessor, or from before the change.
            self.run.withdraw(&op.address, |output| stands(change, op.verb, output));
        }
        let (address, verb, typical) = (op.address.clone(), op.verb, op.typical);
        self.run.emit(Event::Started { address: address.clone(), verb, typical });
        let entry = self.entries.get(&address).cloned();
        let (plan, run) = (Arc::clone(&self.plan), Arc::clone(&self.run));
        let span = tracing::debug_span!("operation", %address, ?verb);
        let work = async move {
            let start = run.setting.clock.elapsed();
            let announce = move || {
                outputs_exist.send(at).ok();
            };
            let result = match plan.changes.get(&address) {
                Some(change) => Operation::new(&run, change, &announce).perform(&plan.ops[at], entry).await,
                None => Ok(entry),
            };
            Finished { op: at, result, took: seconds(run.setting.clock.elapsed().saturating_sub(start)) }
        };
        self.running.push(Box::pin(urgently(self.urgency[at], work.instrument(span))));
    }

    fn finish(&mut self, Finished { op: at, result, took }: Finished) {
        let (address, verb) = (self.plan.ops[at].address.clone(), self.plan.ops[at].verb);
        match result {
            Ok(entry) => {
                self.progress[at] = Progress::Done;
                let id = entry.as_ref().and_then(|entry| entry.id.clone());
                match entry {
                    Some(entry) => self.entries.insert(address.clone(), entry),
                    None => self.entries.remove(&address),
                };
                self.run.emit(Event::Finished { address: address.clone(), verb, id, seconds: took });
                self.outcome.done.push((address, verb));
                self.meet(at);
            }
            Err(Trouble::Interrupted) => {
                self.progress[at] = Progress::Failed;
                self.outcome.interrupted.push((address, verb));
            }
            Err(trouble) => {
                self.progress[at] = Progress::Failed;
                if matches!(trouble, Trouble::State { .. }) {
                    // Without a record nothing may be sent: what is in flight ends, and its answers are kept.
                    self.run.stop(REQUEST_TIMEOUT);
                }
                let event = Event::Failed { address: address.clone(), verb, trouble: trouble.clone(), seconds: took };
                self.run.emit(event);
                self.outcome.failed.push((address, verb, trouble));
            }
        }
    }

    /// Names what was never started, and the failure each waited for.
    fn report_unstarted(&mut self) {
        let because = self.failures_behind();
        for (at, because) in because.into_iter().enumerate() {
            if self.progress[at] != Progress::Waiting {
                continue;
            }
            let (address, verb) = (self.plan.ops[at].address.clone(), self.plan.ops[at].verb);
            let because = because.map(|op| self.plan.ops[op].address.clone());
            self.run.emit(Event::Skipped { address: address.clone(), verb, because });
            self.outcome.skipped.push((address, verb));
        }
    }

    /// The failure that each operation waited for, through others too.
    fn failures_behind(&self) -> Vec<Option<usize>> {
        let mut behind = vec![None; self.plan.ops.len()];
        for failed in (0..behind.len()).filter(|at| self.progress[*at] == Progress::Failed) {
            let mut open = vec![failed];
            while let Some(op) = open.pop() {
                for (at, _) in &self.waiting[op] {
                    if behind[*at].is_none() {
                        behind[*at] = Some(failed);
                        open.push(*at);
                    }
                }
            }
        }
        behind
    }
}

/// Tells whether an output that is there when an operation starts will be there, and the same, when it is done. What an
/// earlier run left half-way is looked at first: nothing may rest on it before.
fn stands(change: &Change, verb: Verb, output: &str) -> bool {
    match verb {
        Verb::Create | Verb::Resume => false,
        Verb::Update => !invalidates(change, output),
        Verb::Import | Verb::Delete | Verb::DeleteDeposed | Verb::Forget => true,
    }
}
