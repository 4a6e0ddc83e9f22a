//! The router: from an HTTP request to a service's operation and back to an HTTP response.
//!
//! Called by the two doors (`transport`, `serve`) and, for its log, faults and edits, by tests. Must never let an
//! undeclared parameter reach an operation, nor keep anything of a call that failed, nor wait.

use super::credential::{self, Scope, Unsigned};
use super::fault::Armed;
use super::store::{Contents, Guard, Store};
use super::weather::{Sky, Turn, Weather, blind, swapped};
use super::world::{digest, uuid_shape};
use super::{
    AwsError, Fault, How, Operation, Protocol, Reply, Request, SERVICES, Service, World, iam, quota, s3, wire_cbor,
    wire_json, wire_query,
};
use crate::clock::Clock;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Key of the world in which the services without a region make their ids.
pub(super) const GLOBAL_REGION: &str = "aws-global";

// Most calls remembered, so that a server left running does not grow; the older half goes first.
const CALL_LOG: usize = 100_000;

/// One call this process saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// SigV4 scope of the service.
    pub service: String,
    /// Operation name as on the wire.
    pub operation: String,
    /// Whether the operation changes the world.
    pub mutating: bool,
    /// Wire code of the refusal, `LostRequest`, `LateRequest` or `LostAnswer` for a broken connection, else none.
    pub error: Option<String>,
}

/// The connection broke, by order of a fault; whether the call took effect is for the client to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sandbox broke the connection, as ordered by a fault or its weather")]
pub struct Lost;

/// A world as it is at a moment, with its weather and what is still under way: what a sandbox can begin from.
#[derive(Debug, Clone)]
pub struct Snapshot {
    at: Timestamp,
    contents: Contents,
    sky: Option<Box<Sky>>,
    late: Vec<(Timestamp, Routed)>,
}

impl Snapshot {
    /// World time of that moment.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Whether nothing in the world is different, nor under way to it; its time may be.
    pub fn is_same(&self, other: &Self) -> bool {
        self.contents.same_worlds(&other.contents) && self.late.len() == other.late.len()
    }
}

/// How far a call is when a witness is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has arrived, and nothing of it is done.
    Arrived,
    /// All of it is done, and it is not answered yet.
    Done,
}

/// Somebody who is told of every call that may change the world; for tests that look at it in between.
pub type Witness = Arc<dyn Fn(&Sandbox, Stage, &http::Request<Bytes>) + Send + Sync>;

/// The built-in AWS; clones share one world.
#[derive(Clone)]
pub struct Sandbox(pub(super) Arc<Inner>);

// Short: the SDK prints its HTTP client with its configuration.
impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sandbox")
    }
}

pub(super) struct Inner {
    pub(super) clock: Clock,
    state: Mutex<State>,
}

pub(super) struct State {
    store: Store,
    calls: Vec<Call>,
    faults: Armed,
    requests: u64,
    /// Nothing where it is calm.
    pub(super) sky: Option<Box<Sky>>,
    /// Requests that have been sent and not arrived, with the time on the clock when they will.
    pub(super) under_way: BTreeMap<u64, (Duration, Arc<http::Request<Bytes>>)>,
    /// Requests whose clients have given up, with the world time when they arrive.
    late: Vec<(Timestamp, Routed)>,
    witness: Option<Witness>,
}

#[derive(Debug, Clone)]
struct Routed {
    service: &'static Service,
    operation: &'static Operation,
    request: Request,
}

struct Refused {
    service: Option<&'static Service>,
    protocol: Protocol,
    operation: String,
    error: AwsError,
}

impl Sandbox {
    /// An empty world that lives as long as this value.
    pub fn in_memory(clock: Clock) -> Self {
        let store = Store::in_memory(clock.timestamp());
        Self::with(store, clock)
    }

