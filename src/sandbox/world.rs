//! Everything that exists in one region of the built-in AWS, as one serialisable value.
//!
//! Read and changed by the operations alone (and by tests through `Sandbox::edit`). Must never hold a secret
//! nor read a clock: ids come from the seed, the time is passed in.

use super::{acm, cloudwatch, data_api, ec2, elb, iam, kms, logs, redshift, s3, secrets, serverless, sns, sql};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Account of the built-in AWS.
pub const ACCOUNT: &str = "123456789012";
/// Region that a world has unless told otherwise.
pub const DEFAULT_REGION: &str = "us-west-2";

/// One region of the built-in AWS; IAM, and what Redshift copies from one region to another, are shared by all of them
/// (the store moves both in and out).
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct World {
    /// Twelve-digit account.
    pub account: String,
    /// Region name, or `aws-global` for the services that have no region.
    pub region: String,
    /// Seed of all ids.
    pub seed: u64,
    /// Number of ids given out so far.
    pub counter: u64,
    /// Quotas that differ from AWS's defaults, by `<service>/<code>` of `quota::QUOTAS`; shared by all regions.
    #[serde(default)]
    pub quotas: BTreeMap<String, u64>,
    /// Networks.
    pub ec2: ec2::Ec2,
    /// Roles and policies.
    pub iam: iam::Iam,
    /// Keys and aliases.
    pub kms: kms::Kms,
    /// Redshift, provisioned; a world kept by an earlier build has none.
    #[serde(default)]
    pub redshift: redshift::Redshift,
    /// What Redshift copies from one region to another; shared by all of them.
    #[serde(default)]
    pub abroad: redshift::Abroad,
    /// Redshift Serverless.
    pub serverless: serverless::Serverless,
    /// Load balancers.
    pub elb: elb::Elb,
    /// Secrets Manager.
    pub secrets: secrets::Secrets,
    /// CloudWatch Logs.
    #[serde(default)]
    pub logs: logs::Logs,
    /// CloudWatch: alarms.
    #[serde(default)]
    pub cloudwatch: cloudwatch::CloudWatch,
    /// Topics and who hears of them.
    #[serde(default)]
    pub sns: sns::Sns,
    /// What the warehouses' databases hold.
    #[serde(default)]
    pub sql: sql::Sql,
    /// Statements sent to them.
    #[serde(default)]
    pub data_api: data_api::DataApi,
    /// Certificate Manager.
    #[serde(default)]
    pub acm: acm::Acm,
    /// Buckets; all of them are in the world of the services without a region.
    #[serde(default)]
    pub s3: s3::S3,
}

impl Default for World {
    fn default() -> Self {
        Self::new(DEFAULT_REGION)
    }
}

impl World {
    /// An empty region; its seed follows from its name, so that regions do not share ids.
    pub fn new(region: &str) -> Self {
        Self {
            account: ACCOUNT.into(),
            region: region.into(),
            seed: number(region),
            counter: 0,
            quotas: BTreeMap::new(),
            ec2: ec2::Ec2::default(),
            iam: iam::Iam::default(),
            kms: kms::Kms::default(),
            redshift: redshift::Redshift::default(),
            abroad: redshift::Abroad::default(),
            serverless: serverless::Serverless::default(),
            elb: elb::Elb::default(),
            secrets: secrets::Secrets::default(),
            logs: logs::Logs::default(),
            cloudwatch: cloudwatch::CloudWatch::default(),
            sns: sns::Sns::default(),
            sql: sql::Sql::default(),
            data_api: data_api::DataApi::default(),
            acm: acm::Acm::default(),
            s3: s3::S3::default(),
        }
    }

    /// Next seeded id of that many lower-case hex digits (at most 64).
    pub fn hex(&mut self, digits: usize) -> String {
        self.counter += 1;
        let mut text = digest(&format!("{}/{}", self.seed, self.counter));
        text.truncate(digits);
        text
    }

    /// Next seeded id in the shape of a version 4 UUID.
    pub fn uuid(&mut self) -> String {
        uuid_shape(&self.hex(32))
    }

    /// `arn:aws:<service>:<region>:<account>:<rest>`.
    pub fn arn(&self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }

    /// Does what services do to each other by themselves as time passes; the router calls it before every operation.
    pub fn catch_up(&mut self, now: Timestamp) {
        let arrived = [serverless::arrived_logs(self, now), redshift::arrived_logs(self, now)].concat();
        for (since, name) in arrived {
            logs::deliver(self, since, &name);
        }
        redshift::catch_up(self, now);
        serverless::catch_up(self, now);
        s3::expire(self, now);
        self.sns.catch_up(now);
        data_api::catch_up(self, now);
    }

    /// Whether nothing a user created is left (keys pending deletion count as gone).
    pub fn is_empty(&self) -> bool {
        self.leftovers().is_empty()
    }

    /// Names of the services that still hold something a user created.
    pub fn leftovers(&self) -> Vec<&'static str> {
        [
            ("ec2", self.ec2.is_empty()),
            ("iam", self.iam.is_empty()),
            ("kms", self.kms.is_empty()),
            ("redshift", self.redshift.is_empty() && self.abroad.has_nothing_in(&self.region)),
            ("redshift snapshots", self.redshift.snapshots.is_empty()),
            ("redshift data shares taken up", !self.sql.abroad.is_taken_up()),
            ("redshift-serverless", self.serverless.is_empty()),
            ("elasticloadbalancing", self.elb.is_empty()),
            ("secretsmanager", self.secrets.is_empty()),
            ("logs", self.logs.is_empty()),
            ("monitoring", self.cloudwatch.is_empty()),
            ("sns", self.sns.is_empty()),
            ("s3", self.s3.is_empty()),
        ]
        .into_iter()
        .filter_map(|(service, empty)| (!empty).then_some(service))
        .collect()
    }
}

/// 64 hex digits that follow from the text alone.
pub fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The first 32 hex digits as a version 4 UUID.
pub fn uuid_shape(hex: &str) -> String {
    let digit = |at: usize| hex.get(at..=at).unwrap_or("0");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let variant = match digit(16) {
        "0" | "4" | "8" | "c" => "8",
        "1" | "5" | "9" | "d" => "9",
        "2" | "6" | "a" | "e" => "a",
        _ => "b",
    };
    format!("{}-{}-4{}-{variant}{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn number(text: &str) -> u64 {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_seed_and_counter() {
        let (mut one, mut two) = (World::default(), World::default());
        assert_eq!(one.hex(17), two.hex(17));
        assert_ne!(one.hex(17), one.hex(17));
        assert_ne!(one.hex(17), World::new("eu-west-1").hex(17));
        let id = uuid::Uuid::parse_str(&one.uuid()).unwrap();
        assert_eq!(id.get_version_num(), 4);
        assert!(one.is_empty());
    }

    #[test]
    fn a_world_survives_json() {
        let mut world = World::default();
        world.hex(8);
        let text = serde_json::to_string(&world).unwrap();
        assert_eq!(serde_json::from_str::<World>(&text).unwrap(), world);
    }
}
