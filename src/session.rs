//! One environment at work: its configuration, its state and AWS, opened together and checked against each other.
//!
//! Called by `cli` and by the integration tests, which thereby go the same way. `place` and `unknown` refuse states that
//! are not those of what is there, `rebuild` makes a lost one anew. Must print nothing and ask nothing.

mod place;
mod rebuild;
mod unknown;

pub use rebuild::{Rebuilt, Undecided, rebuild};

use crate::{
    apply::{self, Event, Interrupt, Outcome, SECOND_LOOK, Setting},
    aws::{Aws, Connection, Owner, network, owned::tagged, zones::zones},
    clock::Clock,
    config::{
        Diagnostic, Environment, Origin, Problems,
        typed::{Config, Vpc},
    },
    failure::Failure,
    plan::{self, Binding, Moved, ObserveError, Observed, Options, Plan, PlanError, Planned, Saved, Since, observe},
    preflight::{Keeping, Preflight, Report},
    stack::{Existing, Site, Stack, build, existing, recorded_zones},
    state::{Run, State, Store, StoreError, Writer, Written},
};
use jiff::Timestamp;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinHandle};

/// How long an answer may take before what was shown is looked at once more.
const FRESH: Duration = Duration::from_mins(5);

/// An open environment.
pub struct Session {
    /// The configuration with the origin of every value.
    pub environment: Environment,
    /// What rsds remembers.
    pub state: State,
    /// AWS.
    pub aws: Aws,
    /// Who this run is, for the state it writes.
    pub run: Option<Run>,
    /// Whether plans are examined before they are shown: whether AWS would let them happen.
    pub preflight: bool,
    /// Why the store does not have the state as it is here, after an apply: what AWS answered is then only here.
    pub unsaved: Option<StoreError>,
    store: Arc<dyn Store>,
    clock: Clock,
}

/// Reads the state of an environment, or begins one.
pub async fn load_state(environment: &Environment, store: &dyn Store) -> Result<State, Failure> {
    Ok(store.load().await?.unwrap_or_else(|| begun(&environment.config, None)))
}

/// A state that begins, with this lineage or one of its own.
fn begun(config: &Config, lineage: Option<String>) -> State {
    let lineage = lineage.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    State::pristine(&config.project, &config.env, lineage)
}

/// Builds the desired graph for those who only look at it: without AWS. Of zones and of an existing network it knows
/// what the state does.
///
/// Errors: the TOML asks for what is not built yet; what `build` finds wrong.
pub fn outline(environment: &Environment, state: &State) -> Result<Stack, Failure> {
    check_supported(environment)?;
    Ok(build(
        environment,
        &Owner::of(&environment.config, &state.lineage),
        &Site::recorded(&environment.config, state),
    )?)
}

/// Tells whether the plan goes by the state and not by the TOML.
const fn is_as_recorded(options: &Options) -> bool {
    options.destroy || options.refresh_only
}

fn check_supported(environment: &Environment) -> Result<(), Failure> {
    match environment.unsupported.as_slice() {
        [] => Ok(()),
        problems => Err(Problems(problems.to_vec()).into()),
    }
}

impl Session {
    /// Opens the state and AWS.
    ///
    /// Errors: no or wrong credentials; an account or region other than the TOML or the state say; no state, and AWS has
    /// what carries the environment's tags.
    pub async fn open(
        environment: Environment,
        connection: Connection,
        store: Arc<dyn Store>,
    ) -> Result<Self, Failure> {
        Self::open_as(environment, connection, store, None).await
    }

    /// The same for a saved plan: the lineage it chose is in the tags it would set, so a state that begins takes it.
    pub async fn open_as(
        environment: Environment,
        connection: Connection,
        store: Arc<dyn Store>,
        lineage: Option<String>,
    ) -> Result<Self, Failure> {
        let config = &environment.config;
        let clock = connection.clock.clone();
        let mut aws = connection.reach(Owner::of(config, "")).await;
        // AWS is asked who is calling while the state is fetched, and, where there is none, what carries the tags.
        let beginning = async {
            let loaded = store.load().await;
            let there = match &loaded {
                Ok(None) => tagged(&aws, config.copies_to()).await,
                Ok(Some(_)) | Err(_) => Ok(Vec::new()),
            };
            (loaded, there)
        };
        let ((loaded, there), caller) = tokio::join!(beginning, aws.caller());
        let state = loaded?.unwrap_or_else(|| begun(config, lineage));
        place::check_environment(&state, config, store.as_ref()).await?;
        aws.owner = Owner::of(config, &state.lineage);
        let aws = aws.called_by(caller?);
        let session = Self { environment, state, aws, run: None, preflight: true, unsaved: None, store, clock };
        session.check_place().await?;
        session.check_that_nothing_is_there(there).await?;
        Ok(session)
    }

