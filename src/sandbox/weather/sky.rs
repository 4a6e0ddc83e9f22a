//! The weather at work: draws what happens to each call, and keeps what that depends on.
//!
//! Asked by the router once a call, and by the doors how long a call takes. Must never change the world nor wait.

use super::{Bucket, Earlier, Weather};
use crate::address::wild;
use crate::sandbox::{AwsError, How, Operation, Protocol, Request, Service, iam, kms, redshift, secrets, serverless};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// A weather and what came of it so far.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Sky {
    pub(super) weather: Weather,
    // Calls sent, and calls seen by service and operation: with the seed, all that chances depend on. By operation, so
    // that one more call of one kind does not change what happens to all the others.
    sent: u64,
    seen: BTreeMap<(&'static str, &'static str), u64>,
    buckets: BTreeMap<&'static str, Level>,
    short_since: BTreeMap<&'static str, Timestamp>,
    pub(super) past: Vec<Earlier>,
}

/// What a bucket held at a moment.
#[derive(Debug, Clone, Copy)]
struct Level {
    tokens: f64,
    at: Timestamp,
}

/// One call, as its chances know it.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Turn {
    pub(super) service: &'static Service,
    operation: &'static Operation,
    nth: u64,
}

/// Operations that need compute, the parameters that make them need it (none: always), and what they answer when there
/// is none (aws-facts.md 5.3, 6.2).
const NEED_COMPUTE: &[(&Service, &str, &[&str], &str)] = &[
    (&serverless::SERVICE, "CreateWorkgroup", &[], "InsufficientCapacityException"),
    (&serverless::SERVICE, "UpdateWorkgroup", &["baseCapacity", "maxCapacity"], "InsufficientCapacityException"),
    (&redshift::SERVICE, "CreateCluster", &[], "InsufficientClusterCapacity"),
    (&redshift::SERVICE, "ModifyCluster", &["NodeType", "NumberOfNodes"], "InsufficientClusterCapacity"),
    (&redshift::SERVICE, "ResizeCluster", &[], "InsufficientClusterCapacity"),
    (&redshift::SERVICE, "ResumeCluster", &[], "InsufficientClusterCapacity"),
    (&redshift::SERVICE, "RestoreFromClusterSnapshot", &[], "InsufficientClusterCapacity"),
];

impl Sky {
    /// How far AWS's clock goes ahead of the client's.
    pub(in crate::sandbox) fn skew(&self) -> Duration {
        self.weather.skew
    }

    /// The weather from now on; none where it would never be felt.
    pub(in crate::sandbox) fn of(weather: Weather) -> Option<Box<Self>> {
        let (sent, seen, buckets) = (0, BTreeMap::new(), BTreeMap::new());
        let fresh = Self { weather, sent, seen, buckets, short_since: BTreeMap::new(), past: Vec::new() };
        (!fresh.weather.is_calm()).then(|| Box::new(fresh))
    }

    /// How long the next call takes there and back; none for no time at all.
    pub(in crate::sandbox) fn delay(&mut self) -> Option<Duration> {
        let Weather { latency, jitter, .. } = self.weather;
        if latency.is_zero() && jitter.is_zero() {
            return None;
        }
        self.sent += 1;
        Some(latency + jitter.mul_f64(self.drawn(&format!("delay/{}", self.sent))))
    }

    /// Counts a call.
    pub(in crate::sandbox) fn turn(&mut self, service: &'static Service, operation: &'static Operation) -> Turn {
        let nth = self.seen.entry((service.scope, operation.name)).or_default();
        *nth += 1;
        Turn { service, operation, nth: *nth }
    }

    /// What goes wrong with a call that has arrived.
    pub(in crate::sandbox) fn strike(&mut self, turn: &Turn, request: &Request, now: Timestamp) -> Option<How> {
        let lost = self.weather.lost;
        if self.happens(turn, "request", lost.requests) {
            return Some(How::LoseRequest);
        }
        if self.happens(turn, "late", lost.late) {
            return Some(How::Late(lost.late_by));
        }
        if !self.has_token(turn.service, now) {
            return Some(How::Error(throttled(turn.service)));
        }
        let name = format!("{}:{}", turn.service.scope, turn.operation.name);
        let matching = self.weather.errors.iter().filter(|(pattern, _)| wild(pattern, &name));
        let share = matching.max_by_key(|(pattern, _)| pattern.len()).map_or(0.0, |(_, share)| *share);
        if self.happens(turn, "error", share) {
            let error = failed(turn.service);
            return Some(if self.happens(turn, "done", 0.5) { How::ErrorAfter(error) } else { How::Error(error) });
        }
        if let Some(error) = self.short(turn, request, now) {
            return Some(How::Error(error));
        }
        self.happens(turn, "answer", lost.answers).then_some(How::LoseAnswer)
    }

