//! Faults: every operation of a life (apply, update, replace, destroy), mutating and reading, meets every fault there is,
//! once and always. It recovers, or fails precisely and loses nothing: with the faults over, the next run makes good.
//!
//! "Once" takes all operations in one run, "always" each in a run of its own. The gate sweeps a part: of the faults every
//! so many-th for each life, so that together the lives meet all of them, and of the pairs that meet always every so many-th.
//! `RSDS_FAULTS=all` sweeps all of it, `RSDS_FAULTS=Busy` all of one fault; `-- --nocapture` shows the figures.

mod wire;

use crate::{harness::*, scene::*};
use rsds::{
    apply::{Outcome, Trouble},
    aws::Class,
    clock::Clock,
    failure::Failure,
    plan::{Options, Plan},
    sandbox::{AwsError, Fault, How, Sandbox, World},
    state::{MemoryStore, State, Store},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{mpsc, watch};

/// The estates that are swept: together they have every kind.
const SWEPT: [&str; 2] = [SMALL_SHARING, SMALL_CLUSTER];

/// What makes their producers from what was backed up.
const RESTORE: &[&str] = &["producer.restore.snapshot=backup"];

/// When a call that was not answered lands.
const LATE: Duration = Duration::from_secs(12);

#[tokio::test(start_paused = true)]
async fn every_kind_is_swept() {
    let mut there = BTreeSet::new();
    for (toml, sets) in SWEPT.iter().flat_map(|toml| [(toml, &[][..]), (toml, RESTORE)]) {
        let mut estate = Estate::bare(toml);
        estate.set(sets);
        let stack = estate.open().await.unwrap().stack().await.unwrap();
        there.extend(stack.wanted.values().map(|wanted| wanted.kind.name()));
    }
    assert_eq!(there, super::harness::kinds().into_iter().collect());
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Throttled,
    Failed,
    RequestLost,
    AnswerLost,
    AnswerLate,
    Denied,
    Quota,
    Invalid,
    Unrecognised,
    Capacity,
    Busy,
    Propagating,
}

const SORTS: [Sort; 12] = [
    Sort::Throttled,
    Sort::Failed,
    Sort::RequestLost,
    Sort::AnswerLost,
    Sort::AnswerLate,
    Sort::Denied,
    Sort::Quota,
    Sort::Invalid,
    Sort::Unrecognised,
    Sort::Capacity,
    Sort::Busy,
    Sort::Propagating,
];

impl Sort {
    /// Tells whether this can happen to a call.
    fn befalls(self, Operation { name, mutating }: &Operation) -> bool {
        let (service, call) = name.split_once(':').unwrap();
        match self {
            Self::Throttled
            | Self::Failed
            | Self::RequestLost
            | Self::AnswerLost
            | Self::Denied
            | Self::Invalid
            | Self::Unrecognised => true,
            Self::AnswerLate | Self::Quota => *mutating,
            Self::Capacity => {
                matches!(
                    call,
                    "CreateWorkgroup"
                        | "UpdateWorkgroup"
                        | "CreateCluster"
                        | "RestoreFromClusterSnapshot"
                        | "ModifyCluster"
                        | "ResizeCluster"
                )
            }
            Self::Busy => *mutating && service != "sts",
            // Of a delete AWS does not say that what is there is not there.
            Self::Propagating => {
                let makes = ["Create", "Put", "Associate", "Attach", "Authorize", "Register", "Add"];
                *mutating && makes.iter().any(|verb| call.starts_with(verb))
            }
        }
    }

    /// What AWS answers; none where it does not.
    fn answer(self, operation: &str) -> Option<AwsError> {
        let service = operation.split_once(':').unwrap().0;
        let no = "ordered by a test";
        let (code, message, status) = match (self, service) {
            (Self::Throttled, "ec2") => ("RequestLimitExceeded", "Request limit exceeded.", 503),
            (Self::Throttled, "iam" | "sts" | "redshift" | "elasticloadbalancing") => {
                ("Throttling", "Rate exceeded", 400)
            }
            (Self::Throttled, _) => ("ThrottlingException", "Rate exceeded", 400),
            (Self::Failed, "ec2") => ("InternalError", no, 500),
            (Self::Failed, "iam") => ("ServiceFailure", no, 500),
            (Self::Failed, "redshift-serverless" | "tagging") => ("InternalServerException", no, 500),
            (Self::Failed, _) => ("InternalFailure", no, 500),
            (Self::Denied, "ec2") => ("UnauthorizedOperation", "You are not authorized", 403),
            (Self::Denied, "kms" | "redshift-serverless" | "logs") => {
                ("AccessDeniedException", "You are not authorized", 400)
            }
            (Self::Denied, _) => ("AccessDenied", "You are not authorized", 403),
            (Self::Quota, "ec2") => ("VpcLimitExceeded", no, 400),
            (Self::Quota, "iam") => ("LimitExceeded", no, 409),
            (Self::Quota, "redshift") => ("ClusterQuotaExceeded", no, 400),
            (Self::Quota, "redshift-serverless") => ("ServiceQuotaExceededException", no, 400),
            (Self::Quota, "elasticloadbalancing") => ("TooManyLoadBalancers", no, 400),
            (Self::Quota, _) => ("LimitExceededException", no, 400),
            (Self::Invalid, "ec2" | "redshift") => ("InvalidParameterValue", no, 400),
            (Self::Invalid, "iam") => ("InvalidInput", no, 400),
            (Self::Invalid, "elasticloadbalancing" | "sts") => ("ValidationError", no, 400),
            (Self::Invalid, _) => ("ValidationException", no, 400),
            (Self::Unrecognised, _) => ("SomethingNew", no, 400),
            (Self::Capacity, "redshift") => ("InsufficientClusterCapacity", no, 400),
            (Self::Capacity, _) => ("InsufficientCapacityException", no, 400),
            (Self::Busy, "ec2") => ("IncorrectState", no, 400),
            (Self::Busy, "iam") => ("ConcurrentModification", no, 409),
            (Self::Busy, "redshift") => ("InvalidClusterState", "There is an operation running on the Cluster", 400),
            (Self::Busy, "redshift-serverless") => ("ConflictException", "There is an operation running on it", 400),
            (Self::Busy, "elasticloadbalancing") => ("ResourceInUse", no, 400),
            (Self::Busy, "logs") => ("OperationAbortedException", no, 400),
            (Self::Busy, _) => ("ConflictException", no, 400),
            (Self::Propagating, "ec2") => ("InvalidVpcID.NotFound", no, 400),
            (Self::Propagating, "iam") => ("MalformedPolicyDocument", "Invalid principal in policy", 400),
            (Self::Propagating, "kms") => ("MalformedPolicyDocumentException", no, 400),
            (Self::Propagating, "redshift") => ("InvalidParameterValue", "The IAM role is not valid", 400),
            (Self::Propagating, "elasticloadbalancing") => ("InvalidTarget", no, 400),
            (Self::Propagating, _) => ("ValidationException", "not authorized to assume the role", 400),
            (Self::RequestLost | Self::AnswerLost | Self::AnswerLate, _) => return None,
        };
        Some(AwsError::new(code, message).status(status))
    }

    /// Lets it happen to the next so many calls of an operation.
    fn befall(self, estate: &mut Estate, operation: &str, times: usize) {
        let how = match (self.answer(operation), self) {
            (Some(error), _) => How::Error(error),
            (None, Self::AnswerLost) => How::LoseAnswer,
            (None, _) => How::LoseRequest,
        };
        estate.sandbox.inject(Fault { operation: operation.to_owned(), nth: 1, times, how });
    }

    /// Lets it happen to many operations, each so many times.
    fn befall_all(self, estate: &mut Estate, operations: &[&Operation], times: usize) -> Order {
        let names = operations.iter().map(|of| of.name.clone());
        if self == Self::AnswerLate {
            return Order { times, late: Some(estate.delay(names.map(|name| (name, times)).collect(), LATE)) };
        }
        names.for_each(|name| self.befall(estate, &name, times));
        Order { times, late: None }
    }

    /// The classes its faults may have. What a kind finds behind a code may be another than the code's own.
    const fn classes(self) -> &'static [Class] {
        match self {
            Self::Throttled => &[Class::Throttled],
            Self::Failed | Self::RequestLost | Self::AnswerLost | Self::AnswerLate => &[Class::Transient],
            Self::Denied => &[Class::Denied],
            Self::Quota => &[Class::Quota],
            Self::Invalid => &[Class::Invalid],
            Self::Unrecognised => &[Class::Unrecognised],
            Self::Capacity => &[Class::Capacity],
            Self::Busy => &[Class::Busy, Class::Exists, Class::Invalid],
            Self::Propagating => &[Class::Propagating, Class::NotFound],
        }
    }

    /// Tells whether nobody notices when it happens once.
    const fn passes(self) -> bool {
        matches!(
            self,
            Self::Throttled | Self::Failed | Self::RequestLost | Self::AnswerLost | Self::AnswerLate | Self::Capacity
        )
    }
}

