//! The loop of an apply: one message at a time, starts what has become ready, and at the end says what happened.
//!
//! Called by `cli` and by tests. A failed operation stops only what depends on it. Must decide nothing: the plan has
//! every operation and every need.

use super::{
    Event, REQUEST_TIMEOUT, Run, Setting, Shared, Trouble, event::seconds, operation::Operation, settle::Settler,
};
use crate::{
    address::Address,
    plan::{Plan, Until, Verb},
    state::{Entry, State},
};
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::{
    collections::BTreeMap,
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
    let run = Arc::new(Run { setting, settler, outputs: Mutex::new(outputs), halt });
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
    let queue = Queue {
        progress: vec![Progress::Waiting; plan.ops.len()],
        plan,
        run: Arc::clone(&run),
        entries,
        running: FuturesUnordered::new(),
        outcome: Outcome::default(),
    };
    let mut outcome = queue.drain().await;
    outcome.seconds = seconds(run.setting.clock.elapsed().saturating_sub(start));
    outcome
}

struct Queue {
    plan: Arc<Plan>,
    run: Shared,
    progress: Vec<Progress>,
    entries: BTreeMap<Address, Entry>,
    running: FuturesUnordered<BoxFuture<'static, Finished>>,
    outcome: Outcome,
}

impl Queue {
    async fn drain(mut self) -> Outcome {
        let (outputs_exist, mut announcements) = mpsc::unbounded_channel::<()>();
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
                Some(()) = announcements.recv() => {}
                Some(finished) = self.running.next() => self.finish(finished),
            }
        }
        self.report_unstarted();
        self.outcome
    }

    /// Starts every operation whose needs are met.
    fn start_ready(&mut self, outputs_exist: &mpsc::UnboundedSender<()>) {
        if self.run.is_halted() {
            return;
        }
        for at in 0..self.plan.ops.len() {
            if self.progress[at] == Progress::Waiting && self.plan.ops[at].needs.iter().all(|need| self.met(need)) {
                self.progress[at] = Progress::Running;
                self.start(at, outputs_exist.clone());
            }
        }
    }

    fn met(&self, need: &crate::plan::Need) -> bool {
        match (&self.progress[need.op], &need.until) {
            (Progress::Done, _) => true,
            (Progress::Running, Until::Output(output)) => {
                let (plan, address) = (&self.plan, self.plan.ops[need.op].address.clone());
                // Until an update or a resumption is done, the outputs on the board may be the old ones.
                let fresh = plan.ops[need.op].verb == Verb::Create;
                fresh && self.run.value_of(&crate::kind::OutputRef { address, output: output.clone() }).is_some()
            }
            (Progress::Waiting | Progress::Running | Progress::Failed, _) => false,
        }
    }

    fn start(&mut self, at: usize, outputs_exist: mpsc::UnboundedSender<()>) {
        let op = &self.plan.ops[at];
        if op.verb == Verb::Create {
            // What stood on the board belongs to the predecessor.
            self.run.publish(&op.address, &Json::Object(Map::new()));
        }
        let (address, verb, typical) = (op.address.clone(), op.verb, op.typical);
        self.run.emit(Event::Started { address: address.clone(), verb, typical });
        let entry = self.entries.get(&address).cloned();
        let (plan, run) = (Arc::clone(&self.plan), Arc::clone(&self.run));
        let span = tracing::debug_span!("operation", %address, ?verb);
        let work = async move {
            let start = run.setting.clock.elapsed();
            let announce = move || {
                outputs_exist.send(()).ok();
            };
            let result = match plan.changes.get(&address) {
                Some(change) => Operation::new(&run, change, &announce).perform(&plan.ops[at], entry).await,
                None => Ok(entry),
            };
            Finished { op: at, result, took: seconds(run.setting.clock.elapsed().saturating_sub(start)) }
        };
        self.running.push(Box::pin(work.instrument(span)));
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
        for at in 0..self.plan.ops.len() {
            if self.progress[at] != Progress::Waiting {
                continue;
            }
            let (address, verb) = (self.plan.ops[at].address.clone(), self.plan.ops[at].verb);
            let because = self.failure_behind(at).map(|op| self.plan.ops[op].address.clone());
            self.run.emit(Event::Skipped { address: address.clone(), verb, because });
            self.outcome.skipped.push((address, verb));
        }
    }

    fn failure_behind(&self, at: usize) -> Option<usize> {
        let mut open = vec![at];
        let mut seen = vec![false; self.plan.ops.len()];
        while let Some(op) = open.pop() {
            if self.progress[op] == Progress::Failed {
                return Some(op);
            }
            if !std::mem::replace(&mut seen[op], true) {
                open.extend(self.plan.ops[op].needs.iter().map(|need| need.op));
            }
        }
        None
    }
}
