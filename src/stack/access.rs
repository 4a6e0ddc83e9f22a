//! What a warehouse acts as: its role, and the role's rights to buckets. And what acts on it when its time has come.
//!
//! Called by `warehouse` and `cluster`. The role keeps its address and name whichever form its warehouse has: only who
//! may take it on differs.

use super::Component;
use crate::{
    aws::{
        Owner,
        policy::{Policy, partition},
        role::{Role, RoleSpec},
        role_policy::{RolePolicy, RolePolicySpec},
    },
    config::typed::Config,
    kind::{Handle, Tags},
};

/// The principal that may take on the role of a schedule (aws-facts.md 5.8, 6.6).
const SCHEDULER: &str = "scheduler.redshift.amazonaws.com";

/// Describes the role of the warehouse `name`, which `services` may take on.
pub(super) fn role(part: &mut Component<'_>, owner: &Owner, name: &str, services: &[&str]) -> Handle<Role> {
    let spec = RoleSpec {
        name: name.into(),
        path: owner.role_path(),
        description: format!("rsds: Redshift warehouse {name}"),
        trust: Policy::trust(services.iter().copied()),
        tags: Tags::new(),
    };
    part.add::<Role>("role", spec)
}

/// Describes what Redshift's scheduler acts as, with these rights; returns the role and the rights, which come before any
/// use.
pub(super) fn scheduler(
    part: &mut Component<'_>,
    owner: &Owner,
    name: &str,
    actions: &[&str],
    resource: &str,
) -> (Handle<Role>, Handle<RolePolicy>) {
    let spec = RoleSpec {
        name: format!("{name}-scheduler").into(),
        path: owner.role_path(),
        description: format!("rsds: schedules of {name}"),
        trust: Policy::trust([SCHEDULER]),
        tags: Tags::new(),
    };
    let role = part.add::<Role>("scheduler-role", spec);
    let policy = Policy::allow(actions, [resource]);
    let spec = RolePolicySpec { role: role.name(), name: "schedules".to_owned(), policy };
    let policy = part.add::<RolePolicy>("scheduler-role-policy", spec);
    (role, policy)
}

/// Describes the role's rights to buckets; none without buckets.
pub(super) fn buckets(
    part: &mut Component<'_>,
    config: &Config,
    role: &Handle<Role>,
    names: &[String],
    write: bool,
) -> Option<Handle<RolePolicy>> {
    if names.is_empty() {
        return None;
    }
    let policy = Policy::s3(partition(&config.region), names.iter().map(String::as_str), write);
    let spec = RolePolicySpec { role: role.name(), name: "s3-access".to_owned(), policy };
    let policy = part.add::<RolePolicy>("role-policy", spec);
    let key = format!("{}.s3_buckets", part.origin());
    part.comes_from(&policy, "policy", &key);
    Some(policy)
}
