//! Automatic rotation of keys.
//!
//! Called through `SERVICE`. Must never say that a key pending deletion rotates, nor forget that it did before.

use super::{DEFAULT_ROTATION_DAYS, Rotation, asked_key, change, date};
use crate::sandbox::Operation;
use crate::sandbox::iam::constraint::int_within;
use crate::sandbox::request::{AwsError, Reply, Request};
use crate::sandbox::world::World;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::ops::RangeInclusive;

const PERIOD_DAYS: RangeInclusive<i64> = 90..=2560;
const MILLISECONDS_PER_DAY: i64 = 24 * 3600 * 1000;

/// Operations on rotation.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        name: "EnableKeyRotation",
        mutating: true,
        params: &["KeyId", "RotationPeriodInDays"],
        run: enable_key_rotation,
    },
    Operation { name: "DisableKeyRotation", mutating: true, params: &["KeyId"], run: disable_key_rotation },
    Operation { name: "GetKeyRotationStatus", mutating: false, params: &["KeyId"], run: get_key_rotation_status },
];

fn enable_key_rotation(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let days = int_within(req, "RotationPeriodInDays", PERIOD_DAYS)?.unwrap_or(DEFAULT_ROTATION_DAYS);
    let id = asked_key(world, req, now)?.not_disabled()?.id.clone();
    change(world, &id, |key| {
        // The same period again does not start a new one.
        if key.rotation.as_ref().is_none_or(|old| old.days != days) {
            key.rotation = Some(Rotation { days, since: now });
        }
    });
    Ok(json!({}))
}

fn disable_key_rotation(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let id = asked_key(world, req, now)?.not_disabled()?.id.clone();
    change(world, &id, |key| key.rotation = None);
    Ok(json!({}))
}

fn get_key_rotation_status(world: &mut World, req: &Request, now: Timestamp) -> Result<Reply, AwsError> {
    let key = asked_key(world, req, now)?;
    let active = key.rotation.as_ref().filter(|_| key.deletion.is_none());
    let mut reply = json!({"KeyId": key.id, "KeyRotationEnabled": active.is_some()});
    if let Some(rotation) = active {
        reply["RotationPeriodInDays"] = json!(rotation.days);
        if let Some(next) = next(rotation, now) {
            reply["NextRotationDate"] = date(next);
        }
    }
    Ok(reply)
}

// The first multiple of the period that is still to come.
fn next(rotation: &Rotation, now: Timestamp) -> Option<Timestamp> {
    let period = rotation.days * MILLISECONDS_PER_DAY;
    let elapsed = now.as_millisecond() - rotation.since.as_millisecond();
    let turns = elapsed.div_euclid(period) + 1;
    rotation.since.checked_add(SignedDuration::from_millis(turns * period)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::kms::testing::Bench;

    #[test]
    fn rotation_has_a_period_and_a_next_date() {
        let mut bench = Bench::new();
        let id = bench.key();
        let of = json!({"KeyId": id});
        let off = bench.call("GetKeyRotationStatus", of.clone()).unwrap();
        assert_eq!(off, json!({"KeyId": id, "KeyRotationEnabled": false}));
        for wrong in [89, 2561] {
            let params = json!({"KeyId": id, "RotationPeriodInDays": wrong});
            assert_eq!(bench.code("EnableKeyRotation", params), "ValidationException");
        }
        bench.call("EnableKeyRotation", of.clone()).unwrap();
        let on = bench.call("GetKeyRotationStatus", of.clone()).unwrap();
        assert_eq!(on["RotationPeriodInDays"], 365);
        bench.call("EnableKeyRotation", json!({"KeyId": id, "RotationPeriodInDays": 90})).unwrap();
        let first = (bench.now.as_millisecond() + 90 * MILLISECONDS_PER_DAY) as f64 / 1000.0;
        let on = bench.call("GetKeyRotationStatus", of.clone()).unwrap();
        assert_eq!(on["NextRotationDate"], json!(first));
        bench.days(90);
        let on = bench.call("GetKeyRotationStatus", of.clone()).unwrap();
        assert!(on["NextRotationDate"].as_f64().unwrap() > first);
        bench.call("DisableKeyRotation", of.clone()).unwrap();
        let off = bench.call("GetKeyRotationStatus", of).unwrap();
        assert_eq!(off["KeyRotationEnabled"], false);
    }
}
