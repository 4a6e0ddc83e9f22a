//! The components `user-<name>`: the secret with the password that every warehouse knows the user by.
//!
//! Called by `build` before `sharing`, which makes the users themselves. Where a warehouse takes no statements there is
//! nobody to log in, and the secret stands all the same: a reader added later knows the same password.

use super::{Stack, sharing::spelt};
use crate::{
    address::Address,
    aws::{
        ids::PasswordVersion,
        secret::{Secret, SecretSpec},
    },
    config::Config,
    kind::{In, Tags},
};
use std::collections::BTreeMap;

/// Which password each user logs in with, by the name in the TOML.
pub(super) type Passwords = BTreeMap<String, In<PasswordVersion>>;

fn component(user: &str) -> String {
    format!("user-{}", spelt(user))
}

/// Returns the address of a user's secret.
pub(crate) fn secret(user: &str) -> Address {
    Address::new(component(user), "secret")
}

/// Describes the secrets; `rotations` tells how often each password has been changed.
pub(super) fn describe(stack: &mut Stack, config: &Config, rotations: &BTreeMap<String, u32>) -> Passwords {
    let mut passwords = Passwords::new();
    for user in config.users.keys() {
        let component = component(user);
        let mut part = stack.component(&component, &format!("users.{user}"));
        let spec = SecretSpec {
            name: part.physical_name("secret", config.name(&component)),
            username: user.clone(),
            description: format!("The password of {user} in every warehouse of {}-{}", config.project, config.env),
            rotations: rotations.get(user).copied().unwrap_or_default(),
            scheduled_for_deletion: false,
            tags: Tags::new(),
        };
        passwords.insert(user.clone(), part.add::<Secret>("secret", spec).password());
    }
    passwords
}
