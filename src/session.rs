//! One environment at work: its configuration, its state and AWS, opened together and checked against each other.
//!
//! Called by `cli` and by the integration tests, which thereby go the same way. Must print nothing and ask nothing.

use crate::{
    address::Address,
    apply::{self, Event, Outcome, Setting},
    aws::{Aws, Connection, Owner, network, zones::zones},
    clock::Clock,
    config::{
        Diagnostic, Environment, Problems,
        typed::{Vpc, Zones},
    },
    failure::Failure,
    plan::{self, Observed, Options, Plan, observe},
    stack::{Existing, Site, Stack, build, existing},
    state::{State, Store, Writer},
};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// An open environment.
pub struct Session {
    /// The configuration with the origin of every value.
    pub environment: Environment,
    /// What rsds remembers.
    pub state: State,
    /// AWS.
    pub aws: Aws,
    store: Arc<dyn Store>,
    clock: Clock,
}

/// Reads the state of an environment, or begins one.
pub async fn load_state(environment: &Environment, store: &dyn Store) -> Result<State, Failure> {
    let config = &environment.config;
    let lineage = || uuid::Uuid::new_v4().to_string();
    let state = store.load().await?;
    Ok(state.unwrap_or_else(|| State::pristine(&config.project, &config.env, lineage())))
}

impl Session {
    /// Opens the state and AWS.
    ///
    /// Errors: no or wrong credentials; an account or region other than the TOML or the state say.
    pub async fn open(
        environment: Environment,
        connection: Connection,
        store: Arc<dyn Store>,
    ) -> Result<Self, Failure> {
        let state = load_state(&environment, store.as_ref()).await?;
        let config = &environment.config;
        if !state.entries.is_empty() && (state.project != config.project || state.environment != config.env) {
            return Err(Failure::new(
                format!("the state belongs to {}-{}", state.project, state.environment),
                "the TOML's `project` must not change while resources exist: destroy them first, or change it back",
            ));
        }
        let owner =
            Owner { project: config.project.clone(), environment: config.env.clone(), lineage: state.lineage.clone() };
        let clock = connection.clock.clone();
        let aws = connection.open(owner).await?;
        let session = Self { environment, state, aws, store, clock };
        session.check_place()?;
        Ok(session)
    }

    /// Refuses to touch an account or a region other than the one meant.
    fn check_place(&self) -> Result<(), Failure> {
        let config = &self.environment.config;
        if let Some(account) = config.account.as_ref().filter(|account| **account != self.aws.account) {
            return Err(Failure::new(
                format!(
                    "the credentials belong to account {} ({}), the TOML names account {account}",
                    self.aws.account, self.aws.caller
                ),
                "nothing was touched; switch credentials (AWS_PROFILE) or correct `account`",
            ));
        }
        if self.state.entries.is_empty() {
            return Ok(());
        }
        let moved = |what: &str, was: &Option<String>, is: &str| match was {
            Some(was) if was != is => Err(Failure::new(
                format!("the state holds resources in {what} {was}, this run is for {what} {is}"),
                format!("go back to {what} {was}, or destroy them there first"),
            )),
            Some(_) | None => Ok(()),
        };
        moved("account", &self.state.account, &self.aws.account)?;
        moved("region", &self.state.region, &self.aws.region)
    }

    /// Builds the desired graph.
    pub async fn stack(&self) -> Result<Stack, Failure> {
        Ok(self.surveyed(false).await?.0)
    }

    /// Builds the desired graph where the estate lies; the second part is what is worth knowing about that place. A
    /// destroy takes the state's word: it asks nothing of the place.
    async fn surveyed(&self, destroy: bool) -> Result<(Stack, Vec<Diagnostic>), Failure> {
        let config = &self.environment.config;
        let (existing, warnings) = match destroy && !matches!(config.networking.vpc, Vpc::New(_)) {
            true => (Some(existing::believed(&self.state)), Vec::new()),
            false => self.existing().await?,
        };
        let zones = match config.networking.uses_existing_subnets() {
            true => Vec::new(),
            false => self.zones().await?,
        };
        Ok((build(&self.environment, &self.aws.owner, &Site { zones, existing })?, warnings))
    }

