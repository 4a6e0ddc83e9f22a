//! Changes that show late: what a service looked like before them, and what a call sees of that.
//!
//! Asked by the router: a read in the lag may be answered from an earlier copy of its service's part of the world; a
//! change that rests on something made moments ago may be refused as if it were not there yet. Every call draws for
//! itself how far back it sees, as if it had come to another replica: what was there may be gone again at the next look.
//! Must never let a change be made on an earlier copy.

use super::sky::{Sky, Turn};
use crate::sandbox::{AwsError, Reply, World, iam, tagging};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// One service's part of a region as it was before a change.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Earlier {
    at: Timestamp,
    region: String,
    scope: &'static str,
    // All but that part is empty.
    before: Arc<World>,
}

/// A part of the world that a call sees as it was.
#[derive(Debug, Clone)]
pub(in crate::sandbox) struct Swap {
    scope: &'static str,
    before: Arc<World>,
}

/// Services that have a part of the world and change it.
const PARTS: &[&str] = &[
    "ec2",
    "elasticloadbalancing",
    "iam",
    "kms",
    "logs",
    "monitoring",
    "redshift",
    "redshift-data",
    "redshift-serverless",
    "s3",
    "secretsmanager",
    "sns",
];

/// Whether a service can lag: it has something that changes, or reads what others have.
pub(super) fn lags(scope: &str) -> bool {
    PARTS.contains(&scope) || scope == tagging::SERVICE.scope
}

/// Exchanges one part of two worlds; tells whether there is such a part.
fn exchange(scope: &str, one: &mut World, other: &mut World) -> bool {
    use std::mem::swap;
    match scope {
        "ec2" => swap(&mut one.ec2, &mut other.ec2),
        "elasticloadbalancing" => swap(&mut one.elb, &mut other.elb),
        "iam" => swap(&mut one.iam, &mut other.iam),
        "kms" => swap(&mut one.kms, &mut other.kms),
        "logs" => swap(&mut one.logs, &mut other.logs),
        "secretsmanager" => swap(&mut one.secrets, &mut other.secrets),
        "monitoring" => swap(&mut one.cloudwatch, &mut other.cloudwatch),
        "redshift" => {
            swap(&mut one.redshift, &mut other.redshift);
            swap(&mut one.abroad, &mut other.abroad);
        }
        // One without the other would run statements again that are done.
        "redshift-data" => {
            swap(&mut one.data_api, &mut other.data_api);
            swap(&mut one.sql, &mut other.sql);
        }
        "redshift-serverless" => swap(&mut one.serverless, &mut other.serverless),
        "sns" => swap(&mut one.sns, &mut other.sns),
        "s3" => swap(&mut one.s3, &mut other.s3),
        _ => return false,
    }
    true
}

/// The world with some of its parts as they were.
pub(in crate::sandbox) fn swapped(mut world: World, swaps: &[Swap]) -> World {
    for Swap { scope, before } in swaps {
        exchange(scope, &mut world, &mut (**before).clone());
    }
    world
}

/// What a call answers that sees some parts as they were, if that is for want of seeing: an error that says so.
pub(in crate::sandbox) fn blind(
    world: &World,
    swaps: &[Swap],
    run: impl FnOnce(&mut World) -> Result<Reply, AwsError>,
) -> Option<AwsError> {
    if swaps.is_empty() {
        return None;
    }
    run(&mut swapped(world.clone(), swaps)).err().filter(says_unseen)
}

/// Codes of what is missing or in the way. That a name or a range is taken, or a limit reached, services know at once; what
/// one service does not know yet of another's, its own file says.
fn says_unseen(error: &AwsError) -> bool {
    ["NotFound", "NoSuch", "DependencyViolation", "DeleteConflict"].iter().any(|word| error.code.contains(word))
}