    /// The world kept in `dir/world.json` (made if missing); an unreadable file is an error, never an empty world.
    pub fn open(dir: &Path, clock: Clock) -> io::Result<Self> {
        let store = Store::open(dir, clock.timestamp())?;
        Ok(Self::with(store, clock))
    }

    /// Forgets the world kept in `dir`, also for processes that have it open.
    pub fn reset(dir: &Path) -> io::Result<()> {
        Store::reset(dir)
    }

    /// A world that goes on from a snapshot, in memory.
    pub fn resume(snapshot: &Snapshot, clock: Clock) -> Self {
        let Snapshot { contents, sky, late, .. } = snapshot.clone();
        let sandbox = Self::with(Store::holding(contents, clock.timestamp()), clock);
        {
            let mut state = sandbox.state();
            (state.sky, state.late) = (sky, late);
        }
        sandbox
    }

    fn with(store: Store, clock: Clock) -> Self {
        let state = State {
            store,
            calls: Vec::new(),
            faults: Armed::default(),
            requests: 0,
            sky: None,
            under_way: BTreeMap::new(),
            late: Vec::new(),
            witness: None,
        };
        Self(Arc::new(Inner { clock, state: Mutex::new(state) }))
    }

    /// Lets the weather be this from now on.
    ///
    /// # Errors
    /// The quotas cannot be kept.
    pub fn weather(&self, weather: Weather) -> io::Result<()> {
        weather.quotas.iter().try_for_each(|(key, limit)| self.set_quota(key, *limit))?;
        self.state().sky = Sky::of(weather);
        Ok(())
    }

    /// Tells somebody of every call from now on, or nobody.
    pub fn witness(&self, witness: Option<Witness>) {
        self.state().witness = witness;
    }

    /// Answers one HTTP request; a connection that a fault breaks becomes a 503 here.
    pub fn handle(&self, http: &http::Request<Bytes>) -> http::Response<Bytes> {
        self.exchange(http).unwrap_or_else(|Lost| {
            let mut response = http::Response::new(Bytes::from_static(b"connection lost\n"));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        })
    }