    /// Looks the network up that the TOML names, and chooses what is used of it.
    async fn existing(&self) -> Result<(Option<Existing>, Vec<Diagnostic>), Failure> {
        let (environment, owner) = (&self.environment, &self.aws.owner);
        let network = &environment.config.networking;
        if matches!(network.vpc, Vpc::New(_)) {
            return Ok((None, Vec::new()));
        }
        let all = network::vpcs(&self.aws).await?;
        let vpc = existing::vpc(environment, &self.state, owner, &all)?;
        let found = network::network(&self.aws, vpc, &network.subnet_ids).await?;
        let (chosen, warnings) = existing::choose(environment, &self.state, owner, &found)?;
        Ok((Some(chosen), warnings))
    }

    /// The zone of each subnet: the one the TOML names, else the one it is in, else the region's next.
    async fn zones(&self) -> Result<Vec<String>, Failure> {
        let wanted = match &self.environment.config.networking.zones {
            Zones::Names(names) => return Ok(names.clone()),
            Zones::Count(count) => *count,
        };
        let recorded = |n: u32| {
            let entry = self.state.entries.get(&Address::new("networking", format!("subnet-{n}")))?;
            entry.spec["zone"].as_str().map(str::to_owned)
        };
        let recorded: Vec<Option<String>> = (1..=wanted).map(recorded).collect();
        let offered = match recorded.contains(&None) {
            true => zones(&self.aws).await?,
            false => Vec::new(),
        };
        let mut free = offered.iter().filter(|zone| !recorded.contains(&Some((*zone).clone())));
        let zones = recorded.iter().map(|zone| zone.clone().or_else(|| free.next().cloned()));
        zones.collect::<Option<Vec<String>>>().ok_or_else(|| {
            Failure::new(
                format!("{} has {} availability zones, the TOML asks for {wanted}", self.aws.region, offered.len()),
                format!("set networking.availability_zones to at most {}", offered.len()),
            )
        })
    }

    /// Plans. `refresh` says whether AWS is read, or the state is believed.
    pub async fn plan(&self, options: &Options, refresh: bool) -> Result<Plan, Failure> {
        self.check_supported(options)?;
        let (stack, warnings) = self.surveyed(options.destroy).await?;
        let observed = match refresh {
            true => observe(&self.aws, &self.state).await?,
            false => Observed::assumed(&self.state),
        };
        self.decided(&stack, warnings, &observed, options)
    }

    /// Looks at what runs, and plans from that; there may be no plan though AWS could be read.
    pub async fn look(&self, options: &Options) -> Result<(Observed, Result<Plan, Failure>), Failure> {
        let observed = observe(&self.aws, &self.state).await?;
        let plan = self.plan_from(&observed, options).await;
        Ok((observed, plan))
    }

    async fn plan_from(&self, observed: &Observed, options: &Options) -> Result<Plan, Failure> {
        self.check_supported(options)?;
        let (stack, warnings) = self.surveyed(options.destroy).await?;
        self.decided(&stack, warnings, observed, options)
    }

    fn decided(
        &self,
        stack: &Stack,
        warnings: Vec<Diagnostic>,
        observed: &Observed,
        options: &Options,
    ) -> Result<Plan, Failure> {
        Ok(Plan { warnings, ..plan::plan(stack, &self.state, observed, options)? })
    }

    fn check_supported(&self, options: &Options) -> Result<(), Failure> {
        if options.destroy || self.environment.unsupported.is_empty() {
            return Ok(());
        }
        Err(Problems(self.environment.unsupported.clone()).into())
    }

    /// Does what the plan says. The session's state is then what was last written.
    pub async fn apply(
        &mut self,
        plan: Arc<Plan>,
        events: mpsc::UnboundedSender<Event>,
        interrupt: watch::Receiver<bool>,
    ) -> Outcome {
        let mut state = self.state.clone();
        state.account = Some(self.aws.account.clone());
        state.region = Some(self.aws.region.clone());
        let (writer, written) = Writer::start(state.clone(), Arc::clone(&self.store));
        let setting = Setting { aws: self.aws.clone(), writer, clock: self.clock.clone(), events, interrupt };
        let outcome = apply::apply(plan, &state, setting).await;
        if let Ok(state) = written.await {
            self.state = state;
        }
        outcome
    }
}
