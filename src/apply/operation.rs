//! Does one operation: records the intent, sends one call, records the answer, and so on to the last step.
//!
//! Called by `queue`. Must never send a mutating call whose intent is not durable, and never forget an id.

use super::{
    Event, Leave, Shared, Trouble,
    blocked::past_blockers,
    retry::{Attempts, patiently},
    settle::Goal,
};
use crate::{
    address::Address,
    aws::{Class, Look, patience::Calling, shows_late, tags},
    kind::{AnyJob, AnyKind, AnyLive, AnyWhich, Id, OutputRef, Readiness, Step, When},
    plan::{Change, Departure, Op, Verb, departure, invalidates},
    state::{Deposed, Entry, Status},
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How long after its record a request may still land, and its effect still be invisible: absence counts only at a second
/// look after this time (design.md 8).
pub(crate) const SECOND_LOOK: Duration = Duration::from_secs(30);

/// What typically goes within so many seconds, and still shows when it is given up, may not have been deleted at all.
pub(super) const AT_ONCE: u32 = 10;

/// What a creation has come to.
struct Made {
    id: Id,
    outputs: Json,
    /// Its spec as AWS shows it, where it was found and not made: an earlier run may have asked for other values.
    live: Option<Json>,
}

/// One operation at work.
pub(super) struct Operation<'a> {
    run: &'a Shared,
    change: &'a Change,
    address: &'a Address,
    kind: &'static dyn AnyKind,
    /// Tells `queue` that outputs exist.
    announce: &'a (dyn Fn() + Send + Sync),
}

impl<'a> Operation<'a> {
    pub(super) fn new(run: &'a Shared, change: &'a Change, announce: &'a (dyn Fn() + Send + Sync)) -> Self {
        Self { run, change, address: &change.address, kind: change.kind, announce }
    }

    /// Does it. Answers the entry as recorded afterwards; none when the resource is gone.
    pub(super) async fn perform(&self, op: &Op, entry: Option<Entry>) -> Result<Option<Entry>, Trouble> {
        // The intent of an import is this very run's.
        let asked = entry.as_ref().and_then(|entry| entry.status.asked()).filter(|_| op.verb != Verb::Import);
        // A call that is to delete what was made moments ago may not see it, and say that it is gone.
        let deletes = matches!(op.verb, Verb::Delete | Verb::DeleteDeposed);
        let made = self.run.told.filter(|_| deletes && shows_late(self.kind));
        if let Some(since) = asked.or(made) {
            self.outwait(since).await?;
        }
        match (op.verb, entry) {
            (Verb::Create, entry) => self.create(entry).await.map(Some),
            (Verb::Resume, Some(entry)) => {
                self.offer(&entry.outputs);
                self.update(entry, asked.is_some()).await.map(Some)
            }
            (Verb::Update | Verb::Import, Some(entry)) => self.update(entry, asked.is_some()).await.map(Some),
            (Verb::Delete, Some(entry)) => self.delete(entry).await.map(|()| None),
            (Verb::DeleteDeposed, Some(entry)) => self.delete_deposed(entry).await.map(Some),
            (Verb::Forget, _) => self.put(None).await.map(|()| None),
            // Nothing is recorded any more: nothing is left to do.
            (Verb::Update | Verb::Resume | Verb::Import | Verb::Delete | Verb::DeleteDeposed, None) => Ok(None),
        }
    }

    /// Records what is about to be asked of AWS. After a halt nothing more is asked.
    async fn intend(&self, entry: &Entry) -> Result<Leave, Trouble> {
        if self.run.is_halted() {
            return Err(Trouble::Interrupted);
        }
        self.run.setting.writer.intend(self.address, entry).await?;
        Ok(self.run.permit(self.address))
    }

    /// Records what has become of it.
    async fn put(&self, entry: Option<&Entry>) -> Result<(), Trouble> {
        self.run.setting.writer.put(self.address, entry.cloned()).await.map_err(Into::into)
    }