/// What was ordered to go wrong.
struct Order {
    times: usize,
    late: Option<wire::ToCome>,
}

impl Order {
    /// Ends it. Returns the operations that have not met it.
    fn unmet(&self, estate: &Estate) -> Vec<String> {
        match &self.late {
            Some(late) => {
                let late = late.lock().unwrap();
                late.iter().filter(|(_, left)| **left == self.times).map(|(name, _)| name.clone()).collect()
            }
            None => estate.sandbox.disarm(),
        }
    }
}

fn throttled(operation: &str) -> How {
    How::Error(Sort::Throttled.answer(operation).unwrap())
}

fn refused(operation: &str) -> How {
    How::Error(Sort::Denied.answer(operation).unwrap())
}

/// An operation of AWS, as `service:Operation`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Operation {
    name: String,
    mutating: bool,
}

impl Operation {
    /// Tells whether a call, by its IAM action, is of this operation: the tagging API and CloudWatch sign with
    /// another name than IAM has.
    fn is(&self, action: &str) -> bool {
        self.name == action.replace("tag:", "tagging:").replace("cloudwatch:", "monitoring:")
    }
}

/// One part of an estate's life.
struct Life {
    name: &'static str,
    toml: &'static str,
    /// Whether the estate stands before.
    stands: bool,
    /// Whether it has gone again and left the snapshot `backup`.
    backed_up: bool,
    /// What is laid over the file.
    sets: &'static [&'static str],
    options: Options,
}