    /// Answers one HTTP request, or breaks the connection where a fault says so.
    pub fn exchange(&self, http: &http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost> {
        let witness = self.state().witness.clone();
        let may_change = || route(http).is_ok_and(|routed| routed.operation.mutating);
        let Some(witness) = witness.filter(|_| may_change()) else { return self.answer(http) };
        witness(self, Stage::Arrived, http);
        let answer = self.answer(http);
        witness(self, Stage::Done, http);
        answer
    }

    fn answer(&self, http: &http::Request<Bytes>) -> Result<http::Response<Bytes>, Lost> {
        let mut state = self.state();
        self.land(&mut state);
        state.requests += 1;
        let id = uuid_shape(&digest(&format!("request/{}", state.requests)));
        match route(http) {
            Err(refused) => {
                let service = refused.service.map_or("unknown", |service| service.scope);
                state.log(service, &refused.operation, false, Some(refused.error.code.clone()));
                let Refused { service, protocol, operation, error } = refused;
                Ok(self.rendered(&mut state, http.method(), (service, protocol, &operation), Err(error), &id))
            }
            Ok(routed) => {
                let result = self.perform(&mut state, &routed)?;
                let Routed { service, operation, .. } = routed;
                let operation = (Some(service), service.protocol, operation.name);
                Ok(self.rendered(&mut state, http.method(), operation, result, &id))
            }
        }
    }

    // Every answer tells the time. S3's is that of its world, and clients may go by it.
    fn rendered(
        &self,
        state: &mut State,
        method: &Method,
        (service, protocol, operation): (Option<&'static Service>, Protocol, &str),
        result: Result<Reply, AwsError>,
        id: &str,
    ) -> http::Response<Bytes> {
        if protocol != Protocol::RestXml {
            let mut response = rendered(service, protocol, operation, result, id);
            let skew = state.sky.as_ref().map_or(Duration::ZERO, |sky| sky.skew());
            // The wall's time: that of the world may run faster.
            let now = self.0.clock.timestamp();
            if let Ok(date) = HeaderValue::from_str(&s3::http_date(now.checked_add(skew).unwrap_or(now))) {
                response.headers_mut().insert(DATE, date);
            }
            return response;
        }
        match self.look(state) {
            Ok((_guard, now)) => s3::wire::rendered(method, result, id, now),
            Err(error) => s3::wire::rendered(method, Err(error.into()), id, state.store.seen()),
        }
    }

    fn perform(&self, state: &mut State, routed: &Routed) -> Result<Result<Reply, AwsError>, Lost> {
        let Routed { service, operation, request } = routed;
        let (turn, weather) = self.weathered(state, routed);
        let fault = state.faults.strike(service.scope, operation.name).or(weather);
        let log = |state: &mut State, error| state.log(service.scope, operation.name, operation.mutating, error);
        let result = match &fault {
            Some(How::LoseRequest) => {
                log(state, Some("LostRequest".to_owned()));
                return Err(Lost);
            }
            Some(How::Late(after)) => {
                log(state, Some("LateRequest".to_owned()));
                self.post(state, *after, routed.clone());
                return Err(Lost);
            }
            Some(How::Error(error)) => Err(error.clone()),
            Some(How::ErrorAfter(error)) => {
                let done = self.run(state, routed, turn.as_ref());
                Err(done.err().unwrap_or_else(|| error.clone()))
            }
            Some(How::LoseAnswer) | None => self.run(state, routed, turn.as_ref()),
        };
        let code = result.as_ref().err().map(|error| error.code.clone());
        if fault == Some(How::LoseAnswer) {
            log(state, code.or_else(|| Some("LostAnswer".to_owned())));
            return Err(Lost);
        }
        log(state, code);
        tracing::debug!(service = service.scope, operation = operation.name, region = request.region, "sandbox call");
        Ok(result)
    }

    // What the weather does to a call; it costs nothing where it is calm.
    fn weathered(&self, state: &mut State, routed: &Routed) -> (Option<Turn>, Option<How>) {
        if state.sky.is_none() {
            return (None, None);
        }
        // A world that cannot be read is told by the operation.
        let now = self.look(state).map_or_else(|_| state.store.seen(), |(_guard, now)| now);
        let Some(sky) = &mut state.sky else { return (None, None) };
        let turn = sky.turn(routed.service, routed.operation);
        let how = sky.strike(&turn, &routed.request, now);
        (Some(turn), how)
    }

    fn run(&self, state: &mut State, routed: &Routed, turn: Option<&Turn>) -> Result<Reply, AwsError> {
        let (guard, now) = self.look(state)?;
        if routed.operation.mutating {
            return self.run_change(state, &guard, now, routed, turn);
        }
        let Routed { operation, request, .. } = routed;
        let region = routed.region();
        let unseen = state.sky.as_ref().zip(turn).map(|(sky, turn)| sky.unseen_by_read(turn, region, now));
        let run = |world: &mut World| {
            iam::authorize(world, request)?;
            world.catch_up(now);
            (operation.run)(world, request, now)
        };
        match unseen.filter(|unseen| !unseen.is_empty()) {
            Some(unseen) => run(&mut swapped(state.store.copy(region), &unseen)),
            None => state.store.read(region, run),
        }
    }

    fn run_change(
        &self,
        state: &mut State,
        guard: &Guard,
        now: Timestamp,
        routed: &Routed,
        turn: Option<&Turn>,
    ) -> Result<Reply, AwsError> {
        let Routed { service, operation, request } = routed;
        let region = routed.region();
        let unseen = state.sky.as_ref().zip(turn).map(|(sky, turn)| sky.unseen_by_change(turn, region, now));
        let run = |world: &mut World| {
            iam::authorize(world, request)?;
            world.catch_up(now);
            let reply = quota::perform(operation, world, request, now)?;
            iam::link(world, request);
            Ok(reply)
        };
        let (reply, before) = state.store.change(guard, region, |world| {
            let blind = blind(world, &unseen.unwrap_or_default(), run);
            // What would be refused anyway is refused for the right reason.
            let reply = run(world)?;
            blind.map_or(Ok(reply), Err)
        })?;
        if let Some(sky) = state.sky.as_mut().filter(|sky| sky.remembers(service.scope)) {
            sky.remember(now, service.scope, before);
        }
        Ok(reply)
    }

    /// Lets a request arrive that much later, whoever still waits for its answer. One that only reads is forgotten.
    fn post(&self, state: &mut State, after: Duration, routed: Routed) {
        if routed.operation.mutating {
            let now = self.look(state).map_or_else(|_| state.store.seen(), |(_guard, now)| now);
            state.late.push((now.checked_add(after).unwrap_or(now), routed));
        }
    }

    /// Does what has arrived by now and nobody waits for, in its order and at its time.
    fn land(&self, state: &mut State) {
        if state.late.is_empty() {
            return;
        }
        let Ok((guard, now)) = self.look(state) else { return };
        let (mut due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.late).into_iter().partition(|(at, _)| *at <= now);
        state.late = later;
        due.sort_by_key(|(at, _)| *at);
        for (at, routed) in due {
            let done = self.run_change(state, &guard, at, &routed, None);
            let Routed { service, operation, .. } = &routed;
            state.log(service.scope, operation.name, operation.mutating, done.err().map(|error| error.code));
        }
    }

    /// Lets a request that was under way arrive all the same, though its client has gone.
    pub(super) fn abandoned(&self, http: &http::Request<Bytes>, after: Duration) {
        if let Ok(routed) = route(http) {
            self.post(&mut self.state(), after, routed);
        }
    }

    /// Everything as it is at this moment; what is under way arrives when it would have.
    pub fn snapshot(&self) -> Snapshot {
        let state = &mut *self.fresh();
        let (at, elapsed) = (state.store.seen(), self.0.clock.elapsed());
        let mut late = state.late.clone();
        for (arrives, http) in state.under_way.values() {
            let when = at.checked_add(arrives.saturating_sub(elapsed)).unwrap_or(at);
            late.extend(route(http).ok().filter(|routed| routed.operation.mutating).map(|routed| (when, routed)));
        }
        Snapshot { at, contents: state.store.contents(), sky: state.sky.clone(), late }
    }

    fn change<R, E: From<io::Error>>(
        &self,
        state: &mut State,
        region: &str,
        run: impl FnOnce(&mut World, Timestamp) -> Result<R, E>,
    ) -> Result<R, E> {
        let (guard, now) = self.look(state)?;
        Ok(state.store.change(&guard, region, |world| run(world, now))?.0)
    }

    // The world as it stands, held against other processes as long as the guard lives, and its time.
    fn look(&self, state: &mut State) -> io::Result<(Guard, Timestamp)> {
        let guard = state.store.lock()?;
        let now = state.store.look(&guard, &self.0.clock)?;
        Ok((guard, now))
    }

    /// A copy of the home region (the first one that was changed; us-west-2 before that), IAM included.
    /// If the file on disk has become unreadable it is the last world that could be read.
    pub fn world(&self) -> World {
        let state = &mut *self.fresh();
        let home = state.store.home().to_owned();
        state.store.copy(&home)
    }

    /// A copy of one region, IAM included.
    pub fn world_in(&self, region: &str) -> World {
        self.fresh().store.copy(region)
    }

    /// Services that still hold something a user created, over all regions, as `region/service`.
    pub fn leftovers(&self) -> Vec<String> {
        let state = self.fresh();
        let regions = state.store.regions().into_iter();
        regions
            .flat_map(|region| {
                let left = state.store.copy(&region).leftovers();
                left.into_iter().map(move |service| format!("{region}/{service}"))
            })
            .collect()
    }

    /// Changes the home region out of band, as somebody else with access to the account would.
    pub fn edit<R>(&self, run: impl FnOnce(&mut World) -> R) -> io::Result<R> {
        let home = self.fresh().store.home().to_owned();
        self.change(&mut self.state(), &home, |world, _now| Ok(run(world)))
    }

    /// Changes one region at this moment, as a client of what is in it does.
    pub(super) fn change_in<R, E: From<io::Error>>(
        &self,
        region: &str,
        run: impl FnOnce(&mut World, Timestamp) -> Result<R, E>,
    ) -> Result<R, E> {
        self.change(&mut self.fresh(), region, |world, now| {
            world.catch_up(now);
            run(world, now)
        })
    }

    /// Sets one quota of the account, in every region: `<service>/<code>` of `quota::QUOTAS`.
    pub fn set_quota(&self, key: &str, limit: u64) -> io::Result<()> {
        let mut state = self.fresh();
        let mut quotas = state.store.quotas().clone();
        quotas.insert(key.to_owned(), limit);
        let (guard, _) = self.look(&mut state)?;
        state.store.set_quotas(&guard, quotas)
    }

    /// World time at this moment.
    pub fn now(&self) -> Timestamp {
        self.fresh().store.seen()
    }

    /// The calls this process saw so far.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The call this process saw last.
    pub fn last_call(&self) -> Option<Call> {
        self.state().calls.last().cloned()
    }

    /// The calls this process saw since the last taking.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    /// Arms a fault; it counts calls from now on.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.arm(fault);
    }

    /// Disarms every fault. Returns the operations of those that have hit nothing.
    pub fn disarm(&self) -> Vec<String> {
        std::mem::take(&mut self.state().faults).unmet()
    }

    // A panic in an operation leaves the store as it was (see there), so its lock need not stay poisoned.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if let Err(error) = self.look(&mut state) {
            tracing::warn!(%error, "the sandbox world could not be read again");
        }
        self.land(&mut state);
        state
    }
}