    /// Builds the desired graph.
    pub async fn stack(&self) -> Result<Stack, Failure> {
        self.stack_at(&self.state).await
    }

    /// The same where another state says what stands already: that of an import to come.
    pub async fn stack_at(&self, state: &State) -> Result<Stack, Failure> {
        Ok(self.surveyed(state, &Options::default()).await?.0)
    }

    /// Builds the desired graph where the estate lies; the second part is what is worth knowing about that place. A
    /// destroy takes the state's word: it asks nothing of the place.
    async fn surveyed(&self, state: &State, options: &Options) -> Result<(Stack, Vec<Diagnostic>), Failure> {
        let (config, destroy) = (&self.environment.config, is_as_recorded(options));
        let (existing, warnings) = match destroy && !matches!(config.networking.vpc, Vpc::New(_)) {
            true => (Some(existing::believed(state)), Vec::new()),
            false => self.existing(state).await?,
        };
        let zones = match config.networking.uses_existing_subnets() {
            true => Vec::new(),
            false => self.zones(state).await?,
        };
        let (shared, rotations) = (Site::shares(state), Site::rotations(config, state, &options.rotate));
        let site = Site { zones, existing, shared, rotations };
        Ok((build(&self.environment, &self.aws.owner, &site)?, warnings))
    }

    /// Looks the network up that the TOML names, and chooses what is used of it.
    async fn existing(&self, state: &State) -> Result<(Option<Existing>, Vec<Diagnostic>), Failure> {
        let (environment, owner) = (&self.environment, &self.aws.owner);
        let network = &environment.config.networking;
        if matches!(network.vpc, Vpc::New(_)) {
            return Ok((None, Vec::new()));
        }
        let all = network::vpcs(&self.aws).await?;
        let vpc = existing::vpc(environment, state, owner, &all)?;
        let found = network::network(&self.aws, vpc, &network.subnet_ids).await?;
        let (chosen, warnings) = existing::choose(environment, state, owner, &found)?;
        Ok((Some(chosen), warnings))
    }

    /// The zone of each subnet: the one the TOML names, else the one it is in, else the region's next.
    async fn zones(&self, state: &State) -> Result<Vec<String>, Failure> {
        let known = recorded_zones(&self.environment.config, state);
        let wanted = known.len();
        let offered = match known.contains(&None) {
            true => zones(&self.aws).await?,
            false => Vec::new(),
        };
        let mut free = offered.iter().filter(|zone| !known.contains(&Some((*zone).clone())));
        let zones = known.iter().map(|zone| zone.clone().or_else(|| free.next().cloned()));
        zones.collect::<Option<Vec<String>>>().ok_or_else(|| {
            Failure::new(
                format!("{} has {} availability zones, the TOML asks for {wanted}", self.aws.region, offered.len()),
                format!("set networking.availability_zones to at most {}", offered.len()),
            )
        })
    }

    /// Plans. `refresh` says whether AWS is read, or the state is believed.
    pub async fn plan(&self, options: &Options, refresh: bool) -> Result<Plan, Failure> {
        Ok(self.prepare(options, refresh).await?.plan)
    }

    /// Plans, and keeps what the plan rests on.
    ///
    /// Errors: besides those of planning, everything that is known to fail in AWS (unless `preflight` is off).
    pub async fn prepare(&self, options: &Options, refresh: bool) -> Result<Planned, Failure> {
        let (mut planned, report) = self.examined(options, refresh, self.preflight).await?;
        if report.fails() {
            return Err(Failure::Preflight(Box::new(report)));
        }
        planned.plan.warnings.extend(report.warnings());
        Ok(planned)
    }

    /// Plans, and tells what came of each check.
    pub async fn examine(&self, options: &Options, refresh: bool) -> Result<Report, Failure> {
        Ok(self.examined(options, refresh, true).await?.1)
    }

    async fn examined(&self, options: &Options, refresh: bool, preflight: bool) -> Result<(Planned, Report), Failure> {
        self.check_options(options)?;
        let mut examination = preflight.then(Preflight::new);
        let read = async {
            match refresh {
                true => self.observed(options).await,
                false => Ok((Observed::assumed(&self.state), Vec::new())),
            }
        };
        let begin = async {
            let (wanted, keeping) = tokio::join!(self.wanted(options), self.keeping(preflight));
            let wanted = wanted?;
            if let Some(examination) = &mut examination {
                examination.keeping = keeping?;
                examination.begin(&self.aws, &self.environment, (&wanted.0, &self.state), options).await;
            }
            Ok::<_, Failure>(wanted)
        };
        // Neither needs the other. What is wrong with the TOML is told before what is wrong with AWS.
        let (wanted, observed) = tokio::join!(begin, read);
        let ((stack, warnings), (observed, told)) = (wanted?, observed?);
        self.check_lineage(&observed).await?;
        let plan = self.decided(&stack, warnings, &observed, told, options)?;
        let report = match examination {
            Some(examination) => examination.finish(&self.aws, &self.environment, (&stack, &self.state), &plan).await,
            None => Report::default(),
        };
        Ok((Planned { plan, observed }, report))
    }

