//! Names that must exist elsewhere in the file: groups in listeners and shares, shares in grants, users and roles.

use super::Rules;
use crate::config::diagnostic::did_you_mean;
use crate::config::shape::Fault;
use crate::config::tree::join;
use crate::config::typed::{Config, Principal};

/// Listeners a load balancer may have (aws-facts.md 7.5).
const LISTENERS: usize = 50;

pub(super) fn check(rules: &mut Rules<'_>) {
    listeners(rules);
    ports(rules);
    shares(rules);
    logins(rules);
}

/// Reports each of `names` (the array at `path`) that is not in `known`.
fn exist<'a>(rules: &mut Rules<'_>, path: &str, what: &str, names: &[String], known: impl Iterator<Item = &'a String>) {
    let known: Vec<&str> = known.map(String::as_str).collect();
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !known.contains(&name.as_str())) {
        let message = format!("there is no {what} `{name}`");
        let help = did_you_mean(name, known.iter().copied());
        rules.error(&format!("{path}[{index}]"), Fault { message, help });
    }
}

fn principals(rules: &mut Rules<'_>, path: &str, principals: &[Principal]) {
    let config = rules.config;
    for (index, principal) in principals.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let (what, name, known): (_, _, Vec<&str>) = match principal {
            Principal::User(name) => ("user", name, config.users.keys().map(String::as_str).collect()),
            Principal::Role(name) => ("role", name, config.roles.keys().map(String::as_str).collect()),
        };
        if !known.contains(&name.as_str()) {
            let help = did_you_mean(name, known).unwrap_or_else(|| format!("declare it as `[{what}s.{name}]`"));
            rules.error(&path, Fault::new(format!("there is no {what} `{name}`")).help(help));
        }
    }
}

fn listeners(rules: &mut Rules<'_>) {
    let config = rules.config;
    for (index, listener) in config.nlb.listeners.iter().enumerate() {
        let path = format!("nlb.listeners[{index}].consumers");
        exist(rules, &path, "consumer group", &listener.consumers, config.consumers.keys());
        if listener.consumers.is_empty() {
            rules.error(&path, Fault::new("a listener sends to at least one consumer group"));
        }
        for (position, name) in listener.consumers.iter().enumerate() {
            if config.consumers.get(name).is_some_and(|consumer| !consumer.behind_nlb) {
                let fault = format!("the group `{name}` is not behind the load balancer");
                let help = format!("`behind_nlb` is false in `[consumers.{name}]`");
                rules.error(&format!("{path}[{position}]"), Fault::new(fault).help(help));
            }
        }
    }
    let count = config.nlb.listeners.len() + 1;
    if count > LISTENERS {
        let fault = format!("{count} listeners with the one on `nlb.port`: a load balancer has at most {LISTENERS}");
        rules.error_at_key("nlb.listeners", Fault::new(fault));
    }
}

fn ports(rules: &mut Rules<'_>) {
    let mut taken = vec![rules.config.nlb.port];
    for (index, listener) in rules.config.nlb.listeners.iter().enumerate() {
        let path = format!("nlb.listeners[{index}].port");
        if !rules.sound(&path) {
            continue;
        }
        if taken.contains(&listener.port) {
            rules.error(&path, Fault::new(format!("port {} has a listener already", listener.port)));
        }
        taken.push(listener.port);
    }
}

fn shares(rules: &mut Rules<'_>) {
    let config = rules.config;
    for (name, share) in &config.datashares {
        let path = join("datashares", name);
        if let Some(consumers) = &share.consumers {
            exist(rules, &format!("{path}.consumers"), "consumer group", consumers, config.consumers.keys());
        }
        principals(rules, &format!("{path}.grant_to"), &share.grant_to);
    }
}

fn logins(rules: &mut Rules<'_>) {
    let config = rules.config;
    for (name, user) in &config.users {
        let path = join("users", name);
        exist(rules, &format!("{path}.grants"), "data share", &user.grants, config.datashares.keys());
        admin(rules, config, name, &path);
    }
    for (name, role) in &config.roles {
        let path = format!("{}.members", join("roles", name));
        principals(rules, &path, &role.members);
        let own = role.members.iter().position(|member| *member == Principal::Role(name.clone()));
        if let Some(index) = own {
            rules.error(&format!("{path}[{index}]"), Fault::new("a role cannot have itself"));
        }
        if config.users.contains_key(name) {
            rules.error_at_key(&join("roles", name), Fault::new("there is a user of the same name"));
        }
    }
}

fn admin(rules: &mut Rules<'_>, config: &Config, name: &str, path: &str) {
    let admins = config.consumers.values().map(|consumer| &consumer.admin_username);
    if admins.chain([&config.producer.admin_username]).any(|admin| admin == name) {
        rules.error_at_key(path, Fault::new("this is the admin user of a warehouse, which is there already"));
    }
}