impl Routed {
    fn region(&self) -> &str {
        if self.service.is_global() { GLOBAL_REGION } else { &self.request.region }
    }
}

impl State {
    fn log(&mut self, service: &str, operation: &str, mutating: bool, error: Option<String>) {
        if self.calls.len() >= CALL_LOG {
            self.calls.drain(..CALL_LOG / 2);
        }
        self.calls.push(Call { service: service.to_owned(), operation: operation.to_owned(), mutating, error });
    }
}

impl From<io::Error> for AwsError {
    // Not a 5xx: no number of retries mends a file.
    fn from(error: io::Error) -> Self {
        Self::new("SandboxStorageFailure", format!("the rsds sandbox cannot keep its world: {error}"))
    }
}

fn route(http: &http::Request<Bytes>) -> Result<Routed, Refused> {
    let query = http.uri().query().unwrap_or_default();
    let protocol = spoken(http);
    let form: &[u8] = if protocol == Protocol::Query { http.body() } else { b"" };
    let mut refused =
        Refused { service: None, protocol, operation: "unknown".to_owned(), error: AwsError::new("", "") };
    let fail = |mut refused: Refused, error| {
        refused.error = error;
        refused
    };
    let fields = match wire_query::fields(query, form) {
        Ok(fields) => fields,
        Err(error) => return Err(fail(refused, error)),
    };
    if fields.get("Version").map(String::as_str) == Some(super::ec2::SERVICE.version) {
        refused.protocol = Protocol::Ec2;
    }
    let (service, scope) = match addressed(http, &fields, refused.protocol) {
        Ok(found) => found,
        Err(error) => return Err(fail(refused, error)),
    };
    (refused.service, refused.protocol) = (Some(service), service.protocol);
    let name = match operation_name(http, &fields, service) {
        Ok(name) => name,
        Err(error) => return Err(fail(refused, error)),
    };
    refused.operation.clone_from(&name);
    match admitted(http, &fields, service, &scope, name) {
        Ok(routed) => Ok(routed),
        Err(error) => Err(fail(refused, error)),
    }
}