    fn has_token(&mut self, service: &'static Service, now: Timestamp) -> bool {
        let throttle = &self.weather.throttle;
        let Some(Bucket { rate, burst }) = throttle.get(service.scope).or_else(|| throttle.get("*")).copied() else {
            return true;
        };
        let level = self.buckets.entry(service.scope).or_insert(Level { tokens: burst, at: now });
        let passed = now.duration_since(level.at).as_secs_f64().max(0.0);
        let tokens = (level.tokens + passed * rate).min(burst);
        let enough = tokens >= 1.0;
        *level = Level { tokens: if enough { tokens - 1.0 } else { tokens }, at: now };
        enough
    }

    fn short(&mut self, turn: &Turn, request: &Request, now: Timestamp) -> Option<AwsError> {
        let needs = |(service, operation, params, _): &&(&Service, &str, &[&str], &str)| {
            service.scope == turn.service.scope
                && *operation == turn.operation.name
                && (params.is_empty() || params.iter().any(|name| request.has(name)))
        };
        let (_, _, _, code) = NEED_COMPUTE.iter().find(needs)?;
        let since = *self.short_since.entry(turn.service.scope).or_insert(now);
        let capacity = self.weather.capacity;
        let begun = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let short = begun < capacity.short_for || self.happens(turn, "capacity", capacity.rate);
        let message = "There is currently insufficient capacity available to fulfil the request. Retry later";
        short.then(|| AwsError::new(*code, message))
    }

    fn happens(&self, turn: &Turn, what: &str, share: f64) -> bool {
        share > 0.0 && self.chance(turn, what) < share
    }

    /// A fraction that follows from the seed, the call and what it is drawn for.
    pub(super) fn chance(&self, turn: &Turn, what: &str) -> f64 {
        let Turn { service, operation, nth } = turn;
        self.drawn(&format!("{}:{}/{nth}/{what}", service.scope, operation.name))
    }