    /// Lets others have, of what stands already, what AWS gave at once and this operation leaves alone: they need not wait
    /// until all of it is done.
    fn offer(&self, outputs: &Map<String, Json>) {
        let mut offered = self.at_once(outputs);
        offered.retain(|name, _| !invalidates(self.change, name));
        self.run.publish(self.address, &Json::Object(offered));
        (self.announce)();
    }

    /// Of outputs as a look shows them, those that AWS gives at once: the others count only when the resource has settled,
    /// though they may show before.
    fn at_once(&self, outputs: &Map<String, Json>) -> Map<String, Json> {
        let at_once = self.kind.outputs().iter().filter(|output| output.when == When::AtOnce).map(|output| output.name);
        at_once.filter_map(|name| Some((name.to_owned(), outputs.get(name)?.clone()))).collect()
    }

    fn now(&self) -> Timestamp {
        self.run.setting.clock.timestamp()
    }

    /// Puts values in the place of references: everything an operation needs exists when it starts.
    fn known_spec(&self) -> Result<Arc<Json>, Trouble> {
        let value_of = |of: &OutputRef| self.run.value_of(of);
        let mut spec = Map::new();
        for (field, tree) in &self.change.work.spec {
            let value = tree.resolve(&value_of).map_err(|missing| {
                let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                crate::aws::Fault::internal(format!("{field} has no value: {}", missing.join(", ")))
            })?;
            spec.insert(field.clone(), value);
        }
        Ok(self.kind.normalise(Json::Object(spec))?.into())
    }

    async fn create(&self, before: Option<Entry>) -> Result<Entry, Trouble> {
        let spec = self.known_spec()?;
        if let Some(sent) = before.as_ref().filter(|sent| sent.spec != spec) {
            self.clear_away(sent, &spec).await?;
        }
        let left = before.as_ref().and_then(|entry| entry.status.asked().map(|_| entry.id.clone()));
        let token = match &before {
            // The same request under the same token stays one request, however late its first half lands.
            Some(Entry { status: Status::Creating { token, .. }, spec: sent, .. }) if *sent == spec => token.clone(),
            Some(_) | None => uuid::Uuid::new_v4().to_string(),
        };
        let mut deposed = before.as_ref().map(|entry| entry.deposed.clone()).unwrap_or_default();
        // A replacement beside the old one: the old one stays on record until it is gone.
        if let Some(Entry { id: Some(id), spec, depends_on, .. }) = before
            && self.change.id.as_ref() == Some(&id)
            && matches!(self.change.action, crate::plan::Action::Replace(_))
        {
            deposed.push(Deposed { id, spec, depends_on });
        }
        let mut entry = Entry {
            kind: self.kind.name().to_owned(),
            status: Status::Creating { token: token.clone(), since: self.now(), step: None },
            id: None,
            spec: spec.clone(),
            outputs: Map::new(),
            depends_on: self.change.work.depends_on.clone(),
            generation: self.change.work.generation,
            deposed,
        };
        let leave = self.intend(&entry).await?;
        self.run.emit(Event::Step { address: self.address.clone(), step: "create".into() });
        let Made { id, outputs, live } = match self.left_behind(left, &entry).await? {
            Some(found) => found,
            None => self.send_create(&entry, &token, &leave).await?,
        };
        let departure = live.map(|live| departure(self.kind, &spec, &live));
        entry.id = Some(id);
        if let Json::Object(outputs) = &outputs {
            entry.outputs = self.at_once(outputs);
        }
        // Whoever starts now asks for a record of its own, which is never durable before this one: one writer takes both,
        // in this order. So no dependant waits for a disk.
        self.run.publish(self.address, &Json::Object(entry.outputs.clone()));
        (self.announce)();
        self.put(Some(&entry)).await?;
        let mut steps = self.kind.finish(&spec)?;
        let mut before = spec.clone();
        if let Some(Departure { before: there, steps: mends, replaces }) = departure {
            if !replaces.is_empty() {
                return Err(Trouble::Outdated { fields: replaces.join(", ") });
            }
            before = there.into();
            steps.extend(mends);
            let mut names = BTreeSet::new();
            steps.retain(|step| names.insert(step.name.clone()));
        }
        for step in steps {
            entry.status = Status::Creating { token: token.clone(), since: self.now(), step: Some(step.name.clone()) };
            if step.settled {
                self.settle(&entry, Goal::Ready).await?;
            }
            self.run_step(&mut entry, &step, &before, &spec, Calling::Fresh).await?;
        }
        self.settled(entry, self.kind.settles()).await
    }