/// What a life begins with.
struct Start {
    world: World,
    state: Option<State>,
    at: jiff::Timestamp,
}

/// What an undisturbed life calls, and leaves.
struct Reference {
    operations: BTreeSet<Operation>,
    inventory: BTreeMap<&'static str, usize>,
}

/// How the pairs of operation and fault ended.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    recovered: usize,
    precise: usize,
}

impl Life {
    fn apply(toml: &'static str) -> Self {
        Self { name: "apply", toml, stands: false, backed_up: false, sets: &[], options: Options::default() }
    }

    fn update(toml: &'static str, sets: &'static [&'static str]) -> Self {
        Self { name: "update", stands: true, sets, ..Self::apply(toml) }
    }

    fn replace(toml: &'static str, addresses: &[&str]) -> Self {
        let options = Options { replace: select(addresses), ..Options::default() };
        Self { name: "replace", stands: true, options, ..Self::apply(toml) }
    }

    fn restore(toml: &'static str, sets: &'static [&'static str]) -> Self {
        Self { name: "restore", stands: true, backed_up: true, sets, ..Self::apply(toml) }
    }

    fn destroy(toml: &'static str) -> Self {
        Self { name: "destroy", stands: true, options: destroying(&[]), ..Self::apply(toml) }
    }

    async fn start(&self) -> Start {
        let mut estate = Estate::bare(self.toml);
        if self.stands {
            estate.apply().await;
        }
        if self.backed_up {
            estate.leave_behind("backup").await;
        }
        Start { world: estate.sandbox.world(), state: estate.store.last(), at: estate.sandbox.now() }
    }

    async fn begin(&self, start: &Start) -> Estate {
        let clock = Clock::paused(start.at);
        let sandbox = Sandbox::in_memory(clock.clone());
        sandbox.edit(|world| world.clone_from(&start.world)).unwrap();
        let store = Arc::new(MemoryStore::default());
        if let Some(state) = &start.state {
            store.save(state).await.unwrap();
        }
        let mut estate = Estate { sandbox, store, clock, ..Estate::bare(self.toml) };
        estate.set(self.sets);
        estate
    }

    async fn reference(&self, start: &Start) -> Reference {
        let mut estate = self.begin(start).await;
        estate.sandbox.take_calls();
        let outcome = estate.run(&self.options).await;
        assert!(outcome.is_complete(), "{:#?}", outcome.failed);
        let operation = |call: rsds::sandbox::Call| Operation {
            name: format!("{}:{}", call.service, call.operation),
            mutating: call.mutating,
        };
        let operations = estate.sandbox.take_calls().into_iter().map(operation).collect();
        Reference { operations, inventory: there(&estate) }
    }

    /// Runs once, and demands that whatever fails does so precisely. Tells whether all was done.
    async fn runs(&self, estate: &mut Estate, sort: Sort, at: &[&Operation], what: &str) -> bool {
        let mut session = match estate.open().await {
            Ok(session) => session,
            Err(failure) => return self.refused(&failure, sort, what),
        };
        match session.plan(&self.options, true).await {
            Ok(plan) => {
                let plan = Arc::new(plan);
                let ((events, _inbox), (_keep, interrupt)) = (mpsc::unbounded_channel(), watch::channel(None));
                let outcome = session.apply(Arc::clone(&plan), events, interrupt).await;
                precise(&plan, &outcome, sort, at, what);
                outcome.is_complete()
            }
            Err(failure) => self.refused(&failure, sort, what),
        }
    }

    /// No plan was made, and the reason is named.
    fn refused(&self, failure: &Failure, sort: Sort, what: &str) -> bool {
        let said = text(failure);
        assert!(matches!(failure, Failure::Other { help: Some(_), .. }), "no help: {what}: {said}");
        let code = sort.answer("sts:GetCallerIdentity").map_or("ConnectionFailed", |_| "answered");
        assert!(said.contains(code), "{}: {what}: {said}", self.name);
        assert!(sort.answer("x:y").is_none() || said.contains("(request "), "{what}: {said}");
        if sort.passes() {
            assert!(said.contains("times over"), "{what}: {said}");
        }
        false
    }

    /// Faults are over: the next run makes good, and everything is as it would have been.
    async fn makes_good(&self, mut estate: Estate, reference: &Reference, what: &str) {
        estate.sandbox.disarm();
        estate.wire = None;
        let options = if self.options.destroy { self.options.clone() } else { Options::default() };
        let outcome = estate.run(&options).await;
        assert!(outcome.is_complete(), "{}: {what}: {:#?}", self.name, outcome.failed);
        estate.clock.sleep(LATE * 2).await;
        assert_eq!(there(&estate), reference.inventory, "{}: {what}", self.name);
        match self.options.destroy {
            true => {
                assert!(estate.state().entries.is_empty(), "{what}");
                assert_eq!(estate.sandbox.leftovers(), Vec::<String>::new(), "{what}");
            }
            false => {
                let options = Options { refresh_sql: true, ..options };
                assert_eq!(estate.brief(&options).await, Vec::<String>::new(), "{}: {what}", self.name);
            }
        }
    }

    /// Every operation meets the fault once: many in one run, and runs until all have.
    async fn once(&self, start: &Start, reference: &Reference, sort: Sort, tally: &mut Tally) {
        let operations: Vec<&Operation> = reference.operations.iter().filter(|of| sort.befalls(of)).collect();
        if operations.is_empty() {
            return;
        }
        let mut estate = self.begin(start).await;
        estate.sandbox.take_calls();
        let order = sort.befall_all(&mut estate, &operations, 1);
        let what = format!("{sort:?} once");
        let (mut runs, mut done) = (0, false);
        while !done {
            done = self.runs(&mut estate, sort, &operations, &what).await;
            runs += 1;
            assert!(runs <= 80, "{}: {what}: no end", self.name);
            assert!(done || !sort.passes(), "{}: {what}: it does not pass", self.name);
        }
        assert_eq!(order.unmet(&estate), Vec::<String>::new(), "{}: {what}: not met", self.name);
        match runs {
            1 => tally.recovered += operations.len(),
            _ => tally.precise += operations.len(),
        }
        self.makes_good(estate, reference, &what).await;
    }

    /// One operation meets the fault whenever it is called.
    async fn always(&self, start: &Start, reference: &Reference, of: &Operation, sort: Sort, tally: &mut Tally) {
        let mut estate = self.begin(start).await;
        let order = sort.befall_all(&mut estate, &[of], usize::MAX);
        let what = format!("{sort:?} always at {}", of.name);
        let done = self.runs(&mut estate, sort, &[of], &what).await;
        assert_eq!(order.unmet(&estate), Vec::<String>::new(), "{}: {what}: not met", self.name);
        match done {
            true => tally.recovered += 1,
            false => tally.precise += 1,
        }
        self.makes_good(estate, reference, &what).await;
    }

    #[expect(clippy::print_stdout, reason = "the figures of the sweep, for `--nocapture`")]
    async fn swept(self) {
        let start = self.start().await;
        let reference = self.reference(&start).await;
        let (mut once, mut always) = (Tally::default(), Tally::default());
        let asked = asked();
        let known = |name: &String| name == "all" || SORTS.iter().any(|sort| *name == format!("{sort:?}"));
        assert!(asked.as_ref().is_none_or(known), "RSDS_FAULTS={asked:?}: `all`, or one of {SORTS:?}");
        let chosen = |sort: &Sort| asked.as_ref().is_none_or(|name| name == "all" || *name == format!("{sort:?}"));
        let (sorts, stride) = if asked.is_some() { (1, 1) } else { (SORT_STRIDE, PAIR_STRIDE) };
        let number = LIVES.iter().position(|life| *life == (self.name, self.toml == SMALL_SHARING)).unwrap();
        for sort in SORTS.into_iter().filter(chosen).skip(number % sorts).step_by(sorts) {
            self.once(&start, &reference, sort, &mut once).await;
        }
        let pairs: Vec<(Sort, &Operation)> = SORTS
            .iter()
            .filter(|sort| chosen(sort))
            .flat_map(|sort| reference.operations.iter().map(|of| (*sort, of)))
            .filter(|(sort, of)| sort.befalls(of))
            .collect();
        for (sort, of) in pairs.iter().skip(number % stride).step_by(stride) {
            self.always(&start, &reference, of, *sort, &mut always).await;
        }
        println!(
            "{} of {} operations: {} pairs once ({} recovered, {} failed precisely), {} of {} pairs always ({} recovered, \
             {} failed precisely)",
            self.name,
            reference.operations.len(),
            once.recovered + once.precise,
            once.recovered,
            once.precise,
            always.recovered + always.precise,
            pairs.len(),
            always.recovered,
            always.precise,
        );
    }
}

/// Of the faults that all operations meet once, and of the pairs that meet always: every so many-th is swept in the gate.
const SORT_STRIDE: usize = 2;
const PAIR_STRIDE: usize = 97;

/// Every life that is swept, by name and by whether its producer is serverless.
const LIVES: [(&str, bool); 10] = [
    ("apply", true),
    ("apply", false),
    ("update", true),
    ("update", false),
    ("replace", true),
    ("replace", false),
    ("destroy", true),
    ("destroy", false),
    ("restore", true),
    ("restore", false),
];

/// What `RSDS_FAULTS` asks for: `all`, or all of one fault (`Busy`).
#[expect(clippy::disallowed_methods, reason = "a test reads how it is to run")]
fn asked() -> Option<String> {
    std::env::var("RSDS_FAULTS").ok()
}

/// What there is.
fn there(estate: &Estate) -> BTreeMap<&'static str, usize> {
    estate.inventory().into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Every failure is one of those ordered, and what was not started waited for one.
fn precise(plan: &Plan, outcome: &Outcome, sort: Sort, at: &[&Operation], what: &str) {
    for (address, _, trouble) in &outcome.failed {
        match trouble {
            Trouble::Aws { fault, tries, seconds } => {
                assert!(sort.classes().contains(&fault.class), "{what}: {address}: {fault:?}");
                assert!(at.iter().any(|of| of.is(&fault.call)), "{what}: {address}: {fault:?}");
                assert!(!fault.code.is_empty(), "{what}: {address}: {fault:?}");
                assert!(sort != Sort::Denied || *tries == 1, "{what}: {address}: {tries} tries");
                if sort.answer(&fault.call).is_some() {
                    let id = fault.request_id.as_ref();
                    assert!(id.is_some_and(|id| fault.to_string().contains(id)), "{what}: {address}: {fault:?}");
                }
                assert_eq!(fault.by_status.is_some(), sort == Sort::Unrecognised, "{what}: {address}: {fault:?}");
                let patient = sort.passes() || (sort == Sort::Propagating && fault.class == Class::Propagating);
                assert!(!patient || (*tries > 5 && *seconds >= 60.0), "{what}: {address}: {tries} in {seconds} s");
            }
            // What cannot be looked at does not settle in time, and says why.
            Trouble::NotSettled { status, .. } => {
                assert!(
                    what.contains(status.split([' ', ':']).next().unwrap()),
                    "{what}: {address}: {status}; {:#?}",
                    outcome.failed
                );
            }
            other => panic!("{what}: {address}: {other:?}; {:#?}", outcome.failed),
        }
    }
    let failed: BTreeSet<_> = outcome.failed.iter().map(|(address, verb, _)| (address.clone(), *verb)).collect();
    let done: BTreeSet<_> = outcome.done.iter().cloned().collect();
    let mut stopped: BTreeSet<usize> = (0..plan.ops.len())
        .filter(|at| failed.contains(&(plan.ops[*at].address.clone(), plan.ops[*at].verb)))
        .collect();
    loop {
        let more: Vec<usize> = (0..plan.ops.len())
            .filter(|at| !stopped.contains(at) && plan.ops[*at].needs.iter().any(|need| stopped.contains(&need.op)))
            .collect();
        if more.is_empty() {
            break;
        }
        stopped.extend(more);
    }
    for (at, op) in plan.ops.iter().enumerate() {
        let free = done.contains(&(op.address.clone(), op.verb)) || stopped.contains(&at);
        assert!(free, "{what}: {:?} {} was not done though nothing it needs failed", op.verb, op.address);
    }
}

#[tokio::test(start_paused = true)]
async fn of_an_apply() {
    Life::apply(SMALL_SHARING).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_an_apply_with_a_cluster() {
    Life::apply(SMALL_CLUSTER).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_an_update() {
    let sets = &[
        "producer.max_capacity=32",
        "producer.s3_buckets=[\"other-*\"]",
        "producer.logging=[\"connectionlog\"]",
        "producer.snapshot_schedule=\"cron(0 4 ? 6 SUN *)\"",
        "producer.snapshot_copy.retention=\"3d\"",
        "consumers.reporting.query_timeout=\"20m\"",
        "consumers.reporting.usage_limit={ period = \"daily\", rpu_hours = 50 }",
        "nlb.deregistration_delay=\"30s\"",
        "nlb.custom_domain.certificate_arn=\"arn:aws:acm:us-west-2:123456789012:certificate/sandbox-2\"",
        "networking.allowed_cidrs=[\"192.168.0.0/16\"]",
        "tags.team=\"data\"",
    ];
    Life::update(SMALL_SHARING, sets).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_an_update_of_a_cluster() {
    let sets = &[
        "producer.parameters={ query_group = \"bi\", search_path = \"ours\" }",
        "producer.node_count=4",
        "producer.logging=[\"connectionlog\"]",
        "producer.usage_limits=[{ feature = \"spectrum\", amount = 7, period = \"daily\" }]",
        "producer.pause.stop=\"cron(0 22 ? 6 FRI *)\"",
        "producer.snapshot_schedule=\"cron(30 12 *)\"",
        "producer.snapshot_copy.retention=\"3d\"",
    ];
    Life::update(SMALL_CLUSTER, sets).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_replacement() {
    Life::replace(SMALL_SHARING, &["nlb/target-group-5439", "networking/nlb-security-group"]).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_replacement_with_a_cluster() {
    Life::replace(SMALL_CLUSTER, &["producer/parameter-group", "producer/logging", "producer/role"]).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_restore_of_a_cluster() {
    Life::restore(SMALL_CLUSTER, RESTORE).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_restore_of_a_namespace() {
    Life::restore(SMALL_SHARING, RESTORE).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_destroy() {
    Life::destroy(SMALL_SHARING).swept().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_destroy_with_a_cluster() {
    Life::destroy(SMALL_CLUSTER).swept().await;
}

/// The operations that only read since the last look.
fn reads(estate: &Estate) -> BTreeSet<String> {
    let calls = estate.sandbox.take_calls().into_iter().filter(|call| !call.mutating);
    calls.map(|call| format!("{}:{}", call.service, call.operation)).collect()
}

/// What has been created and cannot be read again is on record: the next run goes on from there.
#[tokio::test(start_paused = true)]
async fn reads_that_fail_after_a_create_orphan_nothing() {
    for toml in SWEPT {
        let mut reference = Estate::bare(toml);
        let (session, plan) =
            reference.ready(&Options::default(), Arc::clone(&reference.store) as Arc<dyn Store>).await;
        reference.sandbox.take_calls();
        let plan = Arc::into_inner(plan).unwrap();
        reference.carry_out(session, plan).await;
        let (inventory, operations) = (reference.inventory(), reads(&reference));
        for operation in operations {
            for how in [refused(&operation), How::LoseAnswer] {
                let mut estate = Estate::bare(toml);
                let store = Arc::clone(&estate.store) as Arc<dyn Store>;
                let (session, plan) = estate.ready(&Options::default(), store).await;
                let fault = Fault { operation: operation.clone(), nth: 1, times: usize::MAX, how };
                estate.sandbox.inject(fault);
                estate.carry_out(session, Arc::into_inner(plan).unwrap()).await;
                estate.sandbox.disarm();
                estate.converge(&Options::default()).await;
                assert_eq!(estate.inventory(), inventory, "{operation}");
            }
        }
    }
}

/// A read that is denied is no absence: nothing is planned from it, nothing made beside what is there.
#[tokio::test(start_paused = true)]
async fn a_denied_read_is_never_taken_for_absence() {
    for toml in SWEPT {
        let life = Life::update(toml, &[]);
        let start = life.start().await;
        let reference = life.reference(&start).await;
        for of in reference.operations.iter().filter(|of| !of.mutating) {
            let mut estate = life.begin(&start).await;
            Sort::Denied.befall(&mut estate, &of.name, usize::MAX);
            if let Ok(session) = estate.open().await
                && let Ok(plan) = session.plan(&Options::default(), true).await
            {
                assert_eq!(brief(&plan), Vec::<String>::new(), "{}", of.name);
            }
        }
    }
}

/// One producer and ten readers in an account that lets each service be called twice a second: slow, and nothing fails.
#[tokio::test(start_paused = true)]
async fn a_throttled_account_slows_rsds_down_and_fails_nothing() {
    let toml = SMALL_SHARING.replace("[consumers.reporting]", "[consumers.reporting]\ncount = 10");
    let mut free = Estate::bare(&toml);
    let unthrottled = free.apply().await.seconds;
    let mut estate = Estate::bare(&toml);
    estate.throttle(2.0);
    let outcome = estate.apply().await;
    let calls = estate.sandbox.take_calls();
    let refused = calls
        .iter()
        .filter(|call| call.error.as_deref().is_some_and(|code| code.contains("imit") || code.contains("hrottl")))
        .count();
    estate.settled().await;
    assert_eq!(estate.inventory(), free.inventory());
    assert!(refused > 0, "nothing was throttled");
    // It backs off: of what it sends most is answered.
    assert!(refused * 3 < calls.len(), "{refused} of {} calls were throttled", calls.len());
    assert!(outcome.seconds > unthrottled && outcome.seconds < unthrottled + 900.0, "{} s", outcome.seconds);
    let outcome = estate.run(&destroying(&[])).await;
    assert!(outcome.is_complete(), "{:#?}", outcome.failed);
    assert_eq!(there(&estate), BTreeMap::new());
}