impl Sky {
    /// Whether the part of `scope` before a change is worth keeping.
    pub(in crate::sandbox) fn remembers(&self, scope: &str) -> bool {
        let lag = |scope: &str| self.weather.lag.get(scope).is_some_and(|lag| !lag.0.is_zero());
        lag(scope) || lag(tagging::SERVICE.scope)
    }

    /// Keeps what a service looked like before a change of this moment, and forgets what nobody can see any more.
    pub(in crate::sandbox) fn remember(&mut self, at: Timestamp, scope: &'static str, mut before: World) {
        let longest = self.weather.lag.values().map(|lag| lag.0).max().unwrap_or_default();
        self.past.retain(|earlier| since(earlier.at, at) < longest);
        let mut kept = World::new(&before.region);
        exchange(scope, &mut kept, &mut before);
        self.past.push(Earlier { at, region: before.region, scope, before: Arc::new(kept) });
    }

    /// What a call that only reads sees as it was: of its own service, or of all for the one that reads them all.
    pub(in crate::sandbox) fn unseen_by_read(&self, turn: &Turn, region: &str, now: Timestamp) -> Vec<Swap> {
        let scope = turn.service.scope;
        let age = self.age(turn, scope);
        let read: &[&str] = if scope == tagging::SERVICE.scope { PARTS } else { std::slice::from_ref(&scope) };
        read.iter().filter_map(|scope| self.as_it_was(scope, region, now, age)).collect()
    }

    /// What a change sees as it was: of every service that lags, each by itself.
    pub(in crate::sandbox) fn unseen_by_change(&self, turn: &Turn, region: &str, now: Timestamp) -> Vec<Swap> {
        let lagging = self.weather.lag.keys().filter(|scope| *scope != tagging::SERVICE.scope);
        lagging.filter_map(|scope| self.as_it_was(scope, region, now, self.age(turn, scope))).collect()
    }

    /// How far back a call sees the part of `scope`.
    fn age(&self, turn: &Turn, scope: &str) -> Duration {
        let lag = self.weather.lag.get(scope).map_or(Duration::ZERO, |lag| lag.0);
        if lag.is_zero() { lag } else { lag.mul_f64(self.chance(turn, &format!("lag/{scope}"))) }
    }

    /// The part as it was so long ago, if it has changed since.
    fn as_it_was(&self, scope: &str, region: &str, now: Timestamp, age: Duration) -> Option<Swap> {
        let here = |earlier: &&Earlier| {
            // Roles are the same in every region.
            earlier.scope == scope && (earlier.region == region || scope == iam::SERVICE.scope)
        };
        let changed = self.past.iter().filter(here).find(|earlier| since(earlier.at, now) < age)?;
        Some(Swap { scope: changed.scope, before: Arc::clone(&changed.before) })
    }
}

fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::SERVICES;

    #[test]
    fn every_service_has_a_part_or_none_to_change() {
        for service in SERVICES {
            let mutating = service.operations.iter().flat_map(|list| list.iter()).any(|operation| operation.mutating);
            assert_eq!(PARTS.contains(&service.scope), mutating, "{}", service.scope);
        }
    }

    #[test]
    fn every_part_can_be_exchanged_and_nothing_else() {
        let exchanged = |scope: &str| exchange(scope, &mut World::default(), &mut World::default());
        assert!(PARTS.iter().all(|scope| exchanged(scope)));
        assert!(!exchanged("sts") && !exchanged(tagging::SERVICE.scope));
    }

    #[test]
    fn only_what_is_missing_or_in_the_way_can_be_for_want_of_seeing() {
        let says = |code: &str| says_unseen(&AwsError::new(code, ""));
        let unseen =
            ["InvalidVpcID.NotFound", "NoSuchEntity", "NotFoundException", "DependencyViolation", "DeleteConflict"];
        assert!(unseen.into_iter().all(says));
        let known =
            ["InvalidSubnet.Conflict", "EntityAlreadyExists", "VpcLimitExceeded", "InvalidPermission.Duplicate"];
        assert!(!known.into_iter().any(says));
    }
}