fn addressed(
    http: &http::Request<Bytes>,
    fields: &BTreeMap<String, String>,
    protocol: Protocol,
) -> Result<(&'static Service, Scope), AwsError> {
    if protocol != Protocol::RestXml && http.method() != Method::POST && http.method() != Method::GET {
        let message = format!("the rsds sandbox does not implement HTTP {}", http.method());
        return Err(AwsError::new("MethodNotAllowed", message).status(405));
    }
    let scope =
        credential::scope(http.headers(), fields).map_err(|why: Unsigned| credential::unsigned(why, protocol))?;
    let service = SERVICES.iter().find(|service| service.scope == scope.service);
    let Some(service) = service else {
        let known: Vec<&str> = SERVICES.iter().map(|service| service.scope).collect();
        let message =
            format!("the rsds sandbox does not implement the service {}; it has {}", scope.service, known.join(", "));
        return Err(AwsError::new("UnknownService", message).status(404));
    };
    Ok((service, scope))
}

fn operation_name(
    http: &http::Request<Bytes>,
    fields: &BTreeMap<String, String>,
    service: &Service,
) -> Result<String, AwsError> {
    if service.protocol == Protocol::RestXml {
        return s3::wire::operation(http, fields).map(|asked| asked.operation.to_owned());
    }
    let field = |name| fields.get(name).map(String::as_str).unwrap_or_default();
    let (version, name) = match service.protocol {
        Protocol::Json10 | Protocol::Json11 => {
            let target = http.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
            target.rsplit_once('.').unwrap_or_default()
        }
        Protocol::Cbor => wire_cbor::addressed(http.uri().path()).unwrap_or_default(),
        Protocol::Ec2 | Protocol::Query | Protocol::RestXml => (field("Version"), field("Action")),
    };
    if name.is_empty() {
        return Err(AwsError::new("MissingAction", "The request names no operation of this service"));
    }
    if version != service.version {
        let message = format!("the rsds sandbox does not implement version '{version}' of {}", service.scope);
        return Err(AwsError::new("NoSuchVersion", message));
    }
    Ok(name.to_owned())
}