    /// Sends the create call. When the answer is lost, looks before it sends again; when the name is taken, looks
    /// whether it is ours.
    async fn send_create(&self, entry: &Entry, token: &str, leave: &Leave) -> Result<Made, Trouble> {
        let (aws, spec) = (&self.run.setting.aws, &entry.spec);
        let mut attempts = Attempts::new(self.run, self.address);
        loop {
            let fault = match self.run.send(leave, self.kind.create(aws, spec, token)).await? {
                Ok((id, outputs)) => return Ok(Made { id, outputs, live: None }),
                Err(fault) => fault,
            };
            match fault.class {
                Class::Exists => return self.shown(entry).await?.ok_or_else(|| attempts.given_up(fault)),
                // Whether it was carried out is unknown: it is sent again only after a look.
                Class::Transient => attempts.bear(fault, Calling::Step).await?,
                _ => {
                    attempts.bear(fault, Calling::Create).await?;
                    continue;
                }
            }
            if let Some(found) = self.shown(entry).await? {
                return Ok(Made { live: None, ..found });
            }
        }
    }

    /// Looks for what a call that has just been sent has made, or has met: it counts as absent only when it had the time to
    /// land and to show.
    async fn shown(&self, entry: &Entry) -> Result<Option<Made>, Trouble> {
        let since = self.run.setting.clock.elapsed();
        let mut pause = Duration::from_secs(1);
        loop {
            if let Some(found) = self.locate(entry).await? {
                return Ok(Some(found));
            }
            let passed = self.run.setting.clock.elapsed().saturating_sub(since);
            match SECOND_LOOK.checked_sub(passed).filter(|left| !left.is_zero()) {
                Some(left) => self.run.pause(pause.min(left)).await?,
                None => return Ok(None),
            }
            pause *= 2;
        }
    }

    /// Looks a second time for what an interrupted run may have created: the plan's look was the first, and may have
    /// come too early. What has landed may show late even where its id is recorded.
    async fn left_behind(&self, cut_off: Option<Option<Id>>, entry: &Entry) -> Result<Option<Made>, Trouble> {
        match cut_off {
            None => Ok(None),
            Some(None) => self.locate(entry).await,
            Some(id) => match self.look(id, entry).await? {
                None => self.locate(entry).await,
                found => Ok(found),
            },
        }
    }

    /// Deletes what an interrupted run's creation has made under another natural key than is wanted now: nobody has known
    /// its id, so nothing rests on it, and nothing would find it once the record names what is wanted now.
    async fn clear_away(&self, sent: &Entry, spec: &Arc<Json>) -> Result<(), Trouble> {
        if sent.id.is_some() || !matches!(sent.status, Status::Creating { .. }) {
            return Ok(());
        }
        let Some(made) = self.locate(sent).await? else { return Ok(()) };
        let wanted = Entry { spec: spec.clone(), ..sent.clone() };
        if self.locate(&wanted).await?.is_some_and(|found| found.id == made.id) {
            return Ok(());
        }
        let found = Entry { id: Some(made.id.clone()), ..sent.clone() };
        self.remove(found, &made.id, &self.kind.remove(&sent.spec)?).await
    }

    /// Waits until what an interrupted run sent after its record of `since` has landed and shows, or never will: only
    /// then does absence count, and only then may something else take its place or rest on it.
    async fn outwait(&self, since: Timestamp) -> Result<(), Trouble> {
        match SECOND_LOOK.checked_sub(self.since(since)) {
            Some(rest) => self.run.pause(rest).await,
            None => Ok(()),
        }
    }