    /// Looks at the place of a state that is to be begun.
    async fn keeping(&self, preflight: bool) -> Result<Keeping, Failure> {
        if !preflight || self.state.serial > 0 {
            return Ok(Keeping::default());
        }
        let lacks = self.store.flaws().await?;
        let place = self.store.place();
        Ok(Keeping { asked: lacks.is_some(), place, lacks: lacks.unwrap_or_default() })
    }

    /// Reads AWS. What the state was told moments ago may not show yet: what is not as recorded is then looked at again,
    /// until it is, or has had the time to.
    async fn observed(&self, options: &Options) -> Result<(Observed, Vec<String>), Failure> {
        let aws = Aws { refresh_sql: self.aws.refresh_sql || options.refresh_sql, ..self.aws.clone() };
        let mut pause = Duration::from_secs(1);
        loop {
            let seen = observe(&aws, &self.state).await;
            let told = self.state.written.map(|written| self.clock.timestamp().duration_since(written));
            let told = told.map(|told| self.clock.aws_time(Duration::try_from(told).unwrap_or_default()));
            match told.and_then(|told| SECOND_LOOK.checked_sub(told)).filter(|left| !left.is_zero()) {
                Some(left) if self.may_show_late(&seen) => self.clock.sleep(pause.min(left)).await,
                Some(_) | None => return Ok(seen?),
            }
            pause *= 2;
        }
    }

    /// Tells whether what was seen may be the past: it is not as recorded, or has a stranger where one was taken away.
    fn may_show_late(&self, seen: &Result<(Observed, Vec<String>), ObserveError>) -> bool {
        match seen {
            Ok((observed, _)) => !observed.is_as_recorded(&self.state),
            Err(error) => matches!(error, ObserveError::Foreign { .. }),
        }
    }

    /// Returns what a plan made now is bound to.
    fn binding(&self) -> Binding {
        let (config, state) = (&self.environment.config, &self.state);
        Binding {
            rsds: env!("CARGO_PKG_VERSION").to_owned(),
            project: config.project.clone(),
            environment: config.env.clone(),
            account: self.aws.account.clone(),
            region: self.aws.region.clone(),
            lineage: state.lineage.clone(),
            serial: state.serial,
            config_digest: self.environment.digest(),
            files: self.environment.files(),
        }
    }

    /// Makes a plan ready for a file.
    pub fn save(&self, planned: Planned, options: &Options, refreshed: bool) -> Result<Saved, Failure> {
        let defect =
            |error: serde_json::Error| Failure::new(error.to_string(), "this is a defect of rsds; please report it");
        Ok(Saved {
            created: self.clock.timestamp(),
            binding: self.binding(),
            sets: self.environment.sets().to_vec(),
            options: options.clone(),
            refreshed,
            origins: self.origins(&planned.plan),
            warnings: self
                .environment
                .warnings()
                .iter()
                .chain(&planned.plan.warnings)
                .map(ToString::to_string)
                .collect(),
            observed_digest: Saved::digest_of(&planned.observed).map_err(defect)?,
            planned,
        })
    }

    /// Where every key that a plan names stands, and the tables around it.
    fn origins(&self, plan: &Plan) -> BTreeMap<String, String> {
        let fields =
            plan.changes.values().flat_map(|change| &change.fields).filter_map(|field| field.origin.as_deref());
        let named = plan.changes.values().filter_map(|change| change.origin.as_deref()).chain(fields);
        let around = |key| std::iter::successors(Some(key), |key: &&str| key.rsplit_once('.').map(|(table, _)| table));
        named.flat_map(around).filter_map(|key| Some((key.to_owned(), self.environment.place(key)?))).collect()
    }

    /// Reads AWS once more for a saved plan and returns the plan to carry out, which does what the saved one says, and
    /// what has become different without changing that.
    ///
    /// Errors: whatever it was bound to, or anything it rests on, is not what it was; `again` is the command to type then.
    pub async fn redeem(&self, saved: &Saved, options: &Options, again: &str) -> Result<(Plan, Vec<Moved>), Failure> {
        let broken = saved.binding.broken(&self.binding());
        if !broken.is_empty() {
            return Err(no_longer(broken, again));
        }
        let now = self.prepare(options, true).await?;
        self.unmoved(&saved.planned, now, again)
    }