fn admitted(
    http: &http::Request<Bytes>,
    fields: &BTreeMap<String, String>,
    service: &'static Service,
    scope: &Scope,
    name: String,
) -> Result<Routed, AwsError> {
    let account = credential::account(scope, service)?;
    let Some(operation) = service.operation(&name) else {
        let code = if is_json(service.protocol) { "UnknownOperationException" } else { "InvalidAction" };
        return Err(AwsError::new(code, format!("the rsds sandbox does not implement {}:{name}", service.scope)));
    };
    let params = match service.protocol {
        Protocol::Json10 | Protocol::Json11 => wire_json::decode(http.body())?,
        Protocol::Ec2 | Protocol::Query => wire_query::decode(fields, service)?,
        Protocol::Cbor => wire_cbor::decode(http.body())?,
        Protocol::RestXml => s3::wire::decode(&s3::wire::operation(http, fields)?, http, fields)?,
    };
    let request = Request {
        service: service.scope,
        operation: name,
        params,
        account: account.to_owned(),
        region: scope.region.clone(),
        protocol: service.protocol,
    };
    if let Some(path) = undeclared(&request.params, "", operation.params) {
        let code = match service.protocol {
            Protocol::Ec2 => "UnknownParameter",
            Protocol::Query | Protocol::Cbor => "ValidationError",
            Protocol::RestXml => "NotImplemented",
            Protocol::Json10 | Protocol::Json11 => "ValidationException",
        };
        let message =
            format!("the rsds sandbox does not implement the parameter {path} of {}:{}", service.scope, operation.name);
        return Err(AwsError::new(code, message));
    }
    Ok(Routed { service, operation, request })
}