    /// Looks for a resource whose id is not recorded, by name or ownership tags. Never takes over what is not ours,
    /// and never takes a predecessor for its successor: both carry the same tags.
    async fn locate(&self, entry: &Entry) -> Result<Option<Made>, Trouble> {
        self.look(None, entry).await
    }

    /// The same; by its id where that is recorded. A stranger counts only at a second look: what was taken away moments
    /// ago (the rule that AWS gives a new security group) may still show.
    async fn look(&self, id: Option<Id>, entry: &Entry) -> Result<Option<Made>, Trouble> {
        let since = self.run.setting.clock.elapsed();
        loop {
            let seen = self.seen(id.clone(), entry).await;
            let left = SECOND_LOOK.checked_sub(self.run.setting.clock.elapsed().saturating_sub(since));
            match (&seen, left.filter(|left| !left.is_zero())) {
                (Err(Trouble::Foreign { .. }), Some(left)) => self.run.pause(left.min(Duration::from_secs(5))).await?,
                _ => return seen,
            }
        }
    }

    async fn seen(&self, id: Option<Id>, entry: &Entry) -> Result<Option<Made>, Trouble> {
        let aws = &self.run.setting.aws;
        let (address, spec) = (self.address.clone(), entry.spec.clone());
        let which = AnyWhich { address, id: id.clone(), spec, settling: false };
        let look = Look::at(aws, self.kind, vec![which]);
        let found = self.run.answer(look.answer(self.kind)).await??.into_iter().flatten().next();
        let Some(live) = found else { return Ok(None) };
        if entry.deposed.iter().any(|deposed| deposed.id == live.id) {
            return Ok(None);
        }
        if id.is_none() && !aws.owner.asked(self.address, self.kind, &entry.spec, &live.spec) {
            let (address, id, found) = (self.address.clone(), live.id.to_string(), tags::of_spec(&live.spec));
            return Err(Trouble::Foreign { address, id, tags: format!("{found:?}") });
        }
        Ok(Some(Made { id: live.id, outputs: live.outputs, live: Some(live.spec) }))
    }

    /// Looks for what a recorded intent has made, and records its id: the steps that remain are the plan's.
    async fn adopt(&self, entry: &mut Entry) -> Result<bool, Trouble> {
        let Some(Made { id, outputs, .. }) = self.locate(entry).await? else { return Ok(false) };
        entry.id = Some(id);
        if let Json::Object(outputs) = &outputs {
            entry.outputs.clone_from(outputs);
        }
        self.offer(&entry.outputs);
        self.put(Some(entry)).await?;
        Ok(true)
    }

    /// Takes the steps of the plan. When an earlier run was cut off, what it asked may have landed since the plan looked:
    /// such a step is not taken twice, because AWS refuses a change that changes nothing.
    async fn update(&self, mut entry: Entry, cut_off: bool) -> Result<Entry, Trouble> {
        if entry.id.is_none() && !self.adopt(&mut entry).await? {
            return self.create(Some(entry)).await;
        }
        let spec = self.known_spec()?;
        let before = &self.change.work.before;
        let landed = match cut_off && !self.change.work.steps.is_empty() {
            true => self.look(entry.id.clone(), &entry).await?.and_then(|made| made.live),
            false => None,
        };
        // Until all is done it may still use what it used before: nobody may delete that.
        let new = self.change.work.depends_on.iter().filter(|new| !entry.depends_on.contains(new));
        let new: Vec<_> = new.cloned().collect();
        entry.depends_on.extend(new);
        let creating = matches!(entry.status, Status::Creating { .. });
        let mut goal = if entry.status == Status::Ready { Goal::Still } else { Goal::Ready };
        for step in &self.change.work.steps {
            // A value that was unknown while planning may have turned out to be the one that is there.
            let same = !step.fields.is_empty() && step.fields.iter().all(|field| before[field] == spec[field]);
            if same || landed.as_ref().is_some_and(|live| self.has_taken(step, &spec, live)) {
                continue;
            }
            if !creating {
                entry.status = Status::Updating { step: Some(step.name.clone()), since: self.now() };
            }
            if step.settled {
                self.settle(&entry, goal).await?;
            }
            goal = Goal::Ready;
            self.run_step(&mut entry, step, before, &spec, self.calling()).await?;
            for field in &step.fields {
                Arc::make_mut(&mut entry.spec)[field] = spec[field].clone();
            }
        }
        entry.spec = spec;
        entry.depends_on.clone_from(&self.change.work.depends_on);
        let pending = self.kind.settles() || matches!(self.change.action, crate::plan::Action::Resume);
        self.settled(entry, pending).await
    }