    /// Returns the plan to carry out after somebody was asked at `asked` and agreed: what was shown, looked at once more
    /// when the answer took longer than five minutes.
    ///
    /// Errors: anything it rests on is not what it was; `again` is the command to type then.
    pub async fn agreed(
        &self,
        shown: Planned,
        options: &Options,
        asked: Timestamp,
        again: &str,
    ) -> Result<(Plan, Vec<Moved>), Failure> {
        // Wall time, which goes on while a laptop sleeps.
        let took = self.clock.timestamp().duration_since(asked);
        if Duration::try_from(took).is_ok_and(|took| took <= FRESH) {
            return Ok((shown.plan, Vec::new()));
        }
        let now = self.prepare(options, true).await?;
        self.unmoved(&shown, now, again)
    }

    fn unmoved(&self, then: &Planned, now: Planned, again: &str) -> Result<(Plan, Vec<Moved>), Failure> {
        let Since { against, harmless } = plan::moved(then, &now, &self.state);
        match against.is_empty() {
            true => Ok((now.plan, harmless)),
            false => Err(no_longer(against.into_iter().map(PlanError::from).collect(), again)),
        }
    }

    /// Brings the records up to date that a plan names, and does nothing else.
    pub async fn record(&mut self, plan: &Plan) -> Result<(), Failure> {
        let (writer, written) = self.writer();
        let records = plan.refresh.iter().map(|(address, entry)| (address.clone(), Some(entry.clone()))).collect();
        let result = writer.put_all(records).await;
        drop(writer);
        self.keep(written).await;
        Ok(result?)
    }

    /// Starts the owner of the state.
    fn writer(&self) -> (Writer, JoinHandle<Written>) {
        Writer::start(self.placed(), Arc::clone(&self.store), self.run.clone(), self.clock.clone())
    }

    /// Takes over what the owner of the state has written, and what it could not write.
    async fn keep(&mut self, written: JoinHandle<Written>) {
        if let Ok(Written { state, unsaved }) = written.await {
            self.state = state;
            self.unsaved = unsaved;
        }
    }

    /// The state, with the place it is about.
    fn placed(&self) -> State {
        let (account, region) = (Some(self.aws.account.clone()), Some(self.aws.region.clone()));
        State { account, region, ..self.state.clone() }
    }

    /// Looks at what runs, and plans from that; there may be no plan though AWS could be read.
    pub async fn look(&self, options: &Options) -> Result<(Observed, Result<Plan, Failure>), Failure> {
        let (observed, wanted) = tokio::join!(self.observed(options), self.wanted(options));
        let (observed, told) = observed?;
        let plan = wanted.and_then(|(stack, warnings)| self.decided(&stack, warnings, &observed, told, options));
        Ok((observed, plan))
    }

    /// The graph that the options ask for, with what is worth knowing about the place.
    async fn wanted(&self, options: &Options) -> Result<(Stack, Vec<Diagnostic>), Failure> {
        self.check_options(options)?;
        self.surveyed(&self.state, options).await
    }

    /// Refuses what the TOML asks for and rsds cannot do yet, where the TOML counts.
    fn check_options(&self, options: &Options) -> Result<(), Failure> {
        match is_as_recorded(options) {
            true => Ok(()),
            false => check_supported(&self.environment),
        }
    }

    fn decided(
        &self,
        stack: &Stack,
        mut warnings: Vec<Diagnostic>,
        observed: &Observed,
        read: Vec<String>,
        options: &Options,
    ) -> Result<Plan, Failure> {
        warnings.extend(read.into_iter().map(|warning| Diagnostic::warning(warning, &Origin::Default)));
        Ok(Plan { warnings, ..plan::plan(stack, &self.state, observed, options)? })
    }

    /// Does what the plan says. The session's state is then what was last written.
    pub async fn apply(
        &mut self,
        plan: Arc<Plan>,
        events: mpsc::UnboundedSender<Event>,
        interrupt: Interrupt,
    ) -> Outcome {
        let state = self.placed();
        let (writer, written) = self.writer();
        let setting = Setting { aws: self.aws.clone(), writer, clock: self.clock.clone(), events, interrupt };
        let outcome = apply::apply(plan, &state, setting).await;
        self.keep(written).await;
        outcome
    }
}

/// The refusal of a plan that no longer holds.
fn no_longer(mut why: Vec<PlanError>, again: &str) -> Failure {
    why.push(PlanError {
        address: None,
        message: "the plan no longer holds; nothing was changed".to_owned(),
        help: format!("look at what has become of it: {again}"),
    });
    Failure::Plan(why)
}
