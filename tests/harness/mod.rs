//! An environment on an in-process AWS in virtual time: what every test in this binary stands on.

pub(crate) mod wire;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use rsds::{
    apply::{Event, Outcome},
    aws::{Connection, KINDS},
    clock::Clock,
    config,
    failure::Failure,
    plan::{Options, Plan},
    sandbox::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Sandbox},
    session::Session,
    state::{MemoryStore, State, Store},
};
use std::{path::Path, sync::Arc};
use tokio::sync::{mpsc, watch};
use unkind::Unkind;

mod unkind;

/// One environment, its files, its state and its AWS.
pub(crate) struct Estate {
    pub dir: tempfile::TempDir,
    pub env: &'static str,
    pub sandbox: Sandbox,
    pub store: Arc<MemoryStore>,
    pub clock: Clock,
    pub sets: Vec<String>,
    /// Where the connection goes.
    pub region: String,
    /// What stands between it and the sandbox.
    pub wire: Option<SharedHttpClient>,
    /// The events of the last apply.
    pub events: Vec<Event>,
    /// Whether plans are examined beforehand; sweeps of hundreds of plans go without.
    pub preflight: bool,
    /// Whether what lives inside warehouses is always read; by default only where something may have changed.
    pub refresh_sql: bool,
}

/// Selectors as a user types them.
pub(crate) fn select(texts: &[&str]) -> Vec<rsds::address::Selector> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Options with targets.
pub(crate) fn targeted(texts: &[&str]) -> Options {
    Options { targets: select(texts), ..Options::default() }
}

/// Options of a destroy.
pub(crate) fn destroying(texts: &[&str]) -> Options {
    Options { destroy: true, ..targeted(texts) }
}

impl Estate {
    /// An environment `dev` with this TOML; must run in a paused runtime.
    pub(crate) fn new(toml: &str) -> Self {
        let estate = Self::empty("dev");
        estate.write(toml);
        estate
    }

    /// The same for sweeps of hundreds of plans: they are not examined beforehand.
    pub(crate) fn bare(toml: &str) -> Self {
        Self { preflight: false, ..Self::new(toml) }
    }

    /// An environment that comes with rsds, so that tests live on what users start from.
    pub(crate) fn shipped(env: &'static str) -> Self {
        let estate = Self::empty(env);
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments").read_dir().unwrap();
        for file in files.map(|file| file.unwrap()) {
            std::fs::copy(file.path(), estate.dir.path().join("environments").join(file.file_name())).unwrap();
        }
        estate
    }

    /// The same again, behind a wire that keeps only what AWS promises, and which is always asked for everything.
    pub(crate) fn unkind(toml: &str) -> Self {
        let estate = Self::bare(toml);
        Self { wire: Some(Unkind::wire(&estate.sandbox)), refresh_sql: true, ..estate }
    }

    fn empty(env: &'static str) -> Self {
        let clock = Clock::paused("2026-11-22T10:00:00Z".parse().unwrap());
        let sandbox = Sandbox::in_memory(clock.clone());
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("environments")).unwrap();
        let estate = Self {
            dir,
            env,
            sandbox,
            store: Arc::default(),
            clock,
            sets: Vec::new(),
            region: "us-west-2".to_owned(),
            wire: None,
            events: Vec::new(),
            preflight: true,
            refresh_sql: false,
        };
        // An account whose owner has asked AWS for more: tests of what does not fit set their own.
        let raised = ["redshift-serverless/workgroups", "redshift-serverless/namespaces", "vpc/L-29B6F2EB"];
        for quota in raised.into_iter().chain(["vpc/L-F678F1CE", "vpc/L-A4707A72"]) {
            estate.quota(quota, 1000);
        }
        estate
    }

    /// Puts another TOML in place.
    pub(crate) fn write(&self, toml: &str) {
        std::fs::write(self.dir.path().join(format!("environments/{}.toml", self.env)), toml).unwrap();
    }

    pub(crate) fn connection(&self) -> Connection {
        let credentials =
            aws_credential_types::Credentials::new(ACCESS_KEY_ID, SECRET_ACCESS_KEY, None, None, "sandbox");
        Connection {
            region: self.region.clone(),
            http: Some(self.wire.clone().unwrap_or_else(|| self.sandbox.http_client())),
            credentials: Some(aws_credential_types::provider::SharedCredentialsProvider::new(credentials)),
            parallelism: 32,
            clock: self.clock.clone(),
        }
    }

    pub(crate) async fn open(&self) -> Result<Session, Failure> {
        self.open_on(Arc::clone(&self.store) as Arc<dyn Store>).await
    }

    /// The same with this store in the place of the estate's own.
    pub(crate) async fn open_on(&self, store: Arc<dyn Store>) -> Result<Session, Failure> {
        let environment = config::load(self.dir.path(), self.env, &self.sets)?;
        let mut session = Session::open(environment, self.connection(), store).await?;
        session.preflight = self.preflight;
        session.aws.refresh_sql = self.refresh_sql;
        Ok(session)
    }

    /// Changes what the account may have: `<service>/<code>` of the sandbox's table.
    pub(crate) fn quota(&self, key: &str, limit: u64) {
        self.sandbox.set_quota(key, limit).unwrap();
    }

    pub(crate) async fn plan(&self, options: &Options) -> Result<Plan, Failure> {
        self.open().await?.plan(options, true).await
    }

    /// Plans and applies; the events stay in `self.events`.
    pub(crate) async fn run(&mut self, options: &Options) -> Outcome {
        let session = self.open().await.unwrap();
        let plan = session.plan(options, true).await.unwrap();
        self.carry_out(session, plan).await
    }

    /// Applies a plan; the events stay in `self.events`.
    pub(crate) async fn carry_out(&mut self, mut session: Session, plan: impl Into<Arc<Plan>>) -> Outcome {
        let (events, mut inbox) = mpsc::unbounded_channel();
        let (_keep, interrupt) = watch::channel(None);
        let outcome = session.apply(plan.into(), events, interrupt).await;
        self.events.clear();
        while let Ok(event) = inbox.try_recv() {
            self.events.push(event);
        }
        outcome
    }

    /// Applies, and demands that everything was done.
    pub(crate) async fn apply(&mut self) -> Outcome {
        let outcome = self.run(&Options::default()).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        outcome
    }

    /// Demands that a plan has nothing to do, what lives inside warehouses included.
    pub(crate) async fn settled(&self) {
        let plan = self.plan(&Options { refresh_sql: true, ..Options::default() }).await.unwrap();
        let touched: Vec<String> =
            plan.touched().map(|c| format!("{:?} {} {:?} {:#?}", c.action, c.address, c.reasons, c.fields)).collect();
        assert!(plan.is_empty(), "{}", touched.join("\n"));
    }

    pub(crate) fn state(&self) -> State {
        self.store.last().unwrap()
    }
}

/// Every failure as text.
pub(crate) fn text(failure: &Failure) -> String {
    match failure {
        Failure::Config(problems) => problems.render(false, 100),
        Failure::Plan(errors) => errors.iter().map(|e| format!("{}\n{}\n", e.message, e.help)).collect(),
        Failure::Preflight(report) => rsds::ui::preflight_errors(report, false, 100),
        Failure::Other { message, help, .. } => format!("{message}\n{}", help.clone().unwrap_or_default()),
    }
}

/// Every kind there is, by name.
pub(crate) fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name()).collect()
}