    /// Tells whether AWS shows what a step brings: all of its fields as they are wanted.
    fn has_taken(&self, step: &Step, spec: &Json, live: &Json) -> bool {
        let there = departure(self.kind, spec, live).before;
        let shown = |field: &&String| self.kind.fields().iter().any(|f| f.name == **field && !f.unreadable);
        !step.fields.is_empty() && step.fields.iter().all(|field| shown(&field) && there[field] == spec[field])
    }

    /// What a step on a resource is that has been there: one of an earlier run, which may have made it moments ago.
    fn calling(&self) -> Calling {
        let recent = |told| self.since(told) < SECOND_LOOK;
        if self.run.told.is_some_and(recent) { Calling::Fresh } else { Calling::Step }
    }

    /// How much AWS time has passed.
    fn since(&self, then: Timestamp) -> Duration {
        let clock = &self.run.setting.clock;
        clock.aws_time(Duration::try_from(clock.timestamp().duration_since(then)).unwrap_or_default())
    }

    /// Runs one step: the record before it, the record after it with the next.
    async fn run_step(
        &self,
        entry: &mut Entry,
        step: &Step,
        before: &Json,
        spec: &Json,
        calling: Calling,
    ) -> Result<(), Trouble> {
        let leave = self.intend(entry).await?;
        self.run.emit(Event::Step { address: self.address.clone(), step: step.name.clone() });
        let Some(id) = entry.id.clone() else { return Ok(()) };
        let job = AnyJob { step, id: &id, before, spec };
        let call = || self.kind.run(&self.run.setting.aws, job);
        let shown = entry.clone();
        let landed = || async {
            let live = match step.fields.is_empty() {
                true => None,
                false => self.look(Some(id.clone()), &shown).await?.and_then(|made| made.live),
            };
            Ok(live.is_some_and(|live| self.has_taken(step, spec, &live)).then_some(None))
        };
        let changed = match calling {
            Calling::Step => {
                past_blockers(self.run, self.kind, &self.which(&id, &entry.spec), &leave, false, call, landed).await?
            }
            Calling::Read | Calling::Create | Calling::Fresh | Calling::Watched => {
                patiently(self.run, self.address, &leave, calling, call, landed).await?
            }
        };
        if let Some(id) = changed {
            entry.id = Some(id);
            self.put(Some(entry)).await?;
        }
        Ok(())
    }

    async fn settle(&self, entry: &Entry, goal: Goal) -> Result<Option<AnyLive>, Trouble> {
        let stands = matches!(entry.status, Status::Ready | Status::Updating { .. });
        self.settle_as(entry.id.clone(), &entry.spec, goal, stands).await
    }

    async fn settle_as(
        &self,
        id: Option<Id>,
        spec: &Arc<Json>,
        goal: Goal,
        stands: bool,
    ) -> Result<Option<AnyLive>, Trouble> {
        let which = AnyWhich { address: self.address.clone(), id, spec: spec.clone(), settling: true };
        self.run.settler.settle(self.kind, which, goal, stands).await
    }

