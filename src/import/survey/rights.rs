//! What the warehouses of an old estate act as and are encrypted with: roles, their policies, the producer's key.
//!
//! Part of `survey`. A role that several share is the first one's. Must never read more of a policy than its buckets.

use super::{Survey, warehouse::Warehouse};
use crate::{
    address::Address,
    config::shape::Shape,
    import::tfstate::{TfResource, texts},
};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// The managed policy that consumers of rsds have.
const ALL_COMMANDS: &str = "policy/AmazonRedshiftAllCommandsFullAccess";

impl<'a> Survey<'a> {
    /// Puts the role of a warehouse and its policies in their places; returns the buckets it may use.
    pub(super) fn role(&mut self, one: &Warehouse<'a>, writes: bool) -> Vec<String> {
        let tf = self.tf;
        let arns = one.roles();
        let found = arns.iter().find_map(|arn| tf.of("aws_iam_role").find(|role| role.text("arn") == Some(*arn)));
        // A role that several share is the first one's; the others name it by its ARN.
        let Some(role) = found.filter(|role| !self.seen.contains(role.address.as_str())) else { return Vec::new() };
        let (component, name) = (one.component.as_str(), role.text("name").unwrap_or_default());
        self.assign(component, "role", role, "iam.role", name);
        self.name(component, "role", name, component.strip_prefix("consumer-").unwrap_or(component));
        let buckets = self.policy_of(component, role, name);
        if writes {
            self.set_unless("producer", "s3_buckets", Some(json!(buckets)), &json!([]));
        }
        self.attachment_of(component, role, name, writes);
        buckets
    }

    /// Puts the policy written into a role in its place: a resource of its own, or a block of the role; returns its buckets.
    fn policy_of(&mut self, component: &str, role: &'a TfResource, name: &str) -> Vec<String> {
        let own = self.tf.of("aws_iam_role_policy").filter(|of| of.text("role") == Some(name));
        let own: Vec<(&TfResource, &str, &str)> =
            own.map(|of| (of, of.text("name").unwrap_or_default(), of.text("policy").unwrap_or_default())).collect();
        // The provider shows those of others there, too.
        let inside = role.blocks("inline_policy").iter().filter_map(|block| {
            let (policy, text) = (block["name"].as_str()?, block["policy"].as_str()?);
            own.iter().all(|(_, other, _)| *other != policy).then_some((role, policy, text))
        });
        let inside: Vec<_> = inside.collect();
        let mut taken = Vec::new();
        for (of, policy, text) in own.into_iter().chain(inside) {
            let found = buckets(text);
            if taken.is_empty() && !found.is_empty() {
                taken = found;
                self.assign(component, "role-policy", of, "iam.role-policy", &format!("{name}:{policy}"));
                if policy != "s3-access" {
                    self.layout.names.insert(Address::new(component, "role-policy"), policy.to_owned());
                }
            } else if of.ty == "aws_iam_role_policy" {
                self.leave(of, "rsds writes one policy into a role, for buckets: this one stays as it is");
            }
        }
        taken
    }

    /// Puts one attached policy of a consumer's role in its place.
    fn attachment_of(&mut self, component: &str, role: &'a TfResource, name: &str, writes: bool) {
        let own = self.tf.of("aws_iam_role_policy_attachment").filter(|of| of.text("role") == Some(name));
        let own: Vec<(&TfResource, &str)> = own.map(|of| (of, of.text("policy_arn").unwrap_or_default())).collect();
        let inside = role.texts("managed_policy_arns").into_iter();
        let inside: Vec<_> =
            inside.filter(|arn| own.iter().all(|(_, other)| other != arn)).map(|arn| (role, arn)).collect();
        let all: Vec<(&TfResource, &str)> = own.into_iter().chain(inside).collect();
        let first = all.iter().find(|(_, arn)| arn.ends_with(ALL_COMMANDS)).or(all.first()).map(|(_, arn)| *arn);
        for (of, arn) in all {
            if !writes && first == Some(arn) {
                let text = format!("{name}/{arn}");
                self.assign(component, "role-policy-attachment", of, "iam.role-policy-attachment", &text);
            } else if of.ty == "aws_iam_role_policy_attachment" {
                let why =
                    "rsds attaches no such policy: it stays attached, and the role cannot go before it is detached";
                self.leave(of, why);
            }
        }
    }

    /// Puts the producer's key in its place, or names the one that is not in this state.
    pub(super) fn key(&mut self, one: &Warehouse<'a>) {
        let tf = self.tf;
        let of = one.cluster.or(one.namespace);
        let Some(arn) = of.and_then(|of| of.text("kms_key_id")).filter(|arn| arn.starts_with("arn:")) else { return };
        let Some(key) = tf.of("aws_kms_key").find(|key| key.text("arn") == Some(arn)) else {
            self.set("producer", "kms_key_arn", json!(arn));
            return;
        };
        let id = key.text("key_id").unwrap_or_default();
        self.assign("producer", "key", key, "kms.key", id);
        let alias = tf.of("aws_kms_alias").find(|alias| [Some(id), Some(arn)].contains(&alias.text("target_key_id")));
        if let Some(alias) = alias {
            let name = alias.text("name").unwrap_or_default();
            self.assign("producer", "key-alias", alias, "kms.alias", name);
            if name != format!("alias/{}-{}-producer", self.project, self.env) {
                self.layout.names.insert(Address::new("producer", "key-alias"), name.to_owned());
            }
        }
    }
}

/// Finds the buckets a policy is about.
fn buckets(policy: &str) -> Vec<String> {
    let Ok(policy) = serde_json::from_str::<Json>(policy) else { return Vec::new() };
    let listed = |json: &Json| json.as_array().cloned().unwrap_or_else(|| vec![json.clone()]);
    let mut found = BTreeSet::new();
    for statement in listed(&policy["Statement"]) {
        let resources = listed(&statement["Resource"]);
        for resource in texts(&Json::Array(resources)) {
            let name = resource.split(":::").nth(1).map(|rest| rest.split('/').next().unwrap_or_default());
            let good = |name: &&str| Shape::Bucket.check(name).is_ok();
            found.extend(name.filter(good).map(str::to_owned));
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_a_policy_names() {
        let policy = r#"{"Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::lake-raw/*", "arn:aws:s3:::lake-raw"]},
            {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::exports/daily/*"}]}"#;
        assert_eq!(buckets(policy), ["exports", "lake-raw"]);
        assert!(buckets("not a policy").is_empty());
    }
}
