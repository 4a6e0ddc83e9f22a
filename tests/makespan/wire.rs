//! The wire between an apply and the sandbox: counts calls, and notes of each that changes something what AWS is busy
//! with from then on, and until when. It may also be slow.

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use jiff::{SignedDuration, Timestamp};
use rsds::{
    clock::Clock,
    sandbox::{Call, Sandbox, World},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What one call made AWS do to one object.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    /// For how long AWS is busy with it from the call on.
    pub(super) lasts: SignedDuration,
    /// Network interfaces that the call lets go, and how long after it each is gone.
    pub(super) lingering: Vec<Lingering>,
}

/// An interface that stays for a while after its owner has been told to go.
#[derive(Clone, Debug)]
pub(super) struct Lingering {
    pub(super) lasts: SignedDuration,
    pub(super) subnet: String,
    pub(super) groups: Vec<String>,
    owner: String,
}

impl Lingering {
    /// Whether it belongs to the object, or to a part of it (a zone of a load balancer or of a cluster).
    fn is_of(&self, object: &str) -> bool {
        self.owner.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with(['#', '/']))
    }
}

#[derive(Default)]
struct Notes {
    effects: BTreeMap<String, Vec<Effect>>,
    /// Every call with the moment it was sent, in seconds after the first.
    calls: Vec<(f64, Call)>,
    begun: Option<Timestamp>,
    last: Option<World>,
}

/// How long calls take on the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slowness {
    /// Those that change something.
    pub(super) changes: Duration,
    /// Those that only read.
    pub(super) reads: Duration,
}

#[derive(Clone)]
pub(super) struct Wire {
    sandbox: Sandbox,
    clock: Clock,
    slow: Slowness,
    notes: Arc<Mutex<Notes>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    pub(super) fn new(sandbox: &Sandbox, clock: &Clock, slow: Slowness) -> Self {
        Self { sandbox: sandbox.clone(), clock: clock.clone(), slow, notes: Arc::default() }
    }

    pub(super) fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// What the calls since the last taking did, by the id of the object.
    pub(super) fn take_effects(&self) -> BTreeMap<String, Vec<Effect>> {
        std::mem::take(&mut self.notes.lock().unwrap().effects)
    }

    /// The calls since the last taking.
    pub(super) fn take_calls(&self) -> Vec<(f64, Call)> {
        let mut notes = self.notes.lock().unwrap();
        notes.begun = None;
        std::mem::take(&mut notes.calls)
    }

    fn note(&self, call: Call, at: Timestamp) {
        let mut notes = self.notes.lock().unwrap();
        let begun = *notes.begun.get_or_insert(at);
        let changed = call.mutating && call.error.is_none();
        notes.calls.push((at.duration_since(begun).as_secs_f64(), call));
        if changed {
            let after = self.sandbox.world();
            let before = notes.last.replace(after.clone()).unwrap_or_default();
            for (object, effect) in effects(&before, &after, at) {
                notes.effects.entry(object).or_default().push(effect);
            }
        }
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            let at = wire.sandbox.now();
            let answer = HttpConnector::call(&wire.sandbox, request).await;
            let call = wire.sandbox.take_calls().pop().unwrap();
            let takes = if call.mutating { wire.slow.changes } else { wire.slow.reads };
            wire.note(call, at);
            if !takes.is_zero() {
                wire.clock.sleep(takes).await;
            }
            answer
        })
    }
}