    /// Waits until the resource is ready, then records that and its outputs.
    async fn settled(&self, mut entry: Entry, wait: bool) -> Result<Entry, Trouble> {
        let live = match wait {
            false => Ok(None),
            true => self.settle(&entry, Goal::Settled).await,
        };
        match live {
            Ok(live) => {
                match live {
                    // What a sleeping resource does not show, it has again when it wakes.
                    Some(AnyLive { readiness: Readiness::Dormant(_), .. }) | None => {}
                    Some(AnyLive { outputs, .. }) => entry.outputs = outputs.as_object().cloned().unwrap_or_default(),
                }
                entry.status = Status::Ready;
                self.run.publish(self.address, &Json::Object(entry.outputs.clone()));
                (self.announce)();
                self.put(Some(&entry)).await?;
                Ok(entry)
            }
            Err(Trouble::Broken { why }) => {
                // What held data before is mended, never replaced by itself.
                if !self.kind.holds_data() || matches!(entry.status, Status::Creating { .. }) {
                    entry.status = Status::Tainted { why: why.clone() };
                    self.put(Some(&entry)).await?;
                }
                Err(Trouble::Broken { why })
            }
            Err(trouble) => Err(trouble),
        }
    }

    async fn delete(&self, mut entry: Entry) -> Result<(), Trouble> {
        // A creation that was cut off: find what it left before saying that nothing is there.
        if matches!(entry.status, Status::Creating { .. }) {
            match self.left_behind(Some(entry.id.clone()), &entry).await? {
                Some(made) => entry.id = Some(made.id),
                None => return self.put(None).await,
            }
        }
        let Some(id) = entry.id.clone() else { return Ok(()) };
        self.remove(entry, &id, &self.change.work.removal).await?;
        self.put(None).await
    }

    /// Takes the steps of a deletion and waits until it is gone.
    async fn remove(&self, mut entry: Entry, id: &Id, steps: &[Step]) -> Result<(), Trouble> {
        let spec = entry.spec.clone();
        let mut again = self.kind.typical().delete <= AT_ONCE;
        loop {
            for step in steps {
                entry.status = Status::Deleting { step: Some(step.clone()), since: self.now() };
                let leave = self.intend(&entry).await?;
                self.send_removal(step, id, &spec, &leave).await?;
            }
            // Where nothing is sent, nothing goes: what has been done, or is kept on purpose.
            if !self.kind.settles() || steps.is_empty() {
                return Ok(());
            }
            match self.settle(&entry, Goal::Gone).await {
                // AWS may have said that it is not there because it did not show there yet.
                Err(Trouble::NotSettled { .. }) if std::mem::take(&mut again) => {}
                settled => return settled.map(drop),
            }
        }
    }

    async fn send_removal(&self, step: &Step, id: &Id, spec: &Arc<Json>, leave: &Leave) -> Result<(), Trouble> {
        self.run.emit(Event::Step { address: self.address.clone(), step: step.name.clone() });
        let job = AnyJob { step, id, before: spec, spec };
        let call = || self.kind.run(&self.run.setting.aws, job);
        past_blockers(self.run, self.kind, &self.which(id, spec), leave, true, call, || async { Ok(None) })
            .await
            .map(|_| ())
    }

    /// Asks how the resource is, not what it is.
    fn which(&self, id: &Id, spec: &Arc<Json>) -> AnyWhich {
        AnyWhich { address: self.address.clone(), id: Some(id.clone()), spec: spec.clone(), settling: true }
    }

    async fn delete_deposed(&self, mut entry: Entry) -> Result<Entry, Trouble> {
        while let Some(deposed) = entry.deposed.last().cloned() {
            for step in self.kind.remove(&deposed.spec)? {
                // That it is deposed is the intent; writing it again proves that this run still may.
                let leave = self.intend(&entry).await?;
                self.send_removal(&step, &deposed.id, &deposed.spec, &leave).await?;
            }
            if self.kind.settles() {
                self.settle_as(Some(deposed.id), &deposed.spec, Goal::Gone, true).await?;
            }
            entry.deposed.pop();
            self.put(Some(&entry)).await?;
        }
        Ok(entry)
    }
}