    fn drawn(&self, what: &str) -> f64 {
        let digest = Sha256::digest(format!("{}/{what}", self.weather.seed));
        let bits = digest.iter().take(8).fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// How a service says that it was asked too often (aws-facts.md 0.1; the API models).
fn throttled(service: &Service) -> AwsError {
    match (service.scope, service.protocol) {
        ("tagging", _) => AwsError::new("ThrottledException", "The request was denied to limit the frequency"),
        ("servicequotas", _) => AwsError::new("TooManyRequestsException", "Rate exceeded"),
        (_, Protocol::Ec2) => AwsError::new("RequestLimitExceeded", "Request limit exceeded.").status(503),
        (_, Protocol::Query | Protocol::Cbor) => AwsError::new("Throttling", "Rate exceeded"),
        (_, Protocol::RestXml) => AwsError::new("SlowDown", "Please reduce your request rate.").status(503),
        (_, Protocol::Json10 | Protocol::Json11) => AwsError::new("ThrottlingException", "Rate exceeded"),
    }
}

/// How a service says that it failed.
fn failed(service: &Service) -> AwsError {
    let own = [
        (iam::SERVICE.scope, "ServiceFailure", 500),
        (kms::SERVICE.scope, "KMSInternalException", 500),
        (secrets::SERVICE.scope, "InternalServiceError", 500),
        (serverless::SERVICE.scope, "InternalServerException", 500),
        ("logs", "ServiceUnavailableException", 503),
        ("servicequotas", "ServiceException", 500),
        ("tagging", "InternalServiceException", 500),
    ];
    let usual = match service.protocol {
        Protocol::Ec2 | Protocol::RestXml => "InternalError",
        Protocol::Query | Protocol::Json10 | Protocol::Json11 | Protocol::Cbor => "InternalFailure",
    };
    let (_, code, status) = own.into_iter().find(|(scope, ..)| *scope == service.scope).unwrap_or(("", usual, 500));
    AwsError::new(code, "An internal error has occurred. Retry your request").status(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{SERVICES, ec2, sts};
    use serde_json::json;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn request(service: &'static Service, params: serde_json::Value) -> Request {
        let (account, region) = ("123456789012".to_owned(), "us-west-2".to_owned());
        Request {
            service: service.scope,
            operation: String::new(),
            params,
            account,
            region,
            protocol: service.protocol,
        }
    }

    /// What becomes of so many calls, all at one moment.
    fn struck(
        sky: &mut Sky,
        service: &'static Service,
        operation: &str,
        now: Timestamp,
        calls: usize,
    ) -> Vec<Option<How>> {
        let operation = service.operation(operation).unwrap();
        let request = request(service, json!({}));
        let mut one = || {
            let turn = sky.turn(service, operation);
            sky.strike(&turn, &request, now)
        };
        (0..calls).map(|_| one()).collect()
    }

    fn sky(toml: &str) -> Sky {
        *Sky::of(Weather::parse("weather.toml", toml).unwrap()).unwrap()
    }

    #[test]
    fn calm_is_no_sky_at_all() {
        assert!(Sky::of(Weather { seed: 9, ..Weather::default() }).is_none());
        assert!(Sky::of(Weather::rough(0)).is_some());
    }

    #[test]
    fn a_bucket_refuses_when_empty_and_refills() {
        let mut sky = sky("[throttle]\nec2 = { rate = 2, burst = 5 }\n");
        let mut refused = |seconds, calls| {
            let struck = struck(&mut sky, &ec2::SERVICE, "DescribeVpcs", at(seconds), calls);
            struck.iter().filter(|how| how.is_some()).count()
        };
        assert_eq!([refused(0, 5), refused(0, 3), refused(1, 3), refused(2, 2), refused(60, 7)], [0, 3, 1, 0, 2]);
        // A clock that runs backwards takes nothing away and gives nothing.
        assert_eq!(refused(0, 1), 1);
        // The other services have no bucket.
        assert!(struck(&mut sky, &sts::SERVICE, "GetCallerIdentity", at(0), 50).iter().all(Option::is_none));
    }

    #[test]
    fn buckets_are_each_services_own() {
        let mut sky = sky("[throttle]\n\"*\" = { rate = 1, burst = 2 }\niam = { rate = 1, burst = 0 }\n");
        let mut codes = |service: &'static Service, operation| {
            let struck = struck(&mut sky, service, operation, at(0), 3);
            struck.into_iter().flatten().map(|how| format!("{how:?}")).collect::<Vec<_>>()
        };
        assert_eq!(codes(&ec2::SERVICE, "DescribeVpcs").len(), 1);
        assert_eq!(codes(&kms::SERVICE, "ListAliases").len(), 1);
        assert_eq!(codes(&iam::SERVICE, "GetRole").len(), 3);
    }

    #[test]
    fn every_service_has_words_of_its_own_for_too_many_and_for_failed() {
        let mut words = Vec::new();
        for service in SERVICES {
            let (throttled, failed) = (throttled(service), failed(service));
            assert!(failed.status >= 500, "{}", service.scope);
            words.push(format!("{} {} {} {}", service.scope, throttled.code, throttled.status, failed.code));
        }
        for known in [
            "ec2 RequestLimitExceeded 503 InternalError",
            "elasticloadbalancing Throttling 400 InternalFailure",
            "iam Throttling 400 ServiceFailure",
            "kms ThrottlingException 400 KMSInternalException",
            "redshift Throttling 400 InternalFailure",
            "redshift-serverless ThrottlingException 400 InternalServerException",
            "s3 SlowDown 503 InternalError",
        ] {
            assert!(words.iter().any(|line| line == known), "{known}\n{}", words.join("\n"));
        }
    }

    #[test]
    fn the_same_seed_is_the_same_weather_whatever_else_is_called() {
        let fates = |seed, others| {
            let mut sky = *Sky::of(Weather { throttle: BTreeMap::new(), ..Weather::rough(seed) }).unwrap();
            struck(&mut sky, &kms::SERVICE, "ListAliases", at(0), others);
            struck(&mut sky, &ec2::SERVICE, "CreateVpc", at(0), 2000)
        };
        assert_eq!(fates(1, 0), fates(1, 77));
        assert_ne!(fates(1, 0), fates(2, 0));
        let delays = |seed| {
            let mut sky = *Sky::of(Weather::rough(seed)).unwrap();
            (0..50).map(|_| sky.delay().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
        assert!(delays(1).iter().all(|delay| (40..100).contains(&delay.as_millis())));
    }

    #[test]
    fn shares_are_what_they_say() {
        let mut sky = sky(
            "[errors]\n\"*\" = 0\n\"ec2:*\" = 0.2\n[lost]\nrequests = 0.1\nanswers = 0.1\nlate = 0.05\nlate_by = \"9s\"\n",
        );
        let struck = struck(&mut sky, &ec2::SERVICE, "CreateVpc", at(0), 10_000);
        let share = |is: &dyn Fn(&How) -> bool| {
            struck.iter().flatten().filter(|how| is(how)).count() as f64 / struck.len() as f64
        };
        let near = |share: f64, wanted: f64| assert!((share - wanted).abs() < 0.01, "{share} for {wanted}");
        near(share(&|how| *how == How::LoseRequest), 0.1);
        near(share(&|how| *how == How::Late(Duration::from_secs(9))), 0.9 * 0.05);
        near(share(&|how| matches!(how, How::Error(_))), 0.9 * 0.95 * 0.1);
        near(share(&|how| matches!(how, How::ErrorAfter(_))), 0.9 * 0.95 * 0.1);
        near(share(&|how| *how == How::LoseAnswer), 0.9 * 0.95 * 0.8 * 0.1);
    }

    #[test]
    fn the_longest_pattern_counts() {
        let text = "[errors]\n\"*\" = 1\n\"ec2:*\" = 0\n\"ec2:Create*\" = 1\n\"ec2:CreateVpc\" = 0\n";
        let mut sky = sky(text);
        let mut fails = |service, operation| struck(&mut sky, service, operation, at(0), 1)[0].is_some();
        assert!(fails(&sts::SERVICE, "GetCallerIdentity") && fails(&ec2::SERVICE, "CreateSubnet"));
        assert!(!fails(&ec2::SERVICE, "CreateVpc") && !fails(&ec2::SERVICE, "DescribeVpcs"));
    }

    #[test]
    fn compute_is_short_for_those_who_need_it_and_for_a_while() {
        let mut sky = sky("[capacity]\nshort_for = \"10m\"\n");
        let mut code = |service: &'static Service, operation: &str, params, seconds| {
            let turn = sky.turn(service, service.operation(operation).unwrap());
            match sky.strike(&turn, &request(service, params), at(seconds)) {
                Some(How::Error(error)) => error.code,
                other => format!("{other:?}"),
            }
        };
        let (serverless, redshift) = (&serverless::SERVICE, &redshift::SERVICE);
        assert_eq!(code(serverless, "CreateNamespace", json!({}), 0), "None");
        assert_eq!(code(serverless, "CreateWorkgroup", json!({}), 0), "InsufficientCapacityException");
        assert_eq!(code(serverless, "UpdateWorkgroup", json!({"baseCapacity": 8}), 0), "InsufficientCapacityException");
        assert_eq!(code(serverless, "UpdateWorkgroup", json!({"port": 5440}), 0), "None");
        assert_eq!(code(redshift, "CreateCluster", json!({}), 300), "InsufficientClusterCapacity");
        assert_eq!(code(serverless, "CreateWorkgroup", json!({}), 599), "InsufficientCapacityException");
        assert_eq!(code(serverless, "CreateWorkgroup", json!({}), 600), "None");
        assert_eq!(code(redshift, "CreateCluster", json!({}), 600), "InsufficientClusterCapacity");
    }

    #[test]
    fn every_operation_that_needs_compute_by_a_name_has_that_parameter() {
        for (service, name, params, _) in NEED_COMPUTE {
            // Operations that rsds does not call yet are not in the sandbox.
            let Some(operation) = service.operation(name) else { continue };
            for param in *params {
                assert!(operation.params.contains(param), "{name} {param}");
            }
        }
    }
}
