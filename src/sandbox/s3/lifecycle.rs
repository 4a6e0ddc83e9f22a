//! What the lifecycle of a bucket does by itself: old versions go, and delete markers that hide nothing any more.
//!
//! Called by `World::catch_up` before every operation. AWS works through its rules once a day; here their time is exact.
//! Must never touch a current version.

use super::{Bucket, Version, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What one rule lets go.
struct Rule<'a> {
    prefix: &'a str,
    /// Time after which an old version goes, and how many newer old ones must be there.
    old: Option<(SignedDuration, usize)>,
    markers: bool,
}

impl<'a> Rule<'a> {
    fn read(rule: &'a Value) -> Option<Self> {
        let number = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok());
        let old = &rule["NoncurrentVersionExpiration"];
        let after = number(&old["NoncurrentDays"]).map(|days| SignedDuration::from_hours(days.saturating_mul(24)));
        let newer = number(&old["NewerNoncurrentVersions"]).and_then(|most| usize::try_from(most).ok());
        (rule["Status"] == "Enabled").then(|| Self {
            prefix: rule["Filter"]["Prefix"].as_str().unwrap_or_default(),
            old: after.map(|after| (after, newer.unwrap_or(0))),
            markers: rule["Expiration"]["ExpiredObjectDeleteMarker"] == "true",
        })
    }

    fn work(&self, versions: &mut Vec<Version>, now: Timestamp) {
        if let Some((after, newer)) = self.old {
            // Oldest first; a version is old since the next one was written.
            let old = versions.len().saturating_sub(1 + newer);
            let is_due =
                |at: usize| versions.get(at + 1).is_some_and(|next| now.duration_since(next.modified) >= after);
            let due = (0..old).take_while(|at| is_due(*at)).count();
            versions.drain(..due);
        }
        if self.markers && matches!(versions.as_slice(), [last] if last.marker) {
            versions.clear();
        }
    }
}

impl Bucket {
    fn expire(&mut self, now: Timestamp) {
        for rule in self.lifecycle.iter().filter_map(Rule::read) {
            let fits = self.objects.iter_mut().filter(|(key, _)| key.starts_with(rule.prefix));
            fits.for_each(|(_, versions)| rule.work(versions, now));
        }
        self.objects.retain(|_, versions| !versions.is_empty());
    }
}

/// Lets every bucket's lifecycle do what is due.
pub fn expire(world: &mut World, now: Timestamp) {
    let buckets = world.s3.buckets.values_mut().filter(|bucket| !bucket.lifecycle.is_empty());
    buckets.for_each(|bucket| bucket.expire(now));
}

#[cfg(test)]
mod tests {
    use super::super::SERVICE;
    use super::*;
    use crate::sandbox::serverless::bench::Bench;
    use serde_json::json;

    #[test]
    fn old_versions_go_but_never_the_last_ones_nor_the_current_one() {
        let mut bench = Bench::new();
        let bucket = |more: Value| {
            let mut params = json!({ "Bucket": "acme-state" });
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            params
        };
        let place = json!({ "CreateBucketConfiguration": { "LocationConstraint": "us-west-2" } });
        bench.ok(&SERVICE, "CreateBucket", bucket(place));
        let on = json!({ "VersioningConfiguration": { "Status": "Enabled" } });
        bench.ok(&SERVICE, "PutBucketVersioning", bucket(on));
        let rule = json!({ "LifecycleConfiguration": { "Rule": [{ "ID": "old", "Status": "Enabled",
            "Filter": { "Prefix": "rsds/" }, "Expiration": { "ExpiredObjectDeleteMarker": "true" },
            "NoncurrentVersionExpiration": { "NoncurrentDays": "5", "NewerNoncurrentVersions": "2" } }] } });
        bench.ok(&SERVICE, "PutBucketLifecycleConfiguration", bucket(rule));
        for key in ["rsds/a", "other"] {
            for _ in 0..6 {
                bench.ok(&SERVICE, "PutObject", bucket(json!({ "Key": key, "Body": "" })));
                bench.pass(3600);
            }
        }
        let left = |bench: &mut Bench, key: &str| {
            bench.caught_up();
            bench.world.s3.buckets["acme-state"].objects.get(key).map_or(0, Vec::len)
        };
        assert_eq!(left(&mut bench, "rsds/a"), 6);
        bench.pass(5 * 86_400);
        assert_eq!((left(&mut bench, "rsds/a"), left(&mut bench, "other")), (3, 6), "one and the two before it");
        bench.ok(&SERVICE, "DeleteObject", bucket(json!({ "Key": "rsds/a" })));
        bench.pass(6 * 86_400);
        assert_eq!(left(&mut bench, "rsds/a"), 3, "the marker is the current one now");
        let ids: Vec<String> =
            bench.world.s3.buckets["acme-state"].objects["rsds/a"].iter().map(|version| version.id.clone()).collect();
        for id in &ids[..2] {
            bench.ok(&SERVICE, "DeleteObject", bucket(json!({ "Key": "rsds/a", "versionId": id })));
        }
        assert_eq!(left(&mut bench, "rsds/a"), 0, "a marker that hides nothing");
    }
}