/// Until when AWS is busy with each object that takes time, by id. From the world's own timestamps.
fn busy(world: &World) -> BTreeMap<String, Timestamp> {
    let mut all = BTreeMap::new();
    let (ec2, serverless) = (&world.ec2, &world.serverless);
    all.extend(ec2.vpcs.iter().map(|(id, vpc)| (id.clone(), vpc.available_at)));
    all.extend(ec2.subnets.iter().map(|(id, subnet)| (id.clone(), subnet.available_at)));
    let associations = ec2.tables.values().flat_map(|table| &table.associations);
    all.extend(associations.map(|(id, association)| (id.clone(), association.associated_at)));
    all.extend(ec2.endpoints.iter().map(|(id, end)| (id.clone(), end.gone_at.unwrap_or(end.available_at))));
    for namespace in serverless.namespaces.values() {
        all.insert(namespace.arn.clone(), namespace.gone_at.unwrap_or(namespace.busy_until));
    }
    for workgroup in serverless.workgroups.values() {
        // The extra `MODIFYING` after the first `AVAILABLE` belongs to it.
        let settled = || rest(workgroup.ready_at.max(workgroup.busy_until), |at| workgroup.is_busy(at));
        all.insert(workgroup.arn.clone(), workgroup.gone_at.unwrap_or_else(settled));
    }
    for endpoint in serverless.endpoints.values() {
        all.insert(endpoint.arn.clone(), endpoint.gone_at.unwrap_or(endpoint.ready_at.max(endpoint.busy_until)));
    }
    for cluster in world.redshift.clusters.values() {
        let task = cluster.task.as_ref().map(|task| task.until);
        let gone = cluster.removal.as_ref().map(|removal| removal.gone_at);
        all.extend(gone.or(task).map(|until| (cluster_id(&cluster.name), until)));
    }
    for balancer in world.elb.balancers.values() {
        let serves = balancer.zones.iter().map(|zone| zone.serves_at).max();
        all.insert(balancer.arn.clone(), serves.unwrap_or(balancer.active_at).max(balancer.active_at));
    }
    all.extend(targets(world));
    all
}

/// The first moment from `from` on, to the second, at which it is not busy.
fn rest(from: Timestamp, busy: impl Fn(Timestamp) -> bool) -> Timestamp {
    let later = |seconds| from + SignedDuration::from_secs(seconds);
    (0..24 * 3600).map(later).find(|at| !busy(*at)).unwrap()
}

/// When each target is healthy, or drained: registered, its group in use, its zone served, and checked often enough.
fn targets(world: &World) -> BTreeMap<String, Timestamp> {
    let mut all = BTreeMap::new();
    for group in world.elb.groups.values() {
        let listeners = world.elb.listeners.values();
        let uses = listeners.flat_map(|listener| listener.forwards.iter().map(move |f| (&listener.balancer, f)));
        let uses = uses.filter(|(_, forward)| forward.group == group.arn).min_by_key(|(_, forward)| forward.since);
        let balancer = uses.and_then(|(balancer, forward)| Some((world.elb.balancers.get(balancer)?, forward.since)));
        for target in &group.targets {
            let served = balancer.and_then(|(balancer, since)| {
                let zone = balancer.zones.iter().find(|zone| zone.name == target.zone)?;
                let checks = (group.check.interval * group.check.healthy).max(10);
                Some(target.registered.max(since).max(zone.serves_at) + SignedDuration::from_secs(checks))
            });
            if let Some(until) = target.gone_at.or(served) {
                all.insert(target_id(&group.arn, target.port, &target.address.to_string()), until);
            }
        }
    }
    all
}

/// Its logging and its groups may have its name for an id, too.
pub(super) fn cluster_id(name: &str) -> String {
    format!("cluster {name}")
}

pub(super) fn target_id(group: &str, port: u16, address: &str) -> String {
    format!("{group}|{port}|{address}")
}

/// What a call at `at` did: which objects it made AWS busy with, or took away at once.
fn effects(before: &World, after: &World, at: Timestamp) -> Vec<(String, Effect)> {
    let (was, is) = (busy(before), busy(after));
    let objects: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let changed = objects.into_iter().filter(|id| was.get(*id) != is.get(*id));
    let free = |id: &String| before.ec2.interfaces.get(id).is_none_or(|interface| interface.gone_at.is_none());
    let lingering = after.ec2.interfaces.iter().filter(|(id, _)| free(id));
    let lingering: Vec<Lingering> = lingering
        .filter_map(|(_, interface)| {
            let lasts = interface.gone_at?.duration_since(at);
            let (subnet, groups) = (interface.subnet.clone(), interface.groups.clone());
            Some(Lingering { lasts, subnet, groups, owner: interface.owner.clone() })
        })
        .collect();
    changed
        .map(|id| {
            // What is merely swept away later was over before.
            let until = is.get(id).copied().unwrap_or(at).max(at);
            // A cluster is known by its name, and owns its interfaces by its ARN.
            let cluster = after.redshift.clusters.values().find(|cluster| cluster_id(&cluster.name) == *id);
            let arn = cluster.map_or(id, |cluster| &cluster.arn);
            let lingering = lingering.iter().filter(|interface| interface.is_of(arn)).cloned().collect();
            (id.clone(), Effect { lasts: until.duration_since(at), lingering })
        })
        .collect()
}