// What a request is written in, as far as that shows before its service is known: EC2's dialect looks like the query
// protocol.
fn spoken(http: &http::Request<Bytes>) -> Protocol {
    match http.headers().get("smithy-protocol") {
        Some(name) if name == "rpc-v2-cbor" => Protocol::Cbor,
        _ if http.headers().contains_key("x-amz-target") => Protocol::Json11,
        _ if is_rest(http) => Protocol::RestXml,
        _ => Protocol::Query,
    }
}

// The scope alone tells: neither the method nor the body of a REST call is like another protocol's.
fn is_rest(http: &http::Request<Bytes>) -> bool {
    let fields = wire_query::fields(http.uri().query().unwrap_or_default(), b"").unwrap_or_default();
    credential::scope(http.headers(), &fields).is_ok_and(|scope| scope.service == s3::SERVICE.scope)
}

fn is_json(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Json10 | Protocol::Json11)
}

/// The first parameter path (lists collapsed) that is not declared; an empty list or structure may also be a part of
/// a declared path. The members of a map (`path.*`) have any name and are no structures.
fn undeclared(value: &Value, path: &str, declared: &[&str]) -> Option<String> {
    let map = || declared.iter().any(|name| name.strip_suffix(".*") == Some(path));
    match value {
        Value::Object(members) if map() && members.values().all(|member| !member.is_object()) => None,
        Value::Object(members) if !members.is_empty() => members.iter().find_map(|(name, member)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            undeclared(member, &path, declared)
        }),
        Value::Array(elements) if !elements.is_empty() => {
            elements.iter().find_map(|element| undeclared(element, path, declared))
        }
        leaf => {
            let empty = match leaf {
                Value::String(text) => text.is_empty(),
                Value::Bool(_) | Value::Number(_) => false,
                Value::Null | Value::Array(_) | Value::Object(_) => true,
            };
            let known = path.is_empty()
                || declared.iter().any(|name| {
                    *name == path || (empty && name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
                });
            (!known).then(|| path.to_owned())
        }
    }
}

fn rendered(
    service: Option<&'static Service>,
    protocol: Protocol,
    operation: &str,
    result: Result<Reply, AwsError>,
    id: &str,
) -> http::Response<Bytes> {
    let (body, refusal) = match (result, service) {
        (Ok(reply), _) if is_json(protocol) => (wire_json::answer(reply).into_bytes(), None),
        (Ok(reply), _) if protocol == Protocol::Cbor => (wire_cbor::answer(&reply), None),
        (Ok(reply), Some(service)) => (wire_query::answer(service, operation, &reply, id).into_bytes(), None),
        (Ok(_), None) => (Vec::new(), None),
        (Err(error), _) if is_json(protocol) => (wire_json::error(&error).into_bytes(), Some(error)),
        (Err(error), _) if protocol == Protocol::Cbor => (wire_cbor::error(&error), Some(error)),
        (Err(error), service) => (wire_query::error(service, protocol, &error, id).into_bytes(), Some(error)),
    };
    let mut response = http::Response::new(Bytes::from(body));
    let kind = match protocol {
        Protocol::Ec2 | Protocol::Query | Protocol::RestXml => "text/xml;charset=UTF-8",
        Protocol::Json10 => "application/x-amz-json-1.0",
        Protocol::Json11 => "application/x-amz-json-1.1",
        Protocol::Cbor => "application/cbor",
    };
    let headers = response.headers_mut();
    if protocol == Protocol::Cbor {
        headers.insert(HeaderName::from_static("smithy-protocol"), HeaderValue::from_static("rpc-v2-cbor"));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if let Some(error) = refusal {
        if let (true, Ok(code)) = (is_json(protocol), HeaderValue::from_str(&error.code)) {
            headers.insert(HeaderName::from_static("x-amzn-errortype"), code);
        }
        *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    }
    response
}

#[cfg(test)]
mod tests;
